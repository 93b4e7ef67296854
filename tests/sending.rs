//! Everything a send request can ask for, checked in the submitted PDU and in the results.

use serde_json::{Value, json};
use smsbridge_codec::{Alphabet, Direction, Pdu, Submit, Tpdu};
use smsbridge_simulator::{Fault, FaultKind};

use crate::harness::modem::{ModemOptions, Reports};
use crate::harness::mqtt_packets::Publish;
use crate::harness::process::code;
use crate::harness::rig::{self, Rig};
use crate::harness::wait::wait_until;

const ANNA: &str = "+4915100000002";
const BEN: &str = "+4915100000003";
const CARL: &str = "+4915100000004";

/// Waits for the last word on one recipient.
fn wait_for_final(rig: &Rig, id: &str, to: &str) -> Value {
    rig.client.wait_for_json(&format!("the final result of {id:?} to {to}"), |topic, result| {
        topic == "sms/result" && result["id"] == id && result["to"] == to && result["final"] == true
    })
}

/// Every step of every request as the broker took it over, repetitions of the wire left out.
fn steps(rig: &Rig) -> Vec<Value> {
    let mut steps: Vec<Value> = Vec::new();
    for crossing in rig.published("sms/result") {
        let step = rig::json(&crossing.publish);
        if step["duplicate"] != true && !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps
}

/// Every recipient of every request has exactly one final result, and no step after it.
fn assert_one_final_each(rig: &Rig) {
    let steps = steps(rig);
    for step in &steps {
        let all: Vec<&Value> =
            steps.iter().filter(|other| other["id"] == step["id"] && other["to"] == step["to"]).collect();
        let finals = all.iter().filter(|step| step["final"] == true).count();
        assert_eq!(finals, 1, "exactly one final result for {} to {}: {all:#?}", step["id"], step["to"]);
        let last = all.last().expect("the step itself is one of them");
        assert_eq!(last["final"], true, "the final result is the last: {all:#?}");
    }
}

fn texts(rig: &Rig) -> Vec<String> {
    rig.modem.submits().into_iter().map(|submit| submit.text).collect()
}

/// The n-th SUBMIT on air, as the network reads it.
fn on_air(rig: &Rig, n: usize) -> Submit<'static> {
    let sent = rig.modem.simulator().sent();
    let hex = &sent.get(n).unwrap_or_else(|| panic!("{} messages on air, not {}", sent.len(), n + 1)).pdu;
    match Pdu::decode_hex(hex, Direction::MobileOriginated).expect("a PDU of our own").tpdu {
        Tpdu::Submit(submit) => submit.into_owned(),
        other => panic!("not a SUBMIT: {other:?}"),
    }
}

/// Sends one request to Anna with these extra fields, and returns what went on air.
fn send_with(rig: &Rig, id: &str, text: &str, extra: &Value) -> Submit<'static> {
    let mut request = json!({"id": id, "to": ANNA, "text": text});
    for (key, value) in extra.as_object().expect("fields") {
        request[key] = value.clone();
    }
    let before = rig.modem.submits().len();
    rig.request(&request);
    let result = wait_for_final(rig, id, ANNA);
    assert_eq!(result["state"], "sent", "{request} ends with {result}");
    assert_eq!(rig.modem.submits().len(), before + 1, "{request} is one message");
    on_air(rig, before)
}

/// The gateway knows that its modem is away.
fn unplugged() -> Rig {
    let rig = Rig::start();
    rig.client.wait_for_text("sms/modem/main/availability", "online");
    rig.modem.unplug();
    rig.client.wait_for_text("sms/modem/main/availability", "offline");
    rig
}

/// Requests that wait for a modem that is not there.
fn while_unplugged(ids: &[&str], extra: &Value) -> Rig {
    let rig = unplugged();
    for id in ids {
        let mut request = json!({"id": id, "to": ANNA, "text": format!("text of {id}")});
        for (key, value) in extra.as_object().expect("fields") {
            request[key] = value.clone();
        }
        rig.request(&request);
        rig.client.wait_for_result(id, "accepted");
    }
    rig
}

