//! The USSD session with the network: whose it is, and what the network's answer means (TS 27.007 7.15).
//!
//! Pure: time is passed in. One session at a time, as the network has it. A menu belongs to the request that opened
//! it. Input: requests that were sent, and URCs.

use std::collections::VecDeque;
use std::time::Duration;

use smsbridge_modem::Urc;
use tokio::time::Instant;

use super::ussd_text;
use crate::config;
use crate::event::UssdState;
use crate::ussd_queue::{UssdAction, UssdRequest};

/// How long the network may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a menu waits for its reply; networks wait no longer, and not all say when they give up.
const MENU_TIMEOUT: Duration = Duration::from_secs(180);

/// An answer for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UssdAnswer {
    /// The caller's id.
    pub id: Option<String>,
    pub text: Option<String>,
    pub state: UssdState,
    /// Why it failed, in our own words alone, for the log.
    pub logged: Option<String>,
}

impl UssdAnswer {
    /// The answer to a request that failed.
    pub(super) fn failed(id: Option<String>, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        UssdAnswer { id, logged: Some(reason.clone()), text: Some(reason), state: UssdState::Failed }
    }
}

/// Whose a session is: that of the requests with this id, or of those without one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Caller(Option<String>);

/// The session with the network, if any.
#[derive(Debug, Default)]
pub(super) struct UssdSession {
    /// Nobody's where the network began it by itself.
    caller: Option<Caller>,
    /// Until when the network may answer; none while it waits for us.
    deadline: Option<Instant>,
    /// Until when the network waits for us: a menu is open.
    menu_until: Option<Instant>,
    answers: VecDeque<UssdAnswer>,
    timed_out: bool,
}

