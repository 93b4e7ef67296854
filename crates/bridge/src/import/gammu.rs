//! What a configuration of gammu-smsd means here.

use std::collections::BTreeSet;

use super::draft::{Draft, Table, shown};
use super::files::Files;
use super::gammu_reasons::{is_of_modem, why};
use super::hook_program;
use super::ini::Ini;
use super::numbers;
use super::options::{Entry, Options};
use super::values::{self, name, note_port, number, set_flag, set_pin, set_service_center, yes_no};

/// Phones for gammu alone that are shown.
const MAX_OTHERS: usize = 64;

pub(super) fn draft(file: Ini, files: &dyn Files) -> Draft {
    let mut entries = file.entries;
    for entry in &mut entries {
        entry.section = entry.section.to_lowercase();
    }
    let mut options = Options::new(entries);
    let mut draft = Draft::default();
    draft.leave_odd(&file.odd);
    draft.fill_in.push(super::values::BROKER.to_owned());
    draft.mqtt.set_ours("url", "mqtt://localhost:1883").note("gammu-smsd had no broker: name yours.");

    let mut names = BTreeSet::new();
    let phone_id = options.take("smsd", "phoneid").filter(|entry| !entry.word().is_empty());
    modem(&mut options, &mut draft, phone_id.as_ref(), &mut names);
    senders(&mut options, &mut draft, files);
    reports_and_parts(&mut options, &mut draft);
    hooks(&mut options, &mut draft, files);
    switched_off(&mut options, &mut draft);
    let sections = options.sections();
    let others = sections.iter().filter(|section| is_of_modem(section) && *section != "gammu");
    for section in others.take(MAX_OTHERS) {
        other_modem(section, &mut options, &mut draft, &mut names);
    }
    for (entry, counts) in options.rest() {
        match counts {
            Some(line) => draft.leave(&entry, format!("It stands again in line {line}, which counts.")),
            None => draft.leave(&entry, why(&entry.section, &entry.key.to_lowercase())),
        }
    }
    draft
}

/// The modem of gammu-smsd: the section `gammu`, and what `smsd` says of its SIM.
fn modem(options: &mut Options, draft: &mut Draft, phone_id: Option<&Entry>, names: &mut BTreeSet<String>) {
    let mut table = Table::default();
    match phone_id {
        Some(entry) => {
            let own = name(entry.word(), names);
            let key = table.set("name", own.clone(), entry);
            if own != entry.word() {
                key.note("Names are of a-z 0-9 _ -. Scripts find this one in PHONE_ID.");
            }
        }
        None => {
            table.set_ours("name", name("main", names));
        }
    }
    if !port_and_speed("gammu", &mut table, options, draft) {
        draft.fill_in.push("[[modem]] port: which modem; `smsbridge detect` prints the lines.".to_owned());
        table
            .set_ours("port", "auto")
            .note("The first modem that is found. `smsbridge detect` shows them all.");
    }
    if let Some(entry) = options.take("smsd", "pin") {
        set_pin(&mut table, &entry, draft);
    }
    if let Some(entry) = options.take("smsd", "smsc") {
        set_service_center(&mut table, entry.word(), &entry, draft);
    }
    if let Some(entry) = options.take("smsd", "hangupcalls") {
        set_flag(&mut table, "hang_up", &entry, draft);
    }
    draft.modems.push(table);
}

/// A section that gammu-smsd does not read: a phone for gammu itself.
fn other_modem(section: &str, options: &mut Options, draft: &mut Draft, names: &mut BTreeSet<String>) {
    let mut table = Table { is_off: true, ..Table::default() };
    table.notes.push(format!(
        "gammu-smsd used [gammu] alone, not [{}]. To use this modem too, take the # away.",
        shown(section)
    ));
    table.set_ours("name", name(section, names));
    if port_and_speed(section, &mut table, options, draft) {
        draft.modems.push(table);
    }
}

/// Sets port and speed; false where no port could be set.
fn port_and_speed(section: &str, table: &mut Table, options: &mut Options, draft: &mut Draft) -> bool {
    let device = match (options.take(section, "device"), options.take(section, "port")) {
        (Some(device), Some(port)) => {
            draft.leave(
                &port,
                format!("An older name of device, which stands in line {} and counts.", device.line),
            );
            Some(device)
        }
        (device, port) => device.or(port),
    };
    let connection = options.take(section, "connection");
    let speaks_at = connection.as_ref().is_none_or(|entry| speed(entry.word()).is_some());
    let port = device.as_ref().filter(|_| speaks_at).and_then(|entry| values::port(entry.word()));
    match (&device, &port) {
        (Some(entry), Some(port)) => note_port(table.set("port", port.clone(), entry), port),
        (Some(entry), None) if !speaks_at => {
            draft.leave(entry, "What it is said to be connected by rules it out: see `connection`.")
        }
        (Some(entry), None) => draft
            .leave(entry, "No serial port or address that a modem could be at. Set port below [[modem]]."),
        (None, _) => {}
    }
    if let Some(entry) = &connection {
        match speed(entry.word()) {
            Some(Some(baud)) if port.is_some() => {
                table.set("baud", baud, entry);
            }
            Some(_) => draft.leave(
                entry,
                "AT commands over a serial port: that is all the gateway speaks. USB modems take any speed.",
            ),
            None => draft.leave(entry, not_at(entry.word())),
        }
    }
    port.is_some()
}

