//! JSON of the page: what its API answers, beside what the contract has already. No part of the contract: it may change
//! with any version.
//!
//! Pure. Input: what the store, the feeds and the configuration have.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use smsbridge_codec::analysis::analyze;
use smsbridge_codec::{Direction, Encoding, hex};

use super::event::{ErrorForm, ResultForm, error_form, result_form};
use super::format::{EncodingForm, json, time};
use super::history::{EntryForm, entry_form};
use crate::at_trace::TraceLine;
use crate::event::{Event, Received, SendResult};
use crate::failure::Failure;
use crate::message::{Name, UnixMs};
use crate::pdu::{DeliveryStatus, Length};
use crate::request::{Body, Content};
use crate::store::{Entry, MessageLife, Page, PartLife, PartState, Queue, RequestLife, Waiting};

#[derive(Serialize)]
struct AccessForm {
    read: bool,
    send: bool,
    reason: Option<&'static str>,
}

/// What whoever asks may do, and in words why no more.
pub fn access(read: bool, send: bool, reason: Option<&'static str>) -> String {
    json(&AccessForm { read, send, reason })
}

#[derive(Serialize)]
struct ContactsForm<'a> {
    contacts: Vec<&'a str>,
}

/// The names of the contacts.
pub fn contacts<'a>(names: impl Iterator<Item = &'a str>) -> String {
    json(&ContactsForm { contacts: names.collect() })
}

#[derive(Serialize)]
struct PageForm<'a> {
    messages: Vec<EntryForm<'a>>,
    next: Option<String>,
}

/// Some messages, and where there may be more.
pub fn messages(page: &Page) -> String {
    let messages = page.entries.iter().map(|entry| entry_form(entry, false)).collect();
    json(&PageForm { messages, next: page.next.as_ref().map(ToString::to_string) })
}

/// An event as those who watch get it: its kind, and a message as the list of messages has it.
pub fn event(event: &Event) -> (&'static str, String) {
    match event {
        Event::Received(received) => {
            ("received", json(&entry_form(&Entry::Received(received.clone()), false)))
        }
        Event::Result(result) => ("result", super::event::result(result)),
        Event::Call(call) => ("call", super::event::call(call)),
        Event::Broadcast(broadcast) => ("broadcast", super::event::broadcast(broadcast)),
        Event::UssdReply(reply) => ("ussd", super::event::ussd_reply(reply)),
    }
}

#[derive(Serialize)]
struct ReceivedLifeForm<'a> {
    message: EntryForm<'a>,
    published: Option<bool>,
    pdus: Vec<PduForm<'a>>,
}

#[derive(Serialize)]
struct PduForm<'a> {
    pdu: &'a str,
    rows: Vec<RowForm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct RowForm {
    name: &'static str,
    octets: String,
    meaning: String,
}

/// A received message, what its PDUs say, and whether the broker has it; null where it never gets it, for its sender is
/// denied.
pub fn received(received: &Received, published: Option<bool>) -> String {
    let entry = Entry::Received(received.clone());
    let pdus = received.pdus.iter().map(|pdu| pdu_form(pdu)).collect();
    json(&ReceivedLifeForm { message: entry_form(&entry, true), published, pdus })
}

fn pdu_form(pdu: &str) -> PduForm<'_> {
    let analysis = analyze(pdu, Direction::MobileTerminated);
    let rows = analysis.rows.into_iter().map(|row| RowForm {
        name: row.name,
        octets: hex::encode(&row.octets),
        meaning: row.meaning,
    });
    PduForm { pdu, rows: rows.collect(), error: analysis.error.map(|error| error.to_string()) }
}

#[derive(Serialize)]
struct RequestLifeForm<'a> {
    id: &'a str,
    accepted_at: String,
    #[serde(flatten)]
    content: ContentForm<'a>,
    messages: Vec<MessageLifeForm<'a>>,
}

#[derive(Serialize)]
struct ContentForm<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
}

impl<'a> From<&'a Body> for ContentForm<'a> {
    fn from(body: &'a Body) -> Self {
        match &body.content {
            Content::Text(text) => ContentForm { text: Some(text), data: None },
            Content::Data { octets, .. } => ContentForm { text: None, data: Some(BASE64.encode(octets)) },
        }
    }
}

#[derive(Serialize)]
struct MessageLifeForm<'a> {
    to: Option<&'a str>,
    contact: Option<&'a str>,
    result: ResultForm<'a>,
    modem: Option<&'a str>,
    priority: u8,
    send_at: Option<String>,
    expires_at: Option<String>,
    delivery_report: bool,
    attempts: u32,
    sending_by: Option<&'a str>,
    sent_at: Option<String>,
    cancellable: bool,
    parts: Vec<PartLifeForm<'a>>,
}

#[derive(Serialize)]
struct PartLifeForm<'a> {
    sequence: u8,
    state: &'static str,
    modem: Option<&'a str>,
    submitted_at: Option<String>,
    reference: Option<u8>,
    delivery: Option<&'static str>,
    discharged_at: Option<&'a str>,
    status: Option<u8>,
}

/// A request and what became of it.
pub fn request(id: &str, life: &RequestLife) -> String {
    json(&RequestLifeForm {
        id,
        accepted_at: time(life.accepted_at),
        content: ContentForm::from(&life.body),
        messages: life.messages.iter().map(message_form).collect(),
    })
}

