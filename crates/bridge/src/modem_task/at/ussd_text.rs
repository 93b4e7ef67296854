//! The forms of a USSD text on the modem's line: packed septets, UCS-2 or plain, by family and firmware.
//!
//! Pure. Input: the octets between the quotes of `+CUSD`.

use smsbridge_codec::gsm7::{self, Languages};
use smsbridge_codec::{hex, ucs2};

use super::ussd_alphabet;

/// A text as hexadecimal digits of packed septets; none where the GSM alphabet lacks a character.
pub(super) fn pack(text: &str) -> Option<String> {
    let mut septets = Vec::new();
    gsm7::encode_into(text, &mut septets).ok()?;
    Some(hex::encode(&gsm7::pack_ussd(&septets)))
}

/// Decodes a text from the modem's line. Its data coding scheme says too little (15 comes with packed septets and with
/// plain text), so its content decides: digits that read as UCS-2 of few scripts, then as packed septets. `is_packed`
/// says that the modem's family sends packed septets.
pub(super) fn decode(line: &[u8], dcs: Option<u8>, is_packed: bool) -> String {
    let plain = || ussd_alphabet::read(line);
    let Some(octets) = std::str::from_utf8(line).ok().and_then(|digits| hex::decode(digits).ok()) else {
        return plain();
    };
    if octets.len() < 2 {
        return plain();
    }
    let is_ucs2_by_dcs = dcs.is_some_and(|dcs| matches!(dcs, 0x11 | 0x48..=0x4B | 0x58..=0x5B));
    let (units, rest) = octets.as_chunks::<2>();
    // One script beside Latin at most: packed septets read as UCS-2 are of many.
    let mut others: Vec<u8> =
        units.iter().map(|unit| unit[0]).filter(|high| *high != 0 && *high != 0x20).collect();
    others.sort_unstable();
    others.dedup();
    let has_latin = units.iter().any(|unit| unit[0] == 0);
    let looks_like_ucs2 = units.len() > 1
        && others.len() <= 1
        && (has_latin || !is_packed)
        && units.iter().all(|unit| unit[0] != 0 || unit[1] >= 0x20 || matches!(unit[1], b'\n' | b'\r'));
    if rest.is_empty() && (is_ucs2_by_dcs || looks_like_ucs2) {
        let mut out = String::new();
        ucs2::decode_into(&octets, &mut out);
        return out;
    }
    // A text of digits only, such as a code, is plain, unless the family never sends plain text.
    let only_decimal = line.iter().all(u8::is_ascii_digit);
    if is_packed || (!only_decimal && octets.len() >= 4) {
        let mut out = String::new();
        gsm7::decode_into(&gsm7::unpack_ussd(&octets), Languages::default(), &mut out);
        return out;
    }
    plain()
}

#[cfg(test)]
mod tests {
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
        ];
        for (name, line, dcs, is_packed, expect) in rows {
            assert_eq!(decode(line.as_bytes(), dcs, is_packed), expect, "{name}");
        }
    }
}
