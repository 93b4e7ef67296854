//! The life of one modem: reach it, bring it up, look for messages in and out, and begin again after any fault.
//!
//! One task owns port, session and backoff; it holds no message that is not also in the SIM or the store. URCs and
//! wake-ups only say *look now*; the looking is the same at start, after a fault and in between. Input: the
//! configuration of one modem.

mod broadcasts;
mod calls;
mod receive;
mod send;
mod state;
mod ussd;
mod vigil;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use secrecy::ExposeSecret as _;
use smsbridge_modem::bring_up::{self, PinOutcome, Ready, SimStatus};
use smsbridge_modem::port::{self, Port, PortError, PortSpec};
use smsbridge_modem::recovery::{self, Ladder, Step};
use smsbridge_modem::trace::{TraceFile, Traced};
use smsbridge_modem::{ModemError, Session, SessionOptions, Urc, call, detect, sms, status};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::ussd::Desk;

use self::broadcasts::Broadcasts;
use self::calls::Calls;
use self::send::Next;
use self::state::Snapshot;
use self::ussd::Talk;
use self::vigil::Vigil;
use crate::backoff::Reconnect;
use crate::clock::now_ms;
use crate::config::{self, Event};
use crate::message::Sim;
use crate::mqtt::Board;
use crate::payload;
use crate::store::{Accepted, PinAttempt, Store, StoreError};
use crate::topic::Topics;

/// The longest wait before a modem is tried again.
const MAX_DELAY: Duration = Duration::from_secs(40);

/// A sweep without any hint: a URC may have been lost.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// How often the network is asked about.
const STATUS_EVERY: Duration = Duration::from_secs(30);

/// A lost wake-up costs at most this.
const POLL_QUEUE_EVERY: Duration = Duration::from_secs(5);

/// A modem that said nothing for so long is asked `AT` before it is entrusted with anything.
const PROBE_AFTER: Duration = Duration::from_secs(20);

/// A session that stood for so long is healthy: the next fault begins at the bottom of the ladder.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// How long a modem that was reset may be away.
const RESET_TIME: Duration = Duration::from_secs(30);

/// What ends a session, or keeps one from beginning.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Port(#[from] PortError),
    #[error(transparent)]
    Modem(#[from] ModemError),
    #[error("{port}: {fault}")]
    AtPort { port: String, fault: ModemError },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Locked(String),
    #[error("the modem answers, but {0}")]
    Dead(String),
    #[error("the modem with IMEI {found} answers at {port}, not the one with {wanted}")]
    OtherModem { port: String, found: String, wanted: String },
}

/// Everything a modem's task needs; cheap to clone, so that the task can be begun again.
#[derive(Clone)]
pub struct ModemTask {
    /// The modem's part of the configuration.
    pub config: config::Modem,
    /// Where messages go and come from.
    pub store: Store,
    /// Where its state is shown.
    pub board: Arc<Board>,
    /// The topics of that state.
    pub topics: Topics,
    /// Where USSD requests wait.
    pub desk: Arc<Desk>,
    /// Where all that is said to the modem is written down, if anywhere.
    pub trace: Option<TraceFile>,
}

/// A modem that is up.
struct Up {
    session: Session<Port>,
    ready: Ready,
    sim: Sim,
    vigil: Vigil,
    calls: Calls,
    broadcasts: Broadcasts,
    talk: Talk,
}

/// What one session leaves to the next.
#[derive(Default)]
struct Legacy {
    options: SessionOptions,
    ladder: Ladder,
    /// What is to be tried before the modem is brought up; none where nothing is wrong with the modem itself.
    step: Option<Step>,
    /// The port, where it may be gone on with.
    port: Option<Port>,
    /// Which modem it was.
    imei: Option<String>,
}

impl Legacy {
    /// Chooses what is tried next.
    fn learn(&mut self, trouble: &Trouble) {
        self.step = match trouble {
            Trouble::Modem(fault) | Trouble::AtPort { fault, .. } => {
                self.options.prefer_cmgr |= fault.suggests_cmgr();
                Some(self.ladder.failed(fault))
            }
            Trouble::Dead(_) => Some(self.ladder.dead()),
            // A port that cannot be opened, a PIN, the store: nothing the modem could be told.
            Trouble::Port(_) | Trouble::Store(_) | Trouble::Locked(_) | Trouble::OtherModem { .. } => None,
        };
        if matches!(self.step, None | Some(Step::Reopen)) {
            self.port = None;
        }
    }
}