#[test]
fn each_of_many_recipients_gets_a_result_of_its_own() {
    let rig = Rig::start();
    let to = [ANNA, "not a number", BEN, "+49 (151) 0000-0002"];
    rig.request(&json!({"id": "many", "to": to, "text": "to all"}));
    for (to, state) in [(ANNA, "sent"), (BEN, "sent"), ("not a number", "rejected")] {
        assert_eq!(wait_for_final(&rig, "many", to)["state"], state, "to {to}");
    }
    rig.assert_still_works("after");
    let mut reached: Vec<String> =
        rig.modem.submits().into_iter().filter(|s| s.text == "to all").map(|s| s.to).collect();
    reached.sort();
    assert_eq!(reached, [ANNA, BEN], "each number once, however it was written");
    assert_one_final_each(&rig);
}

#[test]
fn a_refused_number_delays_nobody_else() {
    let rig = Rig::start();
    // TS 24.011 E.2: 1, unassigned number.
    rig.modem.simulator().fault(Fault::on_payload(FaultKind::Cms(1)));
    rig.request(&json!({"id": "many", "to": [ANNA, BEN, CARL], "text": "to all"}));
    let refused = wait_for_final(&rig, "many", ANNA);
    assert_eq!(refused["state"], "failed", "{refused}");
    assert_eq!(refused["error"]["code"], "cms-1", "{refused}");
    assert_eq!(refused["error"]["permanent"], true, "{refused}");
    for to in [BEN, CARL] {
        assert_eq!(wait_for_final(&rig, "many", to)["state"], "sent", "{to} is reached all the same");
    }
    assert_one_final_each(&rig);
}

#[test]
fn a_busy_network_is_tried_again_while_others_go_by() {
    let rig = Rig::start();
    // TS 24.011 E.2: 38, network out of order.
    rig.modem.simulator().fault(Fault::on_payload(FaultKind::Cms(38)));
    rig.request(&json!({"id": "first", "to": ANNA, "text": "first"}));
    rig.request(&json!({"id": "second", "to": BEN, "text": "second"}));
    let result = wait_for_final(&rig, "first", ANNA);
    assert_eq!(result["state"], "sent", "{result}");
    wait_for_final(&rig, "second", BEN);
    assert_eq!(texts(&rig), ["second", "first"], "one that waits for its second try stands in nobody's way");
    assert_one_final_each(&rig);
}

#[test]
fn a_pending_retry_survives_a_kill() {
    let mut rig = Rig::start();
    rig.modem.simulator().fault(Fault::on_payload(FaultKind::Cms(38)));
    rig.request(&json!({"id": "again", "to": ANNA, "text": "again"}));
    rig.gateway.wait_for_log(&["not sent", "38"]);
    rig.gateway.kill();
    rig.start_gateway();
    assert_eq!(wait_for_final(&rig, "again", ANNA)["state"], "sent");
    assert_eq!(texts(&rig), ["again"]);
    assert_one_final_each(&rig);
}

#[test]
fn a_message_that_fails_midway_reports_how_many_parts_were_sent() {
    let rig = Rig::start();
    rig.modem.simulator().fault(Fault::on_payload(FaultKind::Cms(1)).nth(2));
    rig.request(&json!({"id": "long", "to": ANNA, "text": "0123456789".repeat(40)}));
    let result = wait_for_final(&rig, "long", ANNA);
    assert_eq!((&result["state"], &result["parts_sent"]), (&json!("failed"), &json!(1)), "{result}");
    rig.assert_still_works("after");
    assert_one_final_each(&rig);
}

