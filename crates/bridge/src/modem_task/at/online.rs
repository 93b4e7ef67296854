//! A modem in service: decides what it does next, one thing at a time.
//!
//! URCs and wake-ups only say *look now*; the looking is the same at start, after a fault and in between. Each ability
//! (sweep, status, sending, USSD) has its own time to run, and is carried out by a file of its own. An error that ends
//! the session leaves `run`. Input: the session's URCs, the store's wake-ups, USSD requests.

use std::time::Duration;

use futures_util::FutureExt as _;
use smsbridge_modem::port::Port;
use smsbridge_modem::registration::{Registration, Registrations};
use smsbridge_modem::voice::{self, HangUp};
use smsbridge_modem::{Remains, Urc, status, ussd};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::broadcasts::Broadcasts;
use super::calls::{CallChange, Calls};
use super::connected::ConnectedModem;
use super::receive::{self, Found};
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

/// The shortest time between two tries of what the modem refused, so that the messages to be sent have their turn.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// How often network and storage are asked about.
const STATUS_INTERVAL: Duration = Duration::from_secs(30);

/// How often the store is asked for messages without a wake-up.
const QUEUE_POLL_INTERVAL: Duration = Duration::from_secs(5);

/// After a notice that led to nothing: some announce a message before it can be listed.
const LOOK_AGAIN_AFTER: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(8)];

