//! Finds the configuration and reads it: a file, overridden by environment variables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::settings::Config;
use super::{environment, file};

/// Where a configuration is looked for when none is named.
const PLACES: [&str; 2] = ["smsbridge.toml", "/etc/smsbridge/smsbridge.toml"];

/// Reads the configuration named on the command line, else the first one found, overridden by the environment.
pub fn load(named: Option<&Path>) -> Result<Config, ConfigError> {
    let path = match named {
        Some(path) => Some(path.to_owned()),
        None => PLACES.iter().map(PathBuf::from).find(|p| p.exists()),
    };
    let from_environment = std::env::vars_os().any(|(key, _)| {
        key.to_string_lossy()
            .strip_prefix(environment::PREFIX)
            .is_some_and(|rest| rest.starts_with("MQTT__URL"))
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
    Ok(Config { has_status: true, ..parse(&place, &text)? })
}

/// Reads a configuration from its text, overridden by the environment. Mistakes name `place`.
pub fn parse(place: &str, text: &str) -> Result<Config, ConfigError> {
    let config = parse_with(text, std::env::vars_os()).map_err(|message| ConfigError::new(place, message))?;
    Ok(Config { source: place.to_owned(), ..config })
}

fn parse_with(text: &str, variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Config, String> {
    file::read(text, variables).and_then(file::File::into_config)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;
    use std::time::Duration;

    use secrecy::ExposeSecret as _;

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

    /// Secrets of the mistakes below.
    const SECRETS: [&str; 3] = ["hunter2", "73917391", "HUNTER2"];

    #[test]
    fn no_mistake_near_a_secret_shows_it() {
        for text in [
            "[[modem]]\npin = 73917391",
            "[[modem]]\npin = [73917391]",
            "[[modem]]\npin = [\n  \"a\",\n  73917391\n]",
            "[[modem]]\npin = 73917391.5",
            "[[modem]]\npin = \"73917391",
            "[[modem]]\npin = '73917391\"",
            "[[modem]]\npin = 073917391",
            "[[modem]]\npin 73917391",
            "[[modem]]\npin = \"73917391\" baud = 1",
            "[[modem]]\npin = \"73917391\"\npin = \"73917391\"",
            "[[modem]]\npin = \"hunter2\"",
            "[[modem]]\npin = \"73917391\"\npin_file = \"x\"",
            "modem = [{ name = \"a\", pin = 73917391 }]",
            "modem = [{ name = \"a\", pin = \"73917391\", bawd = 1 }]",
            "modem = { pin = \"73917391\" }",
            "pin = \"73917391\"",
            "[mqtt]\npassword = hunter2",
            "[mqtt]\npassword = \"hunter2",
            "[mqtt]\npassword = {a = \"hunter2\"}",
            "[mqtt]\npassword = \"hunter2\"",
            "[mqtt]\npasword = \"hunter2\"",
            "[mqtt]\nretain_last = \"hunter2\"",
            "mqtt = { url = \"mqtt://h\", username = \"u\", pasword = \"hunter2\" }",
            "mqtt = { password = \"hunter2\", prefix = 1 }",
            "mqtt = \"hunter2\"",
            "[mqtt]\nurl = \"mqtt://u:hunter2@h\"",
            "[mqtt]\nurl = \"mqtts://u:hunter2@h:1883/\"",
            "[mqtt]\nurl = \"mqtt://u:hunter2@\"",
            "[mqtt]\nurl = \"mqtt://u:hunter2\"",
            "[mqtt]\nurl = \"mqtt://u:hunter2:1883\"",
            "[mqtt]\nurl = \"mqtt://u:hun/ter2:hunter2@h\"",
            "[mqtt]\nurl = \"u:hunter2@h\"",
            "[mqtt]\nurl = \"hunter2\"",
            "[mqtt]\nurl = \"http://u:hunter2@h\"",
            "[mqtt]\nurl = [\"mqtt://u:hunter2@h\"",
            "[[modem]]\nport = \"tcp://u:hunter2@h:1\"",
            "[[modem]]\ninit = [\"+CPIN=73917391\"]",
            "[[modem]]\ninit = [\"at+cpin=1\", \"ed +CPIN=73917391\"]",
            "[[modem]]\nreset = \"+CPIN=73917391\"",
        ] {
            let message = mistake(text);
            let shown = SECRETS.iter().find(|secret| message.contains(*secret));
            assert_eq!(shown, None, "{text:?} was answered with: {message}");
        }
    }

    #[test]
    fn a_mistake_names_line_column_and_key() {
        for (text, expected) in [
            ("[[modem]]\npin = 7391", "line 2, column 7"),
            ("[[modem]]\npin = 7391", "pin: invalid type: integer, expected a string"),
            ("[mqtt]\nurl = \"mqtt://h\"\n  retain_last = \"no\"", "line 3, column 17"),
            ("[mqtt]\nurl = \"mqtt://h\"\n  retain_last = \"no\"", "mqtt.retain_last: invalid type: string"),
            ("[mqtt]\nurl = \"mqtt://u:p@h\"", "[mqtt] username"),
        ] {
            let message = mistake(text);
            assert!(message.contains(expected), "{text:?} was answered with: {message}");
        }
    }

    fn with_variables(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        parse_with(text, variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))))
    }

    #[test]
    fn each_single_valued_key_can_be_a_variable() {
        let config = with_variables(
            "name = \"file\"\n[mqtt]\nprefix = \"kept\"",
            &[
                ("SMSBRIDGE_NAME", "attic"),
                ("SMSBRIDGE_MQTT__URL", "mqtts://h"),
                ("SMSBRIDGE_MQTT__USERNAME", "1"),
                ("SMSBRIDGE_MQTT__PASSWORD", "007"),
                ("SMSBRIDGE_MQTT__RETAIN_LAST", "false"),
                ("SMSBRIDGE_OUTBOUND__ON_UNKNOWN", "report"),
                ("SMSBRIDGE_STORE__KEEP_DAYS", "3"),
                ("SMSBRIDGE_TRACE", "/tmp/x"),
                ("SMSBRIDGE_CONFIG", "x"),
                ("SMSBRIDGE_LOG", "x"),
                ("SMSBRIDGE_TEST_X", "x"),
                ("OTHER", "x"),
            ],
        );
        let config = config.unwrap();
        assert_eq!((config.name.as_str(), config.mqtt.prefix.as_str()), ("attic", "kept"));
        let (user, password) = config.mqtt.login.unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("1", "007"), "digits stay as they are");
        assert!(config.mqtt.tls.is_some() && !config.mqtt.retain_last && config.trace.is_some());
        assert_eq!(config.outbound.on_unknown, OnUnknown::Report);
        assert_eq!(config.store.keep, Duration::from_secs(3 * 86_400));
        assert!(config.other_variables.is_empty(), "{:?}", config.other_variables);
    }

    #[test]
    fn variables_of_kubernetes_and_of_links_are_named_and_left_alone() {
        let service = [
            ("SMSBRIDGE_SERVICE_HOST", "10.0.0.1"),
            ("SMSBRIDGE_SERVICE_PORT", "80"),
            ("SMSBRIDGE_SERVICE_PORT_MQTT", "1883"),
            ("SMSBRIDGE_PORT", "tcp://10.0.0.1:1883"),
            ("SMSBRIDGE_PORT_1883_TCP", "tcp://10.0.0.1:1883"),
            ("SMSBRIDGE_PORT_1883_TCP_ADDR", "10.0.0.1"),
            ("SMSBRIDGE_MQTT_SERVICE_HOST", "10.0.0.2"),
            ("SMSBRIDGE_MQTT_PORT", "tcp://10.0.0.2:1883"),
            ("SMSBRIDGE_MODEM_SERVICE_HOST", "10.0.0.3"),
            ("SMSBRIDGE_MODEM_PORT", "tcp://10.0.0.3:1"),
            ("SMSBRIDGE_VERSION", "1.2"),
            ("SMSBRIDGE_LOG_FOLDER", "x"),
        ];
        let config = with_variables("", &service).unwrap();
        let mut names: Vec<&str> = service.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        assert_eq!(config.other_variables, names);
    }

    #[test]
    fn a_variable_that_is_nearly_a_key_is_a_mistake_that_names_the_key_and_no_value() {
        for (name, expected) in [
            ("SMSBRIDGE_MQTT_PASSWORD", "SMSBRIDGE_MQTT__PASSWORD"),
            ("SMSBRIDGE_MQTT__PASWORD", "SMSBRIDGE_MQTT__PASSWORD"),
            ("SMSBRIDGE_MQTT_PASWORD", "SMSBRIDGE_MQTT__PASSWORD"),
            ("SMSBRIDGE_MQTTPASSWORD", "SMSBRIDGE_MQTT__PASSWORD"),
            ("SMSBRIDGE__MQTT__PASSWORD", "SMSBRIDGE_MQTT__PASSWORD"),
            ("SMSBRIDGE_MQTT___PASSWORD", "SMSBRIDGE_MQTT__PASSWORD"),
            ("SMSBRIDGE_PASSWORD", "SMSBRIDGE_MQTT__PASSWORD"),
            ("SMSBRIDGE_MQTT_USER", "SMSBRIDGE_MQTT__USERNAME"),
            ("SMSBRIDGE_MQTT_URI", "SMSBRIDGE_MQTT__URL"),
            ("SMSBRIDGE_MQTT__HOST", "SMSBRIDGE_MQTT__"),
            ("SMSBRIDGE_MQQT__URL", "SMSBRIDGE_MQTT__URL"),
            ("SMSBRIDGE_STORE_KEEP_DAYS", "SMSBRIDGE_STORE__KEEP_DAYS"),
            ("SMSBRIDGE_NAMES", "SMSBRIDGE_NAME"),
            ("SMSBRIDGE_TRACE__UNMASKED", "SMSBRIDGE_TRACE_UNMASKED"),
            ("SMSBRIDGE_CONFIGS", "SMSBRIDGE_CONFIG"),
            ("SMSBRIDGE_MODEM__PIN", "[[modem]]"),
            ("SMSBRIDGE_MODEM_PIN", "[[modem]]"),
            ("SMSBRIDGE_OUTBOUND__ALLOW", "the file"),
            ("SMSBRIDGE_MQTT__RETAIN_LAST", "expected a boolean"),
            ("SMSBRIDGE_STORE__KEEP_DAYS", "SMSBRIDGE_STORE__KEEP_DAYS: "),
        ] {
            let message = with_variables("", &[(name, "hunter2")]).expect_err(name);
            assert!(message.contains(name) && message.contains(expected), "{name}: {message}");
            assert!(!message.contains("hunter2"), "{name}: {message}");
        }
        for url in ["mqtt://u:hunter2@h", "mqtt://u:hunter2", "hunter2"] {
            let message = with_variables("", &[("SMSBRIDGE_MQTT__URL", url)]).expect_err(url);
            assert!(message.contains("mqtt.url") && !message.contains("hunter2"), "{message}");
        }
        let octets = OsString::from_vec(b"hunter2\xff".to_vec());
        let variables = [(OsString::from("SMSBRIDGE_MQTT__PASSWORD"), octets)];
        let message = parse_with("", variables.into_iter()).expect_err("no text");
        assert!(message.contains("SMSBRIDGE_MQTT__PASSWORD: it is not UTF-8"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}
