//! What may be sent and to whom, by the `[outbound]` table.
//!
//! Pure. Asked by intake for requests and by `incoming.rs` for replies. A refusal is a [`Failure`] in words.

use crate::config::Outbound;
use crate::contact::{self, Contact, Contacts};
use crate::event::MessageEncoding;
use crate::failure::{Failure, FailureCode};
use crate::number::{self, NumberPattern, any_matches};
use crate::pdu::{self, Length};
use crate::request::{Body, Content};

/// 24 hours, in milliseconds.
pub const DAY_MS: i64 = 86_400_000;

/// How much a modem may send in a rolling time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Its key in `[outbound]`.
    pub key: &'static str,
    /// Parts.
    pub limit: u32,
    /// Milliseconds.
    pub period_ms: i64,
}

/// The budgets that are set.
pub fn budgets(outbound: &Outbound) -> impl Iterator<Item = Budget> {
    let both = [("per_minute", outbound.per_minute, 60_000), ("per_day", outbound.per_day, DAY_MS)];
    both.into_iter().filter_map(|(key, limit, period_ms)| Some(Budget { key, limit: limit?, period_ms }))
}

/// Why so many parts can never go out: they are more than the whole of a budget, which is never overshot.
pub fn over_any_budget(parts: u32, outbound: &Outbound) -> Option<Failure> {
    let Budget { key, limit, .. } = budgets(outbound).find(|budget| parts > budget.limit)?;
    let words = format!("the message takes {parts} parts; [outbound] {key} = {limit} never lets so many out");
    Some(Failure::permanent(FailureCode::TooLong, words))
}

/// The encoding and the number of parts of a message, unless it takes more parts than allowed, or says nothing.
pub fn check_parts(body: &Body, outbound: &Outbound) -> Result<(MessageEncoding, u8), Failure> {
    // A rule's reply can be so, where nothing was captured.
    if matches!(&body.content, Content::Text(text) if text.is_empty()) {
        return Err(Failure::permanent(FailureCode::Malformed, "the text is empty: nothing is sent"));
    }
    let Length { encoding, parts, .. } = pdu::length(body)?;
    match u8::try_from(parts) {
        Ok(parts) if parts <= outbound.max_parts => match over_any_budget(parts.into(), outbound) {
            None => Ok((encoding, parts)),
            Some(failure) => Err(failure),
        },
        _ => Err(Failure::permanent(
            FailureCode::TooLong,
            format!("the message takes {parts} parts; [outbound] max_parts = {}", outbound.max_parts),
        )),
    }
}

/// Whom a recipient stands for, as it was written.
#[derive(Debug, PartialEq, Eq)]
pub struct Dialled {
    /// The contact it names.
    pub contact: Option<String>,
    /// One number, or all those of the contact: short codes as they stand, others in their canonical spelling.
    pub numbers: Vec<String>,
}

/// The numbers a message to `written` is sent to.
///
/// # Errors
/// `bad-number`: it is no number that can be, and no contact has that name.
pub fn dialled(written: &str, contacts: &Contacts, outbound: &Outbound) -> Result<Dialled, Failure> {
    if let Some(Contact { name, numbers }) = contacts.named(written) {
        return Ok(Dialled { contact: Some(name.clone()), numbers: numbers.clone() });
    }
    match number::dialled(written, &outbound.short_codes, &outbound.default_country) {
        Ok(number) => Ok(Dialled { contact: None, numbers: vec![number] }),
        Err(_) if contact::is_name(written.trim()) => Err(unknown_name(written.trim(), contacts)),
        Err(failure) => Err(failure),
    }
}

fn unknown_name(written: &str, contacts: &Contacts) -> Failure {
    let words = "is not a phone number, and no [[contact]] has that name";
    let remedy = match contacts.nearest(written) {
        Some(near) => format!("; did you mean {near}?"),
        None if contacts.is_empty() => "; expected + and digits, such as +4915112345678".to_owned(),
        None => String::new(),
    };
    let failure = Failure::permanent(FailureCode::BadNumber, format!("{written:?} {words}{remedy}"));
    failure.logged_as(format!("the recipient {words}"))
}