/// A modem in service.
pub(in crate::modem_task) struct OnlineModem<'a> {
    modem: ConnectedModem<'a>,
    /// What each domain was last read or reported to be.
    registrations: Registrations,
    watchdog: Watchdog,
    calls: Calls,
    broadcasts: Broadcasts,
    ussd: UssdSession,
    online_since: Instant,
    /// Whether a sweep has been made.
    has_swept: bool,
    /// Sweeps since a notice that found nothing; none where there was no notice.
    looked_in_vain: Option<usize>,
    check_at: Instant,
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
    pub(in crate::modem_task) fn new(modem: ConnectedModem<'a>, has_swept: bool) -> Self {
        let now = Instant::now();
        OnlineModem {
            modem,
            registrations: Registrations::default(),
            watchdog: Watchdog::new(now),
            calls: Calls::default(),
            broadcasts: Broadcasts::default(),
            ussd: UssdSession::default(),
            online_since: now,
            has_swept,
            looked_in_vain: None,
            check_at: now,
            sweep_at: now,
            status_at: now,
        }
    }

    /// When the modem went online.
    pub(in crate::modem_task) fn online_since(&self) -> Instant {
        self.online_since
    }

    /// Whether nothing speaks against messages going through.
    pub(in crate::modem_task) fn has_worked(&self) -> bool {
        self.watchdog.has_worked()
    }

    /// Whether the storages were read to their end.
    pub(in crate::modem_task) fn has_swept(&self) -> bool {
        self.has_swept
    }

    /// Takes the session apart.
    pub(in crate::modem_task) fn into_remains(self) -> Remains<Port> {
        self.modem.session.into_parts()
    }

    /// Looks for messages in both directions until a fault or `stop`. `unsolicited` is what the modem said before.
    pub(in crate::modem_task) async fn run(
        &mut self,
        unsolicited: Vec<Urc>,
        stop: &CancellationToken,
    ) -> Result<(), SessionError> {
        self.modem.view.online();
        let ended = self.serve(unsolicited, stop).await;
        // Even after a fault and at a stop: what the modem has said is not said again.
        let said = self.handle_waiting_urcs(stop).await;
        let published = self.publish_events().await;
        let answered = match self.ussd.abandon() {
            Some(answer) => ussd_requests::publish(self.modem.task, answer).await,
            None => Ok(()),
        };
        ended.and(said).and(published).and(answered.map_err(SessionError::from))
    }

    async fn serve(&mut self, unsolicited: Vec<Urc>, stop: &CancellationToken) -> Result<(), SessionError> {
        for urc in unsolicited {
            self.on_urc(urc, stop).await?;
        }
        let task = self.modem.task;
        loop {
            self.handle_waiting_urcs(stop).await?;
            self.publish_events().await?;
            if stop.is_cancelled() {
                return Ok(());
            }
            let idle = match self.do_next(stop).await? {
                Next::Again => continue,
                Next::Wait(idle) => idle,
            };
            let due_at = self.due_at();
            tokio::select! {
                urc = self.modem.session.next_event() => self.on_urc(urc?, stop).await?,
                () = woken(idle) => {}
                () = task.requests.ussd.added() => {}
                () = task.requests.restart.asked() => {}
                () = tokio::time::sleep_until(due_at) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn handle_waiting_urcs(&mut self, stop: &CancellationToken) -> Result<(), SessionError> {
        while let Some(urc) = self.modem.session.next_event().now_or_never() {
            self.on_urc(urc?, stop).await?;
        }
        Ok(())
    }

    /// Does what is due, one thing at a time.
    async fn do_next(&mut self, stop: &CancellationToken) -> Result<Next, SessionError> {
        if self.modem.task.requests.restart.take() {
            return Err(SessionError::RestartAsked);
        }
        if let Some(request) = self.modem.task.requests.ussd.pop() {
            self.modem.wake().await?;
            ussd_requests::send(&mut self.modem, &mut self.ussd, request).await?;
            return Ok(Next::Again);
        }
        let now = Instant::now();
        if now >= self.sweep_at {
            self.modem.wake().await?;
            self.sweep().await?;
            return Ok(Next::Again);
        }
        if now >= self.status_at {
            self.status_at = now + STATUS_INTERVAL;
            self.modem.wake().await?;
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

    async fn sweep(&mut self) -> Result<(), SessionError> {
        let now = Instant::now();
        self.sweep_at = now + SWEEP_INTERVAL;
        if now >= self.check_at {
            self.check_at = now + SWEEP_INTERVAL;
            receive::check(&mut self.modem).await?;
        }
        let found = receive::sweep(&mut self.modem, !self.has_swept).await?;
        self.has_swept |= found != Found::More;
        match (found, self.looked_in_vain) {
            (Found::More, _) => self.sweep_at = Instant::now(),
            (Found::Nothing, Some(times)) => {
                self.looked_in_vain = Some(times + 1);
                if let Some(pause) = LOOK_AGAIN_AFTER.get(times) {
                    self.sweep_at = Instant::now() + *pause;
                }
            }
            _ => self.looked_in_vain = None,
        }
        if let Some(again_at) = self.modem.session.refused_until() {
            let soon = Instant::now() + RETRY_INTERVAL;
            (self.sweep_at, self.check_at) =
                (self.sweep_at.min(again_at.max(soon)), self.check_at.min(again_at));
        }
        Ok(())
    }

    /// When something is due without an input.
    fn due_at(&self) -> Instant {
        let events = [self.calls.due_at(), self.broadcasts.due_at(), self.ussd.due_at()];
        let polls = [self.sweep_at, self.status_at, Instant::now() + QUEUE_POLL_INTERVAL];
        events.into_iter().flatten().chain(polls).min().unwrap_or_else(Instant::now)
    }

    /// Whether the network may accept a message. Not known counts as yes: the modem's refusal will say.
    fn is_registered(&self) -> bool {
        self.registration().is_none_or(|r| r.is_registered() || r == Registration::Unknown)
    }

    /// The best of all domains; none before one is known.
    fn registration(&self) -> Option<Registration> {
        self.registrations.best().map(|report| report.state)
    }

    async fn read_status(&mut self) -> Result<(), SessionError> {
        let network = status::network(&mut self.modem.session).await?;
        self.registrations = network.registrations.clone();
        self.modem.view.network(network);
        self.modem.view.storage(&status::storage_use(&mut self.modem.session, &self.modem.ready).await?);
        let now = Instant::now();
        self.watchdog.registered(self.registration(), now);
        match self.watchdog.unhealthy_reason(now) {
            Some(reason) => Err(SessionError::Unhealthy(reason)),
            None => Ok(()),
        }
    }

    /// Handles what the modem says unsolicited.
    async fn on_urc(&mut self, urc: Urc, stop: &CancellationToken) -> Result<(), SessionError> {
        let now = Instant::now();
        self.calls.on_urc(&urc, now);
        self.broadcasts.on_urc(&urc, now);
        self.ussd.on_urc(&urc, self.modem.session.profile().ussd_packed, now);
        match urc {
            Urc::MessageStored { .. } | Urc::ReportStored { .. } | Urc::SweepHint => {
                self.looked_in_vain = Some(0);
                self.sweep_at = now;
            }
            Urc::Message { pdu, length } | Urc::Report { pdu, length } => {
                receive::on_delivery(&mut self.modem, pdu, length, stop).await?
            }
            Urc::Registration(report) => {
                self.registrations.update(report);
                self.modem.view.registration(self.registrations.best());
            }
            Urc::Signal(signal) => self.modem.view.signal(signal),
            _ => tracing::debug!(modem = %self.modem.name(), "an unsolicited result code of no use here"),
        }
        Ok(())
    }

    /// Publishes the events that cell broadcasts, USSD and calls have led to. Commands come last: one may end the
    /// session.
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
            // A modem gives the digits that the network shows; only a `+` tells more of them.
            let contact = from.as_deref().and_then(|from| task.contacts.name_of_sender(from, "unknown"));
            let contact = contact.map(str::to_owned);
            let call = Call { modem: task.config.name.clone(), from, contact, at: now_ms(), state };
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
