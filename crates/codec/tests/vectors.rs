//! Reads every file of `tests/vectors/` and compares what the codec makes of each entry with what the entry says. One
//! test a file; a failure names the entries, what was expected and what came.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail a test")]

use std::fmt::Display;
use std::path::Path;

use serde_json::{Map, Value, json};
use smsbridge_codec::{
    Address, Alphabet, Content, Dcs, Direction, Element, Pdu, SplitOptions, Timestamp, Tpdu, TypeOfNumber,
    UserData, Validity, Waiting, cbs::Page, count, gsm7, hex, join, split,
};

fn load(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Collects what went wrong, so that one run shows all of it.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare(&mut self, id: impl Display, expected: &Value, got: &Value) {
        if expected != got {
            self.0.push(format!("{id}\n  expected {expected}\n  got      {got}"));
        }
    }

    fn finish(self) {
        assert!(self.0.is_empty(), "{} differ:\n{}", self.0.len(), self.0.join("\n"));
    }
}

fn direction(vector: &Value) -> Direction {
    match vector["direction"].as_str() {
        Some("mo") => Direction::MobileOriginated,
        _ => Direction::MobileTerminated,
    }
}

fn text_of<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector[field].as_str().unwrap_or_else(|| panic!("no {field} in {vector}"))
}

fn label(index: usize, vector: &Value) -> String {
    match vector["id"].as_str() {
        Some(id) => id.into(),
        None => format!("entry {index} {}", vector["note"].as_str().unwrap_or("")),
    }
}

/// The object without what the vectors take for "not there": null, empty strings, lists and objects.
fn without_absent(object: &Value) -> Value {
    let there = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    let Value::Object(fields) = object else { return object.clone() };
    let kept = fields.iter().filter(|(_, value)| there(value));
    Value::Object(kept.map(|(name, value)| (name.clone(), without_absent(value))).collect())
}

fn address(address: &Address) -> Value {
    json!({
        "toa": format!("{:02X}", address.toa()), "ton": address.ton().name(), "npi": address.npi(),
        "value": address.value(), "display": address.to_string(),
    })
}

fn alphabet(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::Gsm7 => "gsm7",
        Alphabet::EightBit => "8bit",
        Alphabet::Ucs2 => "ucs2",
    }
}

fn waiting(dcs: Dcs) -> Value {
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

fn time(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, |time| time.to_string().into())
}

