//! Single fields: `dcs.json`, `timestamps.json`, `validity.json`, `addresses.json`.

use serde_json::{Value, json};
use smsbridge_codec::{Address, Dcs, Timestamp, TypeOfNumber, Validity, hex};

use crate::{Differences, load, text_of, without_absent};

fn waiting(dcs: Dcs) -> Value {
    dcs.message_waiting().map_or(
        Value::Null,
        |waiting| json!({"type": waiting.kind, "active": waiting.active, "store": waiting.store}),
    )
}

fn period(validity: Validity) -> Value {
    let raw = hex::encode(validity.octets());
    match validity {
        Validity::Relative(_) => json!({"format": "relative", "raw": raw, "minutes": validity.minutes()}),
        Validity::Absolute(_) => json!({"format": "absolute", "raw": raw, "at": validity.at()}),
        Validity::Enhanced(_) => json!({
            "format": "enhanced", "raw": raw, "seconds": validity.seconds(),
            "single_shot": validity.is_single_shot(),
        }),
    }
}

fn address(address: &Address) -> Value {
    json!({
        "toa": hex::encode(&[address.toa()]), "ton": address.ton(), "npi": address.npi(),
        "value": address.value(), "display": address.to_string(),
    })
}

#[test]
fn dcs() {
    let mut differences = Differences::default();
    let vectors = load("dcs.json");
    assert_eq!(vectors.len(), 256);
    for vector in &vectors {
        let dcs = Dcs(hex::decode(text_of(vector, "dcs")).unwrap()[0]);
        let got = json!({
            "alphabet": dcs.alphabet(), "class": dcs.class(),
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
        differences.compare(&vector["hex"], &vector["time"], &json!(read));
        let again = read.and_then(|read| Timestamp::from_unix(read.unix_seconds(), read.quarter_hours()));
        differences.compare(&vector["hex"], &json!(read), &json!(again));
    }
    differences.finish();
}

#[test]
fn validity() {
    let mut differences = Differences::default();
    for vector in load("validity.json") {
        let octets = hex::decode(text_of(&vector, "raw")).unwrap();
        let validity = match text_of(&vector, "format") {
            "relative" => Validity::Relative(octets[0]),
            "absolute" => Validity::Absolute(octets.try_into().unwrap()),
            _ => Validity::Enhanced(octets.try_into().unwrap()),
        };
        let mut expected = vector.clone();
        expected.as_object_mut().unwrap().retain(|field, _| field != "source" && field != "checked_by");
        differences.compare(&vector["raw"], &without_absent(&expected), &without_absent(&period(validity)));
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
        // The address that is made of the same text, if one can be made.
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
