//! The fields of a PDU as a value to serialize.
//!
//! Its form is that of the `expect` objects of `tests/vectors`; a field that the PDU does not have is left out.

use serde::Serialize;

use crate::address::{Address, TypeOfNumber};
use crate::cause::{FailureCause, Outcome, Status};
use crate::dcs::{Alphabet, Dcs, MessageClass, WaitingKind};
use crate::error::DecodeError;
use crate::gsm7::Languages;
use crate::hex;
use crate::pdu::Pdu;
use crate::pid::Pid;
use crate::timestamp::Timestamp;
use crate::tpdu::{CommandType, Direction, Parameters, Tpdu};
use crate::udh::ElementId;
use crate::user_data::UserData;
use crate::validity::Validity;

/// The fields of a PDU, to be serialized as one object. A field that the PDU does not have is left out.
///
/// | key | value |
/// |---|---|
/// | `type` | `deliver`, `submit`, `status-report`, `command`, `deliver-report` or `submit-report` |
/// | `first_octet`, `reference`, `message_number`, `pid`, `dcs`, `class`, `command`, `status`, `cause`, `pi`, `udl` | the number |
/// | `smsc`, `from`, `to` | an address: `toa` in hexadecimal, `ton`, `npi`, the digits or name as `value`, with `+` as `display` |
/// | `sent_at`, `discharged_at` | RFC 3339 with the offset of the service centre |
/// | `more_messages`, `report_indication`, `reply_path`, `reject_duplicates`, `report_request`, `compressed` | true or false |
/// | `outcome` | the group of `status`: `delivered`, `pending`, `failed`, `sc-specific` or `reserved` |
/// | `tail_ignored` | true if octets after `status` are not optional fields |
/// | `validity` | `format`, the octets as `raw`, and `minutes`, `at`, or `seconds` and `single_shot` |
/// | `mwi` | message waiting: its `type`, `active` and `store` |
/// | `encoding` | `gsm7`, `8bit` or `ucs2` |
/// | `septets` | the number of septets after the header |
/// | `udh` | the header's elements: `iei` and `data` in hexadecimal |
/// | `concat`, `ports`, `language` | what the header says, with the `bits` of a reference or port |
/// | `text` or `data_hex` | the text; for 8-bit or compressed user data, its octets in hexadecimal |
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    #[serde(skip_serializing_if = "Option::is_none")]
    smsc: Option<ServiceCentre>,
    first_octet: u8,
    #[serde(flatten)]
    fields: Fields,
    #[serde(flatten)]
    coding: Option<Coding>,
    #[serde(flatten)]
    user_data: Option<Content>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "snake_case")]
