//! What is wrong with the link to the broker: written by the link, read by the timer for the gateway's `problem`.

use std::sync::{Mutex, PoisonError};

/// The link's problems. One with the connection is reported before one with another gateway.
#[derive(Debug, Default)]
pub struct LinkProblem {
    problem: Mutex<Option<String>>,
    neighbour: Mutex<Option<String>>,
}

impl LinkProblem {
    /// What is wrong, and what to try; none when nothing is.
    pub fn current(&self) -> Option<String> {
        let read =
            |words: &Mutex<Option<String>>| words.lock().unwrap_or_else(PoisonError::into_inner).clone();
        read(&self.problem).or_else(|| read(&self.neighbour))
    }

    pub(super) fn set_neighbour(&self, problem: Option<String>) {
        *self.neighbour.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    pub(super) fn set(&self, problem: Option<String>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }
}
