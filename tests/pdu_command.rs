//! `smsbridge pdu`: octets to JSON and back, for people who look into a modem's log.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::contract;
use crate::harness::gateway::program;
use crate::harness::process::code;

/// Runs `smsbridge pdu` with lines on its standard input.
fn pdu(arguments: &[&str], lines: &[String]) -> Output {
    let folder = TempDir::with_prefix("smsbridge-pdu-").expect("a temporary folder");
    let mut command = program(folder.path());
    command.arg("pdu").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let mut input = child.stdin.take().expect("a pipe");
    let text = lines.join("\n") + "\n";
    // On a thread of its own: both pipes may fill up.
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("its output");
    writer.join().expect("the writing thread").expect("all lines written");
    output
}

fn json_lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn vectors(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../codec/tests/vectors").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).expect("a list of vectors")
}

/// Absent, null and empty are the same in the vectors.
fn without_empty(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let full = map.iter().map(|(key, value)| (key.clone(), without_empty(value)));
            Value::Object(full.filter(|(_, value)| !is_empty(value)).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(without_empty).collect()),
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null()
        || value == ""
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Each line is the `expect` of its vector; a lenient one may be refused as well.
fn every_vector_decodes(file: &str, direction: &str) {
    let vectors: Vec<Value> =
        vectors(file).into_iter().filter(|vector| vector["direction"] == direction).collect();
    let lines: Vec<String> = vectors
        .iter()
        .map(|vector| {
            let hex = vector["hex"].as_str().expect("hex");
            if vector["smsc_included"] == true { hex.to_owned() } else { format!("00{hex}") }
        })
        .collect();
    let output = pdu(&["decode", "--direction", direction, "--json"], &lines);
    let decoded = json_lines(&output);
    assert_eq!(decoded.len(), vectors.len(), "one line a PDU: {}", String::from_utf8_lossy(&output.stderr));
    let mut faults = Vec::new();
    for (vector, got) in vectors.iter().zip(&decoded) {
        let refused = got["error"].is_string();
        if refused && (vector["lenient"] == true || vector["expect"]["error"] == true) {
            continue;
        }
        let (got, want) = (without_empty(got), without_empty(&vector["expect"]));
        if got != want {
            faults.push(format!("{}\n  got  {got}\n  want {want}", vector["id"]));
        }
    }
    assert!(faults.is_empty(), "{} of {} differ:\n{}", faults.len(), vectors.len(), faults.join("\n"));
}

#[test]
fn received_messages_decode() {
    every_vector_decodes("pdu_deliver.json", "mt");
}

#[test]
fn sent_messages_decode() {
    every_vector_decodes("pdu_submit.json", "mo");
}

#[test]
fn status_reports_decode() {
    every_vector_decodes("pdu_status_report.json", "mt");
}

#[test]
fn nonsense_is_an_error_in_words() {
    let lines = ["zz".to_owned(), "0".to_owned(), "00".to_owned(), "04".repeat(8)];
    let output = pdu(&["decode", "--json"], &lines);
    let decoded = json_lines(&output);
    assert_eq!(decoded.len(), lines.len());
    for (line, got) in lines.iter().zip(&decoded) {
        assert!(got["error"].as_str().is_some_and(|words| words.len() > 5), "{line}: {got}");
    }
}

#[test]
fn what_is_encoded_decodes_to_the_same() {
    let text = "Счёт 12345 оплачен 👍. ".repeat(8);
    let request = json!({"to": "+4915112345678", "text": text, "encoding": "auto", "delivery_report": true, "reference": 9});
    let output = pdu(&["encode", "--json"], &[request.to_string()]);
    assert_eq!(code(output.status), 0, "{}", String::from_utf8_lossy(&output.stderr));
    contract::assert_printed("pdu-encode-answer", &output.stdout);
    assert_eq!(contract::mistakes("pdu-encode-request", &request), Vec::<String>::new());
    let encoded = json_lines(&output);
    let pdus = encoded[0]["pdus"].as_array().expect("a list of PDUs");
    let hexes: Vec<String> = pdus.iter().map(|pdu| pdu["hex"].as_str().expect("hex").to_owned()).collect();
    for (pdu, hex) in pdus.iter().zip(&hexes) {
        // AT+CMGS counts the octets behind the service centre, which is one octet here.
        assert_eq!(pdu["length"], hex.len() / 2 - 1);
    }
    let decoded = json_lines(&pdu(&["decode", "--direction", "mo", "--json"], &hexes));
    let together: String = decoded.iter().map(|part| part["text"].as_str().unwrap_or_default()).collect();
    assert_eq!(together, text);
    for (n, part) in decoded.iter().enumerate() {
        assert_eq!(part["to"]["display"], "+4915112345678");
        assert_eq!((&part["concat"]["reference"], &part["concat"]["sequence"]), (&json!(9), &json!(n + 1)));
    }
}
