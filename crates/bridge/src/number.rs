//! Phone numbers: as people write them, as they are dialled, and patterns that match them. Pure.

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

/// A number as it will be dialled: without the separators people write, with the country code where one is configured. Digits, `*`, `#`, and a leading `+` are legal (TS 23.040 9.1.2.5: at most 20 digits).
pub fn normalise(number: &str, default_country: &str) -> Result<String, Failure> {
    let bare: String =
        number.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}')).collect();
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
    fn what_is_not_a_number_is_refused_with_its_code() {
        for bad in ["", "+", "abc", "+49x", "123456789012345678901", "+49*", "++49"] {
            let failure = normalise(bad, "49").expect_err(bad);
            assert_eq!(failure.code, FailureCode::BadNumber, "{bad}");
            assert!(failure.permanent);
        }
    }
}
