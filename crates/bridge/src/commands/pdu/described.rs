//! Owns the JSON form of a PDU: the `expect` object of the codec's test vectors, whose README says what each field is.
//!
//! A field that is not there on the wire is not there in the object either.

use serde::Serialize;
use smsbridge_codec::{
    Address, Alphabet, Concatenation, Dcs, Parameters, Pdu, Ports, Timestamp, Tpdu, UserData, Validity,
    Waiting, gsm7::Languages, hex,
};

#[derive(Serialize, Default)]
pub(super) struct Described {
    #[serde(skip_serializing_if = "Option::is_none")]
    smsc: Option<ServiceCentre>,
    first_octet: u8,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    more_messages: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report_indication: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reject_duplicates: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report_request: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_path: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Party>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Party>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_number: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discharged_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tail_ignored: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pi: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dcs: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity: Option<Period>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mwi: Option<Mwi>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    user_data: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_hex: Option<String>,
}

#[derive(Serialize)]
struct ServiceCentre {
    toa: String,
    value: String,
    display: String,
}

#[derive(Serialize)]
struct Party {
    toa: String,
    ton: &'static str,
    npi: u8,
    value: String,
    display: String,
}

#[derive(Serialize)]
#[serde(tag = "format", rename_all = "lowercase")]
enum Period {
    Relative { raw: String, minutes: Option<u32> },
    Absolute { raw: String, at: Option<String> },
    Enhanced { raw: String, single_shot: bool, seconds: Option<u32> },
}

#[derive(Serialize)]
struct Mwi {
    r#type: &'static str,
    active: bool,
    store: bool,
}

#[derive(Serialize)]
struct Content {
    encoding: &'static str,
    compressed: bool,
    udl: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    septets: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    udh: Vec<HeaderElement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concat: Option<Concat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ports: Option<PortPair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<Language>,
}

#[derive(Serialize)]
struct HeaderElement {
    iei: u8,
    data: String,
}

#[derive(Serialize)]
struct Concat {
    reference: u16,
    total: u8,
    sequence: u8,
    bits: u8,
}

#[derive(Serialize)]
struct PortPair {
    destination: u16,
    source: u16,
    bits: u8,
}

#[derive(Serialize)]
struct Language {
    locking: u8,
    single_shift: u8,
}

/// The object for a PDU that was read from these octets.
pub(super) fn pdu(pdu: &Pdu<'_>, octets: &[u8]) -> Described {
    let skipped = octets.first().map_or(0, |&length| usize::from(length) + 1);
    let mut object = Described {
        smsc: pdu.service_centre.as_ref().map(service_centre),
        first_octet: octets.get(skipped).copied().unwrap_or_default(),
        ..Described::default()
    };
    match &pdu.tpdu {
        Tpdu::Deliver(tpdu) => {
            object.r#type = "deliver";
            object.more_messages = Some(tpdu.more_messages);
            object.report_indication = Some(tpdu.status_report_indication);
            object.reply_path = Some(tpdu.reply_path);
            object.from = Some(party(&tpdu.from));
            object.pid = Some(tpdu.pid.0);
            object.sent_at = time(tpdu.sent_at);
            object.set_coding(tpdu.dcs);
        }
        Tpdu::Submit(tpdu) => {
            object.r#type = "submit";
            object.reject_duplicates = Some(tpdu.reject_duplicates);
            object.report_request = Some(tpdu.status_report_request);
            object.reply_path = Some(tpdu.reply_path);
            object.reference = Some(tpdu.reference);
            object.to = Some(party(&tpdu.to));
            object.pid = Some(tpdu.pid.0);
            object.validity = tpdu.validity.map(period);
            object.set_coding(tpdu.dcs);
        }
        Tpdu::StatusReport(tpdu) => {
            object.r#type = "status-report";
            object.more_messages = Some(tpdu.more_messages);
            object.reference = Some(tpdu.reference);
            object.to = Some(party(&tpdu.to));
            object.sent_at = time(tpdu.sent_at);
            object.discharged_at = time(tpdu.discharged_at);
            object.status = Some(tpdu.status.0);
            object.outcome = Some(tpdu.outcome().name());
            object.tail_ignored = tpdu.tail_ignored.then_some(true);
            if let Some(parameters) = &tpdu.parameters {
                object.set_parameters(parameters);
            }
        }
        Tpdu::Command(tpdu) => {
            object.r#type = "command";
            object.reference = Some(tpdu.reference);
            object.pid = Some(tpdu.pid.0);
            object.command = Some(tpdu.command_type.0);
            object.message_number = Some(tpdu.message_number);
            object.to = Some(party(&tpdu.to));
            object.data_hex = Some(hex::encode(&tpdu.data));
        }
        Tpdu::DeliverReport(tpdu) => {
            object.r#type = "deliver-report";
            object.cause = tpdu.cause.map(|cause| cause.0);
            object.set_parameters(&tpdu.parameters);
        }
        Tpdu::SubmitReport(tpdu) => {
            object.r#type = "submit-report";
            object.cause = tpdu.cause.map(|cause| cause.0);
            object.sent_at = time(tpdu.sent_at);
            object.set_parameters(&tpdu.parameters);
        }
    }
    if let Some(user_data) = pdu.tpdu.user_data() {
        object.set_user_data(user_data);
    }
    object
}

