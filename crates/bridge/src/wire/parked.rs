//! JSON of `smsbridge parked --json`: a message the broker does not take, as it would be published.
//!
//! Pure. Input: parked rows of the outbox.

use serde::Serialize;
use serde_json::value::RawValue;

use super::Wire;
use super::format::{json, time};
use crate::store::ParkedRow;

#[derive(Serialize)]
struct ParkedForm<'a> {
    row: i64,
    parked_at: String,
    reason: &'a str,
    topic: Option<String>,
    payload: Option<Box<RawValue>>,
}

/// One row as a JSON object on one line.
pub fn row(parked: &ParkedRow, wire: &Wire) -> String {
    let publish = parked.row.publication.as_ref().ok().map(|publication| wire.publication(publication));
    let (topic, payload) = publish.map(|publish| (publish.topic, publish.payload)).unzip();
    json(&ParkedForm {
        row: parked.row.id,
        parked_at: time(parked.parked_at),
        reason: &parked.reason,
        topic,
        // What clears a topic has none.
        payload: payload.and_then(|payload| RawValue::from_string(payload).ok()),
    })
}
