//! What may be sent and to whom, by the `[outbound]` table.
//!
//! Pure. Asked by intake for requests and by `incoming.rs` for replies. A refusal is a [`Failure`] in words.

use crate::config::Outbound;
use crate::event::MessageEncoding;
use crate::failure::{Failure, FailureCode};
use crate::number::any_matches;
use crate::pdu;
use crate::request::Body;

/// The encoding and the number of parts of a message, unless it takes more parts than allowed.
pub fn check_parts(body: &Body, outbound: &Outbound) -> Result<(MessageEncoding, u8), Failure> {
    let (encoding, parts) = pdu::count(body)?;
    match u8::try_from(parts) {
        Ok(parts) if parts <= outbound.max_parts => Ok((encoding, parts)),
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
