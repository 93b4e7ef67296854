//! When rows are published apart from all others: those on which a connection broke, and parked ones. Pure.
//!
//! One at a time, with nothing else in flight, so that a break or a refusal tells which one it was. Parked ones are
//! offered the more rarely, the longer the broker takes none.

use std::time::Duration;

use tokio::time::Instant;

/// How long a row on which a connection broke waits, on a connection, for a moment in which nothing else does.
const BROKEN_WAIT: Duration = Duration::from_secs(5);

/// Between two offers of parked rows at first, and after one that was taken; twice as long after each refusal.
const FIRST_PAUSE: Duration = Duration::from_secs(60);

/// The longest.
const MAX_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// When the next row is published apart.
#[derive(Debug)]
pub(super) struct Apart {
    /// There may be rows on which a connection broke: published at the latest then.
    broken_at: Option<Instant>,
    offer_at: Instant,
    pause: Duration,
    /// The parked row offered last.
    pub(super) last_offered: i64,
}

impl Apart {
    /// The gateway starts.
    pub(super) fn new(now: Instant) -> Self {
        let (broken_at, offer_at) = (Some(now + BROKEN_WAIT), now + FIRST_PAUSE);
        Apart { broken_at, offer_at, pause: FIRST_PAUSE, last_offered: 0 }
    }

    /// A connection is established. Others go first on it, however long it took: only what the broker takes beside a
    /// row shows that the row breaks connections.
    pub(super) fn connected(&mut self, now: Instant) {
        self.broken_at = self.broken_at.map(|_| now + BROKEN_WAIT);
    }

    /// Whether one is to be published although others wait.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.broken_at.is_some_and(|at| at <= now) || self.is_offer_due(now)
    }

    /// Whether there may be rows on which a connection broke.
    pub(super) fn may_be_broken(&self) -> bool {
        self.broken_at.is_some()
    }

    /// Whether a parked row is to be offered.
    pub(super) fn is_offer_due(&self, now: Instant) -> bool {
        self.offer_at <= now
    }

    /// A connection broke on a row.
    pub(super) fn broke(&mut self, now: Instant) {
        self.broken_at = Some(now + BROKEN_WAIT);
    }

    /// There is no row on which a connection broke.
    pub(super) fn none_broken(&mut self) {
        self.broken_at = None;
    }

    /// A parked row is offered. What comes of it is told by `taken`; until then it was refused.
    pub(super) fn offered(&mut self, row: i64, now: Instant) {
        self.last_offered = row;
        self.pause = (self.pause * 2).min(MAX_PAUSE);
        self.offer_at = now + self.pause;
    }

    /// No row is parked.
    pub(super) fn none_parked(&mut self, now: Instant) {
        self.last_offered = 0;
        self.pause = FIRST_PAUSE;
        self.offer_at = now + FIRST_PAUSE;
    }

    /// The broker took the parked row that was offered: it may take the others too.
    pub(super) fn taken(&mut self, now: Instant) {
        self.pause = FIRST_PAUSE;
        self.offer_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_long_outage_others_go_before_what_broke_a_connection() {
        let mut apart = Apart::new(Instant::now());
        apart.broke(Instant::now());
        tokio::time::advance(BROKEN_WAIT * 3).await;
        apart.connected(Instant::now());
        assert!(
            !apart.is_due(Instant::now()),
            "it would break each connection before anything else is taken"
        );
        tokio::time::advance(BROKEN_WAIT).await;
        assert!(apart.is_due(Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn parked_rows_are_offered_more_and_more_rarely_until_one_is_taken() {
        let mut apart = Apart::new(Instant::now());
        apart.none_broken();
        for pause in [60, 120, 240, 480, 960, 1920, 3840, 7680, 15_360, 21_600, 21_600] {
            tokio::time::advance(Duration::from_secs(pause) - Duration::from_millis(1)).await;
            assert!(!apart.is_due(Instant::now()), "{pause}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(apart.is_due(Instant::now()), "{pause}");
            apart.offered(7, Instant::now());
        }
        apart.taken(Instant::now());
        assert!(apart.is_offer_due(Instant::now()), "the next one waits though the broker takes them now");
        apart.none_parked(Instant::now());
        tokio::time::advance(FIRST_PAUSE).await;
        assert!(apart.is_offer_due(Instant::now()));
    }
}
