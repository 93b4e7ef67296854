//! PDUs to messages and back, with the codec.
//!
//! Pure. Input: PDUs in hex from a modem or the store, and bodies of requests. Never drops anything: what cannot be
//! decoded is a value that says why.

use std::borrow::Cow;
use std::time::Duration;

use smsbridge_codec::hex;
use smsbridge_codec::{
    Address, Alphabet, Concatenation, Content as Joined, Deliver, Direction, EncodeError, EncodeErrorKind,
    EncodedPdu, MessageClass, Outcome, Pdu, Ports, Reference, ReportRequest, SplitOptions, StatusReport,
    SubmitOptions, Tpdu, TypeOfNumber, UserData, Validity,
};

use smsbridge_modem::sms::OutgoingPdu;

use crate::event::{MessageEncoding, ReceivedMessage};
use crate::failure::{Failure, FailureCode};
use crate::kind;
use crate::request::{Body, Content};

/// What one PDU holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// A message, or a part of one.
    Part(Part),
    /// A status report on a message we sent.
    Report(Report),
    /// Nothing that can be decoded, and why.
    Undecodable(String),
}

/// A message or a part of one, as far as joining needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Who sent it, the type of number included: what parts of one message have in common.
    pub originator: String,
    /// The service centre's time stamp, Unix seconds.
    pub sent_at: Option<i64>,
    /// Its place in a concatenated message; none for a message of one part.
    pub concatenation: Option<Concatenation>,
}

/// A status report (TS 23.040 9.2.2.3).
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// TP-MR of the part it is about.
    pub mr: u8,
    /// The recipient's number as the network gives it.
    pub to: String,
    /// When the service centre received the message, Unix seconds; none where unreadable.
    pub sent_at: Option<i64>,
    /// RFC 3339 time of delivery or of the last attempt.
    pub discharged_at: Option<String>,
    /// TP-ST as it came.
    pub tp_status: u8,
    /// What TP-ST means.
    pub status: DeliveryStatus,
}

/// What a status report says of a part (TS 23.040 9.2.3.15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It reached the recipient.
    Delivered,
    /// The service centre is still trying.
    Pending,
    /// The service centre gave up.
    Failed,
}

/// Reads one PDU as it came from a modem.
pub fn read(pdu: &str) -> Reading {
    let decoded = match Pdu::decode_hex_partial(pdu, Direction::MobileTerminated) {
        Ok((decoded, _)) => decoded,
        Err(error) => return Reading::Undecodable(error.to_string()),
    };
    match decoded.tpdu {
        Tpdu::Deliver(deliver) => Reading::Part(Part {
            originator: originator(&deliver.from),
            sent_at: deliver.sent_at.map(|t| t.unix_seconds()),
            concatenation: deliver.user_data.concatenation().filter(|c| c.total > 1),
        }),
        Tpdu::StatusReport(report) => Reading::Report(read_report(&report)),
        _ => Reading::Undecodable("neither SMS-DELIVER nor SMS-STATUS-REPORT (TS 23.040 9.2.3.1)".to_owned()),
    }
}

/// Whether this is a message to be sent that somebody keeps among the received ones. No modem receives one: towards the
/// phone, its type is a report that never comes by itself (TS 23.040 9.2.3.1).
pub fn is_submit(pdu: &str) -> bool {
    let is_submit =
        |decoded: Pdu<'_>| matches!(decoded.tpdu, Tpdu::Submit(_) if !matches!(read(pdu), Reading::Part(_)));
    Pdu::decode_hex(pdu, Direction::MobileOriginated).is_ok_and(is_submit)
}

/// The PDU with a service centre address, where a modem leaves that out: the length it gives is then that of all
/// octets. A length that counts the address too looks the same, so what is behind such an address must make no sense.
pub fn with_service_centre(pdu: String, tpdu_length: Option<u16>) -> String {
    if tpdu_length.map(usize::from) != Some(pdu.len() / 2) {
        return pdu;
    }
    let with = format!("00{pdu}");
    match Pdu::decode_hex(&with, Direction::MobileTerminated).map(|decoded| decoded.tpdu) {
        Ok(
            Tpdu::Deliver(Deliver { sent_at: Some(_), .. })
            | Tpdu::StatusReport(StatusReport { sent_at: Some(_), .. }),
        ) => with,
        _ => pdu,
    }
}

/// A name may look like a number, and a national number like an abbreviated one.
fn originator(from: &Address) -> String {
    match from.ton() {
        TypeOfNumber::International | TypeOfNumber::Unknown => from.to_string(),
        other => format!("{}:{}", other.name(), from.value()),
    }
}

/// Whether two PDUs carry the same user data. What else differs is the network's: the time stamp of a part that was
/// sent again, more messages waiting, the service centre.
pub fn is_same_user_data(one: &str, other: &str) -> bool {
    let user_data = |pdu: &str| deliver(pdu).map(|deliver| deliver.user_data);
    one == other || user_data(one).is_some_and(|this| user_data(other) == Some(this))
}

