//! What modems do while a message is sent: half an answer, a restart nobody notices, a long wait, a stop.

use std::time::Duration;

use serde_json::{Value, json};
use smsbridge_simulator::{Fault, FaultKind, Moment, VendorProfile};

use crate::harness::modem::ModemOptions;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

const TO: &str = "+4915100000002";

fn send(rig: &Rig, id: &str) {
    rig.request(&json!({"id": id, "to": TO, "text": id}));
}

/// The final result of a request.
fn final_of(rig: &Rig, id: &str) -> Value {
    rig.client.wait_for_json(&format!("the end of {id:?}"), |topic, json| {
        topic == "sms/result" && json["id"] == id && json["final"] == true
    })
}

fn times_on_air(rig: &Rig, text: &str) -> usize {
    rig.modem.submits().iter().filter(|submit| submit.text == text).count()
}

#[test]
fn a_message_the_modem_has_half_said_is_sent_goes_out_once() {
    // OK without +CMGS; +CMGS without OK.
    for kind in [FaultKind::NoLines, FaultKind::NoResult] {
        let rig = Rig::start();
        rig.modem.simulator().fault(Fault::on_payload(kind.clone()));
        send(&rig, "half");
        assert_eq!(final_of(&rig, "half")["state"], "sent", "{kind:?}");
        rig.assert_still_works("after");
        assert_eq!(times_on_air(&rig, "half"), 1, "{kind:?}");
    }
}

#[test]
fn a_modem_that_never_says_more_than_ok_sends_each_message_once() {
    for kind in [FaultKind::NoLines, FaultKind::NoResult] {
        let rig = Rig::start();
        rig.modem.simulator().fault(Fault::on_payload(kind.clone()).every());
        for id in ["one", "two", "three"] {
            send(&rig, id);
            assert_eq!(final_of(&rig, id)["state"], "sent", "{kind:?}");
        }
        assert_eq!(rig.modem.submits().len(), 3, "{kind:?}");
    }
}

#[test]
fn a_refusal_that_says_nothing_after_the_message_left_is_reported_as_unknown() {
    for refusal in [FaultKind::Cms(332), FaultKind::Cms(500), FaultKind::Error, FaultKind::Cms(513)] {
        let rig = Rig::with(|config| config.set("outbound", "on_unknown", "report"));
        rig.modem.simulator().fault(Fault::on_payload(refusal.clone()).acted());
        send(&rig, "unclear");
        assert_eq!(final_of(&rig, "unclear")["state"], "unknown", "{refusal:?}");
        rig.assert_still_works("after");
        assert_eq!(times_on_air(&rig, "unclear"), 1, "{refusal:?}");
    }
}

#[test]
fn a_message_the_network_never_clearly_takes_is_on_air_twice_at_most() {
    let rig = Rig::with(|config| config.set("outbound", "on_unknown", "resend"));
    rig.modem.simulator().fault(Fault::on_payload(FaultKind::Error).acted().every());
    send(&rig, "unclear");
    assert_eq!(final_of(&rig, "unclear")["state"], "unknown");
    assert_eq!(times_on_air(&rig, "unclear"), 2);
    rig.modem.recover();
    rig.assert_still_works("after");
}

/// A modem that knows text mode, and is in it after each restart.
fn textual() -> ModemOptions {
    let profile = VendorProfile { text_mode: true, ..VendorProfile::generic() };
    ModemOptions { profile, ..ModemOptions::default() }
}

/// Nothing went out as text, and messages come in.
fn assert_nothing_went_to_a_stranger(rig: &Rig) {
    assert_eq!(rig.modem.simulator().sent_as_text(), []);
    assert!(rig.modem.submits().iter().all(|submit| submit.to == TO), "{:?}", rig.modem.submits());
    rig.modem.deliver("+4915100000001", "still heard");
    rig.wait_for_received("still heard");
}

#[test]
fn a_restart_nobody_noticed_sends_nothing_to_the_number_25() {
    for words in [&[][..], &["SMS Ready"], &["+CPIN: READY"], &["RDY"]] {
        let mut rig = Rig::prepare(&textual(), |_| {});
        rig.start_gateway();
        rig.modem.simulator().restart(words);
        for id in ["first", "second"] {
            send(&rig, id);
            assert_eq!(final_of(&rig, id)["state"], "sent", "{words:?}");
        }
        assert_eq!((times_on_air(&rig, "first"), times_on_air(&rig, "second")), (1, 1));
        assert_nothing_went_to_a_stranger(&rig);
    }
}

