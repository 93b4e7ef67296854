//! UCS-2 user data: 16-bit characters, high octet first, read and written as UTF-16 (TS 23.038 6.2.3).
//!
//! A character outside the basic multilingual plane may be cut between two parts. Concatenate the octets before decoding
//! them: half a surrogate pair on its own becomes U+FFFD.

const BYTE_ORDER_MARK: u16 = 0xFEFF;

/// Appends the text of big-endian 16-bit units. Lone surrogates become U+FFFD; an odd last octet is ignored.
///
/// U+FFFE is no character: units that begin with it are little-endian, with a byte order mark. Some senders encode so; the
/// marks of all parts are left out.
///
/// ```
/// let mut text = String::new();
/// smsbridge_codec::ucs2::decode_into(&[0x04, 0x1F, 0xD8, 0x3D, 0xDE, 0x00], &mut text);
/// assert_eq!(text, "П😀");
/// ```
pub fn decode_into(octets: &[u8], text: &mut String) {
    // A unit takes at most three octets of UTF-8.
    text.reserve(octets.len() + octets.len() / 2);
    let (mut units, _) = octets.as_chunks();
    let is_little_endian = units.first() == Some(&[0xFF, 0xFE]);
    let read =
        |unit: [u8; 2]| if is_little_endian { u16::from_le_bytes(unit) } else { u16::from_be_bytes(unit) };
    while let [unit, rest @ ..] = units {
        units = rest;
        let unit = read(*unit);
        if is_little_endian && unit == BYTE_ORDER_MARK {
            continue;
        }
        if let Some(character) = char::from_u32(unit.into()) {
            text.push(character);
            continue;
        }
        let low = rest.first().map_or(0, |&low| read(low));
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
    octets.reserve(text.len() * 2);
    octets.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
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
        assert_eq!(text(&[0xFF, 0xFE, 0x3D, 0xD8, 0x00, 0xDE, 0xFF, 0xFE, 0xD8, 0x00]), "😀Ø");
        assert_eq!(text(&[0xD8, 0x3D, 0x00, 0x41, 0xDE, 0x00]), "\u{FFFD}A\u{FFFD}");
        assert_eq!(text(&[0xD8, 0x3D, 0xD8, 0x3D, 0xDE, 0x00]), "\u{FFFD}😀");
    }
}
