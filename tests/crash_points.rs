//! The gateway kills itself at every named instant, with one message on its way in and one out.
//!
//! docs/architecture.md, "the instant of kill -9", says what is true after each.

use serde_json::json;

use crate::harness::modem::ModemOptions;
use crate::harness::process::code;
use crate::harness::rig::{self, Rig};
use crate::harness::wait::wait_until;

const SIGKILL: i32 = 128 + 9;

/// One test for each point, so that a failure names it.
macro_rules! crash_points {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            nothing_is_lost_at(stringify!($name));
        }
    )*};
}

crash_points! {
    in_read in_committed in_deleted
    publish_sent publish_acked
    request_read request_committed
    submit_claimed submit_written submit_answered submit_committed
    report_committed
}

fn nothing_is_lost_at(point: &str) {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.launch_gateway(&[("SMSBRIDGE_CRASH_AT", point)]);
    rig.wait_online();
    publish_both(&rig);
    let status = rig.gateway.wait_for_end();
    assert_eq!(code(status), SIGKILL, "the gateway passes {point} and dies there");

    rig.start_gateway();
    let received = rig.wait_for_received("in");
    rig.client.wait_for_result("out", "delivered");
    wait_until("the SIM to be empty", || rig.modem.stored() == 0);
    assert_eq!(code(rig.gateway.stop()), 0);

    assert_eq!(rig.owed(), Vec::<String>::new(), "the store owes nothing");
    assert_one_id(&rig, &received["id"]);
    assert_one_final_result(&rig);
    let on_air = rig.modem.submits().len();
    // Between the answer of the network and its commit nobody can know: then it is sent again.
    let allowed = if point == "submit_answered" { 1..=2 } else { 1..=1 };
    assert!(allowed.contains(&on_air), "{on_air} times on air, allowed is {allowed:?}");
}

fn publish_both(rig: &Rig) {
    rig.modem.deliver("+4915100000001", "in");
    rig.request(&json!({"id": "out", "to": "+4915100000002", "text": "out", "delivery_report": true}));
}

fn assert_one_id(rig: &Rig, id: &serde_json::Value) {
    for crossing in rig.published("sms/received/") {
        assert_eq!(&rig::json(&crossing.publish)["id"], id, "every repetition carries the same id");
    }
}

fn assert_one_final_result(rig: &Rig) {
    let mut finals: Vec<String> = rig
        .published("sms/result")
        .iter()
        .map(|crossing| rig::json(&crossing.publish))
        .filter(|result| result["final"] == true && result["duplicate"] != true)
        .map(|result| result["state"].to_string())
        .collect();
    finals.dedup();
    assert_eq!(finals, ["\"delivered\""], "exactly one final result");
}

/// The message is on air, its answer never comes, and the gateway dies waiting for it.
fn die_between_ctrl_z_and_answer(on_unknown: &str) -> Rig {
    let mut rig = Rig::with(|config| config.set("outbound", "on_unknown", on_unknown));
    rig.modem.hang_after_next_submit();
    rig.request(&json!({"id": "out", "to": "+4915100000002", "text": "out"}));
    wait_until("the message to be on air", || rig.modem.submits().len() == 1);
    rig.gateway.kill();
    rig.modem.recover();
    rig.start_gateway();
    rig
}

#[test]
fn an_unknown_outcome_is_sent_again() {
    let rig = die_between_ctrl_z_and_answer("resend");
    let result = rig.client.wait_for_result("out", "sent");
    assert_eq!(result["final"], true);
    assert_eq!(rig.modem.submits().len(), 2, "once before the kill, once after");
}

#[test]
fn an_unknown_outcome_is_reported() {
    let rig = die_between_ctrl_z_and_answer("report");
    let result = rig.client.wait_for_result("out", "unknown");
    assert_eq!(result["final"], true);
    rig.assert_still_works("after");
    let again = rig.modem.submits().iter().filter(|submit| submit.text == "out").count();
    assert_eq!(again, 1, "it is not sent a second time");
}
