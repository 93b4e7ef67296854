//! JSON of `smsbridge parked --json`: a message the broker does not take, as it would be published.
//!
//! Pure. Input: parked rows of the outbox.

use serde::Serialize;
use serde_json::value::RawValue;

use super::Wire;
use super::format::{json, time};
use crate::store::ParkedRow;

/// A message the broker does not take: a line of `smsbridge parked --json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Parked"))]
pub(super) struct ParkedForm<'a> {
    /// Its number, for `--drop`.
    row: i64,
    /// When it was set aside.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    parked_at: String,
    /// Why, for people.
    reason: &'a str,
    /// Where it would be published; null where the row cannot be read.
    topic: Option<String>,
    /// What would be published: any JSON; null where that is nothing, or the row cannot be read.
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