/// Whether a PDU that is cut carries the beginning of what another carries.
pub fn is_beginning_of(cut: &str, whole: &str) -> bool {
    let Ok((decoded, true)) = Pdu::decode_hex_partial(cut, Direction::MobileTerminated) else { return false };
    match (decoded.tpdu, deliver(whole)) {
        (Tpdu::Deliver(cut), Some(whole)) => {
            cut.user_data.alphabet() == whole.user_data.alphabet()
                && whole.user_data.octets().starts_with(cut.user_data.octets())
        }
        _ => false,
    }
}

/// What a PDU and its repetition by the network have in common: all but the service centre it came through and whether
/// more messages wait there (TP-MMS, TS 23.040 9.2.3.2).
pub fn repeated_part(pdu: &str) -> String {
    let Ok(mut octets) = hex::decode(pdu) else { return pdu.to_owned() };
    let service_centre = octets.first().map_or(0, |&length| usize::from(length) + 1);
    if octets.len() <= service_centre {
        return pdu.to_owned();
    }
    octets.drain(..service_centre);
    octets[0] &= !0x04;
    hex::encode(&octets)
}

/// When the service centre stamped a PDU, Unix seconds; none where that cannot be read.
pub fn sent_at(pdu: &str) -> Option<i64> {
    match read(pdu) {
        Reading::Part(part) => part.sent_at,
        _ => None,
    }
}

fn read_report(report: &StatusReport<'_>) -> Report {
    Report {
        mr: report.reference,
        to: report.to.to_string(),
        sent_at: report.sent_at.map(|t| t.unix_seconds()),
        discharged_at: report.discharged_at.map(|t| t.to_string()),
        tp_status: report.status.0,
        status: match report.status.outcome() {
            Outcome::Delivered => DeliveryStatus::Delivered,
            Outcome::Pending => DeliveryStatus::Pending,
            _ => DeliveryStatus::Failed,
        },
    }
}

/// What a TP-ST octet means, in words (TS 23.040 9.2.3.15).
pub fn tp_status_meaning(tp_status: u8) -> &'static str {
    smsbridge_codec::Status(tp_status).meaning()
}

/// What one part says on its own.
#[derive(Debug, Clone, PartialEq)]
pub struct PartText {
    /// The sender.
    pub from: String,
    /// Its text; empty for 8-bit data.
    pub text: String,
    /// Message class 0 to 3.
    pub class: Option<u8>,
    /// The service centre's time stamp: Unix seconds, and RFC 3339 with its own offset.
    pub sent_at: Option<(i64, String)>,
}

/// What each of these PDUs says on its own; those that cannot be decoded are left out.
pub fn part_texts(pdus: &[String]) -> Vec<PartText> {
    let read = |deliver: Deliver<'_>| PartText {
        from: deliver.from.to_string(),
        text: deliver.user_data.text().map(cleaned).unwrap_or_default(),
        class: deliver.dcs.class().map(MessageClass::number),
        sent_at: deliver.sent_at.map(|t| (t.unix_seconds(), t.to_string())),
    };
    pdus.iter().filter_map(|pdu| deliver(pdu).map(read)).collect()
}

fn deliver(pdu: &str) -> Option<Deliver<'static>> {
    match Pdu::decode_hex_partial(pdu, Direction::MobileTerminated).ok()?.0.tpdu {
        Tpdu::Deliver(deliver) => Some(deliver),
        _ => None,
    }
}

/// Without what some senders put around a text: byte order marks, and zeros at the end.
fn cleaned(text: String) -> String {
    match text.strip_prefix('\u{FEFF}') {
        Some(rest) => rest.replace('\u{FEFF}', "").trim_end_matches('\0').to_owned(),
        None if text.ends_with('\0') => text.trim_end_matches('\0').to_owned(),
        None => text,
    }
}

/// Joins the PDUs of one message, in any order; the message names the missing parts.
pub fn join(pdus: &[String]) -> Result<ReceivedMessage, String> {
    let mut delivers = Vec::with_capacity(pdus.len());
    let (mut service_center, mut truncated) = (None, false);
    for pdu in pdus {
        let (decoded, is_cut) =
            Pdu::decode_hex_partial(pdu, Direction::MobileTerminated).map_err(|e| e.to_string())?;
        truncated |= is_cut;
        // An address without a digit is none.
        let address = decoded.service_centre.filter(|address| !address.value().is_empty());
        service_center = service_center.or(address.map(|address| address.to_string()));
        match decoded.tpdu {
            Tpdu::Deliver(deliver) => delivers.push(deliver),
            _ => return Err("not an SMS-DELIVER".to_owned()),
        }
    }
    let first = delivers.first().ok_or("no part")?;
    let joined = smsbridge_codec::join(delivers.iter().map(|d| &d.user_data)).map_err(|e| e.to_string())?;
    let (text, data) = match joined.content {
        Joined::Text(text) => (Some(cleaned(text)), None),
        Joined::Data(data) => (kind::printable(&delivers, &data), Some(data)),
    };
    let whole = data.as_deref().filter(|_| joined.missing.is_empty() && !truncated);
    let mms = whole.and_then(|push| kind::mms(&delivers, push));
    let waiting = kind::waiting(&delivers);
    Ok(ReceivedMessage {
        from: first.from.to_string(),
        from_type: Some(first.from.ton().name().to_owned()),
        kind: kind::of(&delivers, mms.as_ref(), &waiting, text.as_deref()),
        encoding: if data.is_some() { MessageEncoding::EightBit } else { text_encoding(&delivers) },
        text,
        data,
        sent_at: first.sent_at.map(|t| t.to_string()),
        parts: joined.total,
        missing: joined.missing,
        truncated,
        late_for: None,
        class: first.dcs.class().map(MessageClass::number),
        ports: first.user_data.ports().map(|p| (p.source, p.destination)),
        waiting,
        replaces: first.pid.replaces(),
        mms,
        service_center,
    })
}

