//! What the tables mean: from the file's structs to the checked form, with every mistake that is found on the way.
//!
//! Each table is looked at, whatever is wrong with another. A mistake keeps the path of its key.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};
use smsbridge_modem::port::PortSpec;
use smsbridge_modem::profile::{self, Overrides};
use smsbridge_modem::trace::masked;

use super::file::{
    ContactTable, File, HomeAssistantTable, HookTable, ModemTable, MqttTable, OutboundTable, RuleTable,
    UssdTable,
};
use super::http::http;
use super::mistake::Mistakes;
use super::secrets::Reader;
use super::servers;
use super::settings::{
    Config, HomeAssistant, Hook, Inbound, Modem, Mqtt, Outbound, Source, Store, Tls, Trace, Ussd,
};
use super::values::{days, default_store_path, recipient_patterns, seconds, sender_patterns, short_codes};
use crate::contact::{self, Contact, EXPECTED_NAME};
use crate::message::Name;
use crate::number::{bare, dialled};
use crate::rules::{ReplyLimits, Rule};
use crate::wire::topic::{is_beside, is_legal_prefix, is_legal_response_prefix};

/// What a file means; none where there is a mistake.
pub(super) fn of(file: File, secrets: &mut Reader, mistakes: &mut Mistakes) -> Option<Config> {
    let name = mistakes.keep("name", file.name.parse());
    let mqtt = mqtt(file.mqtt, secrets, mistakes);
    let modems = modems(file.modem, secrets, mistakes);
    let country = &file.outbound.default_country.clone();
    let outbound = outbound(file.outbound, mistakes);
    let contacts = contacts(file.contact, outbound.as_ref(), mistakes);
    let deny = sender_patterns("inbound.deny", &file.inbound.deny, country, mistakes);
    let ussd = ussd(file.ussd, mistakes);
    let home_assistant = home_assistant(file.homeassistant, mqtt.as_ref(), mistakes);
    let http = http(file.http, secrets, mistakes);
    let rules: Vec<_> =
        file.rule.into_iter().enumerate().map(|(n, table)| rule(n, table, mistakes)).collect();
    let hooks: Vec<_> =
        file.hook.into_iter().enumerate().map(|(n, table)| hook(n, table, mistakes)).collect();
    Some(Config {
        has_status: false,
        name: name?,
        mqtt: mqtt?,
        modems: modems?,
        store: Store {
            is_default: file.store.path.is_empty() && std::env::var_os("STATE_DIRECTORY").is_none(),
            path: if file.store.path.is_empty() { default_store_path() } else { file.store.path.into() },
            keep: days(file.store.keep_days),
        },
        inbound: Inbound {
            reassembly_timeout: seconds(file.inbound.reassembly_timeout_s),
            include_pdu: file.inbound.include_pdu,
            deny,
        },
        outbound: outbound?,
        contacts: contacts?,
        ussd,
        home_assistant: home_assistant?,
        http,
        rules: rules.into_iter().collect::<Option<_>>()?,
        trace: Some(file.trace)
            .filter(|path| !path.is_empty())
            .map(|path| Trace { path: path.into(), unmasked: file.trace_unmasked }),
        hooks: hooks.into_iter().collect::<Option<_>>()?,
        source: Source::default(),
    })
}

