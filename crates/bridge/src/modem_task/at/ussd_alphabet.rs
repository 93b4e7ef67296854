//! The alphabet of a USSD text that came as octets: plain on the line, or 8-bit data.
//!
//! The modem is told to use the GSM alphabet (`AT+CSCS="GSM"`), one octet a septet, and many use ASCII all the same. Most
//! texts are the same in both. They differ in
//!
//! | octets | ASCII | GSM |
//! |---|---|---|
//! | 00 to 1F but LF and CR, 7F | nothing | letters, escape |
//! | 5B to 5E, 7B to 7E | ``[ \ ] ^ { | } ~`` | Ä Ö Ñ Ü ä ö ñ ü |
//! | 40, 60 | ``@ ` `` | ¡ ¿ |
//! | 24, 5F | `$ _` | ¤ § |
//!
//! So a text is GSM if something in it makes sense in that alphabet alone: an octet of the first row, a letter of the
//! second where a word would have it, a mark of the third where a sentence would. Else it is ASCII: its `$` is money and
//! its `@` an address. What is not seven bits is UTF-8, or else Latin-1. Pure.

use smsbridge_codec::gsm7::{self, Languages};

/// Reads the octets of a text.
pub(super) fn read(octets: &[u8]) -> String {
    // Seven spare bits of the last octet, which some modems show as one more septet.
    let end = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
    let octets = &octets[..end];
    let mut text = String::new();
    if octets.is_ascii() && is_gsm(octets) {
        gsm7::decode_into(octets, Languages::default(), &mut text);
        return text;
    }
    text_of_8bit(octets).chars().filter(|character| is_printable(*character)).collect()
}

/// Reads octets of an 8-bit data coding scheme; none where they are no text.
pub(super) fn read_8bit(octets: &[u8]) -> Option<String> {
    let text = text_of_8bit(octets).replace("\r\n", "\n").replace('\r', "\n");
    text.chars().all(is_printable).then_some(text)
}

/// UTF-8, or else Latin-1.
fn text_of_8bit(octets: &[u8]) -> String {
    let latin1 = || octets.iter().copied().map(char::from).collect();
    std::str::from_utf8(octets).map_or_else(|_| latin1(), str::to_owned)
}

fn is_printable(character: char) -> bool {
    character == '\n' || !character.is_control()
}

fn is_gsm(octets: &[u8]) -> bool {
    // No language has both of these letters, so a pair is brackets.
    let has_both = |pair: &[u8]| pair.iter().all(|octet| octets.contains(octet));
    octets.iter().enumerate().any(|(index, octet)| {
        let (before, rest) = octets.split_at(index);
        let place = Place { before, after: rest.get(1..).unwrap_or_default() };
        match octet {
            b'\n' | b'\r' => false,
            0x00..0x20 | 0x7F => true,
            b'{' | b'}' => place.is_of_small_letter() && !has_both(b"{}"),
            b'|' | b'~' => place.is_of_small_letter(),
            b'[' | b']' => place.is_of_capital() && !has_both(b"[]"),
            b'\\' | b'^' => place.is_of_capital(),
            b'@' => place.opens_word() && place.after.contains(&b'!'),
            b'`' => place.opens_word() && place.after.contains(&b'?'),
            _ => false,
        }
    })
}

/// What is around an octet.
struct Place<'a> {
    before: &'a [u8],
    after: &'a [u8],
}

impl Place<'_> {
    /// Before a small letter, or the last of a word.
    fn is_of_small_letter(&self) -> bool {
        self.has_after(u8::is_ascii_lowercase)
            || (self.has_before(u8::is_ascii_lowercase) && !self.has_after(u8::is_ascii_alphanumeric))
    }

    /// The first of a word, or between capitals.
    fn is_of_capital(&self) -> bool {
        self.opens_word()
            || (self.has_before(u8::is_ascii_uppercase) && self.has_after(u8::is_ascii_uppercase))
    }

    fn opens_word(&self) -> bool {
        !self.has_before(u8::is_ascii_alphanumeric) && self.has_after(u8::is_ascii_alphabetic)
    }

    fn has_before(&self, is_such: impl Fn(&u8) -> bool) -> bool {
        self.before.last().is_some_and(is_such)
    }

    fn has_after(&self, is_such: impl Fn(&u8) -> bool) -> bool {
        self.after.first().is_some_and(is_such)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_alphabet_that_makes_sense_is_taken() {
        let rows: &[(&str, &[u8], &str)] = &[
            ("the same in both", b"Balance: 12.34 EUR\n1 More", "Balance: 12.34 EUR\n1 More"),
            ("euro", b"betr{gt 5,00 \x1be", "beträgt 5,00 €"),
            ("french", b"Votre cr\x05dit est de 5\x1be", "Votre crédit est de 5€"),
            ("italian", b"Credito \x04 5, pi\x06 tardi sar\x7f", "Credito è 5, più tardi sarà"),
            ("danish", b"p\x0f \x1cbler\x0c", "på Æblerø"),
            ("german, letters alone", b"Guthaben f~r K|ln", "Guthaben für Köln"),
            ("german, capitals", b"\\sterreich: K\\LN, [nderung", "Österreich: KÖLN, Änderung"),
            ("spanish", b"Espa}a", "España"),
            ("turkish", b"men~ \x1c", "menü Æ"),
            ("spanish, a shout", b"@Hola! 5 pesos", "¡Hola! 5 pesos"),
            ("spanish, a question", b"`Desea m\x7fs? $", "¿Desea màs? ¤"),
            ("at sign in the GSM alphabet", b"me\x00home.de", "me@home.de"),
            ("brackets in the GSM alphabet", b"\x1b<1\x1b> Balance", "[1] Balance"),
            ("address", b"Write to info@operator.com", "Write to info@operator.com"),
            ("money", b"Balance $5.00", "Balance $5.00"),
            ("underline", b"http://op.com/my_page", "http://op.com/my_page"),
            ("brackets", b"[1] Balance [MENU] [menu", "[1] Balance [MENU] [menu"),
            ("braces", b"Dear {name}, {0}", "Dear {name}, {0}"),
            ("separators", b"1|Balance | 2|Bonus ~5 EUR", "1|Balance | 2|Bonus ~5 EUR"),
            ("a line end in letters", b"Balance 5\\nBonus 3\\r\\n", "Balance 5\\nBonus 3\\r\\n"),
            ("apostrophe", b"you`ve got 5", "you`ve got 5"),
            ("utf-8", "Баланс: 5 €".as_bytes(), "Баланс: 5 €"),
            ("latin-1", b"betr\xe4gt 5", "beträgt 5"),
            ("latin-1 and a control code", b"betr\xe4gt\x02 5", "beträgt 5"),
            ("padding", b"Balance 5\x00", "Balance 5"),
            ("nothing", b"", ""),
        ];
        for (name, octets, expect) in rows {
            assert_eq!(read(octets), *expect, "{name}");
        }
    }

    proptest! {
        /// What the GSM alphabet alone has shows that alphabet.
        #[test]
        fn a_text_with_an_accent_reads_back(text in "[ -_a-~]{0,80}[éèùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉà€][ -_a-~]{0,79}x") {
            let mut septets = Vec::new();
            gsm7::encode_into(&text, &mut septets).unwrap();
            prop_assert_eq!(read(&septets), text);
        }

        #[test]
        fn ascii_without_the_disputed_octets_is_the_same_in_both(text in "[ -#%-?A-Za-z\n]{0,160}") {
            prop_assert_eq!(read(text.as_bytes()), text);
        }
    }
}
