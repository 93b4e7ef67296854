//! TP-VP, how long the service centre tries to deliver a message (TS 23.040 9.2.3.12): relative, absolute or enhanced.
//!
//! The octets are kept as received, since enhanced periods with reserved bits must be sent on unchanged. There is no
//! clock here: a period starts when the service centre accepts the message.

use crate::timestamp::{Timestamp, digits};

/// TP-VP, a validity period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Validity {
    /// A period in one octet (9.2.3.12.1); see [`Validity::from_minutes`].
    Relative(u8),
    /// A time stamp (9.2.3.12.2); see [`Validity::until`].
    Absolute([u8; 7]),
    /// An indicator octet and a period in the form that it names (9.2.3.12.3).
    Enhanced([u8; 7]),
}

/// Minutes of a day.
const DAY: u32 = 24 * 60;

/// Named so that it can be used in patterns.
const MAX_MINUTES: u32 = Validity::MAX_MINUTES;

impl Validity {
    /// The longest relative period: 63 weeks, in minutes.
    pub const MAX_MINUTES: u32 = 63 * 7 * DAY;

    /// The shortest relative period of at least `minutes` minutes. The steps are 5 minutes up to 12 hours, 30 minutes up to
    /// a day, a day up to 30 days, and a week up to 63 weeks. 0 becomes 5 minutes, more than 63 weeks becomes 63 weeks.
    ///
    /// ```
    /// use smsbridge_codec::Validity;
    ///
    /// assert_eq!(Validity::from_minutes(24 * 60), Validity::Relative(0xA7));
    /// assert_eq!(Validity::from_minutes(61).minutes(), Some(65));
    /// ```
    pub fn from_minutes(minutes: u32) -> Self {
        let value = match minutes {
            0..=720 => minutes.div_ceil(5).max(1) - 1,
            721..=1440 => 143 + (minutes - 720).div_ceil(30),
            1441..=43_200 => 166 + minutes.div_ceil(DAY),
            43_201..MAX_MINUTES => 192 + minutes.div_ceil(7 * DAY),
            MAX_MINUTES.. => 255,
        };
        Validity::Relative(value as u8)
    }

    /// A period of exactly `seconds` seconds, in the enhanced form.
    ///
    /// ```
    /// assert_eq!(smsbridge_codec::Validity::from_seconds(30).seconds(), Some(30));
    /// ```
    pub fn from_seconds(seconds: u8) -> Self {
        Validity::Enhanced([0x02, seconds, 0, 0, 0, 0, 0])
    }

    /// A period that ends at `time`.
    ///
    /// ```
    /// use smsbridge_codec::{Timestamp, Validity};
    ///
    /// let time = Timestamp::from_unix(1_795_331_730, 0).unwrap();
    /// assert_eq!(Validity::until(time).at(), Some(time));
    /// ```
    pub fn until(time: Timestamp) -> Self {
        Validity::Absolute(time.encode())
    }

    /// The period in minutes; `None` unless it is relative.
    pub fn minutes(self) -> Option<u32> {
        match self {
            Validity::Relative(value) => Some(relative_minutes(value)),
            _ => None,
        }
    }

    /// The period in seconds. `None` if it is absolute, or if it is enhanced and sets no period, has a reserved format or
    /// is not a number.
    ///
    /// ```
    /// use smsbridge_codec::Validity;
    ///
    /// assert_eq!(Validity::Relative(0).seconds(), Some(300));
    /// assert_eq!(Validity::Enhanced([0x03, 0x10, 0x20, 0x30, 0, 0, 0]).seconds(), Some(3600 + 2 * 60 + 3));
    /// ```
    pub fn seconds(self) -> Option<u32> {
        match self {
            Validity::Relative(value) => Some(relative_minutes(value) * 60),
            Validity::Absolute(_) => None,
            Validity::Enhanced(octets) => {
                // Bit 7 of an indicator announces another one; the value follows the last.
                let value = octets.iter().position(|octet| octet & 0x80 == 0)? + 1;
                let value = octets.get(value..)?;
                match (octets[0] & 0x07, value) {
                    (1, [period, ..]) => Some(relative_minutes(*period) * 60),
                    (2, [seconds, ..]) => Some(u32::from(*seconds)),
                    (3, [hours, minutes, seconds, ..]) => {
                        let (hours, minutes, seconds) =
                            (digits(*hours)?, digits(*minutes)?, digits(*seconds)?);
                        Some(u32::from(hours) * 3600 + u32::from(minutes) * 60 + u32::from(seconds))
                    }
                    _ => None,
                }
            }
        }
    }

    /// When the period ends; `None` unless it is absolute and its octets are a valid time.
    pub fn at(self) -> Option<Timestamp> {
        match self {
            Validity::Absolute(octets) => Timestamp::decode(octets),
            _ => None,
        }
    }

    /// Whether the service centre is to try only once (enhanced format).
    pub fn is_single_shot(self) -> bool {
        matches!(self, Validity::Enhanced(octets) if octets[0] & 0x40 != 0)
    }

    /// TP-VPF, the two bits of the first octet that name the format.
    pub(crate) fn format_bits(validity: Option<Self>) -> u8 {
        match validity {
            None => 0x00,
            Some(Validity::Enhanced(_)) => 0x08,
            Some(Validity::Relative(_)) => 0x10,
            Some(Validity::Absolute(_)) => 0x18,
        }
    }

    /// The octets of the field: one, or seven.
    pub fn octets(&self) -> &[u8] {
        match self {
            Validity::Relative(value) => std::slice::from_ref(value),
            Validity::Absolute(octets) | Validity::Enhanced(octets) => octets,
        }
    }
}

fn relative_minutes(value: u8) -> u32 {
    let value = u32::from(value);
    match value {
        0..=143 => (value + 1) * 5,
        144..=167 => 720 + (value - 143) * 30,
        168..=196 => (value - 166) * DAY,
        _ => (value - 192) * 7 * DAY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_relative_value_converts_both_ways() {
        for value in 0..=255 {
            let minutes = relative_minutes(value);
            assert_eq!(Validity::from_minutes(minutes), Validity::Relative(value), "{minutes} minutes");
        }
    }

    #[test]
    fn minutes_are_rounded_up_to_the_next_step() {
        for minutes in 0..=MAX_MINUTES + 10 {
            let got = Validity::from_minutes(minutes).minutes().unwrap();
            assert!(got >= minutes.min(MAX_MINUTES), "{minutes} became {got}");
            if let Validity::Relative(value @ 1..) = Validity::from_minutes(minutes) {
                assert!(relative_minutes(value - 1) < minutes, "{minutes} could be shorter than {got}");
            }
        }
    }

    #[test]
    fn an_extended_indicator_moves_the_value() {
        assert_eq!(Validity::Enhanced([0x82, 0x00, 30, 0, 0, 0, 0]).seconds(), Some(30));
        assert_eq!(Validity::Enhanced([0xFF; 7]).seconds(), None);
        assert_eq!(Validity::Enhanced([0x03, 0xA1, 0, 0, 0, 0, 0]).seconds(), None);
    }
}
