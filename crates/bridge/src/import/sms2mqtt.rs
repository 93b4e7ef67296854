//! What the environment of SMS2MQTT means here.

use std::net::Ipv6Addr;

use super::compose::{self, Compose};
use super::draft::{Draft, Table, shown};
use super::env_file;
use super::gammu_reasons;
use super::options::{Entry, Options};
use super::values::{self, note_port, set_pin};
use crate::wire::topic::{is_legal_prefix, is_legal_response_prefix};

/// Where the container finds its modem.
const IN_CONTAINER: &str = "/dev/mobile";

/// From an environment file, or where it is one from a compose file.
pub(super) fn draft(text: &str, is_compose: bool) -> Draft {
    let found = match is_compose {
        true => compose::read(text),
        false => {
            let (variables, odd) = env_file::read(text);
            Compose { variables, odd, ..Compose::default() }
        }
    };
    let mut draft = Draft::default();
    for odd in &found.odd {
        // Docker takes a variable's value from its own environment where only its name is given.
        match odd.text.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
            true => {
                draft.fill_in.push(format!("line {}: {}: its value is not in the file.", odd.line, odd.text))
            }
            false => draft
                .fill_in
                .push(format!("line {}: what it says is not read: one variable a line is.", odd.line)),
        }
    }
    draft.leave_odd(&found.odd);
    for entry in &found.env_files {
        draft.fill_in.push(format!(
            "line {}: the variables in {}: import that file too.",
            entry.line,
            shown(&entry.value)
        ));
        draft.leave(entry, "Another file, which is not read.");
    }
    let mut options = Options::new(
        found.variables.into_iter().filter_map(|entry| known(entry, is_compose, &mut draft)).collect(),
    );
    broker(&mut options, &mut draft);
    topics(&mut options, &mut draft);
    modem(&mut options, found.devices, &mut draft);
    for (entry, counts) in options.rest() {
        match counts {
            Some(line) => draft.leave(&entry, format!("It stands again in line {line}, which counts.")),
            None => draft.leave(&entry, why(&entry.key)),
        }
    }
    draft
}

/// A variable with a value that is in the file.
fn known(mut entry: Entry, is_compose: bool, draft: &mut Draft) -> Option<Entry> {
    if is_compose {
        let bare = entry.value.replace("$$", "");
        if bare.contains('$') {
            draft.fill_in.push(format!(
                "line {}: {}: Docker puts its value there from elsewhere.",
                entry.line,
                shown(&entry.key)
            ));
            draft.leave(&entry, "Its value is another variable's, which is not read.");
            return None;
        }
        entry.value = entry.value.replace("$$", "$");
    } else {
        let value = entry.value.trim();
        for quote in ['"', '\''] {
            // Compose leaves them out, `docker run --env-file` does not; nobody means them.
            if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
                entry.value = inner.to_owned();
                return Some(entry);
            }
        }
        if !entry.key.eq_ignore_ascii_case("PASSWORD") {
            entry.value = value.to_owned();
        }
    }
    Some(entry)
}

/// A variable that is not empty: an empty one says nothing, as for SMS2MQTT.
fn take(options: &mut Options, draft: &mut Draft, key: &str) -> Option<Entry> {
    let entry = options.take("", key)?;
    if entry.value.is_empty() {
        draft.leave(&entry, "Empty: as if it were not there.");
        return None;
    }
    Some(entry)
}

fn broker(options: &mut Options, draft: &mut Draft) {
    let host = take(options, draft, "HOST");
    let port = take(options, draft, "PORT");
    let number = match &port {
        None => Some(1883),
        Some(entry) => entry.value.parse::<u16>().ok().filter(|port| *port > 0),
    };
    let name = match &host {
        None => Some("localhost".to_owned()),
        Some(entry) => host_name(&entry.value),
    };
    match name.zip(number) {
        Some((name, number)) => {
            let url = format!("mqtt://{name}:{number}");
            let from = host.as_ref().or(port.as_ref());
            let key = match from {
                Some(entry) => draft.mqtt.set("url", url, entry),
                None => draft.mqtt.set_ours("url", url).note("No HOST was set: SMS2MQTT took localhost."),
            };
            if let (Some(_), Some(port)) = (&host, &port) {
                key.also_from(port);
            }
            if host.as_ref().is_some_and(|entry| !entry.value.contains(['.', ':'])) {
                key.note(
                    "Outside of the container the broker may have another name. It has to speak MQTT 5.",
                );
            } else {
                key.note("The broker has to speak MQTT 5: mosquitto does.");
            }
        }
        None => {
            for entry in host.iter().chain(&port) {
                draft.leave(entry, "Not a host and a port. Set url below [mqtt].");
            }
            draft.fill_in.push("[mqtt] url: host and port of the broker.".to_owned());
            draft.mqtt.set_ours("url", "mqtt://localhost:1883");
        }
    }
    let user = take(options, draft, "USER");
    let password = take(options, draft, "PASSWORD");
    if let Some(user) = &user {
        draft.mqtt.set("username", user.value.clone(), user);
    }
    match (&user, password) {
        (Some(_), Some(password)) => {
            draft.mqtt.set("password", password.value.clone(), &password).note(
                "Better in a file of its own that only the gateway may read: password_file = \"mqtt-password\".",
            );
        }
        (None, Some(password)) => {
            draft.leave(&password, "A password without USER: the broker was not given it either.")
        }
        (_, None) => {}
    }
}

