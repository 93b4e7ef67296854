//! The contract from the other side, for `smsbridge send` and the demo: writing a request, reading what is published.
//!
//! Pure. What is read is what a broker delivers: it may be anybody's.

#[cfg(feature = "demo")]
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::format::json;

/// A request as `smsbridge send` publishes it.
#[derive(Debug, Default, Serialize)]
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
    /// Whether to ask for a delivery report; the gateway's default where false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub delivery_report: bool,
    /// Seconds after which it is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<u32>,
    /// Whether it is shown at once and not kept: message class 0.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub flash: bool,
    /// Whether nothing is sent, and only said what would be.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl SendCommand<'_> {
    /// The payload for `sms/send`.
    pub fn payload(&self) -> String {
        json(self)
    }
}

/// What people want to know of a result.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ResultSummary {
    /// The request's id.
    pub id: Option<String>,
    /// The recipient; none where one result answers for all.
    pub to: Option<String>,
    /// The name of the contact the recipient was written as.
    pub contact: Option<String>,
    /// The state, as a word.
    pub state: String,
    /// Whether no other result follows for this recipient.
    pub r#final: bool,
    /// The modem that sends or sent it.
    pub modem: Option<String>,
    /// Number of parts.
    pub parts: Option<u32>,
    /// Number of parts that went out before it failed.
    pub parts_sent: Option<u32>,
    /// `missing`, where no delivery report came in time.
    pub report: Option<String>,
    /// Whether it answers a dry run.
    #[serde(default)]
    pub dry_run: bool,
    /// The encoding, of a dry run.
    pub encoding: Option<String>,
    /// Why it failed or was rejected.
    pub error: Option<ErrorSummary>,
    /// Whether it repeats an earlier result.
    #[serde(default)]
    pub duplicate: bool,
    /// Whether it answers one of several requests under this id, all but the first of which are refused.
    #[serde(default)]
    pub conflict: bool,
    /// When, RFC 3339.
    pub at: Option<String>,
}

/// Why a message failed or was rejected.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct ErrorSummary {
    /// The code, such as `cms-38`.
    pub code: String,
    /// The same in words.
    pub message: String,
}

impl ResultSummary {
    /// Reads a payload of `sms/result`; none where it is not one.
    pub fn read(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }

    /// Whether the message was sent or delivered, or would be taken where that was all that was asked.
    pub fn is_success(&self) -> bool {
        matches!(self.state.as_str(), "sent" | "delivered") || (self.dry_run && self.state == "accepted")
    }

    /// What there is to say beside recipient and state; empty where nothing is.
    pub fn details(&self) -> String {
        let parts = |n: u32| format!("{n} part{}", if n == 1 { "" } else { "s" });
        let details = [
            self.dry_run.then(|| "dry run, nothing is sent".to_owned()),
            self.duplicate.then(|| "repeated: nothing is sent again".to_owned()),
            self.error.as_ref().map(|error| format!("{}: {}", error.code, error.message)),
            self.parts_sent.map(|n| format!("{} went out", parts(n))),
            (self.report.as_deref() == Some("missing")).then(|| "no delivery report came".to_owned()),
            self.parts.map(parts),
            self.encoding.clone(),
            self.modem.as_ref().map(|modem| format!("by {modem}")),
        ];
        details.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// What people want to know of a received message.
#[cfg(feature = "demo")]
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct ReceivedSummary {
    /// Its id.
    pub id: String,
    /// The sender.
    pub from: Option<String>,
    /// The text; none of data, and of what cannot be decoded.
    pub text: Option<String>,
    /// The rule that matched.
    pub rule: Option<String>,
    /// What it found.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

#[cfg(feature = "demo")]
impl ReceivedSummary {
    /// Reads a payload of `sms/received/<modem>`; none where it is not one.
    pub fn read(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::result;
    use super::super::request::read_send;
    use super::*;
    use crate::event::{MessageEncoding, MessageState, ResultFields, SendResult};
    use crate::failure::{Failure, FailureCode};

    #[test]
    fn what_a_caller_writes_is_what_the_gateway_reads() {
        let to = ["+491".to_owned()];
        let command = SendCommand {
            id: "a1",
            to: &to,
            text: "-x",
            modem: Some("main"),
            delivery_report: true,
            ttl_s: Some(60),
            flash: true,
            dry_run: true,
        };
        let read = read_send(command.payload().as_bytes()).unwrap();
        assert_eq!((read.id.as_deref(), read.delivery_report), (Some("a1"), Some(true)));
        assert_eq!((read.ttl_s, read.dry_run), (Some(60), true));
        assert_eq!(read.to, to);
        let plain = SendCommand { id: "a1", to: &to, text: "x", ..SendCommand::default() };
        assert_eq!(plain.payload(), r#"{"id":"a1","to":["+491"],"text":"x"}"#);
    }

    fn summary(state: MessageState, fields: ResultFields) -> ResultSummary {
        let (id, to) = (Some("a1".to_owned()), Some("+491".to_owned()));
        let sent = SendResult { id, to, contact: None, state, is_final: true, at: 0, fields };
        ResultSummary::read(result(&sent).as_bytes()).unwrap()
    }

    #[test]
    fn what_the_gateway_writes_is_what_a_caller_reads() {
        let fields = ResultFields {
            modem: Some("main".parse().unwrap()),
            parts: Some(2),
            report_missing: true,
            ..ResultFields::default()
        };
        let read = summary(MessageState::Sent, fields);
        assert_eq!((read.id.as_deref(), read.to.as_deref(), read.r#final), (Some("a1"), Some("+491"), true));
        assert_eq!(read.at.as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert!(read.is_success());
        assert_eq!(read.details(), "no delivery report came, 2 parts, by main");
        assert_eq!(ResultSummary::read(b"Hello"), None);
    }

    #[test]
    fn what_went_wrong_is_said_and_is_no_success() {
        let error = Some(Failure::transient(FailureCode::Cms(38), "network out of order"));
        let failed = summary(
            MessageState::Failed,
            ResultFields { error, parts_sent: Some(1), ..ResultFields::default() },
        );
        assert!(!failed.is_success());
        assert_eq!(failed.details(), "cms-38: network out of order, 1 part went out");
        assert!(!summary(MessageState::Unknown, ResultFields::default()).is_success());
    }

    #[test]
    fn a_dry_run_that_is_accepted_is_a_success() {
        let fields =
            ResultFields { dry_run: Some(MessageEncoding::Ucs2), parts: Some(1), ..ResultFields::default() };
        let read = summary(MessageState::Accepted, fields);
        assert!(read.is_success());
        assert_eq!(read.details(), "dry run, nothing is sent, 1 part, ucs2");
        assert!(!summary(MessageState::Accepted, ResultFields::default()).is_success());
    }
}
