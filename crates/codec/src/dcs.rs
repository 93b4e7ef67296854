//! TP-DCS, the data coding scheme: the alphabet and class of a message (TS 23.038 clause 4), for all 256 values.
//!
//! Reserved values read as the default alphabet, as the standard asks, and say that they are reserved. Cell broadcast
//! has a data coding scheme of its own, in [`crate::cbs`].

/// How user data is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Alphabet {
    /// The 7-bit alphabet, default or national.
    Gsm7,
    /// 8-bit data: octets whose meaning only the application knows.
    #[cfg_attr(feature = "serde", serde(rename = "8bit"))]
    EightBit,
    /// 16-bit characters, read as UTF-16 as handsets do.
    Ucs2,
}

/// Where the phone is to put a message (TS 23.038 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "u8", into = "u8")
)]
pub enum MessageClass {
    /// Shown at once and not stored ("flash").
    Class0,
    /// Stored in the mobile equipment.
    Class1,
    /// Stored on the SIM.
    Class2,
    /// Passed to the terminal equipment.
    Class3,
}

impl Alphabet {
    /// The alphabet in one lower case word: `gsm7`, `8bit` or `ucs2`.
    pub const fn name(self) -> &'static str {
        match self {
            Alphabet::Gsm7 => "gsm7",
            Alphabet::EightBit => "8bit",
            Alphabet::Ucs2 => "ucs2",
        }
    }
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

impl From<MessageClass> for u8 {
    fn from(class: MessageClass) -> u8 {
        class.number()
    }
}

impl TryFrom<u8> for MessageClass {
    /// The number, if it is not 0 to 3.
    type Error = u8;

    fn try_from(number: u8) -> Result<Self, u8> {
        if number < 4 { Ok(MessageClass::from_bits(number)) } else { Err(number) }
    }
}

/// The kind of message that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum WaitingKind {
    /// Voice mail.
    Voicemail,
    /// A fax.
    Fax,
    /// Electronic mail.
    Email,
    /// A video message; only a message indication tells of it.
    Video,
    /// Another kind, defined by the operator.
    Other,
}

impl WaitingKind {
    /// The kind in one lower case word: `voicemail`, `fax`, `email`, `video` or `other`.
    pub const fn name(self) -> &'static str {
        match self {
            WaitingKind::Voicemail => "voicemail",
            WaitingKind::Fax => "fax",
            WaitingKind::Email => "email",
            WaitingKind::Video => "video",
            WaitingKind::Other => "other",
        }
    }
}

/// A message waiting indication (groups C, D and E).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MessageWaiting {
    /// The kind of message that waits.
    pub kind: WaitingKind,
    /// Whether the indicator is set (true) or cleared.
    pub active: bool,
    /// Whether the message is to be stored; if not, the phone may discard it.
    pub store: bool,
}

/// TP-DCS, the data coding scheme octet.
///
/// ```
/// use smsbridge_codec::{Alphabet, Dcs, MessageClass, WaitingKind};
///
/// assert_eq!(Dcs(0x18).alphabet(), Alphabet::Ucs2);
/// assert_eq!(Dcs(0xF0).class(), Some(MessageClass::Class0));
/// let waiting = Dcs(0xC8).message_waiting().unwrap();
/// assert_eq!((waiting.kind, waiting.active, waiting.store), (WaitingKind::Voicemail, true, false));
/// assert!(Dcs(0x80).is_reserved());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dcs(pub u8);

impl Dcs {
    /// The general coding of an alphabet and class: 00, 04 or 08 without a class, 10 to 1B with one.
    pub fn new(alphabet: Alphabet, class: Option<MessageClass>) -> Self {
        let alphabet = match alphabet {
            Alphabet::Gsm7 => 0x00,
            Alphabet::EightBit => 0x04,
            Alphabet::Ucs2 => 0x08,
        };
        Dcs(alphabet | class.map_or(0x00, |class| 0x10 | class.number()))
    }

    /// The alphabet of the user data; for compressed text, that of the text once decompressed.
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

    /// The message class, if there is one.
    pub fn class(self) -> Option<MessageClass> {
        let has_class = match self.0 >> 4 {
            group @ 0x0..=0x7 => group & 0x01 != 0,
            group => group == 0xF,
        };
        has_class.then(|| MessageClass::from_bits(self.0))
    }

    /// Whether the text is compressed (TS 23.042). This crate leaves compressed text as octets.
    pub fn is_compressed(self) -> bool {
        self.0 < 0x80 && self.0 & 0x20 != 0
    }

    /// The message waiting indication, if there is one.
    pub fn message_waiting(self) -> Option<MessageWaiting> {
        let store = match self.0 >> 4 {
            0xC => false,
            0xD | 0xE => true,
            _ => return None,
        };
        let kind = match self.0 & 0x03 {
            0 => WaitingKind::Voicemail,
            1 => WaitingKind::Fax,
            2 => WaitingKind::Email,
            _ => WaitingKind::Other,
        };
        Some(MessageWaiting { kind, active: self.0 & 0x08 != 0, store })
    }

    /// Whether the message is to be deleted once read (groups 4 to 7).
    pub fn auto_delete(self) -> bool {
        (0x40..0x80).contains(&self.0)
    }

    /// Whether the value is reserved; it then reads as the default alphabet.
    pub fn is_reserved(self) -> bool {
        match self.0 >> 4 {
            0x0..=0x7 => self.0 & 0x0C == 0x0C,
            group => (0x8..=0xB).contains(&group),
        }
    }
}
