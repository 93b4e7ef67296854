//! Whether contacts can be sent to: what the lists of `[outbound]` make of their numbers. Pure but for saying it.

use super::findings::Findings;
use crate::config::{Config, Outbound};
use crate::policy;

/// Looks at every number of every contact.
pub(super) fn check(config: &Config, findings: &mut Findings) {
    for contact in &config.contacts {
        let what = format!("contact {}", contact.name);
        for number in &contact.numbers {
            match policy::check_recipient(number, &config.outbound) {
                Err(failure) => findings.wrong(&what, failure.message),
                Ok(()) if is_local(number, &config.outbound) => findings.note(
                    &what,
                    format!(
                        "{number} has no country code and is dialled so: write it with +, or set [outbound] default_country"
                    ),
                ),
                Ok(()) => findings.ok(&what, format!("messages go to {number}")),
            }
        }
    }
}

/// Whether nothing says which country a number is of, nor that it needs none.
fn is_local(number: &str, outbound: &Outbound) -> bool {
    !number.starts_with('+') && !policy::is_short_code(number, &outbound.short_codes, &outbound.allow)
}
