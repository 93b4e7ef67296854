//! Which row breaks connections. Pure.
//!
//! Some brokers hang up on a message they do not like instead of refusing it; offered first after each connect, it
//! would stand before all others for ever. Such a row is offered last. Nothing is given up.

use std::collections::HashSet;

/// Rows on which connections broke.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    /// The oldest row in flight when connections broke without a single row acknowledged, and how many did.
    oldest: Option<(i64, u32)>,
    set_aside: HashSet<i64>,
}

impl Suspects {
    /// Connections that may break on one row before it is set aside.
    const PATIENCE: u32 = 5;

    /// A connection broke with this row the oldest in flight.
    pub(super) fn connection_lost(&mut self, oldest_row: Option<i64>) {
        let Some(row) = oldest_row else { return };
        let times = match self.oldest {
            Some((suspect, times)) if suspect == row => times + 1,
            _ => 1,
        };
        self.oldest = Some((row, times));
        if times == Self::PATIENCE {
            tracing::error!(
                "{times} connections broke with message {row} in flight; others go before it from now on"
            );
            self.set_aside.insert(row);
        }
    }

    /// Whether a row is to go last.
    pub(super) fn holds(&self, row: i64) -> bool {
        self.set_aside.contains(&row)
    }

    /// The broker took a row: what stands before it is no worse than others.
    pub(super) fn acknowledged(&mut self, row: i64) {
        self.oldest = None;
        self.set_aside.remove(&row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_on_which_every_connection_breaks_goes_last_until_it_is_taken() {
        let mut suspects = Suspects::default();
        for _ in 0..Suspects::PATIENCE {
            assert!(!suspects.holds(7));
            suspects.connection_lost(Some(7));
        }
        assert!(suspects.holds(7));
        suspects.acknowledged(7);
        assert!(!suspects.holds(7));
    }

    #[test]
    fn a_broker_that_comes_and_goes_but_takes_rows_makes_none_suspect() {
        let mut suspects = Suspects::default();
        for row in 0..100 {
            suspects.connection_lost(Some(7));
            suspects.acknowledged(row);
            suspects.connection_lost(None);
        }
        assert!(!suspects.holds(7));
    }
}
