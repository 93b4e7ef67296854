//! Which PUBLISH breaks connections. Pure.
//!
//! Some brokers close the connection instead of refusing a message. Of several in flight nobody knows which one it was:
//! on the next connection one goes at a time, until each of them was acknowledged or the connection broke on it alone.
//! Input: what was in flight when a connection broke, and acknowledgements.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::window::InFlight;

/// Connections that may break with a state alone in flight before it is withheld.
const MAX_STATE_BREAKS: u32 = 2;

/// How long a state is withheld at first; twice as long each time.
const WITHHELD_FIRST: Duration = Duration::from_secs(60);

/// The longest.
const WITHHELD_MAX: Duration = Duration::from_secs(3600);

/// How long one PUBLISH at a time is searched among several: a suspect may be no more.
const MAX_SEARCH: Duration = Duration::from_secs(60);

/// How a state came to be blamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// The broker refused it.
    Refused,
    /// A connection broke on it alone, and the broker takes others.
    Broke,
    /// A connection broke on it alone, and nothing shows that the broker takes anything.
    BrokeAsAll,
}

/// What PUBLISHes did to connections.
#[derive(Debug, Default)]
pub(super) struct Blame {
    /// In flight when a connection broke, and not acknowledged since: topics and rows.
    suspects: HashSet<(String, Option<i64>)>,
    searching_since: Option<Instant>,
    /// Topics with rows that were parked because connections broke on them.
    bad_topics: HashSet<String>,
    /// Something was acknowledged since a connection last broke on one PUBLISH alone, so the broker does take others.
    takes_others: bool,
    /// Topics of states on which connections broke, or which the broker refused.
    states: HashMap<String, StateBlame>,
}

#[derive(Debug)]
struct StateBlame {
    times: u32,
    /// The broker takes others.
    is_proved: bool,
    /// Not published before.
    until: Option<Instant>,
}

impl Blame {
    /// Whether one PUBLISH goes at a time, so that a break shows which it was.
    pub(super) fn is_searching(&self) -> bool {
        !self.suspects.is_empty()
    }

    /// A connection broke with these in flight; returns the one it was, if that is known.
    pub(super) fn connection_broke(&mut self, in_flight: Vec<InFlight>) -> Option<InFlight> {
        if let [_] = in_flight[..] {
            return in_flight.into_iter().next();
        }
        self.suspects.extend(in_flight.iter().map(key));
        self.searching_since = Some(Instant::now());
        None
    }

    /// Whether the broker took something else since a connection last broke on one PUBLISH alone. Asked at such a
    /// break.
    pub(super) fn broker_takes_others(&mut self) -> bool {
        std::mem::take(&mut self.takes_others)
    }

    /// The broker acknowledged it. True where states are no longer withheld that were so only because it took nothing.
    pub(super) fn acknowledged(&mut self, in_flight: &InFlight) -> bool {
        self.takes_others = true;
        self.settled(in_flight);
        match in_flight.row {
            Some(_) => drop(self.bad_topics.remove(&in_flight.topic)),
            None => drop(self.states.remove(&in_flight.topic)),
        }
        self.release(|state| !state.is_proved)
    }

    fn release(&mut self, is_over: impl Fn(&StateBlame) -> bool) -> bool {
        let over = self.states.values_mut().filter(|state| state.until.is_some() && is_over(state));
        over.map(|state| state.until = None).count() > 0
    }

    /// A row on this topic was parked because connections broke on it.
    pub(super) fn bad_topic(&mut self, topic: &str) {
        self.bad_topics.insert(topic.to_owned());
    }

    /// Whether there is a parked row of that kind on this topic.
    pub(super) fn is_bad(&self, topic: &str) -> bool {
        self.bad_topics.contains(topic)
    }

    /// Whether any state is blamed.
    pub(super) fn is_any_state_blamed(&self) -> bool {
        !self.states.is_empty()
    }

    /// A search that takes too long is given up.
    pub(super) fn end_long_search(&mut self, now: Instant) {
        if self.searching_since.is_some_and(|since| now - since > MAX_SEARCH) {
            self.nothing_waits();
        }
    }

    /// What becomes of it is decided: it is no longer searched for.
    pub(super) fn settled(&mut self, in_flight: &InFlight) {
        self.suspects.remove(&key(in_flight));
    }

    /// Everything that waits was published: a suspect that did not come up again is no more.
    pub(super) fn nothing_waits(&mut self) {
        self.suspects.clear();
        self.searching_since = None;
    }

