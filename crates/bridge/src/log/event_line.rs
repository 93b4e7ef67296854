//! An event as one line of the log: which message, how many parts, which modem; never a number or a text.
//!
//! The store says the lines of what it has committed.

use crate::escape::field;
use crate::event::{
    BroadcastContent, CallState, Event, MessageState, Received, ReceivedContent, SendResult, UssdReply,
    UssdState,
};
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
                        format!("a cell broadcast that cannot be decoded: {}", field(error))
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
                words += &format!(", which cannot be decoded: {}", field(error));
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
        words += &format!(": {}", failure.code);
        let logged = failure.logged.as_deref().map(|logged| format!(": {}", field(logged)));
        words += &logged.unwrap_or_default();
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
    let reason = reply.logged.as_deref().map(|reason| format!(": {}", field(reason))).unwrap_or_default();
    EventLine { is_warning, ..EventLine::plain(&reply.modem, format!("USSD{id}: {state}{reason}")) }
}

fn counted(n: u32, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ResultFields;
    use crate::failure::{Failure, FailureCode};
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
            contact: None,
            rule: None,
        }
    }

    fn result(state: MessageState, fields: ResultFields) -> Event {
        let (id, to) = (Some("order-17".to_owned()), Some("+4915112345678".to_owned()));
        Event::Result(SendResult { id, to, contact: None, state, is_final: true, at: 0, fields })
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
        let failure =
            Failure::permanent(FailureCode::BadNumber, "\"+49 151\" is no number").logged_as("no number");
        let error = Some(failure);
        let line =
            EventLine::of(&result(MessageState::Rejected, ResultFields { error, ..ResultFields::default() }));
        let words = "request order-17: rejected: bad-number: no number";
        assert_eq!((line.words.as_str(), line.is_warning), (words, true));
    }

    #[test]
    fn what_the_network_says_by_ussd_is_not_logged_and_why_we_refuse_is() {
        let modem: Name = "main".parse().unwrap();
        let reply = |text: &str, logged: Option<&str>| {
            let (text, logged) = (Some(text.to_owned()), logged.map(str::to_owned));
            let id = Some("u1".to_owned());
            EventLine::of(&Event::UssdReply(UssdReply {
                modem: modem.clone(),
                id,
                text,
                state: UssdState::Failed,
                logged,
            }))
        };
        assert_eq!(reply("Balance 4711", None).words, "USSD u1: failed");
        assert_eq!(reply("not 4711", Some("a text")).words, "USSD u1: failed: a text");
    }

    #[test]
    fn of_a_payload_that_is_wrong_the_field_is_named_and_not_what_stands_there() {
        for (payload, expected) in [
            (r#"{"id":"a","to":"SECRET","text":5}"#, "text: "),
            (r#"{"id":"a","to":["1",{"SECRET":1}],"text":"x"}"#, "to[1]: "),
            (r#"{"id":"SECRET SECRET","to":"1","text":"x"}"#, "id: "),
            (
                r#"{"id":"a","to":"1","text":"SECRET","ttl":1}"#,
                "a field: there is no such field; did you mean `ttl_s`?",
            ),
            (r#"{"id":"a","to":"1","text":"x","SECRET":1}"#, "a field: there is no such field"),
            (r#"{"id":"a","to":"1","text":"x","encoding":"SECRET"}"#, "encoding: "),
            (r#"{"id":"a","to":"1","text":"x","send_at":4711}"#, "send_at: a time"),
            ("SECRET", "not JSON but a plain text; expected JSON such as {\"to\""),
            (r#"{"to":"SECRET""#, "line 1"),
        ] {
            let result = read_send(payload.as_bytes()).expect_err(payload).into_result(0);
            let words = EventLine::of(&Event::Result(result)).words;
            assert!(words.contains(expected) && !words.contains("SECRET"), "{payload}: {words}");
        }
    }
}
