//! What costs money: nobody gets more SMS or USSD out of the gateway than its owner allows, nor forges how a request
//! ended.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smsbridge_codec as codec;
use smsbridge_simulator::Ussd;

use crate::harness::client::Client;
use crate::harness::gateway::{Config, has_all};
use crate::harness::modem::ModemOptions;
use crate::harness::mqtt_packets::Publish;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

const ANNA: &str = "+4915100000002";
const PREMIUM: &str = "+49900123456";

fn final_of(rig: &Rig, id: &str) -> Value {
    rig.client.wait_for_json(&format!("the final result of {id:?}"), |topic, result| {
        topic == "sms/result" && result["id"] == id && result["final"] == true
    })
}

fn send(rig: &Rig, id: &str, to: &str, text: &str) -> Value {
    rig.request(&json!({"id": id, "to": to, "text": text}));
    final_of(rig, id)
}

/// A text of so many parts.
fn parts(count: usize) -> String {
    "x".repeat(if count == 1 { 100 } else { 153 * count })
}

/// Changes the store of a gateway that does not run.
fn change_store(rig: &Rig, sql: &str) {
    let path = rig.folder().join("store/smsbridge.sqlite");
    rusqlite::Connection::open(path)
        .expect("the store opens")
        .execute_batch(sql)
        .expect("a change of the store");
}

#[test]
fn deleting_old_requests_renews_no_budget_and_forgets_no_id() {
    let mut rig = Rig::with(|config| config.set("outbound", "per_day", 2));
    for id in ["a", "b"] {
        assert_eq!(send(&rig, id, ANNA, id)["state"], "sent");
    }
    rig.request(&json!({"id": "c", "to": ANNA, "text": "c"}));
    rig.wait_for_problem(&["per_day = 2"]);
    assert_eq!(code(rig.gateway.stop()), 0);
    // They were accepted long ago, and waited until now.
    change_store(&rig, "UPDATE request SET accepted_at = accepted_at - 40 * 86400000");
    rig.client.forget();
    rig.start_gateway();
    rig.wait_for_problem(&["per_day = 2"]);
    rig.request(&json!({"id": "a", "to": ANNA, "text": "a"}));
    assert_eq!(final_of(&rig, "a")["duplicate"], true, "its id is remembered: it ended just now");
    assert_eq!(rig.modem.submits().len(), 2, "two a day, whatever was deleted: {:#?}", rig.modem.submits());
}

#[test]
fn a_budget_is_not_overshot_by_a_message_of_many_parts() {
    let mut rig = Rig::with(|config| {
        config.set("outbound", "per_minute", 10);
        config.set("outbound", "max_parts", 30);
    });
    let refused = send(&rig, "eighteen", ANNA, &parts(18));
    assert_eq!((&refused["state"], &refused["error"]["code"]), (&json!("rejected"), &json!("too-long")));
    let words = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(has_all(words, &["18 parts", "per_minute = 10"]), "it names the key: {words}");
    assert_eq!(send(&rig, "eight", ANNA, &parts(8))["state"], "sent");
    rig.request(&json!({"id": "three", "to": ANNA, "text": parts(3)}));
    rig.wait_for_problem(&["per_minute = 10", "wait"]);
    assert_eq!(rig.modem.submits().len(), 8, "it waits whole: none of its parts is on air");
    assert_eq!(code(rig.gateway.stop()), 0);
    rig.reconfigure(|config| config.set("outbound", "per_minute", 11));
    rig.start_gateway();
    assert_eq!(final_of(&rig, "three")["state"], "sent", "and whole it goes out");
    assert_eq!(rig.modem.submits().len(), 11);
}

