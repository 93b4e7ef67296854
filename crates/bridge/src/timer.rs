//! The timer: asks the store for what time alone brings about, and keeps the gateway's own state up to date.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::clock::{self, now_ms};
use crate::event::{GatewayState, State};
use crate::log::{ProblemLog, ProblemSubject};
use crate::mqtt::LinkState;
use crate::retained_state::RetainedState;
use crate::store::{DeletionPass, Store, StoreError};
use crate::systemd::{self, ServiceState};
use crate::timer_state::TimerState;

/// How often time-outs are looked for.
const TICK: Duration = Duration::from_secs(1);

/// How often the gateway's state is published when nothing is wrong, and the service watchdog is fed.
const STATE_INTERVAL: Duration = Duration::from_secs(5);

/// How often old messages are deleted.
const RETENTION_INTERVAL: Duration = Duration::from_secs(3600);

/// See the module.
pub struct Timer {
    /// The store.
    pub store: Store,
    /// Where the gateway's state goes.
    pub retained: Arc<RetainedState>,
    /// What is wrong with the link to the broker.
    pub link: Arc<LinkState>,
    /// Where it says that it looked, and what it found.
    pub own: Arc<TimerState>,
    /// The gateway's state as it was published last.
    pub state: GatewayState,
    /// How long to wait for missing parts.
    pub reassembly_timeout: Duration,
    /// How long finished messages are kept; zero keeps them for ever.
    pub keep: Duration,
    /// What is wrong with store and clock, and what is parked, as it is logged.
    pub problems: ProblemLog,
}

impl Timer {
    /// Runs until `stop`, or until the store is closed, damaged or gone from its place.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut published_at: Option<Instant> = None;
        let mut deleted_at: Option<Instant> = None;
        let mut deletion: Option<DeletionPass> = None;
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = stop.cancelled() => return,
            }
            let mut problem = match self.tick().await {
                Err(error @ (StoreError::Damaged(_) | StoreError::Closed)) => {
                    tracing::error!(
                        "{error}; if a restart does not help, move the store away and keep it for repair"
                    );
                    return;
                }
                Err(error @ StoreError::Moved(_)) => {
                    tracing::error!(
                        "{error}: since then nothing was deleted from a SIM or acknowledged to the broker. Put it back \
                         if it was moved, and start the gateway again: what is nowhere else is in that file"
                    );
                    return;
                }
                done => done.err().map(|error| error.to_string()),
            };
            if is_due(deleted_at, RETENTION_INTERVAL) && !self.keep.is_zero() {
                deleted_at = Some(Instant::now());
                deletion = Some(DeletionPass::default());
            }
            // A batch a tick until all are deleted.
            if let Some(pass) = deletion {
                deletion = match self.store.delete_old(now_ms(), self.keep, pass).await {
                    Ok(next) => next,
                    Err(error) => {
                        problem = Some(error.to_string());
                        None
                    }
                };
            }
            self.own.looked(problem.clone());
            self.problems.set(&ProblemSubject::of("store"), problem.as_deref());
            for log in [&self.problems, self.retained.problems(), self.link.log()] {
                log.tick();
            }
            if problem != self.state.problem || is_due(published_at, STATE_INTERVAL) {
                published_at = Some(Instant::now());
                self.publish_state(problem).await;
                self.remember_time().await;
                systemd::notify(ServiceState::Watchdog);
            }
        }
    }

    async fn tick(&self) -> Result<(), StoreError> {
        if let Some(correction) = clock::look() {
            self.store.clock_corrected(correction.since, correction.behind).await?;
        }
        let now = now_ms();
        // What others could not write may be all there is to be written.
        self.store.retry(now).await?;
        self.store.publish_incomplete(now, self.reassembly_timeout).await?;
        // A batch at a time, so that modems get their turn between.
        let end = Instant::now() + TICK;
        while !self.store.process_due(now).await? && Instant::now() < end {}
        Ok(())
    }

    /// So that the next start notices a wrong clock.
    async fn remember_time(&self) {
        if clock::problem().is_none()
            && let Err(error) = self.store.remember_time(now_ms()).await
        {
            tracing::debug!("{error}");
        }
    }

    async fn publish_state(&mut self, problem: Option<String>) {
        if let Ok(depth) = self.store.depth().await {
            self.state.queue = depth;
        }
        let parked = self.state.queue.parked;
        let parked = (parked > 0).then(|| {
            format!("messages the broker does not take: {parked}; `smsbridge parked` shows them and why")
        });
        let clock = clock::problem();
        for (about, problem) in [("clock", &clock), ("parked", &parked)] {
            self.problems.set(&ProblemSubject::of(about), problem.as_deref());
        }
        self.state.problem = problem.or_else(|| self.link.current()).or(clock).or(parked);
        self.retained.set(State::Gateway(self.state.clone()));
    }
}

fn is_due(last: Option<Instant>, interval: Duration) -> bool {
    last.is_none_or(|at| at.elapsed() >= interval)
}
