//! A request published at QoS 1 while the gateway is down is sent when it is up again.

use serde_json::json;

use crate::harness::process::code;
use crate::harness::rig::Rig;

fn sent_when_back(rig: &mut Rig) {
    let ids = ["a", "b", "c"];
    for id in ids {
        rig.request(&json!({"id": id, "to": "+4915100000002", "text": format!("text of {id}")}));
    }
    rig.start_gateway();
    for id in ids {
        rig.client.wait_for_result(id, "accepted");
        let result = rig.client.wait_for_result(id, "sent");
        assert_eq!(result["final"], true, "{result}");
    }
    let texts: Vec<String> = rig.modem.submits().into_iter().map(|submit| submit.text).collect();
    assert_eq!(texts, ["text of a", "text of b", "text of c"], "each once, in order");
}

#[test]
fn after_a_clean_stop() {
    let mut rig = Rig::start();
    assert_eq!(code(rig.gateway.stop()), 0);
    sent_when_back(&mut rig);
}

#[test]
fn after_a_kill() {
    let mut rig = Rig::start();
    rig.gateway.kill();
    sent_when_back(&mut rig);
}

#[test]
fn with_properties_of_mqtt_5() {
    let mut rig = Rig::start();
    assert_eq!(code(rig.gateway.stop()), 0);
    let answers = rig.client("asker", &["answers/#"]);
    answers.publish_with(crate::harness::mqtt_packets::Publish {
        topic: "sms/send/main".to_owned(),
        payload: json!({"id": "q", "to": "+4915100000002", "text": "?"}).to_string().into_bytes(),
        qos: 1,
        response_topic: Some("answers/q".to_owned()),
        correlation_data: Some(b"42".to_vec()),
        ..Default::default()
    });
    rig.start_gateway();
    answers.wait_for_json("the final result on the response topic", |topic, result| {
        topic == "answers/q" && result["id"] == "q" && result["final"] == true
    });
    assert!(answers.received().iter().all(|publish| publish.correlation_data.as_deref() == Some(b"42")));
}