#[test]
fn no_spelling_of_a_denied_number_is_reached() {
    for country in ["", "49"] {
        let rig = Rig::with(|config| {
            config.set("outbound", "deny", vec!["+49900*"]);
            config.set("outbound", "default_country", country);
            config.set("outbound", "short_codes", vec!["10086"]);
        });
        for (n, written) in (0..).zip([
            PREMIUM,
            "+49 (0)900 123456",
            "+490900123456",
            "0049900123456",
            "00490900123456",
            "+0049900123456",
            "0900123456",
            "0900/12 34 56",
            "49900123456",
            "*31#0900123456",
            "#31#+49900123456",
            "**21*0900123456#",
            "##002#",
            "＋49900123456",
            "+4900900123456",
            "8104990012345",
        ]) {
            let id = format!("premium-{n}");
            let result = send(&rig, &id, written, "t");
            assert_eq!(result["state"], "rejected", "{written} with {country:?}: {result}");
        }
        for (id, written, dialled) in [("short", "10086", "10086"), ("good", "+49 (0)151 00000002", ANNA)] {
            let result = send(&rig, id, written, "t");
            assert_eq!((&result["state"], &result["to"]), (&json!("sent"), &json!(dialled)), "{result}");
        }
        assert_eq!(rig.modem.submits().len(), 2, "{country:?}: {:#?}", rig.modem.submits());
    }
}

#[test]
fn one_phone_in_several_spellings_gets_one_sms() {
    let rig = Rig::with(|config| config.set("outbound", "default_country", "49"));
    let to = [ANNA, "004915100000002", "015100000002", "+49 (0)151 00000002", "+49015100000002"];
    rig.request(&json!({"id": "once", "to": to, "text": "once"}));
    assert_eq!(final_of(&rig, "once")["to"], ANNA);
    rig.assert_still_works("after");
    assert_eq!(rig.modem.submits().iter().filter(|submit| submit.text == "once").count(), 1);
}

fn away(config: &mut Config) {
    config.set("outbound", "default_country", "49");
    config.add("rule", "name = \"away\"\nmatch = '^ping'\nreply = \"I am away\"\nreplies_per_hour = 2");
}

/// Delivers a text from a name that may look like a number.
fn deliver_from_name(rig: &Rig, name: &str, text: &str) {
    let pdu = rig.modem.parts(ANNA, text, 1).remove(0);
    let mut decoded = codec::Pdu::decode_hex(&pdu, codec::Direction::MobileTerminated).expect("a PDU");
    let codec::Tpdu::Deliver(deliver) = &mut decoded.tpdu else { panic!("no SMS-DELIVER") };
    deliver.from = codec::Address::alphanumeric(name).expect("a name");
    rig.modem.deliver_pdu(&decoded.encode().expect("a PDU").hex);
}

#[test]
fn names_that_look_like_numbers_are_not_answered() {
    let rig = Rig::with(away);
    for name in ["+4917099999", "09001234567"] {
        let text = format!("ping from {name}");
        deliver_from_name(&rig, name, &text);
        let message = rig.wait_for_received(&text);
        assert_eq!((&message["from"], &message["from_type"]), (&json!(name), &json!("alphanumeric")));
    }
    rig.modem.deliver(ANNA, "ping");
    wait_until("the answer to a phone", || rig.modem.submits().len() == 1);
    rig.assert_still_works("after");
    assert_eq!(rig.modem.submits().len(), 2, "no name is answered: {:#?}", rig.modem.submits());
}

#[test]
fn one_phone_in_several_spellings_gets_its_replies_once() {
    for country in ["49", ""] {
        let rig = Rig::with(|config| {
            away(config);
            config.set("outbound", "default_country", country);
        });
        for n in 0..2 {
            for from in [ANNA, "004915100000002", "015100000002"] {
                rig.modem.deliver(from, &format!("ping {n} {from}"));
                rig.wait_for_received(&format!("ping {n} {from}"));
            }
        }
        rig.assert_still_works("after");
        let replies = rig.modem.submits().into_iter().filter(|submit| submit.text == "I am away");
        let to: Vec<String> = replies.map(|submit| submit.to).collect();
        assert_eq!(to.len(), 2, "two an hour to one phone, with the country {country:?}: {to:?}");
        assert!(country.is_empty() || to == [ANNA, ANNA], "by its one number: {to:?}");
    }
}

