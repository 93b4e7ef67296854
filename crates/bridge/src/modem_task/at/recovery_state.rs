//! What one session leaves to the next, and which recovery step the next one begins with.
//!
//! The one place that decides what a session's end calls for: silence climbs the ladder; a modem that is starting, a SIM
//! that is locked and a store that is full do not.

use std::time::Duration;

use smsbridge_modem::port::Port;
use smsbridge_modem::recovery::{Ladder, Step};
use smsbridge_modem::{ModemError, Remains, SessionOptions, SimStatus, Urc};
use tokio::time::Instant;

use crate::config;
use crate::modem_task::error::SessionError;

/// After a session that stood this long, the next fault begins with the first step again.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// Codes with content kept from sessions that did not come up: broadcasts and USSD, which only the next one can handle.
const MAX_UNSOLICITED: usize = 1024;

/// A modem that is starting is asked again after this.
const STARTING_INTERVAL: Duration = Duration::from_secs(3);

/// Before a restart that somebody asked for: a serial device server is given time to see the end of the connection.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// What one session leaves to the next.
pub(in crate::modem_task) struct RecoveryState {
    /// What is known of the modem.
    pub options: SessionOptions,
    /// The IMEI of the modem that was there.
    pub imei: Option<String>,
    /// What the modem said and nobody has looked at yet.
    pub unsolicited: Vec<Urc>,
    ladder: Ladder,
    /// What to try before the modem is brought up; none where nothing is wrong with the modem itself.
    step: Option<Step>,
    /// Somebody asked for that step.
    is_asked: bool,
    /// Whether the SIM was read to its end since the gateway began or the SIM was changed.
    has_swept: bool,
    /// Sessions in a row that found no SIM.
    without_sim: u32,
}

impl RecoveryState {
    pub fn new(config: &config::Modem) -> Self {
        RecoveryState {
            options: SessionOptions::default()
                .with_overrides(config.overrides.clone())
                .with_broadcast(config.broadcast.clone()),
            imei: None,
            unsolicited: Vec::new(),
            ladder: Ladder::default(),
            step: None,
            is_asked: false,
            has_swept: false,
            without_sim: 0,
        }
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.ladder.failures()
    }

    /// A session has ended, or could not be brought up; returns its port.
    pub fn session_ended(&mut self, remains: Remains<Port>) -> Port {
        self.options.learned = remains.learned;
        self.unsolicited.extend(remains.unsolicited.into_iter().filter(Urc::has_content));
        let too_many = self.unsolicited.len().saturating_sub(MAX_UNSOLICITED);
        self.unsolicited.drain(..too_many);
        remains.port
    }

    /// Whether the SIM was read to its end: what is found from now on came since.
    pub fn has_swept(&self) -> bool {
        self.has_swept
    }

    /// The session was in service since `since`; `has_worked` says that the network took a message, or that nothing spoke
    /// against it.
    pub fn was_online(&mut self, since: Instant, has_worked: bool, has_swept: bool) {
        self.has_swept |= has_swept;
        self.without_sim = 0;
        if since.elapsed() >= STABLE_AFTER {
            self.ladder.answers();
        }
        if has_worked {
            self.ladder.works();
        }
    }

    /// The modem was replaced: nothing holds that is known of the last one.
    pub fn forget_modem(&mut self) {
        self.imei = None;
        self.ladder = Ladder::default();
        self.without_sim = 0;
    }

    /// Chooses what the next session tries first.
    pub fn on_error(&mut self, error: &SessionError) -> Option<Step> {
        if matches!(error, SessionError::Modem(ModemError::SimChanged | ModemError::Sim(_))) {
            self.has_swept = false;
        }
        self.is_asked = matches!(error, SessionError::RestartAsked);
        let (may_reset, now) = (self.options.reset_command().is_some(), Instant::now());
        self.step = match error {
            SessionError::Modem(error) | SessionError::AtPort { error, .. } if error.is_fatal() => {
                Some(self.ladder.on_failure(error, may_reset, now))
            }
            SessionError::Modem(ModemError::Sim(SimStatus::Missing)) => {
                self.without_sim += 1;
                None
            }
            SessionError::Unhealthy(_) => Some(self.ladder.on_radio_dead(may_reset, now)),
            SessionError::RestartAsked => Some(self.ladder.on_request(may_reset, now)),
            // A refusal, a port that cannot be opened, a PIN, the store: nothing the modem could be told.
            _ => None,
        };
        self.step
    }

    /// Whether the port is used again: the modem behind it answers, or may be made to.
    pub fn keeps_port(&self, error: &SessionError) -> bool {
        match error {
            SessionError::Modem(_) | SessionError::AtPort { .. } | SessionError::RestartAsked => true,
            SessionError::Locked(_) | SessionError::Store(_) => true,
            // A word of a modem that answers and is of no use must not end the wait for its step.
            SessionError::Unhealthy(_) | SessionError::Port(_) | SessionError::OtherModem { .. } => false,
        }
    }

    /// When to begin again, where that is known: a modem that is starting, or whose SIM was changed, needs no growing
    /// delays.
    pub fn delay(&self, error: &SessionError) -> Option<Duration> {
        match error {
            SessionError::Modem(ModemError::Starting { .. }) => Some(STARTING_INTERVAL),
            SessionError::Modem(ModemError::SimChanged) => Some(Duration::ZERO),
            SessionError::RestartAsked => Some(RESTART_DELAY),
            _ => None,
        }
    }

    /// Takes the step to try, if any.
    pub fn take_step(&mut self) -> Option<Step> {
        self.step.take()
    }

    /// Whether somebody asked for that step, so that it is taken however well the modem seems.
    pub fn is_asked(&self) -> bool {
        self.is_asked
    }

    /// Whether the session that has begun is the one somebody asked for.
    pub fn ends_restart(&mut self) -> bool {
        std::mem::take(&mut self.is_asked)
    }

    /// Whether to take the SIM's power away and give it back: some find a SIM only then. Ever more rarely.
    pub fn restarts_sim(&self) -> bool {
        self.without_sim >= 2 && self.without_sim.is_power_of_two()
    }
}
