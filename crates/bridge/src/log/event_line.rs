//! An event as one line of the log: which message, how many parts, which modem; never a number or a text.
//!
//! The store says the lines of what it has committed.

use crate::escape::field;
use crate::event::{
    BroadcastContent, CallState, Event, MessageState, Received, ReceivedContent, SendResult, UssdReply,
    UssdState,
};
use crate::failure::{Failure, FailureCode};
use crate::message::Name;

/// A line about an event, before it is said.
#[derive(Debug, PartialEq, Eq)]
pub struct EventLine {
    is_warning: bool,
    modem: Option<Name>,
    words: String,
}

impl EventLine {
    /// The line of an event.
    pub fn of(event: &Event) -> EventLine {
        match event {
            Event::Received(received) => EventLine::received(received, true),
            Event::Result(result) => of_result(result),
            Event::Call(call) => EventLine::plain(
                &call.modem,
                match call.state {
                    CallState::Ringing => "a call comes in".to_owned(),
                    CallState::Missed => "a call was missed".to_owned(),
                },
            ),
            Event::Broadcast(broadcast) => EventLine::plain(
                &broadcast.modem,
                match &broadcast.content {
                    BroadcastContent::Message(message) => {
                        format!(
                            "cell broadcast on channel {}, {}",
                            message.channel,
                            counted(message.pages.into(), "page")
                        )
                    }
                    BroadcastContent::Undecodable { error, .. } => {
                        format!("a cell broadcast that cannot be decoded: {}", without_private(error))
                    }
                },
            ),
            Event::UssdReply(reply) => of_ussd(reply),
        }
    }

    /// The line of an incoming message; `is_published` is false where its sender is denied.
    pub fn received(received: &Received, is_published: bool) -> EventLine {
        let mut words = format!("received {}", received.id);
        match &received.content {
            ReceivedContent::Message(message) => {
                words += &format!(": {}", counted(message.parts.into(), "part"));
                if !message.missing.is_empty() {
                    let missing: Vec<String> = message.missing.iter().map(u8::to_string).collect();
                    words += &format!(", without {} that never came", missing.join(", "));
                }
                if let Some(id) = &message.late_for {
                    words += &format!(", late for {id}");
                }
            }
            ReceivedContent::Undecodable(error) => {
                words += &format!(", which cannot be decoded: {}", without_private(error));
            }
        }
        if let Some(rule) = &received.rule {
            words += &format!(", rule {}", field(&rule.name));
        }
        if !is_published {
            words += ", not published: its sender is on [inbound] deny";
        }
        let is_whole = received.message().is_some_and(|message| message.missing.is_empty());
        EventLine { is_warning: !is_whole, ..EventLine::plain(&received.modem, words) }
    }

    fn plain(modem: &Name, words: String) -> EventLine {
        EventLine { is_warning: false, modem: Some(modem.clone()), words }
    }

    /// Says it.
    pub fn say(&self) {
        let EventLine { is_warning, modem, words } = self;
        let modem = modem.as_ref().map(Name::as_str);
        if *is_warning {
            tracing::warn!(modem, "{words}");
        } else {
            tracing::info!(modem, "{words}");
        }
    }
}

fn of_result(result: &SendResult) -> EventLine {
    let SendResult { id, state, fields, .. } = result;
    let kind = if fields.dry_run.is_some() { "dry run" } else { "request" };
    let mut words = match id {
        Some(id) => format!("{kind} {}: {}", field(id), state.as_str()),
        None => format!("{kind} without an id: {}", state.as_str()),
    };
    if let Some(parts) = fields.parts {
        words += &format!(", {}", counted(parts, "part"));
    }
    if let Some(parts) = fields.parts_sent {
        words += &format!(", of which {parts} sent");
    }
    if fields.report_missing {
        words += ", no delivery report came";
    }
    if fields.duplicate {
        words += ", said again for a repeated request";
    }
    if let Some(failure) = &fields.error {
        words += &format!(": {}: {}", failure.code, reason(failure));
    }
    let is_bad = matches!(
        state,
        MessageState::Failed | MessageState::Rejected | MessageState::Expired | MessageState::Unknown
    );
    EventLine { is_warning: is_bad || fields.error.is_some(), modem: fields.modem.clone(), words }
}

fn of_ussd(reply: &UssdReply) -> EventLine {
    let id = reply.id.as_ref().map(|id| format!(" {}", field(id))).unwrap_or_default();
    let state = match reply.state {
        UssdState::Done => "done",
        UssdState::More => "the network waits for a reply",
        UssdState::Failed => "failed",
    };
    let is_warning = reply.state == UssdState::Failed;
    // What the network says may be a balance; why a request failed is ours to tell.
    let reason = reply.text.as_deref().filter(|_| is_warning).map(without_private);
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    EventLine { is_warning, ..EventLine::plain(&reply.modem, format!("USSD{id}: {state}{reason}")) }
}

/// Why it failed, without what the caller wrote: of a field of the wrong type that stands behind what was expected.
fn reason(failure: &Failure) -> String {
    let words = match failure.code {
        FailureCode::Malformed => failure.message.split(", not ").next().unwrap_or_default(),
        _ => &failure.message,
    };
    without_private(words)
}

