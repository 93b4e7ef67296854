//! Programs run for events: what they are given, and that they delay and lose nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::broker::Login;
use crate::harness::gateway::Config;
use crate::harness::process::code;
use crate::harness::rig::{Rig, RigOptions};
use crate::harness::wait::wait_until;

const CUSTOMER: &str = "+79211234567";

/// Adds a hook that runs `script` with sh; it finds itself in the test's folder.
fn hook(config: &mut Config, on: &str, script: &str, timeout_s: u32) {
    let quoted = toml::Value::from(script).to_string();
    config.add(
        "hook",
        &format!("on = \"{on}\"\ntimeout_s = {timeout_s}\ncommand = [\"/bin/sh\", \"-c\", {quoted}]"),
    );
}

fn file(rig: &Rig, name: &str) -> PathBuf {
    rig.gateway.folder().join(name)
}

fn lines(rig: &Rig, name: &str) -> Vec<String> {
    let text = fs::read_to_string(file(rig, name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn wait_for_lines(rig: &Rig, name: &str, count: usize) -> Vec<String> {
    wait_until(&format!("{count} lines in the hook's file {name}"), || lines(rig, name).len() >= count);
    lines(rig, name)
}

fn touch(rig: &Rig, name: &str) {
    fs::write(file(rig, name), "").expect("a file in the test's folder");
}

/// Runs the store still owes.
fn runs_owed(rig: &Rig) -> i64 {
    let store = rusqlite::Connection::open(file(rig, "store/smsbridge.sqlite")).expect("the store opens");
    store.query_row("SELECT count(*) FROM hook_run", [], |row| row.get(0)).expect("a table of runs")
}

#[test]
fn a_hook_gets_json_and_the_variables_of_gammu_smsd() {
    let mut rig = Rig::prepare_with(
        RigOptions {
            login: Some(Login { user: "gateway".to_owned(), password: "hunter2".to_owned() }),
            ..RigOptions::default()
        },
        |config| {
            config.set("mqtt", "username", "gateway");
            // `env -0`: the texts may hold line breaks.
            hook(config, "received", "cat > json; env -0 > env.new; mv env.new env", 60);
        },
    );
    rig.launch_gateway(&[("SMSBRIDGE_MQTT__PASSWORD", "hunter2")]);
    rig.wait_online();
    let text = format!("Первая строка\nвторая: $(touch never); `touch never` {}", "длинно ".repeat(9));
    rig.modem.deliver(CUSTOMER, &text);
    let message = rig.wait_for_received(&text);
    wait_until("the hook to be done", || file(&rig, "env").exists());

    let json: Value =
        serde_json::from_slice(&fs::read(file(&rig, "json")).expect("what it read")).expect("JSON");
    assert_eq!(json, message, "standard input is what is published");
    let bytes = fs::read(file(&rig, "env")).expect("its environment");
    let environment: BTreeMap<String, String> = String::from_utf8_lossy(&bytes)
        .split('\0')
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let get = |name: &str| environment.get(name).map_or("(not set)", String::as_str);
    assert_eq!(get("PHONE_ID"), "main");
    assert_eq!(get("SMS_MESSAGES"), "2", "physical parts");
    for part in ["1", "2"] {
        assert_eq!(get(&format!("SMS_{part}_NUMBER")), CUSTOMER);
        assert_eq!(get(&format!("SMS_{part}_CLASS")), "-1", "no class");
        assert_eq!(get(&format!("SMS_{part}_REFERENCE")), "0");
        assert!(get(&format!("SMS_{part}_TIMESTAMP")).parse::<i64>().is_ok(), "{environment:#?}");
        let at = get(&format!("SMS_{part}_DATETIME"));
        assert!(at.parse::<jiff::Timestamp>().is_ok(), "RFC 3339 with its offset: {at}");
    }
    assert_eq!(format!("{}{}", get("SMS_1_TEXT"), get("SMS_2_TEXT")), text, "each part has its own text");
    assert_eq!(
        (get("DECODED_PARTS"), get("DECODED_1_TEXT")),
        ("1", text.as_str()),
        "one entry, the whole text"
    );
    assert_eq!(get("SMS_0_NUMBER"), "(not set)");

    let ours: Vec<_> = environment.keys().filter(|name| name.starts_with("SMSBRIDGE_")).collect();
    assert_eq!(ours, Vec::<&String>::new(), "the gateway's own settings are no script's business");
    assert!(!environment.values().any(|value| value.contains("hunter2")), "nor is its password");
    assert!(!file(&rig, "never").exists(), "a text is never evaluated");
}

#[test]
fn a_hook_for_results_is_run_for_every_step() {
    let rig =
        Rig::with(|config| hook(config, "result", "{ cat; echo; } > step.$$; cat step.$$ >> steps", 60));
    rig.request(&json!({"id": "r", "to": CUSTOMER, "text": "t", "delivery_report": true}));
    rig.client.publish("sms/send", "no JSON");
    let mut states: Vec<String> = wait_for_lines(&rig, "steps", 4)
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["state"].to_string())
        .collect();
    states.sort();
    assert_eq!(states, ["\"accepted\"", "\"delivered\"", "\"rejected\"", "\"sent\""]);
}

#[test]
fn a_slow_hook_delays_no_message() {
    let script = "echo begun >> begun; while [ ! -e go ]; do sleep 0.1; done; echo done >> done";
    let rig = Rig::with(|config| hook(config, "received", script, 60));
    for n in 0..10 {
        rig.modem.deliver(CUSTOMER, &format!("quick {n}"));
    }
    for n in 0..10 {
        rig.wait_for_received(&format!("quick {n}"));
    }
    rig.assert_still_works("beside");
    wait_for_lines(&rig, "begun", 4);
    assert_eq!(lines(&rig, "begun").len(), 4, "four at once");
    assert_eq!(lines(&rig, "done").len(), 0, "all of this while not one hook has ended");
    touch(&rig, "go");
    assert_eq!(wait_for_lines(&rig, "done", 11).len(), 11, "each message once");
}

fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // After the name in parentheses comes the state; Z is dead but not yet asked after.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn a_hook_that_takes_too_long_is_killed_with_all_it_started() {
    let script = "sleep 1000 & echo $! >> pids; sleep 1000 & echo $! >> pids; echo $$ >> pids; wait";
    let mut rig = Rig::with(|config| hook(config, "received", script, 1));
    rig.modem.deliver(CUSTOMER, "hello");
    let pids = wait_for_lines(&rig, "pids", 3);
    rig.gateway.wait_for_log(&["hook", "longer than", "killed"]);
    for pid in &pids {
        wait_until(&format!("the end of the hook's process {pid}"), || !is_alive(pid));
    }
    // Killed as well: what a program leaves behind when the gateway stops.
    wait_for_lines(&rig, "pids", 6);
    assert_eq!(code(rig.gateway.stop()), 0);
    for pid in lines(&rig, "pids") {
        wait_until(&format!("the end of the hook's process {pid}"), || !is_alive(&pid));
    }
}

#[test]
fn what_a_hook_leaves_running_ends_with_it() {
    let rig = Rig::with(|config| hook(config, "received", "sleep 1000 & echo $! >> pids", 60));
    rig.modem.deliver(CUSTOMER, "hello");
    let pids = wait_for_lines(&rig, "pids", 1);
    wait_until("the end of what it left", || !is_alive(&pids[0]));
}

#[test]
fn a_hook_that_fails_is_run_again_until_it_succeeds() {
    let script = "cat >> input; echo >> input; test $(wc -l < input) -ge 2";
    let mut rig = Rig::with(|config| hook(config, "received", script, 60));
    rig.modem.deliver(CUSTOMER, "hello");
    let input = wait_for_lines(&rig, "input", 2);
    assert_eq!(input[0], input[1], "the second try gets the same");
    let line = rig.gateway.wait_for_log(&["hook", "/bin/sh", "next try in"]);
    assert!(!line.contains("hello") && !line.contains(CUSTOMER), "nothing private is logged: {line}");
    // The line is written before the program ends.
    wait_until("the run to be recorded as done", || runs_owed(&rig) == 0);
    assert_eq!(code(rig.gateway.stop()), 0);
    assert_eq!(runs_owed(&rig), 0, "a run that ended well is done");
}

#[test]
fn a_hook_run_survives_a_kill_and_is_not_repeated_once_done() {
    let script = "id=$(cat | cut -c1-40); echo \"$id\" >> begun; while [ ! -e go ]; do sleep 0.1; done; echo \"$id\" >> done";
    let mut rig = Rig::with(|config| hook(config, "received", script, 600));
    rig.modem.deliver(CUSTOMER, "first");
    wait_for_lines(&rig, "begun", 1);
    rig.gateway.kill();
    rig.start_gateway();
    let begun = wait_for_lines(&rig, "begun", 2);
    assert_eq!(begun[0], begun[1], "it was not done, so it is run again");
    touch(&rig, "go");
    wait_until("the run to be written down as done", || runs_owed(&rig) == 0);
    assert_eq!(code(rig.gateway.stop()), 0);
    rig.start_gateway();
    rig.modem.deliver(CUSTOMER, "second");
    wait_for_lines(&rig, "begun", 3);
    wait_until("the second to be done", || runs_owed(&rig) == 0);
    let again = lines(&rig, "begun").iter().filter(|id| **id == begun[0]).count();
    assert_eq!(again, 2, "done is done, over a restart too: {:#?}", lines(&rig, "begun"));
}

#[test]
fn a_missing_hook_program_is_logged_and_harms_nothing() {
    let rig = Rig::with(|config| {
        config.add("hook", "on = \"received\"\ncommand = [\"/usr/local/bin/no-such-hook\"]");
    });
    rig.modem.deliver(CUSTOMER, "hello");
    rig.wait_for_received("hello");
    let line =
        rig.gateway.wait_for_log(&["/usr/local/bin/no-such-hook", "cannot be started", "No such file"]);
    assert!(line.contains("check that"), "it says what to do: {line}");
    rig.assert_still_works("after");
}

#[test]
fn a_hook_that_says_too_much_is_cut_short_in_the_log_and_goes_on() {
    let script = "printf 'first \\033[2J\\302\\233 words\\n' >&2; yes 'the same again' | head -c 30000000 >&2; \
        echo $? >> done";
    let mut rig = Rig::with(|config| hook(config, "received", script, 60));
    rig.modem.deliver(CUSTOMER, "hello");
    let done = wait_for_lines(&rig, "done", 1);
    assert_eq!(done[0], "0", "it wrote all it wanted");
    let line = rig.gateway.wait_for_log(&["hook /bin/sh says: first"]);
    assert!(line.contains("\\u{1b}[2J\\u{9b} words"), "it is escaped: {line}");
    let line = rig.gateway.wait_for_log(&["octets more to its standard error"]);
    assert!(line.contains("hook /bin/sh wrote 29"), "what is left out is counted: {line}");
    let log = rig.gateway.log();
    assert_eq!(log.matches("hook /bin/sh says: ").count(), 64, "{log}");
    assert!(log.len() < 100_000, "the log has {} octets", log.len());
    wait_until("the run to be recorded as done", || runs_owed(&rig) == 0);
    rig.assert_still_works("after");
    assert_eq!(code(rig.gateway.stop()), 0);
}

#[test]
fn a_hook_that_never_stops_talking_is_ended_by_its_time() {
    let rig = Rig::with(|config| hook(config, "received", "echo $$ >> pids; exec yes >&2", 1));
    rig.modem.deliver(CUSTOMER, "hello");
    let pids = wait_for_lines(&rig, "pids", 1);
    rig.gateway.wait_for_log(&["hook", "longer than", "killed"]);
    wait_until("the end of the hook's process", || !is_alive(&pids[0]));
    rig.assert_still_works("after");
}

#[test]
fn what_a_hook_says_last_without_a_line_break_is_logged() {
    let rig = Rig::with(|config| hook(config, "received", "printf 'no such file' >&2; exit 3", 60));
    rig.modem.deliver(CUSTOMER, "hello");
    rig.gateway.wait_for_log(&["hook /bin/sh says: no such file"]);
    rig.gateway.wait_for_log(&["hook", "exit status: 3"]);
}
