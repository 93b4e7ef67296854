//! The checked configuration, as the rest of the gateway uses it. Values that exist are legal.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use smsbridge_modem::port::PortSpec;
use smsbridge_modem::profile::Overrides;
use smsbridge_modem::trace::TraceFile;

use super::error::ConfigError;
use super::places;
use crate::contact::Contact;
use crate::event::Event;
use crate::message::Name;
use crate::number::NumberPattern;
use crate::rules::Rule;

/// A whole, checked configuration.
#[derive(Debug)]
pub struct Config {
    /// Whether `smsbridge status` is answered.
    pub has_status: bool,
    /// The gateway's name.
    pub name: Name,
    /// The broker and how to connect to it.
    pub mqtt: Mqtt,
    /// At least one.
    pub modems: Vec<Modem>,
    /// The folder of the store.
    pub store: Store,
    /// Rules for incoming messages.
    pub inbound: Inbound,
    /// Rules for outgoing messages.
    pub outbound: Outbound,
    /// Who can be sent to by name.
    pub contacts: Vec<Contact>,
    /// Rules for USSD.
    pub ussd: Ussd,
    /// What Home Assistant is told.
    pub home_assistant: HomeAssistant,
    /// What is served over HTTP; none: nothing listens.
    pub http: Option<Http>,
    /// Rules for incoming texts, in order.
    pub rules: Vec<Rule>,
    /// Programs run for events.
    pub hooks: Vec<Hook>,
    /// Where the AT transcript is written.
    pub trace: Option<Trace>,
    /// Where it comes from.
    pub source: Source,
}

/// Where a configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The file; none where there is only the environment.
    pub file: Option<PathBuf>,
    /// Environment variables that lie over the file.
    pub variables: Vec<String>,
    /// Environment variables that only begin like ours.
    pub other_variables: Vec<String>,
    /// The files named in it that hold a secret.
    pub secret_files: Vec<SecretFile>,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.file {
            // For whoever reads it elsewhere.
            Some(file) => {
                let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
                write!(f, "{}", file.display())
            }
            None => f.write_str("from the environment"),
        }
    }
}

/// A file with a secret.
#[derive(Debug, Clone)]
pub struct SecretFile {
    /// Its key, such as `mqtt.password_file` or `modem[0].pin_file`.
    pub key: String,
    /// As it is written.
    pub written: PathBuf,
    /// Where it is, or would be.
    pub path: PathBuf,
}

/// A transcript of the AT dialogue with all modems.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The file it is appended to.
    pub path: PathBuf,
    /// Whether numbers, texts and PDUs are shown. PINs never are.
    pub unmasked: bool,
}

impl Trace {
    /// Opens the file.
    pub fn open(&self) -> Result<TraceFile, ConfigError> {
        let place = self.path.display().to_string();
        TraceFile::open(&self.path, self.unmasked)
            .map_err(|e| ConfigError::new(&place, format!("the trace cannot be written there ({e})")))
    }
}

/// The events a hook can be run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookEvent {
    /// A complete incoming message.
    Received,
    /// A step of a request.
    Result,
    /// An incoming call.
    Call,
}

impl HookEvent {
    /// Which of them an event is; none where no hook can be run for it.
    pub fn of(event: &Event) -> Option<HookEvent> {
        match event {
            Event::Received(_) => Some(HookEvent::Received),
            Event::Result(_) => Some(HookEvent::Result),
            Event::Call(_) => Some(HookEvent::Call),
            Event::Broadcast(_) | Event::UssdReply(_) => None,
        }
    }
}

/// A program run for events.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The events it is run for.
    pub on: HookEvent,
    /// The program and its arguments; no shell.
    pub command: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
}

impl Hook {
    /// What names this hook in the store: its event and command, so that a changed hook is another one.
    pub fn key(&self) -> String {
        // Cannot fail: there is no map in it.
        serde_json::to_string(&(self.on, &self.command)).unwrap_or_default()
    }
}