/// Whether a message may be sent to `number`, one of [`dialled`]. Where there is a list, a number without a country
/// has to stand on it: nobody knows whom it reaches, so no pattern could tell.
///
/// # Errors
/// `denied` by a list; `bad-number`: it has no country, and there are lists.
pub fn check_recipient(number: &str, outbound: &Outbound) -> Result<(), Failure> {
    let denied = |why: &str| {
        Err(Failure::permanent(FailureCode::Denied, format!("{number} {why}"))
            .logged_as(format!("the number {why}")))
    };
    let has_list = !outbound.allow.is_empty() || !outbound.deny.is_empty();
    let is_listed = is_short_code(number, &outbound.short_codes, &outbound.allow);
    if has_list && !number.starts_with('+') && !is_listed {
        let words = "has no country code, so that [outbound] allow and deny cannot judge it: write it with +, set \
            [outbound] default_country, or list it in [outbound] short_codes";
        let failure = Failure::permanent(FailureCode::BadNumber, format!("{number} {words}"));
        return Err(failure.logged_as(format!("the number {words}")));
    }
    if any_matches(&outbound.deny, number) {
        return denied("is on [outbound] deny");
    }
    if !outbound.allow.is_empty() && !is_listed && !any_matches(&outbound.allow, number) {
        return denied("matches nothing on [outbound] allow");
    }
    Ok(())
}

