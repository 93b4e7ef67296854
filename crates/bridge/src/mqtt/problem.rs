//! What is wrong with the link to the broker: written by the link, read by the timer for the gateway's `problem`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a problem is about. The first one there is is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// The connection.
    Connection,
    /// Requests the store does not take.
    Store,
    /// Something a gateway needs and the broker does not have.
    Broker,
    /// The broker refuses one of our topics.
    Topic,
    /// Another gateway of our name ran while requests waited for us.
    Stale,
    /// Another gateway is on our prefix.
    Neighbour,
}

/// The link's problems.
#[derive(Debug, Default)]
pub struct LinkProblem(Mutex<BTreeMap<About, String>>);

impl LinkProblem {
    /// What is wrong, and what to try; none when nothing is.
    pub fn current(&self) -> Option<String> {
        self.problems().values().next().cloned()
    }

    pub(super) fn set(&self, about: About, problem: Option<String>) {
        match problem {
            Some(words) => self.problems().insert(about, words),
            None => self.problems().remove(&about),
        };
    }

    fn problems(&self) -> MutexGuard<'_, BTreeMap<About, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
