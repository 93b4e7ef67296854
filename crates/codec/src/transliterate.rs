//! Owns the folding of text into the 7-bit alphabet: a table of characters and their plain likenesses, so that one
//! curly quote does not make a message of 160 characters one of three parts.
//!
//! Only characters a reader takes for the same are in the table: no script is spelled in another. It is all or nothing:
//! where one character has no likeness the text goes as UCS-2 anyway, and folding the rest would only harm it.

use std::borrow::Cow;

use crate::gsm7;

/// The text with every character that the 7-bit default alphabet lacks replaced by its plain likeness; the text as it
/// is, if it needs none of that or a character has no likeness.
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
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        if gsm7::septets_of(character).is_some() {
            folded.push(character);
        } else {
            match likeness(character) {
                Some(likeness) => folded.push_str(likeness),
                None => return Cow::Borrowed(text),
            }
        }
    }
    Cow::Owned(folded)
}

/// The plain likeness of a character that the 7-bit default alphabet lacks; empty for invisible ones.
///
/// ```
/// use smsbridge_codec::transliterate::likeness;
///
/// assert_eq!([likeness('ő'), likeness('“'), likeness('Ж')], [Some("o"), Some("\""), None]);
/// ```
pub fn likeness(character: char) -> Option<&'static str> {
    // Marks that stand over the letter before them.
    if matches!(character, '\u{0300}'..='\u{036F}') {
        return Some("");
    }
    // Full-width forms of ASCII.
    if matches!(character, '\u{FF01}'..='\u{FF5E}') {
        let ascii = (u32::from(character) - 0xFF01) as usize;
        return PRINTABLE_ASCII.get(ascii..=ascii);
    }
    TABLE.iter().find(|(characters, _)| characters.contains(character)).map(|(_, likeness)| *likeness)
}

const PRINTABLE_ASCII: &str =
    "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_'abcdefghijklmnopqrstuvwxyz{|}~";

/// Characters, and what all of them are replaced by.
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
    // Spaces, and what takes no room.
    ("\t\u{00A0}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200A}\u{202F}\u{205F}\u{3000}", " "),
    ("\u{00AD}\u{200B}\u{200C}\u{200D}\u{200E}\u{200F}\u{2060}\u{FEFF}\u{FE0E}\u{FE0F}", ""),
    ("\u{0085}\u{2028}\u{2029}", "\n"),
    // Signs.
    ("©", "(c)"), ("®", "(r)"), ("™", "(tm)"), ("℠", "(sm)"), ("№", "No"), ("‰", "0/00"), ("×", "x"), ("÷", ":"), ("±", "+-"),
    ("≤", "<="), ("≥", ">="), ("≠", "!="), ("≈", "~"), ("→", "->"), ("←", "<-"), ("⇒", "=>"), ("¦", "|"),
    ("¢", "c"), ("¼", "1/4"), ("½", "1/2"), ("¾", "3/4"), ("¹", "1"), ("²", "2"), ("³", "3"), ("ª", "a"), ("°º", "o"), ("µ", "u"),
    // Latin letters with marks, where the alphabet has them without.
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
    fn every_likeness_is_in_the_alphabet_and_every_character_is_not() {
        let mut seen = String::new();
        for &(characters, likeness) in TABLE {
            assert!(gsm7::is_encodable(likeness), "{likeness:?}");
            for character in characters.chars() {
                assert!(
                    !gsm7::is_encodable(character.encode_utf8(&mut [0; 4])),
                    "{character:?} needs no likeness"
                );
                assert!(!seen.contains(character), "{character:?} is there twice");
                seen.push(character);
            }
        }
        for character in '\u{FF01}'..='\u{FF5E}' {
            assert!(gsm7::is_encodable(likeness(character).unwrap()), "{character}");
        }
    }

    #[test]
    fn a_text_is_folded_whole_or_not_at_all() {
        assert_eq!(transliterate("“Größe” – 5 ½…"), "\"Größe\" - 5 1/2...");
        assert_eq!(transliterate("“Привет”"), "“Привет”");
        assert!(matches!(transliterate("plain €"), Cow::Borrowed("plain €")));
    }
}