fn counted(n: u32, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Digits in a row that may be a phone number.
const MIN_NUMBER: usize = 7;

/// Words of ours without what they quote, and without what looks like a phone number.
fn without_private(words: &str) -> String {
    let mut shown = String::with_capacity(words.len());
    let mut rest = words.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' => {
                while let Some(quoted) = rest.next() {
                    match quoted {
                        '"' => break,
                        '\\' => drop(rest.next()),
                        _ => {}
                    }
                }
                shown.push_str("\"…\"");
            }
            '+' | '0'..='9' => {
                let mut run = String::from(character);
                while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                    run.push(digit);
                }
                let is_number = run.len() >= MIN_NUMBER || (character == '+' && run.len() > 2);
                shown.push_str(if is_number { "…" } else { &run });
            }
            other => shown.push(other),
        }
    }
    field(&shown)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::ResultFields;
    use crate::pdu;
    use crate::pdu_fixtures::short;
    use crate::wire::request::read_send;

    fn received() -> Received {
        let pdus = vec![short("+4915112345678", "Your code is 4711", 0)];
        let content = ReceivedContent::Message(Box::new(pdu::join(&pdus).unwrap()));
        let modem = "main".parse().unwrap();
        Received {
            id: "01K9".to_owned(),
            modem,
            received_at: 0,
            was_stored: false,
            content,
            pdus,
            rule: None,
        }
    }

    fn result(state: MessageState, fields: ResultFields) -> Event {
        let (id, to) = (Some("order-17".to_owned()), Some("+4915112345678".to_owned()));
        Event::Result(SendResult { id, to, state, is_final: true, at: 0, fields })
    }

    #[test]
    fn a_message_in_has_id_parts_and_modem_and_nothing_private() {
        let line = EventLine::of(&Event::Received(received()));
        assert_eq!((line.words.as_str(), line.is_warning), ("received 01K9: 1 part", false));
        assert_eq!(line.modem.map(|modem| modem.to_string()).as_deref(), Some("main"));
        let denied = EventLine::received(&received(), false);
        assert!(denied.words.ends_with("not published: its sender is on [inbound] deny"), "{}", denied.words);
        let broken = Received { content: ReceivedContent::Undecodable("octet 3".to_owned()), ..received() };
        let line = EventLine::received(&broken, true);
        assert_eq!(
            (line.words.as_str(), line.is_warning),
            ("received 01K9, which cannot be decoded: octet 3", true)
        );
    }

    #[test]
    fn a_message_out_has_id_state_parts_and_modem() {
        let fields = ResultFields { parts: Some(2), modem: "main".parse().ok(), ..ResultFields::default() };
        let line = EventLine::of(&result(MessageState::Sent, fields));
        assert_eq!((line.words.as_str(), line.is_warning), ("request order-17: sent, 2 parts", false));
        let error = Some(Failure::permanent(FailureCode::Malformed, "text: a text, not 4711"));
        let line =
            EventLine::of(&result(MessageState::Rejected, ResultFields { error, ..ResultFields::default() }));
        assert_eq!(line.words, "request order-17: rejected: malformed: text: a text");
        let error = Some(Failure::permanent(FailureCode::BadNumber, "`to`: \"+49 \\\"151\" is no number"));
        let line =
            EventLine::of(&result(MessageState::Rejected, ResultFields { error, ..ResultFields::default() }));
        let words = "request order-17: rejected: bad-number: `to`: \"…\" is no number";
        assert_eq!((line.words.as_str(), line.is_warning), (words, true));
    }

    #[test]
    fn of_a_payload_that_is_wrong_the_field_is_named_and_not_what_stands_there() {
        for (payload, expected) in [
            (r#"{"id":"a","to":"SECRET","text":5}"#, "text: "),
            (r#"{"id":"a","to":["1",{"SECRET":1}],"text":"x"}"#, "to[1]: "),
            (r#"{"id":"SECRET SECRET","to":"1","text":"x"}"#, "id: "),
            (
                r#"{"id":"a","to":"1","text":"SECRET","ttl":1}"#,
                "ttl: there is no such field; did you mean `ttl_s`?",
            ),
            ("SECRET", "not JSON"),
            (r#"{"to":"SECRET""#, "line 1"),
        ] {
            let result = read_send(payload.as_bytes()).expect_err(payload).into_result(0);
            let words = EventLine::of(&Event::Result(result)).words;
            assert!(words.contains(expected) && !words.contains("SECRET"), "{payload}: {words}");
        }
    }

    #[test]
    fn numbers_are_left_out_and_codes_and_sizes_are_not() {
        for (words, expected) in [
            ("+4915112345678 is on [outbound] deny", "… is on [outbound] deny"),
            ("01511234567: no country code", "…: no country code"),
            ("11 parts; [outbound] max_parts = 10", "11 parts; [outbound] max_parts = 10"),
            ("262144 octets at most", "262144 octets at most"),
            ("cut off: \"+49151", "cut off: \"…\""),
        ] {
            assert_eq!(without_private(words), expected);
        }
    }

    proptest! {
        #[test]
        fn what_a_caller_wrote_is_not_logged(secret in "[A-Z]{8,20}", before in "[a-z ]{0,9}") {
            let words = format!("{before}: {:?} is not expected", format!("\"{secret}\\"));
            prop_assert!(!without_private(&words).contains(&secret));
        }
    }
}