/// Whether a number without a country code is one of those that may be written so: a short code, or one that `allow`
/// names.
pub fn is_short_code(number: &str, short_codes: &[String], allow: &[NumberPattern]) -> bool {
    !number.starts_with('+')
        && (short_codes.iter().any(|code| code == number) || allow.iter().any(|p| p.is_exactly(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deny_wins_over_allow() {
        let config = crate::config::parse("x", "[outbound]\nallow=[\"+49*\"]\ndeny=[\"+49900*\"]").unwrap();
        let refusal = |number| check_recipient(number, &config.outbound).map_err(|failure| failure.code);
        assert_eq!(refusal("+49151"), Ok(()));
        assert_eq!(refusal("+49900123"), Err(FailureCode::Denied));
        assert_eq!(refusal("+33123"), Err(FailureCode::Denied));
    }

    /// What becomes of a recipient as it is written.
    fn judged(outbound: &Outbound, written: &str) -> Result<String, FailureCode> {
        let dialled = dialled(written, &Contacts::default(), outbound).map_err(|failure| failure.code)?;
        let [number] = &dialled.numbers[..] else { panic!("{written} is {dialled:?}") };
        check_recipient(number, outbound).map_err(|failure| failure.code)?;
        Ok(number.clone())
    }

    /// Every way in which somebody might write a German premium number.
    const PREMIUM: [&str; 22] = [
        "+4990012345",
        "+49 (0)900 12345",
        "+49090012345",
        "+49 0 900 12345",
        "004990012345",
        "0049090012345",
        "+004990012345",
        "+0049090012345",
        "+04990012345",
        "090012345",
        "0900/123-45",
        "4990012345",
        "90012345",
        "01149900123",
        "8104990012345",
        "00114990012345",
        "*31#090012345",
        "#31#+4990012345",
        "**21*090012345#",
        "+4900900123",
        "00049900123",
        "＋4990012345",
    ];

    #[test]
    fn no_spelling_of_a_denied_number_passes() {
        for lists in ["deny=[\"+49900*\"]", "deny=[\"+49900*\"]\nallow=[\"+49*\"]", "allow=[\"+33*\"]"] {
            for country in ["", "49", "1", "39"] {
                let text = format!("[outbound]\n{lists}\ndefault_country = \"{country}\"");
                let config = crate::config::parse("x", &text).unwrap();
                for written in PREMIUM {
                    let passed = judged(&config.outbound, written);
                    // Digits that stand for another number in that country reach that one.
                    let is_another = |number: &String| {
                        !country.is_empty()
                            && number.starts_with(&format!("+{country}"))
                            && !number.starts_with("+49900")
                    };
                    let is_right = passed.as_ref().map_or(true, is_another);
                    assert!(is_right, "{lists}, {country:?}: {written} passed as {passed:?}");
                }
            }
        }
    }

    #[test]
    fn with_a_list_a_number_without_a_country_has_to_be_listed() {
        let text = "[outbound]\nallow=[\"+49*\", \"112\"]\nshort_codes=[\"10086\", \"000\"]";
        let config = crate::config::parse("x", text).unwrap();
        for (written, expected) in [
            ("+4915112345678", Ok("+4915112345678")),
            ("10086", Ok("10086")),
            ("100-86", Ok("10086")),
            ("000", Ok("000")),
            ("112", Ok("112")),
            ("1125", Err(FailureCode::BadNumber)),
            ("010330900123", Err(FailureCode::BadNumber)),
            ("+33112345678", Err(FailureCode::Denied)),
        ] {
            assert_eq!(judged(&config.outbound, written), expected.map(str::to_owned), "{written}");
        }
        let without = crate::config::parse("x", "").unwrap();
        assert_eq!(judged(&without.outbound, "0900123"), Ok("0900123".to_owned()), "no list: as typed");
    }

    #[test]
    fn a_message_of_more_parts_than_a_budget_is_refused_by_the_name_of_the_budget() {
        for (keys, parts, expected) in [
            ("per_minute = 10", 11, Some("per_minute = 10")),
            ("per_minute = 10", 10, None),
            ("per_minute = 0\nper_day = 3", 4, Some("per_day = 3")),
            ("per_minute = 0\nper_day = 0", 255, None),
        ] {
            let config = crate::config::parse("x", &format!("[outbound]\nmax_parts = 255\n{keys}")).unwrap();
            let failure = over_any_budget(parts, &config.outbound);
            assert_eq!(failure.is_some(), expected.is_some(), "{keys}, {parts} parts");
            if let (Some(failure), Some(words)) = (failure, expected) {
                assert!(
                    failure.code == FailureCode::TooLong && failure.message.contains(words),
                    "{failure:?}"
                );
            }
        }
    }

    #[test]
    fn what_a_caller_wrote_for_a_name_is_not_for_the_log() {
        let text = "[[contact]]\nname = \"Anna\"\nnumber = \"+4915112345678\"";
        let config = crate::config::parse("x", text).unwrap();
        let contacts = Contacts::new(&config.contacts, &config.outbound.default_country);
        for written in ["Ana", "Bob", "+49 Anna", "x".repeat(100_000).as_str(), "Annna\u{202e}", ""] {
            let failure = dialled(written, &contacts, &config.outbound).expect_err(written);
            let logged = failure.logged.unwrap();
            assert!(logged.starts_with("the ") && !logged.contains("Anna"), "{logged}");
            assert!(written.is_empty() || !logged.contains(written), "{logged}");
            assert!(failure.message.chars().count() <= 401, "{}", failure.message);
        }
    }

    #[test]
    fn a_message_that_says_nothing_is_refused_and_a_blank_is_not() {
        let config = crate::config::parse("x", "").unwrap();
        let body = |text: &str| Body {
            content: Content::Text(text.to_owned()),
            class: None,
            encoding: smsbridge_codec::Encoding::Auto,
            transliterate: false,
        };
        let refused = check_parts(&body(""), &config.outbound).expect_err("an empty text");
        assert_eq!(refused.code, FailureCode::Malformed);
        assert!(check_parts(&body(" "), &config.outbound).is_ok());
    }
}
