//! A wrong password, port, PIN, folder or key: one message says what is wrong and what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::broker::{Login, is_root};
use crate::harness::gateway::{Config, PROGRAM, has_all};
use crate::harness::modem::ModemOptions;
use crate::harness::process::code;
use crate::harness::rig::{Rig, RigOptions};
use crate::harness::wait::wait_until;

/// The modem's problem in words, as its users see it.
fn wait_for_problem(rig: &Rig, words: &[&str]) -> Value {
    let what = format!("a problem of the modem with {words:?}");
    rig.client.wait_for_json(&what, |topic, state| {
        topic == "sms/modem/main" && state["problem"].as_str().is_some_and(|problem| has_all(problem, words))
    })
}

fn count_lines(log: &str, words: &[&str]) -> usize {
    log.lines().filter(|line| has_all(line, words)).count()
}

#[test]
fn a_wrong_broker_password() {
    let login = Login { user: "smsbridge".to_owned(), password: "right".to_owned() };
    let mut rig = Rig::prepare_with(RigOptions { login: Some(login), ..RigOptions::default() }, |config| {
        config.set("mqtt", "username", "smsbridge");
        config.set("mqtt", "password", "wrong-secret");
    });
    rig.modem.deliver("+4915100000001", "waits for the password");
    rig.launch_gateway(&[]);
    let line = rig.gateway.wait_for_log(&["password", "username"]);
    assert!(has_all(&line, &["broker"]), "{line}");
    wait_until("the message to be stored without a broker", || {
        rig.modem.stored() == 0 && rig.modem.queued() == 0
    });
    rig.gateway.assert_running();
    assert!(!rig.gateway.log().contains("wrong-secret"), "a password is never shown");
    assert_eq!(code(rig.gateway.stop()), 0);

    rig.reconfigure(|config| config.set("mqtt", "password", "right"));
    rig.start_gateway();
    rig.wait_for_received("waits for the password");
    rig.assert_still_works("after");
}

#[test]
fn a_port_that_is_not_there() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.modem.unplug();
    rig.launch_gateway(&[]);
    let port = rig.modem.port().to_owned();
    let state = wait_for_problem(&rig, &[&port]);
    assert_ne!(state["state"], "online", "{state}");
    rig.gateway.wait_for_log(&[&port]);
    rig.gateway.assert_running();
    rig.modem.plug();
    rig.wait_online();
    rig.assert_still_works("plugged");
}

#[test]
fn a_port_that_does_not_answer() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.modem.mute();
    rig.launch_gateway(&[]);
    let port = rig.modem.port().to_owned();
    wait_for_problem(&rig, &["no OK came back"]);
    rig.gateway.wait_for_log(&["no OK came back", &port]);
    rig.gateway.assert_running();
    rig.modem.recover();
    rig.wait_online();
    rig.assert_still_works("unmuted");
}

#[test]
fn a_wrong_pin_is_tried_once_and_never_again() {
    let options = ModemOptions { pin: Some("1234".to_owned()), ..ModemOptions::default() };
    let mut rig = Rig::prepare(&options, |config| config.set_modem("pin", "9999"));
    rig.launch_gateway(&[]);
    wait_for_problem(&rig, &["PIN"]);
    rig.gateway.wait_for_log(&["PIN", "not tried again"]);
    rig.gateway.assert_running();
    // Neither a kill, nor a clean restart, nor a new plug may cost the second try.
    rig.gateway.kill();
    rig.client.forget();
    rig.launch_gateway(&[]);
    wait_for_problem(&rig, &["PIN"]);
    assert_eq!(code(rig.gateway.stop()), 0);
    rig.client.forget();
    rig.launch_gateway(&[]);
    wait_for_problem(&rig, &["PIN"]);
    rig.modem.unplug();
    let asked = rig.modem.typed("AT+CPIN?");
    rig.modem.plug();
    wait_until("the SIM to be asked again after the new plug", || rig.modem.typed("AT+CPIN?") > asked);
    rig.gateway.assert_running();
    assert_eq!(rig.modem.typed("AT+CPIN="), 1, "{:?}", rig.modem.commands());
    assert!(!rig.gateway.log().contains("9999"), "a PIN is never shown");

    assert_eq!(code(rig.gateway.stop()), 0);
    rig.reconfigure(|config| config.set_modem("pin", "1234"));
    rig.start_gateway();
    rig.assert_still_works("right-pin");
}

#[test]
fn a_pin_that_is_asked_for_and_not_configured() {
    let options = ModemOptions { pin: Some("1234".to_owned()), ..ModemOptions::default() };
    let mut rig = Rig::prepare(&options, |_| {});
    rig.launch_gateway(&[]);
    wait_for_problem(&rig, &["PIN", "pin_file"]);
    assert_eq!(rig.modem.typed("AT+CPIN="), 0);
}

