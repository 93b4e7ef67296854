//! The configuration: found, read, checked, and turned into values that cannot be wrong.
//!
//! Owns where a configuration is looked for, how environment variables lie over the file, and every message about
//! a mistake in it. `file.rs` holds the form as written. Input: a TOML file and `SMSBRIDGE_*` variables.

mod file;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use smsbridge_modem::port::PortSpec;
use smsbridge_modem::profile::Overrides;
use smsbridge_modem::trace::TraceFile;

use crate::message::Name;
use crate::number::NumberPattern;
use crate::rules::Rule;

/// Where a configuration is looked for when none is named.
const PLACES: [&str; 2] = ["smsbridge.toml", "/etc/smsbridge/smsbridge.toml"];

/// A whole, checked configuration.
#[derive(Debug)]
pub struct Config {
    /// The gateway's name.
    pub name: Name,
    /// The broker and how to speak to it.
    pub mqtt: Mqtt,
    /// At least one.
    pub modems: Vec<Modem>,
    /// The folder of the store.
    pub store: Store,
    /// Rules for incoming messages.
    pub inbound: Inbound,
    /// Rules for outgoing messages.
    pub outbound: Outbound,
    /// What is made of incoming texts, in order.
    pub rules: Vec<Rule>,
    /// What is run for events.
    pub hooks: Vec<Hook>,
    /// Where what is said to modems, and what they say, is written down.
    pub trace: Option<Trace>,
}

/// A transcript of all modems' lines.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The file it is added to.
    pub path: PathBuf,
    /// Whether numbers, texts and PDUs are shown. PINs never are.
    pub unmasked: bool,
}

impl Trace {
    /// Opens the file, before anything is said.
    pub fn open(&self) -> Result<TraceFile, ConfigError> {
        let place = self.path.display().to_string();
        TraceFile::open(&self.path, self.unmasked)
            .map_err(|e| ConfigError::new(&place, format!("the trace cannot be written there ({e})")))
    }
}

/// What a hook is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// A whole incoming message.
    Received,
    /// A step of a request.
    Result,
    /// An incoming call.
    Call,
}

/// A program run for events.
#[derive(Debug, Clone)]
pub struct Hook {
    /// For which.
    pub on: Event,
    /// The program and its arguments; no shell.
    pub command: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
}

impl Hook {
    /// What names this hook in the store: its event and command, so that a changed one is another.
    pub fn key(&self) -> String {
        crate::payload::json(&(self.on, &self.command))
    }
}

/// The broker and how to speak to it.
#[derive(Debug, Clone)]
pub struct Mqtt {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TLS, where the URL says `mqtts`.
    pub tls: Option<Tls>,
    /// User name and password.
    pub login: Option<(String, SecretString)>,
    /// What all topics begin with.
    pub prefix: String,
    /// The shared subscription's group; empty for none.
    pub share: String,
    /// Whether `last/<modem>` is kept.
    pub retain_last: bool,
}

/// Certificates for TLS.
#[derive(Debug, Clone)]
pub struct Tls {
    /// PEM file of the authority to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM files of our certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// One modem.
#[derive(Debug, Clone)]
pub struct Modem {
    /// Its name in topics.
    pub name: Name,
    /// Where it is.
    pub port: PortSpec,
    /// Serial speed, bits per second.
    pub baud: u32,
    /// The SIM's PIN.
    pub pin: Option<SecretString>,
    /// Which modem it is, when the port is `auto`.
    pub imei: Option<String>,
    /// The service centre's number, for a SIM that has none.
    pub service_center: Option<String>,
    /// What stands before the modem's own family: another one, more commands, another reset.
    pub overrides: Overrides,
    /// Whether calls are refused.
    pub hang_up: bool,
    /// Cell broadcast channels that are listened to.
    pub broadcast: Vec<String>,
}

/// The store.
#[derive(Debug, Clone)]
pub struct Store {
    /// Its folder.
    pub path: PathBuf,
    /// How long finished messages are kept; zero keeps them for ever.
    pub keep: Duration,
}

/// Incoming messages.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// How long to wait for a missing part since the last one came.
    pub reassembly_timeout: Duration,
    /// Whether the raw PDUs are published too.
    pub include_pdu: bool,
    /// Senders whose messages are stored but not published.
    pub deny: Vec<NumberPattern>,
}

/// What to do about a message of which nobody knows whether it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Send it again: one or two SMS.
    Resend,
    /// Say so: none or one SMS.
    Report,
}

/// Outgoing messages.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// Ask for status reports where the request does not say.
    pub delivery_report: bool,
    /// How long to wait for them.
    pub report_timeout: Duration,
    /// Time to live of requests that name none; none for ever.
    pub ttl: Option<Duration>,
    /// See [`OnUnknown`].
    pub on_unknown: OnUnknown,
    /// Country calling code put before national numbers; empty leaves them.
    pub default_country: String,
    /// Only these numbers, where not empty.
    pub allow: Vec<NumberPattern>,
    /// Never these numbers.
    pub deny: Vec<NumberPattern>,
    /// Parts a message may take.
    pub max_parts: u8,
    /// Parts a modem may send in a rolling minute; none for no limit.
    pub per_minute: Option<u32>,
    /// Parts a modem may send in 24 hours; none for no limit.
    pub per_day: Option<u32>,
}

