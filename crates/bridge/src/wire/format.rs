//! The forms all payloads share: JSON text, and times.

use jiff::Timestamp;
use serde::Serialize;

use crate::message::UnixMs;

/// A time: RFC 3339, UTC, milliseconds.
pub fn time(at: UnixMs) -> String {
    Timestamp::from_millisecond(at).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// JSON text of a value whose keys are all strings, which cannot fail.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
