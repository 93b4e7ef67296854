//! What the options of one modem of SMS Server Tools mean here.

use std::collections::BTreeSet;

use super::draft::{Draft, Left, Setting, Table, shown};
use super::options::{Entry, Options};
use super::values::{self, name, note_port, number, set_flag, set_pin, set_service_center, yes_no};

/// Why the program for events is not run.
pub(super) const EVENTHANDLER: &str = "It was called with RECEIVED, SENT, FAILED, REPORT or CALL and a file. A [[hook]] gets JSON on its \
                                       standard input instead; docs/migrating.md has a script that runs such a program for what \
                                       is received.";

/// A modem by its name, and where it is named.
pub(super) struct Device {
    pub(super) name: String,
    pub(super) entry: Option<Entry>,
}

/// The sections a modem's options are looked for in, the one that counts first.
pub(super) struct Sources(Vec<String>);

impl Sources {
    /// Its own, that of its group, that of all.
    pub(super) fn of_device(device: &Device, options: &Options) -> Sources {
        let group = format!("{}*", device.name.trim_end_matches(|c: char| c.is_ascii_digit()));
        let sections = options.sections();
        let names = [device.name.clone(), group, "default".to_owned()];
        Sources(names.into_iter().filter(|name| sections.contains(name)).collect())
    }

    pub(super) fn alone(section: &str) -> Sources {
        Sources(vec![section.to_owned()])
    }

    /// The option that counts.
    fn take(&self, options: &mut Options, key: &str) -> Option<Entry> {
        self.0.iter().find_map(|section| options.take(section, key))
    }
}

/// Adds a modem. One that smsd did not use is written as a comment.
pub(super) fn add(
    device: &Device,
    sources: &Sources,
    options: &mut Options,
    draft: &mut Draft,
    names: &mut BTreeSet<String>,
    is_off: bool,
) {
    let mut table = Table { is_off, ..Table::default() };
    if is_off {
        table.notes.push(format!(
            "[{}] is not in `devices`: smsd did not use it. To use it here, take the # away.",
            shown(&device.name)
        ));
    }
    let own = name(&device.name, names);
    let is_renamed = own != device.name;
    let key = match &device.entry {
        Some(entry) => table.set("name", own, entry),
        None => table.set_ours("name", own),
    };
    if is_renamed {
        key.note(&format!("It was {}: names are of a-z 0-9 _ -.", shown(&device.name)));
    }
    let has_port = port(device, sources, &mut table, options, draft);
    if !has_port {
        table.is_off = true;
        table.set_ours("port", "/dev/serial/by-id/…").note("Which port it is, `smsbridge detect` says.");
        if !is_off {
            draft.fill_in.push(format!("[[modem]] {}: its port.", shown(&device.name)));
        }
    }
    of_sim(sources, &mut table, options, draft);
    calls(sources, &mut table, options, draft);
    let commands = commands(sources, options, draft);
    if let Some((first, _)) = commands.first() {
        let texts = commands.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
        let key = table.set("init", texts, first);
        for (entry, _) in &commands[1..] {
            key.also_from(entry);
        }
    }
    let mut outbound = match is_off {
        true => Table::default(),
        false => std::mem::take(&mut draft.outbound),
    };
    limits(sources, &mut outbound, options, draft);
    match is_off {
        true => {
            let origins = outbound.keys.into_iter().flat_map(|key| key.from);
            let why = "It holds for all modems here, and smsd did not use this one.";
            draft.left.extend(origins.map(|origin| Left { origin, why: why.to_owned() }));
        }
        false => draft.outbound = outbound,
    }
    if let Some(entry) = sources.take(options, "eventhandler") {
        draft.leave(&entry, EVENTHANDLER);
    }
    draft.modems.push(table);
}

/// Sets port and speed; false where it has none that can be opened.
fn port(
    device: &Device,
    sources: &Sources,
    table: &mut Table,
    options: &mut Options,
    draft: &mut Draft,
) -> bool {
    let mut has_port = false;
    if let Some(entry) = sources.take(options, "device") {
        let text = entry.word().replacen("modemname", &device.name, 1);
        let text = text.strip_prefix('@').map(|address| format!("tcp://{address}")).unwrap_or(text);
        let is_used = |port: &str| {
            draft.modems.iter().any(|other| {
                !other.is_off
                    && other.keys.iter().any(|key| key.name == "port" && key.value == Setting::from(port))
            })
        };
        match values::port(&text) {
            Some(port) if is_used(&port) => draft.leave(&entry, "Another modem above has this port."),
            Some(port) => {
                note_port(table.set("port", port.clone(), &entry), &port);
                has_port = true;
            }
            None => draft.leave(&entry, "No serial port or address that a modem could be at."),
        }
    }
    if let Some(entry) = sources.take(options, "baudrate") {
        match number(&entry, 1) {
            Some(baud) => {
                table.set("baud", baud, &entry);
            }
            None => draft.leave(&entry, "Not a speed. USB modems take any."),
        }
    }
    has_port
}

