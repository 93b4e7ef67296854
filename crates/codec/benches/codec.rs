//! How long reading and writing takes, here and in the crate `sms-pdu`: `cargo bench -p smsbridge-codec`.
//!
//! First divan's figures for each function, over the generated corpus of [`corpus`]: reading is from the digits of an AT line
//! to fields and UTF-8 text, writing is from number and text to digits, and a figure is for one pass over all items. Then the
//! comparison in alternating rounds of [`rounds`], in nanoseconds per item. `cargo bench -p smsbridge-codec -- NAME` runs
//! single functions without the comparison.

#![allow(missing_docs, reason = "a benchmark has no readers of its documentation")]
#![allow(clippy::unwrap_used, reason = "a benchmark may fail")]

mod corpus;
mod rounds;

use std::sync::LazyLock;

use corpus::{Corpus, Job, Line};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use sms_pdu::gsm_encoding::GsmMessageData;
use sms_pdu::hex::HexData;
use sms_pdu::pdu::{DeliverPdu, PduAddress, StatusReportPdu, SubmitPdu};
use smsbridge_codec::{Direction, Pdu, SubmitOptions, Tpdu, hex, join, submit};

static CORPUS: LazyLock<Corpus> = LazyLock::new(Corpus::new);

fn main() {
    divan::main();
    // Not under `cargo test`, which only checks that benchmarks run, and not if single functions are requested.
    if std::env::args().skip(1).eq(["--bench".to_owned()]) {
        println!("\nmedian of alternating rounds; {}\n", corpus::describe(&CORPUS));
        compare_reading();
        compare_writing();
    }
}

/// A line to fields and text, with one buffer for octets and one for text, as a program that reads many lines would.
fn read(line: &Line, octets: &mut Vec<u8>, text: &mut String) {
    hex::decode_into(black_box(&line.digits), octets).unwrap();
    let pdu = Pdu::decode(octets, line.direction).unwrap();
    text.clear();
    if let Some(user_data) = pdu.tpdu.user_data() {
        user_data.text_into(text);
    }
    black_box((&pdu, &text));
}

/// The same with everything owned and nothing reused, as `sms-pdu` always does.
fn read_owned(digits: &str) -> (Pdu<'static>, Option<String>) {
    let pdu = Pdu::decode_hex(digits, Direction::MobileTerminated).unwrap();
    let text = match &pdu.tpdu {
        Tpdu::Deliver(deliver) => deliver.user_data.text(),
        _ => None,
    };
    (pdu, text)
}

fn read_with_sms_pdu(digits: &str) -> Option<(DeliverPdu, String)> {
    read_octets_with_sms_pdu(&HexData::decode(digits).ok()?)
}

fn read_octets_with_sms_pdu(octets: &[u8]) -> Option<(DeliverPdu, String)> {
    let pdu = DeliverPdu::try_from(octets).ok()?;
    let text = pdu.get_message_data().decode_message().ok()?.text;
    Some((pdu, text))
}

fn write(job: &Job, options: &SubmitOptions) -> usize {
    black_box(submit(black_box(&job.to), black_box(&job.text), options).unwrap()).len()
}

fn write_with_sms_pdu(job: &Job, digits: impl Fn(&[u8]) -> String) -> usize {
    let to: PduAddress = black_box(&job.to).parse().unwrap();
    let parts = GsmMessageData::encode_message(black_box(&job.text));
    let count = parts.len();
    for data in parts {
        let (octets, length) = SubmitPdu::make_simple_message(to.clone(), data).as_bytes();
        black_box((digits(&octets), length));
    }
    count
}

/// The messages that both read alike: some texts of `sms-pdu` are wrong, and a wrong text may take less time.
fn read_alike() -> Vec<&'static Line> {
    let alike =
        |line: &&Line| read_with_sms_pdu(&line.digits).map(|read| read.1) == read_owned(&line.digits).1;
    CORPUS.delivers.iter().filter(alike).collect()
}

fn compare_reading() {
    let lines = read_alike();
    let (mut octets, mut text) = (Vec::new(), String::new());
    let count = lines.len();
    rounds::compare(
        &format!("read a message to the phone, the {count} of 600 that both read alike"),
        vec![
            (
                "here",
                Box::new(|| {
                    lines.iter().for_each(|line| read(line, &mut octets, &mut text));
                    count
                }),
            ),
            (
                "here, everything owned",
                Box::new(|| {
                    lines.iter().for_each(|line| drop(black_box(read_owned(black_box(&line.digits)))));
                    count
                }),
            ),
            (
                "sms-pdu",
                Box::new(|| {
                    lines.iter().for_each(|line| drop(black_box(read_with_sms_pdu(black_box(&line.digits)))));
                    count
                }),
            ),
            (
                "sms-pdu, digits read by ours",
                Box::new(|| {
                    for line in &lines {
                        let octets = hex::decode(black_box(&line.digits)).unwrap();
                        black_box(read_octets_with_sms_pdu(&octets));
                    }
                    count
                }),
            ),
        ],
    );
    let (mut octets, mut text) = (Vec::new(), String::new());
    let mixed = CORPUS.mixed();
    rounds::compare(
        "read any of the 1,000",
        vec![
            (
                "here",
                Box::new(|| {
                    mixed.iter().for_each(|line| read(line, &mut octets, &mut text));
                    mixed.len()
                }),
            ),
            (
                "digits to octets and nothing else",
                Box::new(|| {
                    let mut octets = Vec::new();
                    for line in &mixed {
                        hex::decode_into(black_box(&line.digits), &mut octets).unwrap();
                        black_box(&octets);
                    }
                    mixed.len()
                }),
            ),
        ],
    );
}

