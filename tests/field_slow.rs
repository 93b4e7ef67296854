//! Modems that are slow with one command, silent to another, or asleep: what is late is waited for, what can be done without is
//! left out.

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use smsbridge_simulator::{Fault, FaultKind, VendorProfile};

use crate::harness::modem::ModemOptions;
use crate::harness::rig::Rig;
use crate::harness::wait::{wait_at_most, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// Room for the sessions that a modem may take to teach how slow it is.
const LESSONS: Duration = Duration::from_secs(300);

/// One message each way through a modem of which one command always takes so long; the sessions it took.
fn works_though_slow(command: &str, late: Duration) -> u64 {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.modem.simulator().fault(Fault::on(command, FaultKind::Late(late)).every());
    rig.launch_gateway(&[]);
    works_in_the_end(&mut rig)
}

/// The sessions it took until a message went each way.
fn works_in_the_end(rig: &mut Rig) -> u64 {
    rig.wait_subscribed();
    rig.modem.deliver("+4915100000001", "in");
    rig.request(&json!({"id": "out", "to": "+4915100000002", "text": "out"}));
    wait_at_most(LESSONS, "a message each way, and an empty SIM", || {
        let is_sent = rig.client.results("out").iter().any(|result| result["state"] == "sent");
        (is_sent && !rig.received_ids("in").is_empty() && rig.modem.stored() == 0).then_some(())
    });
    assert_eq!(rig.received_ids("in").len(), 1);
    assert_eq!(rig.modem.submits().len(), 1);
    let counters = rig.stop_and_count();
    assert_eq!((&counters["radio_restarted"], &counters["reset"]), (&json!(0), &json!(0)), "{counters}");
    counters["sessions"].as_u64().expect("a number")
}

#[test]
fn eight_seconds_for_the_caller_id() {
    assert_eq!(works_though_slow("AT+CLIP=1", 8 * SECOND), 1);
}

#[test]
fn twelve_seconds_for_what_usually_takes_none() {
    // More than any of these is given at first.
    for command in ["AT+CLIP=1", "AT+CSQ", "AT+CMGF=0"] {
        let sessions = works_though_slow(command, 12 * SECOND);
        assert!(sessions <= 3, "{command}: {sessions} sessions");
    }
}

#[test]
fn twenty_seconds_for_the_operator() {
    assert_eq!(works_though_slow("AT+COPS?", 20 * SECOND), 1);
}

#[test]
fn thirty_seconds_for_each_deletion() {
    assert_eq!(works_though_slow("AT+CMGD", 30 * SECOND), 1);
}

#[test]
fn twelve_seconds_for_the_state_of_the_sim() {
    assert_eq!(works_though_slow("AT+CPIN?", 12 * SECOND), 1);
}

#[test]
fn a_question_nobody_answers_is_left_out_and_shown() {
    for (command, named) in [("AT+CLIP=1", "AT+CLIP="), ("AT+C5GREG=2", "AT+C5GREG="), ("AT+CSQ", "AT+CSQ")] {
        let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
        rig.modem.simulator().fault(Fault::on(command, FaultKind::Swallow).every());
        rig.launch_gateway(&[]);
        rig.wait_for_problem(&[named, "left out"]);
        works_in_the_end(&mut rig);
        assert!(rig.modem.typed(command) <= 3, "{command} is asked {} times", rig.modem.typed(command));
    }
}

#[test]
fn an_operator_that_is_never_told_keeps_no_message() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.modem.simulator().fault(Fault::on("AT+COPS?", FaultKind::Swallow).every());
    rig.launch_gateway(&[]);
    works_in_the_end(&mut rig);
}

#[test]
fn a_modem_that_sleeps_after_five_seconds_loses_nothing_and_keeps_its_session() {
    let profile = VendorProfile { sleeps_after: Some(5 * SECOND), ..VendorProfile::generic() };
    let mut rig = Rig::prepare(&ModemOptions { profile, ..ModemOptions::default() }, |_| {});
    rig.start_gateway();
    for n in 0..3 {
        // Long enough to fall asleep; how much longer is of no matter.
        sleep(6 * SECOND);
        let text = format!("wakes it {n}");
        rig.modem.deliver("+4915100000001", &text);
        rig.wait_for_received(&text);
        wait_until("an empty SIM", || rig.modem.stored() == 0);
        sleep(6 * SECOND);
        let id = format!("wakes-it-{n}");
        rig.request(&json!({"id": id, "to": "+4915100000002", "text": "out"}));
        rig.client.wait_for_result(&id, "sent");
    }
    assert_eq!(rig.modem.submits().len(), 3);
    let counters = rig.stop_and_count();
    assert_eq!((&counters["sessions"], &counters["resynchronised"]), (&json!(1), &json!(0)), "{counters}");
}
