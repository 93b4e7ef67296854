//! Text and its parts: `septets.json`, `tables/`, `text_encode.json`, `concat.json`; what parts carry: `mms.json`.

use serde_json::{Value, json};
use smsbridge_codec::mms::{self, MmsNotification};
use smsbridge_codec::{Content, Pdu, SplitOptions, Tpdu, UserData, count, gsm7, hex, join, split};

use crate::{Differences, direction, label, load, text_of, without_absent};

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

/// The tables in the code equal those of the vectors, position by position.
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
            "encoding": count.alphabet, "units": count.units, "segments": count.parts,
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
fn mms() {
    let mut differences = Differences::default();
    for (index, vector) in load("mms.json").iter().enumerate() {
        let lines = vector["hex"].as_array().unwrap();
        let pdus: Vec<_> = lines
            .iter()
            .map(|line| Pdu::decode_hex(line.as_str().unwrap(), direction(vector)).unwrap())
            .collect();
        let parts: Vec<_> = pdus.iter().filter_map(|pdu| pdu.tpdu.user_data()).collect();
        assert_eq!(parts[0].ports().unwrap().destination, mms::PORT);
        let Content::Data(push) = join(parts).unwrap().content else { panic!("{vector}") };
        let got = MmsNotification::decode(&push);
        let got = got.map_or(Value::Null, |mms| {
            json!({"from": mms.from, "subject": mms.subject, "size": mms.size, "location": mms.location})
        });
        differences.compare(label(index, vector), &vector["expect"], &without_absent(&got));
    }
    differences.finish();
}
