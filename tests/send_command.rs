//! `smsbridge send`, by hand and by scripts: what it sends, what it shows, and how it ends.

use std::fs;
use std::io::Write as _;
use std::process::{Output, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::gateway::{has_all, program};
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::terminal::Terminal;

const ANNA: &str = "+4915100000002";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs `smsbridge send` with octets on its standard input.
fn send_with_input(rig: &Rig, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = program(rig.gateway.folder());
    command.arg("send").arg("--config").arg(rig.gateway.config_path()).args(["--to", ANNA]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // On a thread of its own: it may end before it has read everything.
    let writer = std::thread::spawn(move || drop(pipe.write_all(&input)));
    let output = child.wait_with_output().expect("its output");
    writer.join().expect("the writing thread");
    output
}

/// A file with the password of a user who may see and say everything.
fn observers_password(rig: &Rig) -> String {
    let file = rig.folder().join("observers-password");
    fs::write(&file, "the test's\n").expect("a file");
    file.display().to_string()
}

fn texts(rig: &Rig) -> Vec<String> {
    rig.modem.submits().into_iter().map(|submit| submit.text).collect()
}

#[test]
fn it_waits_for_the_last_result_and_shows_each_for_people() {
    let rig = Rig::start();
    let output = rig.gateway.run_command(&["send", "--to", ANNA, "Привет из терминала"]);
    assert_eq!(code(output.status), 0, "{}", said(&output));
    let shown = stdout(&output);
    let words: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words.len(), 2, "a line a result: {shown}");
    assert_eq!(words[0][1..], [ANNA, "accepted", "1", "part"], "{shown}");
    assert_eq!(words[1][1..], [ANNA, "sent", "1", "part,", "by", "main"], "{shown}");
    assert_eq!((words[0][0].len(), words[0][0].matches(':').count()), (8, 2), "a time of day: {shown}");
    assert!(!shown.contains('\x1b'), "no colours where it is no terminal: {shown:?}");
    assert_eq!(texts(&rig), ["Привет из терминала"]);
    assert_eq!(rig.modem.submits()[0].to, ANNA);
}

#[test]
fn several_recipients_and_a_delivery_report_are_waited_for_each() {
    let rig = Rig::start();
    let other = "+4915100000003";
    let arguments = ["send", "--to", ANNA, "--to", other, "--to", ANNA, "--report", "--json", "to both"];
    let output = rig.gateway.run_command(&arguments);
    assert_eq!(code(output.status), 0, "{}", said(&output));
    let shown = stdout(&output);
    let results: Vec<Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    for to in [ANNA, other] {
        let states: Vec<_> = results.iter().filter(|r| r["to"] == to).map(|r| r["state"].clone()).collect();
        assert_eq!(states, ["accepted", "sent", "delivered"], "each once, though on two topics: {shown}");
    }
    for line in shown.lines() {
        let keys = [r#"{"id":""#, r#","to":""#, r#","state":""#, r#","final":"#];
        let places: Vec<_> = keys.iter().map(|key| line.find(key)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "the order of keys: {line}");
    }
}

#[test]
fn a_refusal_of_the_network_is_exit_1_with_its_reason() {
    let rig = Rig::start();
    // 3GPP TS 27.005 3.2.5: 28, unidentified subscriber: permanent.
    rig.modem.refuse_submits(28);
    let output = rig.gateway.run_command(&["send", "--to", ANNA, "no such number"]);
    assert_eq!(code(output.status), 1);
    assert!(has_all(&stdout(&output), &["failed", "cms-28"]), "{}", said(&output));
}

#[test]
fn what_the_gateway_rejects_is_exit_1_with_its_reason() {
    let rig = Rig::start();
    let output = rig.gateway.run_command(&["send", "--to", "+49 Anna", "text"]);
    assert_eq!(code(output.status), 1);
    assert!(has_all(&stdout(&output), &["rejected", "bad-number"]), "{}", said(&output));
}

#[test]
fn no_answer_in_time_is_exit_3_and_the_request_can_be_asked_about() {
    let mut rig = Rig::start();
    rig.modem.unplug();
    rig.client.wait_for_text("sms/modem/main/availability", "offline");
    let ask = ["send", "--to", ANNA, "--timeout", "2", "--id", "late-1", "nobody home"];
    let output = rig.gateway.run_command(&ask);
    assert_eq!(code(output.status), 3, "{}", said(&output));
    assert!(
        has_all(&said(&output), &["accepted", "2 s", "late-1", "may still be sent", "--id"]),
        "{}",
        said(&output)
    );
    rig.modem.plug();
    rig.client.wait_for_result("late-1", "sent");
    let again = rig.gateway.run_command(&["send", "--to", ANNA, "--id", "late-1", "nobody home"]);
    assert_eq!(code(again.status), 0, "{}", said(&again));
    assert!(has_all(&stdout(&again), &["sent", "repeated"]), "{}", said(&again));
    assert_eq!(texts(&rig), ["nobody home"], "it is sent once");
    rig.gateway.assert_running();
}

#[test]
fn a_gateway_that_never_was_there_is_exit_1_and_a_stopped_one_exit_3() {
    let mut rig = Rig::prepare(&Default::default(), |_| {});
    let output = rig.gateway.run_command(&["send", "--to", ANNA, "--timeout", "20", "to nobody"]);
    assert_eq!(code(output.status), 1, "the broker says that nobody listens: {}", said(&output));
    assert!(has_all(&said(&output), &["is a gateway running"]), "{}", said(&output));
    rig.start_gateway();
    assert_eq!(code(rig.gateway.stop()), 0);
    let output = rig.gateway.run_command(&["send", "--to", ANNA, "--timeout", "2", "for later"]);
    assert_eq!(code(output.status), 3, "it waits at the broker: {}", said(&output));
    assert!(has_all(&said(&output), &["does a gateway run", "may still be sent"]), "{}", said(&output));
    rig.start_gateway();
    rig.client
        .wait_for_json("the last result", |topic, result| topic == "sms/result" && result["final"] == true);
    assert_eq!(texts(&rig), ["for later"]);
}

#[test]
fn a_broker_that_goes_away_meanwhile_is_exit_3() {
    let mut rig = Rig::start();
    rig.modem.unplug();
    rig.client.wait_for_text("sms/modem/main/availability", "offline");
    let mut command = program(rig.gateway.folder());
    command.args(["send", "--to", ANNA, "--config"]).arg(rig.gateway.config_path()).arg("cut off");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    rig.client.wait_for_json("that it is accepted", |topic, result| {
        topic == "sms/result" && result["state"] == "accepted"
    });
    rig.broker.stop();
    let output = child.wait_with_output().expect("its output");
    assert_eq!(code(output.status), 3, "{}", said(&output));
    assert!(has_all(&said(&output), &["broker", "may still be sent"]), "{}", said(&output));
    rig.broker.restart();
}

#[test]
fn a_text_comes_from_standard_input_as_it_is_there() {
    let rig = Rig::start();
    for (input, text) in [
        ("df -h is at 97 %\n", "df -h is at 97 %"),
        ("two\nlines\n", "two\nlines"),
        ("no line end", "no line end"),
        ("from Windows\r\n", "from Windows"),
        ("an empty line below\n\n", "an empty line below\n"),
        ("- in front", "- in front"),
    ] {
        let output = send_with_input(&rig, &["-"], input.as_bytes());
        assert_eq!(code(output.status), 0, "{input:?}: {}", said(&output));
        assert_eq!(texts(&rig).last().map(String::as_str), Some(text), "{input:?}");
    }
}

#[test]
fn standard_input_that_is_no_text_is_exit_2_and_sends_nothing() {
    let rig = Rig::start();
    for (input, words) in
        [(&b""[..], "no text"), (b"\n", "no text"), (b"caf\xe9", "UTF-8"), (&[b'x'; 300 * 1024], "too long")]
    {
        let output = send_with_input(&rig, &["-"], input);
        assert_eq!(code(output.status), 2, "{}", said(&output));
        assert!(has_all(&said(&output), &["standard input", words]), "{}", said(&output));
    }
    rig.assert_still_works("after");
    assert_eq!(texts(&rig), ["still here"]);
}

#[test]
fn a_text_may_begin_with_a_hyphen() {
    let rig = Rig::start();
    for arguments in [
        &["-5 degrees in the cellar"][..],
        &["--- alarm ---"],
        &["-x"],
        &["-"],
        &["--", "-"],
        &["--", "--json"],
        &["-12 °C", "--flash"],
        &["--report", "--urgent: call home"],
    ] {
        let output = send_with_input(&rig, arguments, b"(standard input)");
        assert_eq!(code(output.status), 0, "{arguments:?}: {}", said(&output));
    }
    let expected = [
        "-5 degrees in the cellar",
        "--- alarm ---",
        "-x",
        "(standard input)",
        "(standard input)",
        "--json",
        "-12 °C",
        "--urgent: call home",
    ];
    assert_eq!(texts(&rig), expected);
}

#[test]
fn a_dry_run_says_what_would_be_sent_and_sends_nothing() {
    let rig = Rig::start();
    let output = rig.gateway.run_command(&["send", "--to", ANNA, "--dry-run", "Дом ".repeat(30).trim()]);
    assert_eq!(code(output.status), 0, "{}", said(&output));
    assert!(has_all(&stdout(&output), &["nothing is sent", "2 parts", "ucs2"]), "{}", said(&output));
    assert_eq!(texts(&rig), Vec::<String>::new());
}

#[test]
fn usage_and_configuration_are_exit_2() {
    let mut rig = Rig::prepare(&Default::default(), |_| {});
    let exits = |rig: &Rig, arguments: &[&str], words: &[&str]| {
        let output = rig.gateway.run_command(&[&["send"], arguments].concat());
        assert_eq!(code(output.status), 2, "{arguments:?}: {}", said(&output));
        assert!(has_all(&said(&output), words), "{arguments:?}: {}", said(&output));
    };
    exits(&rig, &["text only"], &["--to"]);
    exits(&rig, &["--to", ANNA], &["text"]);
    exits(&rig, &["--to", ANNA, "--id", "a b", "text"], &["--id", "1 to 64"]);
    exits(&rig, &["--to", ANNA, "--timeout", "0", "text"], &["--timeout"]);
    exits(
        &rig,
        &["--to", ANNA, "--password-file", "/nowhere/it", "text"],
        &["--password-file", "/nowhere/it"],
    );
    // Files that are read only where a connection is made.
    rig.reconfigure(|config| {
        config.set("mqtt", "url", "mqtts://localhost:1");
        config.set("mqtt", "ca_file", "/nowhere/ca.crt");
    });
    exits(&rig, &["--to", ANNA, "text"], &["ca_file", "/nowhere/ca.crt"]);
}

#[test]
fn a_terminal_shows_colours_and_what_is_waited_for_and_ctrl_c_says_what_may_still_be() {
    let rig = Rig::start();
    rig.modem.unplug();
    rig.client.wait_for_text("sms/modem/main/availability", "offline");
    let config = rig.gateway.config_path().display().to_string();
    let arguments = ["send", "--config", &config, "--to", ANNA, "--id", "by-hand", "soon"];
    let mut terminal = Terminal::start(rig.gateway.folder(), &arguments, &[]);
    terminal.wait_for("accepted");
    terminal.wait_for("waiting for the modem … ");
    terminal.press("\x03");
    let ended = terminal.wait_for_end();
    assert_eq!(code(ended), 3, "{}", terminal.shown());
    terminal.wait_for("may still be sent");
    let shown = terminal.shown();
    assert!(shown.contains("by-hand") && shown.contains("interrupted"), "{shown}");
    let (_, after) = shown.rsplit_once("waiting for the modem").expect("it was shown");
    assert!(after.contains("\r\x1b[K"), "its line is taken away: {shown:?}");
    rig.modem.plug();
    rig.client.wait_for_result("by-hand", "sent");
    let arguments = ["send", "--config", &config, "--to", ANNA, "in colour"];
    let mut terminal = Terminal::start(rig.gateway.folder(), &arguments, &[]);
    assert_eq!(code(terminal.wait_for_end()), 0);
    terminal.wait_for("\x1b[32msent");
    let mut terminal = Terminal::start(rig.gateway.folder(), &arguments, &[("NO_COLOR", "1")]);
    assert_eq!(code(terminal.wait_for_end()), 0);
    terminal.wait_for("sent ");
    assert!(!terminal.shown().contains("\x1b[3"), "{:?}", terminal.shown());
}

#[test]
fn a_termination_before_the_request_is_out_sends_nothing() {
    let rig = Rig::prepare(&Default::default(), |_| {});
    rig.broker.pause();
    let mut command = program(rig.gateway.folder());
    command.args(["send", "--to", ANNA, "--config"]).arg(rig.gateway.config_path()).arg("never");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    // Its handler is there once it has a connection.
    crate::harness::wait::wait_until("a connection", || !rig.proxy.record().connections.is_empty());
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).expect("an id")).expect("an id");
    rustix::process::kill_process(pid, Signal::TERM).expect("our own child");
    let output = child.wait_with_output().expect("its output");
    rig.broker.resume();
    assert_eq!(code(output.status), 1, "{}", said(&output));
    assert!(has_all(&said(&output), &["interrupted", "nothing was sent"]), "{}", said(&output));
}

