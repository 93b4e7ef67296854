//! Owns `smsbridge pdu decode` and `smsbridge pdu encode`: a line in, an answer out, written before the next line is read,
//! so that another program can keep one process and ask it.
//!
//! What PDUs mean is the codec's; here are only their form as JSON and as a table for people. Lines come from anywhere,
//! so each one is answered, with an error if need be. It must never open a modem, a store or a network connection.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};
use smsbridge_codec::{
    Direction, Encoding, MessageClass, Pdu, Reference, ReportRequest, SplitOptions, SubmitOptions, Validity,
    hex, submit,
};

mod analysis;
mod described;

/// Reads hexadecimal PDUs, service centre address in front, one a line. With `json` each becomes one line: the fields, or
/// `{"error": "..."}`. Without, each becomes a table of fields with their octets and an empty line; of a broken PDU it has the
/// fields before the error.
///
/// Says whether every line was a PDU.
///
/// # Errors
/// Only those of reading and writing.
pub fn decode(
    input: impl BufRead,
    mut output: impl Write,
    direction: Direction,
    json: bool,
) -> io::Result<bool> {
    let mut octets = Vec::new();
    let mut all = true;
    for_each_line(input, |line| {
        let read = hex::decode_into(line, &mut octets).and_then(|()| Pdu::decode(&octets, direction));
        match read {
            Ok(pdu) if json => write_json(&mut output, &described::pdu(&pdu, &octets))?,
            Ok(pdu) => analysis::write(&mut output, &pdu, &octets)?,
            Err(error) => {
                all = false;
                if json {
                    write_json(&mut output, &Refusal { error: error.to_string() })?;
                } else {
                    analysis::write_broken(&mut output, &octets, direction, error)?;
                }
            }
        }
        output.flush()
    })?;
    Ok(all)
}

/// Reads requests, one JSON object a line, and writes the PDUs each becomes, one JSON object a line.
///
/// Says whether every line was a request that could be sent.
///
/// # Errors
/// Only those of reading and writing.
pub fn encode(input: impl BufRead, mut output: impl Write) -> io::Result<bool> {
    let mut all = true;
    for_each_line(input, |line| {
        match pdus(line) {
            Ok(pdus) => write_json(&mut output, &Encoded { pdus })?,
            Err(error) => {
                all = false;
                write_json(&mut output, &Refusal { error })?;
            }
        }
        output.flush()
    })?;
    Ok(all)
}

#[derive(Serialize)]
struct Refusal {
    error: String,
}

#[derive(Serialize)]
struct Encoded {
    pdus: Vec<EncodedPdu>,
}

#[derive(Serialize)]
struct EncodedPdu {
    hex: String,
    /// The number in `AT+CMGS=`.
    length: usize,
}

/// A request of `pdu encode`. Not that of `sms/send`: there is no modem here, and no time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    to: String,
    text: String,
    #[serde(default)]
    encoding: Encoding,
    #[serde(default)]
    delivery_report: bool,
    /// Rounded up to what a relative validity period can say.
    #[serde(default)]
    validity_minutes: Option<u32>,
    /// Message class 0.
    #[serde(default)]
    flash: bool,
    /// TP-MR of the first part and the concatenation reference; over 255 the latter has 16 bits.
    #[serde(default)]
    reference: u16,
}

fn pdus(line: &str) -> Result<Vec<EncodedPdu>, String> {
    let request: Request = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let reference = match u8::try_from(request.reference) {
        Ok(reference) => Reference::EightBit(reference),
        Err(_) => Reference::SixteenBit(request.reference),
    };
    let options = SubmitOptions::default()
        .with_split(SplitOptions::default().with_encoding(request.encoding).with_reference(reference))
        .with_message_reference(request.reference as u8)
        .with_report(if request.delivery_report { ReportRequest::EachPart } else { ReportRequest::None })
        .with_validity(request.validity_minutes.map(Validity::from_minutes))
        .with_class(request.flash.then_some(MessageClass::Class0));
    let pdus = submit(&request.to, &request.text, &options).map_err(|error| error.to_string())?;
    Ok(pdus.into_iter().map(|pdu| EncodedPdu { hex: pdu.hex, length: pdu.tpdu_length }).collect())
}

