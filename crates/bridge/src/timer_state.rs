//! How the timer is: when it last looked at the store, and what it found. Written by the timer; read for the gateway's
//! health.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The timer looks each second; a store that is slow may take it longer.
const MAX_SILENCE: Duration = Duration::from_secs(60);

/// The timer as it is.
#[derive(Debug)]
pub struct TimerState(Mutex<Look>);

#[derive(Debug)]
struct Look {
    at: Instant,
    /// None before the first look.
    store_problem: Option<Option<String>>,
}

impl Default for TimerState {
    fn default() -> Self {
        TimerState(Mutex::new(Look { at: Instant::now(), store_problem: None }))
    }
}

impl TimerState {
    /// The timer looked, and this was wrong with the store.
    pub fn looked(&self, store_problem: Option<String>) {
        *self.look() = Look { at: Instant::now(), store_problem: Some(store_problem) };
    }

    /// What only a restart would mend, in words: it has not looked for too long, or never did. None while it does.
    pub fn deadly_problem(&self) -> Option<String> {
        let silence = self.look().at.elapsed();
        (silence > MAX_SILENCE).then(|| format!("it has not looked at its store for {} s", silence.as_secs()))
    }

    /// What it found wrong with the store; none before it first looked.
    pub fn store_problem(&self) -> Option<Option<String>> {
        self.look().store_problem.clone()
    }

    fn look(&self) -> MutexGuard<'_, Look> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
