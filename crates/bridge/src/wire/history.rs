//! JSON of `smsbridge history --json`: what was published of a message, with its direction and, for an outgoing one,
//! what was sent.
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

#[derive(Serialize)]
struct ReceivedEntryForm<'a> {
    direction: &'static str,
    #[serde(flatten)]
    received: ReceivedForm<'a>,
}

#[derive(Serialize)]
struct SentEntryForm<'a> {
    direction: &'static str,
    #[serde(flatten)]
    result: ResultForm<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port: Option<u16>,
}

/// One entry of the history as a JSON object on one line.
pub fn entry(entry: &Entry, include_pdu: bool) -> String {
    match entry {
        Entry::Received(received) => {
            json(&ReceivedEntryForm { direction: "in", received: received_form(received, include_pdu) })
        }
        Entry::Sent(SentEntry { result, body, .. }) => {
            let (text, data, destination_port) = match &body.content {
                Content::Text(text) => (Some(text.as_str()), None, None),
                Content::Data { octets, destination_port } => {
                    (None, Some(BASE64.encode(octets)), Some(*destination_port))
                }
            };
            let result = result_form(result);
            json(&SentEntryForm { direction: "out", result, text, data, destination_port })
        }
    }
}
