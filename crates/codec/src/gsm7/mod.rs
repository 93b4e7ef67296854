//! The GSM 7-bit alphabet: characters to septets and back (TS 23.038 6.2.1, annex A), and septets packed into octets
//! (6.1.2).
//!
//! Septets are unpacked here: one per octet, with the top bit clear. Decoding never fails: a septet without a character
//! is shown as the standard asks. Encoding refuses a character that the tables lack; to choose an alphabet for a text,
//! use [`split`](crate::split).

mod pack;
mod tables;

pub use pack::{pack_into, pack_ussd, packed_len, unpack_into, unpack_ussd};
use tables::{LANGUAGES, LOCKING, NONE, SINGLE_SHIFT};

/// The septet that introduces a character of the extension or single shift table.
pub const ESCAPE: u8 = 0x1B;

/// National language identifiers (TS 23.038 6.2.1.2.4): 0 is the default alphabet, 1 to 13 a language. Higher ones are
/// not assigned and are read as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Languages {
    /// The locking shift table, for characters without an escape.
    pub locking: u8,
    /// The single shift table, for a character after an escape.
    pub single_shift: u8,
}

/// The English name of a national language, in lower case; `None` if the identifier is not assigned. 0 is `default`.
///
/// ```
/// assert_eq!(smsbridge_codec::gsm7::language_name(13), Some("urdu"));
/// ```
pub fn language_name(identifier: u8) -> Option<&'static str> {
    LANGUAGES.get(usize::from(identifier)).copied()
}

/// Appends the text of septets.
///
/// An escape followed by another escape, or by nothing, becomes a space (6.2.1.1). An escaped septet that the single
/// shift table lacks becomes the character of the main table, and one that neither has becomes U+FFFD.
///
/// ```
/// use smsbridge_codec::gsm7::{self, Languages};
///
/// let mut text = String::new();
/// gsm7::decode_into(&[0x00, 0x1B, 0x65, 0x01], Languages::default(), &mut text);
/// assert_eq!(text, "@€£");
/// text.clear();
/// let turkish = Languages { locking: 1, single_shift: 1 };
/// gsm7::decode_into(&[0x0B, 0x07, 0x1B, 0x53], turkish, &mut text);
/// assert_eq!(text, "ĞıŞ");
/// ```
pub fn decode_into(septets: &[u8], languages: Languages, text: &mut String) {
    let (main, extension) = tables_of(languages);
    // The most that can be needed, so that the string grows once: two octets of UTF-8 per septet, three in the Indic
    // tables.
    text.reserve(septets.len() * if languages.locking == 0 { 2 } else { 3 });
    let mut septets = septets.iter().map(|septet| usize::from(septet & 0x7F));
    while let Some(septet) = septets.next() {
        if septet != usize::from(ESCAPE) {
            text.push(character(main[septet]));
            continue;
        }
        match septets.next() {
            Some(septet) if septet != usize::from(ESCAPE) => {
                let code = if extension[septet] == NONE { main[septet] } else { extension[septet] };
                text.push(character(code));
            }
            _ => text.push(' '),
        }
    }
}

/// Appends the text of `count` packed septets that begin after `fill_bits` (0 to 6) bits; fewer if the octets hold fewer.
///
/// ```
/// use smsbridge_codec::gsm7::{self, Languages};
///
/// let mut text = String::new();
/// gsm7::decode_packed_into(&[0xC8, 0xF7, 0x1D, 0x14, 0x96, 0x97, 0x41, 0xF9, 0x77, 0xFD, 0x07], 0, 12, Languages::default(), &mut text);
/// assert_eq!(text, "How are you?");
/// ```
pub fn decode_packed_into(
    octets: &[u8],
    fill_bits: usize,
    count: usize,
    languages: Languages,
    text: &mut String,
) {
    // A message holds no more than this, so decoding one allocates nothing but the text.
    let mut buffer = [0; 160];
    if let Some(septets) = buffer.get_mut(..count) {
        let held = pack::unpack(octets, fill_bits, septets);
        decode_into(&septets[..held], languages, text);
    } else {
        let mut septets = Vec::new();
        unpack_into(octets, fill_bits, count, &mut septets);
        decode_into(&septets, languages, text);
    }
}

/// Appends the septets of a text in the default alphabet and its extension.
///
/// ```
/// use smsbridge_codec::gsm7;
///
/// let mut septets = Vec::new();
/// assert_eq!(gsm7::encode_into("@€£", &mut septets), Ok(()));
/// assert_eq!(septets, [0x00, 0x1B, 0x65, 0x01]);
/// assert_eq!(gsm7::encode_into("5 Ω, 5 Ж", &mut septets), Err(7));
/// ```
///
/// # Errors
/// The index, in characters, of the first one that the alphabet lacks.
pub fn encode_into(text: &str, septets: &mut Vec<u8>) -> Result<(), usize> {
    encode_with(text, Languages::default(), septets)
}

