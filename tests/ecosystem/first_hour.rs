//! The first hour of somebody with Home Assistant: docs/home-assistant.md, typed as it stands there.
//!
//! What differs: the demo is the built program on a free port, and what people click is asked of Home Assistant's API.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::broker::{Broker, Login};
use crate::harness::documents::{Block, blocks};
use crate::harness::gateway::program;
use crate::harness::home_assistant::HomeAssistant;
use crate::harness::home_assistant::setup::Mqtt;
use crate::harness::process::{Process, code};
use crate::harness::sources::root;
use crate::harness::wait::{WAIT_TIMEOUT, wait_for, wait_until};

const PAGE: &str = "docs/home-assistant.md";

/// What the page promises. That Home Assistant is there already is what it begins with.
const MINUTES: Duration = Duration::from_secs(300);

/// The blocks of the page with this tag.
fn of_page(tag: &str) -> Vec<Block> {
    blocks().into_iter().filter(|block| block.place.starts_with(PAGE) && block.tag == tag).collect()
}

/// The arguments of the page's line that starts the demo and has, or has not, `--broker`.
fn demo_arguments(with_broker: bool) -> Vec<String> {
    let lines: Vec<String> = of_page("sh")
        .iter()
        .flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let wanted =
        |line: &&String| line.starts_with("cargo run -- demo") && line.contains("--broker") == with_broker;
    let line = lines.iter().find(wanted).unwrap_or_else(|| panic!("{PAGE} starts no such demo: {lines:#?}"));
    line.split_whitespace().skip(3).map(str::to_owned).collect()
}

/// The demo of the page, run in `folder`.
fn start_demo(folder: &Path, arguments: &[String]) -> Process {
    fs::create_dir_all(folder.join("temporary")).expect("a folder");
    let mut command = program(folder);
    command.args(arguments).env("TMPDIR", folder.join("temporary")).current_dir(folder);
    Process::start("smsbridge demo", &mut command, &folder.join("demo.log"))
}

fn printed(folder: &Path) -> String {
    fs::read_to_string(folder.join("demo.log")).unwrap_or_default()
}

/// The action of the page that sends, as its YAML has it: `action`, `target`, `data`.
fn sending_action() -> Value {
    let blocks = of_page("yaml");
    let block = blocks.iter().find(|block| block.text.starts_with("action: notify.send_message"));
    let block = block.unwrap_or_else(|| panic!("{PAGE} sends by no notify.send_message"));
    serde_saphyr::from_str(&block.text).unwrap_or_else(|e| panic!("{}: {e}", block.place))
}

/// What is on the page after the demo has started: see the modem, see an SMS come in, send one.
fn see_and_send(ha: &HomeAssistant, folder: &Path) {
    for device in ["SMS main", "SMS gateway demo"] {
        wait_until(&format!("the device {device}"), || {
            ha.api.devices().iter().any(|found| found["name"] == device)
        });
    }
    // The demo repeats its seven messages.
    let first = ha.api.wait_for("sensor.sms_main_last_message", "to show a message", |state| {
        state["attributes"]["from"].is_string()
    });
    ha.api.wait_for("sensor.sms_main_last_message", "to change", |state| state["state"] != first["state"]);
    ha.api.wait_for("event.sms_main_incoming", "to say when", |state| {
        state["attributes"]["event_type"] == "received"
    });

    let action = sending_action();
    let service = action["action"].as_str().expect("an action");
    let mut data = action["data"].clone();
    data["entity_id"] = action["target"]["entity_id"].clone();
    ha.api.call(service, &data);
    let shown = of_page("console").remove(0).text;
    for line in shown.lines() {
        // Without the time of day.
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        wait_for(&format!("the demo to print {words:?}"), || {
            let log = printed(folder);
            log.lines().any(|line| line.split_whitespace().skip(1).eq(words.iter().copied())).then_some(())
        });
    }
    ha.api.wait_for("event.sms_main_outgoing", "to end as delivered", |state| {
        state["attributes"]["event_type"] == "delivered" && state["attributes"]["contact"] == "Anna"
    });
}

