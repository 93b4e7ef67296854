//! The gateway as a whole: build, spawn, watch, stop.
//!
//! Every task's end is noticed. A modem's task is restarted, since it holds nothing that is not also in the SIM or the
//! store; the end of any other ends the process, and its supervisor starts it again: that is safe at any instant.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use smsbridge_modem::serial_ports;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::{self, now_ms};
use crate::config::Config;
use crate::contact::Contacts;
use crate::event::{Availability, GatewayState, QueueDepth, State, Subject};
use crate::hooks;
use crate::http::{self, Api, Health, SignalLog};
use crate::intake::Intake;
use crate::log::{ProblemLog, in_words};
use crate::message::Name;
use crate::modem_requests::ModemRequests;
use crate::modem_task::{self, ModemTask};
use crate::mqtt::{self, Link, LinkState, Subscriptions};
use crate::retained_state::RetainedState;
use crate::runtime_folder;
use crate::signals::Signals;
#[cfg(unix)]
use crate::status_socket;
use crate::store::{Store, StoreConfig, StoreError};
use crate::systemd;
use crate::timer::Timer;
use crate::timer_state::TimerState;
use crate::wire::{Wire, status};

/// How long a modem may take to finish its command when the gateway stops. A PIN takes up to 20 s, and must be
/// answered.
const MODEM_STOP_TIMEOUT: Duration = Duration::from_secs(25);

/// How long the other tasks may take: less than what remains of the unit's TimeoutStopSec.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Before a modem's task that panicked is restarted.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// Runs the gateway until `stop`.
pub async fn run(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    let started = Instant::now();
    say_start(&config);
    let (store, store_thread) = Store::open(&config.store.path, StoreConfig::from(&config))?;
    let outcome = run_with(&config, store, &stop).await;
    store_thread.join();
    let end = if outcome.is_ok() { "stopped as asked" } else { "stopped" };
    tracing::info!("smsbridge {end} after {}", in_words(started.elapsed()));
    outcome
}

/// What runs, from which configuration, with what.
fn say_start(config: &Config) {
    let modems: Vec<String> =
        config.modems.iter().map(|modem| format!("{} at {}", modem.name, modem.port)).collect();
    let servers: Vec<String> = config.mqtt.servers.iter().map(ToString::to_string).collect();
    tracing::info!(
        "smsbridge {} starts: gateway {}, configuration {}, store {}, broker {}, modems: {}",
        env!("BUILD_VERSION"),
        config.name,
        config.source,
        config.store.path.display(),
        servers.join(" or "),
        modems.join(", ")
    );
}

async fn run_with(config: &Config, store: Store, stop: &CancellationToken) -> anyhow::Result<()> {
    let trace = config.trace.as_ref().map(|trace| trace.open()).transpose()?;
    let names: Vec<Name> = config.modems.iter().map(|modem| modem.name.clone()).collect();
    let mut wire = Wire::new(config);
    let client_id = store.client_id().await.context("the store cannot be written")?;
    clock::begin(store.newest_time().await?);
    let released = store.release(None, now_ms()).await?;
    if released > 0 {
        tracing::info!("messages that a modem had when the last run ended wait again: {released}");
    }
    let retained = Arc::new(announce(config, &store, &mut wire, &names).await?);
    let (link_state, timer_state) = (Arc::new(LinkState::default()), Arc::new(TimerState::default()));
    store.offer_parked().await?;
    let (pump, client) = mqtt::prepare(&config.mqtt, &client_id, &wire.last_will())?;
    let requests: BTreeMap<Name, Arc<ModemRequests>> =
        names.iter().map(|name| (name.clone(), Arc::default())).collect();
    let link = Link::new(
        client,
        store.clone(),
        Arc::clone(&retained),
        Intake::new(store.clone(), requests.clone(), config),
        Subscriptions::new(&wire, &config.mqtt.share, &names, config.home_assistant.discovery),
        wire.clone(),
        Arc::clone(&link_state),
    );
    let timer = Timer {
        store: store.clone(),
        retained: Arc::clone(&retained),
        link: Arc::clone(&link_state),
        own: Arc::clone(&timer_state),
        state: GatewayState {
            version: env!("CARGO_PKG_VERSION"),
            instance: client_id,
            started_at: now_ms(),
            modems: names,
            queue: QueueDepth::default(),
            problem: None,
        },
        reassembly_timeout: config.inbound.reassembly_timeout,
        keep: config.store.keep,
        problems: ProblemLog::default(),
    };
    retained.set(State::Availability(Subject::Gateway, Availability::Online));

    let modems_stop = CancellationToken::new();
    let rest_stop = CancellationToken::new();
    let mut rest = JoinSet::new();
    rest.spawn(named("pump", pump.run(rest_stop.clone())));
    rest.spawn(named("link", link.run(rest_stop.clone())));
    rest.spawn(named("timer", timer.run(rest_stop.clone())));
    #[cfg(unix)]
    if config.has_status {
        let (facts, timer) = (facts(config), Arc::clone(&timer_state));
        let (link, retained) = (Arc::clone(&link_state), Arc::clone(&retained));
        let document = move || {
            status::document(&facts, timer.deadly_problem(), link.address().as_deref(), &retained.all())
        };
        let sockets = runtime_folder::sockets(&config.name, &config.store.path);
        rest.spawn(named("status", status_socket::run(sockets, document, rest_stop.clone())));
    }
    let mut traces = BTreeMap::new();
    if let Some(http) = &config.http {
        traces = config.modems.iter().map(|modem| (modem.name.clone(), Arc::default())).collect();
        let signal = Arc::new(SignalLog::default());
        let health =
            Health { timer: timer_state, link: Arc::clone(&link_state), retained: Arc::clone(&retained) };
        let api = Api {
            facts: facts(config),
            health: health.clone(),
            contacts: config.contacts.iter().map(|contact| contact.name.clone()).collect(),
            max_parts: config.outbound.max_parts,
            store: store.clone(),
            folder: config.store.of_gateway(),
            intake: Intake::new(store.clone(), requests.clone(), config),
            feed: store.feed().unwrap_or_default(),
            traces: traces.clone(),
            signal: Arc::clone(&signal),
            stop: rest_stop.clone(),
        };
        let routes = http::routes(http, &config.name, health, store.counts().unwrap_or_default(), api);
        rest.spawn(named("http", http::run(http.listen, routes, rest_stop.clone())));
        let (retained, stop) = (Arc::clone(&retained), rest_stop.clone());
        rest.spawn(named("signal log", async move { signal.run(&retained, stop).await }));
    }
    if !config.hooks.is_empty() {
        let hooks = hooks::run(store.clone(), config.hooks.clone(), wire, rest_stop.clone());
        rest.spawn(named("hooks", hooks));
    }
    let contacts = Arc::new(Contacts::new(&config.contacts, &config.outbound.default_country));
    let mut modems = JoinSet::new();
    for modem in &config.modems {
        let task = ModemTask {
            config: modem.clone(),
            store: store.clone(),
            retained: Arc::clone(&retained),
            requests: requests.get(&modem.name).cloned().unwrap_or_default(),
            ussd_rules: config.ussd.clone(),
            contacts: Arc::clone(&contacts),
            trace: trace.clone(),
            watched: traces.get(&modem.name).cloned(),
            candidates: Arc::new(|| serial_ports::candidates(false)),
        };
        modems.spawn(supervise(task, modems_stop.clone()));
    }
    drop(store);
    systemd::notify(sd_notify::NotifyState::Ready);

    let ended = tokio::select! {
        () = stop.cancelled() => None,
        ended = rest.join_next() => Some(ended.and_then(Result::ok).unwrap_or("a task")),
    };
    systemd::notify(sd_notify::NotifyState::Stopping);
    modems_stop.cancel();
    if !finish(&mut modems, MODEM_STOP_TIMEOUT).await {
        let seconds = MODEM_STOP_TIMEOUT.as_secs();
        tracing::warn!("a modem did not finish in {seconds} s; what it was sending is unknown");
    }
    retained.set(State::Availability(Subject::Gateway, Availability::Offline));
    rest_stop.cancel();
    finish(&mut rest, STOP_TIMEOUT).await;
    match ended {
        None => Ok(()),
        Some(task) => bail!("{task} ended on its own: the log says why, and what to do"),
    }
}

