//! The contract from the caller's side, for `smsbridge send`: writing a request, reading its results.
//!
//! Pure.

use serde::{Deserialize, Serialize};

use super::format::json;

/// A request as `smsbridge send` publishes it.
#[derive(Debug, Serialize)]
pub struct SendCommand<'a> {
    /// Its id.
    pub id: &'a str,
    /// The recipients as written.
    pub to: &'a [String],
    /// The text.
    pub text: &'a str,
    /// The modem to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modem: Option<&'a str>,
    /// Whether to ask for a delivery report.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub delivery_report: bool,
}

impl SendCommand<'_> {
    /// The payload for `sms/send`.
    pub fn payload(&self) -> String {
        json(self)
    }
}

/// What a caller needs of a result.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct ResultSummary {
    /// The request's id.
    pub id: Option<String>,
    /// The recipient; none where one result answers for all.
    pub to: Option<String>,
    /// The state, as a word.
    pub state: String,
    /// Whether no other result follows for this recipient.
    pub r#final: bool,
    /// Whether it answers one of several requests under this id, all but the first of which are refused.
    #[serde(default)]
    pub conflict: bool,
}

impl ResultSummary {
    /// Reads a payload of `sms/result`; none where it is not one.
    pub fn read(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }

    /// Whether the message was sent or delivered.
    pub fn is_success(&self) -> bool {
        matches!(self.state.as_str(), "sent" | "delivered")
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::result;
    use super::super::request::read_send;
    use super::*;
    use crate::event::{MessageState, ResultFields, SendResult};

    #[test]
    fn what_a_caller_writes_is_what_the_gateway_reads() {
        let to = ["+491".to_owned()];
        let command =
            SendCommand { id: "a1", to: &to, text: "-x", modem: Some("main"), delivery_report: true };
        let read = read_send(command.payload().as_bytes()).unwrap();
        assert_eq!((read.id.as_deref(), read.delivery_report), (Some("a1"), Some(true)));
        assert_eq!(read.to, to);
    }

    #[test]
    fn what_the_gateway_writes_is_what_a_caller_reads() {
        let (id, to) = (Some("a1".to_owned()), Some("+491".to_owned()));
        let (state, fields) = (MessageState::Sent, ResultFields::default());
        let sent = SendResult { id: id.clone(), to: to.clone(), state, is_final: true, at: 0, fields };
        let read = ResultSummary::read(result(&sent).as_bytes()).unwrap();
        assert_eq!(read, ResultSummary { id, to, state: "sent".to_owned(), r#final: true, conflict: false });
        assert!(read.is_success());
        assert_eq!(ResultSummary::read(b"Hello"), None);
    }
}
