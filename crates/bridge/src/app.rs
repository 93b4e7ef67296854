//! The gateway as a whole: build, spawn, watch, stop. The only place that spawns tasks.
//!
//! Every task's end is noticed. A modem's task is begun again, since it holds no truth; the end of any other ends the
//! process, and what supervises it starts it anew: that is safe at any instant.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::{self, now_ms};
use crate::config::Config;
use crate::hooks;
use crate::message::Name;
use crate::modem_task::{Desk, ModemTask};
use crate::mqtt::{self, Board, Intake, Link, LinkStatus, Subscriptions};
use crate::payload;
use crate::store::{Rules, Store, StoreError};
use crate::topic::Topics;

/// How long modems may finish what they are at.
const GRACE: Duration = Duration::from_secs(20);

/// How often time-outs are looked for.
const TICK: Duration = Duration::from_secs(1);

/// How often the gateway's own state is shown, and the service watchdog told.
const SHOW_EVERY: Duration = Duration::from_secs(5);

/// How often old messages are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// Runs the gateway until `stop`.
pub async fn run(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    let topics = Topics::new(&config.mqtt.prefix, &config.name);
    let rules = Rules {
        topics: topics.clone(),
        retain_last: config.mqtt.retain_last,
        inbound: config.inbound.clone(),
        outbound: config.outbound.clone(),
        rules: config.rules.clone(),
        hooks: config.hooks.clone(),
    };
    let (store, store_thread) = Store::open(&config.store.path, rules)?;
    let outcome = run_with(&config, topics, store, &stop).await;
    store_thread.join();
    outcome
}

async fn run_with(
    config: &Config,
    topics: Topics,
    store: Store,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let trace = config.trace.as_ref().map(|trace| trace.open()).transpose()?;
    let names: Vec<Name> = config.modems.iter().map(|modem| modem.name.clone()).collect();
    let client_id = store.client_id().await.context("the store cannot be written")?;
    let board = Arc::new(Board::default());
    clock::begin(store.newest_time().await?);
    let released = store.release(None, now_ms()).await?;
    if released > 0 {
        tracing::info!(released, "messages in the hands of a modem when the last run ended wait again");
    }
    store.retain_only(retained_topics(&topics, &names, config.mqtt.retain_last)).await?;
    let status = Arc::new(LinkStatus::default());
    let connection = mqtt::prepare(&config.mqtt, &client_id, &topics)?;
    let desks: BTreeMap<Name, Arc<Desk>> =
        names.iter().map(|name| (name.clone(), Arc::new(Desk::default()))).collect();
    let link = Link::new(
        connection.client,
        connection.events,
        store.clone(),
        Arc::clone(&board),
        Intake::new(store.clone(), topics.clone(), names.clone(), config.outbound.clone())
            .with_desks(desks.clone()),
        Subscriptions {
            filters: topics.filters(&config.mqtt.share, &names),
            shares: !config.mqtt.share.is_empty(),
            topics: topics.clone(),
        },
        Arc::clone(&status),
    );
    let timer = Timer {
        store: store.clone(),
        board: Arc::clone(&board),
        topic: topics.gateway(),
        status,
        form: GatewayForm::new(client_id, &names),
        reassembly_timeout: config.inbound.reassembly_timeout,
        keep: config.store.keep,
    };
    board.put(topics.gateway_availability(), "online".to_owned());

    let modems_stop = CancellationToken::new();
    let rest_stop = CancellationToken::new();
    let mut rest = JoinSet::new();
    rest.spawn(named("pump", connection.pump.run(rest_stop.clone())));
    rest.spawn(named("link", link.run(rest_stop.clone())));
    rest.spawn(named("timer", timer.run(rest_stop.clone())));
    if !config.hooks.is_empty() {
        rest.spawn(named("hooks", hooks::run(store.clone(), config.hooks.clone(), rest_stop.clone())));
    }
    let mut modems = JoinSet::new();
    for modem in &config.modems {
        let (store, board, topics) = (store.clone(), Arc::clone(&board), topics.clone());
        let desk = desks.get(&modem.name).cloned().unwrap_or_default();
        let task = ModemTask { config: modem.clone(), store, board, topics, desk, trace: trace.clone() };
        modems.spawn(supervise(task, modems_stop.clone()));
    }
    drop(store);
    notify(sd_notify::NotifyState::Ready);

    let fallen = tokio::select! {
        () = stop.cancelled() => None,
        ended = rest.join_next() => Some(ended.and_then(Result::ok).unwrap_or("a task")),
    };
    notify(sd_notify::NotifyState::Stopping);
    modems_stop.cancel();
    let finished = async { while modems.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, finished).await.is_err() {
        tracing::warn!("a modem did not finish in {GRACE:?}; what it was sending is unknown");
        modems.shutdown().await;
    }
    board.put(topics.gateway_availability(), "offline".to_owned());
    rest_stop.cancel();
    let finished = async { while rest.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, finished).await.is_err() {
        rest.shutdown().await;
    }
    match fallen {
        None => Ok(()),
        Some(task) => bail!("{task} ended on its own; start the gateway again, nothing is lost"),
    }
}

