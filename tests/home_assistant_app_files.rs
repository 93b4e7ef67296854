//! The files of the Home Assistant app of deploy/ against the rules of the format: the Supervisor and the linter of apps
//! refuse an app for less.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::harness::sources::root;
use crate::home_assistant_app::{APP, yaml};

fn text(path: &str) -> String {
    fs::read_to_string(root().join(APP).join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("a mapping").keys().map(String::as_str).collect()
}

#[test]
fn the_configuration_has_the_keys_the_format_wants_and_none_that_it_refuses() {
    let config = yaml(&format!("{APP}/config.yaml"));
    for key in ["name", "version", "slug", "description", "arch"] {
        assert!(!config[key].is_null(), "{key} is missing");
    }
    assert_eq!(config["version"], env!("CARGO_PKG_VERSION"), "the app has the program's version");
    assert_eq!(config["arch"], json!(["aarch64", "amd64"]), "others are no longer supported");
    assert_eq!(config["slug"], "smsbridge");
    // All that the linter knows of what stands here, and its defaults: a key at its default is an error.
    let defaults = json!({
        "startup": "application", "boot": "auto", "init": true, "stage": "stable", "host_network": false, "timeout": 10,
        "backup": "hot", "ingress": false, "uart": false, "usb": false, "udev": false, "full_access": false, "apparmor": true,
        "hassio_api": false, "homeassistant_api": false, "auth_api": false, "stdin": false, "legacy": false, "tmpfs": false,
    });
    for (key, default) in defaults.as_object().expect("a mapping") {
        assert_ne!(&config[key], default, "{key} stands there with its default");
    }
    let known = [
        "name",
        "version",
        "slug",
        "description",
        "url",
        "arch",
        "services",
        "uart",
        "map",
        "ingress",
        "panel_icon",
        "timeout",
        "backup",
        "options",
        "schema",
    ];
    for key in keys(&config) {
        assert!(
            known.contains(&key),
            "{key}: is it a key of the format, and does the linter take it? Then add it here"
        );
    }
    assert_eq!(config["services"], json!(["mqtt:want"]));
    for map in config["map"].as_array().expect("a list") {
        assert_eq!(keys(map), BTreeSet::from(["type"]), "{map}: read-only is the default");
    }
    let repository = yaml("deploy/home-assistant/app/repository.yaml");
    assert!(repository["name"].is_string(), "{repository}");
}

/// Whether an option's type means that it may be missing.
fn is_optional(kind: &Value) -> bool {
    kind.as_str().is_some_and(|kind| kind.ends_with('?'))
}

#[test]
fn every_option_has_a_type_a_default_or_a_question_mark_and_words_in_both_languages() {
    let config = yaml(&format!("{APP}/config.yaml"));
    let (schema, options) = (&config["schema"], &config["options"]);
    let is_type = regex::Regex::new(
        r"^(str(\(\d*,\d*\))?|bool|int(\(\d*,\d*\))?|password|port|url|match\(.+\)|list\([^()]+\)|device(\([a-z]+=[a-z]+\))?)\??$",
    );
    let is_type = is_type.expect("a regular expression");
    let assert_type = |name: &str, kind: &Value| {
        assert!(
            kind.as_str().is_some_and(|kind| is_type.is_match(kind)),
            "{name}: {kind} is no type of the format"
        );
    };
    for (name, kind) in schema.as_object().expect("a mapping") {
        match kind {
            Value::Array(kinds) => {
                let [kind] = &kinds[..] else { panic!("{name}: a list has one type") };
                match kind {
                    Value::Object(fields) => {
                        fields.iter().for_each(|(field, kind)| assert_type(&format!("{name}.{field}"), kind))
                    }
                    kind => assert_type(name, kind),
                }
                assert_eq!(options[name], json!([]), "{name}: a list has a default");
            }
            kind => {
                assert_type(name, kind);
                assert_eq!(
                    options[name].is_null(),
                    is_optional(kind),
                    "{name}: a default, or a question mark, and not both"
                );
            }
        }
    }
    for name in keys(options) {
        assert!(!schema[name].is_null(), "{name} has a default and no type");
    }
    for language in ["en", "de"] {
        let words = yaml(&format!("{APP}/translations/{language}.yaml"))["configuration"].clone();
        assert_eq!(keys(&words), keys(schema), "{language}: each option has its words");
        for (name, kind) in schema.as_object().expect("a mapping") {
            let mut told = vec![(name.clone(), words[name].clone())];
            if let Some(fields) = kind[0].as_object() {
                assert_eq!(keys(&words[name]["fields"]), keys(&kind[0]), "{language}, {name}");
                told.extend(
                    fields
                        .keys()
                        .map(|field| (format!("{name}.{field}"), words[name]["fields"][field].clone())),
                );
            }
            for (name, words) in told {
                for key in ["name", "description"] {
                    let has_words = words[key].as_str().is_some_and(|words| !words.trim().is_empty());
                    assert!(has_words, "{language}, {name}: no {key}");
                }
            }
        }
    }
    // What the script reads is an option, and every option is read.
    let script = text("run");
    let read = regex::Regex::new(r"option ([a-z_]+)|\(?\.([a-z_]+) (?:\||//)").expect("a regular expression");
    // Of a modem, of a contact, of the Supervisor's answer.
    let fields = ["name", "port", "pin", "imei", "numbers", "data", "username", "password"];
    let read: BTreeSet<&str> = read
        .captures_iter(&script)
        .filter_map(|found| found.get(1).or_else(|| found.get(2)).map(|found| found.as_str()))
        .filter(|name| !fields.contains(name))
        .collect();
    assert_eq!(read, keys(schema), "the options the script reads");
}

#[test]
fn the_folder_is_whole_and_nothing_else_in_the_repository_looks_like_an_app() {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("a folder entry")) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().expect("its type").is_dir() {
                if !["target", ".git", "node_modules"].contains(&name.as_str()) {
                    folders.push(entry.path());
                }
            } else if ["config.yaml", "config.yml", "config.json"].contains(&name.as_str()) {
                found.push(entry.path().strip_prefix(root()).expect("below the root").display().to_string());
            }
        }
    }
    assert_eq!(found, [format!("{APP}/config.yaml")], "the Supervisor takes every such file for an app");
    for (file, expected) in [("icon.png", (128, 128)), ("logo.png", (250, 100))] {
        let octets = fs::read(root().join(APP).join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(&octets[..8], b"\x89PNG\r\n\x1a\n", "{file} is a PNG file");
        let number = |at: usize| u32::from_be_bytes(octets[at..at + 4].try_into().expect("four octets"));
        assert_eq!((number(16), number(20)), expected, "{file}: width and height");
    }
    for file in ["DOCS.md", "README.md"] {
        assert!(text(file).starts_with("# smsbridge\n"), "{file}");
    }
    let version = format!("## {}", env!("CARGO_PKG_VERSION"));
    assert!(text("CHANGELOG.md").lines().any(|line| line == version), "CHANGELOG.md has no {version}");
    let profile =
        format!("profile {} ", yaml(&format!("{APP}/config.yaml"))["slug"].as_str().expect("a slug"));
    assert!(text("apparmor.txt").contains(&profile), "the profile has the slug's name");
}

