//! Whole PDUs: `pdu_*.json`.

use serde_json::{Value, json, to_value};
use smsbridge_codec::analysis::describe;
use smsbridge_codec::{Direction, Pdu, Tpdu, hex};

use crate::{Differences, direction, label, load, text_of, without_absent};

/// The digits with a service centre address in front: an empty one where the vector has none.
fn with_service_centre(vector: &Value) -> String {
    let digits = text_of(vector, "hex");
    if vector["smsc_included"] == true { digits.into() } else { format!("00{digits}") }
}

fn described(digits: &str, direction: Direction) -> Value {
    match describe(digits, direction) {
        Ok(description) => to_value(description).unwrap(),
        Err(error) => json!({"error": error.to_string()}),
    }
}

fn decoded(vector: &Value) -> Value {
    let digits = with_service_centre(vector);
    if vector["smsc_included"] != true
        && let Ok(octets) = hex::decode(&digits)
    {
        let alone = Tpdu::decode(&octets[1..], direction(vector));
        let behind = Pdu::decode(&octets, direction(vector)).map(|pdu| pdu.tpdu);
        assert_eq!(alone.ok(), behind.ok(), "{vector}");
    }
    described(&digits, direction(vector))
}

fn pdu_file(file: &str) {
    let mut differences = Differences::default();
    for (index, vector) in load(file).iter().enumerate() {
        differences.compare(label(index, vector), &vector["expect"], &decoded(vector));
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
        let got = decoded(vector);
        if got["error"].is_null() {
            let expected = json!({"error": vector["why"]});
            differences.compare(label(index, vector), &expected, &got);
        }
    }
    differences.finish();
}

/// Octets that a standard encoder would write are encoded again as they were.
#[test]
fn good_pdus_are_encoded_as_they_were_decoded() {
    let mut differences = Differences::default();
    let (mut same, mut all) = (0, 0);
    for file in ["pdu_deliver.json", "pdu_submit.json", "pdu_status_report.json", "pdu_other_types.json"] {
        for (index, vector) in load(file).iter().enumerate() {
            let (digits, direction) = (with_service_centre(vector).to_uppercase(), direction(vector));
            let encoded = Pdu::decode_hex(&digits, direction).unwrap().encode().unwrap();
            all += 1;
            if encoded.hex == digits {
                same += 1;
                differences.compare(
                    label(index, vector),
                    &vector["tpdu_length"],
                    &json!(encoded.tpdu_length),
                );
            } else {
                // Reserved bits, ignored tails and octets after the end are not encoded; the values are.
                let values = |digits: &str| {
                    let mut values = described(digits, direction);
                    for octets in ["first_octet", "tail_ignored"] {
                        values.as_object_mut().unwrap().remove(octets);
                    }
                    values
                };
                differences.compare(label(index, vector), &values(&digits), &values(&encoded.hex));
            }
        }
    }
    differences.finish();
    assert!(same * 100 >= all * 95, "only {same} of {all} are the same octets again");
}

/// A SIM record is 176 octets: a status, the PDU, and padding of FF. Some modems give all of it.
#[test]
fn padding_of_sim_records_is_ignored() {
    let mut differences = Differences::default();
    for file in ["pdu_deliver.json", "pdu_submit.json", "pdu_status_report.json", "pdu_bad_time.json"] {
        for (index, vector) in load(file).iter().enumerate() {
            let digits = format!("{:F<350}", text_of(vector, "hex"));
            let mut padded = vector.clone();
            padded["hex"] = digits.into();
            let [mut expected, mut got] = [&vector["expect"], &decoded(&padded)].map(without_absent);
            for fields in [&mut expected, &mut got] {
                fields.as_object_mut().unwrap().remove("tail_ignored");
            }
            differences.compare(label(index, vector), &expected, &got);
        }
    }
    differences.finish();
}

#[test]
fn of_a_deliver_cut_within_its_text_the_beginning_is_read() {
    for vector in load("pdu_deliver.json") {
        let digits = with_service_centre(&vector);
        let whole = Pdu::decode_hex(&digits, direction(&vector)).unwrap();
        let Some(text) = whole.tpdu.user_data().unwrap().text() else { continue };
        let octets = whole.tpdu.user_data().unwrap().octets().len();
        for missing in 1..=octets * 2 {
            let cut = &digits[..digits.len() - missing];
            if Pdu::decode_hex(&cut[..cut.len() / 2 * 2], direction(&vector)).is_ok() {
                continue; // Only what stands behind the text is gone.
            }
            let (pdu, is_cut) = Pdu::decode_hex_partial(cut, direction(&vector)).unwrap();
            let read = pdu.tpdu.user_data().unwrap().text().unwrap();
            // A character may be cut as well: an escape alone reads as a space, half a pair as U+FFFD.
            let whole_characters = read.trim_end_matches([' ', char::REPLACEMENT_CHARACTER]);
            assert!(is_cut && text.starts_with(whole_characters), "{cut}: {read:?}");
        }
    }
}
