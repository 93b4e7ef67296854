//! What the codec reads, in the words of the vectors.

use serde_json::{Map, Value, json};
use smsbridge_codec::{
    Address, Alphabet, Dcs, Element, Pdu, Timestamp, Tpdu, UserData, Validity, Waiting, hex,
};

pub fn address(address: &Address) -> Value {
    json!({
        "toa": format!("{:02X}", address.toa()), "ton": address.ton().name(), "npi": address.npi(),
        "value": address.value(), "display": address.to_string(),
    })
}

pub fn alphabet(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::Gsm7 => "gsm7",
        Alphabet::EightBit => "8bit",
        Alphabet::Ucs2 => "ucs2",
    }
}

pub fn waiting(dcs: Dcs) -> Value {
    dcs.message_waiting().map_or(Value::Null, |waiting| {
        let kind = match waiting.kind {
            Waiting::Voicemail => "voicemail",
            Waiting::Fax => "fax",
            Waiting::Email => "email",
            Waiting::Other => "other",
        };
        json!({"type": kind, "active": waiting.active, "store": waiting.store})
    })
}

pub fn time(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, |time| time.to_string().into())
}

pub fn validity(validity: Validity) -> Value {
    let raw = hex::encode(validity.octets());
    match validity {
        Validity::Relative(_) => json!({"format": "relative", "raw": raw, "minutes": validity.minutes()}),
        Validity::Absolute(_) => json!({"format": "absolute", "raw": raw, "at": time(validity.at())}),
        Validity::Enhanced(_) => json!({
            "format": "enhanced", "raw": raw, "seconds": validity.seconds(),
            "single_shot": validity.is_single_shot(),
        }),
    }
}

fn user_data(fields: &mut Map<String, Value>, dcs: Dcs, user_data: &UserData<'_>) {
    fields.insert("encoding".into(), alphabet(dcs.alphabet()).into());
    fields.insert("compressed".into(), dcs.is_compressed().into());
    fields.insert("udl".into(), user_data.length().into());
    fields.insert("septets".into(), json!(user_data.septets()));
    let element = |element: Element<'_>| json!({"iei": element.id.0, "data": hex::encode(element.data)});
    fields.insert("udh".into(), user_data.elements().map(element).collect());
    fields.insert(
        "concat".into(),
        user_data.concatenation().map_or(Value::Null, |place| {
            let bits = if place.wide { 16 } else { 8 };
            json!({"reference": place.reference, "total": place.total, "sequence": place.sequence, "bits": bits})
        }),
    );
    fields.insert(
        "ports".into(),
        user_data.ports().map_or(Value::Null, |ports| {
            let bits = if ports.wide { 16 } else { 8 };
            json!({"destination": ports.destination, "source": ports.source, "bits": bits})
        }),
    );
    fields.insert(
        "language".into(),
        user_data.languages().map_or(
            Value::Null,
            |languages| json!({"locking": languages.locking, "single_shift": languages.single_shift}),
        ),
    );
    match user_data.text() {
        Some(text) => fields.insert("text".into(), text.into()),
        None => fields.insert("data_hex".into(), hex::encode(user_data.data()).into()),
    };
}

/// What the codec reads, in the words of the vectors. The first octet is taken from the octets: it is no value.
pub fn described(pdu: &Pdu<'_>, first_octet: u8) -> Value {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| {
        fields.insert(name.into(), value);
    };
    set("first_octet", first_octet.into());
    if let Some(centre) = &pdu.service_centre {
        let toa = format!("{:02X}", centre.toa());
        set("smsc", json!({"toa": toa, "value": centre.value(), "display": centre.to_string()}));
    }
    let mut coding = None;
    match &pdu.tpdu {
        Tpdu::Deliver(tpdu) => {
            set("type", "deliver".into());
            set("more_messages", tpdu.more_messages.into());
            set("report_indication", tpdu.status_report_indication.into());
            set("reply_path", tpdu.reply_path.into());
            set("from", address(&tpdu.from));
            set("pid", tpdu.pid.0.into());
            set("sent_at", time(tpdu.sent_at));
            coding = Some(tpdu.dcs);
        }
        Tpdu::Submit(tpdu) => {
            set("type", "submit".into());
            set("reject_duplicates", tpdu.reject_duplicates.into());
            set("report_request", tpdu.status_report_request.into());
            set("reply_path", tpdu.reply_path.into());
            set("reference", tpdu.reference.into());
            set("to", address(&tpdu.to));
            set("pid", tpdu.pid.0.into());
            set("validity", tpdu.validity.map_or(Value::Null, validity));
            coding = Some(tpdu.dcs);
        }
        Tpdu::StatusReport(tpdu) => {
            set("type", "status-report".into());
            set("more_messages", tpdu.more_messages.into());
            set("reference", tpdu.reference.into());
            set("to", address(&tpdu.to));
            set("sent_at", time(tpdu.sent_at));
            set("discharged_at", time(tpdu.discharged_at));
            set("status", tpdu.status.0.into());
            set("outcome", tpdu.outcome().name().into());
            if tpdu.tail_ignored {
                set("tail_ignored", true.into());
            }
        }
        Tpdu::Command(tpdu) => {
            set("type", "command".into());
            set("reference", tpdu.reference.into());
            set("pid", tpdu.pid.0.into());
            set("command", tpdu.command_type.0.into());
            set("message_number", tpdu.message_number.into());
            set("to", address(&tpdu.to));
            set("data_hex", hex::encode(&tpdu.data).into());
        }
        Tpdu::DeliverReport(tpdu) => {
            set("type", "deliver-report".into());
            set("cause", json!(tpdu.cause.map(|cause| cause.0)));
        }
        Tpdu::SubmitReport(tpdu) => {
            set("type", "submit-report".into());
            set("cause", json!(tpdu.cause.map(|cause| cause.0)));
            set("sent_at", time(tpdu.sent_at));
        }
    }
    let parameters = match &pdu.tpdu {
        Tpdu::StatusReport(tpdu) => tpdu.parameters.as_ref(),
        Tpdu::DeliverReport(tpdu) => Some(&tpdu.parameters),
        Tpdu::SubmitReport(tpdu) => Some(&tpdu.parameters),
        _ => None,
    };
    if let Some(parameters) = parameters {
        set("pi", parameters.indicator().into());
        set("pid", json!(parameters.pid.map(|pid| pid.0)));
        coding = parameters.dcs.or(coding);
    }
    if let Some(dcs) = coding {
        set("dcs", dcs.0.into());
        set("class", json!(dcs.class().map(|class| class.number())));
        set("mwi", waiting(dcs));
    }
    if let Some(data) = pdu.tpdu.user_data() {
        user_data(&mut fields, coding.unwrap_or_default(), data);
    }
    Value::Object(fields)
}
