//! A modem that refuses something for a while, or is still starting: not now is not never, and nothing is restarted for it.

use std::time::Duration;

use serde_json::json;
use smsbridge_simulator::{Fault, FaultKind, Message, Options, Status, Storage, VendorProfile};

use crate::harness::modem::ModemOptions;
use crate::harness::rig::Rig;

const SENDER: &str = "+4915100000001";

/// One session, and nothing was tried.
fn assert_undisturbed(counters: &serde_json::Value) {
    assert_eq!(counters["sessions"], 1, "{counters}");
    assert_nothing_was_tried(counters);
}

fn assert_nothing_was_tried(counters: &serde_json::Value) {
    for step in ["resynchronised", "reopened", "radio_restarted", "reset"] {
        assert_eq!(counters[step], 0, "{step}: {counters}");
    }
}

#[test]
fn a_storage_that_is_away_for_a_while_is_read_again_by_itself() {
    for refusal in [FaultKind::Cms(310), FaultKind::Cms(500), FaultKind::Cme(14), FaultKind::Error] {
        let mut rig = Rig::start();
        rig.modem.simulator().fault(Fault::on("AT+CPMS=", refusal).every());
        rig.modem.deliver(SENDER, "meanwhile");
        rig.wait_for_problem(&["storage", "cannot be read"]);
        rig.request(&json!({"id": "out", "to": "+4915100000002", "text": "goes out"}));
        rig.client.wait_for_result("out", "sent");
        rig.modem.recover();
        rig.wait_for_received("meanwhile");
        rig.wait_until_well();
        assert_undisturbed(&rig.stop_and_count());
    }
}

#[test]
fn notices_that_are_refused_for_a_while_are_switched_on_later() {
    for refusal in [FaultKind::Cms(500), FaultKind::Cms(302), FaultKind::Cme(14)] {
        let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
        rig.modem.simulator().fault(Fault::on("AT+CNMI=", refusal).every());
        rig.start_gateway();
        rig.wait_for_problem(&["not announced"]);
        let before = rig.modem.typed("AT+CMGL");
        for n in 0..3 {
            let id = format!("deaf-{n}");
            rig.request(&json!({"id": id, "to": "+4915100000002", "text": "goes out"}));
            rig.client.wait_for_result(&id, "sent");
        }
        let lists = rig.modem.typed("AT+CMGL") - before;
        assert!(lists < 30, "{lists} lists while three messages were sent");
        rig.modem.recover();
        rig.wait_until_well();
        rig.assert_still_works("announced");
        assert_undisturbed(&rig.stop_and_count());
    }
}

#[test]
fn a_service_centre_that_cannot_be_read_for_a_while_is_not_overwritten() {
    for refusal in [FaultKind::Cme(14), FaultKind::Cms(302), FaultKind::Error] {
        let mut rig = Rig::prepare(&ModemOptions::default(), |config| {
            config.set_modem("service_center", "+4915599999999");
        });
        rig.modem.simulator().fault(Fault::on("AT+CSCA?", refusal).every());
        rig.start_gateway();
        let state = rig.wait_for_problem(&["service centre", "cannot be read"]);
        assert_eq!(state["state"], "online");
        rig.assert_still_works("without");
        rig.modem.recover();
        let own = Options::default().service_centre;
        rig.wait_for_modem("the SIM's service centre", |state| state["service_center"] == *own);
        rig.wait_until_well();
        assert_eq!(rig.modem.typed("AT+CSCA="), 0);
        assert_undisturbed(&rig.stop_and_count());
    }
}

/// A message in two parts, the first of which comes while the number of the SIM card cannot be read.
#[test]
fn a_sim_whose_number_cannot_be_read_for_a_while_is_still_one_sim() {
    let long = "a text too long for one message ".repeat(8);
    let long = long.trim_end();
    for also in ["AT+NOTHING", "AT+CIMI"] {
        let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
        let sim = rig.modem.simulator().clone();
        for command in ["AT+CCID", "AT+ICCID", "AT+QCCID", "AT^ICCID?", "AT+CRSM", also] {
            sim.fault(Fault::on(command, FaultKind::Cme(14)).every());
        }
        let parts = sim.parts(SENDER, long, &Message::default()).expect("a text");
        assert_eq!(parts.len(), 2);
        sim.fault(Fault::on("AT+CMGD", FaultKind::Cms(500)).every());
        sim.put(Storage::Sm, Status::Unread, &parts[0]).expect("a free slot");
        rig.start_gateway();
        rig.modem.deliver(SENDER, "whole");
        rig.wait_for_received("whole");
        sim.clear_faults();
        rig.wait_for_modem("the SIM's number", |state| state["iccid"] == rig.modem.iccid());
        sim.deliver_pdu(&parts[1]);
        rig.wait_for_received(long);
        rig.wait_until_well();
        assert_eq!(rig.received_ids("whole").len(), 1, "published once, whatever the SIM is called");
        assert_undisturbed(&rig.stop_and_count());
    }
}

#[test]
fn a_modem_that_takes_half_a_minute_to_start_is_left_alone_and_says_so() {
    let second = Duration::from_secs(1);
    let slow = |sim_time, sms_time| ModemOptions {
        profile: VendorProfile::sim800(),
        pin: Some("1234".into()),
        sim_time,
        sms_time,
        ..ModemOptions::default()
    };
    for (options, words) in [
        (slow(Duration::ZERO, 15 * second), ["starting", "302"]),
        (slow(2 * second, 25 * second), ["starting", "302"]),
        (slow(35 * second, Duration::ZERO), ["sim", "busy"]),
    ] {
        let mut rig = Rig::prepare(&options, |config| config.set_modem("pin", "1234"));
        rig.modem.deliver(SENDER, "from before");
        rig.launch_gateway(&[]);
        let state = rig.wait_for_problem(&words);
        assert_ne!(state["state"], "online", "{state}");
        rig.wait_online();
        rig.wait_for_received("from before");
        rig.assert_still_works("started");
        rig.wait_until_well();
        assert_eq!(rig.modem.simulator().pin_tries_left(), 3);
        assert_eq!((rig.modem.typed("AT+CFUN=4"), rig.modem.typed("AT+CFUN=1,1")), (0, 0));
        assert_eq!(rig.modem.simulator().resets(), 0);
        assert_nothing_was_tried(&rig.stop_and_count());
    }
}
