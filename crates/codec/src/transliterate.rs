//! Transliteration into the 7-bit alphabet, so that one curly quote does not turn a message of 160 characters into three
//! parts.
//!
//! The table only replaces characters by ones that read the same; no script is spelled in another. It is all or nothing:
//! if a character has no replacement, the text is sent in UCS-2 anyway, and replacing the others would only harm it.

use std::borrow::Cow;

use crate::gsm7;

/// Replaces every character that the 7-bit default alphabet lacks by similar ones that it has. The text is returned
/// unchanged if that is not necessary, or not possible for every character.
///
/// ```
/// use smsbridge_codec::transliterate;
///
/// assert_eq!(transliterate("“5 ½ °C” – naïve…"), "\"5 1/2 oC\" - naive...");
/// assert_eq!(transliterate("Привет – 1"), "Привет – 1");
/// ```
pub fn transliterate(text: &str) -> Cow<'_, str> {
    if gsm7::is_encodable(text) {
        return Cow::Borrowed(text);
    }
    let mut replaced = String::with_capacity(text.len());
    for character in text.chars() {
        if gsm7::septets_of(character).is_some() {
            replaced.push(character);
        } else {
            match transliterate_char(character) {
                Some(replacement) => replaced.push_str(replacement),
                None => return Cow::Borrowed(text),
            }
        }
    }
    Cow::Owned(replaced)
}

/// The replacement of a character that the 7-bit default alphabet lacks: empty for invisible characters, `None` if there
/// is no similar one.
///
/// ```
/// use smsbridge_codec::transliterate_char;
///
/// assert_eq!(['ő', '“', 'Ж'].map(transliterate_char), [Some("o"), Some("\""), None]);
/// ```
pub fn transliterate_char(character: char) -> Option<&'static str> {
    // Combining marks of the letter before them.
    if matches!(character, '\u{0300}'..='\u{036F}') {
        return Some("");
    }
    // Full-width forms of ASCII.
    if matches!(character, '\u{FF01}'..='\u{FF5E}') {
        let ascii = (u32::from(character) - 0xFF01) as usize;
        return PRINTABLE_ASCII.get(ascii..=ascii);
    }
    TABLE.iter().find(|(characters, _)| characters.contains(character)).map(|(_, replacement)| *replacement)
}

const PRINTABLE_ASCII: &str =
    "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_'abcdefghijklmnopqrstuvwxyz{|}~";

