//! Whose configuration a file is.

use std::fmt;

use super::env_file;
use super::ini;

/// The gateways whose configurations are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// gammu-smsd: a smsdrc, or a gammurc.
    Gammu,
    /// SMS Server Tools 3: a smsd.conf.
    Smstools,
    /// SMS2MQTT: an environment file or a compose file.
    Sms2mqtt,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Gammu => "gammu-smsd",
            Kind::Smstools => "SMS Server Tools",
            Kind::Sms2mqtt => "SMS2MQTT",
        })
    }
}

/// The file is none of those that are read.
#[derive(Debug, thiserror::Error)]
#[error(
    "it is not recognised: expected a smsdrc of gammu-smsd, a smsd.conf of SMS Server Tools, or the environment or the compose \
     file of SMS2MQTT; where it is one of them, say which with --from"
)]
pub struct NotRecognised;

/// Variables that SMS2MQTT alone has, or that it cannot do without.
const OF_SMS2MQTT: [&str; 10] = [
    "DEVICE",
    "PIN",
    "HOST",
    "PREFIX",
    "CLIENTID",
    "GAMMUOPTION",
    "MOREINFO",
    "HEARTBEAT",
    "DEVMODE",
    "PASSWORD",
];

/// Whose file this is, by what stands in it.
pub(super) fn recognise(text: &str) -> Result<Kind, NotRecognised> {
    let ini = ini::read(text);
    let has_section = |is_it: fn(&str) -> bool| {
        ini::lines(text).any(|(_, line)| {
            line.strip_prefix('[').and_then(|rest| rest.split_once(']')).is_some_and(|(name, _)| is_it(name))
        })
    };
    if is_compose(text) {
        return Ok(Kind::Sms2mqtt);
    }
    if has_section(|name| {
        name.trim().eq_ignore_ascii_case("gammu") || name.trim().eq_ignore_ascii_case("smsd")
    }) {
        return Ok(Kind::Gammu);
    }
    let is_modem = |entry: &super::options::Entry| match entry.section.is_empty() {
        true => entry.key.eq_ignore_ascii_case("devices"),
        false => entry.key.eq_ignore_ascii_case("device"),
    };
    if ini.entries.iter().any(is_modem) {
        return Ok(Kind::Smstools);
    }
    let is_variable = |entry: &super::options::Entry| OF_SMS2MQTT.contains(&&*entry.key);
    match !has_section(|_| true) && env_file::read(text).0.iter().any(is_variable) {
        true => Ok(Kind::Sms2mqtt),
        false => Err(NotRecognised),
    }
}

/// Whether it is a compose file, and no list of variables.
pub(super) fn is_compose(text: &str) -> bool {
    let mut keys = ini::lines(text).map(|(_, line)| line.trim_start_matches("- "));
    keys.any(|line| ["services:", "environment:"].iter().any(|key| line.starts_with(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_recognised_by_what_stands_in_it() {
        for (text, kind) in [
            ("[gammu]\nport=/dev/ttyUSB0\n", Kind::Gammu),
            ("# smsdrc\n[ SMSD ]\nPIN = 1\n", Kind::Gammu),
            ("devices = GSM1\n[GSM1]\ndevice = /dev/ttyS0\n", Kind::Smstools),
            ("[GSM1]\ndevice = /dev/ttyS0\n", Kind::Smstools),
            ("PIN=1234\nHOST=10.0.0.2\n", Kind::Sms2mqtt),
            ("version: '3'\nservices:\n  a:\n", Kind::Sms2mqtt),
            ("environment:\n- PIN=1234\n", Kind::Sms2mqtt),
        ] {
            assert_eq!(recognise(text).ok(), Some(kind), "{text}");
        }
        for text in ["", "hello\n", "[mqtt]\nurl = \"mqtt://x\"\n", "PATH=/bin\n", "{\"a\": 1}"] {
            assert!(recognise(text).is_err(), "{text}");
        }
    }
}
