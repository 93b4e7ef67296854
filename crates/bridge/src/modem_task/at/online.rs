//! A modem in service: decides what it does next, one thing at a time.
//!
//! URCs and wake-ups only say *look now*; the looking is the same at start, after a fault and in between. Each ability
//! (sweep, status, sending, USSD) has its own time to run, and is carried out by a file of its own. An error that ends the
//! session leaves `run`. Input: the session's URCs, the store's wake-ups, USSD requests.

use std::time::Duration;

use futures_util::FutureExt as _;
use smsbridge_modem::bring_up;
use smsbridge_modem::port::Port;
use smsbridge_modem::registration::Registration;
use smsbridge_modem::voice::{self, HangUp};
use smsbridge_modem::{Urc, status, ussd};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::broadcasts::Broadcasts;
use super::calls::{CallChange, Calls};
use super::connected::ConnectedModem;
use super::receive;
use super::send::{self, Sent};
use super::ussd::UssdSession;
use super::ussd_requests;
use super::watchdog::Watchdog;
use crate::clock::now_ms;
use crate::event::{Broadcast, Call, CallState, Event};
use crate::modem_task::error::SessionError;
use crate::store::Idle;

/// A sweep without any notification: one may have been lost.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How often network and storage are asked about.
const STATUS_INTERVAL: Duration = Duration::from_secs(30);

/// How often the store is asked for messages without a wake-up.
const QUEUE_POLL_INTERVAL: Duration = Duration::from_secs(5);

/// A modem that was silent this long is asked `AT` before anything else.
const PROBE_AFTER: Duration = Duration::from_secs(20);

/// A modem in service.
pub(in crate::modem_task) struct OnlineModem<'a> {
    modem: ConnectedModem<'a>,
    /// The registration last read or reported; none before that.
    registration: Option<Registration>,
    watchdog: Watchdog,
    calls: Calls,
    broadcasts: Broadcasts,
    ussd: UssdSession,
    online_since: Instant,
    sweep_at: Instant,
    status_at: Instant,
}

/// What follows once something was looked for.
enum Next {
    /// Something was done: look again.
    Again,
    /// Nothing is due. A modem that may send is idle until it is woken.
    Wait(Option<Idle>),
}

impl<'a> OnlineModem<'a> {
    pub(in crate::modem_task) fn new(modem: ConnectedModem<'a>) -> Self {
        let now = Instant::now();
        OnlineModem {
            modem,
            registration: None,
            watchdog: Watchdog::new(now),
            calls: Calls::default(),
            broadcasts: Broadcasts::default(),
            ussd: UssdSession::default(),
            online_since: now,
            sweep_at: now,
            status_at: now,
        }
    }

    /// When the modem went online.
    pub(in crate::modem_task) fn online_since(&self) -> Instant {
        self.online_since
    }

    /// Gives the port back.
    pub(in crate::modem_task) fn into_port(self) -> Port {
        self.modem.session.into_port()
    }