#[test]
fn what_a_result_says_forges_no_line_and_what_is_anothers_is_not_shown() {
    let rig = Rig::start();
    rig.modem.unplug();
    rig.client.wait_for_text("sms/modem/main/availability", "offline");
    let mut command = program(rig.gateway.folder());
    command.args(["send", "--to", ANNA, "--id", "mine", "--config"]).arg(rig.gateway.config_path()).arg("x");
    // One who may read all results, and so what anybody forges there.
    command.args(["--user", "observer", "--password-file"]).arg(observers_password(&rig));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    rig.client.wait_for_result("mine", "accepted");
    let forged =
        |id: &str, state: &str| json!({"id": id, "to": "+1\n\u{1b}[2J", "state": state, "final": false});
    rig.client.publish("sms/result", forged("other", "anothers").to_string());
    rig.client.publish("sms/result", forged("mine", "odd\u{202e}").to_string());
    rig.client.wait_for_json("the forged one", |_, result| result["state"] == "odd\u{202e}");
    rig.modem.plug();
    let output = child.wait_with_output().expect("its output");
    assert_eq!(code(output.status), 0, "{}", said(&output));
    let shown = stdout(&output);
    assert_eq!(shown.lines().count(), 3, "{shown:?}");
    assert!(shown.contains("+1\\n\\u{1b}[2J") && shown.contains("odd\\u{202e}"), "{shown:?}");
    assert!(!shown.contains("anothers"), "{shown:?}");
}