/// Appends the septets of a text in the tables of the given languages.
///
/// ```
/// use smsbridge_codec::gsm7::{self, Languages};
///
/// let mut septets = Vec::new();
/// let turkish = Languages { locking: 1, single_shift: 0 };
/// assert_eq!(gsm7::encode_with("Işık", turkish, &mut septets), Ok(()));
/// assert_eq!(septets, [0x49, 0x1D, 0x07, 0x6B]);
/// ```
///
/// # Errors
/// The index, in characters, of the first one that the tables lack.
pub fn encode_with(text: &str, languages: Languages, septets: &mut Vec<u8>) -> Result<(), usize> {
    septets.reserve(text.len());
    for (index, character) in text.chars().enumerate() {
        let (septet, escaped) = septet_in(character, languages).ok_or(index)?;
        if escaped {
            septets.push(ESCAPE);
        }
        septets.push(septet);
    }
    Ok(())
}

/// The number of septets a character takes in the default alphabet: 1, or 2 with an escape; `None` if the alphabet
/// lacks it.
///
/// ```
/// use smsbridge_codec::gsm7::septets_of;
///
/// assert_eq!([septets_of('a'), septets_of('{'), septets_of('Ж')], [Some(1), Some(2), None]);
/// ```
pub fn septets_of(character: char) -> Option<usize> {
    septet_of(character).map(|(_, escaped)| 1 + usize::from(escaped))
}

/// Whether the default alphabet and its extension have every character of a text.
///
/// ```
/// use smsbridge_codec::gsm7::is_encodable;
///
/// assert!(is_encodable("5 € for Σ") && !is_encodable("5 ₽"));
/// ```
pub fn is_encodable(text: &str) -> bool {
    text.chars().all(|character| septet_of(character).is_some())
}

/// A character in the tables of the given languages: its septet, and whether it follows an escape.
pub(crate) fn septet_in(character: char, languages: Languages) -> Option<(u8, bool)> {
    if languages == Languages::default() {
        return septet_of(character);
    }
    let code = u16::try_from(u32::from(character)).ok().filter(|&code| code != NONE)?;
    let (main, extension) = tables_of(languages);
    let position =
        |table: &[u16; 128]| table.iter().position(|&entry| entry == code).map(|septet| septet as u8);
    position(main).map(|septet| (septet, false)).or_else(|| position(extension).map(|septet| (septet, true)))
}

/// Whether both identifiers are assigned and have tables of their own kind: Spanish has no locking shift table.
pub(crate) fn has_tables(languages: Languages) -> bool {
    languages.locking <= LAST_LANGUAGE
        && languages.single_shift <= LAST_LANGUAGE
        && languages.locking != SPANISH
}

/// The highest national language identifier assigned: Urdu.
pub(crate) const LAST_LANGUAGE: u8 = 13;
const SPANISH: u8 = 2;

fn tables_of(languages: Languages) -> (&'static [u16; 128], &'static [u16; 128]) {
    let main = LOCKING.get(usize::from(languages.locking)).unwrap_or(&LOCKING[0]);
    let extension = SINGLE_SHIFT.get(usize::from(languages.single_shift)).unwrap_or(&SINGLE_SHIFT[0]);
    (main, extension)
}

fn character(code: u16) -> char {
    match code {
        NONE => char::REPLACEMENT_CHARACTER,
        code => char::from_u32(code.into()).unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

/// Marks a character of the extension table in [`LATIN`] and [`GREEK`].
const ESCAPED: u8 = 0x80;
/// A character that the default alphabet lacks. (The value is an escaped escape, which no character has.)
const ABSENT: u8 = ESCAPED | ESCAPE;
const FIRST_GREEK: u16 = 0x0390;

/// The septets of U+0000 to U+00FF, and of U+0390 to U+03AF: the inverse of the tables.
static LATIN: [u8; 256] = inverse(0);
static GREEK: [u8; 32] = inverse(FIRST_GREEK);

const fn inverse<const N: usize>(first: u16) -> [u8; N] {
    let mut septets = [ABSENT; N];
    let mut septet = 0;
    while septet < 128 {
        let (extension, main) = (SINGLE_SHIFT[0][septet], LOCKING[0][septet]);
        if extension >= first && extension - first < N as u16 {
            septets[(extension - first) as usize] = septet as u8 | ESCAPED;
        }
        if main >= first && main - first < N as u16 {
            septets[(main - first) as usize] = septet as u8;
        }
        septet += 1;
    }
    septets
}

fn septet_of(character: char) -> Option<(u8, bool)> {
    let entry = match u32::from(character) {
        code @ 0..=0xFF => LATIN[code as usize],
        code @ 0x0390..=0x03AF => GREEK[(code - u32::from(FIRST_GREEK)) as usize],
        0x20AC => 0x65 | ESCAPED,
        _ => ABSENT,
    };
    (entry != ABSENT).then_some((entry & 0x7F, entry & ESCAPED != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_the_default_alphabet_reads_back() {
        for (table, escaped) in [(&LOCKING[0], false), (&SINGLE_SHIFT[0], true)] {
            for (septet, &code) in table.iter().enumerate().filter(|&(_, &code)| code != NONE) {
                assert_eq!(septet_of(character(code)), Some((septet as u8, escaped)), "U+{code:04X}");
            }
        }
        let all = (0..=char::MAX as u32).filter_map(char::from_u32);
        assert_eq!(all.filter(|&character| septet_of(character).is_some()).count(), 127 + 10);
    }
}
