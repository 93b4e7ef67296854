//! Memory and disk under excessive load: disk grows by what must be kept, memory by nothing.
//!
//! The numbers are small enough for every run; `SMSBRIDGE_TEST_LONG=1` takes those of docs/security.md.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};
use smsbridge_simulator::Message;

use crate::harness::client::Client;
use crate::harness::gateway::{Gateway, has_all};
use crate::harness::mqtt_packets::Publish;
use crate::harness::process::code;
use crate::harness::rig::{self, Rig};
use crate::harness::wait::{wait_at_most, wait_until};

const ANNA: &str = "+4915100000002";
const BEN: &str = "+4915100000003";

const MIB: u64 = 1024 * 1024;

/// Items after which the gateway's caches are full, above all SQLite's of 2 MB.
const WARM_UP: usize = 3500;

/// Octets of memory each further item may take: noise. A string kept of each takes more.
const MAX_GROWTH: u64 = 256;

/// What the caches of a gateway that has just started may take before they are full.
const MAX_CACHES: u64 = 5 * MIB / 2;

/// SQLite cuts its journal back to 4 MiB; between two cuts one large transaction may stand behind that.
const MOST_WAL: u64 = 8 * MIB;

fn figure(normal: usize, long: usize) -> usize {
    if std::env::var_os("SMSBRIDGE_TEST_LONG").is_some() { long } else { normal }
}

fn store_path(rig: &Rig) -> std::path::PathBuf {
    rig.gateway.folder().join("store/smsbridge.sqlite")
}

/// Octets of the store's file and of its write-ahead log.
fn disk(rig: &Rig) -> (u64, u64) {
    let size = |path: std::path::PathBuf| fs::metadata(path).map_or(0, |metadata| metadata.len());
    (size(store_path(rig)), size(rig.gateway.folder().join("store/smsbridge.sqlite-wal")))
}

fn count(rig: &Rig, query: &str) -> usize {
    let store = Connection::open(store_path(rig)).expect("the store opens");
    let count: i64 = store.query_row(query, [], |row| row.get(0)).expect("a count");
    count.try_into().expect("no negative count")
}

/// As `wait_until`, for as long as the long figures take.
fn wait_long(what: &str, mut holds: impl FnMut() -> bool) {
    wait_at_most(Duration::from_secs(1800), what, || holds().then_some(()));
}

/// Fails when `items` items took more memory than noise.
fn assert_no_growth(what: &str, items: usize, before: u64, gateway: &Gateway) {
    let after = gateway.memory();
    let each = after.saturating_sub(before) / items as u64;
    println!("{what}: {items} more took {each} octets of memory each");
    assert!(
        each < MAX_GROWTH,
        "{what}: memory grew from {before} to {after} octets, {each} for each of {items}"
    );
}

fn print_figures(what: &str, count: usize, since: Instant, before: u64, rig: &Rig) {
    let (file, wal) = disk(rig);
    println!(
        "{what}: {count} in {:.1} s; memory {:.1} -> {:.1} MiB; store {:.1} MiB, {:.0} octets each; WAL {:.1} MiB",
        since.elapsed().as_secs_f32(),
        before as f32 / MIB as f32,
        rig.gateway.memory() as f32 / MIB as f32,
        file as f32 / MIB as f32,
        file as f32 / count as f32,
        wal as f32 / MIB as f32,
    );
}

