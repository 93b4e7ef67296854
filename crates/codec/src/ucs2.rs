//! Owns UCS-2 user data: 16-bit characters, high octet first, read and written as UTF-16 (TS 23.038 6.2.3).
//!
//! Where a character outside the basic plane was cut between two parts, put the octets together first: half a pair on
//! its own becomes U+FFFD.

/// Appends the text of big-endian 16-bit units. Lone surrogates become U+FFFD, an odd last octet is left out.
pub fn decode_into(octets: &[u8], text: &mut String) {
    // Each unit gives at most three octets of UTF-8.
    text.reserve(octets.len() + octets.len() / 2);
    let (units, _) = octets.as_chunks::<2>();
    let mut units = units.iter().map(|&unit| u16::from_be_bytes(unit)).peekable();
    while let Some(unit) = units.next() {
        text.push(match unit {
            0xD800..=0xDBFF => match units.peek() {
                Some(&low @ 0xDC00..=0xDFFF) => {
                    units.next();
                    let pair = 0x1_0000 + (u32::from(unit & 0x3FF) << 10) + u32::from(low & 0x3FF);
                    char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
                _ => char::REPLACEMENT_CHARACTER,
            },
            _ => char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER),
        });
    }
}

/// Appends a text as big-endian 16-bit units.
pub fn encode_into(text: &str, octets: &mut Vec<u8>) {
    octets.reserve(text.len() * 2);
    for unit in text.encode_utf16() {
        octets.extend_from_slice(&unit.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_join_and_lone_halves_are_replaced() {
        let text = |octets: &[u8]| {
            let mut text = String::new();
            decode_into(octets, &mut text);
            text
        };
        assert_eq!(text(&[0xD8, 0x3D, 0xDE, 0x00, 0x00, 0x41]), "😀A");
        assert_eq!(text(&[0xD8, 0x3D, 0x00, 0x41, 0xDE, 0x00]), "\u{FFFD}A\u{FFFD}");
        assert_eq!(text(&[0xD8, 0x3D, 0xD8, 0x3D, 0xDE, 0x00]), "\u{FFFD}😀");
    }
}
