//! How long reading and writing takes: `cargo bench -p smsbridge-codec`.
//!
//! The corpus is that of the tests: every good PDU of `tests/vectors/`, and every text of `text_encode.json` as a message
//! to send. Reading is from the digits of an AT line to fields and UTF-8 text, writing from number and text to digits.
//! Figures are per pass over the corpus, with items per second beside them. `peers/` has another crate beside this one.

#![allow(clippy::unwrap_used, reason = "a benchmark may fail")]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use smsbridge_codec::{Direction, Pdu, SubmitOptions, hex, join, submit};

fn main() {
    divan::main();
}

fn vectors(file: &str) -> Vec<serde_json::Value> {
    let path = format!("{}/tests/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Lines as a modem gives them, service centre address in front.
fn lines(file: &str) -> Vec<String> {
    let line = |vector: serde_json::Value| {
        let digits = vector["hex"].as_str().unwrap();
        if vector["smsc_included"] == true { digits.into() } else { format!("00{digits}") }
    };
    vectors(file).into_iter().map(line).collect()
}

fn texts() -> Vec<String> {
    let text = |vector: serde_json::Value| vector["text"].as_str().unwrap().to_owned();
    vectors("text_encode").into_iter().map(text).filter(|text| text.len() < 500).collect()
}

fn read_all(bencher: Bencher<'_, '_>, file: &str, direction: Direction) {
    let lines = lines(file);
    let (mut octets, mut text) = (Vec::new(), String::new());
    bencher.counter(ItemsCount::new(lines.len())).bench_local(|| {
        for line in &lines {
            hex::decode_into(black_box(line), &mut octets).unwrap();
            let pdu = Pdu::decode(&octets, direction).unwrap();
            text.clear();
            if let Some(user_data) = pdu.tpdu.user_data() {
                user_data.text_into(&mut text);
            }
            black_box((&pdu, &text));
        }
    });
}

mod read {
    use super::*;

    #[divan::bench]
    fn deliver(bencher: Bencher<'_, '_>) {
        read_all(bencher, "pdu_deliver", Direction::MobileTerminated);
    }

    #[divan::bench]
    fn submit(bencher: Bencher<'_, '_>) {
        read_all(bencher, "pdu_submit", Direction::MobileOriginated);
    }

    #[divan::bench]
    fn status_report(bencher: Bencher<'_, '_>) {
        read_all(bencher, "pdu_status_report", Direction::MobileTerminated);
    }

    /// What refusing costs: cut and broken PDUs.
    #[divan::bench]
    fn broken(bencher: Bencher<'_, '_>) {
        let lines = lines("pdu_bad");
        let mut octets = Vec::new();
        bencher.counter(ItemsCount::new(lines.len())).bench_local(|| {
            for line in &lines {
                let read = hex::decode_into(black_box(line), &mut octets)
                    .and_then(|()| Pdu::decode(&octets, Direction::MobileTerminated));
                let _ = black_box(read);
            }
        });
    }

    /// The floor: digits to octets and nothing else.
    #[divan::bench]
    fn digits_only(bencher: Bencher<'_, '_>) {
        let lines = lines("pdu_deliver");
        let mut octets = Vec::new();
        bencher.counter(ItemsCount::new(lines.len())).bench_local(|| {
            for line in &lines {
                hex::decode_into(black_box(line), &mut octets).unwrap();
                black_box(&octets);
            }
        });
    }

    /// Three parts to one text.
    #[divan::bench]
    fn parts_joined(bencher: Bencher<'_, '_>) {
        let pdus = smsbridge_codec::split(&"Показание счётчика ".repeat(10), &Default::default()).unwrap();
        bencher.counter(ItemsCount::new(pdus.len())).bench_local(|| join(black_box(&pdus)).unwrap());
    }
}

mod write {
    use super::*;

    #[divan::bench]
    fn submit_texts(bencher: Bencher<'_, '_>) {
        let texts = texts();
        let options = SubmitOptions::default();
        bencher.counter(ItemsCount::new(texts.len())).bench_local(|| {
            for text in &texts {
                black_box(submit("+4915112345678", black_box(text), &options).unwrap());
            }
        });
    }

    #[divan::bench]
    fn deliver_again(bencher: Bencher<'_, '_>) {
        let octets: Vec<Vec<u8>> =
            lines("pdu_deliver").iter().map(|line| hex::decode(line).unwrap()).collect();
        let pdus: Vec<Pdu<'_>> =
            octets.iter().map(|octets| Pdu::decode(octets, Direction::MobileTerminated).unwrap()).collect();
        bencher.counter(ItemsCount::new(pdus.len())).bench_local(|| {
            for pdu in &pdus {
                black_box(black_box(pdu).encode().unwrap());
            }
        });
    }
}