#[test]
fn the_password_of_a_file_is_used_and_the_configured_one_is_not() {
    let rig = Rig::start();
    let file = observers_password(&rig);
    let login = ["send", "--to", ANNA, "--user", "observer", "--password-file", &file, "as another"];
    let output = rig.gateway.run_command(&login);
    assert_eq!(code(output.status), 0, "{}", said(&output));
    let wrong = rig.folder().join("wrong").display().to_string();
    std::fs::write(&wrong, "another's").expect("a file");
    let login = ["send", "--to", ANNA, "--user", "observer", "--password-file", &wrong, "as another"];
    let output = rig.gateway.run_command(&login);
    assert_eq!(code(output.status), 1, "{}", said(&output));
    let words = ["refuses the user name or password", "check --user and --password-file"];
    assert!(has_all(&said(&output), &words), "{}", said(&output));
    // The gateway's password is no other user's.
    let output = rig.gateway.run_command(&["send", "--to", ANNA, "--user", "observer", "as another"]);
    assert_eq!(code(output.status), 2, "{}", said(&output));
    assert!(has_all(&said(&output), &["--password-file"]), "{}", said(&output));
}

#[test]
fn only_the_file_with_the_password_that_is_used_has_to_be_readable() {
    let mut rig = Rig::start();
    let passwords = rig.folder().join("mqtt-password");
    fs::write(&passwords, "the gateway's\n").expect("a file");
    let observer = observers_password(&rig);
    rig.reconfigure(|config| {
        config.unset("mqtt", "password");
        config.set("mqtt", "password_file", "mqtt-password");
        config.set_modem("pin_file", "/nowhere/pin");
    });
    let output = rig.gateway.run_command(&["send", "--to", ANNA, "beside the configuration"]);
    assert_eq!(code(output.status), 0, "no PIN is needed: {}", said(&output));
    fs::remove_file(&passwords).expect("the file");
    let login = ["send", "--to", ANNA, "--user", "observer", "--password-file", &observer, "as another"];
    let output = rig.gateway.run_command(&login);
    assert_eq!(code(output.status), 0, "{}", said(&output));
    let output = rig.gateway.run_command(&["send", "--to", ANNA, "without a password"]);
    assert_eq!(code(output.status), 2, "{}", said(&output));
    assert!(
        has_all(&said(&output), &["mqtt.password_file", "mqtt-password", "cannot be read"]),
        "{}",
        said(&output)
    );
    assert_eq!(texts(&rig), ["beside the configuration", "as another"]);
}

#[test]
fn without_response_topics_the_results_are_read_where_all_are() {
    let rig = Rig::with(|config| config.set("mqtt", "response_prefix", ""));
    let file = observers_password(&rig);
    let login = ["send", "--to", ANNA, "--user", "observer", "--password-file", &file, "on sms/result"];
    let output = rig.gateway.run_command(&login);
    assert_eq!(code(output.status), 0, "{}", said(&output));
    assert!(has_all(&stdout(&output), &["accepted", "sent"]), "{}", said(&output));
    // Who may not read them is told so.
    let output = rig.gateway.run_command(&["send", "--to", ANNA, "--timeout", "2", "unheard"]);
    assert_eq!(code(output.status), 3, "{}", said(&output));
    assert!(has_all(&said(&output), &["may this user read"]), "{}", said(&output));
}
