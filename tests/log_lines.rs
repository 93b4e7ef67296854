//! "What is it doing?": the log tells it, a line a thing, and nothing private.

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::harness::gateway::has_all;
use crate::harness::modem::ModemOptions;
use crate::harness::mqtt_packets::Publish;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::terminal::Terminal;

/// The lines of the log that have all these words.
fn lines(rig: &Rig, words: &[&str]) -> Vec<String> {
    rig.gateway.log().lines().filter(|line| has_all(line, words)).map(str::to_owned).collect()
}

/// Lets something go wrong for several tries.
fn let_it_fail(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}

#[test]
fn what_is_it_doing_from_the_start_to_the_goodbye() {
    let mut rig = Rig::start();
    let start = rig.gateway.wait_for_log(&["smsbridge", "starts: gateway"]);
    for words in [
        env!("CARGO_PKG_VERSION"),
        "gateway attic",
        &rig.gateway.config_path().display().to_string(),
        &rig.folder().join("store").display().to_string(),
        &format!("127.0.0.1:{}", rig.proxy.port),
        &format!("main at {}", rig.modem.port()),
    ] {
        assert!(start.contains(words), "{words} is missing in: {start}");
    }
    rig.modem.deliver("+4915100000001", &"private ".repeat(30));
    let received = rig.wait_for_received(&"private ".repeat(30));
    let id = received["id"].as_str().expect("an id");
    rig.gateway.wait_for_log(&["main: received", id, "2 parts"]);
    rig.request(
        &json!({"id": "order-17", "to": "+4915100000002", "text": "secret", "delivery_report": true}),
    );
    rig.client.wait_for_result("order-17", "sent");
    rig.gateway.wait_for_log(&["request order-17: accepted, 1 part"]);
    rig.gateway.wait_for_log(&["main: request order-17: sent, 1 part"]);
    assert_eq!(code(rig.gateway.stop()), 0);
    rig.gateway.wait_for_log(&["smsbridge stopped as asked after"]);
    let log = rig.gateway.log();
    for private in ["15100000001", "15100000002", "private", "secret"] {
        assert!(!log.contains(private), "{private} is in the log:\n{log}");
    }
    for debug in ["Some(", "None", "Err(", "Ok("] {
        assert!(!log.contains(debug), "{debug} is in the log:\n{log}");
    }
}

#[test]
fn what_is_rejected_is_logged_with_reason_and_field_and_not_with_what_was_written() {
    let rig = Rig::with(|config| config.set("outbound", "deny", vec!["+4990*"]));
    for (id, request, words) in [
        (
            "typo",
            json!({"id": "typo", "to": "+4915100000002", "text": "x", "ttl": 5}),
            &["malformed", "ttl"][..],
        ),
        (
            "type",
            json!({"id": "type", "to": "+4915100000002", "text": "x", "priority": "4711"}),
            &["malformed", "priority"],
        ),
        ("number", json!({"id": "number", "to": "mother4711", "text": "x"}), &["bad-number"]),
        ("denied", json!({"id": "denied", "to": "+49904711", "text": "x"}), &["denied", "[outbound] deny"]),
        (
            "modem",
            json!({"id": "modem", "to": "+4915100000002", "text": "x", "modem": "cellar"}),
            &["unknown-modem", "main"],
        ),
    ] {
        rig.request(&request);
        rig.client.wait_for_result(id, "rejected");
        let line = rig.gateway.wait_for_log(&[&format!("request {id}: rejected")]);
        assert!(has_all(&line, words) && line.contains("WARN"), "{words:?} in: {line}");
        assert!(!line.contains("4711") && !line.contains("15100000002"), "what was written is in: {line}");
        assert_eq!(lines(&rig, &[&format!("request {id}:")]).len(), 1, "{}", rig.gateway.log());
    }
    for (id, request, words) in [
        (
            "field",
            json!({"id": "field", "to": "+4915100000002", "text": "x", "My code is 4711": 1}),
            "a field",
        ),
        (
            "name",
            json!({"id": "name", "to": "+4915100000002", "text": "x", "modem": "4711-4711"}),
            "only main",
        ),
        ("text", json!({"id": "text", "to": "+4915100000002", "text": 4711}), "text: "),
        (
            "encoding",
            json!({"id": "encoding", "to": "+4915100000002", "text": "x", "encoding": "4711"}),
            "\"gsm7\"",
        ),
    ] {
        rig.request(&request);
        let line = rig.gateway.wait_for_log(&[&format!("request {id}: rejected"), words]);
        assert!(!line.contains("4711"), "what was written is in: {line}");
    }
    rig.client.publish("sms/send", "call 15100000002 at home");
    let line = rig.gateway.wait_for_log(&["request without an id: rejected: malformed"]);
    assert!(!line.contains("15100000002") && !line.contains("home"), "what was written is in: {line}");
}

