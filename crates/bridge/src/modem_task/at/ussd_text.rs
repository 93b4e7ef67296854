//! The forms of a USSD text on the modem's line: packed septets, UCS-2 or plain, by family and firmware.
//!
//! Pure. Input: the octets between the quotes of `+CUSD`.

use smsbridge_codec::cbs::CbsDcs;
use smsbridge_codec::gsm7::{self, Languages};
use smsbridge_codec::{Alphabet, hex, ucs2};

use super::ussd_alphabet;

/// A text as hexadecimal digits of packed septets; none where the GSM alphabet lacks a character.
pub(super) fn pack(text: &str) -> Option<String> {
    let mut septets = Vec::new();
    gsm7::encode_into(text, &mut septets).ok()?;
    Some(hex::encode(&gsm7::pack_ussd(&septets)))
}

/// Whether a network or modem may take the answer to a menu for a code of its own, as it stands, behind an escape, or
/// where a modem reads digits as packed septets.
pub(super) fn may_be_code(answer: &str) -> bool {
    let unpacked = || {
        let septets = gsm7::unpack_ussd(&hex::decode(answer).ok()?);
        let (first, last) = (*septets.first()?, *septets.last()?);
        Some(septets.len() > 2 && matches!(first, b'*' | b'#') && last == b'#')
    };
    answer.contains('\\')
        || (answer.chars().count() > 1 && answer.contains(['*', '#']))
        || unpacked().unwrap_or(false)
}

/// Decodes a text from the modem's line. Its data coding scheme (TS 23.038 5) is believed where it says UCS-2 or 8-bit
/// data; else it says too little (15 comes with packed septets and with plain text), so the content decides: digits
/// that read as UCS-2 of few scripts, then as packed septets. `is_packed` says that the modem's family sends packed
/// septets.
pub(super) fn decode(line: &[u8], dcs: Option<u8>, is_packed: bool) -> String {
    let dcs = dcs.map(CbsDcs);
    let has_language = dcs.is_some_and(CbsDcs::has_language_in_content);
    let plain = || without_language(ussd_alphabet::read(line), has_language);
    let Some(octets) = std::str::from_utf8(line).ok().and_then(|digits| hex::decode(digits).ok()) else {
        return plain();
    };
    let alphabet = dcs.map(CbsDcs::alphabet);
    if alphabet == Some(Alphabet::EightBit)
        && let Some(text) = ussd_alphabet::read_8bit(&octets)
    {
        return text;
    }
    if octets.len() < 2 {
        return plain();
    }
    // A text of digits only, such as a code, is plain, unless the family never sends plain text.
    let only_decimal = line.iter().all(u8::is_ascii_digit);
    let is_ucs2 = alphabet == Some(Alphabet::Ucs2) && octets.len().is_multiple_of(2);
    if is_ucs2 || looks_like_ucs2(&octets, is_packed || only_decimal) {
        let mut text = String::new();
        ucs2::decode_into(if has_language { without_packed_language(&octets) } else { &octets }, &mut text);
        return text;
    }
    if is_packed || (!only_decimal && alphabet != Some(Alphabet::EightBit) && octets.len() >= 4) {
        let mut text = String::new();
        gsm7::decode_into(&gsm7::unpack_ussd(&octets), Languages::default(), &mut text);
        return without_language(text, has_language);
    }
    plain()
}

/// One script beside Latin at most: packed septets read as UCS-2 are of many. Where other forms are likely, Latin too.
fn looks_like_ucs2(octets: &[u8], others_are_likely: bool) -> bool {
    let (units, rest) = octets.as_chunks::<2>();
    let mut others: Vec<u8> =
        units.iter().map(|unit| unit[0]).filter(|high| *high != 0 && *high != 0x20).collect();
    others.sort_unstable();
    others.dedup();
    let has_latin = units.iter().any(|unit| unit[0] == 0);
    let is_printable = |unit: &[u8; 2]| unit[0] != 0 || unit[1] >= 0x20 || matches!(unit[1], b'\n' | b'\r');
    rest.is_empty()
        && units.len() > 1
        && others.len() <= 1
        && (has_latin || !others_are_likely)
        && units.iter().all(is_printable)
}

/// A text without the language in front of it: two letters and a carriage return, which ends a line.
fn without_language(text: String, has_language: bool) -> String {
    match text.as_bytes() {
        [first, second, b'\r' | b'\n', ..]
            if has_language && first.is_ascii_alphabetic() && second.is_ascii_alphabetic() =>
        {
            text.chars().skip(3).collect()
        }
        _ => text,
    }
}

