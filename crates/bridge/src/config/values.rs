//! Values of configuration keys: durations and number patterns.

use std::time::Duration;

use super::mistake::Mistakes;
use crate::number::{self, NumberPattern};

/// Patterns over the senders of messages. Where their country is known, those that are numbers also mean the number
/// as it is written with its country.
pub(super) fn sender_patterns(
    path: &str,
    texts: &[String],
    default_country: &str,
    mistakes: &mut Mistakes,
) -> Vec<NumberPattern> {
    let as_written = each(path, texts, mistakes, NumberPattern::of_senders);
    // "0*" means what is written so, not a whole country.
    let says_more = |text: &&String| text.contains(|c: char| c.is_ascii_digit() && c != '0');
    let canonical = texts.iter().filter(says_more);
    let canonical = canonical.filter_map(|text| NumberPattern::of_numbers(text, default_country).ok());
    as_written.into_iter().chain(canonical).collect()
}

/// Patterns over the recipients of messages, each of which can match.
pub(super) fn recipient_patterns(
    path: &str,
    texts: &[String],
    default_country: &str,
    short_codes: &[String],
    mistakes: &mut Mistakes,
) -> Vec<NumberPattern> {
    each(path, texts, mistakes, |text| {
        let pattern = NumberPattern::of_numbers(text, default_country)?;
        if !pattern.has_country() && !short_codes.iter().any(|code| pattern.matches(code)) {
            return Err(format!(
                "{text:?} matches no number: it has no country code. Begin it with + and the country code, set \
                 outbound.default_country, or list short numbers in outbound.short_codes"
            ));
        }
        Ok(pattern)
    })
}

/// Short codes, each as it is dialled.
pub(super) fn short_codes(path: &str, texts: &[String], mistakes: &mut Mistakes) -> Vec<String> {
    each(path, texts, mistakes, |text| {
        let code = number::bare(text);
        let is_short = (1..=MAX_SHORT_CODE).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
        let wrong = || format!("{text:?}: expected 1 to {MAX_SHORT_CODE} digits, such as \"10086\"");
        is_short.then_some(code).ok_or_else(wrong)
    })
}

/// What `read` makes of each text; a mistake where it makes nothing of one.
fn each<T>(
    path: &str,
    texts: &[String],
    mistakes: &mut Mistakes,
    read: impl Fn(&str) -> Result<T, String>,
) -> Vec<T> {
    let texts = texts.iter().enumerate();
    texts.filter_map(|(n, text)| mistakes.keep(&format!("{path}[{n}]"), read(text))).collect()
}

/// Digits of a short code; what is longer is a number of some country.
const MAX_SHORT_CODE: usize = 8;

pub(super) fn seconds(n: u32) -> Duration {
    Duration::from_secs(n.into())
}

pub(super) fn days(n: u32) -> Duration {
    Duration::from_secs(u64::from(n) * 86_400)
}
