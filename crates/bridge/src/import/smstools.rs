//! What a configuration of SMS Server Tools 3 means here.

use std::collections::BTreeSet;

use super::draft::{Draft, shown};
use super::files::Files;
use super::ini::Ini;
use super::numbers;
use super::options::{Entry, Options};
use super::smstools_modem::{self, Device, EVENTHANDLER, Sources};
use super::smstools_reasons::{of_global, of_modem, of_section};
use super::values::{self, number};

/// As many as smsd takes.
const MAX_DEVICES: usize = 64;

pub(super) fn draft(mut file: Ini, files: &dyn Files) -> Draft {
    for entry in &mut file.entries {
        entry.value = first_choice(&entry.value).to_owned();
    }
    let mut options = Options::new(file.entries);
    let mut draft = Draft::default();
    draft.leave_odd(&file.odd);
    draft.fill_in.push(values::BROKER.to_owned());
    draft.mqtt.set_ours("url", "mqtt://localhost:1883").note("SMS Server Tools had no broker: name yours.");

    let devices = devices(&mut options, &mut draft);
    let mut names = BTreeSet::new();
    for device in &devices {
        let sources = Sources::of_device(device, &options);
        smstools_modem::add(device, &sources, &mut options, &mut draft, &mut names, false);
    }
    for section in not_used(&options, &devices) {
        let device = Device { name: section.clone(), entry: None };
        let sources = Sources::alone(&section);
        smstools_modem::add(&device, &sources, &mut options, &mut draft, &mut names, true);
    }
    if !draft.modems.iter().any(|table| !table.is_off) {
        draft.fill_in.push(
            "[[modem]]: the file names no modem that could be used. `smsbridge detect` prints the lines."
                .to_owned(),
        );
    }
    lists(&mut options, &mut draft, files);
    parts_and_validity(&mut options, &mut draft);
    if let Some(entry) = options.take("", "eventhandler") {
        draft.leave(&entry, EVENTHANDLER);
    }
    for (entry, counts) in options.rest() {
        let key = entry.key.to_lowercase();
        let why = match (counts, of_section(&entry.section)) {
            (Some(line), None) => format!("It stands again in line {line}, which counts."),
            (_, Some(why)) => why.to_owned(),
            (None, None) if entry.section.is_empty() => of_global(&key).to_owned(),
            (None, None) => of_modem(&key).to_owned(),
        };
        draft.leave(&entry, why);
    }
    draft
}

/// Sections of modems that are not in `devices`.
fn not_used(options: &Options, devices: &[Device]) -> Vec<String> {
    let listed: BTreeSet<&str> = devices.iter().map(|device| &*device.name).collect();
    let is_modem = |section: &String| {
        let is_shared = section.is_empty() || section == "default" || section.ends_with('*');
        !is_shared && of_section(section).is_none() && !listed.contains(&**section)
    };
    options.sections().into_iter().filter(is_modem).take(MAX_DEVICES).collect()
}

/// The first of several values: `? GSM1 | GSM2`.
fn first_choice(value: &str) -> &str {
    match value.strip_prefix('?') {
        Some(choices) => choices.split('|').next().unwrap_or_default().trim(),
        None => value,
    }
}

fn devices(options: &mut Options, draft: &mut Draft) -> Vec<Device> {
    let Some(entry) = options.take("", "devices") else { return Vec::new() };
    let mut devices: Vec<Device> = Vec::new();
    let mut is_all = true;
    for item in entry.word().split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let names = in_full(item);
        is_all &= !names.is_empty();
        for name in names {
            if devices.len() < MAX_DEVICES && devices.iter().all(|device| device.name != name) {
                devices.push(Device { name, entry: Some(entry.clone()) });
            }
        }
    }
    if !is_all || devices.is_empty() {
        draft.leave(&entry, "Not all of it names modems.");
    }
    devices
}

/// `GSM* 101-164` in full; none where it is no name.
fn in_full(item: &str) -> Vec<String> {
    let Some((prefix, range)) = item.split_once('*') else {
        let is_legal = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        return [item].into_iter().filter(|name| name.chars().all(is_legal)).map(str::to_owned).collect();
    };
    let range = range.split_once('-').and_then(|(first, last)| {
        Some((first.trim().parse::<u32>().ok()?, last.trim().parse::<u32>().ok()?))
    });
    let (first, last) = range.unwrap_or((1, 0));
    (first..=last).take(MAX_DEVICES).map(|n| format!("{}{n}", prefix.trim())).collect()
}

