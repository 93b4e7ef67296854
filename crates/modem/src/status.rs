//! What the modem knows about network, signal and storage.
//!
//! Owns the questions of a status round and the words for the answers. Changes nothing in the
//! modem but the selected storage, and treats every question as optional: a modem that lacks one
//! gives less, not an error. Only a link fault ends a round.

use std::fmt;
use std::time::Duration;

use crate::at::command::Command;
use crate::at::params::{fields, number};
use crate::at::urc::Storage;
use crate::bring_up::Ready;
use crate::error::ModemError;
use crate::session::{Session, Stream};

/// Which network a registration is with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// Circuit switched, `+CREG`.
    Circuit,
    /// GPRS, `+CGREG`.
    Packet,
    /// LTE, `+CEREG`.
    Eps,
}

/// Registration with the network (TS 27.007 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Not registered and not looking for a network.
    NotRegistered,
    /// In the home network.
    Home,
    /// Looking for a network.
    Searching,
    /// The network refused.
    Denied,
    /// The modem does not know.
    Unknown,
    /// In another network.
    Roaming,
    /// In the home network, for messages only.
    SmsOnlyHome,
    /// In another network, for messages only.
    SmsOnlyRoaming,
    /// Emergency calls only.
    EmergencyOnly,
}

impl Registration {
    /// From the number `<stat>`.
    pub fn from_number(number: u8) -> Self {
        match number {
            0 => Self::NotRegistered,
            // 9 and 10 are 1 and 5 where circuit switched fallback is not preferred.
            1 | 9 => Self::Home,
            2 => Self::Searching,
            3 => Self::Denied,
            5 | 10 => Self::Roaming,
            6 => Self::SmsOnlyHome,
            7 => Self::SmsOnlyRoaming,
            8 => Self::EmergencyOnly,
            _ => Self::Unknown,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotRegistered => "not registered",
            Self::Home => "home",
            Self::Searching => "searching",
            Self::Denied => "denied",
            Self::Unknown => "unknown",
            Self::Roaming => "roaming",
            Self::SmsOnlyHome => "home, SMS only",
            Self::SmsOnlyRoaming => "roaming, SMS only",
            Self::EmergencyOnly => "emergency calls only",
        }
    }

    /// Whether messages can be sent and received.
    pub fn is_registered(self) -> bool {
        matches!(self, Self::Home | Self::Roaming | Self::SmsOnlyHome | Self::SmsOnlyRoaming)
    }
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// A change of registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrationReport {
    /// With which network.
    pub domain: Domain,
    /// What it is now.
    pub state: Registration,
    /// The network's reject cause, where the modem tells it.
    pub cause: Option<u16>,
}

/// Strength of the received signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    /// In dBm; none where the modem does not know.
    pub dbm: Option<i16>,
    /// Of the range `AT+CSQ` can express.
    pub percent: Option<u8>,
}

impl Signal {
    /// From `<rssi>` of `+CSQ`: 0 to 31 in steps of 2 dB from -113 dBm; 100 to 191, as some modems
    /// have it on UMTS, in steps of 1 dB from -116 dBm.
    pub fn from_csq(rssi: u16) -> Self {
        let (dbm, percent) = match rssi {
            0..=31 => (Some(-113 + 2 * i32::from(rssi)), Some(u32::from(rssi) * 100 / 31)),
            100..=191 => (Some(-116 + i32::from(rssi) - 100), Some(u32::from(rssi - 100) * 100 / 91)),
            _ => (None, None),
        };
        Self { dbm: dbm.and_then(|n| n.try_into().ok()), percent: percent.and_then(|n| n.try_into().ok()) }
    }
}

/// What LTE adds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Lte {
    /// Reference signal received power.
    pub rsrp_dbm: Option<i16>,
    /// Reference signal received quality.
    pub rsrq_db: Option<f32>,
    /// Signal to interference and noise.
    pub sinr_db: Option<f32>,
}

/// One look at the network.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkStatus {
    /// The best registration of all domains.
    pub registration: Registration,
    /// The network's reject cause, where the modem tells it.
    pub cause: Option<u16>,
    /// Name or number of the operator.
    pub operator: Option<String>,
    /// `GSM`, `EDGE`, `UMTS`, `HSPA`, `LTE`, `NB-IoT`, `5G`.
    pub technology: Option<String>,
    /// Signal strength.
    pub signal_dbm: Option<i16>,
    /// Signal strength as a part of the range.
    pub signal_percent: Option<u8>,
    /// On LTE, where the modem tells it.
    pub lte: Option<Lte>,
}

/// How full a storage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageUse {
    /// Which.
    pub storage: Storage,
    /// Slots in use.
    pub used: u16,
    /// Slots in all.
    pub total: u16,
}