#[test]
fn a_restart_before_the_prompt_sends_nothing_to_the_number_25() {
    for words in [&[][..], &["RDY", "SMS Ready"]] {
        for moment in [Moment::Before, Moment::Received] {
            let mut rig = Rig::prepare(&textual(), |_| {});
            rig.start_gateway();
            let fault = Fault { moment, ..Fault::on("AT+CMGS", FaultKind::Restart(words)) };
            rig.modem.simulator().fault(fault);
            send(&rig, "interrupted");
            assert_eq!(final_of(&rig, "interrupted")["state"], "sent", "{words:?} {moment:?}");
            assert_eq!(times_on_air(&rig, "interrupted"), 1, "{words:?} {moment:?}");
            assert_nothing_went_to_a_stranger(&rig);
        }
    }
}

/// Without a word of it the answer is waited for, three minutes: crates/modem has that, in no time.
#[test]
fn a_restart_behind_the_prompt_sends_nothing_to_the_number_25() {
    for words in [&["RDY"][..], &["SMS Ready"], &["+CPIN: READY"]] {
        let kind = FaultKind::Restart(words);
        for fault in [
            Fault::on("AT+CMGS", kind.clone()).answered(),
            Fault::while_typing(10, kind.clone()),
            Fault::on_payload(kind.clone()),
            Fault::on_payload(kind.clone()).acted(),
        ] {
            let was_on_air = fault.moment == Moment::Acted;
            let mut rig = Rig::prepare(&textual(), |_| {});
            rig.start_gateway();
            rig.modem.simulator().fault(fault.clone());
            send(&rig, "interrupted");
            assert_eq!(final_of(&rig, "interrupted")["state"], "sent", "{fault:?}");
            let times = times_on_air(&rig, "interrupted");
            assert!(times == 1 || (was_on_air && times == 2), "{times} times: {fault:?}");
            assert_nothing_went_to_a_stranger(&rig);
        }
    }
}

#[test]
fn a_stop_waits_for_the_answer_of_the_message_that_was_just_sent() {
    let mut rig = Rig::start();
    rig.modem.delay_submits(Duration::from_secs(10));
    send(&rig, "late");
    wait_until("the message to be on air", || times_on_air(&rig, "late") == 1);
    assert_eq!(code(rig.gateway.stop()), 0);
    assert_eq!(final_of(&rig, "late")["state"], "sent");
    assert_eq!(rig.owed(), Vec::<String>::new());
    rig.modem.delay_submits(Duration::ZERO);
    rig.start_gateway();
    rig.assert_still_works("again");
    assert_eq!(times_on_air(&rig, "late"), 1);
}

#[test]
fn a_stop_does_not_wait_for_an_answer_that_never_comes_and_the_policy_decides() {
    for (policy, state, times) in [("report", "unknown", 1), ("resend", "sent", 2)] {
        let mut rig = Rig::with(|config| config.set("outbound", "on_unknown", policy));
        rig.modem.hang_after_next_submit();
        send(&rig, "never");
        wait_until("the message to be on air", || times_on_air(&rig, "never") == 1);
        assert_eq!(code(rig.gateway.stop()), 0);
        rig.modem.recover();
        rig.start_gateway();
        assert_eq!(final_of(&rig, "never")["state"], state, "{policy}");
        rig.assert_still_works("again");
        assert_eq!(times_on_air(&rig, "never"), times, "{policy}");
    }
}

#[test]
fn a_modem_that_takes_twelve_seconds_to_prompt_sends() {
    let mut rig = Rig::start();
    rig.modem.simulator().fault(Fault::on("AT+CMGS", FaultKind::Late(Duration::from_secs(12))).every());
    for id in ["slow", "slow-again"] {
        send(&rig, id);
        assert_eq!(final_of(&rig, id)["state"], "sent");
        assert_eq!(times_on_air(&rig, id), 1);
    }
    assert_eq!(rig.stop_and_count()["sessions"], 1);
}

#[test]
fn a_message_typed_too_early_behind_the_prompt_is_not_lost() {
    let profile = VendorProfile { deaf_after_prompt: Duration::from_millis(60), ..VendorProfile::generic() };
    let mut rig = Rig::prepare(&ModemOptions { profile, ..ModemOptions::default() }, |_| {});
    rig.start_gateway();
    send(&rig, "early");
    assert_eq!(final_of(&rig, "early")["state"], "sent");
    assert_eq!(times_on_air(&rig, "early"), 1);
    assert_eq!(rig.stop_and_count()["sessions"], 1);
}
