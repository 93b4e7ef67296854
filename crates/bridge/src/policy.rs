//! What may be sent and to whom: pure rules from the configuration.
//!
//! Input: a normalised number and the `[outbound]` table. Never does I/O; a refusal is a [`Failure`] in words.

use crate::config::Outbound;
use crate::message::Failure;
use crate::number::any_matches;

/// The refusal of a message that takes more parts than allowed.
pub fn too_long(parts: usize, max_parts: u8) -> Failure {
    Failure::permanent(
        "too-long",
        format!("the message takes {parts} parts; [outbound] max_parts = {max_parts}"),
    )
}

/// Whether the configuration lets a message go to `number`.
pub fn admit(number: &str, rules: &Outbound) -> Result<(), Failure> {
    if any_matches(&rules.deny, number) {
        return Err(Failure::permanent("denied", format!("{number} is on [outbound] deny")));
    }
    if !rules.allow.is_empty() && !any_matches(&rules.allow, number) {
        return Err(Failure::permanent("denied", format!("{number} matches nothing on [outbound] allow")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deny_wins_over_allow() {
        let config = crate::config::parse("x", "[outbound]\nallow=[\"+49*\"]\ndeny=[\"+49900*\"]").unwrap();
        assert!(admit("+49151", &config.outbound).is_ok());
        assert_eq!(admit("+49900123", &config.outbound).unwrap_err().code, "denied");
        assert_eq!(admit("+33123", &config.outbound).unwrap_err().code, "denied");
    }
}
