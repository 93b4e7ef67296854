//! How the link to the broker is: where it is connected, and what is wrong. Written by the link; read by the timer for
//! the gateway's `problem`, and for `smsbridge status`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// The link as it is.
#[derive(Debug, Default)]
pub struct LinkState {
    address: Mutex<Option<Arc<str>>>,
    problems: Mutex<BTreeMap<About, String>>,
    log: ProblemLog,
}

impl LinkState {
    /// What is wrong, and what to try; none when nothing is.
    pub fn current(&self) -> Option<String> {
        self.problems().values().next().cloned()
    }

    /// The address of the broker it is connected to, `host:port`.
    pub fn address(&self) -> Option<Arc<str>> {
        self.address.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn connected_to(&self, address: Option<Arc<str>>) {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// What is wrong, as it is logged.
    pub fn log(&self) -> &ProblemLog {
        &self.log
    }

    pub(super) fn set(&self, about: About, problem: Option<String>) {
        let subject = ProblemSubject::of(about.words()).and_then(match about {
            About::Connection => "; it is tried again until it works",
            _ => "",
        });
        self.log.set(&subject, problem.as_deref());
        match problem {
            Some(words) => self.problems().insert(about, words),
            None => self.problems().remove(&about),
        };
    }

    fn problems(&self) -> MutexGuard<'_, BTreeMap<About, String>> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
