//! What the page asks the gateway for, and does: everything below `/api/`.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::harness::http::{Answer, Watcher, ask, post};
use crate::harness::ports::free_port;
use crate::harness::rig::Rig;
use crate::harness::wait::{wait_for, wait_until};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const BEARER: (&str, &str) = ("Authorization", "Bearer 0123456789abcdef0123456789abcdef");
const ALICE: &str = "+4915112345678";

fn start() -> (Rig, SocketAddr) {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let rig = Rig::with(|config| {
        config.set("http", "listen", address.to_string());
        config.set("http", "token", TOKEN);
        config.add("contact", "name = \"anna\"\nnumber = \"+4915112345678\"");
    });
    rig.gateway.wait_for_log(&["listening at", &address.to_string()]);
    (rig, address)
}

fn get(address: SocketAddr, path: &str) -> Value {
    let answer = ask(address, "GET", path, &[]);
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

fn send(address: SocketAddr, request: &Value) -> Answer {
    post(address, "/api/send", &[BEARER], &request.to_string())
}

/// The texts of a list of messages.
fn texts(list: &Value) -> Vec<&str> {
    list["messages"].as_array().expect("a list").iter().filter_map(|entry| entry["text"].as_str()).collect()
}

#[test]
fn a_message_that_comes_in_is_told_and_listed_and_can_be_looked_at() {
    let (rig, address) = start();
    let mut watcher = Watcher::start(address, "/api/events", "");
    let status = watcher.wait_for("status", |status| status["modems"][0]["online"] == true).json();
    assert_eq!(status["gateway"]["pid"], rig.gateway.id());
    rig.modem.deliver(ALICE, "Счётчик 17: 43");
    let told = watcher.wait_for("received", |message| message["text"] == "Счётчик 17: 43").json();
    assert_eq!((&told["direction"], &told["contact"]), (&json!("in"), &json!("anna")));
    let list = get(address, "/api/messages?search=%D1%81%D1%87%D1%91%D1%82%D1%87%D0%B8%D0%BA");
    assert_eq!((texts(&list), &list["next"]), (vec!["Счётчик 17: 43"], &Value::Null));
    assert_eq!(texts(&get(address, "/api/messages?direction=out")), Vec::<&str>::new());
    let path = format!("/api/received/{}", told["id"].as_str().expect("an id"));
    wait_until("the broker to have it", || get(address, &path)["published"] == true);
    let life = get(address, &path);
    assert_eq!(life["message"]["text"], "Счётчик 17: 43");
    let rows = life["pdus"][0]["rows"].as_array().expect("rows");
    assert!(rows.iter().any(|row| row["name"] == "TP-OA"), "{life}");
    assert_eq!(ask(address, "GET", "/api/received/none", &[]).status, 404);
    assert_eq!(get(address, "/api/contacts"), json!({"contacts": ["anna"]}));
    assert_eq!(get(address, "/api/status")["gateway"]["name"], status["gateway"]["name"]);
    let signal = get(address, "/api/signal");
    assert!(signal["interval_s"] == 60 && signal["newest_at"].is_string(), "{signal}");
}

#[test]
fn a_message_that_is_sent_is_followed_to_the_end() {
    let (rig, address) = start();
    let mut watcher = Watcher::start(address, "/api/events", "");
    let text = "x".repeat(200);
    let request = json!({"id": "long", "to": ["anna"], "text": text, "delivery_report": true});
    let answer = send(address, &request);
    assert_eq!(
        (answer.status, &answer.json()["results"][0]["state"]),
        (200, &json!("accepted")),
        "{answer:?}"
    );
    for state in ["sent", "delivered"] {
        watcher.wait_for("result", |result| result["id"] == "long" && result["state"] == state);
    }
    let life = get(address, "/api/requests/long");
    let message = &life["messages"][0];
    assert_eq!((&life["text"], &message["result"]["state"]), (&json!(text), &json!("delivered")));
    let parts = message["parts"].as_array().expect("parts");
    assert_eq!(parts.len(), 2, "{life}");
    for part in parts {
        assert_eq!((&part["state"], &part["delivery"]), (&json!("submitted"), &json!("delivered")), "{life}");
        assert!(part["submitted_at"].is_string() && part["reference"].is_u64(), "{life}");
    }
    assert_eq!(rig.client.wait_for_result("long", "delivered")["contact"], "anna");
    // The same again is sent once.
    let again = send(address, &request).json();
    assert_eq!(
        (&again["results"][0]["state"], &again["results"][0]["duplicate"]),
        (&json!("delivered"), &json!(true))
    );
    assert_eq!(rig.modem.submits().len(), 2);
}

#[test]
fn what_cannot_be_sent_is_refused_in_words() {
    let (rig, address) = start();
    for (payload, words) in [
        ("", "JSON"),
        ("[]", ""),
        (r#"{"id":"a","text":"x"}"#, "to"),
        (r#"{"to":"+4915112345678","text":"x"}"#, "id: it is missing"),
        (r#"{"id":"a","to":"+4915112345678","text":"x","delivery_report":"yes"}"#, "delivery_report"),
    ] {
        let answer = post(address, "/api/send", &[BEARER], payload);
        let message = answer.json()["error"]["message"].to_string();
        assert!(answer.status == 400 && message.contains(words), "{payload}: {answer:?}");
    }
    let refused = send(address, &json!({"id": "no", "to": ["nobody at all"], "text": "x"}));
    assert_eq!(refused.json()["results"][0]["error"]["code"], "bad-number", "{refused:?}");
    let large = post(address, "/api/send", &[BEARER], &"x".repeat(300 * 1024));
    assert_eq!(large.status, 413, "{large:?}");
    for headers in [&[][..], &[("Authorization", "Bearer 00000000000000000000000000000000")]] {
        for path in ["/api/send", "/api/cancel", "/api/count"] {
            assert_eq!(post(address, path, headers, "{}").status, 401, "{path}");
        }
    }
    assert!(rig.modem.submits().is_empty());
}

#[test]
fn what_waits_is_listed_and_can_be_cancelled() {
    let (rig, address) = start();
    let later = json!({"id": "later", "to": [ALICE], "text": "not yet", "send_at": "2099-01-01T00:00:00Z"});
    assert_eq!(send(address, &later).status, 200);
    let queue = get(address, "/api/queue");
    let waiting = &queue["messages"][0];
    assert_eq!(
        (&waiting["id"], &waiting["text"], &waiting["cancellable"]),
        (&json!("later"), &json!("not yet"), &json!(true))
    );
    assert_eq!(waiting["send_at"], "2099-01-01T00:00:00.000Z");
    let cancelled = post(address, "/api/cancel", &[BEARER], r#"{"id":"later"}"#).json();
    assert_eq!(cancelled["results"][0]["state"], "cancelled", "{cancelled}");
    assert_eq!(get(address, "/api/queue"), json!({"messages": [], "more": false}));
    assert_eq!(post(address, "/api/cancel", &[BEARER], r#"{"id":"nobody\'s"}"#).status, 400);
    assert_eq!(post(address, "/api/cancel", &[BEARER], r#"{"id":"other"}"#).status, 404);
    let late = post(address, "/api/cancel", &[BEARER], r#"{"id":"later"}"#).json();
    assert_eq!(late["results"][0]["error"]["code"], "too-late", "{late}");
    assert_eq!(rig.client.wait_for_result("later", "cancelled")["final"], true);
}

#[test]
fn a_text_is_counted_as_it_will_be_sent() {
    let (_rig, address) = start();
    for (request, expected) in [
        (json!({"text": "Hello"}), json!({"encoding": "gsm7", "characters": 5, "parts": 1, "left": 155})),
        (json!({"text": "Привет"}), json!({"encoding": "ucs2", "characters": 6, "parts": 1, "left": 64})),
        (
            json!({"text": "x".repeat(161)}),
            json!({"encoding": "gsm7", "characters": 161, "parts": 2, "left": 145}),
        ),
        (json!({"text": "👍"}), json!({"encoding": "ucs2", "characters": 1, "parts": 1, "left": 68})),
    ] {
        let mut counted = post(address, "/api/count", &[BEARER], &request.to_string()).json();
        assert!(counted["max_parts"].is_u64(), "{counted}");
        counted.as_object_mut().expect("an object").remove("max_parts");
        assert_eq!(counted, expected, "{request}");
    }
    for request in
        [json!({"text": "x".repeat(50_000)}), json!({"txet": "x"}), json!({"text": "é", "encoding": "morse"})]
    {
        let answer = post(address, "/api/count", &[BEARER], &request.to_string());
        assert!(answer.status == 400 && answer.json()["error"]["message"].is_string(), "{answer:?}");
    }
}

#[test]
fn who_was_away_is_told_what_it_missed() {
    let (mut rig, address) = start();
    let mut watcher = Watcher::start(address, "/api/events", "");
    rig.modem.deliver(ALICE, "one");
    let seen = watcher.wait_for("received", |message| message["text"] == "one");
    drop(watcher);
    rig.modem.deliver(ALICE, "two");
    rig.wait_for_received("two");
    let missed = |last_id: &str| {
        let mut watcher = Watcher::start(address, "/api/events", last_id);
        watcher.wait_for("received", |message| message["text"] == "two");
        watcher.seen.iter().map(|event| event.kind.clone()).collect::<Vec<_>>()
    };
    assert_eq!(missed(&seen.id), ["received"]);
    // Nobody's number, and one of an earlier run.
    for id in ["x", "1.1"] {
        let mut watcher = Watcher::start(address, "/api/events", id);
        watcher.wait_for("status", |_| true);
        assert_eq!(watcher.seen[0].kind, "gap", "{id}: {:?}", watcher.seen);
    }
    let mut watcher = Watcher::start(address, "/api/events", "");
    let status = watcher.wait_for("status", |_| true);
    rig.gateway.stop();
    assert!(watcher.next("nothing", |_| true).is_none(), "a gateway that stops ends its streams");
    rig.gateway.start();
    rig.gateway.wait_for_log(&["listening at", &address.to_string()]);
    let mut watcher = wait_for("the gateway to listen again", || {
        std::net::TcpStream::connect(address).ok()?;
        Some(Watcher::start(address, "/api/events", &status.id))
    });
    watcher.wait_for("status", |_| true);
    assert_eq!(watcher.seen[0].kind, "gap", "{:?}", watcher.seen);
}

#[test]
fn the_at_dialogue_is_shown_without_numbers_and_texts() {
    let (rig, address) = start();
    let mut watcher = Watcher::start(address, "/api/trace/main", "");
    watcher.wait_for("line", |line| line["direction"] == "sent");
    assert_eq!(send(address, &json!({"id": "a", "to": [ALICE], "text": "secret text"})).status, 200);
    watcher.wait_for("line", |line| line["text"].as_str().is_some_and(|text| text.contains("+CMGS=")));
    watcher.wait_for("line", |line| line["text"].as_str().is_some_and(|text| text.contains("octets>")));
    rig.client.wait_for_result("a", "sent");
    watcher.wait_for("line", |line| line["direction"] == "received" && line["text"] == "OK");
    let all = format!("{:?}", watcher.seen);
    for secret in ["secret", "15112345678", rig.modem.iccid(), rig.modem.imei()] {
        assert!(!all.contains(secret), "{secret} is in {all}");
    }
    assert_eq!(ask(address, "GET", "/api/trace/other", &[]).status, 404);
}
