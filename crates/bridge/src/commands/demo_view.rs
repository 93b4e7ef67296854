//! What the demo shows: each message and each result as a subscriber of its broker sees it, a line each.
//!
//! Pure, but for the time of day: topics and payloads go in, lines come out.

use std::collections::{HashMap, VecDeque};

use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr as _;

use super::columns::{padded, time_of_day, truncated, with_contact};
use crate::config::{Config, Outbound};
use crate::contact::Contacts;
use crate::escape::field;
use crate::policy;
use crate::request::Content;
use crate::rules::{self, Rule};
use crate::terminal::Style;
use crate::wire::caller::{ReceivedSummary, ResultSummary};
use crate::wire::request::read_send;
use crate::wire::topic::Topics;

/// Requests whose texts are remembered until their results come.
const MAX_TEXTS: usize = 1000;

/// Columns of a number, and of a state.
const NUMBER: usize = 16;
const STATE: usize = 9;

/// Columns of a text, however narrow the terminal is.
const MIN_TEXT: usize = 12;

/// How many there were of what.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) received: u32,
    pub(super) accepted: u32,
    pub(super) delivered: u32,
    pub(super) failed: u32,
}

/// What has been seen on the topics of one gateway with one modem.
pub(super) struct View {
    received: String,
    result: String,
    send: [String; 2],
    online: String,
    rules: Vec<Rule>,
    outbound: Outbound,
    contacts: Contacts,
    style: Style,
    /// Columns of the terminal.
    width: Option<usize>,
    /// Texts of requests by their ids.
    texts: HashMap<String, String>,
    /// Their ids, the oldest first.
    order: VecDeque<String>,
    /// Requests without an id, which come back with the gateway's own: recipients and text.
    unnamed: VecDeque<(Vec<String>, String)>,
    counts: Counts,
}