/// A Home Assistant whose MQTT integration is set up with this broker.
fn home_assistant(port: u16, login: Option<&Login>) -> HomeAssistant {
    let mut ha = HomeAssistant::prepare(&Mqtt { port, login, prefix: "homeassistant" });
    ha.start();
    ha
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn with_the_demos_own_broker() {
    let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
    let begin = Instant::now();
    let mut arguments = demo_arguments(false);
    arguments.extend(["--port".to_owned(), "0".to_owned()]);
    let mut demo = start_demo(folder.path(), &arguments);
    let port = wait_for("the port that the demo prints", || {
        let log = printed(folder.path());
        let (_, rest) = log.split_once("with broker 127.0.0.1, port ")?;
        rest.split('.').next()?.parse().ok()
    });
    let started = begin.elapsed();
    // It may wait for other tests.
    let ha = home_assistant(port, None);
    let begin = Instant::now();
    see_and_send(&ha, folder.path());
    let took = started + begin.elapsed();
    assert!(took < MINUTES, "it took {} s, not five minutes", took.as_secs());
    ha.assert_no_complaints();

    demo.signal(Signal::INT);
    assert_eq!(code(demo.wait_for_end(WAIT_TIMEOUT)), 0, "{}", printed(folder.path()));
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn on_a_broker_of_ones_own_it_shows_the_same_and_takes_its_devices_back() {
    let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
    let demo_login = Login { user: "demo".to_owned(), password: "the demo's".to_owned() };
    let broker = Broker::start(folder.path(), Some(&demo_login));
    fs::write(folder.path().join("demo-password"), format!("{}\n", demo_login.password)).expect("a file");
    let ha = home_assistant(broker.port, Some(&Login::observer()));

    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let of_the_page = |argument: &String| argument.starts_with("mqtt://");
    let mut arguments = demo_arguments(true);
    let place = arguments.iter().position(of_the_page).expect("an address");
    arguments[place] = url;
    let mut demo = start_demo(folder.path(), &arguments);
    see_and_send(&ha, folder.path());

    demo.signal(Signal::INT);
    assert_eq!(code(demo.wait_for_end(WAIT_TIMEOUT)), 0, "{}", printed(folder.path()));
    ha.api.wait_until_gone("sensor.sms_main_last_message");
    ha.api.wait_until_gone("notify.sms_anna");
    let left: Vec<Value> =
        ha.api.devices().into_iter().filter(|device| device["name"].to_string().contains("SMS")).collect();
    assert_eq!(left, Vec::<Value>::new(), "devices of the demo stay");
    ha.assert_no_complaints();
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn every_entity_of_the_page_is_there_and_its_automation_answers() {
    let home = super::home::Home::start(|_| {});
    let page = fs::read_to_string(root().join(PAGE)).expect("the page");
    let named: Vec<&str> = page
        .split('`')
        .filter(|words| words.contains(".sms_") && !words.contains(char::is_whitespace))
        .collect();
    assert!(named.len() > 15, "{PAGE} names only {named:?}");
    for entity in named {
        assert!(home.state(entity).is_some(), "{PAGE} names {entity}, which is not there");
    }

    let blocks = of_page("yaml");
    let automation = blocks.iter().find(|block| block.text.starts_with("triggers:")).expect("an automation");
    let indented: String = automation.text.lines().map(|line| format!("  {line}\n")).collect();
    home.ha.write("automations.yaml", &format!("- id: of_the_page\n  alias: Of the page\n{indented}"));
    home.call("automation.reload", &json!({}));
    wait_until("the automation", || home.state("automation.of_the_page").is_some());
    home.rig.modem.deliver("+4915100000009", "not for it");
    home.rig.modem.deliver("+4915112345678", "is it dry?");
    let answer = "Got it: is it dry?";
    wait_until("the answer on the network", || !home.rig.modem.submits().is_empty());
    let sent: Vec<String> = home.rig.modem.submits().into_iter().map(|sent| sent.text).collect();
    assert_eq!(sent, [answer]);
}
