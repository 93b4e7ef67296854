//! What is wrong with the link to the broker: written by the link, read by the timer for the gateway's `problem`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::log::{ProblemLog, ProblemSubject};

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
    /// The broker does not take messages as large as one of our states.
    Size,
    /// Another gateway of our name ran while requests waited for us.
    Stale,
    /// Another gateway is on our prefix.
    Neighbour,
}

impl About {
    fn words(self) -> &'static str {
        match self {
            About::Connection => "connection",
            About::Store => "store",
            About::Broker => "broker",
            About::Topic => "topic",
            About::Size => "size",
            About::Stale => "stale",
            About::Neighbour => "neighbour",
        }
    }
}

/// The link's problems.
#[derive(Debug, Default)]
pub struct LinkProblem {
    problems: Mutex<BTreeMap<About, String>>,
    log: ProblemLog,
}

impl LinkProblem {
    /// What is wrong, and what to try; none when nothing is.
    pub fn current(&self) -> Option<String> {
        self.problems().values().next().cloned()
    }

    /// Whether there is no connection, or none that works.
    pub fn connection(&self) -> Option<String> {
        self.problems().get(&About::Connection).cloned()
    }

    /// What is wrong, as it is logged.
    pub fn log(&self) -> &ProblemLog {
        &self.log
    }

    pub(super) fn set(&self, about: About, problem: Option<String>) {
        self.log.set(&ProblemSubject::of(about.words()), problem.as_deref());
        match problem {
            Some(words) => self.problems().insert(about, words),
            None => self.problems().remove(&about),
        };
    }

    fn problems(&self) -> MutexGuard<'_, BTreeMap<About, String>> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
