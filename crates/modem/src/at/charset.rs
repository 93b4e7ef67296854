//! Strings of a modem that another program left in `AT+CSCS="UCS2"`: hexadecimal digits of UCS-2.
//!
//! Pure. The look decides, so that no setting need be known: as such digits the string must read as what it is to be.

use super::params::is_hex;

/// A telephone number.
pub(crate) fn number(field: &str) -> String {
    let is_dialled = |c: char| c.is_ascii_digit() || matches!(c, '+' | '*' | '#');
    ucs2(field).filter(|text| text.chars().all(is_dialled)).unwrap_or_else(|| field.to_string())
}

/// A name. A single character is only taken for one if it is Latin: four plain letters may be digits, too.
pub(crate) fn name(field: &str) -> String {
    let is_of_name = |c: char| c.is_alphanumeric() || c == ' ' || c.is_ascii_punctuation();
    let is_name = |text: &String| {
        text.chars().all(is_of_name) && (field.len() > 4 || text.chars().all(|c| u32::from(c) < 0x100))
    };
    ucs2(field).filter(is_name).unwrap_or_else(|| field.to_string())
}

fn ucs2(field: &str) -> Option<String> {
    if !is_hex(field) || !field.len().is_multiple_of(4) {
        return None;
    }
    let unit = |digits: &[u8]| u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    let units: Vec<u16> = field.as_bytes().chunks(4).map(unit).collect::<Option<_>>()?;
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (field, expect) in [
            ("002B0034003900310035", "+4915"),
            ("002A00310030003000230020", "002A00310030003000230020"),
            ("+4915112345678", "+4915112345678"),
            ("004915112345", "004915112345"),
            ("0049151123456789", "0049151123456789"),
            ("110", "110"),
            ("", ""),
        ] {
            assert_eq!(number(field), expect);
        }
    }

    #[test]
    fn names() {
        for (field, expect) in [
            ("0056006F006400610066006F006E0065002E00640065", "Vodafone.de"),
            ("04110438043B04300439043D", "Билайн"),
            ("4E2D56FD79FB52A8", "中国移动"),
            ("0033", "3"),
            ("Vodafone", "Vodafone"),
            ("26202", "26202"),
            ("310410", "310410"),
            ("FACE", "FACE"),
            ("DEADBEEF", "DEADBEEF"),
            ("", ""),
        ] {
            assert_eq!(name(field), expect);
        }
    }
}
