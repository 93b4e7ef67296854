//! Long messages, both ways.

use serde_json::{Value, json};

use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

const LONG: &str = "Нежные, пушистые и очень длинные слова, которые не помещаются в одно сообщение: \
    их делят на части, и части приходят в любом порядке, а получатель собирает их снова. 👋 \
    И ещё одна строка, чтобы частей стало не меньше трёх, даже если считать щедро.";

#[test]
fn parts_in_any_order_become_one_message() {
    let rig = Rig::start();
    let mut parts = rig.modem.parts("+4915100000001", LONG, 7);
    assert!(parts.len() >= 3, "{} parts", parts.len());
    parts.reverse();
    for part in &parts {
        rig.modem.deliver_pdu(part);
    }
    let message = rig.wait_for_received(LONG);
    assert_eq!(message["complete"], true, "{message}");
    assert_eq!(message["parts"], parts.len());
    assert_eq!(message["encoding"], "ucs2");
    assert_eq!(message["from"], "+4915100000001");
}

#[test]
fn parts_of_two_senders_are_kept_apart() {
    let rig = Rig::start();
    let one = rig.modem.parts("+4915100000001", &format!("1 {LONG}"), 7);
    let two = rig.modem.parts("+4915100000002", &format!("2 {LONG}"), 7);
    for (one, two) in one.iter().zip(&two) {
        rig.modem.deliver_pdu(one);
        rig.modem.deliver_pdu(two);
    }
    assert_eq!(rig.wait_for_received(&format!("1 {LONG}"))["from"], "+4915100000001");
    assert_eq!(rig.wait_for_received(&format!("2 {LONG}"))["from"], "+4915100000002");
}

#[test]
fn parts_survive_a_kill_between_them() {
    let mut rig = Rig::start();
    let parts = rig.modem.parts("+4915100000001", LONG, 7);
    let (last, first) = parts.split_last().expect("parts");
    for part in first {
        rig.modem.deliver_pdu(part);
    }
    wait_until("the first parts to be stored", || rig.modem.stored() == 0 && rig.modem.queued() == 0);
    rig.gateway.kill();
    rig.modem.deliver_pdu(last);
    rig.start_gateway();
    rig.wait_for_received(LONG);
}

#[test]
fn an_incomplete_message_is_published_after_the_timeout() {
    let rig = Rig::with(|config| config.set("inbound", "reassembly_timeout_s", 1));
    let parts = rig.modem.parts("+4915100000001", LONG, 7);
    rig.modem.deliver_pdu(&parts[0]);
    rig.modem.deliver_pdu(&parts[2]);
    let incomplete = rig.client.wait_for_json("the incomplete message", |topic, message| {
        topic == "sms/received/main" && message["complete"] == false
    });
    let missing: Vec<usize> = (1..=parts.len()).filter(|n| ![1, 3].contains(n)).collect();
    assert_eq!(incomplete["missing"], json!(missing), "{incomplete}");
    let text = incomplete["text"].as_str().unwrap_or_default();
    let beginning: String = text.chars().take(30).collect();
    assert!(LONG.starts_with(&beginning), "{text}");

    rig.modem.deliver_pdu(&parts[1]);
    let late = rig.client.wait_for_json("the late part", |topic, message| {
        topic == "sms/received/main" && message["late_for"].is_string()
    });
    assert_eq!(late["late_for"], incomplete["id"], "{late}");
    assert!(LONG.contains(late["text"].as_str().unwrap_or_default()));
}

#[test]
fn a_long_text_goes_out_in_parts() {
    let rig = Rig::start();
    rig.request(&json!({"id": "long", "to": "+4915100000002", "text": LONG}));
    let result = rig.client.wait_for_result("long", "sent");
    let submits = rig.modem.submits();
    assert_eq!(result["parts"], submits.len(), "{result}");
    let together: String = submits.iter().map(|submit| submit.text.as_str()).collect();
    assert_eq!(together, LONG);
    let references: Vec<_> = submits.iter().map(|submit| submit.concatenation).collect();
    let reference = references[0].expect("a concatenation").0;
    let total = u8::try_from(submits.len()).expect("few parts");
    let expected: Vec<_> = (1..=total).map(|sequence| Some((reference, total, sequence))).collect();
    assert_eq!(references, expected);
}

#[test]
fn too_many_parts_are_rejected() {
    let rig = Rig::start();
    rig.request(&json!({"id": "long", "to": "+4915100000002", "text": LONG.repeat(20)}));
    let result: Value = rig.client.wait_for_result("long", "rejected");
    assert_eq!(result["final"], true);
    let message = result["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("max_parts") || message.contains("10 parts"), "{result}");
    // The next message is sent and this one still is not.
    rig.assert_still_works("after");
    assert_eq!(rig.modem.submits().len(), 1);
}