/// Hands over each line without the white space around it. Octets that are no UTF-8 become characters that are neither
/// hexadecimal nor JSON, so that such a line is answered like any other bad one.
fn for_each_line(mut input: impl BufRead, mut each: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        each(String::from_utf8_lossy(&line).trim())?;
    }
}

fn write_json(output: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, value)?;
    writeln!(output)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;

    fn vectors(file: &str) -> Vec<Value> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../codec/tests/vectors");
        serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap()
    }

    fn decoded(line: &str, direction: Direction, json: bool) -> (String, bool) {
        let mut output = Vec::new();
        let all = decode(format!("{line}\n").as_bytes(), &mut output, direction, json).unwrap();
        (String::from_utf8(output).unwrap(), all)
    }

    fn line(vector: &Value) -> String {
        let digits = vector["hex"].as_str().unwrap();
        if vector["smsc_included"] == true { digits.into() } else { format!("00{digits}") }
    }

    fn direction(vector: &Value) -> Direction {
        if vector["direction"] == "mo" { Direction::MobileOriginated } else { Direction::MobileTerminated }
    }

    #[test]
    fn every_vector_comes_out_as_the_fields_it_expects() {
        let mut count = 0;
        for file in ["deliver", "submit", "status_report", "other_types", "bad_time"] {
            for vector in vectors(&format!("pdu_{file}.json")) {
                let (output, all) = decoded(&line(&vector), direction(&vector), true);
                let got: Value = serde_json::from_str(&output).unwrap();
                assert_eq!(got, vector["expect"], "{}", vector["id"]);
                assert!(all && output.ends_with('\n') && output.lines().count() == 1, "{output}");
                count += 1;
            }
        }
        assert_eq!(count, 455);
    }

    #[test]
    fn every_broken_vector_comes_out_as_one_error() {
        for vector in vectors("pdu_bad.json") {
            for json in [true, false] {
                let (output, all) = decoded(&line(&vector), direction(&vector), json);
                assert!(!all && output.contains("error"), "{}: {output}", vector["id"]);
            }
        }
    }

    /// The table leaves out no octet and tells none twice.
    #[test]
    fn the_table_has_every_octet_in_its_place() {
        for file in ["deliver", "submit", "status_report", "other_types", "bad_time"] {
            for vector in vectors(&format!("pdu_{file}.json")) {
                let line = line(&vector);
                let (output, all) = decoded(&line, direction(&vector), false);
                assert!(all, "{output}");
                let octets: String = output.lines().filter_map(analysis::octets_of_line).collect();
                assert_eq!(octets, line.to_uppercase(), "{}\n{output}", vector["id"]);
            }
        }
    }

    /// Of a message cut off anywhere the table has the fields before the cut, and then the octets that are left.
    #[test]
    fn the_table_of_a_broken_pdu_ends_with_the_octets_that_cannot_be_read() {
        for file in ["deliver", "submit", "status_report", "other_types", "bad"] {
            for vector in vectors(&format!("pdu_{file}.json")) {
                let whole = line(&vector);
                for cut in (0..=whole.len().min(120)).step_by(2) {
                    let Some(cut) = whole.get(..cut) else { continue };
                    let (output, all) = decoded(cut, direction(&vector), false);
                    let table = output.lines().filter(|line| !line.starts_with("error: "));
                    let octets: String = table.filter_map(analysis::octets_of_line).collect();
                    if hex::decode(cut).is_ok() {
                        assert_eq!(octets, cut.to_uppercase(), "{}\n{output}", vector["id"]);
                    }
                    assert_eq!(all, !output.contains("\nerror: ") && !output.starts_with("error: "));
                }
            }
        }
    }

    #[test]
    fn fields_before_the_error_are_explained() {
        let (output, _) = decoded("00040B911346610089F60000208062", Direction::MobileTerminated, false);
        let lines: Vec<&str> = output.lines().collect();
        assert!(lines[2].contains("TP-OA") && lines[2].contains("+31641600986"), "{output}");
        assert!(lines[5].contains("20 80 62") && lines[5].contains("TP-SCTS"), "{output}");
        assert_eq!(lines[6], "error: TP-SCTS at octet 12: needs 7 octets, 3 remain");
        let (output, _) = decoded("00040B911346610089F6?", Direction::MobileTerminated, false);
        assert!(output.contains("+31641600986") && output.contains("error: hex at octet 10"), "{output}");
    }

    #[test]
    fn lines_are_answered_one_by_one_whatever_they_are() {
        let input = b"\r\nxyz\n\xFF\xFE\n 00040B911346610089F600002080629173144800 \n";
        let mut output = Vec::new();
        assert!(!decode(&input[..], &mut output, Direction::MobileTerminated, true).unwrap());
        let output = String::from_utf8(output).unwrap();
        let errors: Vec<bool> = output.lines().map(|line| line.starts_with(r#"{"error":"#)).collect();
        assert_eq!(errors, [true, true, true, false]);
    }

    #[test]
    fn a_request_becomes_pdus_that_decode_to_it() {
        let input = json!({
            "to": "+4915112345678", "text": "Zähler ".repeat(30), "encoding": "auto", "delivery_report": true,
            "validity_minutes": 61, "flash": true, "reference": 255,
        });
        let mut output = Vec::new();
        assert!(encode(format!("{input}\n").as_bytes(), &mut output).unwrap());
        let output: Value = serde_json::from_slice(&output).unwrap();
        let pdus = output["pdus"].as_array().unwrap();
        assert_eq!(pdus.len(), 2);
        for (index, pdu) in pdus.iter().enumerate() {
            let digits = pdu["hex"].as_str().unwrap();
            assert_eq!(pdu["length"], digits.len() / 2 - 1);
            let (read, _) = decoded(digits, Direction::MobileOriginated, true);
            let read: Value = serde_json::from_str(&read).unwrap();
            assert_eq!(read["to"]["display"], "+4915112345678");
            assert_eq!(read["class"], 0);
            assert_eq!(read["report_request"], true);
            assert_eq!(read["validity"]["minutes"], 65);
            assert_eq!(read["reference"], [255, 0][index]);
            assert_eq!(
                read["concat"],
                json!({"reference": 255, "total": 2, "sequence": index + 1, "bits": 8})
            );
        }
    }

    #[test]
    fn a_request_that_cannot_be_sent_says_why() {
        let input = concat!(
            r#"{"to":"+49151","text":"x","ttl":5}"#,
            "\n",
            r#"{"to":"+49 151","text":"x"}"#,
            "\n",
            r#"{"to":"+49151","text":"Ж","encoding":"gsm7"}"#,
            "\nno JSON\n\n",
            r#"{"to":"+49151","text":"x"}"#,
        );
        let mut output = Vec::new();
        assert!(!encode(input.as_bytes(), &mut output).unwrap());
        let output = String::from_utf8(output).unwrap();
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines.len(), 6);
        assert!(lines[0].contains("unknown field `ttl`"), "{}", lines[0]);
        assert_eq!(lines[1], r#"{"error":"number: character 4 cannot be encoded"}"#);
        assert_eq!(lines[2], r#"{"error":"text: character 1 cannot be encoded"}"#);
        assert!(lines[3].starts_with(r#"{"error":"#) && lines[4].starts_with(r#"{"error":"#));
        assert_eq!(lines[5], r#"{"pdus":[{"hex":"00010005919451F100000178","length":11}]}"#);
    }
}
