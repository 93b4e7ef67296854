//! docs/configuration.md and deploy/smsbridge.toml are held against the keys there are and their defaults.
//!
//! Run with SMSBRIDGE_TEST_WRITE=1, the test writes the tables of docs/configuration.md.

use std::path::PathBuf;

use toml::Value as Toml;

use super::file::{ContactTable, File, HookTable, ModemTable, RuleTable};
use super::keys::{Key, TABLES, Table};
use super::kinds::Kind;
use super::known_keys;

/// What stands around the generated part of docs/configuration.md.
const BEGIN: &str = "<!-- From here on: written by a test from the code's own keys -->\n";
const END: &str = "<!-- To here -->\n";

fn in_project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The default of a key, as TOML; none where there is none.
fn default(table: &Table, key: &Key) -> Option<Toml> {
    let defaults = match table.name {
        "modem" => Toml::try_from(ModemTable::default()),
        "contact" => Toml::try_from(ContactTable::default()),
        "rule" => Toml::try_from(RuleTable::default()),
        "hook" => Toml::try_from(HookTable::default()),
        _ => Toml::try_from(File::default()),
    };
    let defaults = defaults.expect("defaults are TOML");
    let keys = if table.name.is_empty() || table.is_several { &defaults } else { &defaults[table.name] };
    keys.get(key.name).cloned()
}

fn kind_words(kind: Kind) -> String {
    match kind {
        Kind::Text(_) => "text".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Whole(min, u32::MAX) => format!("whole number, at least {min}"),
        Kind::Whole(min, max) => format!("whole number, {min} to {max}"),
        Kind::Texts(_) => "list of texts".to_owned(),
        Kind::TextOrTexts(_) => "text, or list of texts".to_owned(),
        Kind::OneOf(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            words.join(" or ")
        }
    }
}

fn variable(table: &Table, key: &Key) -> String {
    let parts = [table.name, key.name].map(str::to_ascii_uppercase);
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    format!("SMSBRIDGE_{}", parts.join("__"))
}

fn rendered(table: &Table) -> String {
    let title = if table.name.is_empty() { "At the top".to_owned() } else { format!("`{}`", table.header()) };
    let mut text = format!("## {title}\n\n{}", table.words);
    if table.is_several {
        text.push_str("\n\nThe table can stand several times, so no environment variable sets its keys.");
    }
    text.push_str("\n\n| key | kind | default | meaning |\n|---|---|---|---|\n");
    for key in table.keys {
        let default = default(table, key).map_or("none".to_owned(), |value| format!("`{value}`"));
        let variable = match table.is_several || key.kind.is_list() {
            true => String::new(),
            false => format!("<br>`{}`", variable(table, key)),
        };
        let kind = kind_words(key.kind);
        text.push_str(&format!("| `{}` | {kind} | {default} | {}{variable} |\n", key.name, key.words));
    }
    text + "\n"
}

#[test]
fn the_reference_has_every_key_with_its_default_and_its_variable() {
    let path = in_project("docs/configuration.md");
    let text = std::fs::read_to_string(&path).expect("docs/configuration.md");
    let (head, rest) = text.split_once(BEGIN).expect("the beginning of the generated part");
    let (found, tail) = rest.split_once(END).expect("the end of the generated part");
    let tables: String = TABLES.iter().map(rendered).collect();
    let tables = format!("\n{tables}");
    if std::env::var_os("SMSBRIDGE_TEST_WRITE").is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}{tables}{END}{tail}")).expect("docs/configuration.md");
        return;
    }
    for (found, expected) in found.lines().zip(tables.lines()) {
        assert_eq!(found, expected, "docs/configuration.md: run this test with SMSBRIDGE_TEST_WRITE=1");
    }
    assert_eq!(found, tables, "docs/configuration.md: run this test with SMSBRIDGE_TEST_WRITE=1");
}

/// The key lists and what is read are two things, held together here.
#[test]
fn the_keys_are_those_that_are_read() {
    let known = known_keys::of::<File>();
    let mut expected: Vec<(&str, &str)> = Vec::new();
    for key in &known {
        match (key.table, key.name) {
            (None, Some(name)) => expected.push(("", name)),
            (Some(table), Some(name)) => expected.push((table, name)),
            (Some("modem"), None) => {
                expected.extend(known_keys::fields::<ModemTable>().map(|key| ("modem", key)))
            }
            (Some("contact"), None) => {
                expected.extend(known_keys::fields::<ContactTable>().map(|key| ("contact", key)))
            }
            (Some("rule"), None) => {
                expected.extend(known_keys::fields::<RuleTable>().map(|key| ("rule", key)))
            }
            (Some("hook"), None) => {
                expected.extend(known_keys::fields::<HookTable>().map(|key| ("hook", key)))
            }
            other => panic!("{other:?}: a table this test does not know"),
        }
    }
    let mut listed: Vec<(&str, &str)> =
        TABLES.iter().flat_map(|table| table.keys.iter().map(|key| (table.name, key.name))).collect();
    expected.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, expected, "keys.rs and file.rs have the same keys");
}

