//! The configuration as it is written: one struct per table, and its translation into the checked form.
//!
//! Every message names the key.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use smsbridge_modem::profile::{self, Overrides};
use smsbridge_modem::trace::masked;

use super::servers::Urls;
use super::settings::{
    Config, Hook, HookEvent, Inbound, MessageExpiry, Modem, Mqtt, OnStale, OnUnknown, Outbound, Store, Tls,
    Trace,
};
use super::ussd::UssdTable;
use super::values::{
    days, default_store_path, recipient_patterns, seconds, secret, sender_patterns, short_codes,
};
use super::{environment, mistake};
use crate::message::Name;
use crate::number::bare;
use crate::rules::{ReplyLimits, Rule};
use crate::wire::topic::{is_legal_prefix, is_legal_response_prefix};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    name: Option<String>,
    mqtt: MqttTable,
    modem: Vec<ModemTable>,
    store: StoreTable,
    inbound: InboundTable,
    outbound: OutboundTable,
    ussd: UssdTable,
    rule: Vec<RuleTable>,
    hook: Vec<HookTable>,
    trace: String,
    trace_unmasked: bool,
    #[serde(skip)]
    other_variables: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    name: String,
    r#match: String,
    reply: Option<String>,
    #[serde(default = "six")]
    replies_per_hour: u32,
    #[serde(default = "day")]
    reply_max_age_h: u32,
}

fn six() -> u32 {
    6
}