/// `run` with a configuration it cannot start with, to its end.
fn run_with(change: impl FnOnce(&mut Config)) -> Output {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.reconfigure(change);
    rig.gateway.run_command(&["run"])
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_store_folder_that_cannot_be_created() {
    let output = run_with(|config| config.set("store", "path", "/dev/null/store"));
    let said = errors(&output);
    assert_eq!(code(output.status), 1, "{said}");
    assert!(has_all(&said, &["/dev/null/store", "[store] path"]), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_store_folder_that_is_read_only() {
    let folder = tempfile::TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
    let store = folder.path().join("store");
    fs::create_dir(&store).expect("a folder");
    let mut config = Config::new(folder.path(), 1, "/dev/null");
    config.set("store", "path", store.display().to_string());
    let file = folder.path().join("smsbridge.toml");
    fs::write(&file, config.to_toml()).expect("a configuration file");
    for path in [folder.path(), store.as_path()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o555)).expect("permissions");
    }
    let output = as_plain_user(folder.path()).arg("run").arg("--config").arg(&file).output();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
    let output = output.expect("the gateway's binary runs");
    let said = errors(&output);
    assert_eq!(code(output.status), 1, "{said}");
    assert!(has_all(&said, &[&store.display().to_string(), "writable"]), "{said}");
}

/// Root may write anywhere, so its gateway runs as nobody, from a copy that nobody may read.
fn as_plain_user(folder: &Path) -> Command {
    if !is_root() {
        return Command::new(PROGRAM);
    }
    const NOBODY: u32 = 65_534;
    let copy = folder.join("smsbridge-copy");
    fs::copy(PROGRAM, &copy).expect("a copy of the binary");
    let mut command = Command::new(copy);
    command.uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn an_unknown_key_names_the_nearest() {
    for command in ["run", "check"] {
        let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
        rig.reconfigure(|config| config.set("mqtt", "prefx", "sms"));
        let output = rig.gateway.run_command(&[command]);
        let said = errors(&output);
        assert_eq!(code(output.status), 2, "{command}: {said}");
        assert!(has_all(&said, &["smsbridge.toml", "prefx", "prefix"]), "{command}: {said}");
    }
}

#[test]
fn a_value_of_the_wrong_kind_names_key_and_line() {
    let output = run_with(|config| config.set("outbound", "max_parts", "many"));
    let said = errors(&output);
    assert_eq!(code(output.status), 2, "{said}");
    assert!(has_all(&said, &["max_parts", "line"]), "{said}");
}

/// A command of the binary with this text as its configuration file.
fn said_of(text: &str, command: &str) -> String {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    fs::write(rig.gateway.config_path(), text).expect("a configuration file");
    let output = rig.gateway.run_command(&[command]);
    let said = errors(&output);
    assert_eq!(code(output.status), 2, "{command}: {said}");
    said
}

#[test]
fn all_mistakes_are_told_at_once_each_with_file_line_and_key_in_the_order_of_the_file() {
    let text = "[modem]\nname = \"main\"\n[outbound]\nmax_parts = 0\npin = \"0000\"\n[mqtt]\nurl = \"http://x\"\n\
                prefix = \"a/#\"\nretain_last = \"yes\"\n";
    for command in ["run", "check", "history", "parked"] {
        let said = said_of(text, command);
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("smsbridge.toml: line ")).collect();
        for (line, words) in lines.iter().zip([
            &["line 1, ", "write [[modem]]"][..],
            &["line 4, ", "outbound.max_parts", "1 to 255"],
            &["line 5, ", "outbound.pin", "belongs below [[modem]]"],
            &["line 7, ", "mqtt.url", "mqtt://HOST:PORT"],
            &["line 8, ", "mqtt.prefix"],
            &["line 9, ", "mqtt.retain_last", "true or false"],
        ]) {
            assert!(has_all(line, words), "{words:?}: {said}");
        }
        assert_eq!(lines.len(), 6, "{said}");
    }
}

#[test]
fn a_pin_without_quotes_is_told_in_words_and_never_shown() {
    for pin in ["73917391", "0739", "73.91"] {
        let said = said_of(&format!("[[modem]]\npin = {pin}\n"), "check");
        assert!(has_all(&said, &["smsbridge.toml", "line 2", "in quotes"]), "{said}");
        assert!(!said.contains(pin), "{said}");
    }
}

#[test]
fn a_mistake_in_a_variable_names_the_variable() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let mut command = rig.gateway.command(&["check"]);
    command.env("SMSBRIDGE_OUTBOUND__MAX_PARTS", "hidden-secret").env("SMSBRIDGE_MQTT__PREFIX", "a/#");
    let output = command.output().expect("the gateway's binary runs");
    let said = errors(&output);
    assert_eq!(code(output.status), 2, "{said}");
    assert!(
        has_all(&said, &["SMSBRIDGE_OUTBOUND__MAX_PARTS: expected a whole number from 1 to 255"]),
        "{said}"
    );
    assert!(has_all(&said, &["SMSBRIDGE_MQTT__PREFIX: "]) && !said.contains("hidden-secret"), "{said}");
}

#[test]
fn check_accepts_a_valid_configuration() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let output = rig.gateway.run_command(&["check"]);
    assert_eq!(code(output.status), 0, "{}", errors(&output));
}

#[test]
fn a_lasting_fault_is_logged_less_and_less_often() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.modem.unplug();
    rig.launch_gateway(&[]);
    let port = rig.modem.port().to_owned();
    rig.gateway.wait_for_log(&[&port]);
    // Pauses double from one second, each up to half shorter: 0.5 + 1 + 2 + 4 s at least before a fifth line.
    let first = Instant::now();
    while first.elapsed() < Duration::from_secs(7) {
        let log = rig.gateway.log();
        let lines = count_lines(&log, &[&port]);
        assert!(lines <= 4, "{lines} lines in {:.1} s:\n{log}", first.elapsed().as_secs_f32());
        sleep(Duration::from_millis(50));
    }
    // It has not stopped trying.
    rig.modem.plug();
    rig.wait_online();
}