/// The speed of a connection by AT commands over a serial port, where it names one; none where it is another.
fn speed(connection: &str) -> Option<Option<u32>> {
    let lower = connection.to_ascii_lowercase();
    let plain =
        lower.split("-nodtr").next().and_then(|text| text.split("-nopower").next()).unwrap_or_default();
    match plain.strip_prefix("at") {
        Some("") => Some(None),
        Some(speed) => speed.parse().ok().filter(|baud| *baud > 0).map(Some),
        None => (plain == "dku2at").then_some(None),
    }
}

fn not_at(connection: &str) -> &'static str {
    let lower = connection.to_ascii_lowercase();
    if lower.starts_with("proxy") {
        "No command is run to reach a modem. Let socat or ser2net serve it, and set port = \"tcp://HOST:PORT\"."
    } else if lower.starts_with("blue") || lower.starts_with("irda") {
        "The gateway opens serial ports: bind the phone to one (rfcomm bind), and set port = \"/dev/rfcomm0\"."
    } else {
        "The gateway speaks AT commands over a serial port and nothing else: with this phone it does not work."
    }
}

/// Whose messages are taken.
fn senders(options: &mut Options, draft: &mut Draft, files: &dyn Files) {
    let included = options.take_all("include_numbers");
    let include_file = options.take("smsd", "includenumbersfile");
    let is_include = !included.is_empty() || include_file.is_some();
    for entry in included.iter().chain(&include_file) {
        draft.leave(entry, ONLY_THESE);
    }
    let excluded = options.take_all("exclude_numbers");
    let exclude_file = options.take("smsd", "excludenumbersfile");
    if is_include {
        for entry in excluded.iter().chain(&exclude_file) {
            draft.leave(entry, "gammu-smsd leaves it out where there is a list of numbers to include.");
        }
        return;
    }
    let mut inbound = std::mem::take(&mut draft.inbound);
    for entry in &excluded {
        match numbers::sender(entry.word()) {
            numbers::Line::Pattern(number) => inbound.add("deny", vec![number], entry),
            _ => draft.leave(entry, "Not a number or a name of a sender."),
        }
    }
    if let Some(entry) = exclude_file {
        numbers::add_file((&mut inbound, "deny"), &entry, draft, files, numbers::sender);
    }
    if let Some(key) = inbound.key("deny") {
        key.note("gammu-smsd deletes their messages; here they are kept in the store, and not published.");
    }
    draft.inbound = inbound;
}

const ONLY_THESE: &str = "There is no list of senders to take messages from: all are published. Let whoever reads them compare \
                          `from`; `deny` below [inbound] leaves senders out.";

fn reports_and_parts(options: &mut Options, draft: &mut Draft) {
    if let Some(entry) = options.take("smsd", "multiparttimeout") {
        match number(&entry, 0) {
            Some(seconds) => {
                let key = draft.inbound.set("reassembly_timeout_s", seconds, &entry);
                key.note("After that gammu-smsd passed on the parts one by one; here it is one message, `complete` false.");
            }
            None => draft.leave(&entry, "Not a number of seconds."),
        }
    }
    if let Some(entry) = options.take("smsd", "deliveryreport") {
        let is_wanted = ["log", "sms"].iter().any(|word| entry.word().eq_ignore_ascii_case(word));
        let key = draft.outbound.set("delivery_report", is_wanted, &entry);
        if is_wanted {
            key.note("A report becomes a result on sms/result: `delivered`.");
        }
    }
}

/// The programs gammu-smsd runs.
fn hooks(options: &mut Options, draft: &mut Draft, files: &dyn Files) {
    let received =
        "It gets the same variables, and no ids of messages as arguments. Where it fails it is run again.";
    let result = "A hook runs at each step: this asks for the state first. It gets the request's id as argument and JSON on \
                  standard input, but no variables of the message.";
    let call = "Run when it rings, also where the gateway does not hang up. It gets the number as argument.";
    let failed = ["failed", "expired", "unknown", "rejected"];
    let all: [(&str, &str, &[&str], &str, &str); 4] = [
        ("runonreceive", "received", &[], "", received),
        ("runonsent", "result", &["sent"], "id", result),
        ("runonfailure", "result", &failed, "id", result),
        ("runonincomingcall", "call", &["ringing"], "from", call),
    ];
    for (option, on, states, field, note) in all {
        let Some(entry) = options.take("smsd", option) else { continue };
        let words = match states {
            [] => hook_program::words(&entry.value),
            states => hook_program::words_for_states(&entry.value, states, field),
        };
        let Some(words) = words else {
            draft.leave(&entry, "No command.");
            continue;
        };
        if let Some(program) = hook_program::program(&entry.value).filter(|program| !files.is_there(program))
        {
            draft.fill_in.push(format!(
                "line {}: {} is not on this machine: put it there.",
                entry.line,
                shown(program)
            ));
        }
        let mut table = Table::default();
        table.set_ours("on", on);
        let key = table.set("command", words, &entry).note(note);
        if option == "runonfailure" {
            key.note("It is not run where the modem fails: `problem` on sms/modem/<modem> says that.");
        }
        draft.hooks.push(table);
    }
}

/// `Send` and `Receive` as no.
fn switched_off(options: &mut Options, draft: &mut Draft) {
    for (option, words) in [
        ("send", "Sending cannot be switched off here: let the broker allow nobody to publish on sms/send."),
        (
            "receive",
            "Receiving cannot be switched off here: messages on the SIM are published and deleted from it.",
        ),
    ] {
        if let Some(entry) = options.take("smsd", option) {
            match yes_no(&entry) {
                Some(false) => draft.leave(&entry, words),
                _ => draft.leave(&entry, "The gateway always does."),
            }
        }
    }
}
