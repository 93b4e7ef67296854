//! JSON of `smsbridge history --json`: what was published of a message, in the same order, then its direction and, for
//! an outgoing one, what was sent.
//!
//! Pure. Input: entries of the store's history.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::event::{ResultForm, result_form};
use super::format::json;
use super::received::{ReceivedForm, received_form};
use crate::request::Content;
use crate::store::{Entry, SentEntry};

/// An incoming message as it was published.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ReceivedEntry"))]
pub(super) struct ReceivedEntryForm<'a> {
    #[serde(flatten)]
    received: ReceivedForm<'a>,
    /// It came in.
    #[cfg_attr(test, schemars(extend("const" = IN)))]
    direction: &'static str,
}

/// An outgoing message: its newest result, and what is sent.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "SentEntry"))]
pub(super) struct SentEntryForm<'a> {
    #[serde(flatten)]
    result: ResultForm<'a>,
    /// It goes out.
    #[cfg_attr(test, schemars(extend("const" = OUT)))]
    direction: &'static str,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    /// Instead of a text: octets for an application port, base64.
    #[cfg_attr(test, schemars(extend("contentEncoding" = "base64")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    /// The application port that `data` is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port: Option<u16>,
}

/// A message the store holds: a line of `smsbridge history --json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "HistoryEntry"))]
#[serde(untagged)]
pub(super) enum EntryForm<'a> {
    /// One that came in.
    Received(Box<ReceivedEntryForm<'a>>),
    /// One that goes out.
    Sent(Box<SentEntryForm<'a>>),
}

const IN: &str = "in";
const OUT: &str = "out";

/// One entry of the history as a JSON object on one line.
pub fn entry(entry: &Entry, include_pdu: bool) -> String {
    json(&entry_form(entry, include_pdu))
}

pub(super) fn entry_form(entry: &Entry, include_pdu: bool) -> EntryForm<'_> {
    match entry {
        Entry::Received(received) => {
            let received = received_form(received, include_pdu);
            EntryForm::Received(Box::new(ReceivedEntryForm { received, direction: IN }))
        }
        Entry::Sent(SentEntry { result, body, .. }) => {
            let (text, data, destination_port) = match &body.content {
                Content::Text(text) => (Some(text.as_str()), None, None),
                Content::Data { octets, destination_port } => {
                    (None, Some(BASE64.encode(octets)), Some(*destination_port))
                }
            };
            let result = result_form(result);
            EntryForm::Sent(Box::new(SentEntryForm { result, direction: OUT, text, data, destination_port }))
        }
    }
}

#[cfg(test)]
mod tests {
    use smsbridge_codec::Encoding;

    use super::super::event::result;
    use super::super::received::received;
    use super::*;
    use crate::event::{MessageState, Received, ReceivedContent, ResultFields, SendResult};
    use crate::request::Body;

    #[test]
    fn an_entry_is_what_was_published_and_then_what_only_the_store_knows() {
        let sent = SendResult {
            id: Some("a1".to_owned()),
            to: Some("+491".to_owned()),
            contact: None,
            state: MessageState::Sent,
            is_final: true,
            at: 0,
            fields: ResultFields {
                modem: Some("main".parse().unwrap()),
                parts: Some(1),
                ..ResultFields::default()
            },
        };
        let published = result(&sent);
        let content = Content::Text("Hi".to_owned());
        let body = Body { content, class: None, encoding: Encoding::Auto, transliterate: false };
        let shown = entry(&Entry::Sent(SentEntry { at: 0, result: sent, body }), false);
        let same = published.trim_end_matches('}');
        assert_eq!(shown, format!(r#"{same},"direction":"out","text":"Hi"}}"#));

        let incoming = Received {
            id: "b1".to_owned(),
            modem: "main".parse().unwrap(),
            received_at: 0,
            was_stored: false,
            content: ReceivedContent::Undecodable("too short".to_owned()),
            pdus: vec!["00".to_owned()],
            contact: None,
            rule: None,
        };
        let published = received(&incoming, false);
        let shown = entry(&Entry::Received(incoming), false);
        assert_eq!(shown, format!(r#"{},"direction":"in"}}"#, published.trim_end_matches('}')));
    }
}