/// Characters, and the replacement of each of them.
#[rustfmt::skip]
const TABLE: &[(&str, &str)] = &[
    // Quotation marks, primes and accents on their own.
    ("‘’‚‛′‹›`´ʹʻʼʽˈ", "'"),
    ("“”„‟″«»〝〞", "\""),
    // Dashes, bullets, points.
    ("‐‑‒–—―−⁃", "-"),
    ("•·∙●‧", "*"),
    ("…", "..."),
    ("⁄∕", "/"),
    // Spaces and invisible characters.
    ("\t\u{00A0}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200A}\u{202F}\u{205F}\u{3000}", " "),
    ("\u{00AD}\u{200B}\u{200C}\u{200D}\u{200E}\u{200F}\u{2060}\u{FEFF}\u{FE0E}\u{FE0F}", ""),
    ("\u{0085}\u{2028}\u{2029}", "\n"),
    // Signs.
    ("©", "(c)"), ("®", "(r)"), ("™", "(tm)"), ("℠", "(sm)"), ("№", "No"), ("‰", "0/00"), ("×", "x"), ("÷", ":"), ("±", "+-"),
    ("≤", "<="), ("≥", ">="), ("≠", "!="), ("≈", "~"), ("→", "->"), ("←", "<-"), ("⇒", "=>"), ("¦", "|"),
    ("¢", "c"), ("¼", "1/4"), ("½", "1/2"), ("¾", "3/4"), ("¹", "1"), ("²", "2"), ("³", "3"), ("ª", "a"), ("°º", "o"), ("µ", "u"),
    // Latin letters with marks that the alphabet only has without.
    ("ÀÁÂÃĀĂĄǍẠẢẤẦẨẪẬẮẰẲẴẶ", "A"), ("áâãāăąǎạảấầẩẫậắằẳẵặ", "a"), ("ĆĈĊČ", "C"), ("çćĉċč", "c"), ("ĎĐÐ", "D"), ("ďđð", "d"),
    ("ÈÊËĒĔĖĘĚẸẺẼẾỀỂỄỆ", "E"), ("êëēĕėęěẹẻẽếềểễệ", "e"), ("ĜĞĠĢ", "G"), ("ĝğġģ", "g"), ("ĤĦ", "H"), ("ĥħ", "h"),
    ("ÌÍÎÏĨĪĬĮİỈỊ", "I"), ("íîïĩīĭįıỉị", "i"), ("Ĵ", "J"), ("ĵ", "j"), ("Ķ", "K"), ("ķĸ", "k"), ("ĹĻĽĿŁ", "L"), ("ĺļľŀł", "l"),
    ("ŃŅŇŊ", "N"), ("ńņňŉŋ", "n"), ("ÒÓÔÕŌŎŐƠỌỎỐỒỔỖỘỚỜỞỠỢ", "O"), ("óôõōŏőơọỏốồổỗộớờởỡợ", "o"), ("ŔŖŘ", "R"), ("ŕŗř", "r"),
    ("ŚŜŞŠȘ", "S"), ("śŝşšșſ", "s"), ("ŢŤŦȚ", "T"), ("ţťŧț", "t"), ("ÙÚÛŨŪŬŮŰŲƯỤỦỨỪỬỮỰ", "U"), ("úûũūŭůűųưụủứừửữự", "u"),
    ("Ŵ", "W"), ("ŵ", "w"), ("ÝŶŸỲỴỶỸ", "Y"), ("ýŷÿỳỵỷỹ", "y"), ("ŹŻŽ", "Z"), ("źżž", "z"),
    ("Œ", "OE"), ("œ", "oe"), ("Þ", "Th"), ("þ", "th"), ("ẞ", "SS"), ("Ĳ", "IJ"), ("ĳ", "ij"),
    ("ﬀ", "ff"), ("ﬁ", "fi"), ("ﬂ", "fl"), ("ﬃ", "ffi"), ("ﬄ", "ffl"),
    // Greek capitals that look like Latin ones; the alphabet has the others.
    ("Α", "A"), ("Β", "B"), ("Ε", "E"), ("Ζ", "Z"), ("Η", "H"), ("Ι", "I"), ("Κ", "K"), ("Μ", "M"), ("Ν", "N"), ("Ο", "O"),
    ("Ρ", "P"), ("Τ", "T"), ("Υ", "Y"), ("Χ", "X"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_replacement_is_in_the_alphabet_and_every_replaced_character_is_not() {
        let mut seen = String::new();
        for &(characters, replacement) in TABLE {
            assert!(gsm7::is_encodable(replacement), "{replacement:?}");
            for character in characters.chars() {
                assert!(
                    !gsm7::is_encodable(character.encode_utf8(&mut [0; 4])),
                    "{character:?} needs no replacement"
                );
                assert!(!seen.contains(character), "{character:?} is listed twice");
                seen.push(character);
            }
        }
        for character in '\u{FF01}'..='\u{FF5E}' {
            assert!(gsm7::is_encodable(transliterate_char(character).unwrap()), "{character}");
        }
    }

    #[test]
    fn a_text_is_transliterated_as_a_whole_or_not_at_all() {
        assert_eq!(transliterate("“Größe” – 5 ½…"), "\"Größe\" - 5 1/2...");
        assert_eq!(transliterate("“Привет”"), "“Привет”");
        assert!(matches!(transliterate("plain €"), Cow::Borrowed("plain €")));
    }
}
