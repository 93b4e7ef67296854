//! The crate `sms-pdu` beside this one, over the items of the test vectors that both can take.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use sms_pdu::gsm_encoding::GsmMessageData;
use sms_pdu::pdu::{DeliverPdu, SubmitPdu, PduAddress};
use smsbridge_codec::{Direction, Pdu, SubmitOptions, Tpdu, hex, submit};

fn main() {
    divan::main();
}

fn vectors(file: &str) -> Vec<serde_json::Value> {
    let path = format!("{}/../../tests/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Messages that both read, whatever they make of them.
fn lines() -> Vec<String> {
    let line = |vector: serde_json::Value| {
        let digits = vector["hex"].as_str().unwrap();
        if vector["smsc_included"] == true { digits.to_owned() } else { format!("00{digits}") }
    };
    let readable = |line: &String| {
        DeliverPdu::try_from(&hex::decode(line).unwrap()[..])
            .is_ok_and(|pdu| pdu.get_message_data().decode_message().is_ok())
    };
    vectors("pdu_deliver").into_iter().map(line).filter(readable).collect()
}

fn texts() -> Vec<String> {
    let text = |vector: serde_json::Value| vector["text"].as_str().unwrap().to_owned();
    vectors("text_encode").into_iter().map(text).filter(|text| text.len() < 500).collect()
}

#[divan::bench]
fn deliver_sms_pdu(bencher: Bencher<'_, '_>) {
    let lines = lines();
    bencher.counter(ItemsCount::new(lines.len())).bench_local(|| {
        for line in &lines {
            let octets = hex::decode(black_box(line)).unwrap();
            let pdu = DeliverPdu::try_from(&octets[..]).unwrap();
            let text = pdu.get_message_data().decode_message().unwrap();
            black_box((pdu, text));
        }
    });
}

#[divan::bench]
fn deliver_smsbridge(bencher: Bencher<'_, '_>) {
    let lines = lines();
    bencher.counter(ItemsCount::new(lines.len())).bench_local(|| {
        for line in &lines {
            let octets = hex::decode(black_box(line)).unwrap();
            let pdu = Pdu::decode(&octets, Direction::MobileTerminated).unwrap();
            let text = match &pdu.tpdu {
                Tpdu::Deliver(deliver) => deliver.user_data.text(),
                _ => None,
            };
            black_box((pdu, text));
        }
    });
}

#[divan::bench]
fn submit_sms_pdu(bencher: Bencher<'_, '_>) {
    let texts = texts();
    bencher.counter(ItemsCount::new(texts.len())).bench_local(|| {
        for text in &texts {
            let to: PduAddress = "+4915112345678".parse().unwrap();
            for data in GsmMessageData::encode_message(black_box(text)) {
                let (octets, length) = SubmitPdu::make_simple_message(to.clone(), data).as_bytes();
                black_box((hex::encode(&octets), length));
            }
        }
    });
}

#[divan::bench]
fn submit_smsbridge(bencher: Bencher<'_, '_>) {
    let texts = texts();
    let options = SubmitOptions::default();
    bencher.counter(ItemsCount::new(texts.len())).bench_local(|| {
        for text in &texts {
            black_box(submit("+4915112345678", black_box(text), &options).unwrap());
        }
    });
}
