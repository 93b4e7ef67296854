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
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub(super) enum EncodingForm {
    /// GSM 7-bit default alphabet, with national tables.
    Gsm7,
    /// UCS-2, read as UTF-16.
    Ucs2,
    /// 8-bit data.
    #[serde(rename = "8bit")]
    EightBit,
}

impl From<MessageEncoding> for EncodingForm {
    fn from(encoding: MessageEncoding) -> Self {
        match encoding {
            MessageEncoding::Gsm7 => EncodingForm::Gsm7,
            MessageEncoding::Ucs2 => EncodingForm::Ucs2,
            MessageEncoding::EightBit => EncodingForm::EightBit,
        }
    }
}
