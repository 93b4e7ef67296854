//! Incoming calls: one event when it rings, one when it was missed, however often it rings.
//!
//! Pure: time is passed in. `RING` comes every few seconds and the number after it, if at all; the end is announced
//! (`NO CARRIER`) or is the silence after the last ring. Input: URCs.

use std::time::Duration;

use smsbridge_modem::Urc;
use tokio::time::Instant;

use crate::event::CallState;

/// The number comes within this time after the first ring.
const NUMBER_TIMEOUT: Duration = Duration::from_millis(1500);

/// A call that did not ring for this long is over.
const RING_TIMEOUT: Duration = Duration::from_secs(12);

/// A call's new state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallChange {
    /// The caller; none where the number is withheld.
    pub from: Option<String>,
    pub state: CallState,
}

#[derive(Debug)]
struct Ringing {
    from: Option<String>,
    began_at: Instant,
    last_ring_at: Instant,
    is_published: bool,
}

/// The call that rings, if any.
#[derive(Debug, Default)]
pub(super) struct Calls {
    ringing: Option<Ringing>,
}

impl Calls {
    /// Takes what the modem says of calls.
    pub(super) fn on_urc(&mut self, urc: &Urc, now: Instant) {
        match urc {
            Urc::Ring => self.on_ring(now),
            Urc::CallerId { number } => self.on_caller(number.clone(), now),
            Urc::CallEnded { .. } => self.on_end(now),
            _ => {}
        }
    }

    fn on_ring(&mut self, now: Instant) {
        let new = Ringing { from: None, began_at: now, last_ring_at: now, is_published: false };
        self.ringing.get_or_insert(new).last_ring_at = now;
    }

    fn on_caller(&mut self, number: Option<String>, now: Instant) {
        self.on_ring(now);
        if let Some(call) = &mut self.ringing
            && !call.is_published
        {
            call.from = number;
            // There is no more to wait for.
            call.began_at = call.began_at.checked_sub(NUMBER_TIMEOUT).unwrap_or(call.began_at);
        }
    }

    fn on_end(&mut self, now: Instant) {
        if let Some(call) = &mut self.ringing {
            call.last_ring_at = now.checked_sub(RING_TIMEOUT).unwrap_or(call.last_ring_at);
        }
    }

    /// When to call [`Calls::tick`].
    pub(super) fn due_at(&self) -> Option<Instant> {
        let call = self.ringing.as_ref()?;
        Some(if call.is_published {
            call.last_ring_at + RING_TIMEOUT
        } else {
            call.began_at + NUMBER_TIMEOUT
        })
    }

    /// What has changed by now, one change at a time.
    pub(super) fn tick(&mut self, now: Instant) -> Option<CallChange> {
        if self.due_at().is_none_or(|at| now < at) {
            return None;
        }
        let call = self.ringing.as_mut()?;
        if !call.is_published {
            call.is_published = true;
            return Some(CallChange { from: call.from.clone(), state: CallState::Ringing });
        }
        self.ringing.take().map(|call| CallChange { from: call.from, state: CallState::Missed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(from: Option<&str>, state: CallState) -> Option<CallChange> {
        Some(CallChange { from: from.map(str::to_owned), state })
    }

    #[test]
    fn a_call_that_rings_ten_times_makes_two_events() {
        let start = Instant::now();
        let mut calls = Calls::default();
        let mut changes = Vec::new();
        for n in 0..10 {
            let now = start + Duration::from_secs(5 * n);
            calls.on_ring(now);
            calls.on_caller(Some("+4915100000001".to_owned()), now);
            changes.extend(calls.tick(now));
        }
        let end = start + Duration::from_secs(47);
        calls.on_end(end);
        changes.extend(calls.tick(end));
        let states: Vec<CallState> = changes.into_iter().map(|change| change.state).collect();
        assert_eq!(states, [CallState::Ringing, CallState::Missed]);
        assert_eq!(calls.due_at(), None);
    }

    #[test]
    fn a_withheld_number_is_waited_for_and_silence_ends_the_call() {
        let start = Instant::now();
        let mut calls = Calls::default();
        calls.on_urc(&Urc::Ring, start);
        assert_eq!(calls.tick(start + Duration::from_secs(1)), None);
        assert_eq!(calls.tick(start + Duration::from_secs(2)), change(None, CallState::Ringing));
        assert_eq!(calls.tick(start + Duration::from_secs(11)), None);
        assert_eq!(calls.tick(start + Duration::from_secs(13)), change(None, CallState::Missed));
    }
}