fn validity(validity: Validity) -> Value {
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
    let element = |element: Element<'_>| json!({"iei": element.id, "data": hex::encode(element.data)});
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
fn described(pdu: &Pdu<'_>, first_octet: u8) -> Value {
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
            set("pid", tpdu.pid.into());
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
            set("pid", tpdu.pid.into());
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
            set("pid", tpdu.pid.into());
            set("command", tpdu.command.into());
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
        set("pid", json!(parameters.pid));
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

fn read(vector: &Value) -> Value {
    let digits = text_of(vector, "hex");
    let refused = |error: smsbridge_codec::DecodeError| json!({"error": error.to_string()});
    let octets = match hex::decode(digits) {
        Ok(octets) => octets,
        Err(error) => return refused(error),
    };
    let direction = direction(vector);
    let pdu = if vector["smsc_included"] == true {
        Pdu::decode(&octets, direction)
    } else {
        Tpdu::decode(&octets, direction).map(|tpdu| Pdu { service_centre: None, tpdu })
    };
    match pdu {
        Ok(pdu) => {
            let skipped = if vector["smsc_included"] == true { usize::from(octets[0]) + 1 } else { 0 };
            described(&pdu, octets[skipped])
        }
        Err(error) => refused(error),
    }
}

fn pdu_file(file: &str) {
    let mut differences = Differences::default();
    for (index, vector) in load(file).iter().enumerate() {
        let (expected, got) = (without_absent(&vector["expect"]), without_absent(&read(vector)));
        differences.compare(label(index, vector), &expected, &got);
    }
    differences.finish();
}

#[test]
fn pdu_deliver() {
    pdu_file("pdu_deliver.json");
}

#[test]
fn pdu_submit() {
    pdu_file("pdu_submit.json");
}

#[test]
fn pdu_status_report() {
    pdu_file("pdu_status_report.json");
}

#[test]
fn pdu_other_types() {
    pdu_file("pdu_other_types.json");
}

#[test]
fn pdu_bad_time() {
    pdu_file("pdu_bad_time.json");
}

#[test]
fn pdu_bad() {
    let mut differences = Differences::default();
    for (index, vector) in load("pdu_bad.json").iter().enumerate() {
        let got = read(vector);
        if got["error"].is_null() {
            let expected = json!({"error": vector["why"]});
            differences.compare(label(index, vector), &expected, &got);
        }
    }
    differences.finish();
}

/// What is read from a good PDU is written as the same octets, where the octets are what the standard asks for.
#[test]
fn good_pdus_are_written_as_they_were_read() {
    let mut differences = Differences::default();
    let (mut same, mut all) = (0, 0);
    for file in ["pdu_deliver.json", "pdu_submit.json", "pdu_status_report.json", "pdu_other_types.json"] {
        for (index, vector) in load(file).iter().enumerate() {
            let octets = hex::decode(text_of(vector, "hex")).unwrap();
            let octets = if vector["smsc_included"] == true { octets } else { [vec![0], octets].concat() };
            let pdu = Pdu::decode(&octets, direction(vector)).unwrap();
            let written = pdu.encode().unwrap();
            all += 1;
            if written.hex == hex::encode(&octets) {
                same += 1;
                differences.compare(
                    label(index, vector),
                    &vector["tpdu_length"],
                    &json!(written.tpdu_length),
                );
            } else {
                // Reserved bits, ignored tails and octets after the end are not written; the values are.
                let octets = hex::decode(&written.hex).unwrap();
                let again = Pdu::decode(&octets, direction(vector)).unwrap();
                let values = |pdu: &Pdu<'_>| {
                    let mut values = described(pdu, 0);
                    values.as_object_mut().unwrap().remove("tail_ignored");
                    values
                };
                differences.compare(label(index, vector), &values(&pdu), &values(&again));
            }
        }
    }
    differences.finish();
    assert!(same * 100 >= all * 95, "only {same} of {all} came back octet for octet");
}

/// SIM records are 176 octets, a status and the PDU, filled up with FF; some modems hand all of it over.
#[test]
fn padding_of_sim_records_changes_nothing() {
    let mut differences = Differences::default();
    for file in ["pdu_deliver.json", "pdu_submit.json", "pdu_status_report.json", "pdu_bad_time.json"] {
        for (index, vector) in load(file).iter().enumerate() {
            let digits = format!("{:F<350}", text_of(vector, "hex"));
            let mut padded = vector.clone();
            padded["hex"] = digits.into();
            let [mut expected, mut got] = [&vector["expect"], &read(&padded)].map(without_absent);
            for fields in [&mut expected, &mut got] {
                fields.as_object_mut().unwrap().remove("tail_ignored");
            }
            differences.compare(label(index, vector), &expected, &got);
        }
    }
    differences.finish();
}

#[test]
fn dcs() {
    let mut differences = Differences::default();
    let vectors = load("dcs.json");
    assert_eq!(vectors.len(), 256);
    for vector in &vectors {
        let dcs = Dcs(hex::decode(text_of(vector, "dcs")).unwrap()[0]);
        let got = json!({
            "alphabet": alphabet(dcs.alphabet()), "class": dcs.class().map(|class| class.number()),
            "compressed": dcs.is_compressed(), "mwi": waiting(dcs), "auto_delete": dcs.auto_delete(),
            "reserved": dcs.is_reserved(),
        });
        let fields = got.as_object().unwrap().keys();
        let expected = fields.map(|field| (field.clone(), vector[field].clone())).collect();
        differences.compare(&vector["dcs"], &expected, &got);
    }
    differences.finish();
}

#[test]
fn timestamps() {
    let mut differences = Differences::default();
    for vector in load("timestamps.json") {
        let octets: [u8; 7] = hex::decode(text_of(&vector, "hex")).unwrap().try_into().unwrap();
        let read = Timestamp::decode(octets);
        differences.compare(&vector["hex"], &vector["time"], &time(read));
        let again = read.and_then(|read| Timestamp::from_unix(read.unix_seconds(), read.quarter_hours()));
        differences.compare(&vector["hex"], &time(read), &time(again));
    }
    differences.finish();
}

#[test]
fn validity_periods() {
    let mut differences = Differences::default();
    for vector in load("validity.json") {
        let octets = hex::decode(text_of(&vector, "raw")).unwrap();
        let period = match text_of(&vector, "format") {
            "relative" => Validity::Relative(octets[0]),
            "absolute" => Validity::Absolute(octets.try_into().unwrap()),
            _ => Validity::Enhanced(octets.try_into().unwrap()),
        };
        let mut expected = vector.clone();
        expected.as_object_mut().unwrap().retain(|field, _| field != "source" && field != "checked_by");
        differences.compare(&vector["raw"], &without_absent(&expected), &without_absent(&validity(period)));
    }
    differences.finish();
}

#[test]
fn addresses() {
    let mut differences = Differences::default();
    for vector in load("addresses.json") {
        let octets = hex::decode(text_of(&vector, "hex")).unwrap();
        let (read, length) = Address::decode(&octets).unwrap();
        let got = address(&read);
        let expected =
            got.as_object().unwrap().keys().map(|field| (field.clone(), vector[field].clone())).collect();
        differences.compare(&vector["hex"], &expected, &got);
        let mut written = Vec::new();
        read.encode_into(&mut written);
        differences.compare(&vector["hex"], &vector["hex"], &hex::encode(&written).into());
        assert_eq!(length, octets.len());
        // What we would make of the same text, where it can be made at all.
        let made = match read.ton() {
            TypeOfNumber::International if read.npi() == 1 => Address::from_number(&read.to_string()),
            TypeOfNumber::Unknown if read.npi() == 1 && !read.is_empty() => {
                Address::from_number(&read.to_string())
            }
            TypeOfNumber::Alphanumeric if read.npi() == 0 => Address::alphanumeric(&read.to_string()),
            _ => Ok(read),
        };
        differences.compare(
            &vector["hex"],
            &format!("{read:?}").into(),
            &format!("{:?}", made.unwrap()).into(),
        );
    }
    differences.finish();
}

#[test]
fn septets() {
    let mut differences = Differences::default();
    for (index, vector) in load("septets.json").iter().enumerate() {
        let number = |field: &str| vector[field].as_u64().unwrap() as usize;
        let languages =
            gsm7::Languages { locking: number("locking") as u8, single_shift: number("single_shift") as u8 };
        let packed = hex::decode(text_of(vector, "packed")).unwrap();
        let (mut septets, mut text) = (Vec::new(), String::new());
        gsm7::unpack_into(&packed, number("fill_bits"), number("septets"), &mut septets);
        gsm7::decode_into(&septets, languages, &mut text);
        differences.compare(label(index, vector), &vector["septets_hex"], &hex::encode(&septets).into());
        differences.compare(label(index, vector), &vector["text"], &text.into());
        let mut again = Vec::new();
        gsm7::pack_into(&septets, number("fill_bits"), &mut again);
        differences.compare(label(index, vector), &vector["packed"], &hex::encode(&again).into());
        if vector["decode_only"] != true {
            septets.clear();
            gsm7::encode_with(text_of(vector, "text"), languages, &mut septets).unwrap();
            differences.compare(label(index, vector), &vector["septets_hex"], &hex::encode(&septets).into());
        }
    }
    differences.finish();
}

#[test]
fn text_encode() {
    let mut differences = Differences::default();
    let options = SplitOptions::default();
    for (index, vector) in load("text_encode.json").iter().enumerate() {
        let text = text_of(vector, "text");
        let count = count(text, &options).unwrap();
        let parts = split(text, &options).unwrap();
        let units = |part: &UserData<'_>| part.septets().unwrap_or(part.data().len() / 2);
        let got = json!({
            "encoding": alphabet(count.alphabet), "units": count.units, "segments": count.parts,
            "segment_units": parts.iter().map(units).collect::<Vec<_>>(),
        });
        let expected =
            got.as_object().unwrap().keys().map(|field| (field.clone(), vector[field].clone())).collect();
        differences.compare(label(index, vector), &expected, &got);
        assert_eq!(join(&parts).unwrap().content, Content::Text(text.into()));
    }
    differences.finish();
}

#[test]
fn concat() {
    let mut differences = Differences::default();
    for (index, vector) in load("concat.json").iter().enumerate() {
        let lines = vector["hex"].as_array().unwrap();
        let octets: Vec<_> = lines.iter().map(|line| hex::decode(line.as_str().unwrap()).unwrap()).collect();
        let tpdu = |octets| {
            if vector["smsc_included"] == true {
                Pdu::decode(octets, direction(vector)).unwrap().tpdu
            } else {
                Tpdu::decode(octets, direction(vector)).unwrap()
            }
        };
        let tpdus: Vec<_> = octets.iter().map(|octets| tpdu(octets)).collect();
        let number = match &tpdus[0] {
            Tpdu::Deliver(tpdu) => tpdu.from,
            Tpdu::Submit(tpdu) => tpdu.to,
            other => panic!("{other:?}"),
        };
        let parts: Vec<_> = tpdus.iter().filter_map(Tpdu::user_data).collect();
        let joined = join(parts.iter().copied()).unwrap();
        let got = match &joined.content {
            Content::Text(text) => text.clone(),
            Content::Data(data) => hex::encode(data),
        };
        let expected = if vector["text"].is_null() { &vector["data_hex"] } else { &vector["text"] };
        differences.compare(label(index, vector), expected, &got.into());
        differences.compare(label(index, vector), &vector["number"], &number.to_string().into());
        differences.compare(label(index, vector), &vector["total"], &joined.total.into());
        let place = parts[0].concatenation().unwrap();
        differences.compare(label(index, vector), &vector["reference"], &place.reference.into());
        assert!(joined.is_complete());
        assert_eq!(joined.duplicates, parts.len() - usize::from(joined.total));
        let without_second =
            join(parts.iter().copied().filter(|part| part.concatenation().unwrap().sequence != 2));
        assert_eq!(without_second.unwrap().missing, [2]);
    }
    differences.finish();
}

#[test]
fn at_lines() {
    let mut differences = Differences::default();
    for (index, vector) in load("at_lines.json").iter().enumerate() {
        let octets = hex::decode(text_of(vector, "pdu")).unwrap();
        if vector["kind"] == "CBM" {
            // A page has no service centre address, so the length counts all of it.
            differences.compare(label(index, vector), &vector["length_field"], &octets.len().into());
            continue;
        }
        // Some modems are seen to give a broken address here; the length still leaves it out.
        let skipped = usize::from(octets[0]) + 1;
        if let Ok((_, length)) = Address::decode_rp(&octets) {
            assert_eq!(length, skipped);
        }
        let tpdu_octets = octets.len() as i64 - skipped as i64;
        differences.compare(label(index, vector), &vector["tpdu_octets"], &tpdu_octets.into());
        if vector["kind"] == "CMGS" {
            let pdu = Pdu::decode(&octets, Direction::MobileOriginated).unwrap();
            let written = pdu.encode().unwrap();
            differences.compare(label(index, vector), &vector["pdu"], &written.hex.into());
            differences.compare(label(index, vector), &vector["length_field"], &written.tpdu_length.into());
        }
    }
    differences.finish();
}

#[test]
fn cbs() {
    let mut differences = Differences::default();
    for (index, vector) in load("cbs.json").iter().enumerate() {
        let octets = hex::decode(text_of(vector, "hex")).unwrap();
        let page = match Page::decode(&octets) {
            Ok(page) => page,
            Err(error) => {
                let got = json!({"error": error.to_string()});
                if vector["expect"]["error"] != true {
                    differences.compare(label(index, vector), &vector["expect"], &got);
                }
                continue;
            }
        };
        let mut got = json!({
            "geographical_scope": page.geographical_scope, "message_code": page.message_code,
            "update_number": page.update_number, "message_identifier": page.message_identifier,
            "dcs": page.dcs.0, "page": page.page, "pages": page.pages, "language": page.language(),
            "encoding": alphabet(page.dcs.alphabet()), "class": page.dcs.class().map(|class| class.number()),
            "text": page.text(),
        });
        if got["text"].is_null() {
            got["data_hex"] = hex::encode(page.data()).into();
        }
        let (expected, mut got) = (without_absent(&vector["expect"]), without_absent(&got));
        if vector["lenient"] == true {
            got.as_object_mut().unwrap().retain(|field, _| !expected[field].is_null());
        }
        differences.compare(label(index, vector), &expected, &got);
    }
    differences.finish();
}

/// The tables in the code are those of the vectors, position by position.
#[test]
fn tables() {
    let mut differences = Differences::default();
    for table in load("tables/gsm7_tables.json") {
        let identifier = table["nli"].as_u64().unwrap() as u8;
        let locking = table["kind"] == "locking";
        for (septet, codepoint) in (0u8..).zip(table["codepoints"].as_array().unwrap()) {
            if septet == gsm7::ESCAPE || codepoint.is_null() {
                continue;
            }
            let (languages, septets) = if locking {
                (gsm7::Languages { locking: identifier, single_shift: 0 }, vec![septet])
            } else {
                (gsm7::Languages { locking: 0, single_shift: identifier }, vec![gsm7::ESCAPE, septet])
            };
            let mut text = String::new();
            gsm7::decode_into(&septets, languages, &mut text);
            let codepoints: Vec<_> = text.chars().map(u32::from).collect();
            differences.compare(
                format!("{} septet {septet:02X}", table["language"]),
                &json!([codepoint]),
                &json!(codepoints),
            );
        }
    }
    differences.finish();
}
