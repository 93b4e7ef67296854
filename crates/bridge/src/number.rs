//! Phone numbers: as people write them, as they are dialled, and patterns that match them. Pure.
//!
//! A number has one canonical spelling, `+` and at most 15 digits (E.164), wherever its country is known; lists are
//! asked about that alone. What has no `+` then is a short code, or means something else in each country.

use crate::failure::{Failure, FailureCode};

/// A pattern over numbers: the number itself, or its beginning followed by `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberPattern {
    head: String,
    is_prefix: bool,
}

impl NumberPattern {
    /// A pattern over senders, which may be names: compared with what is published, as it stands.
    ///
    /// # Errors
    /// In words: it is empty, or has a `*` before its end.
    pub fn of_senders(text: &str) -> Result<Self, String> {
        let head = text.strip_suffix('*').unwrap_or(text);
        if head.contains('*') || text.is_empty() {
            return Err(format!(
                "{text:?}: expected a number, or its beginning followed by *, such as \"+49*\""
            ));
        }
        Ok(NumberPattern { head: head.to_owned(), is_prefix: head.len() < text.len() })
    }

    /// A pattern over numbers in their canonical spelling, however it is written itself.
    ///
    /// # Errors
    /// In words: it is no pattern, or no number begins so.
    pub fn of_numbers(text: &str, default_country: &str) -> Result<Self, String> {
        let written = NumberPattern::of_senders(text)?;
        if !written.is_prefix {
            let head = normalise(&written.head, default_country).map_err(|failure| failure.message)?;
            return Ok(NumberPattern { head, is_prefix: false });
        }
        let bare = bare(&written.head);
        let head = match bare.strip_prefix('+') {
            Some(digits) => international_beginning(digits),
            None => match national_or_abroad(&bare, default_country) {
                Some(digits) => international_beginning(&digits),
                None => Some(bare).filter(|digits| are_digits(digits)),
            },
        };
        let wrong =
            || format!("{text:?}: no number begins so; expected + and a country code, such as \"+49*\"");
        Ok(NumberPattern { head: head.ok_or_else(wrong)?, is_prefix: true })
    }

    /// Whether the pattern matches `number`, or an alphanumeric sender.
    pub fn matches(&self, number: &str) -> bool {
        if self.is_prefix { number.starts_with(&self.head) } else { number == self.head }
    }

    /// Whether it matches `number` and nothing else.
    pub fn is_exactly(&self, number: &str) -> bool {
        !self.is_prefix && number == self.head
    }

    /// Whether it can match a number with a `+`.
    pub fn has_country(&self) -> bool {
        self.head.is_empty() || self.head.starts_with('+')
    }
}

/// Whether any of the patterns matches `number`.
pub fn any_matches(patterns: &[NumberPattern], number: &str) -> bool {
    patterns.iter().any(|p| p.matches(number))
}

/// A number without the separators people write.
pub fn bare(number: &str) -> String {
    number.chars().filter(|&c| !is_separator(c)).collect()
}

/// The number a message to `written` is sent to: a short code as it stands, any other as [`normalise`] makes it.
///
/// # Errors
/// `bad-number`: it is no number that can be.
pub fn dialled(written: &str, short_codes: &[String], default_country: &str) -> Result<String, Failure> {
    let bare = bare(written);
    if short_codes.contains(&bare) { Ok(bare) } else { normalise(written, default_country) }
}

