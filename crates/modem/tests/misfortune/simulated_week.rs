//! A week with random faults from a seed: every message is read, and none twice but those whose deletion was never
//! confirmed.

use std::collections::BTreeMap;
use std::time::Duration;

use smsbridge_modem::sms::{self, Deleted};
use smsbridge_modem::{ModemError, Session, SessionOptions, Urc, status, upkeep};
use smsbridge_simulator::{Fault, FaultKind, Options, Simulator, VendorProfile};

use crate::bench::*;

/// What became of each PDU: times read, and how often its deletion was not confirmed.
#[derive(Default)]
struct Readings {
    read: BTreeMap<String, u32>,
    unconfirmed_deletes: BTreeMap<String, u32>,
}

/// Until a fault or the end of the hour.
async fn hour(
    session: &mut TestSession,
    readings: &mut Readings,
    end: tokio::time::Instant,
) -> Result<(), ModemError> {
    let mut ready = ready(session).await?;
    while tokio::time::Instant::now() < end {
        let swept = sms::sweep(session, &ready).await;
        for message in swept.pdus {
            *readings.read.entry(message.pdu.clone()).or_default() += 1;
            let deleted = sms::delete(session, message.storage, message.slot).await;
            if deleted != Ok(Deleted::Yes) {
                *readings.unconfirmed_deletes.entry(message.pdu).or_default() += 1;
                deleted?;
            }
        }
        swept.fault.map_or(Ok(()), Err)?;
        status::network(session).await?;
        upkeep::check(session, &mut ready).await?;
        let minute = tokio::time::Instant::now() + Duration::from_secs(60);
        while let Ok(urc) = tokio::time::timeout_at(minute.min(end), session.next_event()).await {
            if matches!(urc?, Urc::MessageStored { .. }) {
                break;
            }
        }
    }
    Ok(())
}

async fn week(profile: VendorProfile, seed: u64) -> (Simulator, Readings, usize) {
    let sim = Simulator::new(Options { profile, seed, slots: 40, me_slots: 40, ..Options::default() });
    for kind in [
        FaultKind::Swallow,
        FaultKind::Late(Duration::from_secs(7)),
        FaultKind::Reset,
        FaultKind::Vanish(Duration::from_secs(20)),
        FaultKind::HangFor(Duration::from_secs(90)),
        FaultKind::Noise,
        FaultKind::Split(Duration::from_millis(2)),
        FaultKind::Junk(b"\xff\x00\xfe".to_vec()),
        FaultKind::Cme(100),
    ] {
        sim.fault(Fault::on("AT", kind).chance(0.0008));
    }
    let mut readings = Readings::default();
    let mut sent = 0;
    for _ in 0..7 * 24 {
        for _ in 0..4 {
            sim.deliver("+491234567", &format!("number {sent}")).expect("a text that can be sent");
            sent += 1;
        }
        let end = tokio::time::Instant::now() + Duration::from_secs(3600);
        while tokio::time::Instant::now() < end {
            let (near, far) = tokio::io::duplex(4096);
            let served = sim.clone();
            tokio::spawn(async move { served.serve(far).await });
            let mut session = Session::with_options(near, SessionOptions::default());
            if hour(&mut session, &mut readings, end).await.is_err() {
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
        }
    }
    sim.clear_faults();
    let end = tokio::time::Instant::now() + Duration::from_secs(600);
    let mut session = connect(&sim);
    if let Err(error) = hour(&mut session, &mut readings, end).await {
        panic!("{error}");
    }
    (sim, readings, sent)
}

#[tokio::test(start_paused = true)]
async fn every_message_is_read_and_none_twice_without_a_reason() {
    for (profile, seed) in
        [(VendorProfile::generic(), 1), (VendorProfile::huawei(), 2), (VendorProfile::sim800(), 3)]
    {
        let name = profile.name;
        let (sim, readings, sent) = week(profile, seed).await;
        assert_eq!(readings.read.len(), sent, "{name}, seed {seed}");
        assert!(sim.stored().is_empty() && sim.waiting() == 0, "{name}, seed {seed}");
        for (pdu, times) in &readings.read {
            let reasons = readings.unconfirmed_deletes.get(pdu).copied().unwrap_or(0);
            assert!(
                *times <= 1 + reasons,
                "{name}, seed {seed}: read {times} times, {reasons} unconfirmed deletions: {pdu}"
            );
        }
        assert!(
            !readings.unconfirmed_deletes.is_empty(),
            "{name}, seed {seed}: a week without a single fault proves nothing"
        );
    }
}

/// Octets of this process in memory; none where the system does not report it.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    pages.split_whitespace().nth(1)?.parse::<usize>().ok().map(|pages| pages * 4096)
}

/// Fifty unsolicited lines a minute, half a million in all.
#[tokio::test(start_paused = true)]
async fn half_a_million_unsolicited_lines_are_not_kept_in_memory() {
    const DAY: u32 = 24 * 60;
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
        let next = tokio::time::Instant::now() + Duration::from_secs(60);
        while let Ok(urc) = tokio::time::timeout_at(next, session.next_event()).await {
            urc.expect("unsolicited lines are no fault");
        }
        for message in swept(&mut session, &ready).await {
            read += 1;
            sms::delete(&mut session, message.storage, message.slot).await.expect("a deletion");
        }
    }
    assert_eq!(read, 7 * DAY / 10);
    if let (Some(first), Some(last)) = (after_a_day, resident()) {
        let grown = last.saturating_sub(first) / 1024;
        // Measured: 3 MiB, the commands the simulator logs. 16 octets kept of each line would be 7 MiB more.
        assert!(grown < 8 * 1024, "{grown} KiB more after a week than after a day");
    }
}