#[test]
fn no_code_and_no_reply_of_ussd_is_logged() {
    let rig = Rig::with(|config| config.set("ussd", "allow", vec!["*100#"]));
    for (id, request, words) in [
        ("pin", json!({"id": "pin", "code": "**04*4711*5678*5678#"}), "this code is not in [ussd] allow"),
        ("reply", json!({"id": "reply", "reply": "4711"}), "no menu is open"),
        ("number", json!({"id": "number", "code": 4711}), "code: "),
        ("field", json!({"id": "field", "4711": "*100#"}), "a field"),
    ] {
        rig.client.publish("sms/ussd/main", request.to_string());
        let line = rig.gateway.wait_for_log(&[&format!("main: USSD {id}: failed"), words]);
        assert!(!line.contains("4711") && !line.contains("5678"), "what was written is in: {line}");
    }
}

#[test]
fn a_topic_for_results_that_the_broker_forbids_is_not_logged() {
    let mut rig = Rig::start();
    rig.broker.restart_with(("", ""), ("topic write answers/#", "topic write answers/other"));
    rig.wait_subscribed();
    rig.client.publish_with(Publish {
        topic: "sms/send".to_owned(),
        payload: json!({"id": "copies", "to": "+4915100000002", "text": "x"}).to_string().into_bytes(),
        qos: 1,
        response_topic: Some("answers/15100000009".to_owned()),
        ..Publish::default()
    });
    rig.gateway
        .wait_for_log(&["no results of that request go where its caller wants them", "not authorized"]);
    assert!(!rig.gateway.log().contains("15100000009"), "{}", rig.gateway.log());
}

#[test]
fn a_broker_that_is_away_for_long_costs_one_line_and_its_return_another() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let url = format!("mqtt://127.0.0.1:{}", rig.broker.port);
    rig.reconfigure(|config| config.set("mqtt", "url", url));
    rig.gateway.start();
    rig.gateway.wait_for_log(&["connected to the broker"]);
    rig.broker.kill();
    rig.gateway.wait_for_log(&["WARN", "broker at 127.0.0.1"]);
    // Tries come after one second, two, four and eight.
    let_it_fail(12);
    let said = lines(&rig, &["WARN"]);
    rig.broker.restart();
    rig.gateway.wait_for_log(&["INFO", "well again after", "127.0.0.1"]);
    // One wording when the connection breaks, one when none can be made.
    assert!((1..=2).contains(&said.len()), "a line a try:\n{}", said.join("\n"));
    assert_eq!(lines(&rig, &["well again after"]).len(), 1, "{}", rig.gateway.log());
}

#[test]
fn a_broker_that_takes_and_drops_every_connection_is_no_line_a_try() {
    let mut rig = Rig::start();
    rig.broker.kill();
    let listener = TcpListener::bind(("127.0.0.1", rig.broker.port)).expect("the broker's port");
    let (counting, count) = (AtomicBool::new(true), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for connection in listener.incoming() {
                drop(connection);
                if !counting.load(Ordering::SeqCst) {
                    break;
                }
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        let_it_fail(12);
        counting.store(false, Ordering::SeqCst);
        let _ = TcpStream::connect(listener.local_addr().expect("its address"));
    });
    drop(listener);
    let (tries, said) = (count.load(Ordering::SeqCst), lines(&rig, &["WARN"]));
    rig.broker.restart();
    rig.assert_still_works("back");
    assert!(tries >= 3, "it was tried {tries} times");
    assert!((1..=2).contains(&said.len()), "a line a try:\n{}", said.join("\n"));
    assert_eq!(lines(&rig, &["connected to the broker"]).len(), 1, "{}", rig.gateway.log());
}

#[test]
fn a_modem_that_is_away_for_long_costs_a_line_for_each_wording() {
    let rig = Rig::start();
    rig.modem.unplug();
    rig.wait_for_modem("an offline modem", |state| state["state"] == "offline");
    let_it_fail(15);
    let said = lines(&rig, &["WARN", "main:"]);
    let mut wordings =
        said.iter().map(|line| line.split("main:").nth(1).unwrap_or_default()).collect::<Vec<_>>();
    wordings.sort_unstable();
    wordings.dedup();
    assert_eq!(wordings.len(), said.len(), "the same words again:\n{}", said.join("\n"));
    rig.modem.plug();
    rig.wait_until_well();
    rig.gateway.wait_for_log(&["INFO", "main: well again after"]);
}

