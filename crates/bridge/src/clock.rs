//! What time it is: the system's clock where it is plausible, else our own count from the newest time we know.
//!
//! A Raspberry Pi has no clock at boot and says 1970 until it has asked the network; another comes up a year ahead.
//! Trusted, the one would hold every message back, and the other would expire every message and delete the history. Pure
//! but for one process-wide value. Input: the system's clock, a monotonic one, the store's newest time, and the time
//! stamps of service centres.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::message::UnixMs;

/// A step back of up to this much is a correction, not a fault.
const BACK_MS: i64 = 60_000;

/// A clock further ahead than this is not trusted without a witness.
const AHEAD_MS: i64 = 30 * 86_400_000;

/// 2026-01-01: an earlier time is wrong, since this program is younger.
const EARLIEST: UnixMs = 1_767_225_600_000;

/// A service centre that agrees with the system's clock within this is a witness for it.
const WITNESS_MS: i64 = 86_400_000;

static CLOCK: Mutex<Option<Clock>> = Mutex::new(None);

/// The time by the best clock there is.
pub fn now_ms() -> UnixMs {
    with(|clock| clock.now(Instant::now()))
}

/// Begins with the newest time the store knows.
pub fn begin(newest: Option<UnixMs>) {
    with(|clock| *clock = Clock::new(system(), Instant::now(), newest));
}

/// A service centre has just stamped a message with this time, in Unix seconds.
pub fn witness(seconds: i64) {
    with(|clock| clock.witness(seconds.saturating_mul(1000), system(), Instant::now()));
}

/// Compares the clocks; call it every second or so. When the system's clock is trusted again, returns since when we
/// counted ourselves and how far that was behind.
pub fn look() -> Option<Correction> {
    with(|clock| clock.look(system(), Instant::now()))
}

/// What is wrong with the system's clock, in words.
pub fn problem() -> Option<String> {
    with(|clock| clock.problem(system()))
}

fn system() -> UnixMs {
    jiff::Timestamp::now().as_millisecond()
}

fn with<R>(act: impl FnOnce(&mut Clock) -> R) -> R {
    let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    act(clock.get_or_insert_with(|| Clock::new(system(), Instant::now(), None)))
}

/// The system's clock is trusted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// What our own count began with.
    pub since: UnixMs,
    /// How far it was behind the truth at its end, in milliseconds; negative if it was ahead.
    pub behind: i64,
}

#[derive(Debug, Clone, Copy)]
struct Clock {
    /// A time and the monotonic instant it was true at.
    known: (UnixMs, Instant),
    /// What our own count began with, while the system's clock is not trusted.
    own_since: Option<UnixMs>,
    /// Whether any true time was ever known; before that, every possible one is as good.
    anchored: bool,
}

impl Clock {
    fn new(system: UnixMs, instant: Instant, newest: Option<UnixMs>) -> Self {
        let mut clock = Clock {
            known: (newest.unwrap_or(EARLIEST), instant),
            own_since: Some(newest.unwrap_or(EARLIEST)),
            anchored: newest.is_some(),
        };
        clock.look(system, instant);
        clock
    }

    fn is_plausible(&self, system: UnixMs, counted: UnixMs) -> bool {
        match self.anchored {
            true => (counted - BACK_MS..=counted + AHEAD_MS).contains(&system),
            false => system >= EARLIEST,
        }
    }

    fn now(&self, instant: Instant) -> UnixMs {
        let (then, at) = self.known;
        then + millis(instant.saturating_duration_since(at))
    }

    fn look(&mut self, system: UnixMs, instant: Instant) -> Option<Correction> {
        let counted = self.now(instant);
        if !self.is_plausible(system, counted) {
            self.own_since.get_or_insert(counted);
            return None;
        }
        self.known = (system, instant);
        self.anchored = true;
        let since = self.own_since.take()?;
        Some(Correction { since, behind: system - counted })
    }

