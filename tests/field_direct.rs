//! Messages and status reports the modem hands over and does not store: said once, they are published whatever happens
//! next.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use smsbridge_simulator::{Fault, FaultKind, Message, Reports, VendorProfile};

use crate::harness::modem::ModemOptions;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

const SENDER: &str = "+4915100000001";
const TO: &str = "+4915100000002";

/// Says a class 0 message, as modems do that store none.
fn hand_over(rig: &Rig, text: &str) {
    rig.modem.simulator().send_urc(&handed_over(rig, text));
}

fn handed_over(rig: &Rig, text: &str) -> String {
    let flash = Message { class: Some(0), ..Message::default() };
    let pdu = rig.modem.simulator().parts(SENDER, text, &flash).expect("a text").remove(0);
    format!("+CMT: ,{}\r\n{pdu}", pdu.len() / 2 - 8)
}

/// What is handed over in the moment before the modem does this.
fn is_published_before(what: &str, happens: impl FnOnce(&Rig)) {
    let rig = Rig::start();
    hand_over(&rig, what);
    happens(&rig);
    rig.wait_for_received(what);
    rig.modem.recover();
    rig.modem.plug();
    rig.client.wait_for_text("sms/modem/main/availability", "online");
    rig.assert_still_works("after");
    assert_eq!(rig.received_ids(what).len(), 1);
}

#[test]
fn a_message_handed_over_right_before_a_restart_is_published() {
    is_published_before("before a restart", |rig| rig.modem.simulator().restart(&["RDY"]));
}

#[test]
fn a_message_handed_over_right_before_the_modem_hangs_is_published() {
    is_published_before("before it hangs", |rig| rig.modem.mute());
}

#[test]
fn a_message_handed_over_while_the_modem_answers_nothing_is_published() {
    let rig = Rig::start();
    let sim = rig.modem.simulator();
    sim.fault(Fault::on("AT", FaultKind::Swallow).every());
    let before = sim.commands().len();
    rig.request(&json!({"id": "out", "to": TO, "text": "out"}));
    wait_until("a command nobody answers", || sim.commands().len() > before);
    hand_over(&rig, "said by a modem that does not answer");
    // Until it answers again nobody knows whose SIM it came from.
    rig.gateway.wait_for_log(&["next: "]);
    rig.modem.recover();
    rig.wait_for_received("said by a modem that does not answer");
    rig.client.wait_for_result("out", "sent");
}

/// The first word of a modem that was mute, between two sessions.
#[test]
fn a_message_that_is_the_first_word_of_a_modem_that_was_mute_is_published() {
    let rig = Rig::start();
    let sim = rig.modem.simulator();
    rig.modem.mute();
    rig.request(&json!({"id": "out", "to": TO, "text": "out"}));
    rig.gateway.wait_for_log(&["does not answer", "next: "]);
    hand_over(&rig, "the first word");
    rig.modem.recover();
    rig.wait_for_received("the first word");
    rig.client.wait_for_result("out", "sent");
    assert!(sim.journal().iter().any(|line| line.contains("<- +CMT:")), "it was not stored");
}

#[test]
fn a_message_handed_over_in_the_bring_up_is_published() {
    for command in ["ATE0", "AT+CPIN?", "AT+CMGF=0", "AT+CNMI=", "AT+CSCA?"] {
        let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
        let said = format!("\r\n{}\r\n", handed_over(&rig, command));
        let fault = Fault::on(command, FaultKind::Junk(said.into_bytes()));
        rig.modem.simulator().fault(fault);
        rig.start_gateway();
        rig.wait_for_received(command);
    }
}

#[test]
fn a_message_handed_over_in_a_bring_up_that_fails_is_published() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let said = format!("\r\n{}\r\n", handed_over(&rig, "before it fails"));
    let sim = rig.modem.simulator().clone();
    sim.fault(Fault::on("AT+CMGF=0", FaultKind::Junk(said.into_bytes())));
    sim.fault(Fault::on("AT+CPMS=", FaultKind::Restart(&["RDY"])));
    rig.start_gateway();
    rig.wait_for_received("before it fails");
    rig.assert_still_works("after");
}

#[test]
fn a_message_handed_over_at_a_stop_is_published() {
    let mut rig = Rig::start();
    rig.modem.delay_submits(Duration::from_secs(4));
    rig.request(&json!({"id": "out", "to": TO, "text": "out"}));
    wait_until("the message to be on air", || rig.modem.submits().len() == 1);
    rig.gateway.signal(Signal::TERM);
    hand_over(&rig, "at a stop");
    assert_eq!(code(rig.gateway.wait_for_end()), 0);
    rig.modem.delay_submits(Duration::ZERO);
    rig.start_gateway();
    rig.wait_for_received("at a stop");
    rig.client.wait_for_result("out", "sent");
    assert_eq!(rig.modem.submits().len(), 1);
}

#[test]
fn a_report_handed_over_right_before_a_restart_is_published() {
    let profile = VendorProfile { cnmi: VendorProfile::sim800().cnmi, ..VendorProfile::generic() };
    let options = ModemOptions { profile, reports: Reports::Held, ..ModemOptions::default() };
    let mut rig = Rig::prepare(&options, |_| {});
    rig.start_gateway();
    rig.request(&json!({"id": "out", "to": TO, "text": "out", "delivery_report": true}));
    rig.client.wait_for_result("out", "sent");
    let sim = rig.modem.simulator();
    assert_eq!(sim.release_reports(0), 1);
    sim.restart(&["RDY"]);
    rig.client.wait_for_result("out", "delivered");
    assert!(sim.journal().iter().any(|line| line.contains("<- +CDS:")), "it was not stored");
}

#[test]
fn a_message_handed_over_while_nothing_can_be_written_is_published() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.gateway.start_limitable();
    rig.wait_online();
    rig.gateway.limit_file_size(Some(0));
    hand_over(&rig, "nowhere to be put");
    rig.client.wait_for_json("the gateway to say so", |topic, json| {
        topic == "sms/gateway/attic"
            && json["problem"].as_str().is_some_and(|problem| problem.contains("cannot be written"))
    });
    rig.modem.simulator().restart(&["RDY"]);
    hand_over(&rig, "nor this");
    rig.gateway.limit_file_size(None);
    rig.wait_for_received("nowhere to be put");
    rig.wait_for_received("nor this");
    rig.assert_still_works("room");
}
