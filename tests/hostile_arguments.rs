//! Arguments, variables and values that nobody would write: each is refused in words, or taken, and none is a panic.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use crate::harness::gateway::{Config, program};
use crate::harness::process::code;
use crate::harness::wait::wait_at_most;

/// Numbers, ages and names at and beyond every limit, and octets that are no text.
fn hostile() -> Vec<OsString> {
    let texts = [
        "",
        " ",
        "-",
        "--",
        "0",
        "-1",
        "1",
        "65535",
        "65536",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "99999999999999999999999999",
        "1e308",
        "NaN",
        "inf",
        "0x10",
        "9999999999999h",
        "-9999999999999h",
        "9999999999999d",
        "-99999999999d",
        "9223372036854775807s",
        "P9999Y",
        "-P292277026596Y",
        "9999-12-31T23:59:59.999999999Z",
        "-009999-01-01T00:00:00Z",
        "2026-02-30",
        "\u{202e}",
        "é",
        "+",
        "+4",
        "tcp://:0",
        "tcp://[::1",
        "/dev/null",
        "/",
        "..",
        "a\nb",
        "{}",
        "{\"to\":1}",
        "\u{1b}[2J",
    ];
    let long = "9".repeat(100_000);
    texts
        .iter()
        .map(|text| OsString::from(*text))
        .chain([OsString::from(long), OsStr::from_bytes(b"\xff\xfe1").to_owned()])
        .collect()
}

/// Each command with the argument that gets the hostile value. Nothing listens at the broker's port.
const PLACES: [(&[&str], &[&str]); 27] = [
    (&["history", "--since="], &[]),
    (&["history", "--from="], &[]),
    (&["history", "--to="], &[]),
    (&["history", "--config="], &[]),
    (&["check", "--rule="], &[]),
    (&["check", "--config="], &[]),
    (&["run", "--config="], &["--trace=/dev/null/x"]),
    (&["run", "--trace="], &["--config=/dev/null/x"]),
    (&["detect", "--baud="], &["--port=/dev/null"]),
    (&["detect", "--port="], &[]),
    (&["pdu", "decode", ""], &[]),
    (&["pdu", "decode", "--direction="], &["00"]),
    (&["pdu", "encode", ""], &[]),
    (&["send", "--to="], &["--timeout=1", "text"]),
    (&["send", "--modem="], &["--to=1234567", "--timeout=1", "text"]),
    (&["send", "--timeout="], &["--to=1234567", "--config=/dev/null/x", "text"]),
    (&["send", "--to=1234567", "--timeout=1", ""], &[]),
    (&["send", "--to=1234567", "--timeout=1", "--", ""], &[]),
    (&["send", "--id="], &["--to=1234567", "--timeout=1", "text"]),
    (&["send", "--ttl="], &["--to=1234567", "--timeout=1", "text"]),
    (&["send", "--user="], &["--to=1234567", "--timeout=1", "text"]),
    (&["send", "--password-file="], &["--to=1234567", "--timeout=1", "text"]),
    (&["completions", ""], &[]),
    (&["man", "/dev/null/"], &[]),
    (&["check", "-v"], &[]),
    (&["demo", "--port=x"], &[]),
    (&[""], &[]),
];

/// Runs it to its end, and fails where that is a panic.
fn assert_no_panic(folder: &TempDir, arguments: &[OsString], environment: &[(&str, &OsStr)]) {
    let mut command = program(folder.path());
    command.args(arguments).envs(environment.iter().copied());
    let what = format!("{arguments:?} with {environment:?}");
    let what: String = what.chars().take(300).collect();
    let output = folder.path().join("output");
    let file = || std::fs::File::options().create(true).append(true).open(&output).expect("a file");
    std::fs::write(&output, "").expect("a file");
    let mut child =
        command.stdin(Stdio::null()).stdout(file()).stderr(file()).spawn().expect("the binary runs");
    let ended = wait_at_most(Duration::from_secs(60), &what, || child.try_wait().expect("a child"));
    let said = String::from_utf8_lossy(&std::fs::read(&output).expect("its output")).into_owned();
    assert!([0, 1, 2].contains(&code(ended)), "{what} ended with {ended}:\n{said}");
    assert!(!said.contains("panicked"), "{what}:\n{said}");
}

fn folder_with_config() -> TempDir {
    let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
    let config = Config::new(folder.path(), 1, "/dev/null");
    std::fs::write(folder.path().join("smsbridge.toml"), config.to_toml()).expect("a configuration file");
    folder
}

#[test]
fn no_argument_of_any_command_is_a_panic() {
    let folder = folder_with_config();
    for (before, after) in PLACES {
        for value in hostile() {
            let mut arguments: Vec<OsString> = before.iter().map(OsString::from).collect();
            arguments.last_mut().expect("a place for the value").push(&value);
            arguments.extend(after.iter().map(OsString::from));
            // A program cannot be given more in one argument.
            assert_no_panic(&folder, &arguments, &[]);
        }
    }
}

#[test]
fn no_variable_is_a_panic() {
    let folder = folder_with_config();
    let names = [
        "SMSBRIDGE_CONFIG",
        "SMSBRIDGE_LOG",
        "SMSBRIDGE_NAME",
        "SMSBRIDGE_MQTT__URL",
        "SMSBRIDGE_MQTT__RETAIN_LAST",
        "SMSBRIDGE_STORE__KEEP_DAYS",
        "SMSBRIDGE_OUTBOUND__MAX_PARTS",
        "SMSBRIDGE_OUTBOUND__TTL_S",
        "SMSBRIDGE_PORT",
        "SMSBRIDGE_",
        "SMSBRIDGE_MQTT__",
        "STATE_DIRECTORY",
        "CREDENTIALS_DIRECTORY",
    ];
    for name in names {
        for value in hostile() {
            assert_no_panic(&folder, &["check".into()], &[(name, &value)]);
        }
    }
}

#[test]
fn no_number_in_the_configuration_is_a_panic() {
    let keys = [
        ("store", "keep_days"),
        ("inbound", "reassembly_timeout_s"),
        ("outbound", "report_timeout_s"),
        ("outbound", "ttl_s"),
        ("outbound", "max_parts"),
        ("outbound", "per_minute"),
        ("outbound", "per_day"),
    ];
    for number in [0, 1, -1, i64::from(u32::MAX), i64::from(u32::MAX) + 1, i64::MAX, i64::MIN] {
        for (table, key) in keys {
            let folder = folder_with_config();
            let mut config = Config::new(folder.path(), 1, "/dev/null");
            config.set(table, key, number);
            std::fs::write(folder.path().join("smsbridge.toml"), config.to_toml())
                .expect("a configuration file");
            assert_no_panic(&folder, &["check".into()], &[]);
            assert_no_panic(&folder, &["history".into()], &[]);
        }
    }
}
