//! `smsbridge detect`: which port is the modem, and why the others are not, side by side within seconds.

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;
use smsbridge_simulator::{Options, Simulator, VendorProfile, pty};
use tempfile::TempDir;

use crate::harness::contract;
use crate::harness::gateway::program;
use crate::harness::process::code;
use crate::harness::terminal::Terminal;

fn detect(folder: &TempDir, arguments: &[&str]) -> Output {
    let output = program(folder.path()).arg("detect").args(arguments).output().expect("the program runs");
    contract::assert_output(&[&["detect"], arguments].concat(), &output.stdout);
    output
}

fn plug(folder: &TempDir, name: &str, options: Options) -> (Simulator, pty::Port, String) {
    let sim = Simulator::new(options);
    let port = pty::spawn(&sim, folder.path().join(name)).expect("a pseudo-terminal");
    let path = port.path().display().to_string();
    (sim, port, path)
}

#[test]
fn the_modem_is_found_among_other_ports() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_sim, _a, good) =
        plug(&folder, "good", Options { profile: VendorProfile::ec25(), ..Options::numbered(7) });
    let (silent, _b, mute) = plug(&folder, "mute", Options::default());
    silent.hang();
    let locked = Options { pin: Some("1234".into()), ..Options::numbered(8) };
    let (locked_sim, _c, locked) = plug(&folder, "locked", locked);
    let ports = ["--port", &good, "--port", &mute, "--port", &locked, "--port", "/dev/no-such-port"];
    let began = Instant::now();
    let out = detect(&folder, &ports);
    assert!(began.elapsed() < Duration::from_secs(8), "side by side, {:?}", began.elapsed());
    let said = String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), Some(0), "{said}");
    for words in
        ["Quectel EC25", "SIM ready", "Simulated", "sent: AT", "came back: nothing", "does not exist", "PIN"]
    {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert!(said.contains(&format!("port = \"{good}\"")) && said.contains("[[modem]]"), "{said}");
    assert!(!said.contains(&format!("port = \"{mute}\"")), "{said}");
    assert_eq!(locked_sim.pin_tries_left(), 3, "no PIN is tried");
    assert!(!locked_sim.commands().iter().any(|line| line.starts_with("AT+CPIN=")));
}

#[test]
fn each_port_is_a_json_object_and_none_found_is_exit_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let (silent, _port, mute) = plug(&folder, "mute", Options::default());
    silent.hang();
    let out = detect(&folder, &["--json", "--port", &mute]);
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8_lossy(&out.stdout);
    let report: Value = serde_json::from_str(said.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&report["answered"], &report["sent"]), (&Value::Bool(false), &Value::from("AT")), "{said}");
    assert!(report["advice"].is_string(), "{said}");
}

#[test]
fn at_a_terminal_the_wait_for_a_silent_port_is_shown_and_taken_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let (silent, _port, mute) = plug(&folder, "mute", Options::default());
    silent.hang();
    let mut terminal = Terminal::start(folder.path(), &["detect", "--port", &mute], &[]);
    terminal.wait_for(" for a modem … 1 s");
    assert_eq!(code(terminal.wait_for_end()), 1);
    terminal.wait_for("no modem answered");
    let shown = terminal.shown();
    let (_, after) = shown.rsplit_once(" for a modem … ").expect("it was shown");
    assert!(after.contains("s\r\x1b[K"), "its line is taken away: {after:?}");
    let mut terminal = Terminal::start(folder.path(), &["detect", "--port", &mute], &[("TERM", "dumb")]);
    assert_eq!(code(terminal.wait_for_end()), 1);
    terminal.wait_for("no modem answered");
    assert!(!terminal.shown().contains('\x1b'), "{:?}", terminal.shown());
}
