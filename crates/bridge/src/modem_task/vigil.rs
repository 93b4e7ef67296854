//! Notices a modem that answers every command and yet is of no use: registered nowhere for long, or registered with a
//! network that takes no message.
//!
//! Pure: time is handed in. What follows from its verdict (the radio off and on, then a reset) is the ladder's. Input:
//! registrations and the outcomes of sending, of one session.

use std::time::Duration;

use smsbridge_modem::SendError;
use smsbridge_modem::status::Registration;
use tokio::time::Instant;

/// A modem that looks for a network that long is stuck; many find it again once the radio was off.
const SEARCHES_FOR: Duration = Duration::from_secs(5 * 60);

/// A network that refused may have its reasons: it is not asked again sooner.
const DENIED_FOR: Duration = Duration::from_secs(30 * 60);

/// Messages in a row the network took no notice of.
const UNHEARD: u32 = 4;

/// What is known of one session's usefulness.
#[derive(Debug)]
pub(super) struct Vigil {
    /// Since when there is no network, and whether it refused us.
    without: Option<(Instant, bool)>,
    began: Instant,
    unheard: u32,
}

impl Vigil {
    pub(super) fn new(now: Instant) -> Self {
        Vigil { without: None, began: now, unheard: 0 }
    }

    /// The registration as it is now.
    pub(super) fn registered(&mut self, registration: Option<Registration>, now: Instant) {
        self.without = match registration {
            None | Some(Registration::Unknown) => None,
            Some(registration) if registration.is_registered() => None,
            Some(registration) => {
                let since = self.without.map_or(now, |(since, _)| since);
                Some((since, registration == Registration::Denied))
            }
        };
    }

    pub(super) fn sent(&mut self) {
        self.unheard = 0;
    }

    /// A refusal that names the recipient or the message shows that the network listens.
    pub(super) fn not_sent(&mut self, error: &SendError) {
        match error {
            SendError::Refused(error)
                if matches!(
                    error.slug().as_str(),
                    "cms-38" | "cms-41" | "cms-47" | "cms-331" | "cms-332" | "cms-500" | "cme-30" | "cme-31"
                ) =>
            {
                self.unheard += 1;
            }
            SendError::Refused(_) => self.unheard = 0,
            SendError::NotSubmitted(_) | SendError::Unknown(_) => {}
        }
    }

    /// Why the modem is of no use, if it is not. Told once: what follows begins a new session.
    pub(super) fn verdict(&self, now: Instant) -> Option<String> {
        if let Some((since, denied)) = self.without {
            let (patience, words) = match denied {
                true => (DENIED_FOR, "the network refuses it"),
                false => (SEARCHES_FOR, "it finds no network"),
            };
            let waited = now.duration_since(since);
            if waited >= patience {
                return Some(format!("{words} for {} minutes", waited.as_secs() / 60));
            }
        }
        (self.unheard >= UNHEARD && now.duration_since(self.began) >= Duration::from_secs(60)).then(|| {
            format!(
                "it says it is registered and the network took none of the last {} messages",
                self.unheard
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smsbridge_modem::AtError;

    fn refused(line: &str) -> SendError {
        SendError::Refused(AtError::parse(line).unwrap())
    }

    #[test]
    fn a_search_without_end_is_noticed_and_a_short_one_is_not() {
        let start = Instant::now();
        let after = |minutes: u64| start + Duration::from_secs(60 * minutes);
        let mut vigil = Vigil::new(start);
        vigil.registered(Some(Registration::Searching), after(1));
        assert_eq!(vigil.verdict(after(3)), None);
        vigil.registered(Some(Registration::Roaming), after(4));
        vigil.registered(Some(Registration::Searching), after(5));
        assert_eq!(vigil.verdict(after(9)), None);
        vigil.registered(Some(Registration::NotRegistered), after(10));
        assert!(vigil.verdict(after(10)).is_some_and(|why| why.contains("5 minutes")));
    }

    #[test]
    fn a_network_that_refuses_is_not_pestered() {
        let start = Instant::now();
        let mut vigil = Vigil::new(start);
        vigil.registered(Some(Registration::Denied), start);
        assert_eq!(vigil.verdict(start + Duration::from_secs(29 * 60)), None);
        assert!(vigil.verdict(start + Duration::from_secs(30 * 60)).is_some());
    }

    #[test]
    fn registered_but_dead_is_noticed_by_what_is_not_sent() {
        let start = Instant::now();
        let later = start + Duration::from_secs(120);
        let mut vigil = Vigil::new(start);
        (0..3).for_each(|_| vigil.not_sent(&refused("+CMS ERROR: 332")));
        assert_eq!(vigil.verdict(later), None);
        vigil.not_sent(&refused("+CMS ERROR: 28"));
        vigil.not_sent(&refused("+CMS ERROR: 332"));
        assert_eq!(vigil.verdict(later), None, "a bad number shows that the network listens");
        (0..3).for_each(|_| vigil.not_sent(&refused("+CMS ERROR: 38")));
        assert!(vigil.verdict(later).is_some());
        vigil.sent();
        assert_eq!(vigil.verdict(later), None);
    }
}
