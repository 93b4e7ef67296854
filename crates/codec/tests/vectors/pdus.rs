//! Whole PDUs: `pdu_*.json`.

use serde_json::{Value, json};
use smsbridge_codec::{Pdu, Tpdu, hex};

use crate::described::described;
use crate::{Differences, direction, label, load, text_of, without_absent};

fn read(vector: &Value) -> Value {
    let digits = text_of(vector, "hex");
    let refused = |error: smsbridge_codec::DecodeError| json!({"error": error.to_string()});
    let octets = match hex::decode(digits) {
        Ok(octets) => octets,
        Err(error) => return refused(error),
    };
    let direction = direction(vector);
    let pdu = if vector["smsc_included"] == true {
        Pdu::decode(&octets, direction)
    } else {
        Tpdu::decode(&octets, direction).map(|tpdu| Pdu { service_centre: None, tpdu })
    };
    match pdu {
        Ok(pdu) => {
            let skipped = if vector["smsc_included"] == true { usize::from(octets[0]) + 1 } else { 0 };
            described(&pdu, octets[skipped])
        }
        Err(error) => refused(error),
    }
}

fn pdu_file(file: &str) {
    let mut differences = Differences::default();
    for (index, vector) in load(file).iter().enumerate() {
        let (expected, got) = (without_absent(&vector["expect"]), without_absent(&read(vector)));
        differences.compare(label(index, vector), &expected, &got);
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
        let got = read(vector);
        if got["error"].is_null() {
            let expected = json!({"error": vector["why"]});
            differences.compare(label(index, vector), &expected, &got);
        }
    }
    differences.finish();
}

/// What is read from a good PDU is written as the same octets, where the octets are what the standard asks for.
#[test]
fn good_pdus_are_written_as_they_were_read() {
    let mut differences = Differences::default();
    let (mut same, mut all) = (0, 0);
    for file in ["pdu_deliver.json", "pdu_submit.json", "pdu_status_report.json", "pdu_other_types.json"] {
        for (index, vector) in load(file).iter().enumerate() {
            let octets = hex::decode(text_of(vector, "hex")).unwrap();
            let octets = if vector["smsc_included"] == true { octets } else { [vec![0], octets].concat() };
            let pdu = Pdu::decode(&octets, direction(vector)).unwrap();
            let written = pdu.encode().unwrap();
            all += 1;
            if written.hex == hex::encode(&octets) {
                same += 1;
                differences.compare(
                    label(index, vector),
                    &vector["tpdu_length"],
                    &json!(written.tpdu_length),
                );
            } else {
                // Reserved bits, ignored tails and octets after the end are not written; the values are.
                let octets = hex::decode(&written.hex).unwrap();
                let again = Pdu::decode(&octets, direction(vector)).unwrap();
                let values = |pdu: &Pdu<'_>| {
                    let mut values = described(pdu, 0);
                    values.as_object_mut().unwrap().remove("tail_ignored");
                    values
                };
                differences.compare(label(index, vector), &values(&pdu), &values(&again));
            }
        }
    }
    differences.finish();
    assert!(same * 100 >= all * 95, "only {same} of {all} came back octet for octet");
}

/// SIM records are 176 octets, a status and the PDU, filled up with FF; some modems hand all of it over.
#[test]
fn padding_of_sim_records_changes_nothing() {
    let mut differences = Differences::default();
    for file in ["pdu_deliver.json", "pdu_submit.json", "pdu_status_report.json", "pdu_bad_time.json"] {
        for (index, vector) in load(file).iter().enumerate() {
            let digits = format!("{:F<350}", text_of(vector, "hex"));
            let mut padded = vector.clone();
            padded["hex"] = digits.into();
            let [mut expected, mut got] = [&vector["expect"], &read(&padded)].map(without_absent);
            for fields in [&mut expected, &mut got] {
                fields.as_object_mut().unwrap().remove("tail_ignored");
            }
            differences.compare(label(index, vector), &expected, &got);
        }
    }
    differences.finish();
}
