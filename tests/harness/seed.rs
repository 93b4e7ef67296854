//! Owns random numbers: every random test draws from one printed seed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A generator that draws the same for the same seed.
pub struct Seed {
    pub value: u64,
    random: fastrand::Rng,
}

impl Seed {
    /// From `SMSBRIDGE_TEST_SEED`, else from the clock; printed, so that a failure can be repeated.
    pub fn from_environment() -> Self {
        let value = match std::env::var("SMSBRIDGE_TEST_SEED") {
            Ok(text) => text.parse().expect("SMSBRIDGE_TEST_SEED is a whole number"),
            Err(_) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
                u64::from(now.subsec_nanos()) ^ now.as_secs()
            }
        };
        println!("seed {value}; repeat with SMSBRIDGE_TEST_SEED={value}");
        Self::with(value)
    }

    /// For a thread that draws on its own: numbers must not depend on which thread is first.
    pub fn with(value: u64) -> Self {
        Self { value, random: fastrand::Rng::with_seed(value) }
    }

    pub fn next(&mut self) -> u64 {
        self.random.u64(..)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.random.u64(..limit)
    }

    pub fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.random.u64(range))
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        self.random.shuffle(items);
    }
}
