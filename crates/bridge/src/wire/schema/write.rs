//! From a type to the text of a schema file.

use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// The schema of what is written or read as `T`.
pub fn of<T: JsonSchema>(contract: Contract) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.contract = contract.clone());
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(tidy).transform(&mut schema);
    if contract == Contract::Serialize {
        RecursiveTransform(without_null).transform(&mut schema);
    }
    schema.to_value()
}

/// What the derive makes of Rust's types, in the terms of JSON.
fn tidy(schema: &mut Schema) {
    let Some(schema) = schema.as_object_mut() else { return };
    // Widths of Rust's numbers are no formats; the ranges stay.
    if schema.get("format").and_then(Value::as_str).is_some_and(|format| format != "date-time") {
        schema.remove("format");
    }
    // A paragraph is one line.
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
    // Of a word among other words, null would be one too.
    if let Some(Value::Array(words)) = schema.get_mut("enum")
        && words.contains(&Value::Null)
    {
        words.retain(|word| !word.is_null());
        let words = json!({ "type": "string", "enum": words });
        schema.remove("enum");
        schema.remove("type");
        schema.insert("anyOf".to_owned(), json!([words, { "type": "null" }]));
    }
}

/// What is left out where there is nothing is never null.
fn without_null(schema: &mut Schema) {
    let Some(schema) = schema.as_object_mut() else { return };
    let required: Vec<Value> = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties {
            if !required.contains(&Value::from(name.as_str())) {
                never_null(property);
            }
        }
    }
}

fn never_null(property: &mut Value) {
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &types[..] {
            property["type"] = only.clone();
        }
    }
    let null = json!({ "type": "null" });
    let Some(Value::Array(choices)) = property.get_mut("anyOf") else { return };
    choices.retain(|choice| *choice != null);
    if let [Value::Object(only)] = &choices[..] {
        let only = only.clone();
        let property = property.as_object_mut().expect("it has a member");
        property.remove("anyOf");
        for (key, value) in only {
            property.entry(key).or_insert(value);
        }
    }
}

/// The order of keys of a schema, those that say most first.
const FIRST: [&str; 15] = [
    "$schema",
    "title",
    "description",
    "type",
    "const",
    "enum",
    "format",
    "pattern",
    "properties",
    "required",
    "additionalProperties",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
];

/// What stands behind all others.
const LAST: &str = "$defs";

/// Columns of a line.
const WIDTH: usize = 120;

/// JSON for people: what says most first, and what fits into a line in one.
pub fn readable(schema: &Value) -> String {
    let mut text = String::new();
    write(schema, 0, true, &mut text);
    text + "\n"
}

/// `is_schema` where the keys are keywords, not names.
fn write(value: &Value, indent: usize, is_schema: bool, text: &mut String) {
    let one_line = in_one_line(value, is_schema);
    let column = text.len() - text.rfind('\n').map_or(0, |at| at + 1);
    if column + one_line.chars().count() < WIDTH || !(value.is_object() || value.is_array()) {
        text.push_str(&one_line);
        return;
    }
    let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
    let line = |indent: usize| format!("\n{}", " ".repeat(indent));
    text.push(open);
    for (number, (key, value)) in members(value, is_schema).into_iter().enumerate() {
        text.push_str(if number > 0 { "," } else { "" });
        text.push_str(&line(indent + 2));
        if let Some(key) = key {
            text.push_str(&format!("{}: ", Value::from(key)));
        }
        write(value, indent + 2, !is_names(key), text);
    }
    text.push_str(&line(indent));
    text.push(close);
}

fn in_one_line(value: &Value, is_schema: bool) -> String {
    let shown = |(key, value): (Option<&str>, &Value)| {
        let key_text = key.map_or(String::new(), |key| format!("{}: ", Value::from(key)));
        format!("{key_text}{}", in_one_line(value, !is_names(key)))
    };
    let members = || members(value, is_schema).into_iter().map(shown).collect::<Vec<_>>().join(", ");
    match value {
        Value::Object(object) if !object.is_empty() => format!("{{ {} }}", members()),
        Value::Array(_) => format!("[{}]", members()),
        other => other.to_string(),
    }
}

/// Whether the keys of what stands under `key` are names of somebody else.
fn is_names(key: Option<&str>) -> bool {
    key.is_some_and(|key| ["properties", LAST].contains(&key))
}

/// The members of an object in their order, or the elements of an array.
fn members(value: &Value, is_schema: bool) -> Vec<(Option<&str>, &Value)> {
    let rank = |key: &str| match FIRST.iter().position(|first| *first == key) {
        Some(at) => at,
        None if key == LAST => FIRST.len() + 1,
        None => FIRST.len(),
    };
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().map(|(key, value)| (Some(key.as_str()), value)).collect();
            if is_schema {
                members.sort_by_key(|(key, _)| key.map(rank));
            }
            members
        }
        Value::Array(elements) => elements.iter().map(|element| (None, element)).collect(),
        _ => Vec::new(),
    }
}
