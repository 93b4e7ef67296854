//! Configurations that are right, and the words for those that are not.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use smsbridge_modem::port::PortSpec;

use super::load::{load, parse, read};
use super::secrets::{Reader, Secrets};
use super::settings::{Config, OnUnknown, Server};

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
        ("[[contact]]\nname = \"4711\"\nnumber = \"+491511234567\"", "contact.name: \"4711\" is no name"),
        ("[[contact]]\nname = \"Anna\"\nnumber = \"Anna\"", "contact.number: \"Anna\" is not a phone number"),
        ("[[contact]]\nname = \"Anna\"\nnumbers = []", "contact.numbers: it is empty"),
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
        (
            "[[rule]]\nname = \"r\"\nmatch = \"(\"",
            "rule.match: of rule r: it is no regular expression: unclosed group",
        ),
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
    let config = parse("x", "[mqtt]\nusername=\"u\"\npassword=\"hunter2\"\n[[modem]]\npin=\"4711\"").unwrap();
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
        ("[[modem]]\npin = 7391", "modem.pin: expected a text in quotes, such as \"0000\", not a number"),
        ("[mqtt]\nurl = \"mqtt://h\"\n  retain_last = \"no\"", "line 3, column 17"),
        (
            "[mqtt]\nurl = \"mqtt://h\"\n  retain_last = \"no\"",
            "mqtt.retain_last: expected true or false without quotes, not a text",
        ),
        ("[mqtt]\nurl = \"mqtt://u:p@h\"", "[mqtt] username"),
    ] {
        let message = mistake(text);
        assert!(message.contains(expected), "{text:?} was answered with: {message}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_their_lines() {
    let text = "\
[outbound]
max_parts = 0
allow = [\"+49*\", \"118*\"]
[[modem]]
pin = 73917391
baud = \"fast\"
[[modem]]
name = \"main\"
[mqtt]
prefx = \"sms\"
url = \"http://x\"
[ussd]
allow = [\"*100#\", \"balance\"]
[[rule]]
match = \"(\"
";
    let message = mistake(text);
    let expected = [
        "the configuration has 11 mistakes:",
        "smsbridge.toml: line 2, column 13: outbound.max_parts: expected a whole number from 1 to 255",
        "smsbridge.toml: line 3, column 18: outbound.allow: \"118*\" matches no number",
        "smsbridge.toml: line 4, column 1: modem.imei: it is missing: needed to tell modems apart",
        "smsbridge.toml: line 5, column 7: modem.pin: expected a text in quotes, such as \"0000\", not a number",
        "smsbridge.toml: line 6, column 8: modem.baud: expected a whole number from 1 to 4294967295 without quotes",
        "smsbridge.toml: line 7, column 1: modem.imei: it is missing",
        "smsbridge.toml: line 8, column 8: modem.name: main is used twice: [[modem]] number 1 has it too",
        "smsbridge.toml: line 10, column 1: mqtt.prefx: there is no such key; did you mean `prefix`?",
        "smsbridge.toml: line 11, column 7: mqtt.url: expected mqtt://HOST:PORT",
        "smsbridge.toml: line 13, column 19: ussd.allow: \"balance\": expected a code",
        "smsbridge.toml: line 14, column 1: rule.name: it is missing",
    ];
    let lines: Vec<&str> = message.lines().collect();
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{expected:?} is not:\n{message}");
    }
    assert_eq!(lines.len(), expected.len(), "{message}");
}

#[test]
fn each_way_to_write_a_table_or_a_key_wrong_is_answered_with_the_right_one() {
    for (text, expected) in [
        ("[modem]\nname = \"main\"", "line 1, column 2: modem: write [[modem]]"),
        ("[rule]\nname = \"r\"\nmatch = \"x\"", "line 1, column 2: rule: write [[rule]]"),
        ("[hook]\non = \"received\"\ncommand = [\"x\"]", "line 1, column 2: hook: write [[hook]]"),
        ("[[mqtt]]\nurl = \"mqtt://h\"", "mqtt: write [mqtt]: it stands once"),
        (
            "[[modem]]\n[modem]",
            "line 2, column 2: [[modem]] stands there as [modem] too: write [[modem]] each",
        ),
        ("[modem]\n[[modem]]", "line 2, column 3: [[modem]] stands there as [modem] too"),
        ("[mqtt]\n[store]\n[mqtt]", "line 3, column 2: [mqtt] stands there twice: put its keys together"),
        ("[mqtt]\nprefix=\"a\"\nprefix=\"b\"", "line 3, column 1: this key stands there twice"),
        ("mqtt = \"mqtt://h\"", "line 1, column 8: mqtt: it is a table, not a text: write [mqtt]"),
        ("modem = [\"a\"]", "modem: it is a table, not a list: write [[modem]]"),
        ("prefix = \"sms\"", "line 1, column 1: prefix: it belongs below [mqtt] or [homeassistant]"),
        ("pin = \"0000\"", "pin: it belongs below [[modem]]"),
        ("deny = []", "deny: it belongs below [inbound] or [outbound]"),
        ("[mqtt]\npin = \"0000\"", "line 2, column 1: mqtt.pin: it belongs below [[modem]]"),
        ("[store]\nttl_s = 5", "store.ttl_s: it belongs below [outbound]"),
        ("[mqtt]\ntrace = \"x\"", "mqtt.trace: it belongs at the top of the file, before all tables"),
        (
            "[store]\nname = \"x\"",
            "store.name: it belongs at the top of the file, before all tables, or below [[modem]]",
        ),
        ("[mqqt]\nurl = \"x\"", "line 1, column 2: mqqt: there is no such table; did you mean [mqtt]?"),
        ("[[modems]]\nname = \"x\"", "modems: there is no such table; did you mean [[modem]]?"),
        ("[telegram]\nname = \"x\"", "telegram: there is no such table; there are [mqtt], [[modem]]"),
        ("prefixx = \"sms\"", "did you mean `prefix` below [mqtt] or [homeassistant]?"),
        ("nam = \"sms\"", "nam: there is no such key; did you mean `name`?"),
        ("[mqtt]\nfoo = 1", "mqtt.foo: there is no such key; [mqtt] has url, username"),
        ("[mqtt.tls]\nca = 1", "mqtt.tls: there is no such key"),
        (
            "[[modem]]\npin = 0123",
            "line 2, column 7: a number cannot begin with 0: a text of digits, such as a PIN",
        ),
        ("[mqtt]\nprefix = sms", "line 2, column 10: a text stands in quotes"),
        ("[mqtt]\nprefix =", "line 2, column 9: a text stands in quotes"),
        ("[mqtt]\nretain_last = True", "line 2, column 15: expected true or false in small letters"),
        ("[mqtt]\nprefix \"sms\"", "line 2, column 8: expected KEY = VALUE"),
        ("[mqtt\nprefix = \"sms\"", "line 1, column 6: a ] is missing"),
        ("[mqtt]\nprefix = \"sms", "line 2, column 14: a \" is missing at the end of the text"),
        ("trace = \"C:\\users\"", "line 1, column 14"),
        ("[outbound]\nallow = [\"+49*\"", "a ] is missing at the end of the list"),
        (
            "[outbound]\nallow = \"+49*\"",
            "outbound.allow: expected texts in square brackets, such as [\"+49*\"], not a text",
        ),
        (
            "[outbound]\nallow = [49]",
            "outbound.allow: expected texts in square brackets, such as [\"+49*\"]; a number is",
        ),
        (
            "[store]\nkeep_days = 1.5",
            "store.keep_days: expected a whole number from 0 to 4294967295, not a number with",
        ),
        ("[store]\nkeep_days = -1", "store.keep_days: expected a whole number from 0 to"),
        ("[store]\npath = 5", "store.path: expected a text in quotes"),
        (
            "[[hook]]\ncommand = [\"x\"]",
            "line 1, column 1: hook.on: it is missing: \"received\", \"result\" or",
        ),
        ("[[hook]]\non = \"received\"\ncommand = \"x\"", "hook.command: expected texts in square brackets"),
        (
            "[[rule]]\nname = \"r\"\nmatch = \"x\"\nreply = \"\"",
            "rule.reply: expected a text of at least one",
        ),
        ("[[rule]]\nname = \"r\"\nmatch = \"(\"", "line 3, column 9: rule.match"),
        ("[mqtt]\npassword = \"x\"", "mqtt.username: it is missing"),
    ] {
        let message = mistake(text);
        assert!(message.contains(expected), "{text:?} was answered with: {message}");
        assert_eq!(message.lines().count(), 1, "{text:?}: one mistake, one line: {message}");
    }
}

#[test]
fn a_value_that_cannot_be_read_hides_no_other_mistake() {
    let message = mistake("[[modem]]\npin = 0123\nbawd = 1\n[mqtt]\nretain_last = no\nprefix = \"#\"");
    for expected in [
        "line 2, column 7",
        "line 3, column 1: modem.bawd",
        "line 5, column 15",
        "line 6, column 10: mqtt.prefix",
    ] {
        assert!(message.contains(expected), "{message}");
    }
    assert!(!message.contains("0123"), "{message}");
}

#[test]
fn wrong_brackets_around_a_table_hide_no_mistake_in_it() {
    let message = mistake(
        "[modem]\nname = \"Main\"\nbawd = 1\n[[mqtt]]\nprefix = \"#\"\nretain_last = 1\n[hook]\non = \"result\"",
    );
    let expected = [
        "line 1, column 2: modem: write [[modem]]",
        "line 2, column 8: modem.name: \"Main\"",
        "line 3, column 1: modem.bawd: ",
        "line 4, column 3: mqtt: write [mqtt]",
        "line 5, column 10: mqtt.prefix: ",
        "line 6, column 15: mqtt.retain_last: ",
        "line 7, column 2: hook: write [[hook]]",
        "line 7, column 2: hook.command: it is missing",
    ];
    for expected in expected {
        assert!(message.contains(expected), "{expected:?} is not in: {message}");
    }
    assert_eq!(message.lines().count(), expected.len() + 1, "{message}");
}

#[test]
fn mistakes_in_the_file_and_in_variables_are_told_together() {
    let message = with_variables(
        "[mqtt]\nprefix = \"#\"\nshare = \"fine\"",
        &[("SMSBRIDGE_MQTT__SHARE", "Not Fine"), ("SMSBRIDGE_NAME", "B"), ("SMSBRIDGE_MQTT_URL", "x")],
    )
    .unwrap_err();
    for expected in [
        "smsbridge.toml: line 2, column 10: mqtt.prefix: ",
        "\nSMSBRIDGE_MQTT__SHARE: \"Not Fine\"",
        "\nSMSBRIDGE_NAME: \"B\" is not a name",
        "\nSMSBRIDGE_MQTT_URL is no key; did you mean SMSBRIDGE_MQTT__URL?",
    ] {
        assert!(message.contains(expected), "{expected:?} is not in: {message}");
    }
}

#[test]
fn what_is_missing_beside_a_variable_is_named_as_a_variable() {
    let message = with_variables("", &[("SMSBRIDGE_MQTT__PASSWORD", "hunter2")]).unwrap_err();
    assert!(message.starts_with("SMSBRIDGE_MQTT__USERNAME: it is missing"), "{message}");
    let message = with_variables("", &[("SMSBRIDGE_MQTT__CLIENT_KEY", "/x")]).unwrap_err();
    assert!(message.starts_with("SMSBRIDGE_MQTT__CLIENT_KEY: it needs client_cert"), "{message}");
    let message = with_variables("", &[("SMSBRIDGE_MQTT__PASSWORD_FILE", "/none/x")]).unwrap_err();
    assert!(message.contains("SMSBRIDGE_MQTT__PASSWORD_FILE: /none/x cannot be read"), "{message}");
}

#[test]
fn a_secret_in_a_file_of_a_bare_name_is_found_beside_the_configuration_and_read_only_where_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    std::fs::write(&file, "[mqtt]\nusername = \"u\"\npassword_file = \"mqtt-password\"").unwrap();
    let error = load(Some(&file), Secrets::Read).expect_err("there is no such file").to_string();
    let expected =
        format!("line 3, column 17: mqtt.password_file: {}/mqtt-password cannot", folder.path().display());
    assert!(error.contains(&expected), "{error}");
    assert!(load(Some(&file), Secrets::Leave).is_ok());
    std::fs::write(folder.path().join("mqtt-password"), "hunter2\n").unwrap();
    let (_, password) = load(Some(&file), Secrets::Read).unwrap().mqtt.login.unwrap();
    assert_eq!(password.expose_secret(), "hunter2");
}

#[test]
fn one_port_or_name_of_two_modems_is_no_place_for_a_password_to_show() {
    let message = mistake(
        "[[modem]]\nname=\"a\"\nport=\"tcp://u:hunter2@h:1\"\n[[modem]]\nname=\"b\"\nport=\"tcp://u:hunter2@h:1\"",
    );
    assert!(!message.contains("hunter2") && message.contains("modem.port"), "{message}");
}

proptest::proptest! {
    #[test]
    fn whatever_a_file_holds_is_read_or_refused_in_words(text in r#"([\[\]a-z_="' .0-9\\#\n+*]|mqtt|modem|\[\[|pin){0,60}"#) {
        if let Err(error) = parse("x", &text) {
            proptest::prop_assert!(!error.to_string().contains("please report"), "{text:?}: {error}");
        }
    }
}

fn with_variables(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let reader = &mut Reader::new(Secrets::Read, None);
    read("smsbridge.toml", text, variables, reader).map_err(|error| error.to_string())
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
    assert!(config.source.other_variables.is_empty(), "{:?}", config.source.other_variables);
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
    assert_eq!(config.source.other_variables, names);
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
        ("SMSBRIDGE_MQTT__RETAIN_LAST", "expected true or false"),
        ("SMSBRIDGE_MQTT__ON_STALE", "expected \"reject\" or \"send\""),
        ("SMSBRIDGE_OUTBOUND__MAX_PARTS", "expected a whole number from 1 to 255"),
        ("SMSBRIDGE_STORE__KEEP_DAYS", "SMSBRIDGE_STORE__KEEP_DAYS: "),
    ] {
        let message = with_variables("", &[(name, "hunter2")]).expect_err(name);
        assert!(message.contains(name) && message.contains(expected), "{name}: {message}");
        assert!(!message.contains("hunter2"), "{name}: {message}");
    }
    for url in ["mqtt://u:hunter2@h", "mqtt://u:hunter2", "hunter2"] {
        let message = with_variables("", &[("SMSBRIDGE_MQTT__URL", url)]).expect_err(url);
        assert!(message.contains("SMSBRIDGE_MQTT__URL: ") && !message.contains("hunter2"), "{message}");
    }
    let octets = OsString::from_vec(b"hunter2\xff".to_vec());
    let variables = [(OsString::from("SMSBRIDGE_MQTT__PASSWORD"), octets)];
    let reader = &mut Reader::new(Secrets::Read, None);
    let message = read("x", "", variables.into_iter(), reader).expect_err("no text").to_string();
    assert!(message.contains("SMSBRIDGE_MQTT__PASSWORD: it is not UTF-8"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}