enum Fields {
    Deliver {
        more_messages: bool,
        report_indication: bool,
        reply_path: bool,
        from: Party,
        pid: Pid,
        #[serde(skip_serializing_if = "Option::is_none")]
        sent_at: Option<Timestamp>,
    },
    Submit {
        reject_duplicates: bool,
        report_request: bool,
        reply_path: bool,
        reference: u8,
        to: Party,
        pid: Pid,
        #[serde(skip_serializing_if = "Option::is_none")]
        validity: Option<Period>,
    },
    StatusReport {
        more_messages: bool,
        reference: u8,
        to: Party,
        #[serde(skip_serializing_if = "Option::is_none")]
        sent_at: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        discharged_at: Option<Timestamp>,
        status: Status,
        outcome: Outcome,
        #[serde(skip_serializing_if = "Option::is_none")]
        tail_ignored: Option<bool>,
        #[serde(flatten)]
        indicator: Option<Indicator>,
    },
    Command {
        reference: u8,
        pid: Pid,
        command: CommandType,
        message_number: u8,
        to: Party,
        data_hex: String,
    },
    DeliverReport {
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<FailureCause>,
        #[serde(flatten)]
        indicator: Indicator,
    },
    SubmitReport {
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<FailureCause>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sent_at: Option<Timestamp>,
        #[serde(flatten)]
        indicator: Indicator,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ServiceCentre {
    toa: String,
    value: String,
    display: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Party {
    toa: String,
    ton: TypeOfNumber,
    npi: u8,
    value: String,
    display: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Indicator {
    pi: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<Pid>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "format", rename_all = "lowercase")]
enum Period {
    Relative { raw: String, minutes: Option<u32> },
    Absolute { raw: String, at: Option<Timestamp> },
    Enhanced { raw: String, single_shot: bool, seconds: Option<u32> },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Coding {
    dcs: Dcs,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<MessageClass>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mwi: Option<MessageWaiting>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MessageWaiting {
    r#type: WaitingKind,
    active: bool,
    store: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Content {
    encoding: Alphabet,
    compressed: bool,
    udl: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    septets: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    udh: Vec<HeaderElement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concat: Option<Concatenation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ports: Option<Ports>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<Languages>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_hex: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct HeaderElement {
    iei: ElementId,
    data: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Concatenation {
    reference: u16,
    total: u8,
    sequence: u8,
    bits: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Ports {
    destination: u16,
    source: u16,
    bits: u8,
}

/// Describes a PDU of hexadecimal digits that begins with the service centre address.
///
/// ```
/// use smsbridge_codec::Direction;
/// use smsbridge_codec::analysis::describe;
///
/// let description = describe("0001000B916407281553F8000002C834", Direction::MobileOriginated)?;
/// let json = serde_json::to_value(description).unwrap();
/// assert_eq!((&json["type"], &json["to"]["display"]), (&"submit".into(), &"+46708251358".into()));
/// assert_eq!((&json["encoding"], &json["text"]), (&"gsm7".into(), &"Hi".into()));
/// # Ok::<(), smsbridge_codec::DecodeError>(())
/// ```
///
/// # Errors
/// As [`Pdu::decode_hex`].
pub fn describe(digits: &str, direction: Direction) -> Result<Description, DecodeError> {
    let octets = hex::decode(digits)?;
    let pdu = Pdu::decode(&octets, direction)?;
    let first_octet = octets.first().map_or(0, |&length| usize::from(length) + 1);
    Ok(Description {
        smsc: pdu.service_centre.as_ref().map(service_centre),
        first_octet: octets.get(first_octet).copied().unwrap_or_default(),
        fields: fields(&pdu.tpdu),
        coding: dcs(&pdu.tpdu).map(coding),
        user_data: pdu.tpdu.user_data().map(content),
    })
}

fn fields(tpdu: &Tpdu<'_>) -> Fields {
    match tpdu {
        Tpdu::Deliver(tpdu) => Fields::Deliver {
            more_messages: tpdu.more_messages,
            report_indication: tpdu.status_report_indication,
            reply_path: tpdu.reply_path,
            from: party(&tpdu.from),
            pid: tpdu.pid,
            sent_at: tpdu.sent_at,
        },
        Tpdu::Submit(tpdu) => Fields::Submit {
            reject_duplicates: tpdu.reject_duplicates,
            report_request: tpdu.status_report_request,
            reply_path: tpdu.reply_path,
            reference: tpdu.reference,
            to: party(&tpdu.to),
            pid: tpdu.pid,
            validity: tpdu.validity.map(period),
        },
        Tpdu::StatusReport(tpdu) => Fields::StatusReport {
            more_messages: tpdu.more_messages,
            reference: tpdu.reference,
            to: party(&tpdu.to),
            sent_at: tpdu.sent_at,
            discharged_at: tpdu.discharged_at,
            status: tpdu.status,
            outcome: tpdu.outcome(),
            tail_ignored: tpdu.tail_ignored.then_some(true),
            indicator: tpdu.parameters.as_ref().map(indicator),
        },
        Tpdu::Command(tpdu) => Fields::Command {
            reference: tpdu.reference,
            pid: tpdu.pid,
            command: tpdu.command_type,
            message_number: tpdu.message_number,
            to: party(&tpdu.to),
            data_hex: hex::encode(&tpdu.data),
        },
        Tpdu::DeliverReport(tpdu) => {
            Fields::DeliverReport { cause: tpdu.cause, indicator: indicator(&tpdu.parameters) }
        }
        Tpdu::SubmitReport(tpdu) => Fields::SubmitReport {
            cause: tpdu.cause,
            sent_at: tpdu.sent_at,
            indicator: indicator(&tpdu.parameters),
        },
    }
}

fn dcs(tpdu: &Tpdu<'_>) -> Option<Dcs> {
    match tpdu {
        Tpdu::Deliver(tpdu) => Some(tpdu.dcs),
        Tpdu::Submit(tpdu) => Some(tpdu.dcs),
        Tpdu::StatusReport(tpdu) => tpdu.parameters.as_ref()?.dcs,
        Tpdu::DeliverReport(tpdu) => tpdu.parameters.dcs,
        Tpdu::SubmitReport(tpdu) => tpdu.parameters.dcs,
        Tpdu::Command(_) => None,
    }
}

fn coding(dcs: Dcs) -> Coding {
    let mwi = dcs.message_waiting().map(|waiting| MessageWaiting {
        r#type: waiting.kind,
        active: waiting.active,
        store: waiting.store,
    });
    Coding { dcs, class: dcs.class(), mwi }
}

fn indicator(parameters: &Parameters<'_>) -> Indicator {
    Indicator { pi: parameters.indicator(), pid: parameters.pid }
}

fn service_centre(address: &Address) -> ServiceCentre {
    ServiceCentre { toa: toa(address), value: address.value(), display: address.to_string() }
}

fn party(address: &Address) -> Party {
    Party {
        toa: toa(address),
        ton: address.ton(),
        npi: address.npi(),
        value: address.value(),
        display: address.to_string(),
    }
}

fn toa(address: &Address) -> String {
    hex::encode(&[address.toa()])
}

fn period(validity: Validity) -> Period {
    let raw = hex::encode(validity.octets());
    match validity {
        Validity::Relative(_) => Period::Relative { raw, minutes: validity.minutes() },
        Validity::Absolute(_) => Period::Absolute { raw, at: validity.at() },
        Validity::Enhanced(_) => {
            Period::Enhanced { raw, single_shot: validity.is_single_shot(), seconds: validity.seconds() }
        }
    }
}

fn content(user_data: &UserData<'_>) -> Content {
    let bits = |wide| if wide { 16 } else { 8 };
    let text = user_data.text();
    Content {
        encoding: user_data.alphabet(),
        compressed: user_data.is_compressed(),
        udl: user_data.length(),
        septets: user_data.septets(),
        udh: user_data
            .elements()
            .map(|element| HeaderElement { iei: element.id, data: hex::encode(element.data) })
            .collect(),
        concat: user_data.concatenation().map(|place| Concatenation {
            reference: place.reference,
            total: place.total,
            sequence: place.sequence,
            bits: bits(place.wide),
        }),
        ports: user_data.ports().map(|ports| Ports {
            destination: ports.destination,
            source: ports.source,
            bits: bits(ports.wide),
        }),
        language: user_data.languages(),
        data_hex: text.is_none().then(|| hex::encode(user_data.data())),
        text,
    }
}