/// UCS-2 without the language in front of it: two letters as septets in two octets. Not every network sends it.
fn without_packed_language(octets: &[u8]) -> &[u8] {
    let mut letters = Vec::new();
    gsm7::unpack_into(octets.get(..2).unwrap_or_default(), 0, 2, &mut letters);
    let is_language = letters.len() == 2 && letters.iter().all(u8::is_ascii_alphabetic) && octets[1] < 0x40;
    if is_language { &octets[2..] } else { octets }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn as_ucs2(text: &str) -> String {
        let mut octets = Vec::new();
        ucs2::encode_into(text, &mut octets);
        hex::encode(&octets)
    }

    #[test]
    fn the_three_forms_are_distinguished() {
        let packed_text = pack("Balance: 12.34 EUR").unwrap();
        let rows = [
            ("plain", "Balance: 12.34".to_owned(), Some(15), false, "Balance: 12.34"),
            ("packed, family", packed_text.clone(), Some(15), true, "Balance: 12.34 EUR"),
            ("packed, by its content", packed_text, Some(15), false, "Balance: 12.34 EUR"),
            ("ucs2 by dcs", as_ucs2("Баланс 12"), Some(72), false, "Баланс 12"),
            ("ucs2 by dcs, family", as_ucs2("Баланс 12"), Some(72), true, "Баланс 12"),
            ("ucs2 by its content", as_ucs2("Баланс: 12 р"), Some(15), false, "Баланс: 12 р"),
            ("latin ucs2", as_ucs2("Balance"), Some(15), false, "Balance"),
            ("a number", "12345678".to_owned(), Some(15), false, "12345678"),
            ("a word of hex letters", "Feed".to_owned(), Some(15), false, "Feed"),
            ("odd digits", "ABC".to_owned(), None, false, "ABC"),
            ("a number of one script", "12341234".to_owned(), Some(15), false, "12341234"),
            ("a number in ucs2", as_ucs2("1234"), Some(15), false, "1234"),
        ];
        for (name, line, dcs, is_packed, expect) in rows {
            assert_eq!(decode(line.as_bytes(), dcs, is_packed), expect, "{name}");
        }
    }

    #[test]
    fn digits_with_an_8bit_scheme_are_octets() {
        let rows = [
            ("ascii", "42616C616E63653A20352E3030", 68, false, "Balance: 5.00"),
            ("ascii, family", "42616C616E63653A20352E3030", 71, true, "Balance: 5.00"),
            ("latin-1", "62657472E467743A2035", 244, false, "betr\u{e4}gt: 5"),
            ("utf-8", "42C3BC726F", 247, false, "B\u{fc}ro"),
            ("lines", "310D0A320A33", 68, false, "1\n2\n3"),
            ("one octet", "35", 68, false, "5"),
            ("a number that is no text", "00120034", 68, false, "00120034"),
            ("data", "0102030405", 68, false, "0102030405"),
            ("ucs2 all the same", "0412043004410020", 68, false, "Вас "),
            ("not digits", "Balance: 5", 68, false, "Balance: 5"),
        ];
        for (name, line, dcs, is_packed, expect) in rows {
            assert_eq!(decode(line.as_bytes(), Some(dcs), is_packed), expect, "{name}");
        }
    }

    #[test]
    fn the_language_in_front_of_a_text_is_not_shown() {
        // "en" as two septets.
        let prefixed = |text: &str| format!("E537{}", as_ucs2(text));
        let rows = [
            ("septets", pack("en\rBalance 5").unwrap(), 16, false, "Balance 5"),
            ("septets, family", pack("DE\rGuthaben 5").unwrap(), 16, true, "Guthaben 5"),
            ("septets without it", pack("Balance 5").unwrap(), 16, false, "Balance 5"),
            ("plain", "en\nBalance 5".to_owned(), 16, false, "Balance 5"),
            ("plain without it", "Balance\n5".to_owned(), 16, false, "Balance\n5"),
            ("plain, scheme without it", "No\nway".to_owned(), 15, false, "No\nway"),
            ("ucs2", prefixed("Баланс 5"), 17, false, "Баланс 5"),
            ("ucs2, family", prefixed("Баланс 5"), 17, true, "Баланс 5"),
            ("ucs2, latin", prefixed("Balance 5"), 17, false, "Balance 5"),
            ("ucs2 without it", as_ucs2("Баланс 5"), 17, false, "Баланс 5"),
            ("nothing else", "E537".to_owned(), 17, false, ""),
        ];
        for (name, line, dcs, is_packed, expect) in rows {
            assert_eq!(decode(line.as_bytes(), Some(dcs), is_packed), expect, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange(line in proptest::collection::vec(any::<u8>(), 0..40), dcs: Option<u8>, packed: bool) {
            decode(&line, dcs, packed);
            decode(hex::encode(&line).as_bytes(), dcs, packed);
        }
    }
}