fn of_sim(sources: &Sources, table: &mut Table, options: &mut Options, draft: &mut Draft) {
    if let Some(entry) = sources.take(options, "pin") {
        match entry.word().eq_ignore_ascii_case("ignore") {
            true => draft.leave(&entry, "The SIM is asked whether it wants a PIN: nothing to set."),
            false => set_pin(table, &entry, draft),
        }
    }
    if let Some(entry) = sources.take(options, "smsc") {
        // There a number is written without its +, unless it is a national one.
        let number = match entry.word() {
            word if word.starts_with(['+', '0']) => word.to_owned(),
            word => format!("+{word}"),
        };
        set_service_center(table, &number, &entry, draft);
    }
}

fn calls(sources: &Sources, table: &mut Table, options: &mut Options, draft: &mut Draft) {
    let hang_up =
        sources.take(options, "hangup_incoming_call").or_else(|| options.take("", "hangup_incoming_call"));
    if let Some(entry) = &hang_up {
        set_flag(table, "hang_up", entry, draft);
    }
    if let Some(entry) = sources.take(options, "phonecalls") {
        let is_clip = ["clip", "2"].iter().any(|word| entry.word().eq_ignore_ascii_case(word));
        match table.key("hang_up") {
            Some(key) if is_clip && key.value != Setting::Flag(true) => {
                key.value = true.into();
                key.also_from(&entry).note("With `clip` smsd hung up in any case.");
            }
            None if is_clip => {
                table.set("hang_up", true, &entry).note("With `clip` smsd hung up.");
            }
            _ => draft.leave(&entry, "Every call comes on sms/call/<modem>: nothing to set."),
        }
    }
}

/// What the gateway sets itself, and differently: parts of AT commands.
const OURS: [&str; 9] = ["+CNMI", "+CPMS", "+CMGF", "+CMEE", "+CSMS", "+CREG", "+CLIP", "+CPIN", "+CSCS"];

/// The commands a modem gets at its start that are passed on.
fn commands(sources: &Sources, options: &mut Options, draft: &mut Draft) -> Vec<(Entry, String)> {
    let mut commands = Vec::new();
    for option in ["start", "init", "init1", "init2"] {
        let Some(entry) = sources.take(options, option) else { continue };
        let command = entry.value.trim();
        let upper = command.to_ascii_uppercase();
        let Some(rest) = upper.strip_prefix("AT") else {
            draft.leave(&entry, "Not an AT command.");
            continue;
        };
        // A letter sets what the session itself is made of, such as its echo.
        let is_extended = rest.starts_with(|c: char| c.is_ascii_punctuation() && c != '&');
        if is_extended
            && !OURS.iter().any(|part| upper.contains(part))
            && !command.chars().any(char::is_control)
        {
            commands.push((entry.clone(), command.to_owned()));
        } else {
            draft.leave(
                &entry,
                "The gateway sets up the modem itself, and would be disturbed by some of this. What your modem needs beyond \
                 that: init = [\"AT+…\"] below [[modem]].",
            );
        }
    }
    commands
}

/// What holds for all modems here.
fn limits(sources: &Sources, outbound: &mut Table, options: &mut Options, draft: &mut Draft) {
    if let Some(entry) = sources.take(options, "report") {
        let is_wanted = match entry.word().eq_ignore_ascii_case("disabled") {
            true => Some(false),
            false => yes_no(&entry),
        };
        match is_wanted {
            Some(is_wanted) if outbound.set_once("delivery_report", is_wanted, &entry) => {}
            Some(_) => draft
                .leave(&entry, "Another modem above says otherwise. `delivery_report` in a request counts."),
            None => draft.leave(&entry, "Neither yes nor no."),
        }
    }
    if let Some(entry) = sources.take(options, "message_limit") {
        let clear = sources.take(options, "message_count_clear");
        let minutes = clear.as_ref().and_then(|entry| number(entry, 1));
        let limit = number(&entry, 1).zip(match minutes {
            Some(1) => Some("per_minute"),
            Some(1440) => Some("per_day"),
            _ => None,
        });
        match limit {
            Some((limit, key)) if outbound.set_once(key, limit, &entry) => {
                if let Some(key) = outbound.key(key) {
                    if let Some(clear) =
                        clear.filter(|clear| key.from.iter().all(|origin| origin.line != clear.line))
                    {
                        key.also_from(&clear);
                    }
                    if key.note.is_empty() {
                        key.note("Here each part of a message counts.");
                    }
                }
            }
            _ => {
                let why = "It stopped a modem until smsd was started anew, or for message_count_clear minutes. Here per_minute and \
                           per_day below [outbound] bound what each modem sends; what is too much waits.";
                draft.leave(&entry, why);
                if let Some(entry) = &clear {
                    draft.leave(entry, why);
                }
            }
        }
    }
    for (option, words) in [
        ("incoming", "Every modem receives, and what is stored is deleted from the SIM."),
        ("outgoing", "Every modem that is online sends. `modem` in a request chooses one."),
    ] {
        let Some(entry) = sources.take(options, option) else { continue };
        match yes_no(&entry) {
            Some(false) => draft.leave(&entry, words),
            _ => draft.leave(&entry, "It always does: nothing to set."),
        }
    }
}