impl UssdSession {
    /// Whether the network has not answered yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.deadline.is_some()
    }

    /// Whether the network may still wait for a reply.
    pub(super) fn has_menu(&self) -> bool {
        self.menu_until.is_some()
    }

    /// Why a request may not be carried out, in words.
    pub(super) fn refusal(
        &self,
        request: &UssdRequest,
        rules: &config::Ussd,
        now: Instant,
    ) -> Option<String> {
        let caller = Caller(request.id.clone());
        let is_open = self.menu_until.is_some_and(|until| now < until);
        let is_theirs = self.caller.as_ref().is_some_and(|owner| *owner != caller);
        let is_allowed = |text: &String| rules.allow.contains(text);
        let words = match &request.action {
            UssdAction::Cancel if is_theirs && (is_open || self.is_waiting()) => {
                "the session belongs to another request: only its `id` can cancel it".to_owned()
            }
            UssdAction::Cancel => return None,
            UssdAction::Code(_) if rules.allow.is_empty() => {
                "USSD is off: allow codes by name, such as [ussd] allow = [\"*100#\"]".to_owned()
            }
            UssdAction::Code(code) if !is_allowed(code) => "this code is not in [ussd] allow".to_owned(),
            _ if self.is_waiting() => "another USSD request waits for the network's answer".to_owned(),
            UssdAction::Code(_) if is_open && is_theirs => format!(
                "a menu is open for another request, until that is answered or cancelled or {} s are over",
                MENU_TIMEOUT.as_secs()
            ),
            UssdAction::Code(_) => return None,
            UssdAction::Reply(_) if !is_open => "no menu is open: begin with a `code`".to_owned(),
            UssdAction::Reply(_) if self.caller.as_ref() != Some(&caller) => {
                "the menu belongs to the request that opened it: only a reply with its `id` counts".to_owned()
            }
            UssdAction::Reply(text) if ussd_text::may_be_code(text) && !is_allowed(text) => {
                "this reply may be taken for a code, which is not in [ussd] allow".to_owned()
            }
            UssdAction::Reply(_) => return None,
        };
        Some(words)
    }

    /// A request is about to be sent. To be called before that: the answer may come before the command's `OK`.
    pub(super) fn begin(&mut self, id: Option<String>, now: Instant) {
        self.caller = Some(Caller(id));
        self.deadline = Some(now + ANSWER_TIMEOUT);
        self.menu_until = None;
    }

    /// The session is over; returns whose it was.
    pub(super) fn end(&mut self) -> Option<String> {
        self.deadline = None;
        self.menu_until = None;
        self.caller.take().and_then(|Caller(id)| id)
    }

    /// The modem's session is over; the answer to the request the network has not answered, if there is one.
    pub(super) fn abandon(&mut self) -> Option<UssdAnswer> {
        let is_waiting = self.is_waiting();
        let id = self.end();
        is_waiting
            .then(|| UssdAnswer::failed(id, "the session with the modem ended before the network answered"))
    }

    /// Takes the network's answer. `is_packed` says that the modem's family sends packed septets.
    pub(super) fn on_urc(&mut self, urc: &Urc, is_packed: bool, now: Instant) {
        let Urc::Ussd { state, text, dcs } = urc else { return };
        let text = text.as_ref().map(|text| ussd_text::decode(text, *dcs, is_packed));
        self.deadline = None;
        let failed = |reason: &str| (Some(reason.to_owned()), UssdState::Failed, Some(reason.to_owned()));
        let (text, state, logged) = match (state, text) {
            (1, text) => (text, UssdState::More, None),
            (0 | 2, Some(text)) => (Some(text), UssdState::Done, None),
            (0, None) => (None, UssdState::Done, None),
            (2, None) => failed("the network ended the session"),
            (4, _) => failed("the network does not support this code"),
            (5, _) => failed("the network did not answer in time"),
            (_, Some(text)) => (Some(text), UssdState::Failed, None),
            (_, None) => failed("the network refused"),
        };
        let id = if state == UssdState::More {
            self.menu_until = Some(now + MENU_TIMEOUT);
            self.caller.clone().and_then(|Caller(id)| id)
        } else {
            self.end()
        };
        self.answers.push_back(UssdAnswer { id, text, state, logged });
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
        session.on_urc(&answer(1, Some("1 Balance")), false, Instant::now());
        session.on_urc(&answer(0, Some("5 EUR")), false, Instant::now());
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

    #[test]
    fn who_waits_for_the_network_is_told_when_the_modem_is_gone() {
        let now = Instant::now();
        let mut waiting = UssdSession::default();
        waiting.begin(Some("u1".to_owned()), now);
        let answer = waiting.abandon().unwrap();
        assert_eq!((answer.state, answer.id.as_deref()), (UssdState::Failed, Some("u1")));
        assert_eq!(waiting.abandon(), None, "it was told twice");
        assert_eq!(menu(Some("u1"), now).abandon(), None, "it has its answer");
        assert_eq!(UssdSession::default().abandon(), None);
    }

    fn request(id: &str, action: UssdAction) -> UssdRequest {
        UssdRequest { id: (!id.is_empty()).then(|| id.to_owned()), action }
    }

    fn code(text: &str) -> UssdAction {
        UssdAction::Code(text.to_owned())
    }

    fn reply(text: &str) -> UssdAction {
        UssdAction::Reply(text.to_owned())
    }

    fn rules() -> config::Ussd {
        config::Ussd { allow: vec!["*100#".to_owned(), "*101#".to_owned()], per_day: None }
    }

    /// A menu that a request with this id opened; without any, that the network opened by itself.
    fn menu(opener: Option<&str>, now: Instant) -> UssdSession {
        let mut session = UssdSession::default();
        if let Some(id) = opener {
            session.begin((!id.is_empty()).then(|| id.to_owned()), now);
        }
        session.on_urc(&answer(1, Some("1 Buy")), false, now);
        session
    }

    fn is_refused(session: &UssdSession, id: &str, action: UssdAction, now: Instant) -> bool {
        session.refusal(&request(id, action), &rules(), now).is_some()
    }

    #[test]
    fn only_listed_codes_are_sent_exactly_as_they_are_listed() {
        let (session, now) = (UssdSession::default(), Instant::now());
        assert!(!is_refused(&session, "a", code("*100#"), now));
        for text in
            ["*1000#", "*100", " *100#", "**21*+4990012345#", "##002#", "**04*0000*1111*1111#", "100", "1"]
        {
            assert!(is_refused(&session, "a", code(text), now), "{text} was sent");
        }
        let off = session.refusal(&request("a", code("*100#")), &config::Ussd::default(), now).unwrap();
        assert!(off.contains("[ussd] allow = [\"*100#\"]"), "{off}");
    }

    #[test]
    fn a_menu_is_answered_and_cancelled_by_who_opened_it_alone() {
        let now = Instant::now();
        for opener in ["u1", ""] {
            let session = menu(Some(opener), now);
            for (id, is_theirs) in [("u1", opener == "u1"), ("u2", false), ("", opener.is_empty())] {
                for action in [reply("1"), UssdAction::Cancel, code("*101#")] {
                    let refused = is_refused(&session, id, action.clone(), now);
                    assert_eq!(refused, !is_theirs, "{opener:?} opened it, {id:?}: {action:?}");
                }
            }
            let late = now + MENU_TIMEOUT;
            assert!(is_refused(&session, opener, reply("1"), late), "the network waits no longer");
            assert!(!is_refused(&session, "u2", code("*101#"), late), "others have waited long enough");
        }
        let theirs = menu(None, now);
        assert!(is_refused(&theirs, "", reply("1"), now), "the network's own menu was answered");
        assert!(!is_refused(&theirs, "u1", UssdAction::Cancel, now));
        assert!(is_refused(&UssdSession::default(), "u1", reply("1"), now), "there is no menu");
    }

    #[test]
    fn a_reply_that_may_be_taken_for_a_code_is_refused() {
        let now = Instant::now();
        let session = menu(Some("u1"), now);
        for text in ["1", "23", "0", "#", "*", "500", "12345678901234", "yes"] {
            assert!(!is_refused(&session, "u1", reply(text), now), "{text} was refused");
        }
        let packed = ussd_text::pack("**21*+4990012345#").unwrap();
        for text in ["**21*+4990012345#", "##002#", "*100", "1#", "\\2A\\2A21#", &packed] {
            assert!(is_refused(&session, "u1", reply(text), now), "{text} was sent");
        }
    }
}
