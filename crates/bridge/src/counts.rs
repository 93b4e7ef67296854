//! What is counted where it happens, for `/metrics`: events after their commit, and how long things took.
//!
//! Begins at zero with the gateway. Where nobody asks for metrics there is none of it. Never holds a number, a name of a
//! person or a text.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::event::{Event, MessageState};
use crate::failure::FailureCode;
use crate::message::{Name, UnixMs};

/// Something to count.
#[derive(Debug, Clone, PartialEq)]
pub enum Count {
    /// A message came in by that modem, complete or what there is of it.
    Received(Name),
    /// A message of a request came to a state, for this reason where it failed.
    Result(MessageState, Option<FailureCode>),
    /// That modem could not send a message, which will be tried again.
    TriedAgain(Name, Again),
    /// The network accepted a whole message, so long after its request.
    SentAfter(Duration),
    /// The broker acknowledged a received message, so long after it was read from the modem.
    PublishedAfter(Duration),
    /// A transaction of the store took so long.
    CommittedIn(Duration),
}

/// Why a message is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Again {
    /// The network or the modem refused it for now.
    Refused,
    /// This modem cannot, another may.
    OtherModem,
    /// The connection to the modem broke.
    Interrupted,
    /// Nobody knows whether it was sent.
    Unknown,
}

impl Again {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Again::Refused => "refused",
            Again::OtherModem => "other_modem",
            Again::Interrupted => "interrupted",
            Again::Unknown => "unknown",
        }
    }
}

impl Count {
    /// What an event counts as. What only repeats or answers counts as nothing.
    pub fn of(event: &Event) -> Option<Count> {
        match event {
            Event::Received(received) => Some(Count::Received(received.modem.clone())),
            Event::Result(result) => {
                let fields = &result.fields;
                let is_answer = fields.duplicate || fields.is_conflict || fields.dry_run.is_some();
                let code = fields.error.as_ref().map(|failure| failure.code);
                (!is_answer).then_some(Count::Result(result.state, code))
            }
            Event::Call(_) | Event::Broadcast(_) | Event::UssdReply(_) => None,
        }
    }
}

/// The time from one instant to another; none where the clock was set back.
pub fn between(from: UnixMs, to: UnixMs) -> Duration {
    Duration::from_millis(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
}

/// Everything that was counted.
#[derive(Debug, Clone)]
pub struct Counted {
    /// Messages that came in, by modem.
    pub received: BTreeMap<Name, u64>,
    /// Results, by state and code; no code is an empty one.
    pub results: BTreeMap<(&'static str, String), u64>,
    /// Tries that were not the last, by modem and reason.
    pub tried_again: BTreeMap<(Name, Again), u64>,
    /// From a request to its acceptance by the network.
    pub sent_after: Histogram,
    /// From a modem to the broker.
    pub published_after: Histogram,
    /// Transactions of the store.
    pub committed_in: Histogram,
}

/// How often something took at most how long.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Upper limits in seconds, ascending, with how many took no longer than that and longer than the one before.
    pub buckets: Vec<(f64, u64)>,
    /// How many there were, those beyond the last limit included.
    pub count: u64,
    /// Seconds that all of them took.
    pub sum: f64,
}

impl Histogram {
    /// An empty one with these limits.
    pub fn new(limits: &[f64]) -> Histogram {
        Histogram { buckets: limits.iter().map(|limit| (*limit, 0)).collect(), count: 0, sum: 0.0 }
    }

    fn add(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        self.count += 1;
        self.sum += took;
        if let Some((_, count)) = self.buckets.iter_mut().find(|(limit, _)| took <= *limit) {
            *count += 1;
        }
    }
}

impl Default for Counted {
    fn default() -> Self {
        Counted {
            received: BTreeMap::new(),
            results: BTreeMap::new(),
            tried_again: BTreeMap::new(),
            sent_after: Histogram::new(&[
                1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0,
            ]),
            published_after: Histogram::new(&[0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 3600.0]),
            committed_in: Histogram::new(&[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0]),
        }
    }
}

/// Counts, from wherever things happen.
#[derive(Debug, Default)]
pub struct Counts(Mutex<Counted>);

impl Counts {
    /// Counts this.
    pub fn add(&self, count: Count) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match count {
            Count::Received(modem) => *all.received.entry(modem).or_default() += 1,
            Count::Result(state, code) => {
                let code = code.map(|code| code.to_string()).unwrap_or_default();
                *all.results.entry((state.as_str(), code)).or_default() += 1;
            }
            Count::TriedAgain(modem, why) => *all.tried_again.entry((modem, why)).or_default() += 1,
            Count::SentAfter(took) => all.sent_after.add(took),
            Count::PublishedAfter(took) => all.published_after.add(took),
            Count::CommittedIn(took) => all.committed_in.add(took),
        }
    }

    /// What was counted until now.
    pub fn counted(&self) -> Counted {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_that_has_room_for_it() {
        let mut histogram = Histogram::new(&[1.0, 5.0]);
        for millis in [0, 1000, 1001, 5000, 5001, 90_000] {
            histogram.add(Duration::from_millis(millis));
        }
        assert_eq!(histogram.buckets, [(1.0, 2), (5.0, 2)]);
        assert_eq!((histogram.count, histogram.sum), (6, 102.002));
    }

    #[test]
    fn a_clock_that_was_set_back_takes_no_time() {
        assert_eq!(between(10, 5), Duration::ZERO);
        assert_eq!(between(5, 1005), Duration::from_secs(1));
        assert_eq!(between(i64::MIN, i64::MAX), Duration::from_millis(i64::MAX as u64));
    }
}
