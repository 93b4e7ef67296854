//! How long to wait before trying again: exponential with jitter, for the two loops that reconnect.
//!
//! The only place that names the `backoff` crate (docs/adr/0001-backoff.md). Time is handed in, never read.

use std::time::{Duration, Instant};

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

/// After a connection that stood this long, delays begin with the shortest again.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// Delays that double from one second up to a bound, each up to half shorter or longer.
#[derive(Debug)]
pub struct Reconnect {
    delays: ExponentialBackoff,
    max: Duration,
    connected_at: Option<Instant>,
}

impl Reconnect {
    /// Delays of at most `max`.
    pub fn new(max: Duration) -> Self {
        let delays = ExponentialBackoff {
            current_interval: Duration::from_secs(1),
            initial_interval: Duration::from_secs(1),
            multiplier: 2.0,
            randomization_factor: 0.5,
            max_interval: max,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        Reconnect { delays, max, connected_at: None }
    }

    /// The connection stands.
    pub fn connected(&mut self, now: Instant) {
        self.connected_at = Some(now);
    }

    /// Whether the connection stood long enough to count as a good one.
    pub fn has_lasted(&self, now: Instant) -> bool {
        self.connected_at.is_some_and(|at| now.duration_since(at) >= STABLE_AFTER)
    }

    /// The connection failed or could not be made: how long to wait. Only a connection that stood for a minute makes
    /// the delays short again, so that one that comes and goes is not retried every second.
    pub fn failed(&mut self, now: Instant) -> Duration {
        if self.has_lasted(now) {
            self.delays.reset();
        }
        self.connected_at = None;
        self.delays.next_backoff().unwrap_or(self.max).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_bound_and_never_end() {
        let mut reconnect = Reconnect::new(Duration::from_secs(40));
        let now = Instant::now();
        let delays: Vec<_> = (0..5000).map(|_| reconnect.failed(now)).collect();
        assert!(delays[0] <= Duration::from_millis(1500), "the first delay was {:?}", delays[0]);
        assert!(delays.iter().all(|d| *d <= Duration::from_secs(40)), "a delay exceeded the bound");
        assert!(delays[20..].iter().all(|d| *d >= Duration::from_secs(20)), "a late delay was short");
    }

    #[test]
    fn a_stable_minute_makes_delays_short_again_and_a_short_life_does_not() {
        let mut reconnect = Reconnect::new(Duration::from_secs(40));
        let start = Instant::now();
        for _ in 0..10 {
            reconnect.failed(start);
        }
        reconnect.connected(start);
        assert!(reconnect.failed(start + Duration::from_secs(5)) > Duration::from_secs(10));
        reconnect.connected(start);
        assert!(reconnect.failed(start + Duration::from_secs(61)) < Duration::from_secs(2));
    }
}