fn day() -> u32 {
    24
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HookTable {
    on: HookEvent,
    command: Vec<String>,
    #[serde(default = "sixty")]
    timeout_s: u32,
}

fn sixty() -> u32 {
    60
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct MqttTable {
    url: Urls,
    username: Option<String>,
    password: Option<SecretString>,
    password_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    client_cert: Option<PathBuf>,
    client_key: Option<PathBuf>,
    prefix: String,
    share: String,
    retain_last: bool,
    response_prefix: String,
    on_stale: OnStale,
}

impl Default for MqttTable {
    fn default() -> Self {
        MqttTable {
            url: Urls::One("mqtt://localhost:1883".to_owned()),
            username: None,
            password: None,
            password_file: None,
            ca_file: None,
            client_cert: None,
            client_key: None,
            prefix: "sms".to_owned(),
            share: String::new(),
            retain_last: true,
            response_prefix: "answers/".to_owned(),
            on_stale: OnStale::Reject,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ModemTable {
    name: String,
    port: String,
    baud: u32,
    pin: Option<SecretString>,
    pin_file: Option<PathBuf>,
    imei: String,
    service_center: String,
    profile: String,
    init: Vec<String>,
    reset: Option<String>,
    hang_up: bool,
    broadcast: Vec<String>,
}

impl Default for ModemTable {
    fn default() -> Self {
        ModemTable {
            name: "main".to_owned(),
            port: "auto".to_owned(),
            baud: 115_200,
            pin: None,
            pin_file: None,
            imei: String::new(),
            service_center: String::new(),
            profile: String::new(),
            init: Vec::new(),
            reset: None,
            hang_up: false,
            broadcast: Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StoreTable {
    path: String,
    keep_days: u32,
}

impl Default for StoreTable {
    fn default() -> Self {
        StoreTable { path: String::new(), keep_days: 30 }
    }
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct InboundTable {
    reassembly_timeout_s: u32,
    include_pdu: bool,
    deny: Vec<String>,
}

impl Default for InboundTable {
    fn default() -> Self {
        InboundTable { reassembly_timeout_s: 3600, include_pdu: false, deny: Vec::new() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OutboundTable {
    delivery_report: bool,
    report_timeout_s: u32,
    ttl_s: u32,
    on_unknown: OnUnknown,
    default_country: String,
    allow: Vec<String>,
    deny: Vec<String>,
    short_codes: Vec<String>,
    max_parts: u8,
    max_recipients: u32,
    message_expiry: MessageExpiry,
    per_minute: u32,
    per_day: u32,
}

impl Default for OutboundTable {
    fn default() -> Self {
        OutboundTable {
            delivery_report: false,
            report_timeout_s: 86_400,
            ttl_s: 86_400,
            on_unknown: OnUnknown::Resend,
            default_country: String::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            short_codes: Vec::new(),
            max_parts: 10,
            max_recipients: 100,
            message_expiry: MessageExpiry::Honour,
            per_minute: 30,
            per_day: 1000,
        }
    }
}

/// Reads the file's text alone, whose mistakes have a line; then, only if a variable is set, both together.
pub(super) fn read(
    text: &str,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<File, String> {
    let in_words = |error| mistake::in_words(text, &error);
    let alone: File = toml::from_str(text).map_err(in_words)?;
    let with_environment = |words| format!("with the SMSBRIDGE_ environment variables: {words}");
    let environment = environment::read::<File>(variables).map_err(with_environment)?;
    if environment.keys.is_empty() {
        return Ok(File { other_variables: environment.others, ..alone });
    }
    let mut layers =
        config::Config::builder().add_source(config::File::from_str(text, config::FileFormat::Toml));
    // Its errors show values, and there is none that is not found before: each layer was read alone.
    let unlikely = |_| with_environment("they do not fit to the file".to_owned());
    for (key, value) in environment.keys {
        layers = match (value.as_bool(), value.as_integer()) {
            (Some(flag), _) => layers.set_override(key, flag),
            (_, Some(number)) => layers.set_override(key, number),
            _ => layers.set_override(key, value.as_str().unwrap_or_default()),
        }
        .map_err(unlikely)?;
    }
    let both: File = layers.build().and_then(config::Config::try_deserialize).map_err(unlikely)?;
    Ok(File { other_variables: environment.others, ..both })
}

impl File {
    pub(super) fn into_config(self) -> Result<Config, String> {
        let name = self.name.as_deref().unwrap_or("gateway").parse().map_err(|e| format!("name: {e}"))?;
        let tables = if self.modem.is_empty() { vec![ModemTable::default()] } else { self.modem };
        let modems: Vec<Modem> = tables.into_iter().map(ModemTable::into_modem).collect::<Result<_, _>>()?;
        check_together(&modems)?;
        Ok(Config {
            source: String::new(),
            has_status: false,
            name,
            mqtt: self.mqtt.into_mqtt()?,
            modems,
            store: Store {
                path: if self.store.path.is_empty() { default_store_path() } else { self.store.path.into() },
                keep: days(self.store.keep_days),
            },
            inbound: Inbound {
                reassembly_timeout: seconds(self.inbound.reassembly_timeout_s),
                include_pdu: self.inbound.include_pdu,
                deny: sender_patterns("inbound.deny", &self.inbound.deny, &self.outbound.default_country)?,
            },
            outbound: self.outbound.into_outbound()?,
            ussd: self.ussd.into_ussd()?,
            rules: self.rule.into_iter().map(RuleTable::into_rule).collect::<Result<_, _>>()?,
            trace: Some(self.trace)
                .filter(|path| !path.is_empty())
                .map(|path| Trace { path: path.into(), unmasked: self.trace_unmasked }),
            hooks: self.hook.into_iter().map(HookTable::into_hook).collect::<Result<_, _>>()?,
            other_variables: self.other_variables,
        })
    }
}

impl RuleTable {
    fn into_rule(self) -> Result<Rule, String> {
        let limits = ReplyLimits {
            per_hour: self.replies_per_hour,
            max_age: (self.reply_max_age_h > 0).then(|| seconds(self.reply_max_age_h.saturating_mul(3600))),
        };
        Rule::new(self.name, &self.r#match, self.reply.as_deref(), limits)
    }
}

impl HookTable {
    fn into_hook(self) -> Result<Hook, String> {
        if self.command.first().is_none_or(String::is_empty) {
            return Err(
                "hook.command: expected a program and its arguments, such as [\"/usr/local/bin/on-sms\"]"
                    .to_owned(),
            );
        }
        if self.timeout_s == 0 {
            return Err("hook.timeout_s: expected at least one second".to_owned());
        }
        Ok(Hook { on: self.on, command: self.command, timeout: seconds(self.timeout_s) })
    }
}

impl MqttTable {
    fn into_mqtt(self) -> Result<Mqtt, String> {
        let (encrypted, servers) = self.url.into_servers()?;
        if !is_legal_prefix(&self.prefix) {
            return Err(format!("mqtt.prefix: {:?}: no + or #, no / at its ends, no leading $", self.prefix));
        }
        if !self.response_prefix.is_empty() && !is_legal_response_prefix(&self.response_prefix, &self.prefix)
        {
            return Err(format!(
                "mqtt.response_prefix: {:?}: expected the beginning of topics outside of mqtt.prefix, such as \
                 \"answers/\": no + or #, no leading $; empty for no response topics",
                self.response_prefix
            ));
        }
        if !self.share.is_empty() && self.share.parse::<Name>().is_err() {
            return Err(format!("mqtt.share: {:?}: expected 1 to 32 of a-z 0-9 _ -", self.share));
        }
        let client = match (self.client_cert, self.client_key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => return Err("mqtt.client_cert and mqtt.client_key: both or neither are needed".to_owned()),
        };
        if !encrypted && (self.ca_file.is_some() || client.is_some()) {
            return Err("mqtt.url: certificates are given, so it must begin with mqtts://".to_owned());
        }
        let password = secret("mqtt.password", self.password, self.password_file.as_deref())?;
        let login = match (self.username, password) {
            (Some(user), password) => Some((user, password.unwrap_or_default())),
            (None, Some(_)) => {
                return Err("mqtt.username: a password is given, so a user name is needed".to_owned());
            }
            (None, None) => None,
        };
        let tls = encrypted.then_some(Tls { ca_file: self.ca_file, client });
        Ok(Mqtt {
            servers,
            tls,
            login,
            prefix: self.prefix,
            share: self.share,
            retain_last: self.retain_last,
            response_prefix: self.response_prefix,
            on_stale: self.on_stale,
        })
    }
}

impl ModemTable {
    fn into_modem(self) -> Result<Modem, String> {
        let name: Name = self.name.parse().map_err(|e| format!("modem.name: {e}"))?;
        let pin = secret("modem.pin", self.pin, self.pin_file.as_deref())?;
        let legal = |pin: &str| (4..=8).contains(&pin.len()) && pin.bytes().all(|b| b.is_ascii_digit());
        if pin.as_ref().is_some_and(|pin| !legal(pin.expose_secret())) {
            return Err(format!("modem.pin of {name}: expected 4 to 8 digits"));
        }
        if self.port.contains("://") && self.port.contains('@') {
            return Err(format!(
                "modem.port of {name}: expected tcp://HOST:PORT, without user name and password"
            ));
        }
        Ok(Modem {
            port: self.port.parse().map_err(|e| format!("modem.port of {name}: {e}"))?,
            baud: self.baud,
            pin,
            imei: Some(self.imei).filter(|s| !s.is_empty()),
            service_center: Some(self.service_center).filter(|s| !s.is_empty()),
            overrides: overrides(&name, &self.profile, self.init, self.reset)?,
            hang_up: self.hang_up,
            broadcast: channels(&name, self.broadcast)?,
            name,
        })
    }
}

/// Channels of cell broadcast: a number, or a range of them.
fn channels(modem: &Name, channels: Vec<String>) -> Result<Vec<String>, String> {
    let is_channel =
        |text: &str| text.split('-').count() <= 2 && text.split('-').all(|n| n.parse::<u16>().is_ok());
    match channels.iter().find(|text| !is_channel(text)) {
        Some(text) => Err(format!(
            "modem.broadcast of {modem}: {text:?} is not a channel; expected \"50\" or \"4370-4383\""
        )),
        None => Ok(channels),
    }
}

fn overrides(
    modem: &Name,
    family: &str,
    init: Vec<String>,
    reset: Option<String>,
) -> Result<Overrides, String> {
    let is_command = |text: &str| text.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("AT"));
    if let Some(text) = init.iter().find(|text| !is_command(text)) {
        return Err(format!("modem.init of {modem}: {:?} is not an AT command", masked(text)));
    }
    if let Some(text) = reset.as_ref().filter(|text| !text.is_empty() && !is_command(text)) {
        return Err(format!(
            "modem.reset of {modem}: {:?} is not an AT command; \"\" means never",
            masked(text)
        ));
    }
    let profile = match family {
        "" => None,
        name => Some(profile::named(name).ok_or_else(|| {
            let known: Vec<_> = profile::names().collect();
            format!("modem.profile of {modem}: {name:?} is not one of {}", known.join(", "))
        })?),
    };
    Ok(Overrides::default().with_profile(profile).with_init(init).with_reset(reset))
}

impl OutboundTable {
    fn into_outbound(self) -> Result<Outbound, String> {
        if self.max_parts == 0 {
            return Err("outbound.max_parts: expected 1 to 255".to_owned());
        }
        if self.max_recipients == 0 {
            return Err("outbound.max_recipients: expected at least 1".to_owned());
        }
        if !self.default_country.bytes().all(|b| b.is_ascii_digit()) || self.default_country.len() > 3 {
            return Err(format!(
                "outbound.default_country: {:?}: expected a country calling code without +, such as \"49\"",
                self.default_country
            ));
        }
        let country = &self.default_country;
        let short_codes = short_codes("outbound.short_codes", &self.short_codes)?;
        // A number that `allow` names is one that may be sent to as it stands.
        let named: Vec<String> =
            self.allow.iter().filter(|text| !text.ends_with('*')).map(|t| bare(t)).collect();
        let known = [short_codes.clone(), named].concat();
        let allow = recipient_patterns("outbound.allow", &self.allow, country, &known)?;
        let deny = recipient_patterns("outbound.deny", &self.deny, country, &known)?;
        Ok(Outbound {
            delivery_report: self.delivery_report,
            report_timeout: seconds(self.report_timeout_s),
            ttl: (self.ttl_s > 0).then(|| seconds(self.ttl_s)),
            on_unknown: self.on_unknown,
            default_country: self.default_country,
            allow,
            deny,
            short_codes,
            max_parts: self.max_parts,
            max_recipients: self.max_recipients as usize,
            message_expiry: self.message_expiry,
            per_minute: (self.per_minute > 0).then_some(self.per_minute),
            per_day: (self.per_day > 0).then_some(self.per_day),
        })
    }
}

/// Checks all modems together: names and ports are unique, and several with port "auto" differ by IMEI.
fn check_together(modems: &[Modem]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    let mut ports = BTreeSet::new();
    for modem in modems {
        if !names.insert(modem.name.as_str()) {
            return Err(format!("modem.name: {} is used twice", modem.name));
        }
        let port = modem.port.to_string();
        if port == "auto" {
            if modems.len() > 1 && modem.imei.is_none() {
                return Err(format!(
                    "modem.imei of {}: needed to tell modems apart whose port is \"auto\"",
                    modem.name
                ));
            }
        } else if !ports.insert(port.clone()) {
            return Err(format!("modem.port: {port} is used twice"));
        }
    }
    Ok(())
}