fn rule(n: usize, table: RuleTable, mistakes: &mut Mistakes) -> Option<Rule> {
    let limits = ReplyLimits {
        per_hour: table.replies_per_hour,
        max_age: (table.reply_max_age_h > 0).then(|| seconds(table.reply_max_age_h.saturating_mul(3600))),
    };
    let name = given(n, "rule", "name", table.name, "what is published as `rule`", mistakes);
    let pattern = given(n, "rule", "match", table.r#match, "a regular expression", mistakes);
    if table.reply.as_deref() == Some("") {
        mistakes.add(
            format!("rule[{n}].reply"),
            "expected a text of at least one character; leave it out for no reply",
        );
        return None;
    }
    let (name, pattern) = (name?, pattern?);
    let rule = Rule::new(name.clone(), &pattern, table.reply.as_deref(), limits);
    rule.map_err(|(key, words)| mistakes.add(format!("rule[{n}].{key}"), format!("of rule {name}: {words}")))
        .ok()
}

fn hook(n: usize, table: HookTable, mistakes: &mut Mistakes) -> Option<Hook> {
    let on = given(n, "hook", "on", table.on, "\"received\", \"result\" or \"call\"", mistakes);
    let example = "the program and its arguments, such as [\"/usr/local/bin/on-sms\"]";
    let command = given(n, "hook", "command", table.command, example, mistakes)?;
    if command.first().is_none_or(String::is_empty) {
        mistakes.add(format!("hook[{n}].command"), format!("expected {example}"));
        return None;
    }
    Some(Hook { on: on?, command, timeout: seconds(table.timeout_s) })
}

/// A key that has to be given.
fn given<T>(
    n: usize,
    table: &str,
    key: &str,
    value: Option<T>,
    expected: &str,
    mistakes: &mut Mistakes,
) -> Option<T> {
    if value.is_none() {
        mistakes.add(format!("{table}[{n}].{key}"), format!("it is missing: {expected}"));
    }
    value
}

fn mqtt(table: MqttTable, secrets: &mut Reader, mistakes: &mut Mistakes) -> Option<Mqtt> {
    let address = mistakes.keep("mqtt.url", servers::servers(&table.url));
    if !is_legal_prefix(&table.prefix) {
        mistakes.add("mqtt.prefix", format!("{:?}: no + or #, no / at its ends, no leading $", table.prefix));
    } else if !table.response_prefix.is_empty()
        && !is_legal_response_prefix(&table.response_prefix, &table.prefix)
    {
        let words = format!(
            "{:?}: expected the beginning of topics outside of mqtt.prefix, such as \"answers/\": no + or #, no leading \
             $; empty for no response topics",
            table.response_prefix
        );
        mistakes.add("mqtt.response_prefix", words);
    }
    if !table.share.is_empty() && table.share.parse::<Name>().is_err() {
        mistakes.add("mqtt.share", format!("{:?}: expected 1 to 32 of a-z 0-9 _ -", table.share));
    }
    let client = match (table.client_cert, table.client_key) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        (Some(_), None) => {
            mistakes.add_key("mqtt.client_cert", "it needs client_key beside it");
            None
        }
        (None, Some(_)) => {
            mistakes.add_key("mqtt.client_key", "it needs client_cert beside it");
            None
        }
    };
    let password = secrets.secret("mqtt.password", table.password, table.password_file.clone(), mistakes);
    let has_password = password.is_some() || table.password_file.is_some();
    if has_password && table.username.is_none() && !mistakes.has("mqtt.password_file") {
        mistakes.add("mqtt.username", "it is missing: a password is given, so a user name is needed");
    }
    let login = table.username.map(|user| (user, password.unwrap_or_default()));
    let (encrypted, servers) = address?;
    if !encrypted && (table.ca_file.is_some() || client.is_some()) {
        mistakes.add("mqtt.url", "certificates are given, so it must begin with mqtts://");
    }
    Some(Mqtt {
        servers,
        tls: encrypted.then_some(Tls { ca_file: table.ca_file, client }),
        login,
        login_place: "[mqtt] username and password, or password_file",
        prefix: table.prefix,
        share: table.share,
        retain_last: table.retain_last,
        response_prefix: table.response_prefix,
        on_stale: table.on_stale,
    })
}

/// All modems. Names and ports are unique, and several with port "auto" differ by IMEI.
fn modems(tables: Vec<ModemTable>, secrets: &mut Reader, mistakes: &mut Mistakes) -> Option<Vec<Modem>> {
    let tables = if tables.is_empty() { vec![ModemTable::default()] } else { tables };
    let count = tables.len();
    let (mut names, mut ports) = (BTreeMap::new(), BTreeMap::new());
    let mut modems = Vec::new();
    for (n, table) in tables.into_iter().enumerate() {
        let at = |key: &str| format!("modem[{n}].{key}");
        let name = table.name.clone();
        let port =
            table.port.parse::<PortSpec>().map_or_else(|_| table.port.clone(), |port| port.to_string());
        if let Some(first) = names.get(&name) {
            mistakes.add(at("name"), format!("{name} is used twice: {} has it too", nth("modem", *first)));
        }
        if port == "auto" && count > 1 && table.imei.is_empty() {
            let words = format!(
                "it is missing: needed to tell modems apart whose port is \"auto\", as that of {name} is"
            );
            mistakes.add(at("imei"), words);
        }
        // A password may stand in what is wrong already.
        if port != "auto"
            && !port.contains('@')
            && let Some(first) = ports.get(&port)
        {
            mistakes.add(at("port"), format!("{port} is used twice: {} has it too", nth("modem", *first)));
        }
        names.entry(name).or_insert(n);
        ports.entry(port).or_insert(n);
        modems.push(modem(n, table, secrets, mistakes));
    }
    modems.into_iter().collect()
}

