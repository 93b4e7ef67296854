//! Other gateways on our prefix, and what the broker says of ourselves. Pure.
//!
//! Two gateways that both take requests for any modem would send each of them twice. A gateway is known by the
//! `instance` in its retained state, which is its store's. Input: what the broker delivers on the retained topics of
//! gateways.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::message::Name;
use crate::wire::state::{is_online, read_instance};
use crate::wire::topic::OfGateway;

/// How long another gateway of our name is remembered without a sign of it. Both publish again when they hear the
/// other.
const NAMESAKE_MEMORY: Duration = Duration::from_secs(60);

/// Other gateways remembered: more than anybody has. Names are made up for nothing.
const MAX_OTHERS: usize = 1000;

/// Between two answers to what another says under our name.
const ANSWER_INTERVAL: Duration = Duration::from_secs(5);

/// What the broker had kept under our own name when we connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kept {
    /// Our own state, or nothing that says whose it is.
    Ours,
    /// The state of another gateway of our name: its instance.
    Other(String),
}

/// What is to be published again because somebody else published under our name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Everything: we were said to be offline.
    Everything,
    /// The gateway's state: another gateway of our name is there, and hears of us so.
    GatewayState,
}

/// The other gateways, as far as they are known on this connection.
#[derive(Debug)]
pub(super) struct Neighbours {
    own: Name,
    instance: String,
    others: BTreeMap<String, Other>,
    /// When another gateway of our name was heard last.
    namesake_at: Option<Instant>,
    kept: Option<Kept>,
    has_echo: bool,
    is_said_offline: bool,
    is_namesake_new: bool,
    answered_at: Instant,
}

#[derive(Debug, Default)]
struct Other {
    is_online: bool,
    /// Its state says which instance it is, and that is not ours.
    has_instance: bool,
}

impl Other {
    /// Whether it is online, and another one than ours.
    fn counts(&self) -> bool {
        self.is_online && self.has_instance
    }
}

impl Neighbours {
    /// Knows none yet; `own` is our name, `instance` our store's.
    pub(super) fn new(own: Name, instance: String) -> Self {
        Neighbours {
            own,
            instance,
            others: BTreeMap::new(),
            namesake_at: None,
            kept: None,
            has_echo: false,
            is_said_offline: false,
            is_namesake_new: false,
            answered_at: Instant::now(),
        }
    }

    /// A new connection begins: the broker delivers all retained topics again, and we publish ours.
    pub(super) fn forget(&mut self, now: Instant) {
        *self = Neighbours { answered_at: now, ..Neighbours::new(self.own.clone(), self.instance.clone()) };
    }

    /// Handles a delivery on a gateway's topic. `retained` says that the broker had kept it; otherwise somebody has
    /// just published it. What cannot be a gateway's is ignored.
    pub(super) fn on_publish(&mut self, topic: &OfGateway, payload: &[u8], retained: bool, now: Instant) {
        match topic {
            OfGateway::State(name) => {
                let instance = read_instance(payload);
                let is_own = instance.as_ref() == Some(&self.instance);
                if name == self.own.as_str() {
                    self.on_own_state(instance.filter(|_| !is_own), is_own, retained, now);
                } else {
                    self.note(name, |other| other.has_instance = instance.is_some() && !is_own);
                }
            }
            OfGateway::Availability(name) if name == self.own.as_str() => {
                self.is_said_offline = !is_online(payload);
            }
            OfGateway::Availability(name) => {
                self.note(name, |other| other.is_online = is_online(payload));
            }
        }
    }

    fn on_own_state(&mut self, other: Option<String>, is_own: bool, retained: bool, now: Instant) {
        match (other, retained) {
            (other, true) => self.kept = Some(other.map_or(Kept::Ours, Kept::Other)),
            // It may have waited for us: what waits at the broker comes before our own state comes back.
            (Some(other), false) if !self.has_echo => self.kept = Some(Kept::Other(other)),
            (Some(_), false) => {
                self.namesake_at = Some(now);
                self.is_namesake_new = true;
            }
            (None, false) => self.has_echo |= is_own,
        }
    }

    /// Changes what is known of another gateway. What has no gateway's name is none; one of which nothing is known is
    /// forgotten.
    fn note(&mut self, name: &str, change: impl FnOnce(&mut Other)) {
        if name.parse::<Name>().is_err() {
            return;
        }
        if self.others.len() >= MAX_OTHERS && !self.others.contains_key(name) {
            // One that does not count makes room. Where all count, one more changes nothing.
            let least = self.others.iter().find(|(_, other)| !other.counts()).map(|(name, _)| name.clone());
            let Some(least) = least else { return };
            self.others.remove(&least);
        }
        let other = self.others.entry(name.to_owned()).or_default();
        change(other);
        if !other.is_online && !other.has_instance {
            self.others.remove(name);
        }
    }

    /// One that is online.
    pub(super) fn online(&self, now: Instant) -> Option<&str> {
        let namesake = self.namesake_at.filter(|at| now - *at < NAMESAKE_MEMORY).map(|_| self.own.as_str());
        let mut others = self.others.iter().filter(|(_, other)| other.counts());
        namesake.or_else(|| others.next().map(|(name, _)| name.as_str()))
    }