#[test]
fn a_disk_that_is_full_for_long_costs_few_lines() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.gateway.start_limitable();
    rig.wait_online();
    rig.gateway.limit_file_size(Some(16 * 1024));
    rig.modem.deliver("+4915100000001", "waits");
    rig.gateway.wait_for_log(&["the store cannot be written"]);
    let_it_fail(8);
    let said = lines(&rig, &["the store cannot be written"]);
    rig.gateway.limit_file_size(None);
    rig.wait_for_received("waits");
    rig.gateway.wait_for_log(&["well again after", "the store cannot be written"]);
    // The store says it, and the modem whose message waits.
    assert!(said.len() <= 2, "a line a try:\n{}", said.join("\n"));
}

#[test]
fn under_journald_lines_have_a_priority_and_no_time_of_ours() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let script = "export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2); exec \"$0\" \"$@\"";
    rig.gateway.start_by(&["/bin/sh", "-c", script]);
    rig.wait_online();
    rig.client.publish("sms/send", "no JSON");
    rig.gateway.wait_for_log(&["<4>request without an id: rejected"]);
    rig.gateway.wait_for_log(&["<6>smsbridge", "starts: gateway"]);
    assert_eq!(code(rig.gateway.stop()), 0);
    let log = rig.gateway.log();
    let ours = log.lines().filter(|line| !line.starts_with("----"));
    for line in ours {
        assert!(["<3>", "<4>", "<6>", "<7>"].iter().any(|priority| line.starts_with(priority)), "{line}");
        assert!(!line.contains("INFO") && !line.contains("WARN"), "{line}");
    }
}

#[test]
fn a_redirected_log_of_a_service_is_no_journal() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.gateway.start_with(&[("JOURNAL_STREAM", "1:2")]);
    let start = rig.gateway.wait_for_log(&["smsbridge", "starts: gateway"]);
    assert!(start.contains("INFO") && start.contains("T"), "{start}");
}

#[test]
fn colours_are_for_terminals_whose_user_wants_them() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let config = rig.gateway.config_path().display().to_string();
    for (environment, is_coloured) in [
        (&[][..], true),
        (&[("NO_COLOR", "")], true),
        (&[("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
    ] {
        let mut terminal = Terminal::start(rig.folder(), &["run", "--config", &config], environment);
        terminal.wait_for("connected to the broker");
        terminal.press("\x03");
        assert_eq!(code(terminal.wait_for_end()), 0);
        terminal.wait_for("stopped as asked");
        assert_eq!(terminal.shown().contains('\x1b'), is_coloured, "{environment:?}: {}", terminal.shown());
    }
}

#[test]
fn a_wrong_log_level_is_an_error_and_no_silence() {
    for (level, words) in
        [("inof", "inof"), ("info,smsbrige=debug", "smsbrige"), ("debug;info", "debug;info")]
    {
        let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
        rig.gateway.start_with(&[("SMSBRIDGE_LOG", level)]);
        assert_eq!(code(rig.gateway.wait_for_end()), 2, "{level}");
        rig.gateway.wait_for_log(&["SMSBRIDGE_LOG", words, "expected one of"]);
    }
}

#[test]
fn a_level_for_one_module_leaves_the_others_theirs() {
    for level in [" ", ",", "smsbridge_modem=debug"] {
        let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
        rig.gateway.start_with(&[("SMSBRIDGE_LOG", level)]);
        rig.gateway.wait_for_log(&["smsbridge", "starts: gateway"]);
    }
}

#[test]
fn under_journald_each_mistake_of_the_configuration_is_an_error() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |config| config.set("outbound", "max_parts", 0));
    rig.reconfigure(|config| config.set("mqtt", "prefx", "sms"));
    let script = "export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2); exec \"$0\" \"$@\"";
    rig.gateway.start_by(&["/bin/sh", "-c", script]);
    assert_eq!(code(rig.gateway.wait_for_end()), 2);
    rig.gateway.wait_for_log(&["<3>", "max_parts"]);
    rig.gateway.wait_for_log(&["<3>", "prefx"]);
}

#[test]
fn a_retained_request_is_one_warning() {
    let rig = Rig::start();
    let request = json!({"id": "kept", "to": "+4915100000002", "text": "x"}).to_string();
    rig.client.publish_with(Publish {
        topic: "sms/send".to_owned(),
        payload: request.into_bytes(),
        qos: 1,
        retain: true,
        ..Publish::default()
    });
    let line = rig.gateway.wait_for_log(&["request kept: rejected: retained"]);
    assert!(line.contains("without retain"), "it says what to do: {line}");
}