/// A mistake in the configuration, told so that it can be mended.
#[derive(Debug)]
pub struct ConfigError {
    place: String,
    message: String,
}

impl ConfigError {
    /// A mistake at a place: a file, or a key.
    pub(crate) fn new(place: &str, message: String) -> Self {
        ConfigError { place: place.to_owned(), message }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for ConfigError {}

/// Reads the configuration named on the command line, else the first one found, with the environment over it.
pub fn load(named: Option<&Path>) -> Result<Config, ConfigError> {
    let path = match named {
        Some(path) => Some(path.to_owned()),
        None => PLACES.iter().map(PathBuf::from).find(|p| p.exists()),
    };
    let from_environment = std::env::vars_os().any(|(key, _)| {
        key.to_string_lossy().strip_prefix(file::ENV_PREFIX).is_some_and(|rest| rest.starts_with("MQTT__URL"))
    });
    let (place, text) = match path {
        Some(path) => {
            let text = std::fs::read_to_string(&path).map_err(|e| ConfigError {
                place: path.display().to_string(),
                message: format!("cannot be read ({e}); name another with --config FILE"),
            })?;
            (path.display().to_string(), text)
        }
        None if from_environment => ("environment".to_owned(), String::new()),
        None => {
            return Err(ConfigError {
                place: "no configuration".to_owned(),
                message: format!(
                    "looked for ./{} and {}; name one with --config FILE, or set SMSBRIDGE_MQTT__URL=mqtt://HOST:1883",
                    PLACES[0], PLACES[1]
                ),
            });
        }
    };
    parse(&place, &text)
}

/// Reads a configuration from its text, with the environment over it. `place` is named in mistakes.
pub fn parse(place: &str, text: &str) -> Result<Config, ConfigError> {
    let wrong = |message: String| ConfigError { place: place.to_owned(), message };
    file::read(text).and_then(file::File::into_config).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str) -> String {
        parse("smsbridge.toml", text).expect_err("a mistake was accepted").to_string()
    }

    #[test]
    fn the_defaults_are_the_contracts() {
        let config = parse("x", "").unwrap();
        assert_eq!(config.name.as_str(), "gateway");
        assert_eq!((config.mqtt.host.as_str(), config.mqtt.port), ("localhost", 1883));
        assert_eq!(config.modems.len(), 1);
        assert_eq!(config.modems[0].name.as_str(), "main");
        assert!(matches!(config.modems[0].port, PortSpec::Auto));
        assert_eq!(config.inbound.reassembly_timeout, Duration::from_secs(3600));
        assert_eq!(config.outbound.ttl, Some(Duration::from_secs(86_400)));
        assert_eq!((config.outbound.per_minute, config.outbound.per_day), (Some(30), Some(1000)));
        assert_eq!(config.outbound.on_unknown, OnUnknown::Resend);
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one_and_its_line() {
        let said = mistake("[mqtt]\nurl = \"mqtt://h\"\npasword = \"x\"\n");
        assert!(said.contains("line 3"), "{said}");
        assert!(said.contains("did you mean `password`"), "{said}");
    }

    #[test]
    fn each_mistake_says_which_key_and_what_was_expected() {
        for (text, expected) in [
            ("[mqtt]\nurl = \"http://x\"", "mqtt.url"),
            ("[mqtt]\nurl = \"mqtt://x:99999\"", "mqtt.url"),
            ("[mqtt]\nprefix = \"a/#\"", "mqtt.prefix"),
            ("name = \"Attic\"", "1 to 32 of a-z"),
            ("[[modem]]\nname=\"a\"\nport=\"/dev/x\"\n[[modem]]\nname=\"a\"", "twice"),
            ("[[modem]]\nname=\"a\"\n[[modem]]\nname=\"b\"", "imei"),
            ("[[modem]]\nbaud = \"fast\"", "line 2"),
            ("[outbound]\nmax_parts = 0", "outbound.max_parts"),
            ("[outbound]\ndefault_country = \"+49\"", "outbound.default_country"),
            ("[mqtt]\npassword=\"a\"\npassword_file=\"b\"", "password_file"),
            ("[mqtt]\nclient_cert=\"a\"", "client_key"),
            ("[mqtt]\nurl=\"mqtt://x\"\nca_file=\"a\"", "mqtts://"),
            ("[outbound]\non_unknown = \"retry\"", "resend"),
            ("[[modem]]\npin = \"12\"", "pin"),
            ("[[modem]]\nprofile = \"hauwei\"", "huawei"),
            ("[[modem]]\ninit = [\"CURC=0\"]", "modem.init"),
            ("[[modem]]\nreset = \"now\"", "modem.reset"),
            ("[[rule]]\nname = \"r\"\nmatch = \"(\"", "rule r"),
            ("[[rule]]\nname = \"r\"\nmatch = \"x\"\nreply = \"{y}\"", "{y}"),
            ("[[hook]]\non = \"ring\"\ncommand = [\"x\"]", "received"),
            ("[[modem]]\nbroadcast = [\"all\"]", "modem.broadcast"),
            ("[[hook]]\non = \"received\"\ncommand = []", "hook.command"),
        ] {
            let said = mistake(text);
            assert!(said.contains(expected), "{text:?} was answered with: {said}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let config =
            parse("x", "[mqtt]\nusername=\"u\"\npassword=\"hunter2\"\n[[modem]]\npin=\"4711\"").unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("4711"), "{shown}");
    }
}
