//! Payloads of events but received messages: results, calls, cell broadcasts, USSD replies.
//!
//! Pure. Input: the types of `crate::event`. The field order here is the order on the wire.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::format::{EncodingForm, json, time};
#[cfg(test)]
use super::schema::words;
use crate::event::{
    Broadcast, BroadcastContent, Call, CallState, MessageState, ResultFields, SendResult, UssdReply,
    UssdState,
};
use crate::failure::Failure;

/// A step of one recipient's message, on `sms/result`. Every request ends in exactly one with `final` true per recipient.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "SendResult"))]
pub(super) struct ResultForm<'a> {
    /// The request's id; null where it could not be read.
    #[cfg_attr(test, schemars(extend("pattern" = words::ID)))]
    id: Option<&'a str>,
    /// The recipient as it is dialled; as it was written where it is no number. Left out where one result answers for
    /// all, or none could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    /// How far the message has come. States come in order and only forward.
    state: MessageState,
    /// Whether no other result follows for this recipient.
    r#final: bool,
    /// The `[[contact]]` the recipient was written as.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a str>,
    /// The modem that sends or sent it.
    #[cfg_attr(test, schemars(extend("pattern" = words::NAME)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    modem: Option<&'a str>,
    /// Number of short messages it takes.
    #[cfg_attr(test, schemars(range(min = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<u32>,
    /// Number of parts the network accepted before the message failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts_sent: Option<u32>,
    /// When the last part reached the recipient.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<&'a str>,
    /// No delivery report came in time.
    #[cfg_attr(test, schemars(extend("const" = REPORT_MISSING)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'static str>,
    /// True: it answers a dry run, and nothing is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    /// Of a dry run: the alphabet the message would have.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<EncodingForm>,
    /// Why it failed or was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorForm<'a>>,
    /// The first 200 bytes of a payload without a readable id.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    /// Copies of the results may not go to the response topic that was asked for.
    #[cfg_attr(test, schemars(extend("const" = RESPONSE_REFUSED)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'static str>,
    /// True: it repeats the last result of a request that came again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
    /// True: it answers a request that was refused or only asked about, and whose id is that of another one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    conflict: bool,
    /// When.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    at: String,
}

const REPORT_MISSING: &str = "missing";
const RESPONSE_REFUSED: &str = "refused";

/// Why a message failed or was rejected.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Failure"))]
pub(super) struct ErrorForm<'a> {
    /// The reason, for programs: a word, or `cms-N`, `cme-N` (the number of the modem's error), `status-XX` (TP-ST of a
    /// status report in hex).
    #[cfg_attr(test, schemars(schema_with = "words::codes"))]
    code: String,
    /// The same for people. Its words are free to change.
    message: &'a str,
    /// Whether trying the same again can never help.
    permanent: bool,
}

/// `sms/result`, and the caller's response topic.
pub fn result(result: &SendResult) -> String {
    json(&result_form(result))
}

pub(super) fn error_form(failure: &Failure) -> ErrorForm<'_> {
    ErrorForm { code: failure.code.to_string(), message: &failure.message, permanent: failure.permanent }
}

pub(super) fn result_form(result: &SendResult) -> ResultForm<'_> {
    let ResultFields {
        modem,
        parts,
        parts_sent,
        delivered_at,
        report_missing,
        duplicate,
        dry_run,
        error,
        payload,
        response_refused,
        is_conflict,
    } = &result.fields;
    ResultForm {
        id: result.id.as_deref(),
        to: result.to.as_deref(),
        state: result.state,
        r#final: result.is_final,
        contact: result.contact.as_deref(),
        modem: modem.as_ref().map(|name| name.as_str()),
        parts: *parts,
        parts_sent: *parts_sent,
        delivered_at: delivered_at.as_deref(),
        report: report_missing.then_some(REPORT_MISSING),
        dry_run: dry_run.is_some().then_some(true),
        encoding: dry_run.map(EncodingForm::from),
        error: error.as_ref().map(error_form),
        payload: payload.as_deref(),
        response: response_refused.then_some(RESPONSE_REFUSED),
        duplicate: *duplicate,
        conflict: *is_conflict,
        at: time(result.at),
    }
}

