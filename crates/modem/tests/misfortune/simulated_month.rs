//! A month in which everything a simulated modem can do wrong goes wrong, drawn from a seed: every message is read and
//! counted once, every request is sent once or has a reason not to be known, and nothing is sent as text.

mod gateway;
mod ledger;
mod misfortunes;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use smsbridge_modem::sms;
use smsbridge_simulator::{LeftBehind, Options, Simulator, VendorProfile};
use tokio::time::{Instant, sleep};

use self::gateway::Gateway;
use self::ledger::{Outcome, Request};
use crate::alone::{is_alone, resident};
use crate::bench::*;

const HOUR: Duration = Duration::from_secs(3600);
const HOURS: u32 = 30 * 24;

/// The longest pause after a refusal, and some.
const SETTLE_TIME: Duration = Duration::from_secs(3 * 3600);

fn seed() -> u64 {
    match std::env::var("SMSBRIDGE_TEST_SEED") {
        Ok(text) => text.parse().expect("SMSBRIDGE_TEST_SEED is a whole number"),
        Err(_) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
            u64::from(now.subsec_nanos()) ^ now.as_secs()
        }
    }
}

/// People write to the SIM, one or two in an hour; the numbers of their messages.
async fn deliver(sim: Simulator, mut random: fastrand::Rng, end: Instant) -> usize {
    let mut count = 0;
    while Instant::now() < end {
        for _ in 0..random.u32(1..4) {
            sim.deliver("+491234567", &format!("number {count}")).expect("a text that can be sent");
            count += 1;
        }
        sleep(Duration::from_secs(random.u64(60..7200))).await;
    }
    count
}

