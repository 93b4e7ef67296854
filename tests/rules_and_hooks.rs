//! Rules answer and hooks run: once an event, through any kill, and without holding up a message.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::gateway::Config;
use crate::harness::modem::ModemOptions;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::wait::{wait_for, wait_until};

const SENDER: &str = "+4915100000001";
const READING: &str = "Account 12345, reading 678";
const REPLY: &str = "Thank you: 12345 has 678";

const METER: &str = r#"
name = "meter"
match = '(?<account>\d+)\D+(?<reading>\d+)'
reply = "Thank you: {account} has {reading}"
"#;

fn add_meter_rule(config: &mut Config) {
    config.add("rule", METER);
}

fn replies(rig: &Rig) -> usize {
    rig.modem.submits().iter().filter(|submit| submit.text == REPLY && submit.to == SENDER).count()
}

#[test]
fn a_rule_names_fields_and_replies() {
    let rig = Rig::with(add_meter_rule);
    rig.modem.deliver(SENDER, READING);
    let message = rig.wait_for_received(READING);
    assert_eq!(message["rule"], "meter", "{message}");
    assert_eq!(message["fields"], json!({"account": "12345", "reading": "678"}));
    let id = format!("reply-{}", message["id"].as_str().unwrap_or_default());
    let result = rig.client.wait_for_result(&id, "sent");
    assert_eq!((&result["to"], &result["modem"]), (&json!(SENDER), &json!("main")));
    assert_eq!(replies(&rig), 1);
}

#[test]
fn other_texts_and_names_get_no_reply() {
    let rig = Rig::with(add_meter_rule);
    rig.modem.deliver(SENDER, "hello");
    assert!(rig.wait_for_received("hello").get("rule").is_none());
    rig.modem.deliver("InfoBank", READING);
    assert_eq!(rig.wait_for_received(READING)["rule"], "meter");
    rig.assert_still_works("after");
    assert_eq!(replies(&rig), 0);
}

#[test]
fn two_that_answer_each_other_stop() {
    let rig = Rig::with(add_meter_rule);
    for n in 0..9 {
        rig.modem.deliver(SENDER, READING);
        wait_until("the message", || rig.published("sms/received/main").len() > n);
    }
    rig.assert_still_works("after");
    assert_eq!(replies(&rig), 6, "replies_per_hour");
}

#[test]
fn a_reply_is_neither_lost_nor_doubled_by_a_kill() {
    for point in ["in_read", "in_committed", "submit_claimed"] {
        let mut rig = Rig::prepare(&ModemOptions::default(), add_meter_rule);
        rig.launch_gateway(&[("SMSBRIDGE_CRASH_AT", point)]);
        rig.wait_online();
        rig.modem.deliver(SENDER, READING);
        rig.gateway.wait_for_end();
        rig.start_gateway();
        rig.wait_for_received(READING);
        wait_until("the reply to be on air", || replies(&rig) > 0);
        rig.assert_still_works("after");
        assert_eq!(replies(&rig), 1, "killed at {point}");
    }
}

/// A program that appends what it is given to a file, after the given shell lines.
fn hook_script(folder: &Path, first: &str) -> PathBuf {
    let path = folder.join("hook.sh");
    let log = folder.join("hook.log");
    let script = format!(
        "cd {}\n{first}\n{{ cat; echo; echo \"$PHONE_ID|$SMS_MESSAGES|$SMS_1_NUMBER|$SMS_1_TEXT\"; }} >> {}\n",
        folder.display(),
        log.display()
    );
    fs::write(&path, script).expect("a script");
    path
}

fn rig_with_hook(first: &str, timeout_s: i64) -> Rig {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let script = hook_script(rig.folder(), first).display().to_string();
    rig.reconfigure(|config| {
        let hook = format!("on = 'received'\ncommand = ['/bin/sh', '{script}']\ntimeout_s = {timeout_s}");
        config.add("hook", &hook);
    });
    rig.start_gateway();
    rig
}

fn hook_log(rig: &Rig) -> String {
    fs::read_to_string(rig.folder().join("hook.log")).unwrap_or_default()
}

#[test]
fn a_hook_gets_json_and_the_environment() {
    let rig = rig_with_hook("", 60);
    let text = "in \"quotes\"; $(touch evil) `touch evil`";
    rig.modem.deliver(SENDER, text);
    let received = rig.wait_for_received(text);
    let log = wait_for("the hook's run", || Some(hook_log(&rig)).filter(|log| log.lines().count() >= 2));
    let mut lines = log.lines().filter(|line| !line.is_empty());
    let given: Value =
        serde_json::from_str(lines.next().unwrap_or_default()).expect("JSON on standard input");
    assert_eq!(given, received, "the same as was published");
    assert_eq!(lines.next(), Some(format!("main|1|{SENDER}|{text}").as_str()));
    assert!(!rig.folder().join("evil").exists(), "no shell reads the text");
}

#[test]
fn a_slow_hook_delays_no_message() {
    let rig = rig_with_hook("while [ ! -e go ]; do sleep 0.1; done", 600);
    for n in 0..8 {
        rig.modem.deliver(SENDER, &format!("message {n}"));
        rig.wait_for_received(&format!("message {n}"));
    }
    assert_eq!(hook_log(&rig), "", "no hook has ended yet");
    fs::write(rig.folder().join("go"), "").expect("a file");
    wait_until("all hooks to run", || (0..8).all(|n| hook_log(&rig).contains(&format!("message {n}\""))));
}

#[test]
fn a_hook_that_fails_is_run_again() {
    let rig = rig_with_hook("[ -e second ] || { touch second; exit 1; }", 60);
    rig.modem.deliver(SENDER, "twice");
    rig.wait_for_received("twice");
    wait_until("the second run", || hook_log(&rig).contains("twice"));
}

#[test]
fn a_hook_in_hand_at_a_kill_runs_after_it() {
    let mut rig = rig_with_hook("[ -e go ] || { touch started; sleep 600; }", 900);
    rig.modem.deliver(SENDER, "kept");
    wait_until("the hook to start", || rig.folder().join("started").exists());
    rig.gateway.kill();
    fs::write(rig.folder().join("go"), "").expect("a file");
    rig.start_gateway();
    wait_until("the hook to run again", || hook_log(&rig).contains("kept"));
    assert_eq!(code(rig.gateway.stop()), 0);
}
