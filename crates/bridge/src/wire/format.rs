//! The forms payloads share: JSON text, times, alphabets.

use jiff::Timestamp;
use serde::Serialize;

use crate::event::MessageEncoding;
use crate::message::UnixMs;

/// A time: RFC 3339, UTC, milliseconds.
pub fn time(at: UnixMs) -> String {
    Timestamp::from_millisecond(at).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// JSON text of a value whose keys are all strings, which cannot fail.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The alphabet of a message in one word.
pub(super) fn encoding_word(encoding: MessageEncoding) -> &'static str {
    match encoding {
        MessageEncoding::Gsm7 => "gsm7",
        MessageEncoding::Ucs2 => "ucs2",
        MessageEncoding::EightBit => "8bit",
    }
}
