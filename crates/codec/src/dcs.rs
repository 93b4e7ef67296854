//! Owns TP-DCS, what the user data is made of (TS 23.038 clause 4): all 256 values.
//!
//! Reserved values are read as the standard asks (as the default alphabet) and say that they are reserved. The data
//! coding scheme of cell broadcast is another one and lives in [`crate::cbs`].

/// What the characters or octets of user data are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// The 7-bit alphabet, default or national.
    Gsm7,
    /// Octets without a meaning of their own.
    EightBit,
    /// 16-bit characters; read as UTF-16, as all handsets do.
    Ucs2,
}

/// What the phone is to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MessageClass {
    /// Show it at once and do not store it ("flash").
    Class0,
    /// For the mobile equipment.
    Class1,
    /// For the SIM.
    Class2,
    /// For the terminal equipment.
    Class3,
}

impl MessageClass {
    /// The class as a number, 0 to 3.
    pub fn number(self) -> u8 {
        self as u8
    }

    fn from_bits(bits: u8) -> Self {
        match bits & 0x03 {
            0 => MessageClass::Class0,
            1 => MessageClass::Class1,
            2 => MessageClass::Class2,
            _ => MessageClass::Class3,
        }
    }
}

impl TryFrom<u8> for MessageClass {
    /// The number that is none of 0 to 3.
    type Error = u8;

    fn try_from(number: u8) -> Result<Self, u8> {
        if number < 4 { Ok(MessageClass::from_bits(number)) } else { Err(number) }
    }
}

/// What waits, for a message waiting indication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Waiting {
    /// Voice mail.
    Voicemail,
    /// A fax.
    Fax,
    /// Electronic mail.
    Email,
    /// Something else, agreed with the operator.
    Other,
}

/// A message waiting indication (groups C, D and E).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageWaiting {
    /// What waits.
    pub kind: Waiting,
    /// Whether the indicator goes on (true) or off.
    pub active: bool,
    /// Whether the message is to be kept; if not, the phone may throw it away after showing the indicator.
    pub store: bool,
}

/// A data coding scheme octet.
///
/// ```
/// use smsbridge_codec::{Alphabet, Dcs, MessageClass, Waiting};
///
/// assert_eq!(Dcs(0x18).alphabet(), Alphabet::Ucs2);
/// assert_eq!(Dcs(0xF0).class(), Some(MessageClass::Class0));
/// let waiting = Dcs(0xC8).message_waiting().unwrap();
/// assert_eq!((waiting.kind, waiting.active, waiting.store), (Waiting::Voicemail, true, false));
/// assert!(Dcs(0x80).is_reserved());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Dcs(pub u8);

impl Dcs {
    /// The plainest octet for an alphabet and a class: 00, 04 or 08, with 10 to 1B where there is a class.
    pub fn new(alphabet: Alphabet, class: Option<MessageClass>) -> Self {
        let alphabet = match alphabet {
            Alphabet::Gsm7 => 0x00,
            Alphabet::EightBit => 0x04,
            Alphabet::Ucs2 => 0x08,
        };
        Dcs(alphabet | class.map_or(0x00, |class| 0x10 | class.number()))
    }

    /// What the user data is. Compressed text has the alphabet that comes out of decompression.
    pub fn alphabet(self) -> Alphabet {
        match self.0 >> 4 {
            0x0..=0x7 => match self.0 & 0x0C {
                0x04 => Alphabet::EightBit,
                0x08 => Alphabet::Ucs2,
                _ => Alphabet::Gsm7,
            },
            0xE => Alphabet::Ucs2,
            0xF if self.0 & 0x04 != 0 => Alphabet::EightBit,
            _ => Alphabet::Gsm7,
        }
    }

    /// The message class, if it has one.
    pub fn class(self) -> Option<MessageClass> {
        let has_class = match self.0 >> 4 {
            group @ 0x0..=0x7 => group & 0x01 != 0,
            group => group == 0xF,
        };
        has_class.then(|| MessageClass::from_bits(self.0))
    }

    /// Whether the text is compressed (TS 23.042). Nobody sends it; its octets are handed over as they are.
    pub fn is_compressed(self) -> bool {
        self.0 < 0x80 && self.0 & 0x20 != 0
    }

    /// The message waiting indication, if it is one.
    pub fn message_waiting(self) -> Option<MessageWaiting> {
        let store = match self.0 >> 4 {
            0xC => false,
            0xD | 0xE => true,
            _ => return None,
        };
        let kind = match self.0 & 0x03 {
            0 => Waiting::Voicemail,
            1 => Waiting::Fax,
            2 => Waiting::Email,
            _ => Waiting::Other,
        };
        Some(MessageWaiting { kind, active: self.0 & 0x08 != 0, store })
    }

    /// Whether the message is to be deleted once read (groups 4 to 7).
    pub fn auto_delete(self) -> bool {
        (0x40..0x80).contains(&self.0)
    }

    /// Whether the standard gives this value no meaning; it is then read as the default alphabet.
    pub fn is_reserved(self) -> bool {
        match self.0 >> 4 {
            0x0..=0x7 => self.0 & 0x0C == 0x0C,
            group => (0x8..=0xB).contains(&group),
        }
    }
}
