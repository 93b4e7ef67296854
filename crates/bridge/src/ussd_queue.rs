//! USSD requests that wait for their modem.
//!
//! Filled by intake, emptied by the modem's task. Never stored: a USSD request is carried out at most once, and one
//! that a restart finds undone is not done.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Requests that may wait for one modem.
const MAX_WAITING: usize = 8;

/// A USSD request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UssdRequest {
    /// The caller's id, repeated in each reply.
    pub id: Option<String>,
    /// What to do.
    pub action: UssdAction,
}

/// What a USSD request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UssdAction {
    /// Begin with a code such as `*100#`.
    Code(String),
    /// Answer a menu.
    Reply(String),
    /// End the session.
    Cancel,
}

/// The USSD requests of one modem, oldest first.
#[derive(Debug, Default)]
pub struct UssdQueue {
    waiting: Mutex<VecDeque<UssdRequest>>,
    added: Notify,
}

impl UssdQueue {
    /// Adds a request; gives it back when too many wait.
    pub fn push(&self, request: UssdRequest) -> Result<(), UssdRequest> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MAX_WAITING {
            return Err(request);
        }
        waiting.push_back(request);
        self.added.notify_one();
        Ok(())
    }

    /// Takes the oldest request.
    pub fn pop(&self) -> Option<UssdRequest> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Waits until a request is added; one added before the call counts.
    pub async fn added(&self) {
        self.added.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_gives_the_request_back() {
        let queue = UssdQueue::default();
        let request = |id: usize| UssdRequest { id: Some(id.to_string()), action: UssdAction::Cancel };
        assert!((0..MAX_WAITING).all(|id| queue.push(request(id)).is_ok()));
        assert_eq!(queue.push(request(99)), Err(request(99)));
        assert_eq!(queue.pop(), Some(request(0)));
    }
}
