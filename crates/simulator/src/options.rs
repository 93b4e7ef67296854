//! What a simulated modem is made of, and how its network treats it.
//!
//! Plain data with defaults: everything answers at once, the SIM asks for no PIN.

use std::time::Duration;

use crate::vendor_profile::VendorProfile;

/// How to make a [`Simulator`](crate::Simulator).
///
/// ```
/// use smsbridge_simulator::{Options, VendorProfile, Simulator};
/// let sim = Simulator::new(Options {
///     profile: VendorProfile::ec25(),
///     pin: Some("1234".into()),
///     ..Options::default()
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// Which vendor's modem it is.
    pub profile: VendorProfile,
    /// The SIM's PIN; `None`: it asks for none.
    pub pin: Option<String>,
    /// The SIM's PUK.
    pub puk: String,
    /// Slots on the SIM.
    pub slots: usize,
    /// Slots in the modem's own memory.
    pub me_slots: usize,
    /// Slots for status reports.
    pub sr_slots: usize,
    /// The SIM's own number, also the answer to `+CNUM`.
    pub number: String,
    /// 15 digits.
    pub imei: String,
    /// 19 or 20 digits.
    pub iccid: String,
    /// 15 digits.
    pub imsi: String,
    /// The service centre on the SIM; empty: none.
    pub service_centre: String,
    /// The operator's name.
    pub operator: String,
    /// The operator's number (MCC and MNC).
    pub operator_code: String,
    /// For [`When::Chance`](crate::When::Chance).
    pub seed: u64,
    /// Time from Ctrl-Z to the network's answer.
    pub submit_delay: Duration,
    /// What the network does about status reports.
    pub reports: Reports,
    /// Time from a message to its status report.
    pub report_delay: Duration,
    /// Time a restart takes: silence on a UART, absence from the bus for a profile that leaves it.
    pub boot_time: Duration,
    /// Time from power-up until the SIM is read: `+CPIN?` and what needs the SIM answer "SIM busy" until then.
    pub sim_time: Duration,
    /// Time from then, or from the PIN, until messages work: `+CPMS` and its like answer 302 until then. The boot lines
    /// that say so (`SMS Ready`) come at its end.
    pub sms_time: Duration,
    /// What another program left the modem in.
    pub left_behind: LeftBehind,
    /// Bits per second both ways at 10 bits a byte; `None`: as fast as it goes.
    pub baud: Option<u32>,
    /// The network's time zone in quarters of an hour.
    pub utc_offset_quarters: i8,
    /// A message to the SIM's own number comes back as a received one.
    pub loopback: bool,
    /// How long the network waits before it offers a message again that was not acknowledged.
    pub retry_after: Duration,
}

/// A SIM card to be put in while the modem runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sim {
    /// `None`: it asks for none.
    pub pin: Option<String>,
    /// Eight digits.
    pub puk: String,
    /// The SIM's own number.
    pub number: String,
    /// 19 or 20 digits.
    pub iccid: String,
    /// 15 digits.
    pub imsi: String,
    /// Empty: none.
    pub service_centre: String,
}

impl Sim {
    /// The SIM a modem with these options begins with.
    pub fn of(options: &Options) -> Self {
        let o = options.clone();
        Self {
            pin: o.pin,
            puk: o.puk,
            number: o.number,
            iccid: o.iccid,
            imsi: o.imsi,
            service_centre: o.service_centre,
        }
    }
}

/// Settings another program left, until a restart. Nothing is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftBehind {
    /// `ATV0`: results are numbers.
    pub numeric_results: bool,
    /// `ATQ1`: no results.
    pub no_results: bool,
    /// `AT+CMGF=1`.
    pub text_mode: bool,
    /// `AT+CSCS="UCS2"`: operator, numbers and USSD are hex.
    pub ucs2: bool,
    /// What is typed is data, until a second of silence, `+++` and another second.
    pub data_mode: bool,
}

/// What the network does about a status report that a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reports {
    /// Reports with this TP-Status (0: delivered) after [`Options::report_delay`].
    After(u8),
    /// Reports with this TP-Status before the modem has the answer to its submission.
    BeforeAnswer(u8),
    /// Keeps them until [`Simulator::release_reports`](crate::Simulator::release_reports).
    Held,
    /// Never reports.
    Never,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            profile: VendorProfile::generic(),
            pin: None,
            puk: "12345678".into(),
            slots: 30,
            me_slots: 50,
            sr_slots: 20,
            number: "+79210000001".into(),
            imei: "356938035643809".into(),
            iccid: "8970101234567890120".into(),
            imsi: "250011234567890".into(),
            service_centre: "+79210000000".into(),
            operator: "Simulated".into(),
            operator_code: "25001".into(),
            seed: 1,
            submit_delay: Duration::ZERO,
            reports: Reports::After(0),
            report_delay: Duration::ZERO,
            boot_time: Duration::ZERO,
            sim_time: Duration::ZERO,
            sms_time: Duration::ZERO,
            left_behind: LeftBehind::default(),
            baud: None,
            utc_offset_quarters: 12,
            loopback: true,
            retry_after: Duration::from_secs(10),
        }
    }
}

impl Options {
    /// The defaults with an IMEI, ICCID, IMSI, number and seed of their own, for the n-th of many.
    pub fn numbered(n: u32) -> Self {
        Self {
            number: format!("+7921{n:07}"),
            imei: with_luhn(&format!("35693803{n:06}")),
            iccid: with_luhn(&format!("897010{n:012}")),
            imsi: format!("25001{n:010}"),
            seed: u64::from(n),
            ..Self::default()
        }
    }
}

/// Adds the check digit IMEI and ICCID end in.
fn with_luhn(digits: &str) -> String {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(n, digit)| {
            let digit = u32::from(digit - b'0');
            let weighed = if n % 2 == 0 { digit * 2 } else { digit };
            weighed / 10 + weighed % 10
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_luhn() {
        assert_eq!(with_luhn("49015420323751"), "490154203237518");
        assert_eq!(Options::numbered(7).imei.len(), 15);
        assert_eq!(Options::numbered(7).iccid.len(), 19);
    }
}
