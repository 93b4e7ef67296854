//! What may be sent and to whom, by the `[outbound]` table.
//!
//! Pure. Asked by intake for requests and by `incoming.rs` for replies. A refusal is a [`Failure`] in words.

use crate::config::Outbound;
use crate::event::MessageEncoding;
use crate::failure::{Failure, FailureCode};
use crate::number::any_matches;
use crate::pdu;
use crate::request::Body;

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

/// The encoding and the number of parts of a message, unless it takes more parts than allowed.
pub fn check_parts(body: &Body, outbound: &Outbound) -> Result<(MessageEncoding, u8), Failure> {
    let (encoding, parts) = pdu::count(body)?;
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

/// Whether a message may be sent to `number`, a normalised one.
pub fn check_recipient(number: &str, outbound: &Outbound) -> Result<(), Failure> {
    let denied = |why: &str| Err(Failure::permanent(FailureCode::Denied, format!("{number} {why}")));
    if any_matches(&outbound.deny, number) {
        return denied("is on [outbound] deny");
    }
    if !outbound.allow.is_empty() && !any_matches(&outbound.allow, number) {
        return denied("matches nothing on [outbound] allow");
    }
    Ok(())
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
}
