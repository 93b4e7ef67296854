//! Payloads of events but received messages: results, calls, cell broadcasts, USSD replies.
//!
//! Pure. Input: the types of `crate::event`. The field order here is the order on the wire.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::format::{encoding_word, json, time};
use crate::event::{
    Broadcast, BroadcastContent, Call, CallState, ResultFields, SendResult, UssdReply, UssdState,
};

/// A result: `id`, `to`, `state`, `final`, then the rest, always in this order.
#[derive(Serialize)]
pub(super) struct ResultForm<'a> {
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    state: &'static str,
    r#final: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modem: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts_sent: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorForm<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    conflict: bool,
    at: String,
}

#[derive(Serialize)]
struct ErrorForm<'a> {
    code: String,
    message: &'a str,
    permanent: bool,
}

/// `sms/result`, and the caller's response topic.
pub fn result(result: &SendResult) -> String {
    json(&result_form(result))
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
        state: result.state.as_str(),
        r#final: result.is_final,
        contact: result.contact.as_deref(),
        modem: modem.as_ref().map(|name| name.as_str()),
        parts: *parts,
        parts_sent: *parts_sent,
        delivered_at: delivered_at.as_deref(),
        report: report_missing.then_some("missing"),
        dry_run: dry_run.is_some().then_some(true),
        encoding: dry_run.map(encoding_word),
        error: error.as_ref().map(|failure| ErrorForm {
            code: failure.code.to_string(),
            message: &failure.message,
            permanent: failure.permanent,
        }),
        payload: payload.as_deref(),
        response: response_refused.then_some("refused"),
        duplicate: *duplicate,
        conflict: *is_conflict,
        at: time(result.at),
    }
}

#[derive(Serialize)]
struct CallForm<'a> {
    modem: &'a str,
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a str>,
    at: String,
    state: &'static str,
}

/// `sms/call/<modem>`.
pub fn call(call: &Call) -> String {
    json(&CallForm {
        modem: call.modem.as_str(),
        from: call.from.as_deref(),
        contact: call.contact.as_deref(),
        at: time(call.at),
        state: match call.state {
            CallState::Ringing => "ringing",
            CallState::Missed => "missed",
        },
    })
}

#[derive(Serialize)]
struct BroadcastForm<'a> {
    modem: &'a str,
    at: String,
    channel: u16,
    code: u16,
    update: u8,
    text: Option<&'a str>,
    data: Option<String>,
    language: Option<&'a str>,
    pages: u8,
    complete: bool,
    missing: &'a [u8],
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<WarningForm<'a>>,
}

#[derive(Serialize)]
struct WarningForm<'a> {
    r#type: &'a str,
    alert: bool,
    popup: bool,
}

#[derive(Serialize)]
struct UndecodableBroadcastForm<'a> {
    modem: &'a str,
    at: String,
    error: &'a str,
    pdu: &'a str,
}

/// `sms/broadcast/<modem>`.
pub fn broadcast(broadcast: &Broadcast) -> String {
    let (modem, at) = (broadcast.modem.as_str(), time(broadcast.at));
    match &broadcast.content {
        BroadcastContent::Message(message) => json(&BroadcastForm {
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
            json(&UndecodableBroadcastForm { modem, at, error, pdu })
        }
    }
}

#[derive(Serialize)]
struct UssdReplyForm<'a> {
    id: Option<&'a str>,
    text: Option<&'a str>,
    state: &'static str,
}

/// `sms/ussd/<modem>/reply`.
pub fn ussd_reply(reply: &UssdReply) -> String {
    json(&UssdReplyForm {
        id: reply.id.as_deref(),
        text: reply.text.as_deref(),
        state: match reply.state {
            UssdState::Done => "done",
            UssdState::More => "more",
            UssdState::Failed => "failed",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{BroadcastMessage, MessageEncoding, MessageState, Warning};
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