/// Who may be sent to.
fn lists(options: &mut Options, draft: &mut Draft, files: &dyn Files) {
    let mut outbound = std::mem::take(&mut draft.outbound);
    for (option, key) in [("whitelist", "allow"), ("blacklist", "deny")] {
        let Some(entry) = options.take("", option) else { continue };
        numbers::add_file((&mut outbound, key), &entry, draft, files, numbers::beginning);
        if let Some(key) = outbound.key(key) {
            key.note(
                "Short numbers, those with s, are not in it: with a list, short_codes names each that may be sent to. \
                 A number that is sent to then needs its country code.",
            );
        }
    }
    draft.outbound = outbound;
}

fn parts_and_validity(options: &mut Options, draft: &mut Draft) {
    let hours = options.take("", "ic_purge_hours");
    let minutes = options.take("", "ic_purge_minutes");
    if let Some(first) = hours.as_ref().or(minutes.as_ref()) {
        let read =
            |entry: &Option<Entry>, unset: u32| entry.as_ref().map_or(Some(unset), |entry| number(entry, 0));
        let seconds = read(&hours, 24).zip(read(&minutes, 0)).and_then(|(hours, minutes)| {
            hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?).filter(|seconds| *seconds > 0)
        });
        match seconds {
            Some(seconds) => {
                let key = draft.inbound.set("reassembly_timeout_s", seconds, first);
                if let (Some(_), Some(minutes)) = (&hours, &minutes) {
                    key.also_from(minutes);
                }
            }
            None => {
                for entry in hours.iter().chain(&minutes) {
                    draft.leave(entry, "No time, or none at all: an incomplete message waits for an hour, reassembly_timeout_s below [inbound].");
                }
            }
        }
    }
    if let Some(entry) = options.take("", "validity") {
        match validity_s(entry.word()) {
            Some(seconds) => {
                let key = draft.outbound.set("ttl_s", seconds, &entry);
                key.note("It is also how long a message waits here for a modem; then it ends as `expired`.");
            }
            None => draft.leave(
                &entry,
                format!("No validity: {:?}. A day is ttl_s = 86400 below [outbound].", shown(entry.word())),
            ),
        }
    }
}

/// The seconds of a validity period: a number as in TS 23.040 9.2.3.12.1, or a number and a unit.
fn validity_s(text: &str) -> Option<u32> {
    const MINUTE: u32 = 60;
    const DAY: u32 = 86_400;
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u32 = number.parse().ok()?;
    let unit = unit.trim().to_ascii_lowercase();
    let seconds = match unit.as_str() {
        "" => match number {
            0..=143 => (number + 1) * 5 * MINUTE,
            144..=167 => 12 * 3600 + (number - 143) * 30 * MINUTE,
            168..=196 => (number - 166) * DAY,
            197..=255 => (number - 192) * 7 * DAY,
            _ => return None,
        },
        unit => {
            let units = [
                ("min", MINUTE),
                ("hour", 3600),
                ("day", DAY),
                ("week", 7 * DAY),
                ("month", 30 * DAY),
                ("year", 365 * DAY),
            ];
            let (_, seconds) = units.into_iter().find(|(name, _)| unit.starts_with(name))?;
            number.checked_mul(seconds)?
        }
    };
    Some(seconds).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_written_in_full() {
        assert_eq!(in_full("GSM* 9-11"), ["GSM9", "GSM10", "GSM11"]);
        assert_eq!(in_full("GSM1"), ["GSM1"]);
        assert_eq!(in_full("A* 1-4000000000").len(), MAX_DEVICES);
        for none in ["@DEVICES@", "GSM* 3-1", "GSM*", "GSM* x-y"] {
            assert_eq!(in_full(none), [""; 0], "{none}");
        }
    }

    #[test]
    fn validity_periods_are_those_of_the_standard() {
        for (text, seconds) in [
            ("0", Some(300)),
            ("143", Some(43_200)),
            ("167", Some(86_400)),
            ("168", Some(172_800)),
            ("255", Some(38_102_400)),
            ("3 days", Some(259_200)),
            ("10min", Some(600)),
            ("0 min", None),
            ("256", None),
            ("day", None),
            ("99999 year", None),
        ] {
            assert_eq!(validity_s(text), seconds, "{text}");
        }
    }

    #[test]
    fn of_several_values_the_first_counts() {
        assert_eq!(first_choice("? GSM1 | GSM2"), "GSM1");
        assert_eq!(first_choice("GSM1"), "GSM1");
    }
}
