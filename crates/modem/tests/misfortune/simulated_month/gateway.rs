//! A gateway in small: sessions one after the other, sweeps, checks and submissions, and the recovery between.
//!
//! Owns the order of things, which is that of the bridge. Must never know what goes wrong or look into the simulator but
//! for its plug, its journal and what was typed.

use std::time::Duration;

use smsbridge_modem::recovery::{self, Ladder, Step};
use smsbridge_modem::sms::{self, Deleted};
use smsbridge_modem::{ModemError, Session, SessionOptions, SimStatus, Urc, bring_up, upkeep};
use smsbridge_simulator::Simulator;
use tokio::io::DuplexStream;
use tokio::time::{Instant, sleep, timeout_at};

use super::ledger::{Accepted, Ledger};

/// How often a modem is looked at while there is something to do, and while there is not.
const INTERVALS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(20 * 60)];

/// After this there is nothing to do.
const BUSY_TIME: Duration = Duration::from_secs(120);

/// A session that stood for so long was a good one.
const STABLE_AFTER: Duration = Duration::from_secs(60);

const MAX_DELAY: Duration = Duration::from_secs(40);

pub struct Gateway {
    sim: Simulator,
    options: SessionOptions,
    ladder: Ladder,
    step: Option<Step>,
    port: Option<DuplexStream>,
    without_sim: u32,
    delay: Duration,
    /// Sessions that were brought up.
    pub sessions: u32,
    /// Each of the families the modem was taken for.
    pub families: Vec<&'static str>,
    pub ledger: Ledger,
}

impl Gateway {
    pub fn new(sim: &Simulator) -> Self {
        Self {
            sim: sim.clone(),
            options: SessionOptions::default(),
            ladder: Ladder::default(),
            step: None,
            port: None,
            without_sim: 0,
            delay: Duration::from_secs(1),
            sessions: 0,
            families: Vec::new(),
            ledger: Ledger::default(),
        }
    }

    pub async fn run(&mut self, end: Instant) {
        while Instant::now() < end {
            let Err(error) = self.session(end).await else { return };
            let (may_reset, now) = (self.options.reset_command().is_some(), Instant::now());
            self.step = error.is_fatal().then(|| self.ladder.on_failure(&error, may_reset, now));
            self.without_sim += u32::from(error == ModemError::Sim(SimStatus::Missing));
            sleep(self.delay).await;
            self.delay = (2 * self.delay).min(MAX_DELAY);
        }
    }

    async fn session(&mut self, end: Instant) -> Result<(), ModemError> {
        let step = self.step.take();
        let kept = self.port.take().filter(|_| step != Some(Step::Reopen));
        let mut port = match kept {
            Some(port) => port,
            None => self.open().await,
        };
        if step == Some(Step::Reset) {
            let mut session = Session::with_options(port, self.options.clone());
            let _ = recovery::reset(&mut session).await;
            drop(session);
            port = self.open().await;
        }
        let mut session = Session::with_options(port, self.options.clone());
        let ended = self.serve(&mut session, step, end).await;
        let remains = session.into_parts();
        self.families.extend(remains.learned.family.map(|family| family.name));
        self.families.dedup();
        self.options = self.options.clone().with_learned(remains.learned);
        self.port = Some(remains.port);
        ended
    }

    async fn open(&mut self) -> DuplexStream {
        while !self.sim.is_plugged() {
            sleep(Duration::from_secs(1)).await;
        }
        let (near, far) = tokio::io::duplex(4096);
        let served = self.sim.clone();
        tokio::spawn(async move { served.serve(far).await });
        near
    }

    async fn serve(
        &mut self,
        session: &mut Session<DuplexStream>,
        step: Option<Step>,
        end: Instant,
    ) -> Result<(), ModemError> {
        let mut modem = bring_up::synchronise(session).await?;
        if step == Some(Step::RestartRadio) {
            recovery::restart_radio(modem.session()).await?;
        }
        if self.without_sim >= 2 && self.without_sim.is_power_of_two() {
            recovery::restart_sim(modem.session()).await?;
        }
        match modem.sim().await? {
            SimStatus::Ready => {}
            other => return Err(ModemError::Sim(other)),
        }
        let mut ready = modem.configure(None).await?;
        let began = Instant::now();
        self.without_sim = 0;
        self.sessions += 1;
        let ended = self.online(session, &mut ready, end).await;
        if began.elapsed() >= STABLE_AFTER {
            self.ladder.answers();
            self.delay = Duration::from_secs(1);
        }
        ended
    }