fn nth(table: &str, n: usize) -> String {
    format!("[[{table}]] number {}", n + 1)
}

fn modem(n: usize, table: ModemTable, secrets: &mut Reader, mistakes: &mut Mistakes) -> Option<Modem> {
    let at = |key: &str| format!("modem[{n}].{key}");
    let name = mistakes.keep(&at("name"), table.name.parse::<Name>());
    let pin = secrets.secret(&at("pin"), table.pin, table.pin_file.clone(), mistakes);
    if let Some(words) = pin.as_ref().and_then(pin_mistake) {
        mistakes.add(at(if table.pin_file.is_some() { "pin_file" } else { "pin" }), words);
    }
    let port = if table.port.contains("://") && table.port.contains('@') {
        Err("expected tcp://HOST:PORT, without user name and password".to_owned())
    } else {
        table.port.parse::<PortSpec>().map_err(|error| error.to_string())
    };
    let port = mistakes.keep(&at("port"), port);
    let is_channel =
        |text: &str| text.split('-').count() <= 2 && text.split('-').all(|n| n.parse::<u16>().is_ok());
    for (element, text) in table.broadcast.iter().enumerate().filter(|(_, text)| !is_channel(text)) {
        let words = format!("{text:?} is not a channel; expected \"50\" or \"4370-4383\"");
        mistakes.add(format!("{}[{element}]", at("broadcast")), words);
    }
    let is_command = |text: &str| text.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("AT"));
    for (element, text) in table.init.iter().enumerate().filter(|(_, text)| !is_command(text)) {
        mistakes
            .add(format!("{}[{element}]", at("init")), format!("{:?} is not an AT command", masked(text)));
    }
    if let Some(text) = table.reset.as_ref().filter(|text| !text.is_empty() && !is_command(text)) {
        mistakes.add(at("reset"), format!("{:?} is not an AT command; \"\" means never", masked(text)));
    }
    let profile = Some(&*table.profile).filter(|name| !name.is_empty()).and_then(|name| {
        let known = || profile::names().collect::<Vec<_>>().join(", ");
        let found = profile::named(name).ok_or_else(|| format!("{name:?} is not one of {}", known()));
        mistakes.keep(&at("profile"), found)
    });
    Some(Modem {
        name: name?,
        port: port?,
        baud: table.baud,
        pin,
        imei: Some(table.imei).filter(|text| !text.is_empty()),
        service_center: Some(table.service_center).filter(|text| !text.is_empty()),
        overrides: Overrides::default().with_profile(profile).with_init(table.init).with_reset(table.reset),
        hang_up: table.hang_up,
        broadcast: table.broadcast,
    })
}

/// Why a text is no PIN, without the text.
pub fn pin_mistake(pin: &SecretString) -> Option<String> {
    let pin = pin.expose_secret();
    let is_legal = (4..=8).contains(&pin.len()) && pin.bytes().all(|b| b.is_ascii_digit());
    (!is_legal).then(|| "expected a PIN of 4 to 8 digits".to_owned())
}

fn outbound(table: OutboundTable, mistakes: &mut Mistakes) -> Option<Outbound> {
    let country = &table.default_country;
    if !country.bytes().all(|b| b.is_ascii_digit()) || country.len() > 3 {
        let words = format!("{country:?}: expected a country calling code without +, such as \"49\"");
        mistakes.add("outbound.default_country", words);
        return None;
    }
    let short_codes = short_codes("outbound.short_codes", &table.short_codes, mistakes);
    // A number that `allow` names is one that may be sent to as it stands.
    let named = table.allow.iter().filter(|text| !text.ends_with('*')).map(|text| bare(text));
    let known: Vec<String> = short_codes.iter().cloned().chain(named).collect();
    let allow = recipient_patterns("outbound.allow", &table.allow, country, &known, mistakes);
    let deny = recipient_patterns("outbound.deny", &table.deny, country, &known, mistakes);
    Some(Outbound {
        delivery_report: table.delivery_report,
        report_timeout: seconds(table.report_timeout_s),
        ttl: (table.ttl_s > 0).then(|| seconds(table.ttl_s)),
        on_unknown: table.on_unknown,
        default_country: table.default_country,
        allow,
        deny,
        short_codes,
        max_parts: table.max_parts,
        max_recipients: table.max_recipients as usize,
        message_expiry: table.message_expiry,
        per_minute: (table.per_minute > 0).then_some(table.per_minute),
        per_day: (table.per_day > 0).then_some(table.per_day),
    })
}

