//! Phone numbers: as people write them, as they are dialled, and patterns that match them. Pure.

use std::borrow::Cow;
use std::str::FromStr;

use crate::failure::{Failure, FailureCode};

/// A pattern over numbers: the number itself, or its beginning followed by `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberPattern {
    head: String,
    is_prefix: bool,
}

impl FromStr for NumberPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let head = text.strip_suffix('*').unwrap_or(text);
        if head.contains('*') || text.is_empty() {
            return Err(format!(
                "{text:?}: expected a number, or its beginning followed by *, such as \"+49*\""
            ));
        }
        Ok(NumberPattern { head: head.to_owned(), is_prefix: head.len() < text.len() })
    }
}

impl NumberPattern {
    /// Whether the pattern matches `number`, or an alphanumeric sender.
    pub fn matches(&self, number: &str) -> bool {
        if self.is_prefix { number.starts_with(&self.head) } else { number == self.head }
    }
}

/// Whether any of the patterns matches `number`.
pub fn any_matches(patterns: &[NumberPattern], number: &str) -> bool {
    patterns.iter().any(|p| p.matches(number))
}

/// A number as it will be dialled: without the separators people write, with the country code where one is configured, and
/// without the `(0)` that is dialled only within the country. Digits, `*`, `#`, and a leading `+` are legal (TS 23.040
/// 9.1.2.5: at most 20 digits).
pub fn normalise(number: &str, default_country: &str) -> Result<String, Failure> {
    let written = without_trunk_prefix(number);
    let bare: String = written.chars().filter(|&c| !is_separator(c) && !matches!(c, '(' | ')')).collect();
    let digits = bare.strip_prefix('+').unwrap_or(&bare);
    let legal = |c: char| c.is_ascii_digit() || (!bare.starts_with('+') && matches!(c, '*' | '#'));
    if digits.is_empty() || digits.len() > 20 || !digits.chars().all(legal) {
        return Err(Failure::permanent(
            FailureCode::BadNumber,
            format!("{number:?} is not a phone number; expected + and digits, such as +4915112345678"),
        ));
    }
    if default_country.is_empty() || bare.starts_with('+') || bare.contains(['*', '#']) {
        return Ok(bare);
    }
    match (bare.strip_prefix("00"), bare.strip_prefix('0')) {
        (Some(international), _) if !international.is_empty() => Ok(format!("+{international}")),
        (None, Some(national)) if !national.is_empty() => Ok(format!("+{default_country}{national}")),
        _ => Ok(bare),
    }
}

/// Country codes behind which a zero is always dialled: Italy, San Marino, Côte d'Ivoire, Gabon, Congo.
const KEEPS_ZERO: [&str; 5] = ["39", "378", "225", "241", "242"];

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '/' | '\u{a0}')
}

/// Without the trunk prefix people write in parentheses behind a country code: `+49 (0)151 …`. A `(0` that goes on, as in
/// `+39 (06) …`, belongs to the number.
fn without_trunk_prefix(number: &str) -> Cow<'_, str> {
    let parts = number.split_once('(').and_then(|(country, rest)| {
        let (inside, national) = rest.split_once(')')?;
        let code = country.trim_matches(is_separator);
        let code = code.strip_prefix('+').or_else(|| code.strip_prefix("00"))?;
        let is_code = (1..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
        let is_dropped = is_code && !KEEPS_ZERO.contains(&code) && inside.trim_matches(is_separator) == "0";
        is_dropped.then_some((country, national))
    });
    match parts {
        Some((country, national)) => Cow::Owned(format!("{country}{national}")),
        None => Cow::Borrowed(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn national_numbers_get_the_country_and_short_ones_are_left_alone() {
        for (typed, dialled) in [
            ("0151 234-567", "+49151234567"),
            ("0049151234567", "+49151234567"),
            ("+49 (151) 234", "+49151234"),
            ("10086", "10086"),
            ("*100#", "*100#"),
        ] {
            assert_eq!(normalise(typed, "49").as_deref(), Ok(dialled), "{typed}");
        }
        assert_eq!(normalise("0151", "").as_deref(), Ok("0151"));
    }

    #[test]
    fn the_zero_dialled_only_within_a_country_is_dropped_behind_its_code() {
        for (typed, dialled) in [
            ("+49 (0)151 1234567", "+491511234567"),
            ("+49(0)1511234567", "+491511234567"),
            ("+44 (0) 20 7946-0000", "+442079460000"),
            ("+49 ( 0 ) 30 123", "+4930123"),
            ("+353\u{a0}(0)1 234", "+3531234"),
            ("+49-(0)-30/123", "+4930123"),
            ("0049 (0)30 123", "+4930123"),
            // These zeros are part of the number.
            ("+39 (06) 1234", "+39061234"),
            ("+39 (0)6 1234", "+39061234"),
            ("+39 06 (0)1234", "+390601234"),
            ("(0)151 234567", "+49151234567"),
            ("+49 151 (0)", "+491510"),
            ("+1 (800) 555-0100", "+18005550100"),
        ] {
            assert_eq!(normalise(typed, "49").as_deref(), Ok(dialled), "{typed}");
        }
        assert_eq!(normalise("+49 (0)151 1234567", "").as_deref(), Ok("+491511234567"));
        assert_eq!(normalise("0049 (0)30 123", "").as_deref(), Ok("004930123"));
    }

    #[test]
    fn what_is_not_a_number_is_refused_with_its_code() {
        for bad in ["", "+", "abc", "+49x", "123456789012345678901", "+49*", "++49"] {
            let failure = normalise(bad, "49").expect_err(bad);
            assert_eq!(failure.code, FailureCode::BadNumber, "{bad}");
            assert!(failure.permanent);
        }
    }
}
