//! What a compose file gives a service of SMS2MQTT: its `environment` and `devices`, written one a line.
//!
//! No YAML reader: keys and lists are told by their indentation, and values by their quotes. Another form (`{…}`, `[…]`,
//! anchors) is told as an odd line, so that nobody takes it for read.

use super::env_file;
use super::ini::lines;
use super::options::{Entry, Odd};

/// What such a file says of the service.
#[derive(Debug, Default)]
pub(super) struct Compose {
    pub(super) variables: Vec<Entry>,
    /// `/dev/ttyUSB0:/dev/mobile`, each with its line.
    pub(super) devices: Vec<Entry>,
    /// Files with more variables.
    pub(super) env_files: Vec<Entry>,
    pub(super) odd: Vec<Odd>,
}

/// One service of the file.
#[derive(Default)]
struct Service {
    name: String,
    image: String,
    found: Compose,
}

pub(super) fn read(text: &str) -> Compose {
    let mut services = services(text);
    let is_named = |text: &str| text.to_ascii_lowercase().contains("sms2mqtt");
    let at = services
        .iter()
        .position(|service| is_named(&service.image))
        .or_else(|| services.iter().position(|service| is_named(&service.name)))
        .or_else(|| services.iter().position(|service| !service.found.variables.is_empty()));
    at.map_or_else(Compose::default, |at| services.swap_remove(at).found)
}

fn services(text: &str) -> Vec<Service> {
    let mut services: Vec<Service> = Vec::new();
    // Keys that are open, each with its indentation.
    let mut path: Vec<(usize, String)> = Vec::new();
    let written: Vec<&str> = text.split('\n').collect();
    for (number, line) in lines(text) {
        let indentation = written[number - 1].len() - written[number - 1].trim_start().len();
        let item = line.strip_prefix('-').filter(|rest| rest.is_empty() || rest.starts_with(' '));
        // A list may stand as far left as its key.
        path.retain(|(of_key, _)| *of_key < indentation || (item.is_some() && *of_key == indentation));
        let depth = path.iter().position(|(_, key)| key == "services").map_or(0, |at| at + 1);
        match item {
            Some(item) => {
                let Some(service) = services.last_mut() else { continue };
                let key = path.get(depth + 1).map(|(_, key)| key.clone()).unwrap_or_default();
                add(service, &key, "", item.trim(), number);
            }
            None => {
                let (key, value) = match line.split_once(':') {
                    Some((key, value)) if value.is_empty() || value.starts_with(' ') => {
                        (unquoted(key), value.trim())
                    }
                    _ => (line.to_owned(), ""),
                };
                if path.len() == depth && !(depth == 0 && key == "services") {
                    services.push(Service { name: key.clone(), ..Service::default() });
                } else if let Some(service) = services.last_mut() {
                    match path.get(depth + 1) {
                        Some((_, parent)) => {
                            let parent = parent.clone();
                            add(service, &parent, &key, value, number);
                        }
                        None if !value.is_empty() => add(service, &key, "", value, number),
                        None => {}
                    }
                }
                path.push((indentation, key));
            }
        }
    }
    services
}

/// What stands below a key of a service: an item of a list, or a key with its value.
fn add(service: &mut Service, parent: &str, key: &str, value: &str, line: usize) {
    let entry = |key: &str, value: String| Entry {
        line,
        block: 0,
        section: String::new(),
        key: key.to_owned(),
        value,
    };
    match (parent, key) {
        ("image", "") => service.image = unquoted(value),
        ("environment", "") => match env_file::variable(&unquoted(value), line) {
            Some(entry) => service.found.variables.push(entry),
            None => service.found.odd.push(Odd { line, text: value.to_owned() }),
        },
        ("environment", "<<") => service.found.odd.push(Odd { line, text: format!("{key}: {value}") }),
        ("environment", key) => service.found.variables.push(entry(key, unquoted(value))),
        ("devices", "") => service.found.devices.push(entry("devices", unquoted(value))),
        ("env_file", "") => service.found.env_files.push(entry("env_file", unquoted(value))),
        _ => {}
    }
}

/// A plain or quoted value, without a comment behind it.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    let quoted = match text.chars().next() {
        Some(quote @ ('\'' | '"')) => in_quotes(&text[1..], quote),
        _ => None,
    };
    quoted.unwrap_or_else(|| text.split(" #").next().unwrap_or_default().trim_end().to_owned())
}

/// What stands before the closing quote; none where there is none. Two single quotes are one, and behind a backslash
/// in double quotes a character is meant as it is.
fn in_quotes(text: &str, quote: char) -> Option<String> {
    let mut value = String::new();
    let mut characters = text.chars().peekable();
    loop {
        match characters.next()? {
            '\\' if quote == '"' => value.push(characters.next()?),
            '\'' if quote == '\'' && characters.next_if_eq(&'\'').is_some() => value.push('\''),
            character if character == quote => return Some(value),
            character => value.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn variables(text: &str) -> Vec<(usize, String, String)> {
        read(text).variables.into_iter().map(|entry| (entry.line, entry.key, entry.value)).collect()
    }

    #[test]
    fn the_environment_is_a_list_or_a_table() {
        let list = "services:\n  sms:\n    image: domochip/sms2mqtt\n    environment:\n    - PIN=1234\n    - \"HOST=10.0.0.2\" # broker\n    restart: always\n";
        let expect =
            [(5, "PIN".to_owned(), "1234".to_owned()), (6, "HOST".to_owned(), "10.0.0.2".to_owned())];
        assert_eq!(variables(list), expect);
        let table = "services:\n  sms2mqtt:\n    environment:\n      # no\n      PIN: '1234'\n      HOST: 10.0.0.2 # broker\n";
        assert_eq!(variables(table), expect);
    }

    #[test]
    fn of_several_services_that_of_sms2mqtt_counts() {
        let text = "version: '3'\nservices:\n  db:\n    image: postgres\n    environment:\n      PASSWORD: x\n\n  gateway:\n    image: \"domochip/sms2mqtt:latest\"\n    devices:\n      - /dev/ttyUSB0:/dev/mobile\n    env_file: sms.env\n    environment:\n      PREFIX: sms\n      <<: *common\n";
        let found = read(text);
        assert_eq!(variables(text), [(14, "PREFIX".to_owned(), "sms".to_owned())]);
        assert_eq!(found.devices[0].value, "/dev/ttyUSB0:/dev/mobile");
        assert_eq!(found.env_files[0].value, "sms.env");
        assert_eq!(found.odd[0].line, 15);
    }

    #[test]
    fn a_form_that_is_not_read_is_told() {
        let found = read("services:\n  sms2mqtt:\n    environment: {PIN: 1234}\n");
        assert_eq!((found.variables.len(), found.odd[0].line), (0, 3));
    }

    #[test]
    fn quotes_are_those_of_yaml() {
        for (text, value) in [
            ("plain", "plain"),
            ("'it''s'", "it's"),
            ("\"a \\\"b\\\" \\\\\" # c", "a \"b\" \\"),
            ("a#b", "a#b"),
            ("'open", "'open"),
        ] {
            assert_eq!(unquoted(text), value, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_read_panics(text in "( {0,6}(- )?(services|environment|image|a|'|\"|:|: x|=|\u{e4}|\\{)*\n){0,12}") {
            let _ = read(&text);
        }
    }
}