/// All contacts. Without a good `[outbound]` their numbers are not looked at, for nobody knows what they mean.
fn contacts(
    tables: Vec<ContactTable>,
    outbound: Option<&Outbound>,
    mistakes: &mut Mistakes,
) -> Option<Vec<Contact>> {
    let mut names: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut contacts = Vec::new();
    for (n, table) in tables.into_iter().enumerate() {
        if let Some(name) = &table.name {
            let key = contact::key(name);
            if let Some((first, spelt)) = names.get(&key) {
                let has_it =
                    if spelt == name { "has it too".to_owned() } else { format!("has it as {spelt:?}") };
                let words = format!("{name:?} is used twice: {} {has_it}", nth("contact", *first));
                mistakes.add(format!("contact[{n}].name"), words);
            } else {
                names.insert(key, (n, name.clone()));
            }
        }
        contacts.push(contact(n, table, outbound, mistakes));
    }
    contacts.into_iter().collect()
}

fn contact(
    n: usize,
    table: ContactTable,
    outbound: Option<&Outbound>,
    mistakes: &mut Mistakes,
) -> Option<Contact> {
    let at = |key: &str| format!("contact[{n}].{key}");
    let name = given(n, "contact", "name", table.name, EXPECTED_NAME, mistakes);
    let name = name.and_then(|name| {
        let wrong = || format!("{name:?} is no name: expected {EXPECTED_NAME}");
        mistakes.keep(&at("name"), contact::is_name(&name).then_some(name.clone()).ok_or_else(wrong))
    });
    let written = match (table.number, table.numbers) {
        (Some(number), None) => vec![(at("number"), number)],
        (None, Some(numbers)) if !numbers.is_empty() => {
            let element = |(element, number)| (format!("{}[{element}]", at("numbers")), number);
            numbers.into_iter().enumerate().map(element).collect()
        }
        (None, Some(_)) => {
            mistakes
                .add(at("numbers"), "it is empty: expected at least one number, such as \"+4915112345678\"");
            return None;
        }
        (Some(_), Some(_)) => {
            mistakes.add_key(at("number"), "it stands beside numbers: give only one of them");
            return None;
        }
        (None, None) => {
            mistakes
                .add(at("number"), "it is missing: expected number or numbers, such as \"+4915112345678\"");
            return None;
        }
    };
    let outbound = outbound?;
    let mut numbers = Vec::new();
    for (path, written) in &written {
        let number = dialled(written, &outbound.short_codes, &outbound.default_country);
        let number = mistakes.keep(path, number.map_err(|failure| failure.message))?;
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    if numbers.len() > outbound.max_recipients {
        let (count, limit) = (numbers.len(), outbound.max_recipients);
        let words =
            format!("{count} numbers, and [outbound] max_recipients = {limit}: no request could go to them");
        mistakes.add(at("numbers"), words);
        return None;
    }
    Some(Contact { name: name?, numbers })
}

fn home_assistant(
    table: HomeAssistantTable,
    mqtt: Option<&Mqtt>,
    mistakes: &mut Mistakes,
) -> Option<HomeAssistant> {
    let HomeAssistantTable { discovery, prefix } = table;
    if !is_legal_prefix(&prefix) || prefix.contains(char::is_control) {
        let words = format!("{prefix:?}: no + or #, no / at its ends, no leading $");
        mistakes.add("homeassistant.prefix", words);
        return None;
    }
    let own = &mqtt?.prefix;
    if discovery && !is_beside(&prefix, own) {
        let words = format!(
            "its prefix {prefix:?} and mqtt.prefix {own:?} would share topics: choose another for one of them"
        );
        mistakes.add("homeassistant.discovery", words);
        return None;
    }
    Some(HomeAssistant { discovery, prefix })
}

fn ussd(table: UssdTable, mistakes: &mut Mistakes) -> Ussd {
    let is_code =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'));
    for (n, text) in table.allow.iter().enumerate().filter(|(_, text)| !is_code(text)) {
        let words = format!("{text:?}: expected a code of digits, * and #, such as \"*100#\"");
        mistakes.add(format!("ussd.allow[{n}]"), words);
    }
    Ussd { allow: table.allow, per_day: (table.per_day > 0).then_some(table.per_day) }
}