impl Described {
    fn set_coding(&mut self, dcs: Dcs) {
        self.dcs = Some(dcs.0);
        self.class = dcs.class().map(|class| class.number());
        self.mwi = dcs.message_waiting().map(|waiting| Mwi {
            r#type: match waiting.kind {
                Waiting::Voicemail => "voicemail",
                Waiting::Fax => "fax",
                Waiting::Email => "email",
                Waiting::Other => "other",
            },
            active: waiting.active,
            store: waiting.store,
        });
    }

    fn set_parameters(&mut self, parameters: &Parameters<'_>) {
        self.pi = Some(parameters.indicator());
        self.pid = parameters.pid.map(|pid| pid.0);
        if let Some(dcs) = parameters.dcs {
            self.set_coding(dcs);
        }
    }

    fn set_user_data(&mut self, user_data: &UserData<'_>) {
        self.text = user_data.text();
        if self.text.is_none() {
            self.data_hex = Some(hex::encode(user_data.data()));
        }
        let bits = |wide| if wide { 16 } else { 8 };
        let element = |element: smsbridge_codec::Element<'_>| HeaderElement {
            iei: element.id.0,
            data: hex::encode(element.data),
        };
        self.user_data = Some(Content {
            encoding: alphabet(user_data.alphabet()),
            compressed: user_data.is_compressed(),
            udl: user_data.length(),
            septets: user_data.septets(),
            udh: user_data.elements().map(element).collect(),
            concat: user_data.concatenation().map(|Concatenation { reference, total, sequence, wide }| {
                Concat { reference, total, sequence, bits: bits(wide) }
            }),
            ports: user_data.ports().map(|Ports { destination, source, wide }| PortPair {
                destination,
                source,
                bits: bits(wide),
            }),
            language: user_data
                .languages()
                .map(|Languages { locking, single_shift }| Language { locking, single_shift }),
        });
    }
}

pub(super) fn alphabet(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::Gsm7 => "gsm7",
        Alphabet::EightBit => "8bit",
        Alphabet::Ucs2 => "ucs2",
    }
}

fn service_centre(address: &Address) -> ServiceCentre {
    ServiceCentre { toa: toa(address), value: address.value(), display: address.to_string() }
}

fn party(address: &Address) -> Party {
    Party {
        toa: toa(address),
        ton: address.ton().name(),
        npi: address.npi(),
        value: address.value(),
        display: address.to_string(),
    }
}

fn toa(address: &Address) -> String {
    format!("{:02X}", address.toa())
}

fn time(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}

fn period(validity: Validity) -> Period {
    let raw = hex::encode(validity.octets());
    match validity {
        Validity::Relative(_) => Period::Relative { raw, minutes: validity.minutes() },
        Validity::Absolute(_) => Period::Absolute { raw, at: time(validity.at()) },
        Validity::Enhanced(_) => {
            Period::Enhanced { raw, single_shot: validity.is_single_shot(), seconds: validity.seconds() }
        }
    }
}