    async fn online(
        &mut self,
        session: &mut Session<DuplexStream>,
        ready: &mut smsbridge_modem::Ready,
        end: Instant,
    ) -> Result<(), ModemError> {
        let (mut look_at, mut check_at) = (Instant::now(), Instant::now());
        let mut busy_until = Instant::now() + BUSY_TIME;
        // Looks since a notice that led to nothing.
        let mut in_vain = None;
        loop {
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            if now >= look_at {
                self.sim.forget_past();
                if now >= check_at {
                    upkeep::check(session, ready).await?;
                    check_at = now + INTERVALS[0];
                }
                let has_found = self.sweep(session, ready).await?;
                in_vain = in_vain.filter(|times| !has_found && *times < 2).map(|times: usize| times + 1);
                if has_found {
                    busy_until = Instant::now() + BUSY_TIME;
                }
                let pause = match in_vain {
                    Some(1) => Duration::from_secs(2),
                    Some(_) => Duration::from_secs(8),
                    None => INTERVALS[usize::from(Instant::now() > busy_until)],
                };
                let again_at = session.refused_until();
                look_at = (Instant::now() + pause).min(again_at.unwrap_or(now + INTERVALS[1]));
            } else if let Some(n) = self.ledger.due() {
                busy_until = now + BUSY_TIME;
                self.submit(session, n).await?;
            } else {
                let wake_at = look_at.min(end).min(self.ledger.due_at().unwrap_or(end)).max(now);
                if let Ok(urc) = timeout_at(wake_at, session.next_event()).await
                    && is_hint(&urc?)
                {
                    (look_at, in_vain) = (Instant::now(), Some(0));
                }
            }
        }
    }

    /// Whether there was a message that was not known.
    async fn sweep(
        &mut self,
        session: &mut Session<DuplexStream>,
        ready: &smsbridge_modem::Ready,
    ) -> Result<bool, ModemError> {
        let iccid = ready.iccid.clone().or(ready.imsi.clone()).unwrap_or_default();
        let mut has_found = false;
        let mut swept = sms::sweep(session, ready).await;
        self.ledger.swept(&iccid, &swept);
        for message in swept.pdus.iter().filter(|message| message.status.is_received()) {
            match self.ledger.accept(&iccid, message) {
                Accepted::Known { was_deleted: true } => {
                    sms::deletion_had_no_effect(session, message.storage, message.slot);
                }
                Accepted::Known { was_deleted: false } => {}
                Accepted::New => has_found = true,
            }
            if swept.fault.is_some() {
                continue;
            }
            let deleted = sms::delete(session, message.storage, message.slot).await;
            self.ledger.vain_deletions += usize::from(deleted != Ok(Deleted::Yes));
            match deleted {
                Ok(Deleted::Yes) => self.ledger.deleted(&iccid, message),
                Ok(Deleted::NotNow) => {}
                Err(fault) => swept.fault = Some(fault),
            }
        }
        swept.fault.map_or(Ok(has_found), Err)
    }

    async fn submit(&mut self, session: &mut Session<DuplexStream>, n: usize) -> Result<(), ModemError> {
        let (_, from) = self.sim.journal_from(u64::MAX);
        let result = sms::send(session, &self.ledger.requests[n].pdu()).await;
        let (journal, _) = self.sim.journal_from(from);
        self.ledger.submitted(n, &result, journal);
        session.fault().cloned().map_or(Ok(()), Err)
    }
}

fn is_hint(urc: &Urc) -> bool {
    matches!(urc, Urc::MessageStored { .. } | Urc::ReportStored { .. } | Urc::SweepHint)
}