#[test]
fn the_same_id_sends_once_even_after_a_kill() {
    let mut rig = Rig::start();
    let request = json!({"id": "once", "to": ANNA, "text": "once"});
    rig.request(&request);
    wait_for_final(&rig, "once", ANNA);
    rig.gateway.kill();
    rig.start_gateway();
    for _ in 0..3 {
        rig.client.forget();
        rig.request(&request);
        let again = wait_for_final(&rig, "once", ANNA);
        assert_eq!((&again["state"], &again["duplicate"]), (&json!("sent"), &json!(true)), "{again}");
    }
    assert_eq!(texts(&rig), ["once"], "the same id is sent once");
    assert_one_final_each(&rig);
}

#[test]
fn a_redelivered_request_without_an_id_is_sent_once() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.launch_gateway(&[("SMSBRIDGE_CRASH_AT", "request_committed")]);
    rig.wait_online();
    rig.request(&json!({"to": ANNA, "text": "no id"}));
    assert_ne!(code(rig.gateway.wait_for_end()), 0, "it dies between the commit and the PUBACK");
    rig.start_gateway();
    rig.client.wait_for_json("its result", |topic, result| {
        topic == "sms/result" && result["to"] == ANNA && result["state"] == "sent"
    });
    wait_until("the broker to hand it over again", || {
        rig.proxy.record().to_gateway.iter().filter(|crossing| crossing.publish.topic == "sms/send").count()
            >= 2
    });
    rig.assert_still_works("after");
    let sent = texts(&rig).iter().filter(|text| *text == "no id").count();
    assert_eq!(sent, 1, "it is the same request, not a second one");
    assert_one_final_each(&rig);
}

#[test]
fn an_expired_request_is_never_sent() {
    let rig = while_unplugged(&["short"], &json!({"ttl_s": 2}));
    let result = wait_for_final(&rig, "short", ANNA);
    assert_eq!(result["state"], "expired", "{result}");
    rig.modem.plug();
    rig.assert_still_works("after");
    assert!(!texts(&rig).contains(&"text of short".to_owned()), "what expired is not sent");
    assert_one_final_each(&rig);
}

#[test]
fn mqtt_message_expiry_ends_a_request_too() {
    let rig = unplugged();
    rig.client.publish_with(Publish {
        topic: "sms/send".to_owned(),
        payload: json!({"id": "short", "to": ANNA, "text": "t"}).to_string().into_bytes(),
        qos: 1,
        message_expiry_s: Some(2),
        ..Publish::default()
    });
    let result = wait_for_final(&rig, "short", ANNA);
    assert_eq!(result["state"], "expired", "{result}");
    assert_one_final_each(&rig);
}

#[test]
fn the_time_to_live_becomes_the_networks_validity_period() {
    let rig = Rig::start();
    let minutes = |submit: &Submit<'_>| submit.validity.and_then(|validity| validity.minutes());
    let two_hours = send_with(&rig, "two-hours", "t", &json!({"ttl_s": 7200}));
    assert_eq!(minutes(&two_hours), Some(120), "ttl_s 7200");
    let default = send_with(&rig, "default", "t", &json!({}));
    assert_eq!(minutes(&default), Some(1440), "[outbound] ttl_s is a day");
    let for_ever = send_with(&rig, "for-ever", "t", &json!({"ttl_s": 0}));
    assert_eq!(for_ever.validity, None, "ttl_s 0 leaves it to the network");

    rig.client.publish_with(Publish {
        topic: "sms/send".to_owned(),
        payload: json!({"id": "expiry", "to": ANNA, "text": "t"}).to_string().into_bytes(),
        qos: 1,
        message_expiry_s: Some(3600),
        ..Publish::default()
    });
    wait_for_final(&rig, "expiry", ANNA);
    assert_eq!(minutes(&on_air(&rig, 3)), Some(60), "the message expiry of MQTT 5 is the shorter one");
}

