//! Owns the 7-bit alphabet: septets to characters and back (TS 23.038 6.2.1, annex A).
//!
//! Septets come unpacked, one an octet. Reading never fails: what a table does not have is shown as the standard says.
//! Writing refuses a character the alphabet does not have; choosing another alphabet is the business of
//! [`mod@crate::split`].

mod pack;
mod tables;

pub use pack::{pack_into, pack_ussd, packed_len, unpack_into, unpack_ussd};
use tables::{LANGUAGES, LOCKING, NONE, SINGLE_SHIFT};

/// The septet that leads to the extension or single shift table.
pub const ESCAPE: u8 = 0x1B;

/// National language identifiers (TS 23.038 6.2.1.2.4): 0 is the default alphabet, 1 to 13 a language; higher ones are
/// not assigned and read as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Languages {
    /// The table all characters come from.
    pub locking: u8,
    /// The table a character after an escape comes from.
    pub single_shift: u8,
}

/// The language's English name in lower case, `None` where the identifier is not assigned; 0 is `default`.
///
/// ```
/// assert_eq!(smsbridge_codec::gsm7::language_name(13), Some("urdu"));
/// ```
pub fn language_name(identifier: u8) -> Option<&'static str> {
    LANGUAGES.get(usize::from(identifier)).copied()
}

/// Appends the text of septets.
///
/// Two escapes show a space (6.2.1.1), a septet that the single shift table does not have shows the main table's
/// character, one that neither has shows U+FFFD. An escape with nothing after it shows a space.
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
    // The most there can be, so that a string grows once: two octets of UTF-8 a septet, three in the Indic tables.
    text.reserve(septets.len() * if languages.locking == 0 { 2 } else { 3 });
    let mut septets = septets;
    loop {
        let plain = if languages.locking == 0 { plain_run(septets) } else { 0 };
        // ASCII, so there is nothing that could fail here.
        text.push_str(str::from_utf8(&septets[..plain]).unwrap_or_default());
        septets = &septets[plain..];
        let mut next = septets.iter().map(|septet| septet & 0x7F);
        let (shown, taken) = match (next.next(), next.next()) {
            (None, _) => return,
            (Some(ESCAPE), None) => (' ', 1),
            (Some(ESCAPE), Some(ESCAPE)) => (' ', 2),
            (Some(ESCAPE), Some(septet)) => match extension[usize::from(septet)] {
                NONE => (character(main[usize::from(septet)]), 2),
                code => (character(code), 2),
            },
            (Some(septet), _) => (character(main[usize::from(septet)]), 1),
        };
        text.push(shown);
        septets = &septets[taken..];
    }
}

/// How many octets from here on are the same in the default alphabet and in ASCII: most of most texts, so that these are
/// copied and not looked up.
fn plain_run(octets: &[u8]) -> usize {
    let (eights, rest) = octets.as_chunks();
    for (index, &eight) in eights.iter().enumerate() {
        let special = special(eight);
        if special != 0 {
            return index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let mut last = [ESCAPE; 8];
    last[..rest.len()].copy_from_slice(rest);
    eights.len() * 8 + special(last).trailing_zeros() as usize / 8
}

/// Marks, with its top bit, each of eight octets that is not the same character in the default alphabet and in ASCII. (Two
/// that are, the ends of lines, are marked as well: they are rare, and looking them up costs little.)
fn special(octets: [u8; 8]) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = EACH * 0x80;
    let octets = u64::from_le_bytes(octets);
    // The lower seven bits and what is added to them reach the top bit of their octet and no further.
    let from = |first: u8| (octets & !TOP) + EACH * u64::from(0x80 - first);
    let letters = from(b'A') & !from(b'Z' + 1) | from(b'a') & !from(b'z' + 1);
    let signs = from(b' ') & !from(b'$') | from(b'$' + 1) & !from(b'@');
    (!(letters | signs) | octets) & TOP
}

/// Appends the text of `count` packed septets after so many fill bits; fewer if the octets hold fewer.
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
    // A message holds no more than this.
    let mut some = [0; 160];
    if let Some(septets) = some.get_mut(..count) {
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
/// The index of the first character they do not have.
pub fn encode_into(text: &str, septets: &mut Vec<u8>) -> Result<(), usize> {
    septets.reserve(text.len());
    let mut rest = text;
    loop {
        let plain = plain_run(rest.as_bytes());
        septets.extend_from_slice(&rest.as_bytes()[..plain]);
        rest = &rest[plain..];
        let Some(character) = rest.chars().next() else { return Ok(()) };
        match septet_of(character) {
            Some((septet, false)) => septets.push(septet),
            Some((septet, true)) => septets.extend_from_slice(&[ESCAPE, septet]),
            None => return Err(text[..text.len() - rest.len()].chars().count()),
        }
        rest = &rest[character.len_utf8()..];
    }
}

/// Appends the septets of a text in the tables of some languages.
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
/// The index of the first character they do not have.
pub fn encode_with(text: &str, languages: Languages, septets: &mut Vec<u8>) -> Result<(), usize> {
    if languages == Languages::default() {
        return encode_into(text, septets);
    }
    for (index, character) in text.chars().enumerate() {
        match septet_in(character, languages).ok_or(index)? {
            (septet, false) => septets.push(septet),
            (septet, true) => septets.extend_from_slice(&[ESCAPE, septet]),
        }
    }
    Ok(())
}

/// Septets a character takes in the default alphabet: 1, or 2 with an escape; `None` if it does not have it.
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

/// A character in the tables of some languages: its septet and whether it stands after an escape.
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

/// Whether both identifiers are assigned and, where one is not 0, it has a table of its own kind: Spanish, for one, has
/// no locking shift.
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
/// A character that the default alphabet does not have. (It is an escaped escape, which no character is.)
const ABSENT: u8 = ESCAPED | ESCAPE;
const FIRST_GREEK: u16 = 0x0390;

/// The septets of U+0000 to U+00FF, and of U+0390 to U+03AF, turned round from the tables.
static LATIN: [u8; 256] = reversed(0);
static GREEK: [u8; 32] = reversed(FIRST_GREEK);

const fn reversed<const N: usize>(first: u16) -> [u8; N] {
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
    fn every_character_of_the_default_alphabet_comes_back() {
        for (table, escaped) in [(&LOCKING[0], false), (&SINGLE_SHIFT[0], true)] {
            for (septet, &code) in table.iter().enumerate().filter(|&(_, &code)| code != NONE) {
                assert_eq!(septet_of(character(code)), Some((septet as u8, escaped)), "U+{code:04X}");
            }
        }
        let all = (0..=char::MAX as u32).filter_map(char::from_u32);
        assert_eq!(all.filter(|&character| septet_of(character).is_some()).count(), 127 + 10);
    }
}
