//! Invalid requests: each gets one rejection that explains it, and the next valid request works.

use serde_json::{Value, json};

use crate::harness::gateway::has_all;
use crate::harness::mqtt_packets::Publish;
use crate::harness::rig::Rig;

/// The only result there is, `rejected` and final unless its id is that of another request, with its words.
fn rejection(rig: &Rig) -> (Value, String) {
    let result = rig
        .client
        .wait_for_json("a rejection", |topic, result| topic == "sms/result" && result["state"] == "rejected");
    assert_eq!(result["final"] == true, result["conflict"] != true, "{result}");
    assert!(result["error"]["code"].is_string(), "{result}");
    let message = result["error"]["message"].as_str().unwrap_or_default().to_owned();
    (result, message)
}

fn assert_nothing_was_sent_and_the_next_works(rig: &Rig) {
    rig.assert_still_works("after");
    assert_eq!(rig.modem.submits().len(), 1, "only the good request was sent");
    let results = rig.client.received().iter().filter(|publish| is_rejection(publish)).count();
    assert_eq!(results, 1, "one bad request, one message");
}

fn is_rejection(publish: &Publish) -> bool {
    publish.topic == "sms/result" && has_all(&String::from_utf8_lossy(&publish.payload), &["\"rejected\""])
}

#[test]
fn plain_text() {
    let rig = Rig::start();
    rig.client.publish("sms/send", "please send hello to my mother");
    let (result, message) = rejection(&rig);
    assert_eq!(result["id"], Value::Null);
    assert!(result.to_string().contains("please send hello"), "it shows what came: {result}");
    assert!(has_all(&message, &["JSON"]), "{message}");
    assert_nothing_was_sent_and_the_next_works(&rig);
}

