//! The ETWS primary notification (TS 23.041 9.4.1.3): the first warning of an earthquake or a tsunami, without a text. The
//! text follows as an ordinary message with the same identifier.

use crate::error::Field;
use crate::octets::Octets;

/// The warning security information follows the six octets of the notification; modems on LTE leave it out.
const MAX_OCTETS: usize = 56;

/// Of what an ETWS notification warns (9.3.24).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarningType {
    /// An earthquake.
    Earthquake,
    /// A tsunami.
    Tsunami,
    /// Both.
    EarthquakeAndTsunami,
    /// A test, of which users are not told.
    Test,
    /// Another danger.
    Other,
    /// A reserved value, 5 to 127.
    Reserved(u8),
}

impl WarningType {
    /// The type in lower case words, such as `earthquake and tsunami`.
    pub const fn name(self) -> &'static str {
        match self {
            WarningType::Earthquake => "earthquake",
            WarningType::Tsunami => "tsunami",
            WarningType::EarthquakeAndTsunami => "earthquake and tsunami",
            WarningType::Test => "test",
            WarningType::Other => "other",
            WarningType::Reserved(_) => "reserved",
        }
    }
}

/// An ETWS primary notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct EtwsNotification {
    /// Scope, code and update number, as sent.
    pub serial_number: u16,
    /// The subject: 4352 to 4359.
    pub message_identifier: u16,
    /// Of what it warns.
    pub warning: WarningType,
    /// Whether users are to be alerted.
    pub alert: bool,
    /// Whether it is to be shown at once.
    pub popup: bool,
}

impl EtwsNotification {
    /// The code of the serial number, as in [`Page`](super::Page).
    pub fn message_code(&self) -> u16 {
        self.serial_number >> 4 & 0x3FF
    }

    /// The update number of the serial number.
    pub fn update_number(&self) -> u8 {
        self.serial_number as u8 & 0x0F
    }

    /// Reads a notification; `None` if the octets are something else. A page with one of its identifiers is told from it by
    /// its page number: a notification has none.
    pub(super) fn decode(octets: &[u8]) -> Option<Self> {
        if octets.len() > MAX_OCTETS {
            return None;
        }
        let mut octets = Octets::new(octets);
        let serial_number = u16::from_be_bytes(octets.array(Field::Page).ok()?);
        let message_identifier = u16::from_be_bytes(octets.array(Field::Page).ok()?);
        let [warning, shown] = octets.array(Field::Page).ok()?;
        let (page, pages) = (shown >> 4, shown & 0x0F);
        if !(0x1100..=0x1107).contains(&message_identifier) || (1..=pages).contains(&page) {
            return None;
        }
        Some(EtwsNotification {
            serial_number,
            message_identifier,
            warning: match warning >> 1 {
                0 => WarningType::Earthquake,
                1 => WarningType::Tsunami,
                2 => WarningType::EarthquakeAndTsunami,
                3 => WarningType::Test,
                4 => WarningType::Other,
                reserved => WarningType::Reserved(reserved),
            },
            alert: warning & 0x01 != 0,
            popup: shown & 0x80 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_may_carry_security_information() {
        for length in 6..=MAX_OCTETS {
            let mut octets = vec![0x00, 0x10, 0x11, 0x02, 0x05, 0x80];
            octets.resize(length, 0xA5);
            let etws = EtwsNotification::decode(&octets).unwrap();
            assert_eq!(etws.warning.name(), "earthquake and tsunami");
            assert_eq!((etws.alert, etws.popup, etws.serial_number), (true, true, 0x0010));
        }
    }

    #[test]
    fn a_page_of_the_same_identifier_is_no_notification() {
        let page = [0x00, 0x10, 0x11, 0x00, 0x48, 0x11, 0x30, 0x42];
        assert_eq!(EtwsNotification::decode(&page), None);
        assert_eq!(
            EtwsNotification::decode(&[0x00, 0x10, 0x11, 0x12, 0x01, 0x80]),
            None,
            "a presidential alert"
        );
        assert_eq!(EtwsNotification::decode(&page[..5]), None);
    }
}
