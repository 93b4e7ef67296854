//! PDUs <-> messages: the only place where the bridge speaks to the codec.
//!
//! Pure. Input: PDUs as hex from a modem or the store, and bodies of requests. Whatever a PDU holds, the answer is a
//! value: one that cannot be read is told in words, never dropped.

use std::time::Duration;

use smsbridge_codec::{
    Alphabet, Content as Joint, Deliver, Direction, EncodeError, EncodeErrorKind, EncodedPdu,
    Encoding as Alphabets, MessageClass, Outcome, Pdu, Ports, Reference, ReportRequest, SplitOptions,
    StatusReport, SubmitOptions, Tpdu, Validity,
};

use crate::message::{Body, Encoding, Failure, Fate, Outgoing, Readable, Report};

/// What one PDU turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// A message, or a part of one.
    Part(Part),
    /// The network's word on a message we sent.
    Report(Report),
    /// Nothing that could be read, and why.
    Undecodable(String),
}

/// Where a part belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The sender.
    pub from: String,
    /// The service centre's time stamp, Unix seconds.
    pub sent_at: Option<i64>,
    /// Its place in a concatenated message; none for a whole one.
    pub place: Option<Place>,
}

/// The place of a part in a concatenated message (TS 23.040 9.2.3.24.1 and .8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The sender's reference.
    pub reference: u16,
    /// Whether the reference has 16 bits; an 8-bit one with the same value is another message.
    pub wide: bool,
    /// Parts in all, 2 to 255.
    pub total: u8,
    /// This one, from 1.
    pub sequence: u8,
}

/// Reads one PDU as it came from a modem.
pub fn read(pdu: &str) -> Reading {
    let decoded = match Pdu::decode_hex(pdu, Direction::MobileTerminated) {
        Ok(decoded) => decoded,
        Err(error) => return Reading::Undecodable(error.to_string()),
    };
    match decoded.tpdu {
        Tpdu::Deliver(deliver) => Reading::Part(Part {
            from: deliver.from.to_string(),
            sent_at: deliver.sent_at.map(|t| t.unix_seconds()),
            place: deliver.user_data.concatenation().filter(|c| c.total > 1).map(|c| Place {
                reference: c.reference,
                wide: c.wide,
                total: c.total,
                sequence: c.sequence,
            }),
        }),
        Tpdu::StatusReport(report) => Reading::Report(read_report(&report)),
        _ => Reading::Undecodable("neither SMS-DELIVER nor SMS-STATUS-REPORT (TS 23.040 9.2.3.1)".to_owned()),
    }
}

fn read_report(report: &StatusReport<'_>) -> Report {
    Report {
        mr: report.reference,
        to: report.to.to_string(),
        sent_at: report.sent_at.map(|t| t.unix_seconds()),
        discharged_at: report.discharged_at.map(|t| t.to_string()),
        status: report.status.0,
        fate: match report.status.outcome() {
            Outcome::Delivered => Fate::Delivered,
            Outcome::Pending => Fate::Pending,
            _ => Fate::Failed,
        },
    }
}

/// What a TP-ST octet means, in words (TS 23.040 9.2.3.15).
pub fn status_in_words(status: u8) -> &'static str {
    smsbridge_codec::Status(status).meaning()
}

/// What one part says on its own.
#[derive(Debug, Clone, PartialEq)]
pub struct PartInDetail {
    /// The sender.
    pub from: String,
    /// Its text; empty for 8-bit data.
    pub text: String,
    /// Message class 0 to 3.
    pub class: Option<u8>,
    /// The service centre's time stamp: Unix seconds, and RFC 3339 with its own offset.
    pub sent_at: Option<(i64, String)>,
}

/// What each of these PDUs says on its own; those that cannot be read are left out.
pub fn in_detail(pdus: &[String]) -> Vec<PartInDetail> {
    let read = |pdu: &String| match Pdu::decode_hex(pdu, Direction::MobileTerminated).ok()?.tpdu {
        Tpdu::Deliver(deliver) => Some(PartInDetail {
            from: deliver.from.to_string(),
            text: deliver.user_data.text().unwrap_or_default(),
            class: deliver.dcs.class().map(MessageClass::number),
            sent_at: deliver.sent_at.map(|t| (t.unix_seconds(), t.to_string())),
        }),
        _ => None,
    };
    pdus.iter().filter_map(read).collect()
}

