//! Notices a modem that answers every command and yet is of no use: registered nowhere for long, or registered with a
//! network that accepts no message.
//!
//! Pure: time is passed in. What follows (the radio off and on, then a reset) is decided in the modem crate. Input:
//! registrations and outcomes of submissions, of one session.

use std::time::Duration;

use smsbridge_modem::registration::Registration;
use smsbridge_modem::{ModemError, SendError};
use tokio::time::Instant;

/// A modem that searches for a network this long is stuck; many find it again after the radio was off.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// A network that refuses may have its reasons: it is not asked again sooner.
const DENIED_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// Submissions in a row that the network did not react to.
const MAX_IGNORED: u32 = 4;

/// A session younger than this is not judged by its submissions.
const MIN_AGE: Duration = Duration::from_secs(60);

/// What is known of the health of one session.
#[derive(Debug)]
pub(super) struct Watchdog {
    /// Since when there is no network, and whether the network refused.
    unregistered: Option<(Instant, bool)>,
    began_at: Instant,
    ignored: u32,
}

impl Watchdog {
    pub(super) fn new(now: Instant) -> Self {
        Watchdog { unregistered: None, began_at: now, ignored: 0 }
    }

    /// The registration has been read.
    pub(super) fn registered(&mut self, registration: Option<Registration>, now: Instant) {
        self.unregistered = match registration {
            None | Some(Registration::Unknown) => None,
            Some(registration) if registration.is_registered() => None,
            Some(registration) => {
                let since = self.unregistered.map_or(now, |(since, _)| since);
                Some((since, registration == Registration::Denied))
            }
        };
    }

    /// The network accepted a submission.
    pub(super) fn submitted(&mut self) {
        self.ignored = 0;
    }

    /// A submission failed. A refusal that names the recipient or the message shows that the network reacts.
    pub(super) fn not_submitted(&mut self, error: &SendError) {
        match error {
            SendError::Refused(error) if error.is_network_silent() => {
                self.ignored += 1;
            }
            SendError::Refused(_) => self.ignored = 0,
            SendError::Unknown(ModemError::Refused { error, .. }) if error.is_network_silent() => {
                self.ignored += 1;
            }
            SendError::NotSubmitted(_) | SendError::Unknown(_) => {}
        }
    }

    /// Whether nothing speaks against messages going through: there is a network, and it took the last message.
    pub(super) fn has_worked(&self) -> bool {
        self.unregistered.is_none() && self.ignored == 0
    }

    /// Why the modem is of no use, if it is not.
    pub(super) fn unhealthy_reason(&self, now: Instant) -> Option<String> {
        if let Some((since, denied)) = self.unregistered {
            let (timeout, words) = match denied {
                true => (DENIED_TIMEOUT, "the network refuses it"),
                false => (SEARCH_TIMEOUT, "it finds no network"),
            };
            let waited = now.duration_since(since);
            if waited >= timeout {
                return Some(format!("{words} for {} minutes", waited.as_secs() / 60));
            }
        }
        (self.ignored >= MAX_IGNORED && now.duration_since(self.began_at) >= MIN_AGE).then(|| {
            format!(
                "it says it is registered and the network took none of the last {} messages",
                self.ignored
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smsbridge_modem::{AtError, Class};

    fn refused(line: &str) -> SendError {
        let error = AtError::parse(line).unwrap();
        match error.class() {
            Class::Unknown => SendError::Unknown(ModemError::Refused { command: "AT+CMGS=20".into(), error }),
            _ => SendError::Refused(error),
        }
    }

    #[test]
    fn a_search_without_end_is_noticed_and_a_short_one_is_not() {
        let start = Instant::now();
        let after = |minutes: u64| start + Duration::from_secs(60 * minutes);
        let mut watchdog = Watchdog::new(start);
        watchdog.registered(Some(Registration::Searching), after(1));
        assert_eq!(watchdog.unhealthy_reason(after(3)), None);
        watchdog.registered(Some(Registration::Roaming), after(4));
        watchdog.registered(Some(Registration::Searching), after(5));
        assert_eq!(watchdog.unhealthy_reason(after(9)), None);
        watchdog.registered(Some(Registration::NotRegistered), after(10));
        assert!(watchdog.unhealthy_reason(after(10)).is_some_and(|why| why.contains("5 minutes")));
    }

    #[test]
    fn a_network_that_refuses_is_not_asked_again_soon() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(start);
        watchdog.registered(Some(Registration::Denied), start);
        assert_eq!(watchdog.unhealthy_reason(start + Duration::from_secs(29 * 60)), None);
        assert!(watchdog.unhealthy_reason(start + Duration::from_secs(30 * 60)).is_some());
    }

    #[test]
    fn registered_but_dead_is_noticed_by_what_is_not_sent() {
        let start = Instant::now();
        let later = start + Duration::from_secs(120);
        let mut watchdog = Watchdog::new(start);
        (0..3).for_each(|_| watchdog.not_submitted(&refused("+CMS ERROR: 332")));
        assert_eq!(watchdog.unhealthy_reason(later), None);
        watchdog.not_submitted(&refused("+CMS ERROR: 28"));
        watchdog.not_submitted(&refused("+CMS ERROR: 332"));
        assert_eq!(watchdog.unhealthy_reason(later), None, "a bad number shows that the network reacts");
        (0..3).for_each(|_| watchdog.not_submitted(&refused("+CMS ERROR: 38")));
        assert!(watchdog.unhealthy_reason(later).is_some());
        watchdog.submitted();
        assert_eq!(watchdog.unhealthy_reason(later), None);
    }
}