/// An incoming call, on `sms/call/<modem>`: once when it rings and once when it ends. The gateway takes none.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Call"))]
pub(super) struct CallForm<'a> {
    /// The modem that rang.
    #[cfg_attr(test, schemars(extend("pattern" = words::NAME)))]
    modem: &'a str,
    /// The caller; null where the number is withheld.
    from: Option<&'a str>,
    /// The `[[contact]]` whose number that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a str>,
    /// When.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    at: String,
    /// Whether it still rings.
    state: CallState,
}

/// `sms/call/<modem>`.
pub fn call(call: &Call) -> String {
    json(&CallForm {
        modem: call.modem.as_str(),
        from: call.from.as_deref(),
        contact: call.contact.as_deref(),
        at: time(call.at),
        state: call.state,
    })
}

/// A cell broadcast that was decoded. Every key but `warning` is always there.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "BroadcastMessage"))]
pub(super) struct BroadcastMessageForm<'a> {
    /// The modem that received it.
    #[cfg_attr(test, schemars(extend("pattern" = words::NAME)))]
    modem: &'a str,
    /// When its last page came.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    at: String,
    /// The message identifier (TS 23.041 9.4.1.2.2).
    channel: u16,
    /// The message code of the serial number.
    #[cfg_attr(test, schemars(range(max = 1023)))]
    code: u16,
    /// The update number of the serial number.
    #[cfg_attr(test, schemars(range(max = 15)))]
    update: u8,
    /// The text; null where it is none.
    text: Option<&'a str>,
    /// What is no text, base64.
    #[cfg_attr(test, schemars(extend("contentEncoding" = "base64")))]
    data: Option<String>,
    /// Its language, ISO 639, where it says so.
    language: Option<&'a str>,
    /// Number of pages.
    pages: u8,
    /// Whether all pages came; false: `missing` says which did not.
    complete: bool,
    /// Numbers of the pages that did not come.
    missing: &'a [u8],
    /// An ETWS primary notification, which has no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<WarningForm<'a>>,
}

/// An ETWS primary notification (TS 23.041 9.3.24).
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Warning"))]
struct WarningForm<'a> {
    /// Of what it warns.
    #[cfg_attr(test, schemars(schema_with = "words::warnings"))]
    r#type: &'a str,
    /// Whether users are to be alerted.
    alert: bool,
    /// Whether it is to be shown at once.
    popup: bool,
}

/// A page of a cell broadcast that cannot be decoded.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "UndecodableBroadcast"))]
pub(super) struct UndecodableBroadcastForm<'a> {
    /// The modem that received it.
    #[cfg_attr(test, schemars(extend("pattern" = words::NAME)))]
    modem: &'a str,
    /// When it came.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    at: String,
    /// Why, in words.
    error: &'a str,
    /// What the modem gave, in hex where it did so.
    pdu: &'a str,
}

/// A cell broadcast on `sms/broadcast/<modem>`, once however often the cell repeats it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Broadcast"))]
#[serde(untagged)]
pub(super) enum BroadcastForm<'a> {
    /// One that was decoded.
    Message(BroadcastMessageForm<'a>),
    /// One that cannot be decoded.
    Undecodable(UndecodableBroadcastForm<'a>),
}

/// `sms/broadcast/<modem>`.
pub fn broadcast(broadcast: &Broadcast) -> String {
    let (modem, at) = (broadcast.modem.as_str(), time(broadcast.at));
    json(&match &broadcast.content {
        BroadcastContent::Message(message) => BroadcastForm::Message(BroadcastMessageForm {
            modem,
            at,
            channel: message.channel,
            code: message.code,
            update: message.update,
            text: message.text.as_deref(),
            data: message.data.as_ref().map(|octets| BASE64.encode(octets)),
            language: message.language.as_deref(),
            pages: message.pages,
            complete: message.missing.is_empty(),
            missing: &message.missing,
            warning: message.warning.as_ref().map(|warning| WarningForm {
                r#type: &warning.kind,
                alert: warning.alert,
                popup: warning.popup,
            }),
        }),
        BroadcastContent::Undecodable { error, pdu } => {
            BroadcastForm::Undecodable(UndecodableBroadcastForm { modem, at, error, pdu })
        }
    })
}

/// The answer to a USSD request, on `sms/ussd/<modem>/reply`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "UssdReply"))]
pub(super) struct UssdReplyForm<'a> {
    /// The request's id; null where it had none.
    #[cfg_attr(test, schemars(extend("pattern" = words::ID)))]
    id: Option<&'a str>,
    /// What the network says, or why the request failed.
    text: Option<&'a str>,
    /// Whether the network waits for a reply.
    state: UssdState,
}

