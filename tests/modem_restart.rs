//! A restart that somebody asks for, on `sms/restart/<modem>`: it is carried out once, and no message is lost or doubled.

use std::time::Duration;

use serde_json::json;
use smsbridge_simulator::{Fault, FaultKind, Options, VendorProfile};

use crate::harness::mqtt_packets::Publish;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;
use crate::modem_faults::VendorRig;

const TOPIC: &str = "sms/restart/main";

/// A modem whose family has a reset command.
fn resettable() -> VendorRig {
    VendorRig::start(VendorProfile::ec25())
}

fn sessions(rig: &Rig) -> u64 {
    let state = rig.client.last_on("sms/modem/main").expect("the modem's state");
    let state: serde_json::Value = serde_json::from_str(&state).expect("JSON");
    state["counters"]["sessions"].as_u64().expect("a number")
}

fn wait_for_sessions(rig: &Rig, count: u64) {
    rig.wait_for_modem(&format!("session {count}"), |state| {
        state["state"] == "online" && state["counters"]["sessions"] == count
    });
}

#[test]
fn a_modem_is_reset_once_for_each_time_it_is_asked_for() {
    let vendor = resettable();
    for (payload, n) in ["restart", "{}", r#"{"id":"from-a-script"}"#].into_iter().zip(1..) {
        vendor.rig.client.publish(TOPIC, payload);
        wait_for_sessions(&vendor.rig, n + 1);
        assert_eq!(vendor.sim.resets(), n, "after {payload}");
        vendor.assert_works(&format!("after-{n}"));
    }
    vendor.rig.gateway.wait_for_log(&["main", "restart", "is asked for"]);
    let problem = vendor.rig.wait_for_problem(&["restarted", "asked for", "next: the modem is reset"]);
    assert_eq!(problem["state"], "offline", "{problem}");
    vendor.rig.wait_until_well();
}

#[test]
fn a_modem_that_must_not_be_reset_begins_a_session_anew() {
    let vendor = VendorRig::start(VendorProfile::huawei());
    vendor.rig.client.publish(TOPIC, "restart");
    wait_for_sessions(&vendor.rig, 2);
    vendor.rig.wait_for_problem(&["restarted", "asked for", "the port is closed and opened again"]);
    vendor.assert_works("anew");
    assert_eq!(vendor.sim.resets(), 0);
}

#[test]
fn who_presses_the_button_again_and_again_gets_one_restart() {
    let vendor = resettable();
    (0..10).for_each(|_| vendor.rig.client.publish(TOPIC, "restart"));
    wait_for_sessions(&vendor.rig, 2);
    vendor.assert_works("once");
    assert_eq!((vendor.sim.resets(), sessions(&vendor.rig)), (1, 2));
}

#[test]
fn what_is_no_request_to_restart_is_refused_and_said_in_the_log() {
    let vendor = resettable();
    let rig = &vendor.rig;
    let publish = |payload: &[u8], retain| {
        rig.client.publish_with(Publish {
            topic: TOPIC.to_owned(),
            payload: payload.to_vec(),
            qos: 1,
            retain,
            ..Publish::default()
        });
    };
    let refused = |rig: &Rig| rig.gateway.log().lines().filter(|line| line.contains("is refused")).count();
    let too_large = [b'x'; 300 * 1024];
    let payloads: [&[u8]; 11] = [
        b"",
        b"reboot",
        b"RESTART",
        b" restart",
        b"\"restart\"",
        b"[]",
        b"null",
        br#"{"id":7}"#,
        br#"{"force":true}"#,
        b"\xff",
        &too_large,
    ];
    for (n, payload) in payloads.into_iter().enumerate() {
        publish(payload, false);
        wait_until(
            &format!("a line about {:?}", String::from_utf8_lossy(&payload[..payload.len().min(20)])),
            || refused(rig) == n + 1,
        );
    }
    publish(b"restart", true);
    rig.gateway.wait_for_log(&["restart", "is refused", "retain"]);
    let before = refused(rig);
    // How a retained message is taken off the broker: nobody asks for anything.
    publish(b"", true);
    vendor.assert_works("still");
    assert_eq!((vendor.sim.resets(), sessions(rig), refused(rig)), (0, 1, before));
    let log = rig.gateway.log();
    for written in ["reboot", "RESTART", "force"] {
        assert!(!log.contains(written), "{written:?} is what a caller wrote: {log}");
    }
}

#[test]
fn a_retained_request_to_restart_does_not_wait_for_the_next_start() {
    let mut rig = Rig::prepare(&Options { profile: VendorProfile::ec25(), ..Options::default() }, |_| {});
    rig.client.publish_with(Publish {
        topic: TOPIC.to_owned(),
        payload: b"restart".to_vec(),
        qos: 1,
        retain: true,
        ..Publish::default()
    });
    rig.start_gateway();
    rig.assert_still_works("started");
    assert_eq!((rig.modem.simulator().resets(), sessions(&rig)), (0, 1));
}