fn compare_writing() {
    let options = SubmitOptions::default();
    let total = |write: &dyn Fn(&Job) -> usize| CORPUS.jobs.iter().map(write).sum();
    rounds::compare(
        "write the texts, a PDU",
        vec![
            ("here", Box::new(|| total(&|job| write(job, &options)))),
            (
                "sms-pdu",
                Box::new(|| total(&|job| write_with_sms_pdu(job, |octets| HexData(octets).to_string()))),
            ),
            (
                "sms-pdu, digits written by ours",
                Box::new(|| total(&|job| write_with_sms_pdu(job, hex::encode))),
            ),
        ],
    );
}

fn over_lines(bencher: Bencher<'_, '_>, lines: &[Line]) {
    let (mut octets, mut text) = (Vec::new(), String::new());
    bencher
        .counter(ItemsCount::new(lines.len()))
        .bench_local(|| lines.iter().for_each(|line| read(line, &mut octets, &mut text)));
}

mod reading {
    use super::*;

    #[divan::bench]
    fn deliver(bencher: Bencher<'_, '_>) {
        over_lines(bencher, &CORPUS.delivers);
    }

    #[divan::bench]
    fn deliver_sms_pdu(bencher: Bencher<'_, '_>) {
        let lines = read_alike();
        bencher.counter(ItemsCount::new(lines.len())).bench_local(|| {
            lines.iter().for_each(|line| drop(black_box(read_with_sms_pdu(black_box(&line.digits)))));
        });
    }

    #[divan::bench]
    fn submit(bencher: Bencher<'_, '_>) {
        over_lines(bencher, &CORPUS.submits);
    }

    #[divan::bench]
    fn status_report(bencher: Bencher<'_, '_>) {
        over_lines(bencher, &CORPUS.status_reports);
    }

    #[divan::bench]
    fn status_report_sms_pdu(bencher: Bencher<'_, '_>) {
        let lines = &CORPUS.status_reports;
        bencher.counter(ItemsCount::new(lines.len())).bench_local(|| {
            for line in lines {
                let octets = HexData::decode(black_box(&line.digits)).unwrap();
                let _ = black_box(StatusReportPdu::try_from(&octets[..]));
            }
        });
    }

    /// The floor: digits to octets and nothing else.
    #[divan::bench]
    fn digits_only(bencher: Bencher<'_, '_>) {
        let lines = CORPUS.mixed();
        let mut octets = Vec::new();
        bencher.counter(ItemsCount::new(lines.len())).bench_local(|| {
            for line in &lines {
                hex::decode_into(black_box(&line.digits), &mut octets).unwrap();
                black_box(&octets);
            }
        });
    }

    /// What an error costs: every message cut short.
    #[divan::bench]
    fn cut_off(bencher: Bencher<'_, '_>) {
        let lines = &CORPUS.delivers;
        let mut octets = Vec::new();
        bencher.counter(ItemsCount::new(lines.len())).bench_local(|| {
            for line in lines {
                hex::decode_into(black_box(&line.digits[..line.digits.len() - 2]), &mut octets).unwrap();
                black_box(Pdu::decode(&octets, line.direction).unwrap_err());
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

mod writing {
    use super::*;

    #[divan::bench]
    fn texts(bencher: Bencher<'_, '_>) {
        let options = SubmitOptions::default();
        bencher
            .counter(ItemsCount::new(CORPUS.jobs.len()))
            .bench_local(|| CORPUS.jobs.iter().map(|job| write(job, &options)).sum::<usize>());
    }

    #[divan::bench]
    fn texts_sms_pdu(bencher: Bencher<'_, '_>) {
        bencher.counter(ItemsCount::new(CORPUS.jobs.len())).bench_local(|| {
            let write = |job| write_with_sms_pdu(job, |octets| HexData(octets).to_string());
            CORPUS.jobs.iter().map(write).sum::<usize>()
        });
    }

    /// Counting without encoding: what a form does at every key press.
    #[divan::bench]
    fn texts_counted(bencher: Bencher<'_, '_>) {
        let options = SubmitOptions::default();
        bencher.counter(ItemsCount::new(CORPUS.jobs.len())).bench_local(|| {
            let count =
                |job: &Job| smsbridge_codec::count(black_box(&job.text), &options.split).unwrap().parts;
            CORPUS.jobs.iter().map(count).sum::<usize>()
        });
    }
}