/// A number as it will be dialled: without the separators people write, with the country code where one is
/// configured, and without the zero that is dialled only within the country (`+49 (0)151 …`). Without a configured
/// country a number without `+` stays as it is, at most 20 digits (TS 23.040 9.1.2.5).
///
/// # Errors
/// `bad-number`: it is no number, a code with `*` or `#`, or a number that cannot be.
pub fn normalise(number: &str, default_country: &str) -> Result<String, Failure> {
    let bare = bare(number);
    let refused = |words: &str| {
        Err(Failure::permanent(FailureCode::BadNumber, format!("{number:?} {words}"))
            .logged_as(format!("the number {words}")))
    };
    if bare.contains(['*', '#']) {
        return refused(
            "is a code, not a phone number: codes are for USSD, on the topic ussd/<modem> below the prefix",
        );
    }
    let digits = bare.strip_prefix('+').unwrap_or(&bare);
    if digits.is_empty() || digits.len() > 20 || !are_digits(digits) {
        return refused("is not a phone number; expected + and digits, such as +4915112345678");
    }
    let abroad = match bare.strip_prefix('+') {
        Some(digits) => Some(digits.to_owned()),
        None => national_or_abroad(&bare, default_country),
    };
    match (abroad, bare.strip_prefix("00")) {
        (Some(digits), _) => match international(&digits) {
            Some(number) => Ok(number),
            None => refused("is no possible phone number; expected a country code, 5 to 15 digits in all"),
        },
        // As typed, but for the zero that is not dialled from abroad.
        (None, Some(digits)) => Ok(international(digits).map_or(bare.clone(), |n| n.replacen('+', "00", 1))),
        (None, None) => Ok(bare),
    }
}

/// The number a sender's digits stand for, by their type of number; none where they are no phone number: a name, a
/// short code, or digits that only its network knows.
pub fn of_sender(from: &str, from_type: &str, default_country: &str) -> Option<String> {
    let digits = from.strip_prefix('+').unwrap_or(from);
    if digits.len() < MIN_PHONE_DIGITS || !are_digits(digits) {
        return None;
    }
    match from_type {
        "international" | "unknown" => normalise(from, default_country).ok(),
        // Without the zero that is dialled before it, as a rule.
        "national" if !default_country.is_empty() && !digits.starts_with('0') => {
            international(&format!("{default_country}{digits}"))
        }
        "national" => normalise(from, default_country).ok(),
        _ => None,
    }
}

/// Fewer digits are a short code.
const MIN_PHONE_DIGITS: usize = 7;

/// The digits of a canonical number, country code included: E.164 allows 15; fewer are short codes behind a country.
const E164_DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

/// Country codes behind which a zero is always dialled: Italy, San Marino, Benin, Côte d'Ivoire, Gabon, Congo.
const KEEPS_ZERO: [&str; 6] = ["39", "378", "229", "225", "241", "242"];

/// Country codes of two digits (ITU-T E.164, list of assigned codes); beside them, 1 and 7 have one and all others
/// three.
const TWO_DIGIT_CODES: [&str; 43] = [
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48",
    "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81",
    "82", "84", "86", "90", "91", "92", "93", "94", "95",
];

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}')
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// The digits behind the `+` that a number or its beginning without one stands for, where the configured country says
/// so.
fn national_or_abroad(bare: &str, default_country: &str) -> Option<String> {
    let national = bare.strip_prefix('0').filter(|_| !default_country.is_empty())?;
    Some(match national.strip_prefix('0') {
        Some(abroad) => abroad.to_owned(),
        None if KEEPS_ZERO.contains(&default_country) => format!("{default_country}{bare}"),
        None => format!("{default_country}{national}"),
    })
}

/// The canonical spelling of a number from the digits behind its `+`; none where there is no such number.
fn international(digits: &str) -> Option<String> {
    let number = international_beginning(digits)?;
    let length = number.len() - 1;
    // Whoever dials more behind 1 and 7 has left in the prefix of a long-distance call.
    let most = if digits.starts_with(['1', '7']) { 11 } else { *E164_DIGITS.end() };
    (*E164_DIGITS.start()..=most).contains(&length).then_some(number)
}

