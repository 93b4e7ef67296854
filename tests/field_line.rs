//! A line that is not as it should be: another program's settings, too many answers, answers to the question before.

use std::time::Duration;

use smsbridge_simulator::{Fault, FaultKind, LeftBehind, VendorProfile};

use crate::harness::modem::ModemOptions;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

fn left(left_behind: LeftBehind) -> Rig {
    let profile = VendorProfile { text_mode: true, ..VendorProfile::generic() };
    Rig::prepare(&ModemOptions { profile, left_behind, ..ModemOptions::default() }, |_| {})
}

#[test]
fn a_modem_another_program_left_in_any_state_comes_up() {
    let nothing = LeftBehind::default();
    for left_behind in [
        LeftBehind { numeric_results: true, ..nothing },
        LeftBehind { no_results: true, ..nothing },
        LeftBehind { no_results: true, numeric_results: true, ..nothing },
        LeftBehind { data_mode: true, ..nothing },
        LeftBehind { data_mode: true, no_results: true, ..nothing },
        LeftBehind { ucs2: true, ..nothing },
        LeftBehind { text_mode: true, ..nothing },
        LeftBehind { numeric_results: true, no_results: true, text_mode: true, ucs2: true, data_mode: true },
    ] {
        let mut rig = left(left_behind);
        rig.start_gateway();
        rig.assert_still_works("left");
        let state = rig.wait_for_modem("the operator", |state| state["operator"].is_string());
        assert_eq!(state["operator"], "Simulated", "{left_behind:?}");
        assert_eq!(state["service_center"], "+79210000000", "{left_behind:?}");
        assert_eq!(rig.modem.simulator().sent_as_text(), [], "{left_behind:?}");
        let counters = rig.stop_and_count();
        assert_eq!(counters["reset"], 0, "{left_behind:?}: {counters}");
    }
}

#[test]
fn a_modem_that_says_ok_three_times_receives_and_sends() {
    for results in [2, 3] {
        let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
        rig.modem.simulator().fault(Fault::on("AT", FaultKind::Results(results)).every());
        rig.launch_gateway(&[]);
        both_ways(&rig, "talkative");
    }
}

#[test]
fn a_modem_that_says_ok_three_times_to_a_message_sends_it_once() {
    let rig = Rig::start();
    rig.modem.simulator().fault(Fault::on_payload(FaultKind::Results(3)).every());
    both_ways(&rig, "thrice");
    both_ways(&rig, "thrice-again");
}

#[test]
fn answers_that_are_one_behind_for_a_while_lose_nothing() {
    for span in [2, 10] {
        let rig = Rig::start();
        let fault = Fault::on("AT", FaultKind::Behind).lasting(Duration::from_secs(span));
        rig.modem.simulator().fault(fault);
        both_ways(&rig, "behind");
        rig.assert_still_works("caught-up");
    }
}

#[test]
fn answers_that_are_one_behind_from_the_start_lose_nothing() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let fault = Fault::on("AT", FaultKind::Behind).lasting(Duration::from_secs(8));
    rig.modem.simulator().fault(fault);
    rig.launch_gateway(&[]);
    both_ways(&rig, "behind");
}

#[test]
fn an_answer_that_is_lost_now_and_then_loses_nothing() {
    let rig = Rig::start();
    for command in ["AT+CMGL", "AT+CMGD", "AT+CPMS", "AT+CREG?"] {
        rig.modem.simulator().fault(Fault::on(command, FaultKind::Swallow));
    }
    both_ways(&rig, "lost");
}

/// A message each way, once, and an empty SIM.
fn both_ways(rig: &Rig, name: &str) {
    rig.wait_subscribed();
    let text = format!("{name} in");
    rig.modem.deliver("+4915100000001", &text);
    let out = format!("{name} out");
    let id = format!("{name}-out");
    rig.request(&serde_json::json!({"id": id, "to": "+4915100000002", "text": out}));
    rig.wait_for_received(&text);
    rig.client.wait_for_result(&id, "sent");
    wait_until("an empty SIM", || rig.modem.stored() == 0);
    assert_eq!(rig.received_ids(&text).len(), 1, "{name}");
    let on_air = rig.modem.submits().iter().filter(|submit| submit.text == out).count();
    assert_eq!(on_air, 1, "{name}: times on air");
}