/// `number` is the profile's, so that each draws its own month from the one seed.
async fn month(number: u64, profile: VendorProfile) {
    let (name, seed) = (profile.name, seed());
    println!("{name}: seed {seed}; repeat with SMSBRIDGE_TEST_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed.wrapping_mul(4).wrapping_add(number));
    let sim = Simulator::new(Options {
        profile,
        seed,
        slots: 15,
        me_slots: 15,
        loopback: false,
        submit_delay: Duration::from_secs(2),
        boot_time: Duration::from_secs(random.u64(0..40)),
        sim_time: Duration::from_secs(random.u64(0..10)),
        sms_time: Duration::from_secs(random.u64(0..25)),
        left_behind: LeftBehind {
            numeric_results: random.bool(),
            no_results: random.bool(),
            text_mode: random.bool(),
            ucs2: random.bool(),
            data_mode: random.bool(),
        },
        ..Options::default()
    });
    let mut gateway = Gateway::new(&sim);
    let start = Instant::now();
    let end = start + HOURS * HOUR;
    let due = (0..HOURS).map(|hour| start + hour * HOUR + Duration::from_secs(random.u64(..3600)));
    gateway.ledger.requests = due.enumerate().map(|(n, due)| Request::new(n, due)).collect();
    let delivered = tokio::spawn(deliver(sim.clone(), random.fork(), end));
    // Two at once, so that one may come in the middle of another.
    for _ in 0..2 {
        tokio::spawn(misfortunes::happen(sim.clone(), random.fork(), end));
    }
    gateway.run(start + 72 * HOUR).await;
    let after_three_days = resident();
    gateway.run(end).await;
    let at_the_end = resident();
    gateway.run(end + SETTLE_TIME).await;
    let what = format!("{name}, seed {seed}");
    assert_received(&gateway, &sim, delivered.await.expect("the deliveries"), &what);
    assert_sent(&gateway, &sim, &what);
    assert_eq!(gateway.families.len(), 1, "{what}: taken for {:?}", gateway.families);
    if gateway.families == ["huawei"] {
        assert_eq!(sim.resets(), 0, "{what}: no command is known that such a stick survives");
    }
    assert!(gateway.sessions > 50, "{what}: {} sessions in a month of misfortunes", gateway.sessions);
    println!("{what}: {} sessions, {} resets", gateway.sessions, sim.resets());
    if let (Some(first), Some(last)) = (after_three_days, at_the_end) {
        let grown = last.saturating_sub(first) / 1024;
        println!("{what}: {grown} KiB more than after three days");
        // Measured: half a MiB, the messages and requests themselves.
        assert!(grown < 4 * 1024, "{what}: {grown} KiB more after a month than after three days");
    }
}

fn assert_received(gateway: &Gateway, sim: &Simulator, delivered: usize, what: &str) {
    let ledger = &gateway.ledger;
    let last = || {
        let journal = sim.journal();
        journal[journal.len().saturating_sub(60)..].join("\n")
    };
    assert!(sim.stored().is_empty() && sim.waiting() == 0, "{what}: {:?}\n{}", sim.stored(), last());
    assert_eq!(ledger.counted.len(), delivered, "{what}: messages were lost");
    let doubled: Vec<_> = ledger.counted.iter().filter(|(_, times)| **times != 1).collect();
    assert_eq!(doubled, [], "{what}: counted more than once");
    assert!(ledger.vain_deletions > 10, "{what}: {} deletions were in vain", ledger.vain_deletions);
}

fn assert_sent(gateway: &Gateway, sim: &Simulator, what: &str) {
    assert_eq!(sim.sent_as_text(), [], "{what}");
    let sent = sim.sent();
    let mut unknown_on_air = 0;
    let (mut sent_count, mut unknown_count) = (0, 0);
    for request in &gateway.ledger.requests {
        let on_air = sent.iter().filter(|sent| sent.to == request.to).count();
        match &request.outcome {
            Outcome::Waiting => panic!("{what}: {} was never sent", request.to),
            Outcome::Sent => {
                sent_count += 1;
                assert_eq!(on_air, 1, "{what}: {} is sent", request.to);
            }
            Outcome::Unknown { reason, journal } => {
                unknown_count += 1;
                unknown_on_air += on_air;
                assert!(on_air <= 1, "{what}: {} {reason}", request.to);
                let has_reason = journal.iter().any(|line| is_interruption(line));
                assert!(has_reason, "{what}: {} {reason}\n{}", request.to, journal.join("\n"));
            }
        }
    }
    assert_eq!(sent.len(), sent_count + unknown_on_air, "{what}");
    let counts = format!("{sent_count} sent, {unknown_count} unknown, of which {unknown_on_air} on air");
    println!("{what}: {counts}");
    assert!(unknown_count > 5 && unknown_on_air > 0, "{what}: {counts}");
}

/// Whether a line of the simulator's journal is a reason not to know what became of a submission.
fn is_interruption(line: &str) -> bool {
    const KINDS: [&str; 13] = [
        "Reset", "Restart", "Hang", "HangFor", "Vanish", "Late", "Swallow", "NoResult", "NoLines", "Behind",
        "Cms", "Cme", "Error",
    ];
    let words = line.trim_start().split_once(' ').map_or("", |(_, words)| words.trim_start());
    let kind = words.strip_prefix("fault: ").and_then(|fault| fault.split([' ', '(', '[']).next());
    matches!(words, "restarts" | "hangs" | "unplugged") || kind.is_some_and(|kind| KINDS.contains(&kind))
}

#[tokio::test(start_paused = true)]
async fn a_month_of_a_modem_by_the_standard() {
    if is_alone("simulated_month::a_month_of_a_modem_by_the_standard") {
        month(0, VendorProfile::generic()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_month_of_a_huawei_stick() {
    if is_alone("simulated_month::a_month_of_a_huawei_stick") {
        month(1, VendorProfile { text_mode: true, ..VendorProfile::huawei() }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_month_of_a_sim800() {
    if is_alone("simulated_month::a_month_of_a_sim800") {
        month(2, VendorProfile { text_mode: true, ..VendorProfile::sim800() }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_month_of_a_quectel_ec25() {
    if is_alone("simulated_month::a_month_of_a_quectel_ec25") {
        month(3, VendorProfile { text_mode: true, ..VendorProfile::ec25() }).await;
    }
}

/// Fifty unsolicited lines a minute, half a million in all.
#[tokio::test(start_paused = true)]
async fn half_a_million_unsolicited_lines_are_not_kept_in_memory() {
    const DAY: u32 = 24 * 60;
    if !is_alone("simulated_month::half_a_million_unsolicited_lines_are_not_kept_in_memory") {
        return;
    }
    let sim = Simulator::new(Options::default());
    let mut session = connect(&sim);
    let ready = ready(&mut session).await.expect("a modem with no fault comes up");
    let mut after_a_day = None;
    let mut read = 0;
    for minute in 0..7 * DAY {
        if minute == DAY {
            after_a_day = resident();
        }
        for _ in 0..50 {
            sim.noise();
        }
        if minute % 10 == 0 {
            sim.deliver("+491234567", &format!("minute {minute}")).expect("a text that can be sent");
        }
        let next = Instant::now() + Duration::from_secs(60);
        while let Ok(urc) = tokio::time::timeout_at(next, session.next_event()).await {
            urc.expect("unsolicited lines are no fault");
        }
        for message in swept(&mut session, &ready).await {
            read += 1;
            sms::delete(&mut session, message.storage, message.slot).await.expect("a deletion");
        }
        sim.forget_past();
    }
    assert_eq!(read, 7 * DAY / 10);
    if let (Some(first), Some(last)) = (after_a_day, resident()) {
        let grown = last.saturating_sub(first) / 1024;
        // 16 octets kept of each line would be 7 MiB more.
        assert!(grown < 4 * 1024, "{grown} KiB more after a week than after a day");
    }
}
