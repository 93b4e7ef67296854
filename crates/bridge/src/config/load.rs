//! Finds the configuration and reads it: a file, overridden by environment variables.

use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::file;
use super::settings::Config;

/// Where a configuration is looked for when none is named.
const PLACES: [&str; 2] = ["smsbridge.toml", "/etc/smsbridge/smsbridge.toml"];

/// Reads the configuration named on the command line, else the first one found, overridden by the environment.
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
            let place = path.display().to_string();
            let text = std::fs::read_to_string(&path).map_err(|e| {
                ConfigError::new(&place, format!("cannot be read ({e}); name another with --config FILE"))
            })?;
            (place, text)
        }
        None if from_environment => ("environment".to_owned(), String::new()),
        None => {
            let [here, system] = PLACES;
            let remedy = "name one with --config FILE, or set SMSBRIDGE_MQTT__URL=mqtt://HOST:1883";
            let message = format!("looked for ./{here} and {system}; {remedy}");
            return Err(ConfigError::new("no configuration", message));
        }
    };
    parse(&place, &text)
}

/// Reads a configuration from its text, overridden by the environment. Mistakes name `place`.
pub fn parse(place: &str, text: &str) -> Result<Config, ConfigError> {
    file::read(text).and_then(file::File::into_config).map_err(|message| ConfigError::new(place, message))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use smsbridge_modem::port::PortSpec;

    use super::super::settings::{OnUnknown, Server};
    use super::*;

    fn mistake(text: &str) -> String {
        parse("smsbridge.toml", text).expect_err("a mistake was accepted").to_string()
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let config = parse("x", "").unwrap();
        assert_eq!(config.name.as_str(), "gateway");
        assert_eq!(config.mqtt.servers, [Server { host: "localhost".to_owned(), port: 1883 }]);
        assert_eq!(config.modems.len(), 1);
        assert_eq!(config.modems[0].name.as_str(), "main");
        assert!(matches!(config.modems[0].port, PortSpec::Auto));
        assert_eq!(config.inbound.reassembly_timeout, Duration::from_secs(3600));
        assert_eq!(config.outbound.ttl, Some(Duration::from_secs(86_400)));
        assert_eq!((config.outbound.per_minute, config.outbound.per_day), (Some(30), Some(1000)));
        assert_eq!(config.outbound.on_unknown, OnUnknown::Resend);
        assert_eq!((config.ussd.allow.len(), config.ussd.per_day), (0, Some(50)));
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one_and_its_line() {
        let message = mistake("[mqtt]\nurl = \"mqtt://h\"\npasword = \"x\"\n");
        assert!(message.contains("line 3"), "{message}");
        assert!(message.contains("did you mean `password`"), "{message}");
    }

    #[test]
    fn each_mistake_says_which_key_and_what_was_expected() {
        for (text, expected) in [
            ("[mqtt]\nurl = \"http://x\"", "mqtt.url"),
            ("[mqtt]\nurl = \"mqtt://x:99999\"", "mqtt.url"),
            ("[mqtt]\nurl = []", "mqtt.url"),
            ("[mqtt]\nurl = 1883", "mqtt://HOST:PORT"),
            ("[mqtt]\nurl = [\"mqtt://a\", \"mqtts://b\"]", "all mqtts://"),
            ("[mqtt]\nurl = \"mqtt://a,\"", "mqtt.url"),
            ("[mqtt]\nresponse_prefix = \"sms/answers/\"", "mqtt.response_prefix"),
            ("[mqtt]\nresponse_prefix = \"+/answers\"", "mqtt.response_prefix"),
            ("[mqtt]\non_stale = \"drop\"", "reject"),
            ("[outbound]\nmessage_expiry = \"no\"", "ignore"),
            ("[outbound]\nmax_recipients = 0", "outbound.max_recipients"),
            ("[mqtt]\nprefix = \"a/#\"", "mqtt.prefix"),
            ("name = \"Attic\"", "1 to 32 of a-z"),
            ("[[modem]]\nname=\"a\"\nport=\"/dev/x\"\n[[modem]]\nname=\"a\"", "twice"),
            ("[[modem]]\nname=\"a\"\n[[modem]]\nname=\"b\"", "imei"),
            ("[[modem]]\nbaud = \"fast\"", "line 2"),
            ("[outbound]\nmax_parts = 0", "outbound.max_parts"),
            ("[outbound]\ndefault_country = \"+49\"", "outbound.default_country"),
            ("[outbound]\ndeny = [\"0900*\"]", "outbound.default_country"),
            ("[outbound]\nallow = [\"118*\"]", "outbound.short_codes"),
            ("[outbound]\ndeny = [\"+490*\"]", "outbound.deny"),
            ("[outbound]\ndeny = [\"Bank\"]", "outbound.deny"),
            ("[ussd]\nallow = [\"balance\"]", "ussd.allow"),
            ("[outbound]\nshort_codes = [\"*100#\"]", "outbound.short_codes"),
            ("[outbound]\nshort_codes = [\"01511234567\"]", "outbound.short_codes"),
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
            let message = mistake(text);
            assert!(message.contains(expected), "{text:?} was answered with: {message}");
        }
    }

    #[test]
    fn the_addresses_of_a_cluster_are_a_list_or_one_text_with_commas() {
        for urls in [r#"["mqtts://a", "mqtts://b:884"]"#, r#""mqtts://a, mqtts://b:884""#] {
            let config = parse("x", &format!("[mqtt]\nurl = {urls}")).unwrap();
            let servers: Vec<String> = config.mqtt.servers.iter().map(Server::to_string).collect();
            assert_eq!(servers, ["a:8883", "b:884"], "{urls}");
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
