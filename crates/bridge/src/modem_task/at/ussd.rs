//! The USSD session with the network: whose it is, and what the network's answer means (TS 27.007 7.15).
//!
//! Pure: time is passed in. One session at a time, as the network has it. Input: requests that were sent, and URCs.

use std::collections::VecDeque;
use std::time::Duration;

use smsbridge_modem::Urc;
use tokio::time::Instant;

use super::ussd_text;
use crate::event::UssdState;

/// How long the network may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// An answer for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UssdAnswer {
    /// The caller's id.
    pub id: Option<String>,
    pub text: Option<String>,
    pub state: UssdState,
}

impl UssdAnswer {
    /// The answer to a request that failed.
    pub(super) fn failed(id: Option<String>, reason: impl Into<String>) -> Self {
        UssdAnswer { id, text: Some(reason.into()), state: UssdState::Failed }
    }
}

/// The session with the network, if any.
#[derive(Debug, Default)]
pub(super) struct UssdSession {
    id: Option<String>,
    /// Until when the network may answer; none while it waits for us.
    deadline: Option<Instant>,
    answers: VecDeque<UssdAnswer>,
    timed_out: bool,
}

impl UssdSession {
    /// Whether the network has not answered yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.deadline.is_some()
    }

    /// A request is about to be sent. To be called before that: the answer may come before the command's `OK`.
    pub(super) fn begin(&mut self, id: Option<String>, now: Instant) {
        self.id = id;
        self.deadline = Some(now + ANSWER_TIMEOUT);
    }

    /// The session is over; returns whose it was.
    pub(super) fn end(&mut self) -> Option<String> {
        self.deadline = None;
        self.id.take()
    }

    /// Takes the network's answer. `is_packed` says that the modem's family sends packed septets.
    pub(super) fn on_urc(&mut self, urc: &Urc, is_packed: bool) {
        let Urc::Ussd { state, text, dcs } = urc else { return };
        let text = text.as_ref().map(|text| ussd_text::decode(text, *dcs, is_packed));
        self.deadline = None;
        let failed = |reason: &str| (Some(reason.to_owned()), UssdState::Failed);
        let (text, state) = match (state, text) {
            (1, text) => (text, UssdState::More),
            (0 | 2, Some(text)) => (Some(text), UssdState::Done),
            (0, None) => (None, UssdState::Done),
            (2, None) => failed("the network ended the session"),
            (4, _) => failed("the network does not support this code"),
            (5, _) => failed("the network did not answer in time"),
            (_, Some(text)) => (Some(text), UssdState::Failed),
            (_, None) => failed("the network refused"),
        };
        // After `More` the next answer is for the same caller, unless the next request names another id.
        let id = if state == UssdState::More { self.id.clone() } else { self.end() };
        self.answers.push_back(UssdAnswer { id, text, state });
    }

    /// When to call [`UssdSession::tick`].
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.deadline
    }

    /// The next answer: the network's, or that it said nothing in time.
    pub(super) fn tick(&mut self, now: Instant) -> Option<UssdAnswer> {
        if let Some(answer) = self.answers.pop_front() {
            return Some(answer);
        }
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return None;
        }
        self.timed_out = true;
        let reason = format!("the network did not answer within {} s", ANSWER_TIMEOUT.as_secs());
        Some(UssdAnswer::failed(self.end(), reason))
    }

    /// Whether the network must be told that a session is over it never answered in.
    pub(super) fn take_timed_out(&mut self) -> bool {
        std::mem::take(&mut self.timed_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(state: u8, text: Option<&str>) -> Urc {
        Urc::Ussd { state, text: text.map(|text| text.as_bytes().to_owned()), dcs: Some(15) }
    }

    #[test]
    fn a_menu_is_answered_for_the_same_caller_until_it_is_done() {
        let mut session = UssdSession::default();
        session.begin(Some("u1".to_owned()), Instant::now());
        assert!(session.is_waiting());
        session.on_urc(&answer(1, Some("1 Balance")), false);
        session.on_urc(&answer(0, Some("5 EUR")), false);
        let answers: Vec<UssdAnswer> = std::iter::from_fn(|| session.tick(Instant::now())).collect();
        assert_eq!(answers.iter().map(|a| a.state).collect::<Vec<_>>(), [UssdState::More, UssdState::Done]);
        assert!(answers.iter().all(|answer| answer.id.as_deref() == Some("u1")));
        assert!(!session.is_waiting());
    }

    #[test]
    fn a_network_that_says_nothing_ends_the_session() {
        let now = Instant::now();
        let mut session = UssdSession::default();
        session.begin(Some("u1".to_owned()), now);
        assert_eq!(session.tick(now + Duration::from_secs(59)), None);
        let failed = session.tick(now + ANSWER_TIMEOUT).unwrap();
        assert_eq!((failed.state, failed.id.as_deref()), (UssdState::Failed, Some("u1")));
        assert!(session.take_timed_out());
        assert!(!session.take_timed_out(), "the network was told twice");
    }
}