/// The answer to a USSD request: its state and text.
fn ask(client: &Client, request: &Value) -> (String, String) {
    client.forget();
    client.publish("sms/ussd/main", request.to_string());
    let reply =
        client.wait_for_json(&format!("an answer to {request}"), |_, reply| reply["id"] == request["id"]);
    let word = |key: &str| reply[key].as_str().unwrap_or_default().to_owned();
    (word("state"), word("text"))
}

/// The USSD strings the modem was given.
fn typed(rig: &Rig) -> usize {
    rig.modem.typed("AT+CUSD=1")
}

#[test]
fn ussd_is_off_until_a_code_is_listed() {
    let mut rig = Rig::start();
    let client = rig.client("ussd", &["sms/ussd/+/reply"]);
    let (state, words) = ask(&client, &json!({"id": "off", "code": "*100#"}));
    assert!(
        state == "failed" && words.contains("[ussd] allow = [\"*100#\"]"),
        "it says what to set: {words}"
    );
    assert_eq!(code(rig.gateway.stop()), 0);
    rig.reconfigure(|config| config.set("ussd", "allow", vec!["*100#"]));
    rig.start_gateway();
    for written in ["**21*+4990012345#", "##002#", "**04*0000*1111*1111#", "*1000#", "*100", "100"] {
        let (state, words) = ask(&client, &json!({"id": "other", "code": written}));
        assert!(state == "failed" && words.contains("[ussd] allow"), "{written}: {state} {words}");
    }
    let (state, words) = ask(&client, &json!({"id": "no-menu", "reply": "**21*+4990012345#"}));
    assert!(state == "failed" && words.contains("no menu"), "{words}");
    assert_eq!(typed(&rig), 0, "none of them reached the modem");
    assert_eq!(ask(&client, &json!({"id": "on", "code": "*100#"})).0, "done");
}

#[test]
fn the_budget_of_ussd_survives_a_restart() {
    let mut rig = Rig::with(|config| {
        config.set("ussd", "allow", vec!["*100#"]);
        config.set("ussd", "per_day", 2);
    });
    let client = rig.client("ussd", &["sms/ussd/+/reply"]);
    for id in ["first", "second"] {
        assert_eq!(ask(&client, &json!({"id": id, "code": "*100#"})).0, "done");
    }
    rig.gateway.kill();
    rig.start_gateway();
    let (state, words) = ask(&client, &json!({"id": "third", "code": "*100#"}));
    assert!(state == "failed" && words.contains("[ussd] per_day = 2"), "{state} {words}");
    assert_eq!(typed(&rig), 2);
    rig.assert_still_works("beside");
}

#[test]
fn a_menu_is_answered_by_who_opened_it_alone() {
    let rig = Rig::with(|config| config.set("ussd", "allow", vec!["*100#", "*101#"]));
    let client = rig.client("ussd", &["sms/ussd/+/reply"]);
    let sim = rig.modem.simulator();
    sim.set_ussd("*101#", Ussd { text: "1 Buy".into(), more: true });
    sim.set_ussd("1", Ussd { text: "bought".into(), more: false });
    assert_eq!(ask(&client, &json!({"id": "opener", "code": "*101#"})), ("more".into(), "1 Buy".into()));
    for request in [
        json!({"id": "stranger", "reply": "1"}),
        json!({"reply": "1"}),
        json!({"id": "stranger", "cancel": true}),
        json!({"id": "stranger", "code": "*100#"}),
        json!({"id": "opener", "reply": "**21*+4990012345#"}),
    ] {
        let (state, words) = ask(&client, &request);
        assert_eq!(state, "failed", "{request}: {words}");
    }
    assert_eq!(typed(&rig), 1, "only the code that opened it reached the network");
    assert_eq!(ask(&client, &json!({"id": "opener", "reply": "1"})), ("done".into(), "bought".into()));
}

