//! Owns UCS-2 user data: 16-bit characters, high octet first, read and written as UTF-16 (TS 23.038 6.2.3).
//!
//! Where a character outside the basic plane was cut between two parts, put the octets together first: half a pair on
//! its own becomes U+FFFD.

/// Appends the text of big-endian 16-bit units. Lone surrogates become U+FFFD, an odd last octet is left out.
///
/// ```
/// let mut text = String::new();
/// smsbridge_codec::ucs2::decode_into(&[0x04, 0x1F, 0xD8, 0x3D, 0xDE, 0x00], &mut text);
/// assert_eq!(text, "П😀");
/// ```
pub fn decode_into(octets: &[u8], text: &mut String) {
    // Each unit gives at most three octets of UTF-8.
    text.reserve(octets.len() + octets.len() / 2);
    let (mut units, _) = octets.as_chunks();
    while let [unit, rest @ ..] = units {
        units = rest;
        let unit = u16::from_be_bytes(*unit);
        if let Some(character) = char::from_u32(unit.into()) {
            text.push(character);
            continue;
        }
        let low = rest.first().map_or(0, |&low| u16::from_be_bytes(low));
        let paired = char::decode_utf16([unit, low]).next().and_then(Result::ok);
        if paired.is_some() {
            units = &rest[1..];
        }
        text.push(paired.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
}

/// Appends a text as big-endian 16-bit units.
///
/// ```
/// let mut octets = Vec::new();
/// smsbridge_codec::ucs2::encode_into("П😀", &mut octets);
/// assert_eq!(octets, [0x04, 0x1F, 0xD8, 0x3D, 0xDE, 0x00]);
/// ```
pub fn encode_into(text: &str, octets: &mut Vec<u8>) {
    let before = octets.len();
    // No character takes more units than it takes octets of UTF-8.
    octets.resize(before + text.len() * 2, 0);
    let mut free = octets[before..].as_chunks_mut().0.iter_mut();
    for (unit, place) in text.encode_utf16().zip(&mut free) {
        *place = unit.to_be_bytes();
    }
    let unused = free.len() * 2;
    octets.truncate(octets.len() - unused);
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
