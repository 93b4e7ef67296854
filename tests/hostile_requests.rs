//! Two thousand requests made to harm, through a real broker: each is answered, memory stays, and the next valid one
//! works.

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::damage::damage;
use crate::harness::mqtt_packets::Publish;
use crate::harness::rig::Rig;
use crate::harness::seed::Seed;
use crate::harness::wait::wait_until;

const REQUESTS: usize = 2000;
/// Requests after which memory is compared: the caches are full.
const WARM: usize = 500;
/// Octets of memory the rest may take. The allocator keeps room for large payloads: up to 12 MiB was seen, mostly none.
const MAX_GROWTH: u64 = 24 * 1024 * 1024;

/// Kept for years: what is tested is reading them, and nothing is sent.
const LATER: &str = "2099-01-01T00:00:00Z";

/// A payload that is wrong somewhere, or nearly right.
fn payload(seed: &mut Seed, n: usize) -> Vec<u8> {
    let good = json!({"id": format!("h{n}"), "to": "+4915100000002", "text": "hello", "send_at": LATER});
    let mut text = good.to_string();
    let values = [
        "1e999",
        "-0",
        "99999999999999999999999",
        "null",
        "true",
        "[]",
        "{}",
        "\"\"",
        "[[[[]]]]",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"+49\"",
        "[null]",
        "{\"a\":{}}",
        "1.5",
    ];
    match seed.below(12) {
        // A value of another type.
        0..=4 => {
            let keys =
                ["id", "to", "text", "send_at", "class", "ttl_s", "modem", "encoding", "report", "parts"];
            let (key, value) = (keys[seed.below(10) as usize], values[seed.below(15) as usize]);
            text = format!(r#"{{"{key}":{value},"send_at":"{LATER}","to":"+4915100000002","text":"t"}}"#);
            text.into_bytes()
        }
        5 => vec![[b'[', b'{', b' ', b'"', 0][seed.below(5) as usize]; seed.below(60_000) as usize],
        6 => format!(r#"{{"to":"{}","text":"t"}}"#, "9".repeat(60_000)).into_bytes(),
        7 => {
            format!(r#"{{"to":"+4915100000002","text":{}{}}}"#, "[".repeat(500), "]".repeat(500)).into_bytes()
        }
        8 => (0..seed.below(300)).map(|_| seed.next() as u8).collect(),
        _ => {
            let mut octets = std::mem::take(&mut text).into_bytes();
            damage(seed, &mut octets);
            octets
        }
    }
}

/// The same on a topic that takes it, with properties. `None` as answer: an empty retained one, which asks for nothing.
fn request(seed: &mut Seed, n: usize) -> (Publish, Option<String>) {
    let answers = format!("answers/h{n}");
    let mut payload = payload(seed, n);
    let retain = seed.below(10) == 0;
    if seed.below(30) == 0 {
        payload.clear();
    }
    let is_answered = !(retain && payload.is_empty());
    let publish = Publish {
        topic: ["sms/send", "sms/send/main"][seed.below(2) as usize].to_owned(),
        payload,
        qos: 1,
        retain,
        response_topic: Some(answers.clone()),
        correlation_data: (seed.below(2) == 0).then(|| vec![0xff; seed.below(1000) as usize]),
        message_expiry_s: (seed.below(4) == 0).then_some(u32::MAX),
        ..Publish::default()
    };
    (publish, is_answered.then_some(answers))
}

#[test]
fn two_thousand_hostile_requests_are_each_answered_and_cost_no_memory() {
    let mut seed = Seed::from_environment();
    let mut rig = Rig::with(|config| config.set("mqtt", "response_prefix", "answers/"));
    rig.assert_still_works("before");
    let requests: Vec<(Publish, Option<String>)> = (0..REQUESTS).map(|n| request(&mut seed, n)).collect();
    let authors: Vec<_> = (0..4).map(|n| rig.client(&format!("author-{n}"), &[])).collect();
    let ask = |range: std::ops::Range<usize>| {
        std::thread::scope(|scope| {
            for (k, author) in authors.iter().enumerate() {
                let requests = &requests[range.clone()];
                scope.spawn(move || {
                    for (publish, _) in requests.iter().skip(k).step_by(4) {
                        author.publish_with(publish.clone());
                    }
                });
            }
        });
        let mut missing: BTreeSet<&String> =
            requests[..range.end].iter().filter_map(|(_, topic)| topic.as_ref()).collect();
        wait_until("an answer to each", || {
            for crossing in rig.published("answers/") {
                missing.remove(&crossing.publish.topic);
            }
            missing.is_empty()
        });
        rig.gateway.memory()
    };
    let warm = ask(0..WARM);
    let after = ask(WARM..REQUESTS);
    println!("{REQUESTS} hostile requests: memory {warm}, then {after} octets");
    assert!(after < warm + MAX_GROWTH, "memory grew from {warm} to {after} octets");
    rig.gateway.assert_running();
    assert!(!rig.gateway.log().contains("panicked"));
    drop(authors);
    rig.assert_still_works("after");
}
