//! PDUs of real phones and networks, put on the SIM, arrive at a real broker as JSON.
//!
//! The vectors are the codec's, each with its source; see crates/codec/tests/vectors/README.md.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::harness::modem::ModemOptions;
use crate::harness::rig::{self, Rig};
use crate::harness::wait::wait_until;

/// Parts of one message are stamped together; further apart they belong to two.
const SAME_SET_SECONDS: i64 = 60 * 60;

struct Vector {
    id: String,
    /// As it lies on the SIM: with a service centre, be it an empty one.
    hex: String,
    expect: Value,
    /// Refusing it is right too.
    lenient: bool,
}

/// What should come out: one message of one PDU, or of the parts that are there.
struct Expected<'a> {
    parts: Vec<&'a Vector>,
    missing: Vec<u64>,
}

#[test]
fn every_vector() {
    let vectors = read_vectors();
    let expected = expected_messages(&vectors);
    let options = ModemOptions { slots: vectors.len(), ..ModemOptions::default() };
    let mut rig = Rig::prepare(&options, |config| {
        config.set("inbound", "include_pdu", true);
        config.set("inbound", "reassembly_timeout_s", 2);
    });
    for vector in &vectors {
        assert!(rig.modem.put_on_sim(&vector.hex), "the SIM has a slot for {}", vector.id);
    }
    rig.start_gateway();

    let published = wait_for_all(&rig, &vectors);
    let faults: Vec<String> = expected
        .iter()
        .filter_map(|expected| difference(expected, &published).map(|d| explain(expected, &d)))
        .collect();
    println!("{} PDUs, {} messages, {} wrong", vectors.len(), expected.len(), faults.len());
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    wait_until("the SIM to be empty", || rig.modem.stored() == 0);
}

fn read_vectors() -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../codec/tests/vectors/pdu_deliver.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let list: Vec<Value> = serde_json::from_str(&text).expect("a list of vectors");
    assert!(list.len() > 250, "only {} vectors", list.len());
    list.iter()
        .map(|vector| {
            let hex = vector["hex"].as_str().expect("hex").to_uppercase();
            let included = vector["smsc_included"] == true;
            Vector {
                id: vector["id"].as_str().expect("an id").to_owned(),
                hex: if included { hex } else { format!("00{hex}") },
                expect: vector["expect"].clone(),
                lenient: vector["lenient"] == true,
            }
        })
        .collect()
}

/// The contract's rule for what belongs together: sender, reference, its width, total, a free sequence
/// and nearly the same time stamp.
fn expected_messages(vectors: &[Vector]) -> Vec<Expected<'_>> {
    let mut messages: Vec<Expected> = Vec::new();
    for vector in vectors {
        let open = messages.iter_mut().find(|message| belongs(vector, &message.parts));
        match open {
            Some(message) => message.parts.push(vector),
            None => messages.push(Expected { parts: vec![vector], missing: Vec::new() }),
        }
    }
    for message in &mut messages {
        message.parts.sort_by_key(|part| sequence(part));
        let there: Vec<u64> = message.parts.iter().map(|part| sequence(part)).collect();
        let total = message.parts[0].expect["concat"]["total"].as_u64().unwrap_or(1);
        message.missing = (1..=total).filter(|n| !there.contains(n)).collect();
    }
    messages
}

fn sequence(vector: &Vector) -> u64 {
    vector.expect["concat"]["sequence"].as_u64().unwrap_or(1)
}

fn belongs(vector: &Vector, set: &[&Vector]) -> bool {
    let (new, first) = (&vector.expect, &set[0].expect);
    new["concat"].is_object()
        && first["concat"].is_object()
        && ["reference", "total", "bits"].iter().all(|key| new["concat"][key] == first["concat"][key])
        && new["from"]["display"] == first["from"]["display"]
        && (seconds(new) - seconds(first)).abs() <= SAME_SET_SECONDS
        && set.iter().all(|part| sequence(part) != sequence(vector))
}

