//! Octets of a configuration file to its text: UTF-8, UTF-16 with its mark, or else Latin-1.

/// The largest file that is read, in octets.
pub const MAX_OCTETS: usize = 1 << 20;

/// A text, and how it was encoded.
pub(super) struct Text {
    /// With `\n` at the end of each line.
    pub(super) text: String,
    /// Neither UTF-8 nor UTF-16: each octet was taken for a character.
    pub(super) is_latin1: bool,
}

/// The text of a file. Every octet sequence has one.
pub(super) fn decode(octets: &[u8]) -> Text {
    let (text, is_latin1) = match octets {
        [0xFF, 0xFE, rest @ ..] => (utf16(rest, u16::from_le_bytes), false),
        [0xFE, 0xFF, rest @ ..] => (utf16(rest, u16::from_be_bytes), false),
        _ => match std::str::from_utf8(octets) {
            Ok(text) => (text.strip_prefix('\u{FEFF}').unwrap_or(text).to_owned(), false),
            Err(_) => (octets.iter().map(|octet| char::from(*octet)).collect(), true),
        },
    };
    Text { text: text.replace("\r\n", "\n").replace('\r', "\n"), is_latin1 }
}

fn utf16(octets: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = octets.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_and_each_end_of_a_line_gives_the_same_text() {
        for octets in [
            &b"a=\xc3\xa4\nb"[..],
            b"\xEF\xBB\xBFa=\xc3\xa4\r\nb",
            b"a=\xe4\rb",
            b"\xFF\xFEa\0=\0\xe4\0\r\0\n\0b\0",
            b"\xFE\xFF\0a\0=\0\xe4\0\n\0b",
        ] {
            assert_eq!(decode(octets).text, "a=ä\nb", "{octets:?}");
        }
        assert!(decode(b"a=\xe4").is_latin1 && !decode(b"a=\xc3\xa4").is_latin1);
    }
}