    fn witness(&mut self, stamped: UnixMs, system: UnixMs, instant: Instant) {
        // A message may be old: it proves that it is at least as late as its stamp, never that it is not later. The count
        // jumps to what two clocks agree on; the next look finds the system's plausible.
        let is_later = system >= self.now(instant) - BACK_MS;
        if self.own_since.is_some() && is_later && stamped.abs_diff(system) <= WITNESS_MS.unsigned_abs() {
            self.known = (system, instant);
        }
    }

    fn problem(&self, system: UnixMs) -> Option<String> {
        let since = self.own_since?;
        let relation = if system < since {
            "behind the newest message"
        } else {
            "over 30 days ahead of the newest message"
        };
        let until = if system < since { "" } else { " or an SMS agrees with it" };
        Some(format!("the system's clock is {relation}: it is not trusted until it is corrected{until}"))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = 1_795_331_735_000;
    const DAY: i64 = 86_400_000;

    #[test]
    fn booting_in_1970_time_goes_on_from_the_newest_message_until_the_clock_is_set() {
        let start = Instant::now();
        let mut clock = Clock::new(3_000, start, Some(NOW));
        let later = start + Duration::from_secs(10);
        assert_eq!(clock.look(13_000, later), None);
        assert_eq!(clock.now(later), NOW + 10_000);
        assert!(clock.problem(13_000).unwrap().contains("behind"));
        let correction = clock.look(NOW + DAY, later).unwrap();
        assert_eq!(correction, Correction { since: NOW, behind: DAY - 10_000 });
        assert_eq!(clock.now(later), NOW + DAY);
        assert_eq!(clock.problem(NOW + DAY), None);
    }

    #[test]
    fn a_first_boot_in_1970_trusts_the_first_possible_time() {
        let start = Instant::now();
        let mut clock = Clock::new(3_000, start, None);
        assert_eq!(clock.now(start), EARLIEST);
        assert!(clock.problem(3_000).is_some());
        assert!(clock.look(NOW, start).is_some());
        assert_eq!(clock.now(start), NOW);
        assert_eq!(clock.problem(NOW), None);
    }

    #[test]
    fn a_year_ahead_is_not_trusted_until_a_service_centre_agrees() {
        let start = Instant::now();
        let mut clock = Clock::new(NOW + 365 * DAY, start, Some(NOW));
        assert_eq!(clock.now(start), NOW);
        clock.witness(NOW + DAY, NOW + 365 * DAY, start);
        assert_eq!(clock.now(start), NOW, "a witness for another time was accepted");
        clock.witness(NOW + 365 * DAY + 5_000, NOW + 365 * DAY, start);
        assert!(clock.look(NOW + 365 * DAY, start).is_some());
        assert_eq!(clock.now(start), NOW + 365 * DAY);
    }

    #[test]
    fn an_old_message_on_the_sim_does_not_make_a_clock_that_is_hours_behind_believed() {
        const HOUR: i64 = 3_600_000;
        for (behind, stamped) in [(5, 5), (5, 0), (5, 4), (23, 23), (100, 99)] {
            let start = Instant::now();
            let system = NOW - behind * HOUR;
            let mut clock = Clock::new(system, start, Some(NOW));
            clock.witness(NOW - stamped * HOUR, system, start);
            assert_eq!(clock.look(system, start), None, "{behind} h behind, a message {stamped} h old");
            assert_eq!(clock.now(start), NOW);
            assert!(clock.problem(system).unwrap().contains("behind"));
        }
    }

    #[test]
    fn a_clock_that_jumps_while_we_run_is_noticed_and_a_correction_of_seconds_is_not_a_jump() {
        let start = Instant::now();
        let mut clock = Clock::new(NOW, start, None);
        assert_eq!(clock.look(NOW - 5_000, start), None);
        assert_eq!(clock.now(start), NOW - 5_000);
        assert_eq!(clock.look(NOW - DAY, start), None);
        assert_eq!(clock.now(start), NOW - 5_000, "a day back was trusted");
        assert_eq!(clock.look(NOW + 400 * DAY, start), None);
        assert_eq!(clock.now(start), NOW - 5_000, "a year ahead was trusted");
        assert!(clock.look(NOW, start).is_some());
    }
}