fn seconds(expect: &Value) -> i64 {
    let text = expect["sent_at"].as_str().expect("a time");
    text.parse::<jiff::Timestamp>().unwrap_or_else(|e| panic!("{text}: {e}")).as_second()
}

/// All messages, by each of their PDUs.
fn wait_for_all(rig: &Rig, vectors: &[Vector]) -> HashMap<String, Value> {
    let mut published = HashMap::new();
    wait_until("every PDU to be published", || {
        for crossing in rig.published("sms/received/main") {
            let message = rig::json(&crossing.publish);
            for pdu in message["pdus"].as_array().into_iter().flatten() {
                published.insert(pdu.as_str().unwrap_or_default().to_uppercase(), message.clone());
            }
        }
        let open = vectors.iter().filter(|vector| !published.contains_key(&vector.hex)).count();
        std::thread::sleep(std::time::Duration::from_millis(200));
        open == 0
    });
    published
}

fn explain(expected: &Expected, difference: &str) -> String {
    let ids: Vec<&str> = expected.parts.iter().map(|part| part.id.as_str()).collect();
    format!("{}: {difference}", ids.join(" + "))
}

/// The first thing that is not as it should be.
fn difference(expected: &Expected, published: &HashMap<String, Value>) -> Option<String> {
    let first = expected.parts[0];
    let message = &published[&first.hex];
    if message["error"].is_string() || message["error"].is_object() {
        let allowed = expected.parts.iter().any(|part| part.lenient);
        return (!allowed).then(|| format!("not decoded: {message}"));
    }
    let differs = |what: &str, got: &Value, want: &Value| {
        (got != want).then(|| format!("{what}: {got}, not {want}: {message}"))
    };
    let complete = expected.missing.is_empty();
    differs("from", &message["from"], &first.expect["from"]["display"])
        .or_else(|| differs("complete", &message["complete"], &complete.into()))
        .or_else(|| {
            let missing = if complete { Value::Null } else { expected.missing.clone().into() };
            differs("missing", &message["missing"], &missing)
        })
        .or_else(|| differs("class", &message["class"], &first.expect["class"]))
        .or_else(|| differs("service center", &message["service_center"], &service_centre(first)))
        .or_else(|| differs("source port", &message["source_port"], &first.expect["ports"]["source"]))
        .or_else(|| {
            differs("destination port", &message["destination_port"], &first.expect["ports"]["destination"])
        })
        .or_else(|| time_difference(expected, message))
        .or_else(|| content_difference(expected, message))
}

fn service_centre(vector: &Vector) -> Value {
    vector.expect["smsc"]["display"].clone()
}

/// A joined message may carry the time of any of its parts.
fn time_difference(expected: &Expected, message: &Value) -> Option<String> {
    let normal = |time: &Value| time.as_str().map(|text| text.replace('Z', "+00:00"));
    let got = normal(&message["sent_at"]);
    let among = expected.parts.iter().any(|part| normal(&part.expect["sent_at"]) == got);
    (!among).then(|| format!("sent_at: {got:?}, not {}: {message}", expected.parts[0].expect["sent_at"]))
}

fn content_difference(expected: &Expected, message: &Value) -> Option<String> {
    let first = &expected.parts[0].expect;
    if first["data_hex"].is_string() {
        let want: Vec<u8> = expected.parts.iter().flat_map(|part| octets(&part.expect["data_hex"])).collect();
        let got = message["data"].as_str().map(|text| BASE64.decode(text));
        return (got != Some(Ok(want))).then(|| format!("data, not {}: {message}", first["data_hex"]));
    }
    let want: String =
        expected.parts.iter().map(|part| part.expect["text"].as_str().unwrap_or_default()).collect();
    if message["text"] != want.as_str() {
        return Some(format!("text: {}, not {want:?}", message["text"]));
    }
    (message["encoding"] != first["encoding"])
        .then(|| format!("encoding: {message}, not {}", first["encoding"]))
}

fn octets(hex: &Value) -> Vec<u8> {
    let text = hex.as_str().unwrap_or_default();
    (0..text.len() / 2).map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).expect("hex")).collect()
}
