//! What is wrong with the link to the broker. Written by the link, read by the timer for the gateway's state.

use std::sync::{Mutex, PoisonError};

/// What is wrong with the link, in words.
#[derive(Debug, Default)]
pub struct LinkStatus {
    problem: Mutex<Option<String>>,
    neighbour: Mutex<Option<String>>,
}

impl LinkStatus {
    /// What is wrong with the link, in words; none when nothing is.
    pub fn problem(&self) -> Option<String> {
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
