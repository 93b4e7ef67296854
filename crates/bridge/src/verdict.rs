//! What follows for a message whose submission failed: retry, another modem, give up, or ask the policy.
//!
//! Pure. The class of each error code is defined in the modem crate, beside the code; this file says what each class
//! leads to, and when to try again. Input: a [`SendError`] and the number of attempts.

use std::fmt;
use std::time::Duration;

use smsbridge_modem::{AtError, Class, ModemError, SendError};

use crate::failure::{Failure, FailureCode};

/// Attempts after which a transient refusal counts as permanent.
const MAX_ATTEMPTS: u32 = 8;

/// How long to leave a network alone that did not say whether it took a message.
const UNANSWERED_DELAY: Duration = Duration::from_secs(60);

/// What to do with a message whose submission failed.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Try again after this time; any modem may.
    Retry(Duration, Failure),
    /// This modem cannot; another may try at once, this one after this time.
    Reroute(Duration, Failure),
    /// The connection broke before the message was submitted, which says nothing about the message: try again as soon
    /// as a modem is online.
    Interrupted,
    /// It will never be sent.
    GiveUp(Failure),
    /// Nobody knows whether it was sent: `[outbound] on_unknown` decides; if it is sent again, then after this time.
    AskPolicy(Duration, Failure),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Retry(delay, _) => write!(f, "it is tried again in {} s", delay.as_secs()),
            Verdict::Reroute(delay, _) => {
                write!(f, "another modem may try, this one again in {} s", delay.as_secs())
            }
            Verdict::Interrupted => f.write_str("it is tried again when a modem is online"),
            Verdict::GiveUp(_) => f.write_str("it is given up"),
            Verdict::AskPolicy(..) => f.write_str("nobody knows: [outbound] on_unknown decides"),
        }
    }
}

/// Judges a failed submission; `attempts` counts the refusals, including this one.
pub fn judge(error: &SendError, attempts: u32) -> Verdict {
    match error {
        SendError::Unknown(fault) => {
            // A network that did not answer in time is given some.
            let delay = if fault.is_fatal() { Duration::ZERO } else { UNANSWERED_DELAY };
            Verdict::AskPolicy(delay, Failure::transient(FailureCode::Unknown, fault.to_string()))
        }
        SendError::NotSubmitted(fault) if fault.is_fatal() => Verdict::Interrupted,
        SendError::NotSubmitted(fault) => judge_class(fault.class(), modem_failure(fault), attempts),
        SendError::Refused(error) => judge_class(error.class(), failure(error), attempts),
    }
}

fn judge_class(class: Class, failure: Failure, attempts: u32) -> Verdict {
    match class {
        Class::Permanent => Verdict::GiveUp(Failure { permanent: true, ..failure }),
        Class::Transient | Class::Unknown if attempts >= MAX_ATTEMPTS => Verdict::GiveUp(failure),
        Class::Transient | Class::Unknown => Verdict::Retry(delay(attempts), failure),
        Class::ThisModem => Verdict::Reroute(delay(attempts).max(Duration::from_secs(60)), failure),
    }
}

/// 5 s, 10 s, 20 s … up to 15 minutes.
fn delay(attempts: u32) -> Duration {
    Duration::from_secs(5 << attempts.saturating_sub(1).min(7)).min(Duration::from_secs(900))
}

fn failure(error: &AtError) -> Failure {
    Failure::transient(error.into(), error.to_string())
}

fn modem_failure(fault: &ModemError) -> Failure {
    match fault {
        ModemError::Refused { error, .. } => failure(error),
        other => Failure::transient(FailureCode::Modem, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cms(code: u16) -> SendError {
        SendError::Refused(AtError::parse(&format!("+CMS ERROR: {code}")).unwrap())
    }

    #[test]
    fn an_unassigned_number_fails_at_once_and_names_its_code() {
        match judge(&cms(1), 1) {
            Verdict::GiveUp(failure) => {
                assert_eq!(failure.code, FailureCode::Cms(1));
                assert!(failure.permanent);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn congestion_is_retried_with_growing_delays_and_not_for_ever() {
        let delays: Vec<_> = (1..MAX_ATTEMPTS)
            .map(|attempt| match judge(&cms(42), attempt) {
                Verdict::Retry(delay, _) => delay,
                other => panic!("attempt {attempt}: {other:?}"),
            })
            .collect();
        assert!(delays.windows(2).all(|pair| pair[0] < pair[1]), "{delays:?}");
        assert!(matches!(judge(&cms(42), MAX_ATTEMPTS), Verdict::GiveUp(f) if !f.permanent));
    }

    #[test]
    fn a_sim_that_is_missing_lets_another_modem_try() {
        assert!(matches!(judge(&cms(310), 1), Verdict::Reroute(..)));
    }

    #[test]
    fn a_fault_after_ctrl_z_is_left_to_the_policy() {
        let gone = ModemError::Timeout { command: "AT+CMGS".to_owned(), after: Duration::from_secs(60) };
        assert!(matches!(judge(&SendError::Unknown(gone.clone()), 1), Verdict::AskPolicy(..)));
        assert_eq!(judge(&SendError::NotSubmitted(gone), 100), Verdict::Interrupted);
    }
}
