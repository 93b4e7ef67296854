//! What the documents say about files, about each other and about the program's words agrees with what there is.

use std::collections::BTreeSet;

use regex::Regex;

use crate::harness::documents::{self, Document, blocks_tagged, broken_links};
use crate::harness::sources::{files_below, read, root, without_tests};

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let documents = documents::all();
    let links: usize = documents.iter().map(|document| document.links().len()).sum();
    assert!(links > 100, "only {links} links were found");
    let broken = broken_links(&documents);
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let text =
        "# One\n\n[file](docs/no-such.md) [heading](#two) [fine](#one) [fine](docs/contract.md#smssend)\n";
    let document = Document { name: "X.md".to_owned(), text: text.to_owned() };
    let mut documents = documents::all();
    documents.push(document);
    let broken = broken_links(&documents);
    assert_eq!(broken, ["X.md:3: no file docs/no-such.md", "X.md:3: X.md has no heading #two"]);
}

#[test]
fn every_file_of_deploy_that_a_document_names_exists_and_each_is_named() {
    let pattern = Regex::new(r"deploy/[A-Za-z0-9_./-]*[A-Za-z0-9]").expect("a regular expression");
    let mut named = BTreeSet::new();
    for document in documents::all().iter().filter(|document| document.name != "CHANGELOG.md") {
        for found in pattern.find_iter(&document.text) {
            let path = found.as_str();
            assert!(root().join(path).exists(), "{} names {path}, which is not there", document.name);
            named.insert(path.to_owned());
        }
    }
    for file in
        ["smsbridge.toml", "smsbridge.service", "mosquitto.conf", "mosquitto/acl", "mosquitto/tls.conf"]
    {
        assert!(named.contains(&format!("deploy/{file}")), "no document names deploy/{file}: {named:?}");
    }
}

/// Settings of a drop-in that the service does not have, and that a drop-in may add.
const ADDED_SETTINGS: [&str; 2] = ["ReadWritePaths", "Environment"];

#[test]
fn every_drop_in_and_the_table_of_the_sandbox_speak_of_settings_the_service_has() {
    let service = read("deploy/smsbridge.service");
    let has = |setting: &str| service.lines().any(|line| line.trim_start_matches('#').starts_with(setting));
    for block in blocks_tagged("ini drop-in", 3) {
        let mut lines = block.text.lines();
        assert_eq!(lines.next(), Some("[Service]"), "{}: a drop-in of the service begins so", block.place);
        for line in lines {
            let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{}: {line:?}", block.place));
            let is_known = ADDED_SETTINGS.contains(&key) || has(&format!("{key}="));
            assert!(is_known, "{}: deploy/smsbridge.service has no {key}=", block.place);
            assert!(
                !has(line) || value.is_empty() || line.starts_with("LoadCredential"),
                "{line} changes nothing"
            );
        }
    }
    let page = read("docs/rules-and-hooks.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ") && line.contains("=")).collect();
    let causes: Vec<&str> = rows.iter().filter_map(|row| row.split(" | ").nth(1)).collect();
    let settings: Vec<&str> = causes.iter().flat_map(|cause| cause.split('`').skip(1).step_by(2)).collect();
    let settings: Vec<&str> = settings.into_iter().filter(|setting| setting.contains('=')).collect();
    assert!(settings.len() >= 10, "the table of the sandbox was not found: {settings:?}");
    for setting in settings {
        assert!(
            has(setting),
            "docs/rules-and-hooks.md explains {setting}, which deploy/smsbridge.service has not"
        );
    }
}

/// Words of SQLite's that troubleshooting.md quotes.
const OTHERS_WORDS: [&str; 1] = ["file is not a database"];

#[test]
fn every_message_of_troubleshooting_is_in_the_code() {
    let sources = [files_below("crates/bridge/src"), files_below("crates/modem/src")].concat();
    let code: String = sources.iter().map(|file| as_printed(&without_tests(&read(file)))).collect();
    let page = read("docs/troubleshooting.md");
    let (_, tables) = page.split_once("\n## What the messages mean\n").expect("the part with the messages");
    let mut messages = Vec::new();
    let mut are_messages = false;
    for line in tables.lines() {
        let Some(cell) = line.strip_prefix("| ").and_then(|row| row.split(" | ").next()) else {
            are_messages &= line.starts_with("|---");
            continue;
        };
        if cell.starts_with("message") || cell == "words" {
            are_messages = true;
        } else if are_messages {
            messages.extend(cell.split('`').skip(1).step_by(2));
        }
    }
    assert!(messages.len() > 90, "only {} messages were found", messages.len());
    let missing: Vec<&&str> = messages.iter().filter(|message| !is_said(message, &code)).collect();
    assert!(missing.is_empty(), "troubleshooting.md quotes what no code says:\n{missing:#?}");
}

/// Whether every part of a message stands in the code: what is between values, which are written as …, in capitals or
/// as numbers, and between the marks that join what several places say. What begins with a quote is JSON.
fn is_said(message: &str, code: &str) -> bool {
    if message.starts_with('"') || OTHERS_WORDS.iter().any(|words| message.starts_with(words)) {
        return true;
    }
    let between = Regex::new(r"…|FILE|HOST|PORT|NAME|[0-9]+|[:;()]|\bN\b").expect("a regular expression");
    between.split(message).map(str::trim).filter(|part| part.len() > 1).all(|part| code.contains(part))
}

/// A source with its literals as they are printed: lines that go on joined, quotes without backslash.
fn as_printed(source: &str) -> String {
    let joined = Regex::new(r"\\\n\s*").expect("a regular expression").replace_all(source, "").into_owned();
    joined.replace("\\\"", "\"").replace("{{", "{").replace("}}", "}")
}
