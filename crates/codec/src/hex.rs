//! Hexadecimal digits, the form in which a modem shows and takes octets (TS 27.005 PDU mode).
//!
//! Digits are read in either case and written in upper case. White space is not a digit: strip it before decoding.

use crate::error::{DecodeError, DecodeErrorKind, Field};

/// Decodes hexadecimal digits.
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
/// An odd number of digits, or a character that is not a digit; `octet` counts pairs of digits.
pub fn decode(digits: &str) -> Result<Vec<u8>, DecodeError> {
    let mut octets = Vec::new();
    decode_into(digits, &mut octets)?;
    Ok(octets)
}

/// Decodes hexadecimal digits into a buffer, which is cleared first, so that one buffer serves many lines.
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
/// As [`decode`]; the buffer then holds the octets before the error.
pub fn decode_into(digits: &str, octets: &mut Vec<u8>) -> Result<(), DecodeError> {
    octets.clear();
    octets.reserve(digits.len() / 2);
    let (pairs, rest) = digits.as_bytes().as_chunks();
    for &[high, low] in pairs {
        match (VALUES[usize::from(high)], VALUES[usize::from(low)]) {
            (high @ 0..16, low @ 0..16) => octets.push(high << 4 | low),
            _ => return Err(error(octets.len(), DecodeErrorKind::NotHex)),
        }
    }
    if rest.is_empty() { Ok(()) } else { Err(error(octets.len(), DecodeErrorKind::OddDigits)) }
}

fn error(octet: usize, kind: DecodeErrorKind) -> DecodeError {
    DecodeError { field: Field::Hex, octet, kind }
}

/// Encodes octets as upper case hexadecimal digits.
///
/// ```
/// assert_eq!(smsbridge_codec::hex::encode(&[0x0A, 0xFF]), "0AFF");
/// ```
pub fn encode(octets: &[u8]) -> String {
    let mut digits = String::with_capacity(octets.len() * 2);
    encode_into(octets, &mut digits);
    digits
}

/// Appends octets to a string as upper case hexadecimal digits.
pub fn encode_into(octets: &[u8], digits: &mut String) {
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    for &octet in octets {
        digits.push(digit(octet >> 4));
        digits.push(digit(octet & 0x0F));
    }
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// The value of each character as a digit; 16 or more where it is not one.
const VALUES: [u8; 256] = {
    let mut values = [0xFF; 256];
    let mut value = 0;
    while value < 16 {
        let digit = DIGITS[value];
        values[digit as usize] = value as u8;
        values[digit.to_ascii_lowercase() as usize] = value as u8;
        value += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_in_either_case_are_encoded_again_in_upper_case() {
        assert_eq!(decode("00aBfF").map(|octets| encode(&octets)), Ok("00ABFF".into()));
    }

    #[test]
    fn every_octet_reads_back() {
        let octets: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&octets)), Ok(octets.clone()));
        assert_eq!(decode(&encode(&octets).to_lowercase()), Ok(octets));
    }

    #[test]
    fn only_the_twenty_two_digits_are_accepted() {
        let accepted: String =
            ('\0'..='\u{7F}').filter(|digit| decode(&format!("0{digit}")).is_ok()).collect();
        assert_eq!(accepted, "0123456789ABCDEFabcdef");
    }

    #[test]
    fn an_error_names_the_octet() {
        assert_eq!(decode("00ZZ").unwrap_err().to_string(), "hex at octet 1: not a hexadecimal digit");
        assert_eq!(decode("000").unwrap_err().to_string(), "hex at octet 1: odd number of digits");
        assert_eq!(decode("é0").unwrap_err().kind, DecodeErrorKind::NotHex);
    }
}
