//! `smsbridge demo`: a first try without hardware and without a broker.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::broker::find;
use crate::harness::client::Client;
use crate::harness::gateway::program;
use crate::harness::process::{Process, code};
use crate::harness::wait::{wait_for, wait_until};

struct Demo {
    process: Process,
    port: u16,
    folder: TempDir,
}

impl Demo {
    fn start() -> Self {
        let folder = TempDir::with_prefix("smsbridge-demo-").expect("a temporary folder");
        let mut command = program(folder.path());
        command.args(["demo", "--port", "0"]);
        let log = folder.path().join("demo.log");
        let begin = Instant::now();
        let process = Process::start("smsbridge demo", &mut command, &log);
        wait_until("the first output", || output(&log).contains("mqtt://127.0.0.1:"));
        let first = begin.elapsed();
        assert!(first < Duration::from_secs(2), "the first output came after {} ms", first.as_millis());
        let port = wait_for("a port in the output", || port_in(&output(&log)));
        Self { process, port, folder }
    }

    fn log(&self) -> String {
        output(&self.folder.path().join("demo.log"))
    }
}

/// What it printed, without the harness's own first line.
fn output(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().filter(|line| !line.starts_with("----")).collect::<Vec<_>>().join("\n")
}

fn port_in(text: &str) -> Option<u16> {
    let (_, tail) = text.split_once("mqtt://127.0.0.1:")?;
    let digits: String = tail.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[test]
fn sample_messages_arrive() {
    let demo = Demo::start();
    let client = Client::start(demo.port, "visitor", None, &["sms/#"]);
    client.wait_for_json("gateway and modem online", |topic, state| {
        topic.starts_with("sms/modem/") && state["problem"].is_null() && state["state"].is_string()
    });
    let has = |what: &str, found: fn(&str) -> bool| {
        client.wait_for_json(what, |topic, message| {
            topic.starts_with("sms/received/") && message["text"].as_str().is_some_and(found)
        });
    };
    has("a Latin message", |text| text.is_ascii() && text.len() > 3);
    has("a Cyrillic message", |text| text.chars().any(|c| ('а'..='я').contains(&c)));
    has("an emoji", |text| text.chars().any(|c| u32::from(c) >= 0x1f300));
    let long = client.wait_for_json("a message of several parts", |topic, message| {
        topic.starts_with("sms/received/") && message["parts"].as_u64().is_some_and(|parts| parts > 1)
    });
    assert_eq!(long["complete"], true, "{long}");
}

#[test]
fn a_request_by_mosquitto_pub_is_accepted_sent_and_delivered() {
    let demo = Demo::start();
    let client = Client::start(demo.port, "visitor", None, &["sms/result", "sms/gateway/#"]);
    wait_until("the gateway to be online", || {
        client.received().iter().any(|publish| publish.payload == b"online")
    });
    let request = json!({"id": "first", "to": "+4915112345678", "text": "Привет 👋"}).to_string();
    let output = Command::new(find("mosquitto_pub"))
        .args(["-h", "127.0.0.1", "-p", &demo.port.to_string(), "-q", "1", "-t", "sms/send", "-m", &request])
        .output()
        .expect("mosquitto_pub runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for state in ["accepted", "sent", "delivered"] {
        client.wait_for_result("first", state);
    }
    let states: Vec<_> = client.results("first").iter().map(|result| result["state"].clone()).collect();
    assert_eq!(states, ["accepted", "sent", "delivered"]);
}

#[test]
fn it_prints_what_to_type() {
    let demo = Demo::start();
    wait_until("a line to follow and a line to send", || {
        let log = demo.log();
        log.contains("mosquitto_sub") && log.contains("mosquitto_pub") && log.contains(&demo.port.to_string())
    });
}

#[test]
fn ctrl_c_ends_it_cleanly() {
    let mut demo = Demo::start();
    let client = Client::start(demo.port, "visitor", None, &["sms/#"]);
    wait_until("the gateway to be online", || {
        client.received().iter().any(|publish| publish.payload == b"online")
    });
    demo.process.signal(Signal::INT);
    let status = demo.process.wait_for_end(Duration::from_secs(60));
    assert_eq!(code(status), 0, "{}", demo.log());
    assert!(!demo.log().contains("panicked"), "{}", demo.log());
    let left: Vec<_> = std::fs::read_dir(demo.folder.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .filter(|name| name != "demo.log")
        .collect();
    assert!(left.is_empty(), "it leaves {left:?} behind");
}

#[test]
fn two_at_once_take_two_ports() {
    let (one, two) = (Demo::start(), Demo::start());
    assert_ne!(one.port, two.port);
}