impl ModemTask {
    /// Runs until `stop`; a command in hand is finished first.
    pub async fn run(self, stop: CancellationToken) {
        let mut reconnect = Reconnect::new(MAX_DELAY);
        let mut snapshot = Snapshot::new(&self.config.name, &self.topics, Arc::clone(&self.board));
        let mut legacy = Legacy::default();
        legacy.options.overrides = self.config.overrides.clone();
        legacy.options.broadcast = self.config.broadcast.clone();
        while !stop.is_cancelled() {
            snapshot.connecting();
            let trouble = tokio::select! {
                up = self.bring_up(&mut legacy, &mut snapshot) => match up {
                    Ok(mut up) => {
                        reconnect.connected(std::time::Instant::now());
                        snapshot.online();
                        let since = Instant::now();
                        let served = self.serve(&mut up, &mut snapshot, &stop).await;
                        if since.elapsed() >= HEALTHY_AFTER {
                            legacy.ladder.healthy();
                        }
                        legacy.port = Some(up.session.into_port());
                        served.err()
                    }
                    Err(trouble) => Some(trouble),
                },
                () = stop.cancelled() => None,
            };
            let Some(trouble) = trouble else { break };
            legacy.learn(&trouble);
            let delay = reconnect.failed(std::time::Instant::now());
            let seconds = delay.as_secs_f32();
            let (name, failures) = (&self.config.name, legacy.ladder.failures());
            match legacy.step {
                Some(step) => {
                    tracing::warn!(modem = %name, failures, "{trouble}; next, in {seconds:.1} s: {step}");
                    snapshot.offline(format!("{trouble}; next: {step}"));
                }
                None => {
                    tracing::warn!(modem = %name, "{trouble}; next try in {seconds:.1} s");
                    snapshot.offline(trouble.to_string());
                }
            }
            self.ussd_away(&trouble.to_string()).await;
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = stop.cancelled() => {}
            }
        }
        snapshot.stopped();
    }

    /// The configured port. One that is not there any more may have another name: the modem is looked for by its IMEI,
    /// and by that alone, so that nobody else's is taken.
    async fn open(&self, remembered: Option<&str>) -> Result<(Port, PortSpec), Trouble> {
        let known = self.config.imei.as_deref().or(remembered);
        let find = async |imei: Option<&str>| {
            let path = detect::find(imei, self.config.baud).await?;
            Ok::<_, PortError>(PortSpec::Serial(path.display().to_string()))
        };
        let spec = match &self.config.port {
            PortSpec::Auto => find(known).await?,
            named => named.clone(),
        };
        match self.open_traced(&spec).await {
            Err(missing @ PortError::Missing { .. }) if known.is_some() => {
                let Ok(elsewhere) = find(known).await else { return Err(missing.into()) };
                tracing::info!(modem = %self.config.name, was = %spec, now = %elsewhere, "the modem is at another port");
                Ok((self.open_traced(&elsewhere).await?, elsewhere))
            }
            opened => Ok((opened?, spec)),
        }
    }

    async fn open_traced(&self, spec: &PortSpec) -> Result<Port, PortError> {
        let port = port::open(spec, self.config.baud).await?;
        Ok(match &self.trace {
            Some(trace) => {
                Port::from_stream(Traced::labelled(port, trace.clone(), self.config.name.as_str()))
            }
            None => port,
        })
    }

    /// The step of the ladder that is due, up to a session to be woken.
    async fn recover(
        &self,
        legacy: &mut Legacy,
        snapshot: &mut Snapshot,
    ) -> Result<(Session<Port>, PortSpec, Option<Step>), Trouble> {
        let step = legacy.step.take();
        let (mut port, mut spec) = match legacy.port.take() {
            Some(port) => (port, self.config.port.clone()),
            None => self.open(legacy.imei.as_deref()).await?,
        };
        if let Some(step) = step {
            snapshot.tried(step);
        }
        if step == Some(Step::Reset) {
            let mut session = Session::with_options(port, legacy.options.clone());
            if recovery::reset(&mut session).await? {
                tracing::warn!(modem = %self.config.name, "the modem was told to reset");
            } else {
                tracing::warn!(modem = %self.config.name, "its family has no safe reset; the port is opened again instead");
            }
            drop(session);
            let until = Instant::now() + RESET_TIME;
            (port, spec) = loop {
                match self.open(legacy.imei.as_deref()).await {
                    Err(Trouble::Port(_)) if Instant::now() < until => {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    opened => break opened?,
                }
            };
        }
        Ok((Session::with_options(port, legacy.options.clone()), spec, step))
    }

    /// The only way in: the port, the modem, the SIM, and what an earlier session left behind.
    async fn bring_up(&self, legacy: &mut Legacy, snapshot: &mut Snapshot) -> Result<Up, Trouble> {
        // First of all: what the last session held, another modem may take while this one is away.
        self.store.release(Some(self.config.name.clone()), now_ms()).await?;
        let (mut session, spec, step) = self.recover(legacy, snapshot).await?;
        let identity = bring_up::wake(&mut session)
            .await
            .map_err(|fault| Trouble::AtPort { port: spec.to_string(), fault })?;
        if let (Some(wanted), Some(found)) = (&self.config.imei, &identity.imei)
            && wanted != found
        {
            let (found, wanted) = (found.clone(), wanted.clone());
            return Err(Trouble::OtherModem { port: spec.to_string(), found, wanted });
        }
        legacy.imei = identity.imei.clone().or(legacy.imei.take());
        snapshot.identified(&identity);
        if step == Some(Step::RestartRadio) && !recovery::restart_radio(&mut session).await? {
            tracing::warn!(modem = %self.config.name, "the modem refuses to switch its radio off and on");
        }
        self.unlock(&mut session).await?;
        let ready = bring_up::configure(&mut session, self.config.service_center.as_deref()).await?;
        let sim = ready.iccid.clone().unwrap_or_else(|| self.config.name.to_string());
        snapshot.configured(&ready);
        let model = identity.model.as_deref().unwrap_or("unknown");
        tracing::info!(modem = %self.config.name, port = %spec, model, "the modem is up");
        Ok(Up {
            session,
            ready,
            sim,
            vigil: Vigil::new(Instant::now()),
            calls: Calls::default(),
            broadcasts: Broadcasts::default(),
            talk: Talk::default(),
        })
    }

    /// Enters the PIN where one is asked for: written down before it is tried, and never tried twice when wrong.
    async fn unlock(&self, session: &mut Session<Port>) -> Result<(), Trouble> {
        let locked = |words: String| Err(Trouble::Locked(words));
        let tries_left = match bring_up::sim(session).await? {
            SimStatus::Ready => return Ok(()),
            SimStatus::PinRequired { tries_left } => tries_left,
            SimStatus::PukRequired => {
                return locked(
                    "the SIM asks for its PUK: put it into a phone, enter the PUK there, set a new PIN"
                        .into(),
                );
            }
            SimStatus::Missing => {
                return locked("there is no SIM, or it is not seated: check the holder".into());
            }
            SimStatus::Other(words) => {
                return locked(format!("the SIM says {words}: put it into a phone to see why"));
            }
        };
        let Some(pin) = &self.config.pin else {
            return locked("the SIM asks for its PIN: set pin or pin_file of this [[modem]]".into());
        };
        if tries_left == Some(1) {
            return locked(
                "the SIM has one PIN try left, which is not risked: enter the PIN in a phone".into(),
            );
        }
        let pin = pin.expose_secret();
        // Another SIM may have the very PIN this one refused.
        let key = bring_up::iccid(session).await?.unwrap_or_else(|| self.config.name.to_string());
        let digest = state::pin_digest(pin);
        match self.store.pin_attempt(key.clone(), digest.clone(), tries_left).await? {
            PinAttempt::Go => {}
            PinAttempt::KnownWrong => {
                return locked(
                    "this PIN was wrong before; it is not tried again: set another pin of this [[modem]]"
                        .into(),
                );
            }
            PinAttempt::Unanswered => {
                return locked(
                    "the SIM never answered to this PIN; it is not tried again: enter it in a phone, or set another"
                        .into(),
                );
            }
        }
        match bring_up::enter_pin(session, pin).await? {
            PinOutcome::Accepted => Ok(self.store.pin_settled(key, digest, true).await?),
            PinOutcome::Wrong { tries_left } => {
                self.store.pin_settled(key, digest, false).await?;
                let left = tries_left.map_or(String::new(), |n| format!(" ({n} tries left)"));
                locked(format!(
                    "the PIN is wrong{left}; it is not tried again: set another pin of this [[modem]]"
                ))
            }
        }
    }

    /// Looks for messages in both directions until a fault or `stop`.
    async fn serve(
        &self,
        up: &mut Up,
        snapshot: &mut Snapshot,
        stop: &CancellationToken,
    ) -> Result<(), Trouble> {
        let mut sweep_at = Instant::now();
        let mut status_at = Instant::now();
        while !stop.is_cancelled() {
            // Before looking: what changes while we look wakes us all the same.
            let queued = self.store.wakes().queue.notified();
            tokio::pin!(queued);
            queued.as_mut().enable();
            while let Some(urc) = up.session.next_event().now_or_never() {
                self.hear(urc?, up, snapshot, &mut sweep_at).await?;
            }
            self.tell_of_calls(up).await?;
            while let Some(broadcast) = up.broadcasts.due(Instant::now()) {
                self.tell_of_broadcast(broadcast).await?;
            }
            self.ussd_due(up).await?;
            if let Some(ask) = self.desk.take() {
                self.ussd(ask, up).await?;
                continue;
            }
            if up.session.silent_for() >= PROBE_AFTER {
                snapshot.probed();
                bring_up::probe(&mut up.session).await?;
            }
            if Instant::now() >= sweep_at {
                sweep_at = Instant::now() + SWEEP_EVERY;
                self.sweep(up, snapshot).await?;
                continue;
            }
            if Instant::now() >= status_at {
                status_at = Instant::now() + STATUS_EVERY;
                snapshot.network(status::network(&mut up.session).await?);
                snapshot.storage(&status::storage_use(&mut up.session, &up.ready).await?);
                up.vigil.registered(snapshot.registration_now(), Instant::now());
                if let Some(why) = up.vigil.verdict(Instant::now()) {
                    return Err(Trouble::Dead(why));
                }
                continue;
            }
            match self.send_next(up, snapshot, stop).await? {
                Next::Again => continue,
                Next::Idle(waits) => snapshot.waits(waits),
            }
            let soon =
                [up.calls.due_at(), up.broadcasts.due_at(), up.talk.due_at()].into_iter().flatten().min();
            let due = sweep_at.min(status_at).min(Instant::now() + POLL_QUEUE_EVERY);
            let due = soon.map_or(due, |soon| due.min(soon));
            tokio::select! {
                urc = up.session.next_event() => self.hear(urc?, up, snapshot, &mut sweep_at).await?,
                () = queued => {}
                () = self.desk.came() => {}
                () = tokio::time::sleep_until(due) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    /// What the modem said unasked.
    async fn hear(
        &self,
        urc: Urc,
        up: &mut Up,
        snapshot: &mut Snapshot,
        sweep_at: &mut Instant,
    ) -> Result<(), Trouble> {
        match urc {
            Urc::MessageStored { .. } | Urc::ReportStored { .. } | Urc::StorageFull => {
                *sweep_at = Instant::now()
            }
            Urc::Message { pdu, .. } | Urc::Report { pdu, .. } => {
                let accepted = self.store.accept(self.arrival(&up.sim, None, pdu)).await?;
                if matches!(accepted, Accepted::Waiting | Accepted::Whole(_)) {
                    snapshot.received();
                }
            }
            Urc::Registration(report) => snapshot.registration(&report),
            Urc::Signal(signal) => snapshot.signal(signal),
            Urc::Ring => up.calls.rang(Instant::now()),
            Urc::CallerId { number } => up.calls.caller(number, Instant::now()),
            Urc::CallEnded { .. } => up.calls.ended(Instant::now()),
            Urc::Ussd { state, text, dcs } => self.ussd_heard(state, text, dcs, up).await?,
            Urc::Broadcast { pdu, .. } => {
                if let Some(broadcast) = up.broadcasts.page(&pdu, Instant::now()) {
                    self.tell_of_broadcast(broadcast).await?;
                }
            }
            other => tracing::debug!(modem = %self.config.name, "unasked: {other:?}"),
        }
        Ok(())
    }

    /// One word that it rings, one that it was missed; what else the modem has to do goes on meanwhile.
    async fn tell_of_calls(&self, up: &mut Up) -> Result<(), Trouble> {
        while let Some(told) = up.calls.due(Instant::now()) {
            let (name, from) = (&self.config.name, told.from.as_deref());
            let payload = payload::call(name, from, now_ms(), told.state);
            self.store.tell(self.topics.call(name), payload, Some(Event::Call)).await?;
            if told.state == "ringing" && self.config.hang_up && !call::hang_up(&mut up.session).await? {
                tracing::warn!(modem = %name, "the modem refuses to end a call");
            }
        }
        Ok(())
    }

    async fn tell_of_broadcast(&self, mut broadcast: serde_json::Value) -> Result<(), Trouble> {
        broadcast["modem"] = self.config.name.as_str().into();
        broadcast["at"] = payload::time(now_ms()).into();
        Ok(self.store.tell(self.topics.broadcast(&self.config.name), broadcast.to_string(), None).await?)
    }

    async fn sweep(&self, up: &mut Up, snapshot: &mut Snapshot) -> Result<(), Trouble> {
        if sms::check_cnmi(&mut up.session, &up.ready).await? {
            tracing::warn!(modem = %self.config.name, "the modem had forgotten to announce messages; set again");
            snapshot.announced_again();
        }
        receive::sweep(self, up, snapshot).await
    }
}
