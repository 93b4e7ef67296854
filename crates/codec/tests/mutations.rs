//! Decoding survives any octets: it neither panics nor loops, and allocates at most a small multiple of its input. The inputs
//! are good PDUs and pages with a few octets changed, cut or doubled, which is closer to a corrupt line than random octets.
//!
//! The seed is printed; `SMSBRIDGE_MUTATION_SEED` repeats a run. `SMSBRIDGE_MUTATIONS` is the number of inputs; the default
//! takes a second or two in a debug build:
//!
//! ```text
//! SMSBRIDGE_MUTATIONS=10000000 cargo test --release -p smsbridge-codec --test mutations -- --nocapture
//! ```

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail a test")]

mod random;

use std::hint::black_box;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use random::Random;
use smsbridge_codec::{Address, Direction, Pdu, Tpdu, UserData, cbs, gsm7, hex, join, mms};

/// The limit of what may be allocated: octets per octet of input, and octets for any input. The most expensive input is one
/// part of 255: joining it takes a list of 255 places.
const MAX_PER_OCTET: u64 = 30;
const MAX_PER_INPUT: u64 = 5_000;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

fn random() -> Random {
    use std::hash::BuildHasher;
    let seed = from_environment("SMSBRIDGE_MUTATION_SEED");
    let seed = seed.unwrap_or_else(|| std::hash::RandomState::new().hash_one(0));
    println!("SMSBRIDGE_MUTATION_SEED={seed}");
    Random(seed)
}

