//! Lines that modems write: `at_lines.json`, and the pages of `cbs.json`.

use serde_json::{Value, json};
use smsbridge_codec::cbs::{self, Received};
use smsbridge_codec::{Address, Direction, Pdu, hex, tpdu_length};

use crate::{Differences, label, load, text_of, without_absent};

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
        // Some modems give an invalid address here; the length leaves it out all the same.
        if let Ok((_, length)) = Address::decode_rp(&octets) {
            assert_eq!(length, usize::from(octets[0]) + 1);
        }
        // Negative where the service centre address is longer than the line.
        let expected = vector["tpdu_octets"].as_u64();
        let length = tpdu_length(text_of(vector, "pdu")).ok();
        differences.compare(label(index, vector), &json!(expected), &json!(length));
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
        let pages = match cbs::decode(&octets) {
            Ok(Received::Pages(pages)) => pages,
            Ok(Received::Etws(etws)) => {
                let got = json!({
                    "serial_number": etws.serial_number, "message_identifier": etws.message_identifier,
                    "warning": etws.warning.name(), "alert": etws.alert, "popup": etws.popup,
                });
                differences.compare(label(index, vector), &vector["expect"], &got);
                continue;
            }
            Err(error) => {
                let got = json!({"error": error.to_string()});
                if vector["expect"]["error"] != true {
                    differences.compare(label(index, vector), &vector["expect"], &got);
                }
                continue;
            }
        };
        let (page, joined) = (pages[0], cbs::join(&pages).unwrap());
        let mut got = json!({
            "geographical_scope": page.geographical_scope, "message_code": page.message_code,
            "update_number": page.update_number, "message_identifier": page.message_identifier,
            "dcs": page.dcs.0, "page": page.page, "pages": page.pages, "language": page.language(),
            "encoding": page.dcs.alphabet(), "class": page.dcs.class(),
            "text": joined.text,
        });
        if pages.len() > 1 {
            got["page"] = Value::Null;
        } else {
            assert_eq!(page.text(), joined.text);
        }
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
