//! Which row breaks connections. Pure.
//!
//! Some brokers close the connection instead of refusing a message. Published first after each connect, it would hold up
//! all others for ever; so such a row is published last. It is never given up.

use std::collections::HashSet;

/// Rows on which connections broke.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    /// The oldest row in flight when connections broke, and how many broke on it since any row was acknowledged.
    oldest: Option<(i64, u32)>,
    /// Rows to publish last.
    rows: HashSet<i64>,
}

impl Quarantine {
    /// Connections that may break on one row before it is quarantined.
    const MAX_BREAKS: u32 = 5;

    /// A connection broke with this row the oldest in flight.
    pub(super) fn connection_lost(&mut self, oldest_row: Option<i64>) {
        let Some(row) = oldest_row else { return };
        let breaks = match self.oldest {
            Some((oldest, breaks)) if oldest == row => breaks + 1,
            _ => 1,
        };
        self.oldest = Some((row, breaks));
        if breaks == Self::MAX_BREAKS {
            tracing::error!(
                "{breaks} connections broke with message {row} in flight: from now on it is published after all others"
            );
            self.rows.insert(row);
        }
    }

    /// Whether a row is to be published last.
    pub(super) fn contains(&self, row: i64) -> bool {
        self.rows.contains(&row)
    }

    /// The broker acknowledged a row.
    pub(super) fn acknowledged(&mut self, row: i64) {
        self.oldest = None;
        self.rows.remove(&row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_on_which_every_connection_breaks_is_published_last_until_it_is_acknowledged() {
        let mut quarantine = Quarantine::default();
        for _ in 0..Quarantine::MAX_BREAKS {
            assert!(!quarantine.contains(7));
            quarantine.connection_lost(Some(7));
        }
        assert!(quarantine.contains(7));
        quarantine.acknowledged(7);
        assert!(!quarantine.contains(7));
    }

    #[test]
    fn a_broker_that_comes_and_goes_but_acknowledges_rows_quarantines_none() {
        let mut quarantine = Quarantine::default();
        for row in 0..100 {
            quarantine.connection_lost(Some(7));
            quarantine.acknowledged(row);
            quarantine.connection_lost(None);
        }
        assert!(!quarantine.contains(7));
    }
}
