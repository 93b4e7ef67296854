//! Owns TP-VP, how long the network keeps trying (TS 23.040 9.2.3.12): relative, absolute and enhanced.
//!
//! The octets stay as they came, since an enhanced period has reserved forms that must go on unharmed; the methods
//! read them. There is no clock in here: a period counts from when the service centre takes the message.

use crate::timestamp::{Timestamp, digits};

/// A validity period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Validity {
    /// So long after the service centre has it, in one octet (9.2.3.12.1).
    Relative(u8),
    /// Until a point in time (9.2.3.12.2).
    Absolute([u8; 7]),
    /// An indicator octet that says how to read the rest (9.2.3.12.3).
    Enhanced([u8; 7]),
}

/// 63 weeks, the longest relative period.
pub const MAX_MINUTES: u32 = 63 * 7 * 24 * 60;

const DAY: u32 = 24 * 60;

impl Validity {
    /// The shortest relative period that is not shorter than so many minutes. Steps are 5 minutes up to 12 hours, 30
    /// minutes up to a day, a day up to 30 days, a week up to 63 weeks; more than that is 63 weeks, 0 is 5 minutes.
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

    /// So many seconds, exactly: the enhanced form where it can say it (up to 255 seconds).
    ///
    /// ```
    /// assert_eq!(smsbridge_codec::Validity::from_seconds(30).seconds(), Some(30));
    /// ```
    pub fn from_seconds(seconds: u8) -> Self {
        Validity::Enhanced([0x02, seconds, 0, 0, 0, 0, 0])
    }

    /// Until that point in time.
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

    /// The period in minutes, for the relative format only.
    pub fn minutes(self) -> Option<u32> {
        match self {
            Validity::Relative(value) => Some(relative_minutes(value)),
            _ => None,
        }
    }

    /// The period in seconds. `None` for an absolute one, and for an enhanced one that sets no period, uses a reserved
    /// format or is no number.
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
                // Bit 7 of an indicator says that another one follows; the value stands after the last.
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

    /// When it ends, for the absolute format; `None` for the others and where the octets are no time.
    pub fn at(self) -> Option<Timestamp> {
        match self {
            Validity::Absolute(octets) => Timestamp::decode(octets),
            _ => None,
        }
    }

    /// Whether the service centre is to try once only (enhanced format).
    pub fn is_single_shot(self) -> bool {
        matches!(self, Validity::Enhanced(octets) if octets[0] & 0x40 != 0)
    }

    /// TP-VPF, the two bits in the first octet that say which format follows.
    pub(crate) fn format_bits(validity: Option<Self>) -> u8 {
        match validity {
            None => 0x00,
            Some(Validity::Enhanced(_)) => 0x08,
            Some(Validity::Relative(_)) => 0x10,
            Some(Validity::Absolute(_)) => 0x18,
        }
    }

    /// The octets of the wire: one, or seven.
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
    fn every_relative_value_comes_back_from_its_own_minutes() {
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
