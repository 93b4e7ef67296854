use std::collections::BTreeMap;

use proptest::prelude::*;

use super::compose;
use super::env_file;
use super::files::Files;
use super::ini;
use super::kind::Kind;
use super::render::{Counts, import};
use crate::config::{self, Config};

/// Files by their paths.
#[derive(Default)]
struct InMemory(BTreeMap<&'static str, &'static str>);

impl Files for InMemory {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let text = self.0.get(path).ok_or("it is not on this machine")?;
        Ok(text.as_bytes().to_vec())
    }

    fn is_there(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }
}

/// What is made of a text, and that it is a configuration.
fn made_with(kind: Kind, text: &str, files: &InMemory) -> (String, Counts, Config) {
    let (made, of, counts) =
        import(text.as_bytes(), "old.conf", Some(kind), files).expect("its kind is given");
    assert_eq!(of, kind);
    let config = config::parse("new.toml", &made).unwrap_or_else(|error| panic!("{error}\n{text}\n{made}"));
    (made, counts, config)
}

fn made(kind: Kind, text: &str) -> (String, Config) {
    let (made, _, config) = made_with(kind, text, &InMemory::default());
    (made, config)
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

// --- gammu-smsd ------------------------------------------------------------------------------

#[test]
fn a_modem_of_gammu_keeps_its_port_speed_pin_and_centre() {
    let (made, config) = made(
        Kind::Gammu,
        "[gammu]\nDevice = /dev/ttyUSB0\nConnection = AT19200-nodtr\n[smsd]\npin = \"0123\"\nSMSC = +491710760000\n\
         HangupCalls = 1\nPhoneID = My Phone\n",
    );
    let modem = &config.modems[0];
    assert_eq!((modem.name.as_str(), modem.baud, modem.hang_up), ("my-phone", 19_200, true));
    assert_eq!(modem.port.to_string(), "/dev/ttyUSB0");
    assert!(modem.pin.is_some());
    assert_eq!(modem.service_center.as_deref(), Some("+491710760000"));
    has(&made, &["line 2: Device", "line 3: Connection", "line 5: pin = (not shown)", "line 8: PhoneID"]);
}

#[test]
fn what_cannot_be_a_port_here_is_to_fill_in() {
    for (connection, device, words) in [
        ("proxyat", "ssh root@router modem", "tcp://HOST:PORT"),
        ("blueat", "00:11:22:33:44:55", "/dev/rfcomm0"),
        ("fbus", "/dev/ttyS0", "with this phone it does not work"),
        ("at", "/dev/null", "No serial port or address"),
    ] {
        let (made, config) =
            made(Kind::Gammu, &format!("[gammu]\ndevice = {device}\nconnection = {connection}\n[smsd]\n"));
        has(&made, &["- [[modem]] port", words, "line 2: device"]);
        assert_eq!(config.modems[0].port.to_string(), "auto", "{connection}");
    }
}

#[test]
fn the_first_section_and_its_last_line_count_as_for_gammu() {
    let (made, config) = made(
        Kind::Gammu,
        "[gammu]\nport=/dev/ttyUSB0\n[smsd]\nMultipartTimeout=1\nmultiparttimeout = 700\n[SMSD]\nmultiparttimeout=9\n",
    );
    assert_eq!(config.inbound.reassembly_timeout.as_secs(), 700);
    has(
        &made,
        &[
            "It stands again in line 5, which counts.",
            "line 4: MultipartTimeout=1".replace('=', " = ").as_str(),
        ],
    );
}

#[test]
fn another_phone_of_gammu_is_there_as_a_comment() {
    let (made, config) =
        made(Kind::Gammu, "[gammu]\nport=/dev/ttyUSB0\n[gammu1]\nport=/dev/ttyUSB1\nconnection=at9600\n");
    assert_eq!(config.modems.len(), 1);
    has(&made, &["#[[modem]]\n#name = \"gammu1\"", "#port = \"/dev/ttyUSB1\"", "#baud = 9600"]);
    let uncommented: String =
        made.lines().map(|line| line.strip_prefix('#').unwrap_or(line).to_owned() + "\n").skip(20).collect();
    assert!(uncommented.contains("[[modem]]\nname = \"gammu1\""), "{uncommented}");
}

#[test]
fn programs_become_hooks() {
    let text = "[gammu]\nport=/dev/ttyUSB0\n[smsd]\nRunOnReceive = /opt/on-sms -v\nRunOnSent = /opt/sent\nRunOnFailure = /opt/failed >> /tmp/log\n\
                RunOnIncomingCall = /opt/call\n";
    let files = InMemory([("/opt/on-sms", ""), ("/opt/sent", ""), ("/opt/failed", "")].into());
    let (made, counts, config) = made_with(Kind::Gammu, text, &files);
    assert_eq!(config.hooks[0].command, ["/opt/on-sms", "-v"]);
    assert_eq!(config.hooks[1].command[4..], ["/opt/sent"]);
    assert_eq!(config.hooks[2].command[4..], ["/bin/sh", "-c", "/opt/failed >> /tmp/log \"$@\"", "sh"]);
    has(&made, &["line 7: /opt/call is not on this machine"]);
    assert_eq!(counts.fill_in, 2, "broker and program");
}

#[test]
fn senders_to_leave_out_are_denied_and_those_to_let_in_are_told() {
    let files = InMemory([("/etc/no", "+4990011\n\nCasino\n0900*\n")].into());
    let text = "[gammu]\nport=/dev/ttyUSB0\n[exclude_numbers]\nnumber1 = 1234\n[smsd]\nExcludeNumbersFile = /etc/no\n";
    let (made, _, config) = made_with(Kind::Gammu, text, &files);
    for sender in ["1234", "+4990011", "Casino"] {
        assert!(crate::number::any_matches(&config.inbound.deny, sender), "{sender}: {made}");
    }
    has(&made, &["not taken over: 4"]);

    let (made, _, config) = made_with(Kind::Gammu, &format!("{text}[include_numbers]\nx = 5\n"), &files);
    assert!(config.inbound.deny.is_empty());
    has(
        &made,
        &["There is no list of senders", "line 4: number1", "line 6: ExcludeNumbersFile", "line 8: x = 5"],
    );

    let (made, counts, _) = made_with(Kind::Gammu, text, &InMemory::default());
    has(&made, &["- line 6: the numbers of /etc/no: it is not on this machine"]);
    assert_eq!(counts.fill_in, 2);
}

// --- SMS Server Tools ------------------------------------------------------------------------

#[test]
fn each_device_is_a_modem_with_what_its_sections_say() {
    let (made, config) = made(
        Kind::Smstools,
        "devices = ELISA* 1-2, GSM.A\n[default]\ndevice = /dev/ttymodemname\npin = 1111\nbaudrate = 9600\n\
         [ELISA*]\npin = 2222\nsmsc = 35840\n[GSM.A]\ndevice = @10.1.1.1:5000\nphonecalls = clip\ninit = AT^CURC=0\n\
         [OLD]\ndevice = /dev/ttyS9\nreport = yes\n",
    );
    let shown: Vec<_> = config
        .modems
        .iter()
        .map(|modem| (modem.name.as_str(), modem.port.to_string(), modem.baud, modem.hang_up))
        .collect();
    assert_eq!(
        shown,
        [
            ("elisa1", "/dev/ttyELISA1".to_owned(), 9600, false),
            ("elisa2", "/dev/ttyELISA2".to_owned(), 9600, false),
            ("gsm-a", "tcp://10.1.1.1:5000".to_owned(), 9600, true),
        ]
    );
    assert_eq!(config.modems[0].service_center.as_deref(), Some("+35840"));
    assert!(!config.outbound.delivery_report, "no modem that was used wants them");
    has(&made, &["line 7: pin", "init = [\"AT^CURC=0\"]", "#port = \"/dev/ttyS9\"", "line 15: report = yes"]);
}

#[test]
fn commands_that_would_disturb_the_gateway_are_left_out() {
    for (command, is_taken) in [
        ("AT+CFUN=1", true),
        ("AT^PORTSEL=1", true),
        ("ATE0", false),
        ("ATZ", false),
        ("AT&F", false),
        ("AT+CNMI=0,0,0,0,0", false),
        ("AT+CPIN=\"1234\"", false),
        ("hello", false),
    ] {
        let text = format!("devices=A\n[A]\ndevice=/dev/ttyS0\ninit2 = {command}\n");
        let (made, _) = made(Kind::Smstools, &text);
        assert_eq!(made.contains("\ninit = ["), is_taken, "{command}: {made}");
        assert!(!made.contains("1234"), "{made}");
    }
}

#[test]
fn recipients_are_allowed_and_denied_by_their_beginning() {
    let files =
        InMemory([("/w", "# all\n44 # UK\n49 172\n[QUEUE1]\ns\ns8\n[]\n"), ("/b", "4417\ns\n")].into());
    let text = "devices=A\nwhitelist = /w\nblacklist=/b\n[A]\ndevice=/dev/ttyS0\n";
    let (made, _, config) = made_with(Kind::Smstools, text, &files);
    let matches = |patterns: &[_], number| crate::number::any_matches(patterns, number);
    assert!(
        matches(&config.outbound.allow, "+447911") && matches(&config.outbound.allow, "+491725"),
        "{made}"
    );
    assert!(!matches(&config.outbound.allow, "+33123456") && matches(&config.outbound.deny, "+4417111"));
    has(&made, &["not taken over: 4, 5, 6, 7", "short_codes names each"]);
}

#[test]
fn limits_reports_and_times_are_taken_where_they_mean_the_same() {
    let (made, config) = made(
        Kind::Smstools,
        "devices=A,B\nic_purge_hours = 2\nic_purge_minutes = 30\nvalidity = 1 day\n[A]\ndevice=/dev/ttyS0\nreport = yes\n\
         message_limit = 20\nmessage_count_clear = 1440\n[B]\ndevice=/dev/ttyS1\nreport=no\nmessage_limit=5\n",
    );
    assert_eq!(config.inbound.reassembly_timeout.as_secs(), 9000);
    assert_eq!(config.outbound.ttl.map(|ttl| ttl.as_secs()), Some(86_400));
    assert_eq!((config.outbound.per_day, config.outbound.delivery_report), (Some(20), true));
    has(&made, &["Another modem above says otherwise", "line 12: report", "line 13: message_limit"]);
}

#[test]
fn one_port_is_one_modem() {
    let (made, config) =
        made(Kind::Smstools, "devices=A,B\n[A]\ndevice=/dev/ttyS0\n[B]\ndevice=/dev/ttyS0\n");
    assert_eq!(config.modems.len(), 1);
    has(&made, &["Another modem above has this port.", "- [[modem]] B: its port."]);
}

// --- SMS2MQTT --------------------------------------------------------------------------------

#[test]
fn the_broker_of_sms2mqtt_is_ours() {
    let (made, config) = made(
        Kind::Sms2mqtt,
        "HOST=fd00::1\nPORT=1884\nUSER=u\nPASSWORD= p#\nPREFIX=home/sms\nPIN=1234\nDEVICE=/dev/ttyACM0\n",
    );
    assert_eq!((&*config.mqtt.servers[0].host, config.mqtt.servers[0].port), ("[fd00::1]", 1884));
    assert_eq!((&*config.mqtt.prefix, config.mqtt.login.is_some()), ("home/sms", true));
    assert_eq!(config.modems[0].port.to_string(), "/dev/ttyACM0");
    has(&made, &["password = \" p#\"", "line 4: PASSWORD = (not shown)"]);
}

#[test]
fn a_value_that_is_not_in_the_file_is_to_fill_in() {
    for text in [
        "HOST=x\nPASSWORD\n",
        "services:\n  sms2mqtt:\n    environment:\n      HOST: x\n      PASSWORD: ${SECRET:-no}\n",
    ] {
        let (made, counts, _) = made_with(Kind::Sms2mqtt, text, &InMemory::default());
        assert_eq!(counts.fill_in, 1, "{made}");
        has(&made, &["PASSWORD"]);
        assert!(!made.contains("SECRET"), "{made}");
    }
}

#[test]
fn a_prefix_or_a_host_that_cannot_be_is_left() {
    let (made, config) = made(Kind::Sms2mqtt, "HOST=a b\nPREFIX=answers\nPORT=99999\n");
    assert_eq!((&*config.mqtt.prefix, &*config.mqtt.servers[0].host), ("sms", "localhost"));
    has(&made, &["- [mqtt] url", "line 1: HOST", "line 2: PREFIX", "line 3: PORT"]);
}

// --- all of them -----------------------------------------------------------------------------

#[test]
fn nothing_of_a_file_reaches_a_terminal_as_a_command_of_it() {
    let (made, _) = made(
        Kind::Gammu,
        "[gammu]\nport=/dev/ttyUSB0\n[smsd]\nLogFile = \u{1b}[2J\u{202e}\nRunOnReceive = /opt/\u{202e}x\nPhoneID=\u{9b}1\n",
    );
    assert!(!made.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{made:?}");
}

#[test]
fn a_file_of_many_lines_takes_no_longer_for_each_of_them() {
    const LINES: usize = 20_000;
    for (kind, line) in [
        (Kind::Gammu, "[gammuN]\nport=1\n"),
        (Kind::Gammu, "[exclude_numbers]\nx=N\n"),
        (Kind::Gammu, "[smsd]\npin=N\n"),
        (Kind::Smstools, "[GSMN]\ndevice=1\n"),
        (Kind::Smstools, "devices=N\nx=N\n"),
        (Kind::Sms2mqtt, "HOST=N\nX=1\n"),
        (Kind::Sms2mqtt, "services:\n  aN:\n"),
    ] {
        let text: String = (0..LINES / 2).map(|n| line.replace('N', &n.to_string())).collect();
        let (made, ..) = import(text.as_bytes(), "old", Some(kind), &InMemory::default()).expect("a kind");
        assert!(made.contains("[mqtt]"), "{line}");
    }
}

/// A line of a configuration as people write it, or as nobody would.
fn line() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "device",
        "port",
        "connection",
        "PIN",
        "phoneid",
        "smsc",
        "hangupcalls",
        "runonreceive",
        "RunOnSent",
        "runonfailure",
        "multiparttimeout",
        "excludenumbersfile",
        "devices",
        "baudrate",
        "init",
        "report",
        "validity",
        "whitelist",
        "message_limit",
        "message_count_clear",
        "ic_purge_hours",
        "HOST",
        "PORT",
        "PREFIX",
        "USER",
        "PASSWORD",
        "DEVICE",
        "x y",
        "",
    ]);
    let value = prop_oneof![
        prop::sample::select(vec![
            "/dev/ttyUSB0",
            "/dev/ttyS1",
            "@10.0.0.1:99",
            "tcp://h:1",
            "at",
            "at115200",
            "1234",
            "yes",
            "no",
            "0",
            "4294967295",
            "GSM1",
            "GSM1, GSM2",
            "A* 1-3",
            "AT+CFUN=1",
            "/list",
            "1440",
            "10 weeks",
            "\"",
            "'a'",
            "${X}",
            "a/b",
            "#",
            "answers",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
        "[\\x00-\\xff]{0,8}",
    ];
    let option = (key, prop::sample::select(vec!["=", " = ", ": ", ""]), value)
        .prop_map(|(k, sign, v)| format!("{k}{sign}{v}"));
    prop_oneof![
        6 => option,
        2 => prop::sample::select(vec![
            "[gammu]", "[gammu1]", "[smsd]", "[GSM1]", "[GSM2]", "[A*]", "[default]", "[queues]", "[exclude_numbers]", "[", "[]",
            "services:", "  sms2mqtt:", "    environment:", "    devices:", "      - PIN=1", "# no", "; no", "",
        ])
        .prop_map(str::to_owned),
    ]
}

/// Lines that have to be told of.
fn lines_of(kind: Kind, text: &str) -> Vec<usize> {
    let (entries, odd) = match kind {
        Kind::Sms2mqtt if super::kind::is_compose(text) => {
            let found = compose::read(text);
            ([found.variables, found.devices, found.env_files].concat(), found.odd)
        }
        Kind::Sms2mqtt => env_file::read(text),
        Kind::Gammu | Kind::Smstools => {
            let ini = ini::read(text);
            (ini.entries, ini.odd)
        }
    };
    entries.iter().map(|entry| entry.line).chain(odd.iter().map(|odd| odd.line)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_stands_in_a_file_a_configuration_comes_out_that_tells_of_each_line(
        lines in prop::collection::vec(line(), 0..14),
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
    ) {
        let text = lines.join(end);
        let plain = super::text::decode(text.as_bytes()).text;
        let files = InMemory([("/list", "49\ns\n+49151\nName\n")].into());
        for kind in [Kind::Gammu, Kind::Smstools, Kind::Sms2mqtt] {
            let (made, _, _) = made_with(kind, &text, &files);
            for line in lines_of(kind, &plain) {
                prop_assert!(made.contains(&format!("line {line}: ")), "{kind}: line {line}\n{plain}\n---\n{made}");
            }
        }
    }

    #[test]
    fn no_octets_are_too_odd(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        for kind in [None, Some(Kind::Gammu), Some(Kind::Smstools), Some(Kind::Sms2mqtt)] {
            if let Ok((made, ..)) = import(&octets, "old", kind, &InMemory::default()) {
                prop_assert!(config::parse("new", &made).is_ok(), "{made}");
            }
        }
    }
}
