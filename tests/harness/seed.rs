//! Owns chance: every random test draws from one printed seed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A generator that is the same everywhere for the same seed (SplitMix64).
pub struct Seed {
    pub value: u64,
    state: u64,
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

    /// For a thread that draws on its own: chance must not depend on who comes first.
    pub fn with(value: u64) -> Self {
        Self { value, state: value }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(range.start + self.below(range.end - range.start))
    }

    /// Fisher and Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}
