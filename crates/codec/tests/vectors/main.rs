//! Decodes every entry of the vectors in this folder and compares the result with what the entry expects. One test per file,
//! named after it; a failure names the entries, what was expected and what was decoded.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail a test")]

mod fields;
mod lines;
mod pdus;
mod texts;

use std::fmt::Display;
use std::path::Path;

use serde_json::Value;
use smsbridge_codec::Direction;

fn load(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Collects all differences, so that one run shows them all.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare(&mut self, id: impl Display, expected: &Value, got: &Value) {
        if expected != got {
            self.0.push(format!("{id}\n  expected {expected}\n  got      {got}"));
        }
    }

    fn finish(self) {
        assert!(self.0.is_empty(), "{} differ:\n{}", self.0.len(), self.0.join("\n"));
    }
}

fn direction(vector: &Value) -> Direction {
    match vector["direction"].as_str() {
        Some("mo") => Direction::MobileOriginated,
        _ => Direction::MobileTerminated,
    }
}

fn text_of<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector[field].as_str().unwrap_or_else(|| panic!("no {field} in {vector}"))
}

fn label(index: usize, vector: &Value) -> String {
    match vector["id"].as_str() {
        Some(id) => id.into(),
        None => format!("entry {index} {}", vector["note"].as_str().unwrap_or("")),
    }
}

/// The object without what means "absent" in the vectors: null, empty strings, lists and objects.
fn without_absent(object: &Value) -> Value {
    let is_present = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    let Value::Object(fields) = object else { return object.clone() };
    let kept = fields.iter().filter(|(_, value)| is_present(value));
    Value::Object(kept.map(|(name, value)| (name.clone(), without_absent(value))).collect())
}