/// A host as it stands in an address.
fn host_name(host: &str) -> Option<String> {
    if host.parse::<Ipv6Addr>().is_ok() {
        return Some(format!("[{host}]"));
    }
    let is_legal = |c: char| c.is_alphanumeric() || "-._".contains(c);
    host.chars().all(is_legal).then(|| host.to_owned())
}

fn topics(options: &mut Options, draft: &mut Draft) {
    let Some(entry) = take(options, draft, "PREFIX") else {
        draft
            .mqtt
            .notes
            .push("Topics begin with sms/ here; those of SMS2MQTT began with sms2mqtt/.".to_owned());
        return;
    };
    match is_legal_prefix(&entry.value) && is_legal_response_prefix("answers/", &entry.value) {
        true => {
            let key = draft.mqtt.set("prefix", entry.value.clone(), &entry);
            key.note("Behind it topics and payloads are others: docs/migrating.md has them side by side.");
        }
        false => draft
            .leave(&entry, "Not the beginning of a topic. Set prefix below [mqtt]; it is \"sms\" otherwise."),
    }
}

fn modem(options: &mut Options, devices: Vec<Entry>, draft: &mut Draft) {
    let mut table = Table::default();
    table.set_ours("name", "main");
    let device = take(options, draft, "DEVICE");
    let inside = device.as_ref().map_or(IN_CONTAINER, |entry| &entry.value);
    let mut port = None;
    for entry in devices {
        // On the host : in the container : rights.
        let mut parts = entry.value.split(':');
        let (host, container) = (parts.next().unwrap_or_default(), parts.next());
        match values::port(host).filter(|_| port.is_none() && container.unwrap_or(host) == inside) {
            Some(path) => port = Some((path, entry)),
            None => draft.leave(&entry, "Not the modem's device."),
        }
    }
    let port = match (port, &device) {
        (Some(found), Some(device)) => {
            draft.leave(device, "The name in the container: the device on the host is taken.");
            Some(found)
        }
        (None, Some(device)) if device.value != IN_CONTAINER => {
            values::port(&device.value).map(|path| (path, device.clone()))
        }
        (found, _) => found,
    };
    match port {
        Some((path, entry)) => note_port(table.set("port", path.clone(), &entry), &path),
        None => {
            let key = match &device {
                Some(entry) => table.set("port", "auto", entry),
                None => table.set_ours("port", "auto"),
            };
            key.note(
                "The first modem that is found; the device was given to the container by `--device`. `smsbridge detect` prints \
                 the lines.",
            );
        }
    }
    if let Some(entry) = take(options, draft, "PIN") {
        set_pin(&mut table, &entry, draft);
    }
    draft.modems.push(table);
}

/// Why a variable has no counterpart, and what to do instead.
fn why(key: &str) -> &'static str {
    match key {
        "CLIENTID" => "The client id is the store's own, so that two gateways never have the same.",
        "MOREINFO" => "Operator and registration are always on sms/modem/<modem>. There is no battery.",
        "HEARTBEAT" => {
            "No topic each minute: the broker itself says on …/availability when the gateway or a modem is gone."
        }
        "DEVMODE" => "Only for the development of SMS2MQTT.",
        "TZ" => "Every time has its zone in it: UTC, or for sent_at the service centre's.",
        "GAMMUOPTION" => gammu_reasons::GAMMUOPTION,
        "USETLS" => {
            "Begin url below [mqtt] with mqtts://, with port 8883 as a rule; ca_file names an authority of your own."
        }
        "LOG_LEVEL" => "SMSBRIDGE_LOG, or -v and -q.",
        "SMS_MAX_TEXT_LENGTH" => "max_parts below [outbound] bounds a message: 153 characters a part, or 67.",
        _ => "Not a variable of SMS2MQTT.",
    }
}