    /// Looks for messages in both directions until a fault or `stop`.
    pub(in crate::modem_task) async fn run(&mut self, stop: &CancellationToken) -> Result<(), SessionError> {
        let task = self.modem.task;
        self.modem.view.online();
        loop {
            let urcs_handled = self.handle_waiting_urcs().await;
            // Even after a fault or at a stop: what the modem has said is not said again.
            self.publish_events().await?;
            urcs_handled?;
            if stop.is_cancelled() {
                return Ok(());
            }
            let idle = match self.do_next(stop).await? {
                Next::Again => continue,
                Next::Wait(idle) => idle,
            };
            let due_at = self.due_at();
            tokio::select! {
                urc = self.modem.session.next_event() => self.on_urc(urc?).await?,
                () = woken(idle) => {}
                () = task.ussd.added() => {}
                () = tokio::time::sleep_until(due_at) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn handle_waiting_urcs(&mut self) -> Result<(), SessionError> {
        while let Some(urc) = self.modem.session.next_event().now_or_never() {
            self.on_urc(urc?).await?;
        }
        Ok(())
    }

    /// Does what is due, one thing at a time.
    async fn do_next(&mut self, stop: &CancellationToken) -> Result<Next, SessionError> {
        if let Some(request) = self.modem.task.ussd.pop() {
            ussd_requests::send(&mut self.modem, &mut self.ussd, request).await?;
            return Ok(Next::Again);
        }
        if self.modem.session.silent_for() >= PROBE_AFTER {
            self.modem.view.probed();
            bring_up::probe(&mut self.modem.session).await?;
        }
        let now = Instant::now();
        if now >= self.sweep_at {
            self.sweep_at = now + SWEEP_INTERVAL;
            receive::check_notifications(&mut self.modem).await?;
            receive::sweep(&mut self.modem).await?;
            return Ok(Next::Again);
        }
        if now >= self.status_at {
            self.status_at = now + STATUS_INTERVAL;
            self.read_status().await?;
            return Ok(Next::Again);
        }
        if !self.is_registered() {
            self.modem.view.waiting(None);
            return Ok(Next::Wait(None));
        }
        match send::send_next(&mut self.modem, &mut self.watchdog, stop).await? {
            Sent::Something => Ok(Next::Again),
            Sent::Nothing(idle) => {
                self.modem.view.waiting(None);
                Ok(Next::Wait(Some(idle)))
            }
            Sent::OverBudget(reason) => {
                self.modem.view.waiting(Some(reason));
                Ok(Next::Wait(None))
            }
        }
    }

    /// When something is due without an input.
    fn due_at(&self) -> Instant {
        let events = [self.calls.due_at(), self.broadcasts.due_at(), self.ussd.due_at()];
        let polls = [self.sweep_at, self.status_at, Instant::now() + QUEUE_POLL_INTERVAL];
        events.into_iter().flatten().chain(polls).min().unwrap_or_else(Instant::now)
    }

    /// Whether the network may accept a message. Not known counts as yes: the modem's refusal will say.
    fn is_registered(&self) -> bool {
        self.registration.is_none_or(|r| r.is_registered() || r == Registration::Unknown)
    }

    async fn read_status(&mut self) -> Result<(), SessionError> {
        let network = status::network(&mut self.modem.session).await?;
        self.registration = Some(network.registration);
        self.modem.view.network(network);
        self.modem.view.storage(&status::storage_use(&mut self.modem.session, &self.modem.ready).await?);
        let now = Instant::now();
        self.watchdog.registered(self.registration, now);
        match self.watchdog.unhealthy_reason(now) {
            Some(reason) => Err(SessionError::Unhealthy(reason)),
            None => Ok(()),
        }
    }

    /// Handles what the modem says unsolicited.
    async fn on_urc(&mut self, urc: Urc) -> Result<(), SessionError> {
        let now = Instant::now();
        self.calls.on_urc(&urc, now);
        self.broadcasts.on_urc(&urc, now);
        self.ussd.on_urc(&urc, self.modem.session.profile().ussd_packed);
        match urc {
            Urc::MessageStored { .. } | Urc::ReportStored { .. } | Urc::StorageFull => self.sweep_at = now,
            Urc::Message { pdu, .. } | Urc::Report { pdu, .. } => {
                receive::on_delivery(&mut self.modem, pdu).await?
            }
            Urc::Registration(report) => {
                self.registration = Some(report.state);
                self.modem.view.registration(&report);
            }
            Urc::Signal(signal) => self.modem.view.signal(signal),
            other => tracing::debug!(modem = %self.modem.name(), "unsolicited: {other:?}"),
        }
        Ok(())
    }

    /// Publishes the events that cell broadcasts, USSD and calls have led to. Commands come last: one may end the session.
    async fn publish_events(&mut self) -> Result<(), SessionError> {
        let (task, now) = (self.modem.task, Instant::now());
        while let Some(content) = self.broadcasts.tick(now) {
            let broadcast = Broadcast { modem: task.config.name.clone(), at: now_ms(), content };
            task.store.publish(Event::Broadcast(broadcast)).await?;
        }
        while let Some(answer) = self.ussd.tick(now) {
            ussd_requests::publish(task, answer).await?;
        }
        while let Some(CallChange { from, state }) = self.calls.tick(now) {
            let call = Call { modem: task.config.name.clone(), from, at: now_ms(), state };
            task.store.publish(Event::Call(call)).await?;
            if state == CallState::Ringing && task.config.hang_up {
                self.hang_up().await?;
            }
        }
        if self.ussd.take_timed_out() {
            ussd::end(&mut self.modem.session).await?;
        }
        Ok(())
    }

    async fn hang_up(&mut self) -> Result<(), SessionError> {
        if voice::hang_up(&mut self.modem.session).await? == HangUp::Refused {
            tracing::warn!(modem = %self.modem.name(), "the modem refuses to end a call");
        }
        Ok(())
    }
}

/// Waits until the store has something for an idle modem; for ever for one that may not send.
async fn woken(idle: Option<Idle>) {
    match idle {
        Some(idle) => idle.woken().await,
        None => std::future::pending().await,
    }
}
