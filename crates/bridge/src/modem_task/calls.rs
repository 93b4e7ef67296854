//! Incoming calls: of all that rings, one word that it rings and one that it was missed.
//!
//! Pure: time is handed in. `RING` comes every few seconds and the number after it, if at all; the end is said
//! (`NO CARRIER`) or is the silence after the last ring. Input: what the modem says unasked.

use std::time::Duration;

use tokio::time::Instant;

/// The number comes within so long after the first ring.
const NUMBER_WITHIN: Duration = Duration::from_millis(1500);

/// A call that did not ring for so long is over.
const SILENT_FOR: Duration = Duration::from_secs(12);

/// What is to be told of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub from: Option<String>,
    /// `ringing` or `missed`.
    pub state: &'static str,
}

#[derive(Debug)]
struct Call {
    from: Option<String>,
    began: Instant,
    last: Instant,
    told: bool,
}

/// The call that rings, if any.
#[derive(Debug, Default)]
pub(super) struct Calls {
    call: Option<Call>,
}

impl Calls {
    pub(super) fn rang(&mut self, now: Instant) {
        self.call.get_or_insert(Call { from: None, began: now, last: now, told: false }).last = now;
    }

    pub(super) fn caller(&mut self, number: Option<String>, now: Instant) {
        self.rang(now);
        if let Some(call) = &mut self.call
            && !call.told
        {
            call.from = number;
            // All is known: no more waiting.
            call.began = call.began.checked_sub(NUMBER_WITHIN).unwrap_or(call.began);
        }
    }

    /// The modem says that a call is over.
    pub(super) fn ended(&mut self, now: Instant) {
        if let Some(call) = &mut self.call {
            call.last = now.checked_sub(SILENT_FOR).unwrap_or(call.last);
        }
    }

    /// When to look again.
    pub(super) fn due_at(&self) -> Option<Instant> {
        let call = self.call.as_ref()?;
        Some(if call.told { call.last + SILENT_FOR } else { call.began + NUMBER_WITHIN })
    }

    /// What is to be told by now.
    pub(super) fn due(&mut self, now: Instant) -> Option<Told> {
        if self.due_at().is_none_or(|at| now < at) {
            return None;
        }
        let call = self.call.as_mut()?;
        if !call.told {
            call.told = true;
            return Some(Told { from: call.from.clone(), state: "ringing" });
        }
        self.call.take().map(|call| Told { from: call.from, state: "missed" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(from: Option<&str>, state: &'static str) -> Option<Told> {
        Some(Told { from: from.map(str::to_owned), state })
    }

    #[test]
    fn a_call_that_rings_ten_times_is_told_of_twice() {
        let start = Instant::now();
        let mut calls = Calls::default();
        let mut all = Vec::new();
        for n in 0..10 {
            let now = start + Duration::from_secs(5 * n);
            calls.rang(now);
            calls.caller(Some("+4915100000001".to_owned()), now);
            all.extend(calls.due(now));
        }
        let end = start + Duration::from_secs(47);
        calls.ended(end);
        all.extend(calls.due(end));
        assert_eq!(all.into_iter().map(|told| told.state).collect::<Vec<_>>(), ["ringing", "missed"]);
        assert_eq!(calls.due_at(), None);
    }

    #[test]
    fn a_withheld_number_is_waited_for_and_silence_ends_the_call() {
        let start = Instant::now();
        let mut calls = Calls::default();
        calls.rang(start);
        assert_eq!(calls.due(start + Duration::from_secs(1)), None);
        assert_eq!(calls.due(start + Duration::from_secs(2)), told(None, "ringing"));
        assert_eq!(calls.due(start + Duration::from_secs(11)), None);
        assert_eq!(calls.due(start + Duration::from_secs(13)), told(None, "missed"));
    }
}
