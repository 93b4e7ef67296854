//! The proof of the delivery guarantees: everything is killed again and again under load, and every message is counted.
//!
//! `tests/run soak --seed N --minutes M` runs it for long, every test run for some seconds. It runs in phases,
//! each with a rig of its own (so that memory and disk stay bounded) and alternately with each `on_unknown` and a
//! broker that keeps or forgets its sessions. docs/guarantees.md says what each row of the table means.

mod disturbance;
mod ledger;
mod load;
mod on_air;
mod phase;
mod soak_rig;
mod tally;

use std::time::{Duration, Instant};

use self::phase::{Phase, Unknown};
use self::tally::Tally;
use crate::harness::seed::Seed;

/// A part of every test run; the command's own default is longer.
const SHORT: Duration = Duration::from_secs(15);
/// Disturbances of one phase. Then all has to settle, which takes up to a report's timeout.
const PHASE: Duration = Duration::from_secs(75);

#[test]
fn nothing_is_lost_and_nothing_doubled_in_silence() {
    let mut seed = Seed::from_environment();
    let length = length_from_environment();
    let end = Instant::now() + length;
    let mut total = Tally::default();
    for number in 0.. {
        let phase = Phase {
            number,
            seed: seed.next(),
            length: PHASE.min(end.saturating_duration_since(Instant::now())),
            on_unknown: if (seed.value ^ number) & 1 == 0 { Unknown::Resend } else { Unknown::Report },
            broker_forgets: (seed.value ^ number) & 2 == 2,
        };
        println!("{}", phase.title());
        let tally = phase.run();
        println!("{}", tally.line());
        total.add(tally);
        if !total.offences.is_empty() || Instant::now() + Duration::from_secs(5) > end {
            break;
        }
    }
    println!("seed {}, {:.1} minutes asked for\n{}", seed.value, length.as_secs_f64() / 60.0, total.table());
    total.assert_promises();
}

fn length_from_environment() -> Duration {
    match std::env::var("SMSBRIDGE_SOAK_MINUTES") {
        Ok(text) => {
            let minutes: f64 = text.parse().expect("SMSBRIDGE_SOAK_MINUTES is a number");
            Duration::from_secs_f64(minutes * 60.0)
        }
        Err(_) => SHORT,
    }
}
