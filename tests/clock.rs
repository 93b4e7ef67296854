//! A system clock that cannot be right, under the real process: libfaketime changes this process and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::gateway::has_all;
use crate::harness::modem::ModemOptions;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

const ANNA: &str = "+4915100000002";
const DAY: i64 = 86_400;

/// What the gateway takes for the system's clock: the true time and so many seconds.
struct Clock {
    file: PathBuf,
}

impl Clock {
    fn new(rig: &Rig, seconds: i64) -> Self {
        let clock = Self { file: rig.gateway.folder().join("clock") };
        clock.set(seconds);
        clock
    }

    fn set(&self, seconds: i64) {
        // It is read all the time: never half written.
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n")).expect("the clock's file");
        fs::rename(new, &self.file).expect("the clock's file");
    }

    /// Starts the gateway under this clock, and waits until it is online.
    fn start(&self, rig: &mut Rig) {
        let library = library().display().to_string();
        rig.launch_gateway(&[
            ("LD_PRELOAD", &library),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_str().expect("a path in UTF-8")),
            ("FAKETIME_NO_CACHE", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]);
        rig.wait_online();
    }
}

/// Debian keeps it below the folder of its architecture.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("a folder of libraries");
    folders
        .map(|entry| entry.expect("an entry").path().join("faketime/libfaketime.so.1"))
        .chain([Path::new("/usr/lib/faketime/libfaketime.so.1").to_owned()])
        .find(|path| path.exists())
        .expect("faketime is not installed; tests/run names the packages")
}

fn seconds_since_1970() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn wait_for_problem(rig: &Rig, words: &[&str]) {
    rig.client.wait_for_json(&format!("a problem with {words:?}"), |topic, state| {
        topic == "sms/gateway/attic" && has_all(state["problem"].as_str().unwrap_or_default(), words)
    });
}

fn wait_for_no_problem(rig: &Rig) {
    rig.client.forget();
    rig.client.wait_for_json("no problem any more", |topic, state| {
        topic == "sms/gateway/attic" && state["problem"].is_null()
    });
}

/// Something of everything that time could end: a request, half a message, a message of long ago.
fn something_of_everything(rig: &Rig) {
    let later = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2)).to_string();
    rig.request(&json!({"id": "waits", "to": ANNA, "text": "waits", "send_at": later}));
    rig.client.wait_for_result("waits", "accepted");
    let parts = rig.modem.parts("+4915100000001", &"0123456789".repeat(20), 9);
    rig.modem.deliver_pdu(&parts[0]);
    wait_until("the half message to be in the store", || count(rig, "SELECT count(*) FROM part_set") == 1);
    rig.assert_still_works("before");
    wait_until("the time to be written down", || {
        count(rig, "SELECT count(*) FROM fact WHERE name = 'newest_time'") == 1
    });
}

/// All of that is still there, and the main job goes on with times that can be true.
fn assert_nothing_is_lost(rig: &Rig, name: &str) {
    rig.client.forget();
    rig.assert_still_works(name);
    let message = rig.wait_for_received(&format!("{name} in"));
    let received_at: jiff::Timestamp =
        message["received_at"].as_str().and_then(|at| at.parse().ok()).expect("a time");
    let off = (received_at.as_second() - seconds_since_1970()).abs();
    assert!(off < DAY, "it is dated {received_at}, which is {off} s off");
    let finals = rig.client.results("waits");
    assert_eq!(finals, Vec::<Value>::new(), "the request that waits goes on waiting");
    assert_eq!(count(rig, "SELECT count(*) FROM request WHERE id = 'waits'"), 1, "and is not forgotten");
    assert_eq!(
        count(rig, "SELECT count(*) FROM part_set WHERE message_id IS NULL"),
        1,
        "half a message goes on waiting"
    );
    assert!(count(rig, "SELECT count(*) FROM received") >= 2, "old messages are not forgotten");
}

fn count(rig: &Rig, query: &str) -> i64 {
    let store =
        Connection::open(rig.gateway.folder().join("store/smsbridge.sqlite")).expect("the store opens");
    store.query_row(query, [], |row| row.get(0)).expect("a count")
}

/// Two lives: a good one, then one that begins with the clock so many seconds off.
fn begun_again_with_the_clock_off_by(seconds: i64) -> (Rig, Clock) {
    let mut rig = Rig::start();
    something_of_everything(&rig);
    assert_eq!(code(rig.gateway.stop()), 0);
    rig.client.forget();
    let clock = Clock::new(&rig, seconds);
    clock.start(&mut rig);
    (rig, clock)
}

#[test]
fn booting_in_1970_nothing_is_lost_and_the_problem_is_shown_until_the_clock_is_set() {
    let (rig, clock) = begun_again_with_the_clock_off_by(60 - seconds_since_1970());
    wait_for_problem(&rig, &["clock", "behind"]);
    assert_nothing_is_lost(&rig, "in-1970");
    clock.set(0);
    wait_for_no_problem(&rig);
    assert_nothing_is_lost(&rig, "set-right");
}