#[test]
fn a_message_for_later_is_not_sent_before() {
    let rig = Rig::start();
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(8);
    rig.request(&json!({"id": "later", "to": ANNA, "text": "later", "send_at": later.to_string()}));
    rig.client.wait_for_result("later", "accepted");
    rig.request(&json!({"id": "now", "to": BEN, "text": "now"}));
    wait_for_final(&rig, "now", BEN);
    let result = wait_for_final(&rig, "later", ANNA);
    let at: jiff::Timestamp = result["at"].as_str().and_then(|at| at.parse().ok()).expect("a time");
    assert!(at >= later, "sent at {at}, which is before {later}");
    assert_eq!(texts(&rig), ["now", "later"]);
    assert_one_final_each(&rig);
}

#[test]
fn an_urgent_message_overtakes_fifty_others() {
    let rig = Rig::start();
    rig.modem.delay_submits(std::time::Duration::from_secs(1));
    for n in 0..50 {
        rig.request(&json!({"id": format!("bulk-{n}"), "to": ANNA, "text": "bulk"}));
    }
    rig.client.wait_for_result("bulk-49", "accepted");
    rig.request(&json!({"id": "fire", "to": BEN, "text": "fire", "priority": 9}));
    rig.client.wait_for_result("fire", "accepted");
    let before = rig.modem.submits().len();
    rig.modem.delay_submits(std::time::Duration::ZERO);
    wait_for_final(&rig, "fire", BEN);
    let place = texts(&rig).iter().position(|text| text == "fire").expect("it is on air");
    // One may be in the modem's hands, and one be claimed, at that moment.
    assert!(place <= before + 2, "it is number {place} on air; {before} were when it was accepted");
    assert!(place < 45, "this test shows nothing: it was number {place}");
    for n in 0..50 {
        rig.client.wait_for_result(&format!("bulk-{n}"), "sent");
    }
    let bulk = texts(&rig).iter().filter(|text| *text == "bulk").count();
    assert_eq!(bulk, 50, "the others are sent after it, each once");
    assert_one_final_each(&rig);
}

#[test]
fn message_class_and_flash_reach_the_network() {
    let rig = Rig::start();
    for class in 0..=3 {
        let submit = send_with(&rig, &format!("class-{class}"), "t", &json!({"class": class}));
        assert_eq!(submit.dcs.class().map(|class| class.number()), Some(class), "DCS {:#x}", submit.dcs.0);
    }
    let flash = send_with(&rig, "flash", "Привет", &json!({"flash": true}));
    assert_eq!(flash.dcs.class().map(|class| class.number()), Some(0), "DCS {:#x}", flash.dcs.0);
    assert_eq!(flash.dcs.alphabet(), Alphabet::Ucs2, "DCS {:#x}", flash.dcs.0);
    let plain = send_with(&rig, "plain", "t", &json!({}));
    assert_eq!(plain.dcs.class(), None, "DCS {:#x}", plain.dcs.0);
}

#[test]
fn the_encoding_is_chosen_or_forced() {
    let rig = Rig::start();
    for (id, text, asked, alphabet) in [
        ("a", "Grüße, 5 €", json!({}), Alphabet::Gsm7),
        ("b", "Привет", json!({}), Alphabet::Ucs2),
        ("c", "plain", json!({"encoding": "ucs2"}), Alphabet::Ucs2),
        ("d", "plain", json!({"encoding": "gsm7"}), Alphabet::Gsm7),
        ("e", "plain", json!({"encoding": "auto"}), Alphabet::Gsm7),
    ] {
        let submit = send_with(&rig, id, text, &asked);
        assert_eq!(submit.dcs.alphabet(), alphabet, "{text:?} with {asked}");
        assert_eq!(submit.user_data.text().as_deref(), Some(text));
    }
    rig.request(&json!({"id": "f", "to": ANNA, "text": "Привет", "encoding": "gsm7"}));
    let result = wait_for_final(&rig, "f", ANNA);
    assert_eq!((&result["state"], &result["error"]["code"]), (&json!("rejected"), &json!("unencodable")));
    assert_one_final_each(&rig);
}

