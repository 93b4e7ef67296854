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
pub fn language_name(identifier: u8) -> Option<&'static str> {
    LANGUAGES.get(usize::from(identifier)).copied()
}

/// Appends the text of septets.
///
/// Two escapes show a space (6.2.1.1), a septet that the single shift table does not have shows the main table's
/// character, one that neither has shows U+FFFD. An escape with nothing after it shows a space.
pub fn decode_into(septets: &[u8], languages: Languages, text: &mut String) {
    let (main, extension) = tables_of(languages);
    text.reserve(septets.len() * 2);
    let mut septets = septets.iter().map(|&septet| usize::from(septet & 0x7F));
    while let Some(septet) = septets.next() {
        if septet != usize::from(ESCAPE) {
            text.push(character(main[septet]));
            continue;
        }
        match septets.next() {
            None => text.push(' '),
            Some(septet) if septet == usize::from(ESCAPE) => text.push(' '),
            Some(septet) if extension[septet] != NONE => text.push(character(extension[septet])),
            Some(septet) => text.push(character(main[septet])),
        }
    }
}

/// Appends the text of `count` packed septets after so many fill bits; fewer if the octets hold fewer.
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
/// # Errors
/// The index of the first character they do not have.
pub fn encode_into(text: &str, septets: &mut Vec<u8>) -> Result<(), usize> {
    septets.reserve(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        // Nearly all text is runs of ASCII, eight characters of which are looked up at once.
        let (chunks, _) = rest.as_bytes().as_chunks::<8>();
        let mut plain = 0;
        for chunk in chunks {
            let eight = chunk.map(|octet| ASCII[usize::from(octet)]);
            if eight.iter().fold(0, |all, septet| all | septet) & ESCAPED != 0 {
                break;
            }
            septets.extend_from_slice(&eight);
            plain += 8;
        }
        // What stopped the run is within the next eight octets.
        let end = rest.len().min(plain + 8);
        let end = (end..rest.len()).find(|&end| rest.is_char_boundary(end)).unwrap_or(rest.len());
        for (at, character) in rest[plain..end].char_indices() {
            match septet_of(character) {
                Some((septet, false)) => septets.push(septet),
                Some((septet, true)) => septets.extend_from_slice(&[ESCAPE, septet]),
                None => {
                    let before = text.len() - rest.len() + plain + at;
                    return Err(text[..before].chars().count());
                }
            }
        }
        rest = &rest[end..];
    }
    Ok(())
}

/// Appends the septets of a text in the tables of some languages.
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
pub fn septets_of(character: char) -> Option<usize> {
    septet_of(character).map(|(_, escaped)| 1 + usize::from(escaped))
}

/// Whether the default alphabet and its extension have every character of a text.
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

/// The septets of octets of UTF-8 that are a character of their own, for looking up many at once; the others are marked.
static ASCII: [u8; 256] = {
    let mut septets = LATIN;
    let mut octet = 0x80;
    while octet < 0x100 {
        septets[octet] = ABSENT;
        octet += 1;
    }
    septets
};

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