#[test]
fn a_broker_that_stays_away_costs_disk_and_no_memory() {
    let mut rig = Rig::start();
    rig.assert_still_works("before");
    let messages = figure(1500, 50_000);
    rig.broker.kill();
    let (idle, since) = (rig.gateway.memory(), Instant::now());
    let deliver = |range: std::ops::Range<usize>| {
        for n in range {
            let text = format!("message {n} of many, as long as people write them");
            rig.modem.deliver("+4915100000001", &text);
            if n % 100 == 99 {
                wait_long("the modem to be emptied", || rig.modem.queued() == 0);
            }
        }
        wait_long("the last of them", || rig.modem.queued() == 0 && rig.modem.stored() == 0);
    };
    deliver(0..WARM_UP);
    let warm = rig.gateway.memory();
    deliver(WARM_UP..WARM_UP + messages);
    assert_no_growth("received without a broker", messages, warm, &rig.gateway);
    let stored = rig.gateway.memory();
    let messages = WARM_UP + messages;
    print_figures("received without a broker", messages, since, idle, &rig);
    let (file, wal) = disk(&rig);
    let most = messages as u64 * 2048 + MIB;
    assert!(file < most, "the store has {file} octets for {messages} messages, more than {most}");
    assert!(wal < MOST_WAL, "the write-ahead log has {wal} octets");

    rig.broker.restart();
    wait_long("all of them on the broker", || count(&rig, "SELECT count(*) FROM outbox") == 0);
    let texts: BTreeSet<String> = rig
        .published("sms/received/")
        .iter()
        .filter(|crossing| crossing.is_taken_over())
        .map(|crossing| rig::json(&crossing.publish)["text"].to_string())
        .collect();
    assert_eq!(texts.len(), messages + 1, "each of them came");
    assert_no_growth("published at last", messages, stored, &rig.gateway);
}

/// The broker of the tests writes its whole memory down after each change, which takes longer the more it holds.
fn save_seldom(rig: &mut Rig) {
    let path = rig.gateway.folder().join("broker/mosquitto.conf");
    let settings = fs::read_to_string(&path).expect("the broker's configuration");
    let settings = settings.replace("autosave_on_changes true", "autosave_on_changes false");
    fs::write(&path, settings.replace("autosave_interval 1", "autosave_interval 1800")).expect("written");
    rig.broker.kill();
    rig.broker.restart();
}

#[test]
fn a_flood_of_requests_is_stored_and_none_is_lost() {
    let mut rig = Rig::start();
    rig.assert_still_works("before");
    let idle = rig.gateway.memory();
    assert_eq!(code(rig.gateway.stop()), 0);
    save_seldom(&mut rig);
    let requests = figure(2000, 100_000);
    // They are kept for next year: what is measured is taking them over, not the modem.
    let next_year = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(365 * 24)).to_string();
    let authors: Vec<Client> = (0..8).map(|n| rig.client(&format!("author-{n}"), &[])).collect();
    let request = |range: std::ops::Range<usize>| {
        std::thread::scope(|scope| {
            for (k, author) in authors.iter().enumerate() {
                let (next_year, range) = (&next_year, range.clone());
                scope.spawn(move || {
                    for n in range.skip(k).step_by(8) {
                        let request =
                            json!({"id": format!("f{n}"), "to": ANNA, "text": "flood", "send_at": next_year});
                        author.publish("sms/send", request.to_string());
                    }
                });
            }
        });
    };
    let wait_for_answers = |rig: &Rig, requests: usize| {
        wait_long("all of them in the store", || {
            count(rig, "SELECT count(*) FROM message WHERE final = 0") == requests
        });
        wait_long("an answer to each", || count(rig, "SELECT count(*) FROM outbox") == 0);
    };
    request(0..WARM_UP);
    let since = Instant::now();
    rig.start_gateway();
    wait_for_answers(&rig, WARM_UP);
    let warm = rig.gateway.memory();
    request(WARM_UP..WARM_UP + requests);
    wait_for_answers(&rig, WARM_UP + requests);
    assert_no_growth("requests", requests, warm, &rig.gateway);
    let requests = WARM_UP + requests;
    print_figures("requests", requests, since, idle, &rig);
    let accepted: BTreeSet<String> = rig
        .published("sms/result")
        .iter()
        .map(|crossing| rig::json(&crossing.publish))
        .filter(|result| result["state"] == "accepted")
        .map(|result| result["id"].to_string())
        .collect();
    assert_eq!(accepted.len(), requests + 1, "each is answered");
    rig.assert_still_works("behind-them");
}

