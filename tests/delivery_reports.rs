//! Status reports of the network about a message that was sent.

use serde_json::{Value, json};

use crate::harness::modem::{ModemOptions, Reports};
use crate::harness::rig::Rig;

fn final_result(reports: Reports) -> (Rig, Value) {
    let options = ModemOptions { reports, ..ModemOptions::default() };
    let mut rig = Rig::prepare(&options, |config| config.set("outbound", "report_timeout_s", 3));
    rig.start_gateway();
    rig.request(
        &json!({"id": "r", "to": "+4915100000002", "text": "report, please", "delivery_report": true}),
    );
    let result = rig.client.wait_for_json("the final result", |topic, result| {
        topic == "sms/result" && result["id"] == "r" && result["final"] == true
    });
    (rig, result)
}

#[test]
fn a_delivered_message_is_accepted_sent_delivered() {
    let (rig, result) = final_result(Reports::After(0));
    assert_eq!(result["state"], "delivered");
    assert!(result["delivered_at"].is_string(), "{result}");
    assert_eq!(result["to"], "+4915100000002");
    let states: Vec<Value> = rig.client.results("r").iter().map(|result| result["state"].clone()).collect();
    assert_eq!(states, ["accepted", "sent", "delivered"], "each once and in order");
    assert!(rig.modem.submits()[0].report_requested);
}

#[test]
fn a_permanent_failure() {
    // TS 23.040 9.2.3.15: 0x46, permanent error, validity period expired.
    let (_rig, result) = final_result(Reports::After(0x46));
    assert_eq!(result["state"], "failed", "{result}");
    assert!(result["error"]["code"].is_string() && result["error"]["message"].is_string(), "{result}");
}

#[test]
fn a_report_before_the_answer_is_kept() {
    let (_rig, result) = final_result(Reports::BeforeAnswer(0));
    assert_eq!(result["state"], "delivered", "{result}");
}

#[test]
fn a_report_that_never_comes() {
    let (_rig, result) = final_result(Reports::Never);
    assert_eq!((&result["state"], &result["report"]), (&json!("sent"), &json!("missing")), "{result}");
}

#[test]
fn no_report_is_requested_where_none_is_wanted() {
    let rig = Rig::start();
    rig.request(&json!({"id": "r", "to": "+4915100000002", "text": "no report"}));
    let result = rig.client.wait_for_result("r", "sent");
    assert_eq!(result["final"], true, "{result}");
    assert!(!rig.modem.submits()[0].report_requested);
}

#[test]
fn a_report_for_each_part() {
    let rig = Rig::start();
    let text = "Длинное сообщение в нескольких частях. ".repeat(6);
    rig.request(&json!({"id": "r", "to": "+4915100000002", "text": text, "delivery_report": true}));
    let result = rig.client.wait_for_result("r", "delivered");
    assert_eq!(result["parts"], rig.modem.submits().len(), "{result}");
    assert_eq!(result["final"], true);
}
