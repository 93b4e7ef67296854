//! Payloads of received messages.
//!
//! Pure. Input: the types of `crate::event`. The field order here is the order on the wire.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::format::{encoding_word, json, time};
use crate::event::{MessageKind, Received, ReceivedContent, ReceivedMessage};

#[derive(Serialize)]
pub(super) struct MessageForm<'a> {
    id: &'a str,
    modem: &'a str,
    from: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    sent_at: Option<&'a str>,
    received_at: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stored: bool,
    encoding: &'static str,
    parts: u8,
    complete: bool,
    #[serde(skip_serializing_if = "<[u8]>::is_empty")]
    missing: &'a [u8],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    late_for: Option<&'a str>,
    class: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<WaitingForm<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mms: Option<MmsForm<'a>>,
    service_center: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pdus: &'a [String],
}

#[derive(Serialize)]
struct WaitingForm<'a> {
    r#type: &'a str,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u8>,
}

#[derive(Serialize)]
struct MmsForm<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct UndecodableForm<'a> {
    id: &'a str,
    modem: &'a str,
    received_at: String,
    error: &'a str,
    pdus: &'a [String],
}

/// The payload of a received message.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ReceivedForm<'a> {
    Message(Box<MessageForm<'a>>),
    Undecodable(UndecodableForm<'a>),
}

/// `sms/received/<modem>` and `sms/last/<modem>`.
pub fn received(received: &Received, include_pdu: bool) -> String {
    json(&received_form(received, include_pdu))
}

/// A message that cannot be decoded, or not to its end, always carries its PDUs.
pub(super) fn received_form(received: &Received, include_pdu: bool) -> ReceivedForm<'_> {
    let received_at = time(received.received_at);
    let (id, modem) = (received.id.as_str(), received.modem.as_str());
    let message = match &received.content {
        ReceivedContent::Message(message) => message,
        ReceivedContent::Undecodable(error) => {
            let form = UndecodableForm { id, modem, received_at, error, pdus: &received.pdus };
            return ReceivedForm::Undecodable(form);
        }
    };
    let ReceivedMessage {
        from,
        from_type,
        kind,
        text,
        data,
        sent_at,
        encoding,
        parts,
        missing,
        truncated,
        late_for,
        class,
        ports,
        waiting,
        replaces,
        mms,
        service_center,
    } = &**message;
    ReceivedForm::Message(Box::new(MessageForm {
        id,
        modem,
        from,
        from_type: from_type.as_deref(),
        contact: received.contact.as_deref(),
        kind: kind.map(kind_word),
        text: text.as_deref(),
        data: data.as_ref().map(|octets| BASE64.encode(octets)),
        sent_at: sent_at.as_deref(),
        received_at,
        stored: received.was_stored,
        encoding: encoding_word(*encoding),
        parts: *parts,
        complete: missing.is_empty(),
        missing,
        truncated: *truncated,
        late_for: late_for.as_deref(),
        class: *class,
        source_port: ports.map(|(source, _)| source),
        destination_port: ports.map(|(_, destination)| destination),
        waiting: waiting
            .iter()
            .map(|waiting| WaitingForm {
                r#type: &waiting.kind,
                active: waiting.active,
                count: waiting.count,
            })
            .collect(),
        replaces: *replaces,
        mms: mms.as_ref().map(|mms| MmsForm {
            from: mms.from.as_deref(),
            subject: mms.subject.as_deref(),
            size: mms.size,
            location: mms.location.as_deref(),
        }),
        service_center: service_center.as_deref(),
        rule: received.rule.as_ref().map(|rule| rule.name.as_str()),
        fields: received.rule.as_ref().map(|rule| &rule.fields),
        pdus: if include_pdu || *truncated { &received.pdus } else { &[] },
    }))
}

fn kind_word(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Silent => "silent",
        MessageKind::Waiting => "waiting",
        MessageKind::Mms => "mms",
        MessageKind::Data => "data",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{MessageEncoding, MmsWaiting, RuleMatch, Waiting};

    fn meter_reading() -> Received {
        Received {
            id: "01K9".to_owned(),
            modem: "main".parse().unwrap(),
            received_at: 1_795_331_731_120,
            was_stored: false,
            content: ReceivedContent::Message(Box::new(ReceivedMessage {
                from: "+79211234567".to_owned(),
                from_type: Some("international".to_owned()),
                kind: None,
                text: Some("Счёт 12345, показание 678".to_owned()),
                data: None,
                sent_at: Some("2026-11-22T10:15:30+03:00".to_owned()),
                encoding: MessageEncoding::Ucs2,
                parts: 2,
                missing: Vec::new(),
                truncated: false,
                late_for: None,
                class: None,
                ports: None,
                waiting: Vec::new(),
                replaces: None,
                mms: None,
                service_center: Some("+79210000000".to_owned()),
            })),
            pdus: vec!["07".to_owned()],
            contact: None,
            rule: Some(RuleMatch {
                name: "meter".to_owned(),
                fields: [("account".to_owned(), "12345".to_owned())].into(),
            }),
        }
    }

    #[test]
    fn a_received_message_has_the_contracts_form() {
        let message = meter_reading();
        let expected = r#"{"id":"01K9","modem":"main","from":"+79211234567","from_type":"international","text":"Счёт 12345, показание 678","sent_at":"2026-11-22T10:15:30+03:00","received_at":"2026-11-22T07:15:31.120Z","encoding":"ucs2","parts":2,"complete":true,"class":null,"service_center":"+79210000000","rule":"meter","fields":{"account":"12345"}}"#;
        assert_eq!(received(&message, false), expected);
        assert!(received(&message, true).ends_with(r#","pdus":["07"]}"#));
        let content = ReceivedContent::Undecodable("too short".to_owned());
        let undecodable = received(&Received { content, ..message }, false);
        assert!(undecodable.ends_with(r#""error":"too short","pdus":["07"]}"#), "{undecodable}");
    }

    #[test]
    fn what_is_not_a_plain_message_says_so() {
        let mut received_one = meter_reading();
        let ReceivedContent::Message(message) = &mut received_one.content else { panic!() };
        message.kind = Some(MessageKind::Mms);
        message.truncated = true;
        message.waiting = vec![
            Waiting { kind: "voicemail".to_owned(), active: true, count: Some(3) },
            Waiting { kind: "fax".to_owned(), active: false, count: None },
        ];
        message.replaces = Some(2);
        let size = Some(29_696);
        let location = Some("http://mmsc/1".to_owned());
        message.mms = Some(MmsWaiting { from: None, subject: None, size, location });
        let shown = received(&received_one, false);
        for expected in [
            r#""from_type":"international","kind":"mms","text":"#,
            r#""complete":true,"truncated":true,"#,
            r#""waiting":[{"type":"voicemail","active":true,"count":3},{"type":"fax","active":false}],"replaces":2,"#,
            r#""mms":{"size":29696,"location":"http://mmsc/1"},"#,
            r#""pdus":["07"]"#,
        ] {
            assert!(shown.contains(expected), "{expected} is not in {shown}");
        }
    }
}