impl View {
    /// The view of a configuration's first modem.
    pub(super) fn new(config: &Config, style: Style) -> View {
        let topics = Topics::new(&config.mqtt.prefix, &config.name);
        let modem = &config.modems[0].name;
        View {
            received: topics.received(modem),
            result: topics.result(),
            send: [topics.send(), format!("{}/{modem}", topics.send())],
            online: topics.gateway_availability(),
            rules: config.rules.clone(),
            outbound: config.outbound.clone(),
            contacts: Contacts::new(&config.contacts, &config.outbound.default_country),
            style,
            width: None,
            texts: HashMap::new(),
            order: VecDeque::new(),
            unnamed: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// What to subscribe to.
    pub(super) fn filters(&self) -> Vec<String> {
        let [any, one] = self.send.clone();
        vec![self.received.clone(), self.result.clone(), any, one, self.online.clone()]
    }

    /// Whether this says that the gateway is online.
    pub(super) fn is_online(&self, topic: &str, payload: &[u8]) -> bool {
        topic == self.online && payload == b"online"
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// From now on no line is wider.
    pub(super) fn fit(&mut self, width: Option<usize>) {
        self.width = width;
    }

    /// The line about a message that was published, if there is one; `at` is the time of day. Where the rule that
    /// matched finds no room in it, it has a second one.
    pub(super) fn line(&mut self, topic: &str, payload: &[u8], at: &str) -> Option<String> {
        if topic == self.received {
            return Some(self.incoming(&ReceivedSummary::read(payload)?, at));
        }
        if topic == self.result {
            return self.outgoing(&ResultSummary::read(payload)?, at);
        }
        if self.send.iter().any(|send| topic == send) {
            self.remember_request(payload);
        }
        None
    }

    fn incoming(&mut self, message: &ReceivedSummary, at: &str) -> String {
        self.counts.received += 1;
        let text = message.text.clone().unwrap_or_else(|| "(data)".to_owned());
        if let Some(reply) = rules::first_match(&self.rules, &text).and_then(|found| found.reply) {
            self.remember(format!("reply-{}", message.id), reply);
        }
        let found = message.rule.as_ref().map(|rule| {
            let fields = message.fields.iter().map(|(name, value)| format!(" {name}={value}"));
            field(&format!("rule {rule}:{}", fields.collect::<String>()))
        });
        let from = padded(&field(message.from.as_deref().unwrap_or("?")), NUMBER);
        let from = self.style.strong(&from);
        self.with_text("←", at, &format!("{from}  "), NUMBER + 2, &text, found.as_deref())
    }

    fn outgoing(&mut self, result: &ResultSummary, at: &str) -> Option<String> {
        let id = result.id.clone().unwrap_or_default();
        let to = result.to.clone().unwrap_or_default();
        let is_new = matches!(result.state.as_str(), "accepted" | "rejected") && !result.duplicate;
        let text = is_new.then(|| self.text_of(&id, &to)).flatten();
        match result.state.as_str() {
            "accepted" if is_new => self.counts.accepted += 1,
            "delivered" => self.counts.delivered += 1,
            "accepted" | "sent" => {}
            _ => self.counts.failed += 1,
        }
        let state = padded(&field(&result.state), STATE);
        let state = match (result.r#final, result.is_success()) {
            (true, false) => self.style.bad(&state),
            (true, true) => self.style.good(&state),
            (false, _) => state,
        };
        let shown_to =
            if to.is_empty() { "?".to_owned() } else { with_contact(result.contact.as_deref(), &to) };
        let shown_to = padded(&field(&shown_to), NUMBER);
        let columns = shown_to.width() + STATE + 4;
        let before = format!("{shown_to}  {state}  ");
        let (text, details) = match (text, result.state.as_str()) {
            (Some(text), "accepted") if !result.dry_run => (text, None),
            (text, _) => (text.unwrap_or_default(), Some(field(&result.details()))),
        };
        let details = details.filter(|details| !details.is_empty());
        Some(self.with_text("→", at, &before, columns, &text, details.as_deref()))
    }

    /// `before` has `columns` columns. What comes after the text stands below it where both do not fit.
    fn with_text(
        &self,
        arrow: &str,
        at: &str,
        before: &str,
        columns: usize,
        text: &str,
        after: Option<&str>,
    ) -> String {
        let (text, after) = (field(text), after.unwrap_or_default());
        let indent = at.width() + 5 + columns;
        let room = self.width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(MIN_TEXT));
        let is_one_line = text.is_empty() || text.width() + 2 + after.width() <= room;
        let between = match (text.is_empty() || after.is_empty(), is_one_line) {
            (true, _) => String::new(),
            (false, true) => "  ".to_owned(),
            (false, false) => format!("\n{}", " ".repeat(indent)),
        };
        let (at, after) = (self.style.weak(at), self.style.weak(&truncated(after, room)));
        format!("{at}  {arrow}  {before}{}{between}{after}", truncated(&text, room)).trim_end().to_owned()
    }

    fn remember_request(&mut self, payload: &[u8]) {
        let Ok(request) = read_send(payload) else { return };
        let text = match request.body.content {
            Content::Text(text) => text,
            Content::Data { .. } => "(data)".to_owned(),
        };
        match request.id {
            Some(id) => self.remember(id, text),
            None => {
                if self.unnamed.len() == MAX_TEXTS {
                    self.unnamed.pop_front();
                }
                self.unnamed.push_back((request.to, text));
            }
        }
    }

    fn remember(&mut self, id: String, text: String) {
        if self.texts.insert(id.clone(), text).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > MAX_TEXTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.texts.remove(&oldest);
        }
    }

    /// The text of the request with this id, to this number.
    fn text_of(&mut self, id: &str, to: &str) -> Option<String> {
        if !self.texts.contains_key(id) {
            let is_dialled = |written: &String| {
                let dialled = policy::dialled(written, &self.contacts, &self.outbound);
                dialled.is_ok_and(|dialled| dialled.numbers.iter().any(|number| number == to))
            };
            let is_to = |(all, _): &(Vec<String>, String)| {
                all.iter().any(|written| written == to || is_dialled(written))
            };
            let place = self.unnamed.iter().position(is_to)?;
            let (_, text) = self.unnamed.remove(place)?;
            self.remember(id.to_owned(), text);
        }
        self.texts.get(id).cloned()
    }
}

/// The time of day of now.
pub(super) fn now() -> String {
    time_of_day(None, TimeZone::system())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config;

    const RULE: &str = "[[rule]]\nname = \"meter\"\nmatch = '(?<account>\\d+)\\D+(?<reading>\\d+)'\n\
                        reply = \"Thanks: {reading}\"\n";

    fn view(width: Option<usize>) -> View {
        let mut view = View::new(&config::parse("test", RULE).unwrap(), Style::plain());
        view.fit(width);
        view
    }

    fn received(view: &mut View, from: &str, text: &str, more: &str) -> String {
        let text = serde_json::to_string(text).unwrap();
        let from = serde_json::to_string(from).unwrap();
        let payload = format!(r#"{{"id":"m1","from":{from},"text":{text}{more}}}"#);
        view.line("sms/received/main", payload.as_bytes(), "10:00:00").expect("a line")
    }

    fn result(view: &mut View, payload: &str) -> String {
        view.line("sms/result", payload.as_bytes(), "10:00:01").expect("a line")
    }

    #[test]
    fn what_comes_in_has_its_rule_and_fields_and_the_reply_its_text() {
        let mut view = view(None);
        let rule = r#","rule":"meter","fields":{"account":"12345","reading":"678"}"#;
        assert_eq!(
            received(&mut view, "+79211234567", "Meter 12345: 678", rule),
            "10:00:00  ←  +79211234567      Meter 12345: 678  rule meter: account=12345 reading=678"
        );
        assert_eq!(
            result(&mut view, r#"{"id":"reply-m1","to":"+79211234567","state":"accepted","final":false}"#),
            "10:00:01  →  +79211234567      accepted   Thanks: 678"
        );
        let failed = r#"{"id":"reply-m1","to":"+79211234567","state":"failed","final":true,"error":{"code":"cms-38","message":"network out of order"}}"#;
        assert_eq!(
            result(&mut view, failed),
            "10:00:01  →  +79211234567      failed     cms-38: network out of order"
        );
        assert_eq!(view.counts(), Counts { received: 1, accepted: 1, delivered: 0, failed: 1 });
    }

    #[test]
    fn a_request_is_told_by_its_id_or_else_by_its_recipient() {
        let mut view = view(None);
        for payload in [
            r#"{"id":"a","to":"+491","text":"first"}"#,
            r#"{"to":["+49 (0)151 1234567", "+493"],"text":"second"}"#,
            r#"{"to":"+491511234567","text":"third"}"#,
        ] {
            assert_eq!(view.line("sms/send", payload.as_bytes(), ""), None);
        }
        for (id, to, text) in [
            ("ULID1", "+491511234567", "second"),
            ("a", "+491", "first"),
            ("ULID1", "+493", "second"),
            ("ULID2", "+491511234567", "third"),
        ] {
            let payload = format!(r#"{{"id":"{id}","to":"{to}","state":"accepted","final":false}}"#);
            let line = result(&mut view, &payload);
            assert!(line.ends_with(&format!("accepted   {text}")), "{line}");
        }
    }

    #[test]
    fn a_narrow_terminal_shows_the_beginning_of_a_text_and_the_rule_below() {
        let mut view = view(Some(60));
        let rule = r#","rule":"meter","fields":{"a":"1"}"#;
        assert_eq!(
            received(&mut view, "+79211234567", "Meter 12345: 678, and a dog", rule),
            "10:00:00  ←  +79211234567      Meter 12345: 678, and a dog\n                               rule meter: a=1"
        );
        assert_eq!(
            received(&mut view, "+79211234567", "Meter 12345: 678, and a dog that barks", ""),
            "10:00:00  ←  +79211234567      Meter 12345: 678, and a dog …"
        );
        assert_eq!(
            received(&mut view, "+79211234567", "Meter 1", rule),
            "10:00:00  ←  +79211234567      Meter 1  rule meter: a=1"
        );
    }

    #[test]
    fn what_is_no_message_is_no_line() {
        let mut view = view(None);
        for (topic, payload) in [
            ("sms/received/main", "no JSON"),
            ("sms/result", "[]"),
            ("sms/send", "\u{0}"),
            ("sms/other", r#"{"id":"m1","from":"x"}"#),
        ] {
            assert_eq!(view.line(topic, payload.as_bytes(), ""), None, "{topic}");
        }
        assert_eq!(view.counts(), Counts::default());
    }

    proptest! {
        #[test]
        fn a_line_is_one_line_and_fits(from in "(?s).{0,11}", text in "(?s).{0,60}", width in 44usize..200) {
            let line = received(&mut view(Some(width)), &from, &text, "");
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            // A sender is never cut.
            let longer = field(&from).width().saturating_sub(NUMBER);
            prop_assert!(line.width() <= width + longer, "{line:?} in {width}");
        }
    }
}
