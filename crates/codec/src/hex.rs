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
    // Checked once at the end: nearly every line is good, and the loop is the quicker for it.
    let mut bits = 0;
    octets.extend(pairs.iter().map(|pair| {
        let (high, low) = (VALUES[usize::from(pair[0])], VALUES[usize::from(pair[1])]);
        bits |= high | low;
        high << 4 | low
    }));
    if bits > 0x0F {
        let good = |pair: &[u8; 2]| pair.iter().all(|&digit| VALUES[usize::from(digit)] != NOT_HEX);
        octets.truncate(pairs.iter().take_while(|pair| good(pair)).count());
        return Err(DecodeError { field: Field::Hex, octet: octets.len(), kind: DecodeErrorKind::NotHex });
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
    let mut some = [0; 128];
    for chunk in octets.chunks(some.len() / 2) {
        for (pair, &octet) in some.as_chunks_mut::<2>().0.iter_mut().zip(chunk) {
            *pair = [DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 0x0F)]];
        }
        // They are ASCII, so there is nothing that could fail here.
        digits.push_str(str::from_utf8(&some[..chunk.len() * 2]).unwrap_or_default());
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