/// A token that is cancelled by the first SIGINT or SIGTERM; a second one exits at once, which is safe at any instant.
pub fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let token = stop.clone();
    let mut signals = Signals::new().context("signals cannot be heard")?;
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("stopping; once more to stop at once");
        token.cancel();
        signals.next().await;
        std::process::exit(130);
    });
    Ok(stop)
}

/// The signals that mean stop.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

async fn named(name: &'static str, task: impl Future<Output = ()>) -> &'static str {
    task.await;
    name
}

/// Begins a modem's task again should it panic: it holds no truth.
async fn supervise(task: ModemTask, stop: CancellationToken) {
    // A set of one: dropped with this task, it takes the modem's along.
    let mut one = JoinSet::new();
    one.spawn(task.clone().run(stop.clone()));
    while let Some(Err(fault)) = one.join_next().await {
        tracing::error!(modem = %task.config.name, "the modem's task ended ({fault}); it is begun again");
        tokio::time::sleep(Duration::from_secs(1)).await;
        one.spawn(task.clone().run(stop.clone()));
    }
}

/// Our retained topics. What left the configuration must not stay on the broker as if it were there.
fn retained_topics(topics: &Topics, modems: &[Name], retain_last: bool) -> Vec<String> {
    let mut ours = vec![topics.gateway(), topics.gateway_availability()];
    for modem in modems {
        ours.extend([topics.modem(modem), topics.modem_availability(modem)]);
        ours.extend(retain_last.then(|| topics.last(modem)));
    }
    ours
}

fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!("systemd was not told: {error}");
    }
}

/// Asks the store for what time alone brings about, and shows the gateway's own state.
struct Timer {
    store: Store,
    board: Arc<Board>,
    topic: String,
    status: Arc<LinkStatus>,
    form: GatewayForm,
    reassembly_timeout: Duration,
    keep: Duration,
}

/// The payload of `sms/gateway/<name>`.
#[derive(Debug, Serialize)]
struct GatewayForm {
    version: &'static str,
    instance: String,
    started_at: String,
    modems: Vec<String>,
    queue: QueueForm,
    problem: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct QueueForm {
    publish: i64,
    send: i64,
    parked: i64,
}

impl GatewayForm {
    fn new(instance: String, modems: &[Name]) -> Self {
        GatewayForm {
            version: env!("CARGO_PKG_VERSION"),
            instance,
            started_at: payload::time(now_ms()),
            modems: modems.iter().map(Name::to_string).collect(),
            queue: QueueForm::default(),
            problem: None,
        }
    }
}

impl Timer {
    async fn run(mut self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut shown_at: Option<Instant> = None;
        let mut forgot_at: Option<Instant> = None;
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = stop.cancelled() => return,
            }
            let mut problem = match self.look().await {
                Err(error @ (StoreError::Damaged(_) | StoreError::Closed)) => {
                    tracing::error!(
                        "{error}; if it stays so after a restart, move the store away and keep it for repair"
                    );
                    return;
                }
                looked => looked.err().map(|error| error.to_string()),
            };
            if forgot_at.is_none_or(|at| at.elapsed() >= FORGET_EVERY) && !self.keep.is_zero() {
                forgot_at = Some(Instant::now());
                problem =
                    self.store.forget(now_ms(), self.keep).await.err().map(|e| e.to_string()).or(problem);
            }
            if problem != self.form.problem || shown_at.is_none_or(|at| at.elapsed() >= SHOW_EVERY) {
                shown_at = Some(Instant::now());
                self.show(problem).await;
                self.remember_time().await;
                notify(sd_notify::NotifyState::Watchdog);
            }
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        if let Some(correction) = clock::look() {
            tracing::warn!(behind_ms = correction.behind, "the system's clock is believed again");
            self.store.clock_corrected(correction.since, correction.behind).await?;
        }
        let now = now_ms();
        let incomplete = self.store.give_out_incomplete(now, self.reassembly_timeout).await?;
        if incomplete > 0 {
            tracing::warn!(incomplete, "messages were given out without the parts that never came");
        }
        self.store.expire(now).await
    }

    /// So that a start with a wrong clock is noticed.
    async fn remember_time(&self) {
        if clock::problem().is_none()
            && let Err(error) = self.store.remember_time(now_ms()).await
        {
            tracing::debug!("{error}");
        }
    }

    async fn show(&mut self, problem: Option<String>) {
        if let Ok(depth) = self.store.depth().await {
            self.form.queue = QueueForm { publish: depth.outbox, send: depth.waiting, parked: depth.parked };
        }
        let parked = self.form.queue.parked;
        let parked = (parked > 0)
            .then(|| format!("the broker refused {parked} messages; `smsbridge history` has them"));
        self.form.problem = problem.or_else(|| self.status.problem()).or_else(clock::problem).or(parked);
        self.board.put(self.topic.clone(), payload::json(&self.form));
    }
}