fn message_form(message: &MessageLife) -> MessageLifeForm<'_> {
    MessageLifeForm {
        to: message.result.to.as_deref(),
        contact: message.result.contact.as_deref(),
        result: result_form(&message.result),
        modem: name(message.modem.as_ref()),
        priority: message.priority,
        send_at: message.not_before.map(time),
        expires_at: message.expires_at.map(time),
        delivery_report: message.delivery_report,
        attempts: message.attempts,
        sending_by: name(message.claimed_by.as_ref()),
        sent_at: message.sent_at.map(time),
        cancellable: message.is_untouched(),
        parts: message.parts.iter().map(part_form).collect(),
    }
}

fn part_form(part: &PartLife) -> PartLifeForm<'_> {
    PartLifeForm {
        sequence: part.sequence,
        state: match part.state {
            PartState::Queued => "queued",
            PartState::Submitting => "submitting",
            PartState::Submitted => "submitted",
        },
        modem: name(part.modem.as_ref()),
        submitted_at: part.submitted_at.map(time),
        reference: part.reference,
        delivery: match part.delivery {
            Some(DeliveryStatus::Delivered) => Some("delivered"),
            Some(DeliveryStatus::Failed) => Some("failed"),
            Some(DeliveryStatus::Pending) | None => None,
        },
        discharged_at: part.discharged_at.as_deref(),
        status: part.tp_status,
    }
}

fn name(name: Option<&Name>) -> Option<&str> {
    name.map(Name::as_str)
}

#[derive(Serialize)]
struct QueueForm<'a> {
    messages: Vec<WaitingForm<'a>>,
    more: bool,
}

#[derive(Serialize)]
struct WaitingForm<'a> {
    id: Option<&'a str>,
    to: Option<&'a str>,
    contact: Option<&'a str>,
    #[serde(flatten)]
    content: ContentForm<'a>,
    modem: Option<&'a str>,
    priority: u8,
    send_at: Option<String>,
    expires_at: Option<String>,
    attempts: u32,
    parts: Option<u32>,
    sending_by: Option<&'a str>,
    cancellable: bool,
}

/// What waits to be sent.
pub fn queue(queue: &Queue) -> String {
    json(&QueueForm { messages: queue.messages.iter().map(waiting_form).collect(), more: queue.has_more })
}

fn waiting_form(waiting: &Waiting) -> WaitingForm<'_> {
    let message = &waiting.message;
    WaitingForm {
        id: message.result.id.as_deref(),
        to: message.result.to.as_deref(),
        contact: message.result.contact.as_deref(),
        content: ContentForm::from(&waiting.body),
        modem: name(message.modem.as_ref()),
        priority: message.priority,
        send_at: message.not_before.map(time),
        expires_at: message.expires_at.map(time),
        attempts: message.attempts,
        parts: message.result.fields.parts,
        sending_by: name(message.claimed_by.as_ref()),
        cancellable: message.is_untouched() && !waiting.is_begun,
    }
}

#[derive(Serialize)]
struct AnswerForm<'a> {
    id: &'a str,
    results: Vec<ResultForm<'a>>,
}

/// What a request was answered at once.
pub fn answer<'a>(id: &str, results: impl Iterator<Item = &'a SendResult>) -> String {
    json(&AnswerForm { id, results: results.map(result_form).collect() })
}

#[derive(Serialize)]
struct RefusalForm<'a> {
    error: ErrorForm<'a>,
}

/// Why nothing is done.
pub fn refusal(failure: &Failure) -> String {
    json(&RefusalForm { error: error_form(failure) })
}

/// A text whose length is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountRequest {
    text: String,
}

/// Reads what is to be counted; in words why it cannot be.
pub fn read_count(payload: &[u8]) -> Result<Body, String> {
    let CountRequest { text } = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
    Ok(Body { content: Content::Text(text), class: None, encoding: Encoding::Auto, transliterate: false })
}

#[derive(Serialize)]
struct LengthForm {
    encoding: EncodingForm,
    characters: usize,
    parts: usize,
    left: usize,
    max_parts: u8,
}

/// What a text takes, and how many parts are allowed.
pub fn length(characters: usize, length: Length, max_parts: u8) -> String {
    let Length { encoding, parts, left } = length;
    json(&LengthForm { encoding: encoding.into(), characters, parts, left, max_parts })
}

#[derive(Serialize)]
struct SignalForm<'a> {
    interval_s: u64,
    newest_at: Option<String>,
    modems: Vec<ModemSignalForm<'a>>,
}

#[derive(Serialize)]
struct ModemSignalForm<'a> {
    name: &'a str,
    dbm: &'a [Option<i16>],
}

/// The signal of each modem over time: samples, oldest first.
pub fn signal<'a>(
    interval_s: u64,
    newest_at: Option<UnixMs>,
    modems: impl Iterator<Item = (&'a Name, &'a [Option<i16>])>,
) -> String {
    let modems = modems.map(|(name, dbm)| ModemSignalForm { name: name.as_str(), dbm }).collect();
    json(&SignalForm { interval_s, newest_at: newest_at.map(time), modems })
}

#[derive(Serialize)]
struct TraceLineForm<'a> {
    at: String,
    direction: &'static str,
    text: &'a str,
}

/// A line of a modem's AT dialogue.
pub fn trace_line(line: &TraceLine) -> String {
    let direction = if line.is_sent { "sent" } else { "received" };
    json(&TraceLineForm { at: time(line.at), direction, text: &line.text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_counted_is_read_or_refused_in_words() {
        let body = read_count(r#"{"text":"Grüße"}"#.as_bytes()).unwrap();
        assert_eq!(body.content, Content::Text("Grüße".to_owned()));
        for payload in ["", "[]", "{}", r#"{"text":1}"#, r#"{"text":"x","txet":"y"}"#] {
            assert!(read_count(payload.as_bytes()).is_err(), "{payload} was taken");
        }
    }
}