/// Says which retained topics are ours, and what is announced to Home Assistant: where the last run had more, that is
/// taken back.
async fn announce(
    config: &Config,
    store: &Store,
    wire: &mut Wire,
    names: &[Name],
) -> Result<RetainedState, StoreError> {
    let is_on = config.home_assistant.discovery;
    // First what is announced: it is cleared first, before the topics it is about.
    let mut topics = Vec::new();
    if is_on {
        topics.extend(wire.discovery.topics(&wire.topics, names));
        let announced = wire.discovery.announced(&wire.topics, names);
        wire.discovery.take_back(store.set_announced(announced).await?);
    } else {
        store.set_announced(Vec::new()).await?;
    }
    topics.extend(wire.topics.retained(names, config.mqtt.retain_last));
    store.set_retained_topics(topics).await?;
    Ok(if is_on { RetainedState::announcing() } else { RetainedState::default() })
}

fn facts(config: &Config) -> status::Facts {
    status::Facts {
        name: config.name.to_string(),
        version: env!("BUILD_VERSION"),
        configuration: config.source.to_string(),
        store: config.store.path.display().to_string(),
        servers: config.mqtt.servers.iter().map(ToString::to_string).collect(),
        started_at: now_ms(),
    }
}

/// Waits until all tasks have ended; ends them where that takes too long, and says so.
async fn finish<T: 'static>(tasks: &mut JoinSet<T>, limit: Duration) -> bool {
    let finished = async { while tasks.join_next().await.is_some() {} };
    let in_time = tokio::time::timeout(limit, finished).await.is_ok();
    if !in_time {
        tasks.shutdown().await;
    }
    in_time
}

/// A token that is cancelled by the first SIGINT, SIGTERM or SIGHUP; a second one exits at once, which is safe at any
/// instant.
pub fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let token = stop.clone();
    let mut signals = Signals::new().context("signals cannot be caught")?;
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("stopping: what is in hand is finished first; a second signal stops at once");
        token.cancel();
        signals.next().await;
        std::process::exit(130);
    });
    Ok(stop)
}

async fn named(name: &'static str, task: impl Future<Output = ()>) -> &'static str {
    task.await;
    name
}

/// Begins a modem's task again should it panic.
async fn supervise(task: ModemTask, stop: CancellationToken) {
    // A set of one: dropped with this task, it takes the modem's along.
    let mut one = JoinSet::new();
    one.spawn(modem_task::run(task.clone(), stop.clone()));
    while let Some(Err(panic)) = one.join_next().await {
        tracing::error!(modem = %task.config.name, "the modem's task ended ({panic}); it is restarted");
        tokio::time::sleep(RESTART_DELAY).await;
        one.spawn(modem_task::run(task.clone(), stop.clone()));
    }
}
