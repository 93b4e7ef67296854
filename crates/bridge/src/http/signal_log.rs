//! The signal of each modem over the last day, for the page. Begins empty with the gateway.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::now_ms;
use crate::event::{ModemConnection, State};
use crate::message::{Name, UnixMs};
use crate::retained_state::RetainedState;

/// Between two samples.
pub(super) const INTERVAL: Duration = Duration::from_secs(60);

/// Samples of a day.
const MAX_SAMPLES: usize = 24 * 60;

/// Samples of the signal strength of each modem.
#[derive(Debug, Default)]
pub struct SignalLog(Mutex<Samples>);

#[derive(Debug, Default)]
struct Samples {
    newest_at: Option<UnixMs>,
    dbm: BTreeMap<Name, VecDeque<Option<i16>>>,
}

impl SignalLog {
    /// Takes a sample each minute until `stop`.
    pub async fn run(&self, retained: &RetainedState, stop: CancellationToken) {
        let mut tick = tokio::time::interval(INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => self.sample(&retained.all(), now_ms()),
                () = stop.cancelled() => return,
            }
        }
    }

    fn sample(&self, states: &[State], now: UnixMs) {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        samples.newest_at = Some(now);
        for state in states {
            let State::Modem(modem) = state else { continue };
            let is_online = modem.connection == ModemConnection::Online;
            let dbm = samples.dbm.entry(modem.modem.clone()).or_default();
            dbm.push_back(modem.signal.dbm.filter(|_| is_online));
            if dbm.len() > MAX_SAMPLES {
                dbm.pop_front();
            }
        }
    }

    /// When the newest sample was taken, and those of each modem, oldest first.
    pub(super) fn read<R>(&self, read: impl FnOnce(Option<UnixMs>, &[(&Name, Vec<Option<i16>>)]) -> R) -> R {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let modems: Vec<_> =
            samples.dbm.iter().map(|(name, dbm)| (name, dbm.iter().copied().collect())).collect();
        read(samples.newest_at, &modems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ModemState, Signal};

    fn modem(connection: ModemConnection, dbm: i16) -> State {
        let signal = Signal { dbm: Some(dbm), ..Signal::default() };
        let state = ModemState::new("main".parse().unwrap());
        State::Modem(Box::new(ModemState { connection, signal, ..state }))
    }

    #[test]
    fn a_modem_that_is_away_leaves_a_gap_and_a_day_is_all_that_is_kept() {
        let log = SignalLog::default();
        for n in 0..MAX_SAMPLES as i64 {
            log.sample(&[modem(ModemConnection::Online, -70)], n);
        }
        log.sample(&[modem(ModemConnection::Offline, -70)], 5000);
        log.sample(&[modem(ModemConnection::Online, -91)], 5001);
        log.read(|newest_at, modems| {
            assert_eq!((newest_at, modems.len(), modems[0].1.len()), (Some(5001), 1, MAX_SAMPLES));
            assert_eq!(modems[0].1[MAX_SAMPLES - 3..], [Some(-70), None, Some(-91)]);
        });
    }
}