    /// What the broker had kept under our name when we connected, once it has said so; another one if any came.
    pub(super) fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// Whether the state we published on this connection has come back: what waited for us at the broker has come
    /// before it.
    pub(super) fn has_echo(&self) -> bool {
        self.has_echo
    }

    /// What is to be published again, now and then.
    pub(super) fn answer(&mut self, now: Instant) -> Option<Answer> {
        if now - self.answered_at < ANSWER_INTERVAL {
            return None;
        }
        let answer = if std::mem::take(&mut self.is_said_offline) {
            Answer::Everything
        } else if std::mem::take(&mut self.is_namesake_new) {
            Answer::GatewayState
        } else {
            return None;
        };
        self.answered_at = now;
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &[u8] = br#"{"instance":"smsbridge-a"}"#;
    const THEIRS: &[u8] = br#"{"instance":"smsbridge-b"}"#;

    fn neighbours() -> Neighbours {
        Neighbours::new("attic".parse().unwrap(), "smsbridge-a".to_owned())
    }

    fn availability(name: &str) -> OfGateway {
        OfGateway::Availability(name.into())
    }

    fn state(name: &str) -> OfGateway {
        OfGateway::State(name.into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_gateway_is_seen_while_it_is_online() {
        let (mut neighbours, now) = (neighbours(), Instant::now());
        neighbours.on_publish(&availability("cellar"), b"online", true, now);
        assert_eq!(neighbours.online(now), None, "anybody may say online");
        neighbours.on_publish(&state("cellar"), THEIRS, true, now);
        assert_eq!(neighbours.online(now), Some("cellar"));
        neighbours.on_publish(&availability("cellar"), b"offline", false, now);
        assert_eq!(neighbours.online(now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_namesake_is_seen_until_it_falls_silent_and_our_own_state_is_none() {
        let (mut neighbours, now) = (neighbours(), Instant::now());
        for (payload, retained) in
            [(OURS, true), (OURS, false), (THEIRS, true), (b"x".as_slice(), false), (b"{}", false)]
        {
            neighbours.on_publish(&state("attic"), payload, retained, now);
            assert_eq!(neighbours.online(now), None, "{payload:?}");
        }
        assert!(neighbours.has_echo());
        neighbours.on_publish(&state("attic"), THEIRS, false, now);
        assert_eq!(neighbours.online(now), Some("attic"));
        assert_eq!(neighbours.online(now + NAMESAKE_MEMORY), None);
        neighbours.forget(now);
        assert_eq!(neighbours.online(now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_kept_under_our_name_is_told_from_what_is_published_there() {
        let (mut neighbours, now) = (neighbours(), Instant::now());
        neighbours.on_publish(&state("attic"), THEIRS, true, now);
        assert_eq!(neighbours.kept(), Some(&Kept::Other("smsbridge-b".to_owned())));
        assert!(!neighbours.has_echo());
        neighbours.on_publish(&state("attic"), OURS, false, now);
        assert!(neighbours.has_echo());
        for ours in [OURS, b"x", b""] {
            neighbours.forget(now);
            neighbours.on_publish(&state("attic"), ours, true, now);
            assert_eq!(neighbours.kept(), Some(&Kept::Ours), "{ours:?}");
        }
        // What it published while we were away had waited for us.
        neighbours.on_publish(&state("attic"), THEIRS, false, now);
        assert_eq!(neighbours.kept(), Some(&Kept::Other("smsbridge-b".to_owned())));
        assert_eq!(neighbours.online(now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_that_we_are_offline_is_answered_now_and_then() {
        let (mut neighbours, now) = (neighbours(), Instant::now());
        let said = |neighbours: &mut Neighbours, words: &[u8]| {
            neighbours.on_publish(&availability("attic"), words, false, now);
        };
        said(&mut neighbours, b"offline");
        assert_eq!(neighbours.answer(now), None, "we have only just published");
        let later = now + ANSWER_INTERVAL;
        assert_eq!(neighbours.answer(later), Some(Answer::Everything));
        said(&mut neighbours, b"offline");
        assert_eq!(neighbours.answer(later), None, "without a bound two would go on for ever");
        said(&mut neighbours, b"online");
        assert_eq!(neighbours.answer(later + ANSWER_INTERVAL), None, "it is right already");
        neighbours.on_publish(&state("attic"), OURS, false, now);
        neighbours.on_publish(&state("attic"), THEIRS, false, now);
        assert_eq!(neighbours.answer(later + ANSWER_INTERVAL), Some(Answer::GatewayState));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_thousand_gateways_take_no_memory_and_hide_no_real_one() {
        let (mut neighbours, now) = (neighbours(), Instant::now());
        for n in 0..100_000 {
            neighbours.on_publish(&availability(&format!("made-up-{n}")), b"online", true, now);
        }
        assert!(neighbours.others.len() <= 1000, "{} are remembered", neighbours.others.len());
        neighbours.on_publish(&state("cellar"), THEIRS, true, now);
        neighbours.on_publish(&availability("cellar"), b"online", true, now);
        assert_eq!(neighbours.online(now), Some("cellar"));
        neighbours.on_publish(&availability(&"x".repeat(60_000)), b"online", true, now);
        assert!(neighbours.others.keys().all(|name| name.len() <= 32), "no gateway has such a name");
        neighbours.on_publish(&availability("gone"), b"", true, now);
        assert!(!neighbours.others.contains_key("gone"), "an empty message is how one is removed");
    }
}
