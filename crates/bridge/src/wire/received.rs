//! Payloads of received messages.
//!
//! Pure. Input: the types of `crate::event`. The field order here is the order on the wire.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::format::{EncodingForm, json, time};
#[cfg(test)]
use super::schema::words;
use crate::event::{MessageKind, Received, ReceivedContent, ReceivedMessage};

/// An incoming message that was decoded. What does not apply to it is left out, but for `sent_at`, `class` and
/// `service_center`, which are null then.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ReceivedMessage"))]
pub(super) struct MessageForm<'a> {
    /// A ULID, fixed when the message is stored: a redelivery carries the same.
    #[cfg_attr(test, schemars(extend("pattern" = words::ULID)))]
    id: &'a str,
    /// The modem it came in by.
    #[cfg_attr(test, schemars(extend("pattern" = words::NAME)))]
    modem: &'a str,
    /// E.164 with `+` where the network says international; else digits as sent; or the alphanumeric sender.
    from: &'a str,
    /// The type of number of `from`.
    #[cfg_attr(test, schemars(with = "words::Of<smsbridge_codec::TypeOfNumber>"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    from_type: Option<&'a str>,
    /// The `[[contact]]` that has the sender's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a str>,
    /// Only there where the message is not one to be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<MessageKind>,
    /// The text; of 8-bit data only where that is a printable text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    /// The octets of an 8-bit message, base64.
    #[cfg_attr(test, schemars(extend("contentEncoding" = "base64")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    /// The service centre's time stamp with its own offset; null where it cannot be read.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    sent_at: Option<&'a str>,
    /// When the last part was read.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    received_at: String,
    /// True: it lay on the SIM when the gateway looked there for the first time, and had been read before or was sent
    /// over a day ago.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stored: bool,
    /// The alphabet.
    encoding: EncodingForm,
    /// Number of parts the sender made.
    #[cfg_attr(test, schemars(range(min = 1)))]
    parts: u8,
    /// Whether all parts came; false: `missing` says which did not.
    complete: bool,
    /// Sequence numbers of the parts that did not come in time.
    #[serde(skip_serializing_if = "<[u8]>::is_empty")]
    missing: &'a [u8],
    /// True: the modem gave less of a part than its length says.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    /// The `id` of the message that was published incomplete and that this part belongs to.
    #[cfg_attr(test, schemars(extend("pattern" = words::ULID)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    late_for: Option<&'a str>,
    /// Message class (TS 23.038 clause 4); 0 is shown at once and not kept.
    #[cfg_attr(test, schemars(range(max = 3)))]
    class: Option<u8>,
    /// The application port it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port: Option<u16>,
    /// The application port it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port: Option<u16>,
    /// What waits elsewhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<WaitingForm<'a>>,
    /// The message replaces the sender's last one with the same number.
    #[cfg_attr(test, schemars(range(min = 1, max = 7)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<u8>,
    /// The multimedia message it tells of: those of its fields that are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    mms: Option<MmsForm<'a>>,
    /// The service centre's number.
    service_center: Option<&'a str>,
    /// The `[[rule]]` that matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    /// What the rule captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<&'a BTreeMap<String, String>>,
    /// The PDUs in hex, in the order of their parts, where `[inbound] include_pdu` or `truncated` is true.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pdus: &'a [String],
}

/// Messages of one kind that wait elsewhere.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Waiting"))]
struct WaitingForm<'a> {
    /// What waits.
    #[cfg_attr(test, schemars(with = "words::Of<smsbridge_codec::WaitingKind>"))]
    r#type: &'a str,
    /// Whether any wait; false: none any more.
    active: bool,
    /// How many, where it is told; 255 means 255 or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u8>,
}

/// A multimedia message that waits at the operator.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Mms"))]
struct MmsForm<'a> {
    /// Its sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    /// Its subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    /// Its size in octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// A URL that mostly only the operator's own network reaches; never fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
}

/// An incoming message that cannot be decoded.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "UndecodableMessage"))]
pub(super) struct UndecodableForm<'a> {
    /// A ULID, fixed when the message is stored.
    #[cfg_attr(test, schemars(extend("pattern" = words::ULID)))]
    id: &'a str,
    /// The modem it came in by.
    #[cfg_attr(test, schemars(extend("pattern" = words::NAME)))]
    modem: &'a str,
    /// When it was read.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    received_at: String,
    /// Why, in words.
    error: &'a str,
    /// What the modem gave, in hex where it did so.
    pdus: &'a [String],
}

/// An incoming message on `sms/received/<modem>` and `sms/last/<modem>`: all its parts joined, or what cannot be decoded.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Received"))]
#[serde(untagged)]
pub(super) enum ReceivedForm<'a> {
    /// One that was decoded.
    Message(Box<MessageForm<'a>>),
    /// One that cannot be decoded.
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
        kind: *kind,
        text: text.as_deref(),
        data: data.as_ref().map(|octets| BASE64.encode(octets)),
        sent_at: sent_at.as_deref(),
        received_at,
        stored: received.was_stored,
        encoding: EncodingForm::from(*encoding),
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