#[test]
fn transliteration_saves_parts_and_is_only_done_when_asked() {
    let rig = Rig::start();
    let typographic = "“Ready” – it’s done…";
    let folded = send_with(&rig, "folded", typographic, &json!({"transliterate": true}));
    assert_eq!(folded.dcs.alphabet(), Alphabet::Gsm7, "{:?}", folded.user_data.text());
    let as_is = send_with(&rig, "as-is", typographic, &json!({}));
    assert_eq!(as_is.dcs.alphabet(), Alphabet::Ucs2);
    assert_eq!(as_is.user_data.text().as_deref(), Some(typographic), "not a letter is changed unasked");
    let cyrillic = send_with(&rig, "cyrillic", "Привет", &json!({"transliterate": true}));
    assert_eq!(cyrillic.user_data.text().as_deref(), Some("Привет"), "what has no plain likeness stays");
}

#[test]
fn data_goes_to_its_port() {
    let rig = Rig::start();
    rig.request(&json!({"id": "data", "to": ANNA, "data": "AAECA/8=", "destination_port": 2948}));
    assert_eq!(wait_for_final(&rig, "data", ANNA)["state"], "sent");
    let submit = on_air(&rig, 0);
    assert_eq!(submit.dcs.alphabet(), Alphabet::EightBit, "DCS {:#x}", submit.dcs.0);
    assert_eq!(submit.user_data.ports().map(|ports| ports.destination), Some(2948));
    assert_eq!(submit.user_data.data(), [0, 1, 2, 3, 255]);
}

#[test]
fn a_dry_run_reports_the_parts_and_sends_nothing() {
    let rig = Rig::start();
    let text = "Длинное сообщение. ".repeat(8);
    rig.request(&json!({"id": "dry", "to": [ANNA, "mum"], "text": text, "dry_run": true}));
    let result = wait_for_final(&rig, "dry", ANNA);
    assert_eq!(result["dry_run"], true, "{result}");
    assert_eq!((&result["encoding"], &result["parts"]), (&json!("ucs2"), &json!(3)), "{result}");
    assert_eq!(wait_for_final(&rig, "dry", "mum")["state"], "rejected");
    rig.assert_still_works("after");
    assert_eq!(texts(&rig), ["still here"], "a dry run sends nothing");
    // The id is not used up by asking.
    rig.request(&json!({"id": "dry", "to": BEN, "text": "now for good"}));
    assert_eq!(wait_for_final(&rig, "dry", BEN)["state"], "sent");
    assert_one_final_each(&rig);
}

#[test]
fn a_request_not_yet_on_air_can_be_cancelled() {
    let rig = while_unplugged(&["no", "yes"], &json!({}));
    rig.client.publish("sms/cancel", json!({"id": "no"}).to_string());
    let result = wait_for_final(&rig, "no", ANNA);
    assert_eq!(result["state"], "cancelled", "{result}");
    rig.modem.plug();
    assert_eq!(wait_for_final(&rig, "yes", ANNA)["state"], "sent");
    rig.assert_still_works("after");
    assert!(!texts(&rig).contains(&"text of no".to_owned()), "what was cancelled is not sent");
    assert_one_final_each(&rig);
}

#[test]
fn a_late_cancellation_is_answered_and_an_unknown_one_is_not() {
    let rig = Rig::start();
    rig.request(&json!({"id": "gone", "to": ANNA, "text": "gone"}));
    wait_for_final(&rig, "gone", ANNA);
    rig.client.publish("sms/cancel", json!({"id": "nobody-knows-me"}).to_string());
    rig.client.publish("sms/cancel", json!({"id": "gone"}).to_string());
    let late = rig.client.wait_for_json("the answer to the late cancellation", |topic, result| {
        topic == "sms/result" && result["id"] == "gone" && result["error"]["code"] == "too-late"
    });
    assert_eq!((&late["state"], &late["final"]), (&json!("sent"), &json!(false)), "{late}");
    assert_eq!(rig.client.results("nobody-knows-me"), Vec::<Value>::new(), "it may be another gateway's");
}

