//! What `/metrics` says of a gateway that works, and that documents, alert rules and dashboard speak of nothing else.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use regex::Regex;
use serde_json::json;

use crate::harness::http::ask;
use crate::harness::ports::free_port;
use crate::harness::rig::Rig;
use crate::harness::sources::read;
use crate::harness::wait::wait_until;

/// A gateway that received a message, sent one, failed with one, and tried one twice; and where it is asked.
pub fn busy_gateway() -> (Rig, SocketAddr) {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let rig = Rig::with(|config| config.set("http", "listen", address.to_string()));
    rig.gateway.wait_for_log(&["listening at", &address.to_string()]);
    rig.assert_still_works("metrics");
    rig.request(&json!({"id": "no-number", "to": "nobody at all", "text": "x"}));
    rig.client.wait_for_result("no-number", "rejected");
    rig.modem.refuse_submits(38);
    rig.request(&json!({"id": "twice", "to": "+4915100000003", "text": "again"}));
    wait_until("a try that failed", || metrics(address).contains("smsbridge_retries_total{"));
    rig.modem.recover();
    rig.client.wait_for_result("twice", "sent");
    (rig, address)
}

pub fn metrics(address: SocketAddr) -> String {
    let answer = ask(address, "GET", "/metrics", &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers("content-type"), ["text/plain; version=0.0.4; charset=utf-8"]);
    answer.body
}

/// The value of the sample that begins so; none where there is none.
fn value(text: &str, sample: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn what_a_gateway_does_is_counted_once() {
    let (rig, address) = busy_gateway();
    for (sample, expected) in [
        ("smsbridge_messages_received_total{modem=\"main\"}", 1.0),
        ("smsbridge_results_total{state=\"accepted\",code=\"\"}", 2.0),
        ("smsbridge_results_total{state=\"sent\",code=\"\"}", 2.0),
        ("smsbridge_results_total{state=\"rejected\",code=\"bad-number\"}", 1.0),
        ("smsbridge_retries_total{modem=\"main\",reason=\"refused\"}", 1.0),
        ("smsbridge_send_duration_seconds_count", 2.0),
        ("smsbridge_publish_duration_seconds_count", 1.0),
        ("smsbridge_modem_online{modem=\"main\"}", 1.0),
        ("smsbridge_modem_registered{modem=\"main\"}", 1.0),
        ("smsbridge_modem_signal_dbm{modem=\"main\"}", -73.0),
        ("smsbridge_modem_parts_received_total{modem=\"main\"}", 1.0),
        ("smsbridge_modem_parts_sent_total{modem=\"main\"}", 2.0),
        ("smsbridge_broker_connected", 1.0),
        ("smsbridge_store_writable", 1.0),
    ] {
        let is_so = || value(&metrics(address), sample) == Some(expected);
        wait_until(&format!("{sample} {expected}, in:\n{}", metrics(address)), is_so);
    }
    let text = metrics(address);
    let commits = value(&text, "smsbridge_store_commit_duration_seconds_count");
    assert!(commits.is_some_and(|count| count > 5.0), "{text}");
    // What only repeats a result is none: the id is known.
    rig.request(&json!({"id": "twice", "to": "+4915100000003", "text": "again"}));
    rig.client
        .wait_for_json("the result once more", |_, json| json["id"] == "twice" && json["duplicate"] == true);
    let again = metrics(address);
    assert_eq!(value(&again, "smsbridge_results_total{state=\"sent\",code=\"\"}"), Some(2.0), "{again}");
    for private in ["4915100000003", "still here", rig.modem.imei(), rig.modem.iccid()] {
        assert!(!again.contains(private), "{private} is in:\n{again}");
    }
}

#[test]
fn a_broker_that_is_away_is_seen_and_what_waits_for_it() {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut rig = Rig::with(|config| config.set("http", "listen", address.to_string()));
    rig.gateway.wait_for_log(&["listening at", &address.to_string()]);
    rig.broker.stop();
    wait_until("no connection to the broker", || {
        value(&metrics(address), "smsbridge_broker_connected") == Some(0.0)
    });
    rig.modem.deliver("+4915100000001", "meanwhile");
    wait_until("a message that waits for the broker", || {
        value(&metrics(address), "smsbridge_queue_messages{queue=\"publish\"}")
            .is_some_and(|count| count >= 1.0)
    });
    assert_eq!(value(&metrics(address), "smsbridge_publish_duration_seconds_count"), Some(0.0));
    rig.broker.restart();
    wait_until("its acknowledgement", || {
        value(&metrics(address), "smsbridge_publish_duration_seconds_count") == Some(1.0)
    });
}

fn names(text: &str) -> BTreeSet<String> {
    let name = Regex::new("smsbridge_[a-z_]+").expect("an expression");
    let suffix = Regex::new("(_seconds)_(bucket|sum|count)$").expect("an expression");
    name.find_iter(text).map(|found| suffix.replace(found.as_str(), "$1").into_owned()).collect()
}

#[test]
fn documents_rules_and_dashboard_speak_of_metrics_that_there_are() {
    let (_rig, address) = busy_gateway();
    let there: BTreeSet<String> = metrics(address)
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next().map(str::to_owned))
        .collect();
    // Of LTE, which the simulated modem does not tell.
    let of_lte = ["rsrp_dbm", "rsrq_db", "sinr_db"].map(|name| format!("smsbridge_modem_{name}"));
    let all: BTreeSet<String> = there.into_iter().chain(of_lte).collect();
    assert_eq!(names(&read("docs/monitoring.md")), all, "docs/monitoring.md names each metric");
    for file in ["deploy/prometheus/smsbridge.rules.yml", "deploy/grafana/smsbridge.json"] {
        let unknown: Vec<String> = names(&read(file)).difference(&all).cloned().collect();
        assert!(unknown.is_empty(), "{file} speaks of {unknown:?}, which the gateway does not have");
    }
}
