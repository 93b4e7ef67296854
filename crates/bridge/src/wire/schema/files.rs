//! Which schemas there are; their files in docs/schema/.

use std::path::PathBuf;

use schemars::generate::Contract::{Deserialize, Serialize};
use serde_json::Value;

use super::super::event::{BroadcastForm, CallForm, ResultForm, UssdReplyForm};
use super::super::health::HealthForm;
use super::super::history::EntryForm;
use super::super::parked::ParkedForm;
use super::super::received::ReceivedForm;
use super::super::state::{GatewayForm, ModemForm};
use super::super::status::StatusForm;
use super::requests::{CancelForm, RestartForm, SendForm, UssdForm};
use super::write;
use crate::commands::{DetectForm, EncodeAnswer, EncodeRequest};
use crate::event::Availability;

/// Every payload and every line of JSON, with the name of its file.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("received", write::of::<ReceivedForm<'_>>(Serialize)),
        ("result", write::of::<ResultForm<'_>>(Serialize)),
        ("call", write::of::<CallForm<'_>>(Serialize)),
        ("broadcast", write::of::<BroadcastForm<'_>>(Serialize)),
        ("ussd-reply", write::of::<UssdReplyForm<'_>>(Serialize)),
        ("modem", write::of::<ModemForm<'_>>(Serialize)),
        ("gateway", write::of::<GatewayForm<'_>>(Serialize)),
        ("availability", write::of::<Availability>(Serialize)),
        ("send", write::of::<SendForm>(Deserialize)),
        ("cancel", write::of::<CancelForm>(Deserialize)),
        ("ussd", write::of::<UssdForm>(Deserialize)),
        ("restart", write::of::<RestartForm>(Deserialize)),
        ("status", write::of::<StatusForm<'_>>(Serialize)),
        ("health", write::of::<HealthForm<'_>>(Serialize)),
        ("history", write::of::<EntryForm<'_>>(Serialize)),
        ("parked", write::of::<ParkedForm<'_>>(Serialize)),
        ("detect", write::of::<DetectForm<'_>>(Serialize)),
        ("pdu-encode-request", write::of::<EncodeRequest>(Deserialize)),
        ("pdu-encode-answer", write::of::<EncodeAnswer>(Serialize)),
    ]
}

/// The schema of that name.
pub fn one(name: &str) -> Value {
    let found = all().into_iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("there is no schema {name}")).1
}

/// A file below docs/.
pub fn in_docs(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(path)
}

/// Compares a file of docs/schema/ with what it is to be, or writes it.
pub fn hold(file: &str, expected: &str) {
    let path = in_docs("schema").join(file);
    if std::env::var_os("SMSBRIDGE_TEST_WRITE").is_some() {
        std::fs::write(&path, expected).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    for (number, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        let place = format!("docs/schema/{file}, line {}", number + 1);
        assert_eq!(found, expected, "{place}: run this test with SMSBRIDGE_TEST_WRITE=1");
    }
    assert_eq!(found, expected, "docs/schema/{file}: run this test with SMSBRIDGE_TEST_WRITE=1");
}

#[test]
fn the_schemas_are_those_of_the_types() {
    for (name, schema) in all() {
        let text = write::readable(&schema);
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), schema, "{name}");
        hold(&format!("{name}.schema.json"), &text);
    }
}

#[test]
fn every_schema_is_one() {
    for (name, schema) in all() {
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|e| panic!("{name}: {e}"));
        for key in ["title", "description"] {
            assert!(schema[key].as_str().is_some_and(|words| !words.is_empty()), "{name} has no {key}");
        }
    }
}

/// A folder with a schema of something that is published no more would mislead.
#[test]
fn there_is_no_other_schema() {
    let known: Vec<String> = all().iter().map(|(name, _)| format!("{name}.schema.json")).collect();
    for entry in std::fs::read_dir(in_docs("schema")).expect("docs/schema") {
        let name = entry.expect("docs/schema").file_name().to_string_lossy().into_owned();
        assert!(
            !name.ends_with(".json") || known.contains(&name),
            "docs/schema/{name} is the schema of nothing"
        );
    }
}
