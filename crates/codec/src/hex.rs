//! Owns the step between the hexadecimal digits of an AT line (TS 27.005 PDU mode) and octets.
//!
//! Digits come as the modem wrote them, in either case. What we write is upper case. White space is no digit: taking
//! it off is the business of whoever read the line.

use crate::error::{DecodeError, DecodeErrorKind, Field};

const NOT_HEX: u8 = 0xFF;

static VALUES: [u8; 256] = {
    let mut values = [NOT_HEX; 256];
    let mut i = 0;
    while i < 10 {
        values[b'0' as usize + i] = i as u8;
        i += 1;
    }
    let mut i = 0;
    while i < 6 {
        values[b'A' as usize + i] = 10 + i as u8;
        values[b'a' as usize + i] = 10 + i as u8;
        i += 1;
    }
    values
};

/// Octets as upper case digits, two an octet.
static DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Reads hexadecimal digits.
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
/// # Errors
/// As [`decode`]; the buffer then holds what was read up to there.
pub fn decode_into(digits: &str, octets: &mut Vec<u8>) -> Result<(), DecodeError> {
    let digits = digits.as_bytes();
    octets.clear();
    octets.reserve(digits.len() / 2);
    let (pairs, odd) = digits.as_chunks::<2>();
    for pair in pairs {
        let (high, low) = (VALUES[pair[0] as usize], VALUES[pair[1] as usize]);
        if high | low > 0x0F {
            return Err(DecodeError {
                field: Field::Hex,
                octet: octets.len(),
                kind: DecodeErrorKind::NotHex,
            });
        }
        octets.push(high << 4 | low);
    }
    match odd {
        [] => Ok(()),
        _ => Err(DecodeError { field: Field::Hex, octet: octets.len(), kind: DecodeErrorKind::OddDigits }),
    }
}

/// Writes octets as upper case hexadecimal digits.
pub fn encode(octets: &[u8]) -> String {
    let mut digits = String::new();
    encode_into(octets, &mut digits);
    digits
}

/// Writes octets as upper case hexadecimal digits at the end of a string.
pub fn encode_into(octets: &[u8], digits: &mut String) {
    digits.reserve(octets.len() * 2);
    for &octet in octets {
        digits.push(DIGITS[usize::from(octet >> 4)] as char);
        digits.push(DIGITS[usize::from(octet & 0x0F)] as char);
    }
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