#[test]
fn another_modem_is_not_restarted() {
    let vendor = resettable();
    for topic in ["sms/restart/other", "sms/restart", "sms/restart/main/now", "sms/restart/MAIN"] {
        vendor.rig.client.publish(topic, "restart");
    }
    vendor.assert_works("untouched");
    assert_eq!((vendor.sim.resets(), sessions(&vendor.rig)), (0, 1));
}

#[test]
fn a_request_for_a_modem_of_an_earlier_configuration_is_refused() {
    let mut rig = Rig::prepare(&Options::default(), |config| config.add_modem("old", "/dev/null"));
    rig.start_gateway();
    assert_eq!(code(rig.gateway.stop()), 0);
    // It waits in the session, which the broker keeps.
    rig.client.publish("sms/restart/old", "restart");
    let other = crate::harness::gateway::Config::new(rig.folder(), rig.proxy.port, rig.modem.port());
    rig.reconfigure(|config| *config = other);
    rig.start_gateway();
    rig.gateway.wait_for_log(&["restart", "is refused", "there are only main"]);
    rig.assert_still_works("without-it");
}

#[test]
fn a_modem_that_does_not_answer_is_reset_at_once_when_somebody_asks_for_it() {
    let vendor = resettable();
    // It does what it is told and says nothing any more.
    vendor.sim.fault(Fault::on("AT", FaultKind::Swallow).every());
    vendor.deliver("lost in the silence");
    vendor.rig.client.wait_for_text("sms/modem/main/availability", "offline");
    assert_eq!(vendor.sim.resets(), 0, "by itself it would take a minute and a half");
    vendor.rig.client.publish(TOPIC, "restart");
    wait_until("the reset", || vendor.sim.resets() == 1);
    vendor.sim.clear_faults();
    vendor.rig.client.wait_for_text("sms/modem/main/availability", "online");
    vendor.rig.wait_for_received("lost in the silence");
    vendor.assert_works("awake");
    assert_eq!(vendor.sim.resets(), 1);
}

#[test]
fn a_restart_that_is_asked_for_while_the_modem_is_unplugged_is_not_made_up_for() {
    let vendor = resettable();
    vendor.sim.unplug();
    vendor.rig.client.wait_for_text("sms/modem/main/availability", "offline");
    vendor.rig.client.publish(TOPIC, "restart");
    vendor.rig.gateway.wait_for_log(&["main", "restart", "is asked for"]);
    vendor.rig.wait_for_problem(&["restarted", "asked for"]);
    // The port is looked for again, and the wait goes on as before.
    wait_until("that there is no port", || {
        let state = vendor.rig.client.last_on("sms/modem/main");
        state.is_some_and(|state| state.contains("does not exist"))
    });
    vendor.sim.plug();
    vendor.rig.client.wait_for_text("sms/modem/main/availability", "online");
    vendor.assert_works("plugged");
    assert_eq!(vendor.sim.resets(), 0);
}

#[test]
fn a_message_that_is_being_sent_is_finished_first_and_those_that_wait_are_sent_once() {
    let vendor = resettable();
    let rig = &vendor.rig;
    vendor.sim.set_submit_delay(Duration::from_secs(1));
    let long = "a long one, in parts. ".repeat(20);
    rig.request(&json!({"id": "long", "to": "+4915100000002", "text": long}));
    for n in 0..5 {
        rig.request(
            &json!({"id": format!("short-{n}"), "to": "+4915100000002", "text": format!("short {n}")}),
        );
    }
    rig.client.wait_for_result("short-4", "accepted");
    wait_until("the first part", || !rig.modem.submits().is_empty());
    assert!(rig.client.results("long").iter().all(|result| result["state"] != "sent"), "it is being sent");
    rig.client.publish(TOPIC, "restart");
    vendor.deliver("meanwhile");
    wait_until("the reset", || vendor.sim.resets() == 1);
    vendor.sim.set_submit_delay(Duration::ZERO);
    rig.client.wait_for_result("long", "sent");
    rig.wait_for_received("meanwhile");
    let mut expected = vec!["long".to_owned()];
    expected.extend((0..5).map(|n| format!("short-{n}")));
    for id in &expected {
        rig.client.wait_for_result(id, "sent");
        let finals = rig.client.results(id).into_iter().filter(|result| result["final"] == true).count();
        assert_eq!(finals, 1, "{id}");
    }
    let submits = rig.modem.submits();
    let parts: Vec<_> = submits.iter().filter_map(|submit| submit.concatenation).map(|(.., n)| n).collect();
    assert_eq!(parts, [1, 2, 3], "each part once, in order");
    let mut texts: Vec<_> =
        submits.iter().filter(|submit| submit.concatenation.is_none()).map(|submit| &submit.text).collect();
    texts.sort();
    assert_eq!(texts, ["short 0", "short 1", "short 2", "short 3", "short 4"]);
    assert_eq!(rig.received_ids("meanwhile").len(), 1);
    assert_eq!(vendor.sim.resets(), 1);
}