/// The broker and how to connect to it.
#[derive(Debug, Clone)]
pub struct Mqtt {
    /// The addresses of one cluster, at least one: tried in turn.
    pub servers: Vec<Server>,
    /// TLS, where the URL says `mqtts`.
    pub tls: Option<Tls>,
    /// User name and password.
    pub login: Option<(String, SecretString)>,
    /// Where these are given, in words.
    pub login_place: &'static str,
    /// What all topics begin with.
    pub prefix: String,
    /// The shared subscription's group; empty for none.
    pub share: String,
    /// Whether `last/<modem>` is kept.
    pub retain_last: bool,
    /// What response topics begin with; empty: none are honoured.
    pub response_prefix: String,
    /// What to do with requests another gateway of our name may have sent.
    pub on_stale: OnStale,
}

/// The address of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// What to do with requests that waited at the broker while another gateway of our name ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnStale {
    /// Reject them: that one may have sent them.
    Reject,
    /// Send them: perhaps a second time.
    Send,
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
    /// What overrides the modem's detected profile.
    pub overrides: Overrides,
    /// Whether incoming calls are ended.
    pub hang_up: bool,
    /// Cell broadcast channels to receive.
    pub broadcast: Vec<String>,
}

/// The store.
#[derive(Debug, Clone)]
pub struct Store {
    /// Its folder.
    pub path: PathBuf,
    /// Whether nobody named it, so that it depends on the user.
    pub is_default: bool,
    /// How long finished messages are kept; zero keeps them for ever.
    pub keep: Duration,
}

impl Store {
    /// The folder that a command looks into beside a gateway: the service's, where nobody named one and this user has
    /// none of his own. He may not be allowed to look there, and is told so.
    pub fn of_gateway(&self) -> PathBuf {
        self.or_of(&places::store_of_service())
    }

    fn or_of(&self, service: &Path) -> PathBuf {
        let is_nobodys = self.is_default && !self.path.join("smsbridge.sqlite").exists();
        if is_nobodys && service.symlink_metadata().is_ok() { service.to_owned() } else { self.path.clone() }
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Send it again: one or two SMS.
    Resend,
    /// Say so: none or one SMS.
    Report,
}

/// What the broker's message expiry means for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageExpiry {
    /// The request is given up when it is over.
    Honour,
    /// Nothing: the broker sets one by itself.
    Ignore,
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
    /// Numbers that have no country code and may be sent to all the same.
    pub short_codes: Vec<String>,
    /// Parts a message may take.
    pub max_parts: u8,
    /// Recipients a request may have.
    pub max_recipients: usize,
    /// Whether a request lives no longer than its MQTT message.
    pub message_expiry: MessageExpiry,
    /// Parts a modem may send in a rolling minute; none for no limit.
    pub per_minute: Option<u32>,
    /// Parts a modem may send in 24 hours; none for no limit.
    pub per_day: Option<u32>,
}

/// USSD requests.
#[derive(Debug, Clone, Default)]
pub struct Ussd {
    /// The codes that may be sent, exactly so; none: USSD is off.
    pub allow: Vec<String>,
    /// Codes and answers to menus a modem may send in 24 hours; none for no limit.
    pub per_day: Option<u32>,
}

/// What Home Assistant is told.
#[derive(Debug, Clone)]
pub struct HomeAssistant {
    /// Whether gateway, modems and contacts are announced to it.
    pub discovery: bool,
    /// What the topics of its discovery begin with; outside of ours.
    pub prefix: String,
}

/// What is served over HTTP.
#[derive(Debug, Clone)]
pub struct Http {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What a client has to know for all but reading on this machine.
    pub token: Option<SecretString>,
    /// Whose word on a client's address and host is taken.
    pub trusted_proxies: Vec<IpNet>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_store_of_his_own_looks_into_that_of_the_service() {
        let folder = tempfile::tempdir().unwrap();
        let (own, service) = (folder.path().join("own"), folder.path().join("service"));
        let store = |is_default| Store { path: own.clone(), is_default, keep: Duration::ZERO };
        assert_eq!(store(true).or_of(&service), own, "there is no service");
        std::fs::create_dir(&service).unwrap();
        assert_eq!(store(true).or_of(&service), service);
        assert_eq!(store(false).or_of(&service), own, "it was named");
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("smsbridge.sqlite"), "").unwrap();
        assert_eq!(store(true).or_of(&service), own, "it is there");
    }
}
