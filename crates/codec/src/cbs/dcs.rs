//! The data coding scheme of cell broadcast (TS 23.038 clause 5), which differs from that of short messages.

use crate::dcs::{Alphabet, MessageClass};

/// The data coding scheme of cell broadcast.
///
/// ```
/// use smsbridge_codec::{Alphabet, cbs::CbsDcs};
///
/// assert_eq!((CbsDcs(0x00).language(), CbsDcs(0x23).language()), (Some("de"), Some("ru")));
/// assert!(CbsDcs(0x11).has_language_in_content());
/// assert_eq!(CbsDcs(0x48).alphabet(), Alphabet::Ucs2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CbsDcs(pub u8);

/// The languages of groups 0 and 2, as ISO 639 codes.
const GROUP_0: [&str; 15] =
    ["de", "en", "it", "fr", "es", "nl", "sv", "da", "pt", "fi", "no", "el", "tr", "hu", "pl"];
const GROUP_2: [&str; 5] = ["cs", "he", "ar", "ru", "is"];

impl CbsDcs {
    /// The alphabet of the content. Reserved values read as the default alphabet.
    pub fn alphabet(self) -> Alphabet {
        match self.0 {
            0x11 => Alphabet::Ucs2,
            0x40..=0x7F | 0x90..=0x9F => match self.0 & 0x0C {
                0x04 => Alphabet::EightBit,
                0x08 => Alphabet::Ucs2,
                _ => Alphabet::Gsm7,
            },
            // Data of other protocols.
            0xD0..=0xEF => Alphabet::EightBit,
            0xF0..=0xFF if self.0 & 0x04 != 0 => Alphabet::EightBit,
            _ => Alphabet::Gsm7,
        }
    }

    /// The language that the octet names, as an ISO 639 code.
    pub fn language(self) -> Option<&'static str> {
        let index = usize::from(self.0 & 0x0F);
        match self.0 >> 4 {
            0x0 => GROUP_0.get(index).copied(),
            0x2 => GROUP_2.get(index).copied(),
            _ => None,
        }
    }

    /// Whether the content begins with a language code (10 and 11).
    pub fn has_language_in_content(self) -> bool {
        matches!(self.0, 0x10 | 0x11)
    }

    /// The message class, if there is one. In group F, the bits of class 0 mean that there is none.
    pub fn class(self) -> Option<MessageClass> {
        let bits = self.0 & 0x03;
        let has_class = match self.0 >> 4 {
            0x5 | 0x7 | 0x9 => true,
            0xF => bits != 0,
            _ => false,
        };
        has_class.then(|| MessageClass::try_from(bits).ok()).flatten()
    }

    /// Whether the text is compressed (TS 23.042). Compressed text can only be read as octets.
    pub fn is_compressed(self) -> bool {
        matches!(self.0 >> 4, 0x6 | 0x7)
    }

    /// Whether the content begins with a user data header (group 9).
    pub fn has_header(self) -> bool {
        self.0 >> 4 == 0x9
    }
}