#[test]
fn broken_json() {
    let rig = Rig::start();
    rig.client.publish("sms/send", r#"{"id":"x","to":"+4915100000002","text":"half"#);
    let (_, message) = rejection(&rig);
    assert!(has_all(&message, &["JSON"]), "{message}");
    assert_nothing_was_sent_and_the_next_works(&rig);
}

#[test]
fn invalid_utf_8() {
    let rig = Rig::start();
    rig.client.publish("sms/send", b"\xff\xfe{\x00");
    rejection(&rig);
    assert_nothing_was_sent_and_the_next_works(&rig);
}

#[test]
fn an_unknown_field() {
    let rig = Rig::start();
    rig.request(&json!({"id": "typo", "to": "+4915100000002", "text": "t", "tll_s": 60}));
    let (result, message) = rejection(&rig);
    assert_eq!(result["id"], "typo");
    assert!(has_all(&message, &["tll_s"]), "{message}");
    assert_nothing_was_sent_and_the_next_works(&rig);
}

#[test]
fn a_field_of_another_type_is_named_with_what_was_expected_and_what_came() {
    let rig = Rig::start();
    rig.request(&json!({"id": "typed", "to": "+4915100000002", "text": "t", "delivery_report": "true"}));
    let (result, message) = rejection(&rig);
    assert_eq!((&result["id"], &result["error"]["code"]), (&json!("typed"), &json!("malformed")));
    assert_eq!(message, r#"delivery_report: true or false, not "true""#);
    rig.gateway.wait_for_log(&["rejected", "typed", "delivery_report", "true or false"]);
    assert_nothing_was_sent_and_the_next_works(&rig);
}

#[test]
fn an_empty_text() {
    let rig = Rig::start();
    rig.request(&json!({"id": "empty", "to": "+4915100000002", "text": ""}));
    let (result, message) = rejection(&rig);
    assert_eq!(result["id"], "empty");
    assert!(has_all(&message, &["text: ", "at least one character"]), "{message}");
    assert_nothing_was_sent_and_the_next_works(&rig);
}

#[test]
fn broken_json_is_told_where() {
    let rig = Rig::start();
    rig.client.publish("sms/send", "{\"to\":\"+4915100000002\",\n\"text\":\"two\nlines\"}");
    let (_, message) = rejection(&rig);
    assert!(has_all(&message, &["the end of line 2", r"write \n for it"]), "{message}");
    assert_nothing_was_sent_and_the_next_works(&rig);
}

#[test]
fn a_ussd_request_that_cannot_be_read_or_is_too_large_is_told_so_under_its_id() {
    let rig = Rig::start();
    let answers = rig.client("asks", &["sms/ussd/main/reply"]);
    let reply = |id: &str| answers.wait_for_json("a reply", |_, reply| reply["id"] == id)["text"].to_string();
    rig.client.publish("sms/ussd/main", json!({"id": "u1", "code": 100}).to_string());
    let text = reply("u1");
    assert!(has_all(&text, &["code: 1 to 182 characters in quotes", "not 100"]), "{text}");
    rig.client.publish("sms/ussd/main", json!({"id": "u2", "code": "1".repeat(300_000)}).to_string());
    let text = reply("u2");
    assert!(has_all(&text, &["262144"]), "{text}");
    rig.assert_still_works("after");
}

#[test]
fn no_number() {
    let rig = Rig::start();
    rig.request(&json!({"id": "nobody", "text": "t"}));
    let (result, message) = rejection(&rig);
    assert_eq!(result["id"], "nobody");
    assert!(has_all(&message, &["to"]), "{message}");
    assert_nothing_was_sent_and_the_next_works(&rig);
}

#[test]
fn an_invalid_number() {
    let rig = Rig::start();
    rig.request(&json!({"id": "mum", "to": "mum", "text": "t"}));
    let (result, message) = rejection(&rig);
    assert_eq!((&result["id"], &result["to"]), (&json!("mum"), &json!("mum")));
    assert!(has_all(&message, &["number"]), "{message}");
    assert_nothing_was_sent_and_the_next_works(&rig);
}

#[test]
fn an_unknown_modem() {
    let rig = Rig::start();
    rig.request(&json!({"id": "m", "to": "+4915100000002", "text": "t", "modem": "mian"}));
    let (_, message) = rejection(&rig);
    assert!(has_all(&message, &["mian", "main"]), "it names the one there is: {message}");
    assert_nothing_was_sent_and_the_next_works(&rig);
}

#[test]
fn a_request_that_is_too_large() {
    let rig = Rig::start();
    let text = "x".repeat(300 * 1024);
    rig.request(&json!({"id": "large", "to": "+4915100000002", "text": text}));
    let (result, message) = rejection(&rig);
    assert!(has_all(&message, &["262144"]), "it names the limit: {message}");
    assert!(result.to_string().len() < 2000, "the answer is short");
    assert_nothing_was_sent_and_the_next_works(&rig);
}

#[test]
fn retained() {
    let mut rig = Rig::start();
    rig.client.publish_with(Publish {
        topic: "sms/send".to_owned(),
        payload: json!({"id": "kept", "to": "+4915100000002", "text": "again and again"})
            .to_string()
            .into_bytes(),
        qos: 1,
        retain: true,
        ..Publish::default()
    });
    let (result, message) = rejection(&rig);
    assert_eq!((&result["id"], &result["error"]["code"]), (&json!("kept"), &json!("retained")));
    assert!(has_all(&message, &["retain"]), "{message}");
    assert_nothing_was_sent_and_the_next_works(&rig);

    // The broker keeps it; neither a new connection nor a new process may meet it again.
    rig.proxy.cut();
    rig.gateway.stop();
    rig.start_gateway();
    rig.assert_still_works("restarted");
    assert_eq!(rig.client.results("kept").len(), 1);
    assert!(rig.modem.submits().iter().all(|submit| submit.text != "again and again"));
}

#[test]
fn the_same_id_with_other_content() {
    let rig = Rig::start();
    rig.request(&json!({"id": "one", "to": "+4915100000002", "text": "first"}));
    rig.client.wait_for_result("one", "sent");
    rig.request(&json!({"id": "one", "to": "+4915100000002", "text": "second"}));
    let (result, message) = rejection(&rig);
    assert_eq!(
        (&result["error"]["code"], &result["conflict"]),
        (&json!("id-conflict"), &json!(true)),
        "{message}"
    );
    rig.request(&json!({"id": "one", "to": "+4915100000002", "text": "first"}));
    rig.client.wait_for_json("the last result again", |_, result| {
        result["id"] == "one" && result["state"] == "sent" && result["duplicate"] == true
    });
    assert_eq!(rig.modem.submits().len(), 1, "the same id sends nothing twice");
}
