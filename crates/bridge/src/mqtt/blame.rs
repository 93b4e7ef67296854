//! Which PUBLISH breaks connections. Pure.
//!
//! Some brokers close the connection instead of refusing a message. Of several in flight nobody knows which one it was: on the
//! next connection one goes at a time, until each of them was acknowledged or the connection broke on it alone. Input: what
//! was in flight when a connection broke, and acknowledgements.

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

/// What PUBLISHes did to connections.
#[derive(Debug, Default)]
pub(super) struct Blame {
    /// In flight when a connection broke, and not acknowledged since: topics and rows.
    suspects: HashSet<(String, Option<i64>)>,
    /// Something was acknowledged since a connection last broke on one PUBLISH alone, so the broker does take others.
    takes_others: bool,
    /// Topics of states on which connections broke, or which the broker refused.
    states: HashMap<String, StateBlame>,
}

#[derive(Debug)]
struct StateBlame {
    times: u32,
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
        None
    }

    /// Whether the broker took something else since a connection last broke on one PUBLISH alone. Asked at such a break.
    pub(super) fn broker_takes_others(&mut self) -> bool {
        std::mem::take(&mut self.takes_others)
    }

    /// The broker acknowledged it.
    pub(super) fn acknowledged(&mut self, in_flight: &InFlight) {
        self.takes_others = true;
        self.settled(in_flight);
        if in_flight.row.is_none() {
            self.states.remove(&in_flight.topic);
        }
    }

    /// What becomes of it is decided: it is no longer searched for.
    pub(super) fn settled(&mut self, in_flight: &InFlight) {
        self.suspects.remove(&key(in_flight));
    }

    /// Everything that waits was published: a suspect that did not come up again is no more.
    pub(super) fn nothing_waits(&mut self) {
        self.suspects.clear();
    }

    /// A connection broke on a state alone, or the broker refused it (`is_refused`). True where it is withheld for a while
    /// from now on.
    pub(super) fn blame_state(&mut self, topic: &str, is_refused: bool, now: Instant) -> bool {
        let state = self.states.entry(topic.to_owned()).or_insert(StateBlame { times: 0, until: None });
        state.times += 1;
        let times = if is_refused { state.times } else { (state.times + 1).saturating_sub(MAX_STATE_BREAKS) };
        if times > 0 {
            let pause = WITHHELD_FIRST * 2_u32.saturating_pow(times - 1);
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
        let mut any = false;
        for state in self.states.values_mut().filter(|state| state.until.is_some_and(|until| until <= now)) {
            state.until = None;
            any = true;
        }
        any
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
            row: Some(Row { id, is_copy: false }),
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
            !blame.blame_state("sms/modem/main", false, Instant::now()),
            "one break may be a coincidence"
        );
        for pause in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            assert!(blame.blame_state("sms/modem/main", false, Instant::now()));
            let end = Instant::now() + Duration::from_secs(pause);
            assert!(blame.is_withheld("sms/modem/main", end - Duration::from_millis(1)), "{pause}");
            assert!(!blame.is_withheld("sms/modem/main", end), "{pause}");
            assert!(blame.is_any_released(end) && !blame.is_any_released(end));
        }
        blame.acknowledged(&state());
        assert!(!blame.blame_state("sms/modem/main", false, Instant::now()));
        assert!(blame.blame_state("sms/modem/spare", true, Instant::now()), "a refusal leaves no doubt");
    }
}