/// Asks for registration, operator, technology and signal.
pub async fn network<P: Stream>(session: &mut Session<P>) -> Result<NetworkStatus, ModemError> {
    let mut reports = Vec::new();
    for (text, prefix) in [("AT+CREG?", "+CREG:"), ("AT+CEREG?", "+CEREG:"), ("AT+CGREG?", "+CGREG:")] {
        let report = session
            .optional(Command::new(text).expect(prefix))
            .await?
            .and_then(|response| response.after(prefix).next().and_then(registration));
        reports.extend(report);
        // One registered domain is enough to send and receive by.
        if report.is_some_and(|r| r.state.is_registered()) {
            break;
        }
    }
    let best = reports
        .iter()
        .copied()
        .find(|r| r.state.is_registered())
        .or_else(|| reports.iter().copied().find(|r| r.state == Registration::Denied))
        .or_else(|| reports.first().copied());

    let operator = session
        .optional(Command::new("AT+COPS?").expect("+COPS:").timeout(Duration::from_secs(15)))
        .await?
        .and_then(|response| response.after("+COPS:").next().map(fields))
        .unwrap_or_default();
    let signal = session
        .optional(Command::new("AT+CSQ").expect("+CSQ:"))
        .await?
        .and_then(|response| response.after("+CSQ:").next().and_then(|rest| number(fields(rest).first())))
        .map(Signal::from_csq);
    let technology = number(operator.get(3)).or(best.and_then(|r| r.technology)).and_then(technology_name);
    let lte = match technology {
        Some("LTE" | "NB-IoT" | "5G") => lte(session).await?,
        _ => None,
    };
    Ok(NetworkStatus {
        registration: best.map_or(Registration::Unknown, |r| r.state),
        cause: best.and_then(|r| r.cause),
        operator: operator.get(2).filter(|name| !name.is_empty()).cloned(),
        technology: technology.map(str::to_string),
        signal_dbm: signal.and_then(|s| s.dbm),
        signal_percent: signal.and_then(|s| s.percent),
        lte,
    })
}

/// Asks each storage how full it is.
pub async fn storage_use<P: Stream>(
    session: &mut Session<P>,
    ready: &Ready,
) -> Result<Vec<StorageUse>, ModemError> {
    let mut out = Vec::new();
    for storage in &ready.storages {
        if let Some((used, total)) = crate::sms::storage_use_of(session, *storage).await? {
            out.push(StorageUse { storage: *storage, used, total });
        }
    }
    crate::sms::restore(session, ready).await?;
    Ok(out)
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    state: Registration,
    technology: Option<u8>,
    cause: Option<u16>,
}

/// `<n>,<stat>[,<lac>,<ci>[,<AcT>[,<cause_type>,<reject_cause>]]]`, and for `+CGREG` a `<rac>` before
/// the cause, which therefore is taken from the end.
fn registration(rest: &str) -> Option<Answer> {
    let fields = fields(rest);
    let state = Registration::from_number(number(fields.get(1))?);
    let cause = if fields.len() >= 7 { number(fields.last()) } else { None };
    Some(Answer { state, technology: number(fields.get(4)), cause })
}

/// `<AcT>` of TS 27.007 7.3.
fn technology_name(number: u8) -> Option<&'static str> {
    Some(match number {
        0 | 1 => "GSM",
        2 => "UMTS",
        3 => "EDGE",
        4..=6 => "HSPA",
        7 | 10 => "LTE",
        8 | 9 => "NB-IoT",
        11..=13 => "5G",
        _ => return None,
    })
}

/// `+CESQ: <rxlev>,<ber>,<rscp>,<ecno>,<rsrq>,<rsrp>` (TS 27.007 8.69).
async fn lte<P: Stream>(session: &mut Session<P>) -> Result<Option<Lte>, ModemError> {
    let answer = session.optional(Command::new("AT+CESQ").expect("+CESQ:")).await?;
    Ok(answer.and_then(|response| {
        let fields = fields(response.after("+CESQ:").next()?);
        let rsrq: Option<u16> = number(fields.get(4)).filter(|n| *n <= 34);
        let rsrp: Option<i16> = number(fields.get(5)).filter(|n| (0..=97).contains(n));
        (rsrq.is_some() || rsrp.is_some()).then(|| Lte {
            rsrp_dbm: rsrp.map(|n| n - 141),
            rsrq_db: rsrq.map(|n| f32::from(n) / 2.0 - 20.0),
            sinr_db: None,
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signal_steps() {
        let rows = [
            ("weakest", 0, Some(-113), Some(0)),
            ("middle", 20, Some(-73), Some(64)),
            ("strongest", 31, Some(-51), Some(100)),
            ("unknown", 99, None, None),
            ("umts", 191, Some(-25), Some(100)),
        ];
        for (name, steps, dbm, percent) in rows {
            assert_eq!(Signal::from_csq(steps), Signal { dbm, percent }, "{name}");
        }
    }

    #[test]
    fn registration_answers() {
        let answer = registration(" 2,1,\"00C3\",\"0000A1\",7").unwrap();
        assert_eq!((answer.state, answer.technology, answer.cause), (Registration::Home, Some(7), None));
        let answer = registration("3,3,\"00C3\",\"0000A1\",7,0,11").unwrap();
        assert_eq!((answer.state, answer.cause), (Registration::Denied, Some(11)));
        assert!(registration("1").is_none());
    }
}