#[test]
fn each_result_also_goes_to_the_response_topic() {
    let rig = Rig::start();
    let asker = rig.client("asker", &["answers/#"]);
    let ask = |id: &str, to: Value, correlation: &[u8]| {
        asker.publish_with(Publish {
            topic: "sms/send".to_owned(),
            payload: json!({"id": id, "to": to, "text": "t", "delivery_report": true})
                .to_string()
                .into_bytes(),
            qos: 1,
            response_topic: Some("answers/7".to_owned()),
            correlation_data: Some(correlation.to_vec()),
            ..Publish::default()
        });
    };
    ask("good", json!(ANNA), &[0, 255, 7]);
    ask("bad", json!("mum"), b"bad");
    for (id, state) in [("good", "delivered"), ("bad", "rejected")] {
        asker.wait_for_json(&format!("{state} of {id} on answers/7"), |topic, result| {
            topic == "answers/7" && result["id"] == id && result["state"] == state
        });
    }
    let answers = asker.received();
    let states: Vec<Value> = answers
        .iter()
        .filter(|publish| publish.correlation_data.as_deref() == Some(&[0, 255, 7]))
        .map(|publish| rig::json(publish)["state"].clone())
        .collect();
    assert_eq!(states, ["accepted", "sent", "delivered"], "every step, with its correlation data");
    assert_eq!(answers.len(), 4, "each of the two requests gets its own results");
    wait_for_final(&rig, "good", ANNA);
    assert_one_final_each(&rig);
}

#[test]
fn an_invalid_response_topic_is_left_out() {
    let rig = Rig::start();
    for topic in ["sms/send", "sms/modem/main", "sms", "$SYS/broker"] {
        let id = format!("to-{}", topic.replace(['/', '$'], "-"));
        rig.client.publish_with(Publish {
            topic: "sms/send".to_owned(),
            payload: json!({"id": id, "to": ANNA, "text": "t"}).to_string().into_bytes(),
            qos: 1,
            response_topic: Some(topic.to_owned()),
            ..Publish::default()
        });
        let accepted = rig.client.wait_for_result(&id, "accepted");
        assert_eq!(accepted["response"], "refused", "{topic}: {accepted}");
        rig.client.wait_for_result(&id, "sent");
        let sent = rig.published("").iter().filter(|crossing| crossing.publish.topic == topic).count();
        assert!(sent == 0 || topic == "sms/modem/main", "a result went to {topic}");
    }
    rig.assert_still_works("after");
    assert_one_final_each(&rig);
}

#[test]
fn late_reports_find_their_own_messages() {
    let options = ModemOptions { reports: Reports::Held, ..ModemOptions::default() };
    let mut rig = Rig::prepare(&options, |_| {});
    rig.start_gateway();
    for (id, to) in [("a", ANNA), ("b", BEN), ("c", CARL)] {
        rig.request(&json!({"id": id, "to": to, "text": "report", "delivery_report": true}));
        rig.client.wait_for_result(id, "sent");
    }
    // TS 23.040 9.2.3.15: 0x46, validity period expired. Ben's reference and number are the second's.
    let second = rig.modem.simulator().sent()[1].clone();
    rig.modem.simulator().report(second.mr, BEN, 0x46).expect("a report");
    assert_eq!(wait_for_final(&rig, "b", BEN)["state"], "failed");
    rig.gateway.kill();
    rig.modem.simulator().release_reports(0);
    rig.start_gateway();
    for (id, to) in [("a", ANNA), ("c", CARL)] {
        let result = wait_for_final(&rig, id, to);
        assert_eq!(result["state"], "delivered", "{result}");
    }
    rig.assert_still_works("after");
    assert_one_final_each(&rig);
}
