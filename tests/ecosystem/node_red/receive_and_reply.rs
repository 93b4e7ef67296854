//! SMS that are answered by their first word: each once, and only those that are meant.

use super::*;

fn answering() -> Flows {
    Flows::shipped(&["receive-and-reply"]).set("SENDERS", format!("{ANNA}, {BEN}"))
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_burst_is_answered_once_each_across_a_restart_of_node_red() {
    for version in VERSIONS {
        let rig = start();
        let mut node_red = node_red(version, &rig, answering());
        for n in 0..10 {
            rig.modem.deliver(ANNA, &format!("Status {n}, please"));
        }
        wait_until("ten replies", || sent_to(&rig, ANNA) == 10);
        node_red.stop();
        for n in 10..20 {
            rig.modem.deliver(ANNA, &format!("status {n}"));
        }
        rig.wait_for_received("status 19");
        node_red.start_again();
        wait_until("twenty replies", || sent_to(&rig, ANNA) == 20);
        rig.modem.deliver(BEN, "help");
        wait_until("a reply to what came after", || sent_to(&rig, BEN) == 1);
        assert_eq!(sent_to(&rig, ANNA), 20, "each message is answered once");
        assert_eq!(rig.modem.submits()[0].text, "All is well. Your message came in on modem main.");
        assert_eq!(ids(&node_red.published("sms/send")).len(), 21);
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_message_that_is_published_again_is_answered_once() {
    for version in VERSIONS {
        let rig = start();
        let mut node_red = node_red(version, &rig, answering());
        rig.modem.deliver(ANNA, "status");
        let message = rig.wait_for_received("status");
        let id = format!("node-red-{}", message["id"].as_str().expect("an id"));
        rig.client.wait_for_result(&id, "sent");
        let again = |text: &str| {
            rig.client.publish("sms/received/main", message.to_string());
            rig.modem.deliver(BEN, text);
        };
        again("help");
        wait_until("a reply to the one behind it", || sent_to(&rig, BEN) == 1);
        assert_eq!(node_red.published("sms/send").len(), 2, "the flow knows it");
        // After a restart it does not, and asks again: the gateway does.
        node_red.kill();
        node_red.start_again();
        again("help, please");
        wait_until("a reply to the one behind it", || sent_to(&rig, BEN) == 2);
        assert_eq!(node_red.published("sms/send").len(), 4);
        rig.client
            .wait_for_json("the duplicate's answer", |_, json| json["id"] == id && json["duplicate"] == true);
        assert_eq!(sent_to(&rig, ANNA), 1);
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn what_is_not_a_new_message_of_a_known_sender_is_not_answered() {
    for version in VERSIONS {
        let rig = start();
        let node_red = node_red(version, &rig, answering());
        rig.modem.deliver(STRANGER, "status");
        rig.modem.deliver(ANNA, "what is the status?");
        rig.modem.deliver(ANNA, "  ");
        let good = |id| received(id, ANNA, "status");
        let hour_ago = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1)).to_string();
        let odd = [
            with(good("1"), "sent_at", hour_ago.clone().into()),
            with(good("2"), "received_at", hour_ago.into()),
            with(with(good("3"), "sent_at", "yesterday".into()), "received_at", Value::Null),
            with(good("4"), "from_type", "alphanumeric".into()),
            with(good("5"), "from", "4915100000001".into()),
            with(good("6"), "kind", "silent".into()),
            with(good("7"), "complete", false.into()),
            with(good("8"), "stored", true.into()),
            with(good("9"), "truncated", true.into()),
            with(good("10"), "text", Value::Null),
            with(good("11"), "text", json!(["status"])),
            with(good("12"), "from", json!(4_915_100_000_001_u64)),
            with(good("13"), "id", Value::Null),
            json!({"id": "14", "modem": "main", "received_at": "x", "error": "no PDU", "pdus": ["00"]}),
            json!([good("15")]),
            json!("status"),
            json!(17),
            Value::Null,
        ];
        for payload in
            odd.iter().map(Value::to_string).chain(["status".to_owned(), "{".to_owned(), String::new()])
        {
            rig.client.publish("sms/received/main", payload);
        }
        rig.client.publish("sms/received/main", [0xff, 0x00, 0x80]);
        rig.client.publish_with(Publish {
            topic: "sms/received/main".to_owned(),
            payload: good("retained").to_string().into_bytes(),
            qos: 1,
            retain: true,
            ..Publish::default()
        });
        rig.client.publish("sms/received/main", good("last").to_string());
        rig.client.wait_for_result("node-red-last", "sent");
        assert_eq!(ids(&node_red.published("sms/send")), BTreeSet::from(["node-red-last".to_owned()]));
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_message_left_retained_is_not_answered_at_a_start() {
    for version in VERSIONS {
        let rig = start();
        rig.client.publish_with(Publish {
            topic: "sms/received/main".to_owned(),
            payload: received("retained", ANNA, "status").to_string().into_bytes(),
            qos: 1,
            retain: true,
            ..Publish::default()
        });
        let mut node_red = node_red(version, &rig, answering());
        node_red.stop();
        node_red.start_again();
        rig.modem.deliver(BEN, "status");
        wait_until("a reply", || sent_to(&rig, BEN) == 1);
        let heard: Vec<String> = {
            let record = node_red.proxy.record();
            let payloads = record.to_gateway.iter().map(|crossing| &crossing.publish.payload);
            payloads.map(|payload| String::from_utf8_lossy(payload).into_owned()).collect()
        };
        assert!(
            !heard.iter().any(|payload| payload.contains("\"retained\"")),
            "the broker sends none: {heard:?}"
        );
        assert_eq!(sent_to(&rig, ANNA), 0);
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_restart_of_the_broker_costs_no_answer() {
    for version in VERSIONS {
        let mut rig = start();
        let node_red = node_red(version, &rig, answering());
        rig.modem.deliver(ANNA, "status 0");
        wait_until("a reply", || sent_to(&rig, ANNA) == 1);
        for n in 1..=3 {
            rig.broker.stop();
            rig.modem.deliver(ANNA, &format!("status {n}"));
            rig.broker.restart();
            wait_until("a reply to what came meanwhile", || sent_to(&rig, ANNA) == 1 + n);
        }
        rig.modem.deliver(BEN, "status");
        wait_until("a reply to what came after", || sent_to(&rig, BEN) == 1);
        assert_eq!(sent_to(&rig, ANNA), 4, "each message is answered once");
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}