    /// A state is blamed. True where it is withheld for a while from now on: one break may be a coincidence.
    pub(super) fn blame_state(&mut self, topic: &str, manner: Manner, now: Instant) -> bool {
        let fresh = StateBlame { times: 0, is_proved: false, until: None };
        let state = self.states.entry(topic.to_owned()).or_insert(fresh);
        state.times += 1;
        state.is_proved |= manner != Manner::BrokeAsAll;
        let needed = if manner == Manner::Refused { 1 } else { MAX_STATE_BREAKS };
        if state.times >= needed {
            let pause = WITHHELD_FIRST * 2_u32.saturating_pow(state.times - needed);
            state.until = Some(now + pause.min(WITHHELD_MAX));
        }
        state.until.is_some()
    }

    /// Whether the state of this topic is withheld.
    pub(super) fn is_withheld(&self, topic: &str, now: Instant) -> bool {
        self.states.get(topic).and_then(|state| state.until).is_some_and(|until| until > now)
    }

    /// Whether a state may be published again that was withheld until now. Asked once for each.
    pub(super) fn is_any_released(&mut self, now: Instant) -> bool {
        self.release(|state| state.until.is_some_and(|until| until <= now))
    }
}

fn key(in_flight: &InFlight) -> (String, Option<i64>) {
    (in_flight.topic.clone(), in_flight.row.map(|row| row.id))
}

#[cfg(test)]
mod tests {
    use super::super::window::Row;
    use super::*;

    fn row(id: i64) -> InFlight {
        InFlight {
            topic: "sms/result".to_owned(),
            row: Some(Row { id, is_copy: false, received_at: None }),
            since: Instant::now(),
        }
    }

    fn state() -> InFlight {
        InFlight { topic: "sms/modem/main".to_owned(), row: None, since: Instant::now() }
    }

    #[tokio::test(start_paused = true)]
    async fn of_several_in_flight_the_guilty_one_is_known_after_one_more_break() {
        let mut blame = Blame::default();
        assert_eq!(blame.connection_broke(vec![row(1), row(2), row(3)]), None);
        assert!(blame.is_searching());
        blame.acknowledged(&row(1));
        assert_eq!(blame.connection_broke(vec![row(2)]), Some(row(2)));
        assert!(blame.broker_takes_others());
        blame.settled(&row(2));
        assert!(blame.is_searching(), "one is not known yet");
        blame.acknowledged(&row(3));
        assert!(!blame.is_searching());
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_takes_nothing_blames_nobody() {
        let mut blame = Blame::default();
        for _ in 0..9 {
            assert_eq!(blame.connection_broke(vec![row(1)]), Some(row(1)));
            assert!(!blame.broker_takes_others());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_state_on_which_connections_break_is_withheld_longer_each_time_until_it_is_taken() {
        let mut blame = Blame::default();
        assert!(
            !blame.blame_state("sms/modem/main", Manner::Broke, Instant::now()),
            "one break may be a coincidence"
        );
        for pause in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            assert!(blame.blame_state("sms/modem/main", Manner::Broke, Instant::now()));
            let end = Instant::now() + Duration::from_secs(pause);
            assert!(blame.is_withheld("sms/modem/main", end - Duration::from_millis(1)), "{pause}");
            assert!(!blame.is_withheld("sms/modem/main", end), "{pause}");
            assert!(blame.is_any_released(end) && !blame.is_any_released(end));
        }
        blame.acknowledged(&state());
        assert!(!blame.blame_state("sms/modem/main", Manner::Broke, Instant::now()));
        assert!(
            blame.blame_state("sms/modem/spare", Manner::Refused, Instant::now()),
            "a refusal leaves no doubt"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_took_nothing_and_is_well_again_gets_every_state() {
        let mut blame = Blame::default();
        for topic in ["sms/modem/main", "sms/gateway/attic"] {
            blame.blame_state(topic, Manner::BrokeAsAll, Instant::now());
            assert!(blame.blame_state(topic, Manner::BrokeAsAll, Instant::now()));
        }
        assert!(blame.acknowledged(&row(1)), "they stay withheld");
        assert!(!blame.is_withheld("sms/modem/main", Instant::now()));
        blame.acknowledged(&state());
        assert!(blame.blame_state("sms/gateway/attic", Manner::Broke, Instant::now()), "that one is guilty");
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_ends_though_a_suspect_never_comes_back() {
        let mut blame = Blame::default();
        blame.connection_broke(vec![row(1), row(2)]);
        blame.end_long_search(Instant::now() + MAX_SEARCH);
        assert!(blame.is_searching());
        blame.end_long_search(Instant::now() + MAX_SEARCH + Duration::from_secs(1));
        assert!(!blame.is_searching());
    }
}
