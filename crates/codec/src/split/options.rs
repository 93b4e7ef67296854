//! How a text or data is split: alphabet, reference, ports, language tables.

use crate::dcs::Alphabet;
use crate::gsm7::Languages;
use crate::udh::{Concatenation, ElementId, Ports};
use crate::user_data::UserData;

/// The most parts of a message.
pub const MAX_PARTS: usize = 255;

/// Which alphabet a text may be sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Encoding {
    /// The 7-bit alphabet if it has every character, otherwise UCS-2.
    #[default]
    Auto,
    /// The 7-bit alphabet; a character that it lacks is an error.
    Gsm7,
    /// UCS-2.
    Ucs2,
}

/// The reference that the parts of a message share. Two messages to one recipient must not have the same one within a few
/// days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Reference {
    /// 8 bits: 153 septets, 67 UCS-2 units or 134 octets per part.
    EightBit(u8),
    /// 16 bits: 152 septets, 66 UCS-2 units or 133 octets per part. Some old phones cannot join such parts.
    SixteenBit(u16),
}

impl Default for Reference {
    fn default() -> Self {
        Reference::EightBit(0)
    }
}

/// Which national language tables a text may be sent with. Phones from other countries often cannot read them, so the
/// default is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LanguageChoice {
    /// The default alphabet only.
    #[default]
    None,
    /// Also the locking shift and single shift tables of one language, by its national language identifier (1 to 13).
    Only(u8),
    /// Any tables.
    Any,
}

/// How to split. The default is automatic: an 8-bit reference of 0, no ports, no national languages.
///
/// ```
/// use smsbridge_codec::{Encoding, Reference, SplitOptions};
///
/// let options = SplitOptions::default().with_encoding(Encoding::Ucs2).with_reference(Reference::EightBit(7));
/// assert_eq!((options.encoding, options.ports), (Encoding::Ucs2, None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
#[non_exhaustive]
pub struct SplitOptions {
    /// Which alphabet; ignored by [`split_data`](crate::split_data) and [`count_data`](crate::count_data).
    pub encoding: Encoding,
    /// The reference of a concatenated message. A message of one part carries none.
    pub reference: Reference,
    /// Application ports, in the header of every part.
    pub ports: Option<Ports>,
    /// Which national language tables may be used.
    pub languages: LanguageChoice,
    /// Do not cut within a grapheme cluster, which readers see as one character (an emoji of several code points, a letter
    /// and its combining accent), unless that would take another part. Otherwise every part is filled, as most senders do:
    /// receivers join the parts before they show them. (Feature `graphemes`.)
    #[cfg(feature = "graphemes")]
    pub keep_graphemes: bool,
}

impl SplitOptions {
    /// Sets the alphabet.
    #[must_use]
    pub fn with_encoding(self, encoding: Encoding) -> Self {
        SplitOptions { encoding, ..self }
    }

    /// Sets the reference of a concatenated message.
    #[must_use]
    pub fn with_reference(self, reference: Reference) -> Self {
        SplitOptions { reference, ..self }
    }

    /// Sets the application ports.
    #[must_use]
    pub fn with_ports(self, ports: impl Into<Option<Ports>>) -> Self {
        SplitOptions { ports: ports.into(), ..self }
    }

    /// Sets the national language tables that may be used.
    #[must_use]
    pub fn with_languages(self, languages: LanguageChoice) -> Self {
        SplitOptions { languages, ..self }
    }

    /// Sets whether grapheme clusters are kept whole. (Feature `graphemes`.)
    #[cfg(feature = "graphemes")]
    #[must_use]
    pub fn with_keep_graphemes(self, keep_graphemes: bool) -> Self {
        SplitOptions { keep_graphemes, ..self }
    }

    /// The length in octets of the header that every part has, without the concatenation element.
    pub(super) fn header_len(&self, languages: Languages) -> usize {
        let ports = self.ports.map_or(0, |ports| if ports.is_wide() { 6 } else { 4 });
        ports + 3 * usize::from(languages.locking != 0) + 3 * usize::from(languages.single_shift != 0)
    }

    pub(super) fn concatenation_len(&self) -> usize {
        match self.reference {
            Reference::EightBit(_) => 5,
            Reference::SixteenBit(_) => 6,
        }
    }

    pub(super) fn write_header(
        &self,
        languages: Languages,
        total: usize,
        index: usize,
        header: &mut Vec<u8>,
    ) {
        header.clear();
        if total > 1 {
            let (reference, wide) = match self.reference {
                Reference::EightBit(reference) => (reference.into(), false),
                Reference::SixteenBit(reference) => (reference, true),
            };
            let (total, sequence) = (total as u8, index as u8 + 1);
            Concatenation { reference, total, sequence, wide }.write(header);
        }
        if let Some(ports) = self.ports {
            ports.write(header);
        }
        if languages.single_shift != 0 {
            header.extend_from_slice(&[ElementId::SINGLE_SHIFT.0, 1, languages.single_shift]);
        }
        if languages.locking != 0 {
            header.extend_from_slice(&[ElementId::LOCKING_SHIFT.0, 1, languages.locking]);
        }
    }

    /// How much data a part holds, in octets.
    pub(super) fn data_capacity(&self, parts: usize) -> usize {
        let concatenation = if parts > 1 { self.concatenation_len() } else { 0 };
        capacity(Alphabet::EightBit, self.header_len(Languages::default()) + concatenation)
    }
}

/// How many units a part holds after a header of `header` octets, not counting its length octet.
pub(super) fn capacity(alphabet: Alphabet, header: usize) -> usize {
    let octets = UserData::MAX_OCTETS - if header == 0 { 0 } else { header + 1 };
    match alphabet {
        Alphabet::Gsm7 => octets * 8 / 7,
        Alphabet::EightBit => octets,
        Alphabet::Ucs2 => octets / 2,
    }
}
