//! Values of foreign options that mean the same in several programs: ports, names, PINs, numbers, yes and no.

use std::collections::BTreeSet;

use secrecy::SecretString;
use smsbridge_modem::port::PortSpec;

use super::draft::{Draft, Key, Setting, Table};
use super::options::Entry;
use crate::config::pin_mistake;
use crate::message::Name;

/// What is said of a port that may be another one after a restart.
pub(super) const BETTER_PORT: &str = "A path below /dev/serial/by-id/ stays the same when modems are plugged in anew: `smsbridge detect` prints it.";

/// What has to be filled in where the other gateway had no broker.
pub(super) const BROKER: &str = "[mqtt] url, and username and password_file where the broker asks for them.";

/// Longest name of a modem.
const MAX_NAME: usize = 32;

/// A port of ours; none where it is no device and no address.
pub(super) fn port(text: &str) -> Option<String> {
    let text = match text.strip_suffix(':') {
        // As gammu writes it on Windows.
        Some(com) if com.to_ascii_lowercase().starts_with("com") => com.to_ascii_uppercase(),
        _ => text.to_owned(),
    };
    let is_device = text.starts_with('/') || text.to_ascii_uppercase().starts_with("COM");
    let is_placeholder = text == "/dev/null" || text.chars().any(|c| c.is_whitespace() || c.is_control());
    if is_placeholder || !(is_device || text.starts_with("tcp://")) || text.contains('@') {
        return None;
    }
    text.parse::<PortSpec>().ok().map(|spec| spec.to_string())
}

/// Adds what is to be said of a port.
pub(super) fn note_port(key: &mut Key, port: &str) {
    if port.starts_with("/dev/tty") {
        key.note(BETTER_PORT);
    }
}

/// A name of ours from another one: other letters become a hyphen. Unique among `taken`, which it is added to.
pub(super) fn name(text: &str, taken: &mut BTreeSet<String>) -> String {
    let lower = text.chars().flat_map(char::to_lowercase);
    let plain: String =
        lower.map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).take(MAX_NAME).collect();
    let plain = plain.trim_matches('-');
    let first = if plain.is_empty() { "main" } else { plain };
    let numbered = (2..).map(|n: u32| {
        let number = format!("-{n}");
        let head: String = first.chars().take(MAX_NAME - number.len()).collect();
        head + &number
    });
    let name = std::iter::once(first.to_owned()).chain(numbered).find(|name| !taken.contains(name));
    let name = name.unwrap_or_default();
    debug_assert!(name.parse::<Name>().is_ok());
    taken.insert(name.clone());
    name
}

/// Sets the PIN, where it is one.
pub(super) fn set_pin(table: &mut Table, entry: &Entry, draft: &mut Draft) {
    let pin = entry.word();
    match pin_mistake(&SecretString::from(pin.to_owned())) {
        None => {
            let name = match table.key("name").map(|key| &key.value) {
                Some(Setting::Text(name)) => name.clone(),
                _ => String::new(),
            };
            table.set("pin", pin, entry).note(&format!(
                "Better in a file of its own that only the gateway may read: pin_file = \"pin-{name}\"."
            ));
        }
        Some(_) => draft.leave(entry, "Not a PIN of 4 to 8 digits. Set pin or pin_file below [[modem]]."),
    }
}

/// Sets the service centre's number, where it is one.
pub(super) fn set_service_center(table: &mut Table, number: &str, entry: &Entry, draft: &mut Draft) {
    let digits = number.strip_prefix('+').unwrap_or(number);
    if (3..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        table
            .set("service_center", number, entry)
            .note("Needed only where the SIM has none: better left out where it works without.");
    } else {
        draft.leave(
            entry,
            "Not a phone number. The SIM has it as a rule; else set service_center below [[modem]].",
        );
    }
}

/// A whole number of at least `least`.
pub(super) fn number(entry: &Entry, least: u32) -> Option<u32> {
    entry.word().parse().ok().filter(|number| *number >= least)
}

/// Yes or no, as both programs spell it.
pub(super) fn yes_no(entry: &Entry) -> Option<bool> {
    match &*entry.word().to_ascii_lowercase() {
        "yes" | "true" | "on" | "1" | "y" | "t" => Some(true),
        "no" | "false" | "off" | "0" | "n" | "f" => Some(false),
        _ => None,
    }
}

/// Takes a flag over; what is neither yes nor no is left.
pub(super) fn set_flag(table: &mut Table, key: &'static str, entry: &Entry, draft: &mut Draft) {
    match yes_no(entry) {
        Some(flag) => {
            table.set(key, flag, entry);
        }
        None => draft.leave(entry, "Neither yes nor no."),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ports_are_devices_and_addresses() {
        for (text, expect) in [
            ("/dev/ttyUSB0", Some("/dev/ttyUSB0")),
            ("com8:", Some("COM8")),
            ("COM6", Some("COM6")),
            ("tcp://10.1.1.1:5000", Some("tcp://10.1.1.1:5000")),
            ("/dev/null", None),
            ("00:11:22:33:44:55", None),
            ("ssh root@router cat", None),
            ("tcp://a@b:1", None),
            ("", None),
        ] {
            assert_eq!(port(text).as_deref(), expect, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_name_becomes_a_legal_one_of_its_own(names in prop::collection::vec("\\PC{0,40}", 1..12)) {
            let mut taken = BTreeSet::new();
            let made: Vec<String> = names.iter().map(|text| name(text, &mut taken)).collect();
            for name in &made {
                prop_assert!(name.parse::<Name>().is_ok(), "{}", name);
            }
            prop_assert_eq!(made.len(), taken.len());
        }
    }
}