/// A default that is no value of its kind could not be written.
#[test]
fn every_default_is_of_its_kind() {
    for table in &TABLES {
        for key in table.keys {
            if let Some(value) = default(table, key) {
                assert_eq!(key.kind.mistake(&value), None, "{} {}", table.header(), key.name);
            }
        }
    }
}

/// A value of each kind is read by the struct it is for: otherwise a mistake would be found by nobody.
#[test]
fn every_value_of_a_kind_is_read() {
    for table in &TABLES {
        for key in table.keys {
            let values: Vec<Toml> = match key.kind {
                Kind::Text(example) => vec![example.into()],
                Kind::Flag => vec![true.into()],
                Kind::Whole(min, max) => vec![min.into(), max.into()],
                Kind::Texts(example) => vec![vec![example].into()],
                Kind::TextOrTexts(example) => vec![example.into(), vec![example].into()],
                Kind::OneOf(words) => words.iter().map(|word| (*word).into()).collect(),
            };
            for value in values {
                assert_eq!(key.kind.mistake(&value), None, "{} {}", table.header(), key.name);
                let mut keys = toml::Table::new();
                keys.insert(key.name.to_owned(), value);
                let file = match (table.name, table.is_several) {
                    ("", _) => keys,
                    (name, true) => [(name.to_owned(), Toml::from(vec![keys]))].into_iter().collect(),
                    (name, false) => [(name.to_owned(), Toml::from(keys))].into_iter().collect(),
                };
                file.try_into::<File>().unwrap_or_else(|e| panic!("{} {}: {e}", table.header(), key.name));
            }
        }
    }
}

/// The example's lines, those in comments too where they are a key of the table they stand in.
fn example_keys(text: &str) -> Vec<(String, String, String, bool)> {
    let mut table = String::new();
    let mut keys = Vec::new();
    for line in text.lines() {
        let is_comment = line.starts_with('#');
        let line = line.trim_start_matches('#');
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_matches(['[', ']']).to_owned();
        } else if let Some((key, value)) = line.split_once(" = ")
            && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        {
            keys.push((table.clone(), key.to_owned(), value.to_owned(), is_comment));
        }
    }
    keys
}

#[test]
fn the_example_has_every_key_with_its_default() {
    let text = std::fs::read_to_string(in_project("deploy/smsbridge.toml")).expect("deploy/smsbridge.toml");
    let found = example_keys(&text);
    for table in &TABLES {
        for key in table.keys {
            let what = format!("deploy/smsbridge.toml, {} {}", table.header(), key.name);
            let lines: Vec<_> =
                found.iter().filter(|(t, k, ..)| (t, k) == (&table.name.into(), &key.name.into())).collect();
            let [(_, _, value, is_comment)] = lines[..] else {
                panic!("{what}: {} lines have it", lines.len())
            };
            let parsed: toml::Table =
                format!("x = {value}").parse().unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(key.kind.mistake(&parsed["x"]), None, "{what}");
            if !is_comment {
                assert_eq!(
                    Some(&parsed["x"]),
                    default(table, key).as_ref(),
                    "{what}: it is written with its default"
                );
            }
        }
    }
    let is_known = |(table, key): (&String, &String)| {
        TABLES.iter().any(|known| known.name == table && known.key(key).is_some())
    };
    for (table, key, ..) in &found {
        assert!(is_known((table, key)), "deploy/smsbridge.toml: [{table}] {key} is no key");
    }
}

#[test]
fn the_example_is_right_and_so_it_is_without_its_comments() {
    let text = std::fs::read_to_string(in_project("deploy/smsbridge.toml")).expect("deploy/smsbridge.toml");
    super::parse("deploy/smsbridge.toml", &text).expect("the example");
    // All but what only one of may stand, and what names files.
    let left_out = [
        "password_file",
        "password",
        "pin_file",
        "ca_file",
        "client_cert",
        "client_key",
        "numbers",
        "token_file",
        "token",
    ];
    let line = |line: &str| {
        let bare = line.strip_prefix('#').unwrap_or(line);
        let is_key =
            bare.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ') && !left_out.contains(&key));
        if is_key || bare.starts_with('[') { bare.to_owned() } else { line.to_owned() }
    };
    let text: String = text.lines().map(|text| line(text) + "\n").collect();
    super::parse("deploy/smsbridge.toml", &text).expect("the example with every key");
}