/// The same for the beginning of a number.
fn international_beginning(digits: &str) -> Option<String> {
    if digits.starts_with('0') || !are_digits(digits) || digits.len() > *E164_DIGITS.end() + 1 {
        return None;
    }
    let Some((code, national)) = digits.split_at_checked(country_code_length(digits)) else {
        return Some(format!("+{digits}"));
    };
    let is_kept = KEEPS_ZERO.contains(&code);
    let dialled = national.strip_prefix('0').filter(|_| !is_kept).unwrap_or(national);
    // A zero alone says nothing of what follows it; two are no part of any number.
    let is_open = national == "0" && !is_kept;
    let is_impossible = match code {
        "1" => national.starts_with(['0', '1']),
        _ if is_kept => national.starts_with("00"),
        _ => dialled.starts_with('0'),
    };
    (!is_open && !is_impossible).then(|| format!("+{code}{dialled}"))
}

fn country_code_length(digits: &str) -> usize {
    match digits.get(..2) {
        _ if digits.starts_with(['1', '7']) => 1,
        Some(code) if TWO_DIGIT_CODES.contains(&code) => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn national_numbers_get_the_country_and_short_ones_are_left_alone() {
        for (typed, dialled) in [
            ("0151 234-567", "+49151234567"),
            ("0049151234567", "+49151234567"),
            ("+49 (151) 234", "+49151234"),
            ("10086", "10086"),
        ] {
            assert_eq!(normalise(typed, "49").as_deref(), Ok(dialled), "{typed}");
        }
        assert_eq!(normalise("0151", "").as_deref(), Ok("0151"));
        assert_eq!(
            normalise("06 1234567", "39").as_deref(),
            Ok("+39061234567"),
            "its zero is always dialled"
        );
    }

    #[test]
    fn the_zero_dialled_only_within_a_country_is_dropped_behind_its_code() {
        for (typed, dialled) in [
            ("+49 (0)151 1234567", "+491511234567"),
            ("+49(0)1511234567", "+491511234567"),
            ("+44 (0) 20 7946-0000", "+442079460000"),
            ("+490900 1234567", "+499001234567"),
            ("+49 0151 1234567", "+491511234567"),
            ("00490900 1234567", "+499001234567"),
            ("+4 9(0)900 123", "+49900123"),
            ("+353 01 234", "+3531234"),
            ("+49 ( 0 ) 30 123", "+4930123"),
            ("+353\u{a0}(0)1 234", "+3531234"),
            ("+49-(0)-30/123", "+4930123"),
            ("0049 (0)30 123", "+4930123"),
            // These zeros are part of the number.
            ("+39 (06) 1234", "+39061234"),
            ("+39 (0)6 1234", "+39061234"),
            ("+39 06 (0)1234", "+390601234"),
            ("+229 01 97 12 34 56", "+2290197123456"),
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
        for bad in [
            "",
            "+",
            "abc",
            "+49x",
            "123456789012345678901",
            "+49*",
            "++49",
            "4+9151123456",
            "＋49151123456",
            "+49١٥١١٢٣٤٥٦",
            "+4915112345\u{200b}",
            "tel:+49151123456",
        ] {
            for country in ["49", ""] {
                let failure = normalise(bad, country).expect_err(bad);
                assert_eq!(failure.code, FailureCode::BadNumber, "{bad}");
                assert!(failure.permanent);
            }
        }
    }

    #[test]
    fn codes_for_the_network_are_no_recipients() {
        for code in
            ["*31#0900123456", "#31#+49900123456", "**21*+49900123456#", "##002#", "*100#", "**04*1*2*2#"]
        {
            for country in ["49", ""] {
                let failure = normalise(code, country).expect_err(code);
                assert_eq!(failure.code, FailureCode::BadNumber, "{code}");
                assert!(failure.message.contains("ussd"), "{code}: {}", failure.message);
            }
        }
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        for bad in [
            "+0490900123456",
            "+00490900123456",
            "+0900123456",
            "+4900900123456",
            "00049900123456",
            "000490900123",
            "+491",
            "+4915112345678901",
            "+1 1 900 555 0100",
            "+1 0 900 555 0100",
            "+7 8 900 123 45 67",
            "00",
            "+39 00 6 1234",
        ] {
            let failure = normalise(bad, "49").expect_err(bad);
            assert_eq!(failure.code, FailureCode::BadNumber, "{bad}");
        }
    }

    #[test]
    fn a_pattern_means_what_the_numbers_it_is_written_like_mean() {
        for (written, country, number, is_match) in [
            ("0900*", "49", "+49900123456", true),
            ("0049900*", "49", "+49900123456", true),
            ("+49 (0)900*", "", "+49900123456", true),
            ("+490900*", "", "+49900123456", true),
            ("+49*", "", "+49900123456", true),
            ("+4*", "", "+49900123456", true),
            ("+*", "", "+49900123456", true),
            ("*", "", "10086", true),
            ("0*", "49", "+49900123456", true),
            ("0*", "49", "+33900123456", false),
            ("00*", "49", "+33900123456", true),
            ("06*", "39", "+39061234567", true),
            ("0151 1234567", "49", "+491511234567", true),
            ("118*", "49", "11880", true),
            ("+49900123456", "", "+499001234567", false),
        ] {
            let pattern = NumberPattern::of_numbers(written, country).unwrap();
            assert_eq!(pattern.matches(number), is_match, "{written} with {country:?}: {pattern:?}");
        }
        // The zero says nothing of what follows, and would deny or allow a whole country.
        for bad in
            ["", "+490*", "+0*", "+00*", "+4900*", "+49x*", "Bank*", "*31#*", "+1 1*", "00049*", "+491"]
        {
            assert!(NumberPattern::of_numbers(bad, "49").is_err(), "{bad} was taken for a pattern");
        }
    }

    #[test]
    fn one_phone_has_one_number_however_its_network_gives_it() {
        for (from, from_type) in [
            ("+491701234567", "international"),
            ("00491701234567", "unknown"),
            ("01701234567", "unknown"),
            ("01701234567", "national"),
            ("1701234567", "national"),
            ("+4901701234567", "international"),
        ] {
            let number = of_sender(from, from_type, "49");
            assert_eq!(number.as_deref(), Some("+491701234567"), "{from} {from_type}");
        }
    }

    #[test]
    fn a_name_is_no_number_however_it_looks() {
        for (from, from_type) in [
            ("+4917099999", "alphanumeric"),
            ("09001234567", "alphanumeric"),
            ("InfoBank", "alphanumeric"),
            ("1701234567", "abbreviated"),
            ("1701234567", "network"),
            ("1701234567", "subscriber"),
            ("1701234567", "reserved"),
            ("22333", "unknown"),
            ("+12345", "international"),
            ("", "unknown"),
            ("1701*34567", "unknown"),
            ("170a234567", "national"),
            ("1701234567", ""),
        ] {
            for country in ["49", ""] {
                assert_eq!(of_sender(from, from_type, country), None, "{from} {from_type}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_number_that_was_normalised_stays_as_it_is(
            typed in "[+0-9][0-9 ()./-]{0,20}",
            country in "(|49|39|1|7|225|353)",
        ) {
            if let Ok(number) = normalise(&typed, &country) {
                prop_assert_eq!(normalise(&number, &country), Ok(number.clone()));
                let is_canonical = !number.starts_with("+0") && number.len() <= 16;
                prop_assert!(is_canonical || !number.starts_with('+'), "{}", number);
                let pattern = NumberPattern::of_numbers(&number, &country);
                prop_assert!(pattern.is_ok_and(|pattern| pattern.matches(&number)));
            }
        }

        #[test]
        fn a_beginning_of_a_number_matches_it(typed in "[+0][0-9]{6,14}", cut in 2..6_usize) {
            if let Ok(number) = normalise(&typed, "49")
                && let Ok(pattern) = NumberPattern::of_numbers(&format!("{}*", &typed[..cut]), "49")
            {
                prop_assert!(pattern.matches(&number), "{} is {}, {:?}", typed, number, pattern);
            }
        }
    }
}
