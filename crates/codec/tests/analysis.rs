//! The feature `analysis` on every PDU of the vectors: the rows hold every octet once, and those of a PDU that is cut
//! anywhere, every octet before the cut. (What `describe` gives is compared with the vectors in `vectors/`.)

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail a test")]

use proptest::prelude::*;
use serde_json::Value;
use smsbridge_codec::analysis::{Analysis, analyze, describe};
use smsbridge_codec::{DecodeErrorKind, Direction, hex};

/// A PDU of the vectors, with a service centre address.
struct Vector {
    id: String,
    digits: String,
    direction: Direction,
}

fn vectors(files: &[&str]) -> Vec<Vector> {
    let mut all = Vec::new();
    for file in files {
        let path = format!("{}/tests/vectors/pdu_{file}.json", env!("CARGO_MANIFEST_DIR"));
        let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        all.extend(vectors.iter().map(|vector| {
            let digits = vector["hex"].as_str().unwrap();
            let mo = vector["direction"] == "mo";
            Vector {
                id: vector["id"].to_string(),
                digits: if vector["smsc_included"] == true { digits.into() } else { format!("00{digits}") },
                direction: if mo { Direction::MobileOriginated } else { Direction::MobileTerminated },
            }
        }));
    }
    assert!(!all.is_empty());
    all
}

const GOOD: [&str; 5] = ["deliver", "submit", "status_report", "other_types", "bad_time"];

/// Fails unless the rows follow each other without a gap; gives the octets of all of them.
fn octets(analysis: &Analysis) -> String {
    let mut octets = Vec::new();
    for row in &analysis.rows {
        assert_eq!(row.offset, octets.len(), "{analysis}");
        assert!(!row.octets.is_empty(), "{analysis}");
        octets.extend_from_slice(&row.octets);
    }
    hex::encode(&octets)
}

#[test]
fn the_rows_hold_every_octet_once() {
    for Vector { id, digits, direction } in vectors(&GOOD) {
        let analysis = analyze(&digits, direction);
        assert_eq!(analysis.error, None, "{id}");
        assert_eq!(octets(&analysis), digits.to_uppercase(), "{id}\n{analysis}");
    }
}

#[test]
fn the_table_shows_every_octet_once() {
    for Vector { id, digits, direction } in vectors(&GOOD) {
        let table = analyze(&digits, direction).to_string();
        let columns = table.lines().map(|line| line.get(5..line.len().min(35)).unwrap());
        let shown: String = columns.flat_map(|column| column.chars().filter(|digit| *digit != ' ')).collect();
        assert_eq!(shown, digits.to_uppercase(), "{id}\n{table}");
    }
}

#[test]
fn a_broken_pdu_has_an_error_and_is_not_described() {
    for Vector { id, digits, direction } in vectors(&["bad"]) {
        let analysis = analyze(&digits, direction);
        assert!(analysis.error.is_some(), "{id}\n{analysis}");
        assert!(analysis.to_string().contains("error: "), "{id}\n{analysis}");
        assert!(describe(&digits, direction).is_err(), "{id}");
    }
}

#[test]
fn a_pdu_cut_anywhere_is_explained_up_to_the_cut() {
    for Vector { id, digits, direction } in vectors(&[&GOOD[..4], &["bad"]].concat()) {
        for cut in (0..=digits.len().min(120)).step_by(2) {
            let Some(cut) = digits.get(..cut) else { continue };
            let analysis = analyze(cut, direction);
            assert_eq!(analysis.error, describe(cut, direction).err(), "{id}\n{analysis}");
            if hex::decode(cut).is_ok() {
                assert_eq!(octets(&analysis), cut.to_uppercase(), "{id}\n{analysis}");
            }
        }
    }
}

#[test]
fn fields_before_the_error_are_explained() {
    let analysis = analyze("00040B911346610089F60000208062", Direction::MobileTerminated);
    let rows: Vec<_> = analysis.rows.iter().map(|row| (row.name, &row.meaning[..])).collect();
    assert_eq!(rows[2], ("TP-OA", "+31641600986 (international, numbering plan 1)"));
    assert_eq!(rows[5], ("TP-SCTS", "cannot be decoded"));
    assert_eq!(analysis.rows[5].octets, [0x20, 0x80, 0x62]);
    assert_eq!(
        analysis.to_string().lines().last(),
        Some("error: TP-SCTS at octet 12: needs 7 octets, 3 remain")
    );
}

#[test]
fn fields_before_a_bad_digit_are_explained() {
    let analysis = analyze("00040B911346610089F6?", Direction::MobileTerminated);
    assert_eq!(analysis.rows[2].meaning, "+31641600986 (international, numbering plan 1)");
    let error = analysis.error.unwrap();
    assert_eq!((error.octet, error.kind), (10, DecodeErrorKind::OddDigits));
}

#[test]
fn control_characters_of_a_text_are_escaped() {
    // An escape sequence for terminals, and a character that reverses the text after it.
    let text = "\u{1B}[2J\u{202E}";
    let digits: String = text.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
    let analysis = analyze(
        &format!("0001000B916407281553F80008{:02X}{digits}", digits.len() / 2),
        Direction::MobileOriginated,
    );
    assert_eq!(analysis.rows.last().unwrap().meaning, r#""\u{1b}[2J\u{202e}""#);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_octets_are_explained_or_named_in_the_error(random in prop::collection::vec(any::<u8>(), 0..200), mo: bool) {
        let direction = if mo { Direction::MobileOriginated } else { Direction::MobileTerminated };
        let digits = hex::encode(&random);
        let analysis = analyze(&digits, direction);
        prop_assert_eq!(octets(&analysis), &digits[..]);
        prop_assert_eq!(analysis.error, describe(&digits, direction).err());
    }
}