#[test]
fn incomplete_messages_are_kept_on_disk_and_published_after_the_timeout() {
    let mut rig = Rig::start();
    rig.assert_still_works("before");
    save_seldom(&mut rig);
    let sets = figure(1500, 10_000);
    let (idle, since) = (rig.gateway.memory(), Instant::now());
    let deliver = |range: std::ops::Range<usize>, parts_each: usize| {
        for n in range {
            let reference = u16::try_from(n).expect("16 bits of reference");
            let form = Message { reference, wide: true, ..Message::default() };
            let text = "0123456789".repeat(20);
            let parts = rig.modem.simulator().parts(BEN, &text, &form).expect("two parts");
            parts.iter().take(parts_each).for_each(|part| rig.modem.deliver_pdu(part));
            if n % 100 == 99 {
                wait_long("the modem to be emptied", || rig.modem.queued() == 0);
            }
        }
        wait_long("the last of them", || rig.modem.queued() == 0 && rig.modem.stored() == 0);
    };
    // Whole messages fill the caches as well, and do not have to be given out one by one below.
    deliver(0..WARM_UP, 2);
    wait_long("all of them on the broker", || count(&rig, "SELECT count(*) FROM outbox") == 0);
    let warm = rig.gateway.memory();
    deliver(WARM_UP..WARM_UP + sets, 1);
    assert_no_growth("half messages", sets, warm, &rig.gateway);
    wait_long("all of them in the store", || {
        count(&rig, "SELECT count(*) FROM part_set WHERE message_id IS NULL") == sets
    });
    print_figures("half messages", sets, since, idle, &rig);
    rig.assert_still_works("beside-them");

    assert_eq!(code(rig.gateway.stop()), 0);
    rig.reconfigure(|config| config.set("inbound", "reassembly_timeout_s", 1));
    rig.start_gateway();
    wait_long("all of them to be given out as they are", || {
        count(&rig, "SELECT count(*) FROM part_set WHERE message_id IS NULL") == 0
            && count(&rig, "SELECT count(*) FROM outbox") == 0
    });
    let halves: BTreeSet<String> = rig
        .published("sms/received/")
        .iter()
        .map(|crossing| rig::json(&crossing.publish))
        .filter(|message| message["complete"] == false && message["missing"] == json!([2]))
        .map(|message| message["id"].to_string())
        .collect();
    assert_eq!(halves.len(), sets, "nothing is dropped in silence");
    let after = rig.gateway.memory();
    assert!(after < idle + MAX_CACHES, "giving them out took memory from {idle} to {after} octets");
}

/// The one result of one request, which is a short rejection.
fn assert_rejected(rig: &Rig, what: &str, payload: &[u8], code: &str) -> Value {
    rig.client.forget();
    rig.client.publish("sms/send", payload);
    let result = rig.client.wait_for_json(&format!("an answer to {what}"), |topic, _| topic == "sms/result");
    assert_eq!((&result["state"], &result["final"]), (&json!("rejected"), &json!(true)), "{what}: {result}");
    assert_eq!(result["error"]["code"], code, "{what}: {result}");
    let length = result.to_string().len();
    assert!(length < 4096, "{what}: the answer has {length} octets");
    result
}

