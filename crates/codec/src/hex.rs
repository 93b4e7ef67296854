//! Owns the step between the hexadecimal digits of an AT line (TS 27.005 PDU mode) and octets.
//!
//! Digits come as the modem wrote them, in either case. What we write is upper case. White space is no digit: taking
//! it off is the business of whoever read the line.

use crate::error::{DecodeError, DecodeErrorKind, Field};

/// Reads hexadecimal digits.
///
/// ```
/// use smsbridge_codec::hex;
///
/// assert_eq!(hex::decode("0aFF")?, [0x0A, 0xFF]);
/// assert_eq!(hex::decode("0aF-").unwrap_err().to_string(), "hex at octet 1: not a hexadecimal digit");
/// # Ok::<(), smsbridge_codec::DecodeError>(())
/// ```
///
/// # Errors
/// An odd number of digits, or a character that is none; `octet` counts pairs of digits.
pub fn decode(digits: &str) -> Result<Vec<u8>, DecodeError> {
    let mut octets = Vec::new();
    decode_into(digits, &mut octets)?;
    Ok(octets)
}

/// Reads hexadecimal digits into a buffer that is emptied first, so that one buffer serves many lines.
///
/// ```
/// let mut octets = Vec::new();
/// for line in ["0AFF", "00"] {
///     smsbridge_codec::hex::decode_into(line, &mut octets)?;
///     assert_eq!(octets.len(), line.len() / 2);
/// }
/// # Ok::<(), smsbridge_codec::DecodeError>(())
/// ```
///
/// # Errors
/// As [`decode`]; the buffer then holds what was read up to there.
pub fn decode_into(digits: &str, octets: &mut Vec<u8>) -> Result<(), DecodeError> {
    octets.clear();
    let (pairs, odd) = digits.as_bytes().as_chunks::<2>();
    let mut good = pairs.len();
    // Both loops are without branches, so that they go through many digits at once; a bad digit is looked for afterwards.
    if !digits.bytes().fold(true, |all, digit| all & digit.is_ascii_hexdigit()) {
        let is_good = |pair: &&[u8; 2]| pair.iter().all(u8::is_ascii_hexdigit);
        good = pairs.iter().take_while(is_good).count();
    }
    octets.extend(pairs[..good].iter().map(|&pair| octet(pair)));
    let error = |kind| Err(DecodeError { field: Field::Hex, octet: good, kind });
    match odd {
        _ if good < pairs.len() => error(DecodeErrorKind::NotHex),
        [] => Ok(()),
        _ => error(DecodeErrorKind::OddDigits),
    }
}

/// The octet of two good digits. Letters have bit 6 and count from 1 in their lower half; figures have their value there.
fn octet(pair: [u8; 2]) -> u8 {
    let pair = u16::from_le_bytes(pair);
    let values = (pair & 0x0F0F) + 9 * (pair >> 6 & 0x0101);
    (values << 4 | values >> 8) as u8
}

/// Writes octets as upper case hexadecimal digits.
///
/// ```
/// assert_eq!(smsbridge_codec::hex::encode(&[0x0A, 0xFF]), "0AFF");
/// ```
pub fn encode(octets: &[u8]) -> String {
    let mut digits = vec![[0; 2]; octets.len()];
    for (pair, &octet) in digits.iter_mut().zip(octets) {
        *pair = [digit(octet >> 4), digit(octet & 0x0F)];
    }
    // They are ASCII, so there is nothing that could fail here.
    String::from_utf8(digits.into_flattened()).unwrap_or_default()
}

fn digit(value: u8) -> u8 {
    // Letters begin seven places after the figures end.
    value + if value < 10 { b'0' } else { b'0' + 7 }
}

/// Writes octets as upper case hexadecimal digits at the end of a string.
pub fn encode_into(octets: &[u8], digits: &mut String) {
    digits.push_str(&encode(octets));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_in_either_case_read_and_write_back_in_upper_case() {
        assert_eq!(decode("00aBfF").map(|octets| encode(&octets)), Ok("00ABFF".into()));
    }

    #[test]
    fn an_error_says_which_octet() {
        assert_eq!(decode("00ZZ").unwrap_err().to_string(), "hex at octet 1: not a hexadecimal digit");
        assert_eq!(decode("000").unwrap_err().to_string(), "hex at octet 1: odd number of digits");
        assert_eq!(decode("é0").unwrap_err().kind, DecodeErrorKind::NotHex);
    }
}
