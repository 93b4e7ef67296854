//! Counts what decoding allocates: the `String` of a text, and nothing at all where the caller gives one. (The counter is per
//! thread, so tests that run in parallel do not disturb each other.)

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail a test")]

use std::hint::black_box;

use allocation_counter::measure;
use serde_json::Value;
use smsbridge_codec::{Address, Dcs, Direction, EncodeErrorKind, Pdu, Tpdu, hex};

struct Line {
    octets: Vec<u8>,
    direction: Direction,
}

fn lines(files: &[&str]) -> Vec<Line> {
    let mut lines = Vec::new();
    for file in files {
        let path = format!("{}/tests/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for vector in &vectors {
            let digits = vector["hex"].as_str().unwrap();
            let Ok(octets) = hex::decode(digits) else { continue };
            let octets = if vector["smsc_included"] == true { octets } else { [vec![0], octets].concat() };
            let mo = vector["direction"] == "mo";
            let direction = if mo { Direction::MobileOriginated } else { Direction::MobileTerminated };
            lines.push(Line { octets, direction });
        }
    }
    lines
}

#[test]
fn decoding_fields_allocates_nothing() {
    for line in lines(&["pdu_deliver", "pdu_submit", "pdu_status_report", "pdu_other_types"]) {
        let allocated = measure(|| {
            let pdu = Pdu::decode(&line.octets, line.direction).unwrap();
            if let Some(user_data) = pdu.tpdu.user_data() {
                black_box((user_data.concatenation(), user_data.ports(), user_data.languages()));
                user_data.elements().for_each(|element| _ = black_box(element.information()));
            }
            black_box(&pdu);
        });
        assert_eq!(allocated.count_total, 0, "{}", hex::encode(&line.octets));
    }
}

#[test]
fn text_is_appended_to_a_string_without_another() {
    // The longest text: 160 characters of a national table, three octets each in UTF-8.
    let mut text = String::with_capacity(480);
    let mut octets = Vec::with_capacity(200);
    let mut texts = 0;
    for line in lines(&["pdu_deliver", "pdu_submit"]) {
        let digits = hex::encode(&line.octets);
        let allocated = measure(|| {
            hex::decode_into(&digits, &mut octets).unwrap();
            let pdu = Pdu::decode(&octets, line.direction).unwrap();
            text.clear();
            texts += usize::from(pdu.tpdu.user_data().is_some_and(|data| data.text_into(&mut text)));
        });
        assert_eq!(allocated.count_total, 0, "{digits}");
    }
    assert!(texts > 300, "only {texts} texts");
}

#[test]
fn a_new_text_is_one_string() {
    for line in lines(&["pdu_deliver", "pdu_submit"]) {
        let pdu = Pdu::decode(&line.octets, line.direction).unwrap();
        let Some(user_data) = pdu.tpdu.user_data() else { continue };
        let mut text = None;
        let allocated = measure(|| text = user_data.text());
        assert!(allocated.count_total <= 1, "{text:?}: {allocated:?}");
        assert_eq!(allocated.count_current, i64::from(text.is_some_and(|text| !text.is_empty())));
    }
}

#[test]
fn an_error_allocates_nothing() {
    let mut refused = 0;
    for line in lines(&["pdu_bad"]) {
        let allocated = measure(|| {
            let read = Tpdu::decode(line.octets.get(1..).unwrap_or_default(), line.direction);
            refused += usize::from(read.is_err() || Pdu::decode(&line.octets, line.direction).is_err());
        });
        assert_eq!(allocated.count_total, 0, "{}", hex::encode(&line.octets));
    }
    assert!(refused > 50, "only {refused} refused");
    let allocated = measure(|| {
        let error = Address::from_number("+49 151").unwrap_err();
        assert_eq!(error.kind, EncodeErrorKind::BadCharacter { index: 3 });
        black_box((error, Dcs(0xF0).class()));
    });
    assert_eq!(allocated.count_total, 0);
}