/// One part in UCS-2 makes the whole a UCS-2 message: some phones mix them.
fn text_encoding(delivers: &[Deliver<'_>]) -> MessageEncoding {
    if delivers.iter().any(|d| d.dcs.alphabet() == Alphabet::Ucs2) {
        MessageEncoding::Ucs2
    } else {
        MessageEncoding::Gsm7
    }
}

/// What a body takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// Its encoding.
    pub encoding: MessageEncoding,
    /// Its parts.
    pub parts: usize,
    /// What still fits into the last part: septets, UTF-16 units or octets.
    pub left: usize,
}

/// What a body takes.
pub fn length(body: &Body) -> Result<Length, Failure> {
    let count = match &body.content {
        Content::Text(text) => smsbridge_codec::count(&transliterated(text, body), &split_options(body, 0)),
        Content::Data { octets, .. } => smsbridge_codec::count_data(octets, &split_options(body, 0)),
    };
    let count = count.map_err(unencodable)?;
    let encoding = match count.alphabet {
        Alphabet::Gsm7 => MessageEncoding::Gsm7,
        Alphabet::Ucs2 => MessageEncoding::Ucs2,
        Alphabet::EightBit => MessageEncoding::EightBit,
    };
    Ok(Length { encoding, parts: count.parts, left: count.units_left })
}

/// Where a body is split: the alphabet and TP-UDL of each part. Parts that were submitted fit together with those that
/// were not only where this is still the same.
pub fn part_lengths(body: &Body) -> Result<Vec<String>, Failure> {
    let parts = match &body.content {
        Content::Text(text) => smsbridge_codec::split(&transliterated(text, body), &split_options(body, 0)),
        Content::Data { octets, .. } => smsbridge_codec::split_data(octets, &split_options(body, 0)),
    };
    let length = |part: UserData<'_>| format!("{:?} {}", part.alphabet(), part.length());
    Ok(parts.map_err(unencodable)?.into_iter().map(length).collect())
}

/// The PDUs of a message, one a part. The same arguments give the same PDUs, so that one part can be built again.
pub fn build(
    to: &str,
    body: &Body,
    reference: u8,
    delivery_report: bool,
    ttl: Option<Duration>,
) -> Result<Vec<OutgoingPdu>, Failure> {
    let options =
        SubmitOptions::default()
            .with_split(split_options(body, reference))
            .with_report(if delivery_report { ReportRequest::EachPart } else { ReportRequest::None })
            .with_validity(ttl.map(|ttl| {
                Validity::from_minutes(u32::try_from(ttl.as_secs().div_ceil(60)).unwrap_or(u32::MAX))
            }))
            .with_class(body.class.and_then(|class| MessageClass::try_from(class).ok()));
    let encoded = match &body.content {
        Content::Text(text) => smsbridge_codec::submit(to, &transliterated(text, body), &options),
        Content::Data { octets, .. } => smsbridge_codec::submit_data(to, octets, &options),
    };
    let outgoing = |pdu: EncodedPdu| OutgoingPdu { hex: pdu.hex, tpdu_length: pdu.tpdu_length };
    Ok(encoded.map_err(unencodable)?.into_iter().map(outgoing).collect())
}

fn transliterated<'t>(text: &'t str, body: &Body) -> Cow<'t, str> {
    if body.transliterate { smsbridge_codec::transliterate(text) } else { text.into() }
}

fn split_options(body: &Body, reference: u8) -> SplitOptions {
    let ports = match body.content {
        Content::Data { destination_port, .. } => {
            Some(Ports { destination: destination_port, source: 0, wide: true })
        }
        Content::Text(_) => None,
    };
    SplitOptions::default()
        .with_encoding(body.encoding)
        .with_reference(Reference::EightBit(reference))
        .with_ports(ports)
        .with_keep_graphemes(true)
}

fn unencodable(error: EncodeError) -> Failure {
    match error.kind {
        EncodeErrorKind::TooManyParts => Failure::permanent(FailureCode::TooLong, error.to_string()),
        // It names a character of the text.
        _ => Failure::permanent(FailureCode::Unencodable, error.to_string())
            .logged_as("the text cannot be written in this alphabet"),
    }
}

#[cfg(test)]
#[path = "pdu_tests.rs"]
mod tests;