#[test]
fn the_image_is_made_of_fixed_versions_and_what_it_copies_is_there() {
    let dockerfile = text("Dockerfile");
    let mut images = 0;
    for line in dockerfile.lines() {
        if let Some(image) = line.strip_prefix("FROM ") {
            let tag =
                image.split(' ').next().and_then(|image| image.split_once(':')).map_or("", |(_, tag)| tag);
            assert!(tag.chars().any(|c| c.is_ascii_digit()), "{line}: an image has the version in its tag");
            images += 1;
        }
        if let Some(files) = line.strip_prefix("COPY ").filter(|files| !files.starts_with("--from")) {
            let file = files.split(' ').next().unwrap_or_default();
            assert!(root().join(APP).join(file).exists(), "{line}: there is no {file}");
        }
    }
    assert_eq!(images, 2, "{dockerfile}");
    for label in ["io.hass.type=\"app\"", "io.hass.version=", "io.hass.arch="] {
        assert!(dockerfile.contains(label), "no label {label}");
    }
    let rust = fs::read_to_string(root().join("deploy/Dockerfile")).expect("the other Dockerfile");
    let first = |text: &str| text.lines().find(|line| line.starts_with("FROM rust:")).map(str::to_owned);
    assert_eq!(first(&dockerfile), first(&rust), "both images are built by one compiler");
}

#[test]
fn the_example_of_the_documentation_is_of_the_schema() {
    let docs = text("DOCS.md");
    let example =
        docs.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let example: Value = serde_saphyr::from_str(example).expect("YAML");
    let schema = &yaml(&format!("{APP}/config.yaml"))["schema"];
    for (name, value) in example.as_object().expect("a mapping") {
        assert!(!schema[name].is_null(), "{name} is no option");
        for entry in value.as_array().into_iter().flatten().filter(|entry| entry.is_object()) {
            assert!(keys(entry).is_subset(&keys(&schema[name][0])), "{name}: {entry}");
        }
    }
    // Long enough for what may be in a modem's hands when the app is stopped.
    let timeout = yaml(&format!("{APP}/config.yaml"))["timeout"].as_u64();
    assert!(timeout.is_some_and(|seconds| seconds >= 30), "{timeout:?}");
}