fn originals() -> Vec<Vec<u8>> {
    let mut originals: Vec<Vec<u8>> = Vec::new();
    let vectors = |file: &str| -> Vec<serde_json::Value> {
        let path = format!("{}/tests/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    for file in ["pdu_deliver", "pdu_submit", "pdu_status_report", "pdu_other_types", "pdu_bad", "cbs"] {
        let vectors = vectors(file);
        originals.extend(vectors.iter().filter_map(|vector| hex::decode(vector["hex"].as_str()?).ok()));
    }
    // What multimedia notifications carry, without the PDUs around it.
    originals.extend(vectors("mms").iter().map(|vector| {
        let lines = vector["hex"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
        let pdus = lines.map(|line| Pdu::decode_hex(line, Direction::MobileTerminated).unwrap());
        pdus.flat_map(|pdu| pdu.tpdu.user_data().unwrap().data().to_vec()).collect()
    }));
    // The UMTS form of the same pages, each as a message of two pages.
    let pages: Vec<Vec<u8>> =
        originals.iter().filter(|octets| octets.len() == cbs::PAGE_OCTETS).cloned().collect();
    originals.extend(pages.iter().map(|page| {
        let (serial, identifier, dcs, content) = (&page[..2], &page[2..4], page[4], &page[6..]);
        [&[1], identifier, serial, &[dcs, 2], content, &[82], content, &[40]].concat()
    }));
    originals
}

/// Changes, removes or inserts octets at one to four places.
fn damage(random: &mut Random, original: &[u8], octets: &mut Vec<u8>) {
    octets.clear();
    octets.extend_from_slice(original);
    for _ in 0..1 + random.below(4) {
        if octets.is_empty() {
            return;
        }
        let at = random.below(octets.len());
        match random.below(6) {
            0 => octets.truncate(at),
            1 => octets[at] ^= 1 << random.below(8),
            2 => octets[at] = random.next() as u8,
            3 => octets.insert(at, random.next() as u8),
            4 => octets.extend_from_within(at..),
            _ => octets[at] = [0x00, 0x7F, 0x80, 0xFF][random.below(4)],
        }
    }
}

/// Decodes octets in every way there is, reads every value, and encodes again what was decoded.
fn decode_everything(octets: &[u8]) {
    for direction in [Direction::MobileTerminated, Direction::MobileOriginated] {
        check_tpdu(Tpdu::decode(octets, direction), octets, direction);
        check_tpdu(Pdu::decode(octets, direction).map(|pdu| pdu.tpdu), octets, direction);
    }
    if let Ok(page) = cbs::Page::decode(octets) {
        black_box((page.text(), page.language(), page.elements().count()));
        cbs::join([&page, &page]).unwrap();
    }
    if let Ok(pages) = cbs::decode_umts(octets) {
        cbs::join(&pages).unwrap();
    }
    if let Ok(cbs::Received::Pages(pages)) = cbs::decode(octets) {
        cbs::join(&pages).unwrap();
    }
    black_box(mms::MmsNotification::decode(octets));
    black_box((Address::decode(octets).ok(), Address::decode_rp(octets).ok(), gsm7::unpack_ussd(octets)));
}

/// Decodes what came of a PDU.
fn decode_partially(octets: &[u8]) {
    for direction in [Direction::MobileTerminated, Direction::MobileOriginated] {
        if let Ok((pdu, is_cut)) = Pdu::decode_hex_partial(&hex::encode(octets), direction) {
            assert_eq!(is_cut, Pdu::decode(octets, direction).is_err());
            check_tpdu(Ok(pdu.tpdu), octets, direction);
        }
    }
}

fn check_tpdu(tpdu: Result<Tpdu<'_>, smsbridge_codec::DecodeError>, octets: &[u8], direction: Direction) {
    let tpdu = match tpdu {
        Ok(tpdu) => tpdu,
        Err(error) => return assert!(error.octet <= octets.len(), "{error}"),
    };
    if let Some(user_data) = tpdu.user_data() {
        black_box((user_data.text(), user_data.concatenation(), user_data.ports()));
        user_data.elements().for_each(|element| _ = black_box(element.information()));
        join([user_data, user_data]).unwrap();
    }
    let mut written = Vec::new();
    tpdu.encode_into(&mut written).unwrap();
    let again = Tpdu::decode(&written, direction).unwrap();
    assert_eq!(again.user_data(), tpdu.user_data());
}

#[test]
fn decoding_survives_damaged_pdus() {
    let mut random = random();
    let inputs = from_environment("SMSBRIDGE_MUTATIONS").unwrap_or(20_000);
    let originals = originals();
    let (mut octets, mut longest, mut most) = (Vec::new(), Duration::ZERO, 0);
    for _ in 0..inputs {
        let original = &originals[random.below(originals.len())];
        damage(&mut random, original, &mut octets);
        let begin = Instant::now();
        let allocated = measure(|| decode_everything(&octets)).bytes_total;
        longest = longest.max(begin.elapsed());
        decode_partially(&octets);
        most = most.max(allocated);
        let limit = MAX_PER_INPUT + MAX_PER_OCTET * octets.len() as u64;
        assert!(allocated <= limit, "{allocated} octets for {}", hex::encode(&octets));
    }
    println!("{inputs} inputs; at most {longest:?} and {most} octets allocated for one");
}

#[test]
fn parts_of_different_messages_are_refused_or_joined() {
    let mut random = random();
    let originals = originals();
    let inputs = from_environment("SMSBRIDGE_MUTATIONS").unwrap_or(20_000) / 10;
    let read = |octets: &'static [u8]| Tpdu::decode(octets, Direction::MobileTerminated).ok();
    let originals: &'static [Vec<u8>] = originals.leak();
    let tpdus: Vec<Tpdu<'_>> = originals.iter().filter_map(|octets| read(octets)).collect();
    let pages: Vec<_> = originals.iter().filter_map(|octets| cbs::Page::decode(octets).ok()).collect();
    for _ in 0..inputs {
        let parts: Vec<&UserData<'_>> =
            (0..random.below(5)).filter_map(|_| tpdus[random.below(tpdus.len())].user_data()).collect();
        let _ = black_box(join(parts.iter().copied()));
        let pages: Vec<_> = (0..random.below(5)).map(|_| &pages[random.below(pages.len())]).collect();
        let _ = black_box(cbs::join(pages.iter().copied()));
    }
}

#[test]
fn random_octets_are_decoded_or_refused() {
    let mut random = random();
    let mut octets = Vec::new();
    for _ in 0..5_000 {
        octets.clear();
        octets.extend((0..random.below(200)).map(|_| random.next() as u8));
        decode_everything(&octets);
    }
}