#[test]
fn nobody_ends_a_request_of_another_by_its_id() {
    let rig = Rig::start();
    let far = "2099-01-01T00:00:00Z";
    rig.request(&json!({"id": "order-1", "to": ANNA, "text": "mine", "send_at": far}));
    rig.client.wait_for_result("order-1", "accepted");
    let padding = "x".repeat(300_000);
    let forged = [
        json!({"id": "order-1", "to": ANNA, "text": "another"}),
        json!({"id": "order-1", "to": "x", "text": "another"}),
        json!({"id": "order-1", "to": [ANNA, "x"], "text": "another", "modem": "attic"}),
        json!({"id": "order-1", "to": ANNA, "texxt": "malformed"}),
        json!({"id": "order-1", "to": ANNA, "text": padding}),
        json!({"id": "order-1", "to": ANNA, "text": "asked", "dry_run": true}),
        json!({"id": "order-1", "to": "x", "text": "asked", "dry_run": true}),
    ];
    // The third and the seventh of them have answers for two recipients and for one.
    let answers = forged.len() + 1;
    for request in &forged {
        rig.request(request);
    }
    wait_until("an answer to each of them", || rig.client.results("order-1").len() > answers);
    for result in rig.client.results("order-1").iter().skip(1) {
        assert_eq!((&result["final"], &result["conflict"]), (&json!(false), &json!(true)), "{result}");
    }
    rig.client.publish("sms/cancel", json!({"id": "order-1"}).to_string());
    assert_eq!(final_of(&rig, "order-1")["state"], "cancelled");
    let finals = rig.client.results("order-1").into_iter().filter(|result| result["final"] == true);
    assert_eq!(finals.count(), 1, "the only end is its own: {:#?}", rig.client.results("order-1"));
}

#[test]
fn a_request_refused_whole_does_not_take_its_id() {
    let rig = Rig::start();
    for refused in [
        json!({"id": "alarm", "to": "x", "text": "taken"}),
        json!({"id": "alarm", "to": ["x", "*31#0900123"], "text": "taken"}),
        json!({"id": "alarm", "to": ANNA, "text": parts(50)}),
        json!({"id": "alarm", "to": ANNA, "text": "taken", "modem": "nowhere"}),
    ] {
        rig.client.forget();
        rig.request(&refused);
        assert_eq!(final_of(&rig, "alarm")["state"], "rejected");
    }
    rig.client.forget();
    assert_eq!(send(&rig, "alarm", ANNA, "fire")["state"], "sent", "the owner's alarm goes out");
    assert_eq!(rig.modem.submits().len(), 1);
}

#[test]
fn send_ends_when_its_id_belongs_to_another() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let other = rig.client("other", &["sms/send"]);
    let begun_at = Instant::now();
    let output = std::thread::scope(|scope| {
        let command =
            scope.spawn(|| rig.gateway.run_command(&["send", "--to", ANNA, "--timeout", "60", "hello"]));
        let request = other.wait_for_json("the request", |topic, _| topic == "sms/send");
        let (id, at) = (&request["id"], "2026-11-22T07:15:35.002Z");
        let refused =
            json!({"id": id, "to": ANNA, "state": "rejected", "final": false, "conflict": true, "at": at});
        let asked = other.received().into_iter().find(|publish| publish.topic == "sms/send");
        let asked = asked.expect("the request, as it came");
        other.publish_with(Publish {
            topic: asked.response_topic.expect("a topic for the results"),
            correlation_data: asked.correlation_data,
            payload: refused.to_string().into_bytes(),
            qos: 1,
            ..Publish::default()
        });
        command.join().expect("the command runs")
    });
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(begun_at.elapsed() < Duration::from_secs(50), "it waited for a result that never comes");
}

#[test]
fn a_pattern_that_matches_no_number_is_a_mistake_of_the_configuration() {
    for (key, pattern) in [("deny", "0900*"), ("allow", "118*"), ("deny", "+490*"), ("deny", "*31#*")] {
        let mut rig =
            Rig::prepare(&ModemOptions::default(), |config| config.set("outbound", key, vec![pattern]));
        rig.launch_gateway(&[]);
        assert_eq!(code(rig.gateway.wait_for_end()), 2, "outbound.{key} = {pattern:?}");
    }
}