#[test]
fn hostile_payloads_get_short_rejections() {
    const ROUNDS: u64 = 5;
    let mut rig = Rig::start();
    rig.assert_still_works("before");
    let valid = |text: &str| json!({"id": "x", "to": ANNA, "text": text}).to_string().into_bytes();
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000)).into_bytes();
    let nested_field = format!(r#"{{"to":"{ANNA}","text":{}1{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    let payloads = [
        ("1 MiB of text", valid(&"x".repeat(1 << 20)), "too-large"),
        ("1 MiB of nothing", vec![b' '; 1 << 20], "too-large"),
        ("an open bracket a hundred thousand times", vec![b'['; 100_000], "malformed"),
        ("arrays in arrays", deep("[", "]"), "malformed"),
        ("objects in objects", deep(r#"{"a":"#, "}")[..250_000].to_vec(), "malformed"),
        ("a text that is a deep array", nested_field.into_bytes(), "malformed"),
        (
            "a number of a hundred thousand digits",
            [b"{\"to\":".to_vec(), vec![b'9'; 100_000], b"}".to_vec()].concat(),
            "malformed",
        ),
        ("invalid UTF-8", b"{\"to\":\"+4915100000002\",\"text\":\"\xff\xfe\"}".to_vec(), "malformed"),
        ("half a surrogate pair", br#"{"to":"+4915100000002","text":"\ud800"}"#.to_vec(), "malformed"),
        ("only NUL", vec![0; 1000], "malformed"),
        ("an id with NUL", br#"{"id":"a\u0000b","to":"+4915100000002","text":"t"}"#.to_vec(), "malformed"),
        ("a number with NUL", br#"{"to":"+49151\u0000","text":"t"}"#.to_vec(), "bad-number"),
        (
            "a line break and a command in the number",
            br#"{"to":"+49151\r\nAT+CMGD=1","text":"t"}"#.to_vec(),
            "bad-number",
        ),
        ("twenty thousand letters", valid(&"x".repeat(20_000)), "too-long"),
        (
            "the same key many times",
            format!("{{{}}}", vec![r#""id":"a""#; 20_000].join(",")).into_bytes(),
            "malformed",
        ),
    ];
    let reject_all = || {
        for (what, payload, code) in &payloads {
            assert_rejected(&rig, what, payload, code);
        }
        rig.gateway.memory()
    };
    // The allocator keeps some room for the next large payload; one payload kept a round is 1 MiB more a round.
    let before = reject_all();
    let mut after = before;
    for _ in 0..ROUNDS {
        after = reject_all();
    }
    println!("payloads made to harm: memory {before}, then {after} octets");
    assert!(after < before + ROUNDS * MIB, "{ROUNDS} rounds took memory from {before} to {after} octets");
    rig.gateway.assert_running();
    assert_eq!(rig.modem.submits().len(), 1, "nothing of it is sent");
    rig.assert_still_works("after");
}

#[test]
fn an_oversized_payload_disturbs_neither_the_connection_nor_later_requests() {
    let mut rig = Rig::start();
    // The broker does not deliver what is larger than the gateway says it takes (4 MiB).
    rig.client.publish("sms/send", vec![b'x'; 5 << 20]);
    rig.assert_still_works("after");
    rig.gateway.assert_running();
}

#[test]
fn a_text_with_nul_or_control_characters_is_sent_unchanged() {
    let rig = Rig::start();
    let text = "a\0b\u{1b}\u{1a}c\r\nAT+CMGD=1\r\n";
    rig.request(&json!({"id": "nul", "to": ANNA, "text": text}));
    rig.client.wait_for_result("nul", "sent");
    assert_eq!(
        rig.modem.submits()[0].text,
        text,
        "in PDU mode no character can end a message or be a command"
    );
    assert_eq!(rig.modem.typed("AT+CMGD=1"), 0);
    rig.modem.deliver(BEN, text);
    rig.wait_for_received(text);
}

#[test]
fn thousands_of_recipients_are_all_answered() {
    let rig = Rig::with(|config| config.set("outbound", "max_recipients", 10_000));
    let to: Vec<String> = (0..figure(500, 10_000)).map(|n| format!("no number {n}")).collect();
    rig.client.publish("sms/send", json!({"id": "many", "to": to, "text": "t"}).to_string());
    wait_long("a result for each", || rig.client.results("many").len() >= to.len());
    rig.assert_still_works("after");
    assert_eq!(rig.client.results("many").len(), to.len());
}

#[test]
fn names_that_would_be_topics_are_refused() {
    let mut rig = Rig::start();
    for modem in ["main/availability", "../gateway/attic", "+", "#", "", "Main", "main\u{0}"] {
        let request = json!({"id": "x", "to": ANNA, "text": "t", "modem": modem}).to_string();
        assert_rejected(&rig, modem, request.as_bytes(), "malformed");
    }
    for topic in ["sms/send/main/availability", "sms/send/MAIN", "sms/send/"] {
        rig.client.publish(topic, json!({"id": "y", "to": ANNA, "text": "t"}).to_string());
    }
    rig.assert_still_works("after");
    assert_eq!(rig.modem.submits().len(), 1, "nothing of it is sent");
    let known = ["sms/result", "sms/received/main", "sms/last/main", "sms/modem/main", "sms/gateway/attic"];
    for crossing in rig.published("") {
        let topic = crossing.publish.topic.trim_end_matches("/availability").to_owned();
        assert!(known.contains(&topic.as_str()), "the gateway published on {topic}");
    }

    assert_eq!(code(rig.gateway.stop()), 0);
    for (key, name) in [("gateway", "a/b"), ("modem", "#"), ("prefix", "sms/+"), ("share", "a/b")] {
        let mut config = rig.config.clone();
        match key {
            "gateway" => config.set_root("name", name),
            "modem" => config.set_modem("name", name),
            other => config.set("mqtt", other, name),
        }
        rig.gateway.configure(&config);
        let output = rig.gateway.run_command(&["check"]);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{key} = {name:?}: {words}");
        assert!(words.contains(name), "{key} = {name:?}: it names it: {words}");
    }
}

#[test]
fn finished_rows_are_deleted_after_keep_days_and_open_ones_stay() {
    let mut rig = Rig::with(|config| config.set("store", "keep_days", 1));
    rig.assert_still_works("old");
    let later = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1000)).to_string();
    rig.request(&json!({"id": "waits", "to": ANNA, "text": "waits", "send_at": later}));
    rig.client.wait_for_result("waits", "accepted");
    assert_eq!(code(rig.gateway.stop()), 0);
    {
        let store = Connection::open(store_path(&rig)).expect("the store opens");
        for (table, column) in
            [("received", "received_at"), ("request", "accepted_at"), ("message", "result_at")]
        {
            let sql = format!("UPDATE {table} SET {column} = {column} - 2 * 86400000");
            store.execute(&sql, []).expect("two days pass");
        }
    }
    rig.start_gateway();
    wait_until("the old messages to be forgotten", || count(&rig, "SELECT count(*) FROM received") == 0);
    wait_until("the old requests to be forgotten", || count(&rig, "SELECT count(*) FROM request") == 1);
    assert_eq!(count(&rig, "SELECT count(*) FROM request WHERE id = 'waits'"), 1, "what is not done stays");
    assert_eq!(count(&rig, "SELECT count(*) FROM message_part"), 1, "nothing is left of what was forgotten");
    rig.assert_still_works("new");
    assert_eq!(count(&rig, "SELECT count(*) FROM received"), 1, "what is new stays");
}

#[test]
fn the_write_ahead_log_stays_bounded_under_steady_load() {
    let rig = Rig::start();
    let rounds = figure(400, 20_000);
    let mut largest = 0;
    for n in 0..rounds {
        rig.client.publish_with(Publish {
            topic: "sms/send".to_owned(),
            payload: json!({"id": format!("w{n}"), "to": ANNA, "text": "x".repeat(140)})
                .to_string()
                .into_bytes(),
            qos: 1,
            ..Publish::default()
        });
        largest = largest.max(disk(&rig).1);
    }
    wait_long("all of them to be sent", || rig.modem.submits().len() == rounds);
    largest = largest.max(disk(&rig).1);
    println!("the write-ahead log had at most {:.1} MiB", largest as f32 / MIB as f32);
    assert!(largest < MOST_WAL, "the write-ahead log had {largest} octets");
    let log = rig.gateway.log();
    assert!(!has_all(&log, &["ERROR"]), "{log}");
}