#[test]
fn booting_a_year_ahead_nothing_expires_and_nothing_is_forgotten() {
    let (rig, clock) = begun_again_with_the_clock_off_by(400 * DAY);
    wait_for_problem(&rig, &["clock", "ahead"]);
    assert_nothing_is_lost(&rig, "a-year-ahead");
    clock.set(0);
    wait_for_no_problem(&rig);
    assert_nothing_is_lost(&rig, "set-right");
}

#[test]
fn a_clock_that_jumps_under_a_running_gateway_is_not_believed() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let clock = Clock::new(&rig, 0);
    clock.start(&mut rig);
    something_of_everything(&rig);
    for (seconds, word) in
        [(400 * DAY, "ahead"), (-10 * DAY, "behind"), (60 - seconds_since_1970(), "behind")]
    {
        clock.set(seconds);
        wait_for_problem(&rig, &["clock", word]);
        assert_nothing_is_lost(&rig, &format!("off-by-{seconds}"));
        clock.set(0);
        wait_for_no_problem(&rig);
        assert_nothing_is_lost(&rig, &format!("right-after-{seconds}"));
    }
    rig.gateway.assert_running();
}

#[test]
fn time_goes_on_while_the_clock_is_wrong() {
    let (rig, _clock) = begun_again_with_the_clock_off_by(60 - seconds_since_1970());
    wait_for_problem(&rig, &["clock"]);
    rig.modem.unplug();
    rig.client.wait_for_text("sms/modem/main/availability", "offline");
    rig.request(&json!({"id": "short", "to": ANNA, "text": "short", "ttl_s": 2}));
    let result = rig.client.wait_for_result("short", "expired");
    assert_eq!(result["final"], true, "{result}");
}

#[test]
fn a_request_accepted_under_a_wrong_clock_lives_its_time_after_the_correction() {
    let mut rig = Rig::start();
    rig.assert_still_works("before");
    assert_eq!(code(rig.gateway.stop()), 0);
    switched_off_since(&rig, 10);
    let clock = Clock::new(&rig, 60 - seconds_since_1970());
    rig.client.forget();
    clock.start(&mut rig);
    wait_for_problem(&rig, &["clock", "behind"]);
    rig.modem.unplug();
    rig.client.wait_for_text("sms/modem/main/availability", "offline");
    rig.request(&json!({"id": "hour", "to": ANNA, "text": "within the hour", "ttl_s": 3600}));
    rig.client.wait_for_result("hour", "accepted");
    clock.set(0);
    wait_for_no_problem(&rig);
    rig.modem.plug();
    let result = rig.client.wait_for_json("its end", |topic, result| {
        topic == "sms/result" && result["id"] == "hour" && result["final"] == true
    });
    assert_eq!(result["state"], "sent", "ten days of correction are not ten days of its hour: {result}");
}

#[test]
fn a_first_boot_in_1970_is_over_when_the_clock_is_set() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let clock = Clock::new(&rig, 60 - seconds_since_1970());
    clock.start(&mut rig);
    wait_for_problem(&rig, &["clock"]);
    rig.assert_still_works("in-1970");
    clock.set(0);
    wait_for_no_problem(&rig);
    assert_received_now(&rig, "set right");
}

#[test]
fn after_forty_days_off_the_first_message_confirms_the_clock() {
    let mut rig = Rig::start();
    rig.assert_still_works("before");
    assert_eq!(code(rig.gateway.stop()), 0);
    switched_off_since(&rig, 40);
    rig.client.forget();
    rig.start_gateway();
    wait_for_problem(&rig, &["clock", "ahead"]);
    rig.modem.deliver("+4915100000001", "what time it is");
    rig.wait_for_received("what time it is");
    wait_for_no_problem(&rig);
    assert_received_now(&rig, "believed");
}

/// As if the store had last been written to so many days ago.
fn switched_off_since(rig: &Rig, days: i64) {
    let newest = (seconds_since_1970() - days * DAY) * 1000;
    let store =
        Connection::open(rig.gateway.folder().join("store/smsbridge.sqlite")).expect("the store opens");
    let keep = "INSERT OR REPLACE INTO fact (name, value) VALUES ('newest_time', ?1)";
    store.execute(keep, [newest.to_string()]).expect("its newest time");
}

fn assert_received_now(rig: &Rig, text: &str) {
    rig.modem.deliver("+4915100000001", text);
    let message = rig.wait_for_received(text);
    let at: jiff::Timestamp = message["received_at"].as_str().and_then(|at| at.parse().ok()).expect("a time");
    let off = (at.as_second() - seconds_since_1970()).abs();
    assert!(off < 600, "it is dated {at}, which is {off} s off");
}
