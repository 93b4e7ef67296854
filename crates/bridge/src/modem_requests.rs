//! What is asked of one modem and is not in the store: USSD requests, and a restart.
//!
//! Filled by intake, emptied by the modem's task. Carried out at most once: what a restart of the gateway finds undone
//! is not done.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::ussd_queue::UssdQueue;

/// The requests for one modem.
#[derive(Debug, Default)]
pub struct ModemRequests {
    /// USSD requests that wait.
    pub ussd: UssdQueue,
    /// Whether it is to be restarted.
    pub restart: RestartRequest,
}

/// Whether a restart is asked for: asking twice before it is carried out is asking once.
#[derive(Debug, Default)]
pub struct RestartRequest {
    is_asked: AtomicBool,
    asked: Notify,
}

impl RestartRequest {
    /// Asks for it.
    pub fn ask(&self) {
        self.is_asked.store(true, Ordering::Release);
        self.asked.notify_one();
    }

    /// Whether it was asked for; from then on it is not.
    pub fn take(&self) -> bool {
        self.is_asked.swap(false, Ordering::AcqRel)
    }

    /// Waits until it is asked for; what was asked before the call and not taken counts.
    pub async fn asked(&self) {
        while !self.is_asked.load(Ordering::Acquire) {
            self.asked.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn asking_twice_is_asking_once_and_nobody_waits_for_what_was_asked() {
        let request = RestartRequest::default();
        assert!(!request.take() && request.asked().now_or_never().is_none());
        request.ask();
        request.ask();
        assert!(request.asked().now_or_never().is_some(), "looking does not take it");
        assert!(request.take() && !request.take());
        assert!(request.asked().now_or_never().is_none(), "it is carried out");
    }
}