/// `sms/ussd/<modem>/reply`.
pub fn ussd_reply(reply: &UssdReply) -> String {
    json(&UssdReplyForm { id: reply.id.as_deref(), text: reply.text.as_deref(), state: reply.state })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{BroadcastMessage, MessageEncoding, Warning};
    use crate::failure::{Failure, FailureCode};

    fn sent() -> SendResult {
        SendResult {
            id: Some("order-17".to_owned()),
            to: Some("+4915112345678".to_owned()),
            contact: None,
            state: MessageState::Sent,
            is_final: true,
            at: 1_795_331_735_002,
            fields: ResultFields {
                modem: Some("main".parse().unwrap()),
                parts: Some(2),
                ..ResultFields::default()
            },
        }
    }

    #[test]
    fn a_result_has_the_contracts_form() {
        let expected = r#"{"id":"order-17","to":"+4915112345678","state":"sent","final":true,"modem":"main","parts":2,"at":"2026-11-22T07:15:35.002Z"}"#;
        assert_eq!(result(&sent()), expected);
    }

    #[test]
    fn whatever_a_result_has_stands_in_one_order_of_keys() {
        let fields = ResultFields {
            modem: Some("main".parse().unwrap()),
            parts: Some(3),
            parts_sent: Some(1),
            delivered_at: Some("2026-11-22T10:15:36+03:00".to_owned()),
            report_missing: true,
            duplicate: true,
            dry_run: Some(MessageEncoding::Ucs2),
            error: Some(Failure::permanent(FailureCode::Malformed, "no")),
            payload: Some("Hello".to_owned()),
            response_refused: true,
            is_conflict: true,
        };
        let shown = result(&SendResult { contact: Some("Anna".to_owned()), fields, ..sent() });
        let expected = r#"{"id":"order-17","to":"+4915112345678","state":"sent","final":true,"contact":"Anna","modem":"main","parts":3,"parts_sent":1,"delivered_at":"2026-11-22T10:15:36+03:00","report":"missing","dry_run":true,"encoding":"ucs2","error":{"code":"malformed","message":"no","permanent":true},"payload":"Hello","response":"refused","duplicate":true,"conflict":true,"at":"2026-11-22T07:15:35.002Z"}"#;
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_failed_result_carries_its_code_and_words() {
        let error = Some(Failure::transient(FailureCode::Cms(38), "network out of order"));
        let failed = SendResult { fields: ResultFields { error, ..ResultFields::default() }, ..sent() };
        let expected = r#""error":{"code":"cms-38","message":"network out of order","permanent":false}"#;
        assert!(result(&failed).contains(expected), "{}", result(&failed));
    }

    #[test]
    fn a_broadcast_always_carries_all_keys() {
        let message = BroadcastMessage {
            channel: 50,
            code: 1,
            update: 0,
            text: Some("Flood".to_owned()),
            data: None,
            language: None,
            pages: 1,
            missing: Vec::new(),
            warning: None,
        };
        let shown = |message| {
            let content = BroadcastContent::Message(message);
            broadcast(&Broadcast { modem: "main".parse().unwrap(), at: 0, content })
        };
        let expected = r#"{"modem":"main","at":"1970-01-01T00:00:00.000Z","channel":50,"code":1,"update":0,"text":"Flood","data":null,"language":null,"pages":1,"complete":true,"missing":[]}"#;
        assert_eq!(shown(message.clone()), expected);
        let warning = Warning { kind: "tsunami".to_owned(), alert: true, popup: false };
        let shown = shown(BroadcastMessage { text: None, warning: Some(warning), ..message });
        let expected = r#""missing":[],"warning":{"type":"tsunami","alert":true,"popup":false}}"#;
        assert!(shown.contains(r#""text":null"#) && shown.ends_with(expected), "{shown}");
    }
}