/// Joins the PDUs of one message, in any order; those missing are named in the answer.
pub fn assemble(pdus: &[String]) -> Result<Readable, String> {
    let mut delivers = Vec::with_capacity(pdus.len());
    let mut service_center = None;
    for pdu in pdus {
        let decoded = Pdu::decode_hex(pdu, Direction::MobileTerminated).map_err(|e| e.to_string())?;
        service_center = service_center.or(decoded.service_centre.map(|a| a.to_string()));
        match decoded.tpdu {
            Tpdu::Deliver(deliver) => delivers.push(deliver),
            _ => return Err("not an SMS-DELIVER".to_owned()),
        }
    }
    let first = delivers.first().ok_or("no part")?;
    let joined = smsbridge_codec::join(delivers.iter().map(|d| &d.user_data)).map_err(|e| e.to_string())?;
    let (text, data) = match joined.content {
        Joint::Text(text) => (Some(text), None),
        Joint::Data(data) => (None, Some(data)),
    };
    Ok(Readable {
        from: first.from.to_string(),
        encoding: if data.is_some() { "8bit" } else { encoding_of(&delivers) },
        text,
        data,
        sent_at: first.sent_at.map(|t| t.to_string()),
        parts: joined.total,
        missing: joined.missing,
        late_for: None,
        class: first.dcs.class().map(MessageClass::number),
        ports: first.user_data.ports().map(|p| (p.source, p.destination)),
        service_center,
    })
}

/// One part in UCS-2 makes the whole a UCS-2 message: some phones mix them.
fn encoding_of(delivers: &[Deliver<'_>]) -> &'static str {
    if delivers.iter().any(|d| d.dcs.alphabet() == Alphabet::Ucs2) { "ucs2" } else { "gsm7" }
}

/// What a body takes: its encoding and its parts.
pub fn count(body: &Body) -> Result<(&'static str, usize), Failure> {
    let count = match &body.content {
        Outgoing::Text(text) => smsbridge_codec::count(&folded(text, body), &split_options(body, 0)),
        Outgoing::Data { octets, .. } => smsbridge_codec::count_data(octets, &split_options(body, 0)),
    };
    let count = count.map_err(unencodable)?;
    let encoding = match count.alphabet {
        Alphabet::Gsm7 => "gsm7",
        Alphabet::Ucs2 => "ucs2",
        Alphabet::EightBit => "8bit",
    };
    Ok((encoding, count.parts))
}

/// The PDUs of a message, one a part. The same arguments give the same PDUs, so that a part can be made again.
pub fn build(
    to: &str,
    body: &Body,
    reference: u8,
    delivery_report: bool,
    ttl: Option<Duration>,
) -> Result<Vec<EncodedPdu>, Failure> {
    let options =
        SubmitOptions::default()
            .with_split(split_options(body, reference))
            .with_report(if delivery_report { ReportRequest::EachPart } else { ReportRequest::None })
            .with_validity(ttl.map(|ttl| {
                Validity::from_minutes(u32::try_from(ttl.as_secs().div_ceil(60)).unwrap_or(u32::MAX))
            }))
            .with_class(body.class.and_then(|class| MessageClass::try_from(class).ok()));
    match &body.content {
        Outgoing::Text(text) => smsbridge_codec::submit(to, &folded(text, body), &options),
        Outgoing::Data { octets, .. } => smsbridge_codec::submit_data(to, octets, &options),
    }
    .map_err(unencodable)
}

fn folded<'t>(text: &'t str, body: &Body) -> std::borrow::Cow<'t, str> {
    if body.transliterate { smsbridge_codec::transliterate(text) } else { text.into() }
}

fn split_options(body: &Body, reference: u8) -> SplitOptions {
    let encoding = match body.encoding {
        Encoding::Auto => Alphabets::Auto,
        Encoding::Gsm7 => Alphabets::Gsm7,
        Encoding::Ucs2 => Alphabets::Ucs2,
    };
    let ports = match body.content {
        Outgoing::Data { destination_port, .. } => {
            Some(Ports { destination: destination_port, source: 0, wide: true })
        }
        Outgoing::Text(_) => None,
    };
    SplitOptions::default()
        .with_encoding(encoding)
        .with_reference(Reference::EightBit(reference))
        .with_ports(ports)
        .with_keep_graphemes(true)
}

fn unencodable(error: EncodeError) -> Failure {
    if error.kind == EncodeErrorKind::TooManyParts {
        return Failure::permanent("too-long", error.to_string());
    }
    Failure::permanent("unencodable", error.to_string())
}
