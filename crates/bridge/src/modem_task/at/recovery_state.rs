//! What one session leaves to the next, and which recovery step the next one begins with.

use std::time::Duration;

use smsbridge_modem::SessionOptions;
use smsbridge_modem::port::Port;
use smsbridge_modem::recovery::{Ladder, Step};
use tokio::time::Instant;

use crate::config;
use crate::modem_task::error::SessionError;

/// After a session that stood this long, the next fault begins with the first step again.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// What one session leaves to the next.
pub(in crate::modem_task) struct RecoveryState {
    /// What is known of the modem.
    pub options: SessionOptions,
    /// The IMEI of the modem that was there.
    pub imei: Option<String>,
    ladder: Ladder,
    /// What to try before the modem is brought up; none where nothing is wrong with the modem itself.
    step: Option<Step>,
    /// The port, where it can be used again.
    port: Option<Port>,
}

impl RecoveryState {
    pub fn new(config: &config::Modem) -> Self {
        RecoveryState {
            options: SessionOptions::default()
                .with_overrides(config.overrides.clone())
                .with_broadcast(config.broadcast.clone()),
            imei: None,
            ladder: Ladder::default(),
            step: None,
            port: None,
        }
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.ladder.failures()
    }

    /// A session that was online ended; its port may be used again.
    pub fn session_ended(&mut self, online_since: Instant, port: Port) {
        if online_since.elapsed() >= STABLE_AFTER {
            self.ladder.reset();
        }
        self.port = Some(port);
    }

    /// Chooses what the next session tries first.
    pub fn on_error(&mut self, error: &SessionError) -> Option<Step> {
        self.step = match error {
            SessionError::Modem(error) | SessionError::AtPort { error, .. } => {
                self.options.prefer_cmgr |= error.suggests_cmgr();
                Some(self.ladder.on_failure(error))
            }
            SessionError::Unhealthy(_) => Some(self.ladder.on_radio_dead()),
            // A port that cannot be opened, a PIN, the store: nothing the modem could be told.
            SessionError::Port(_)
            | SessionError::Store(_)
            | SessionError::Locked(_)
            | SessionError::OtherModem { .. } => None,
        };
        if matches!(self.step, None | Some(Step::Reopen)) {
            self.port = None;
        }
        self.step
    }

    /// Takes the step to try, if any.
    pub fn take_step(&mut self) -> Option<Step> {
        self.step.take()
    }

    /// Takes the port of the last session, if it can be used again.
    pub fn take_port(&mut self) -> Option<Port> {
        self.port.take()
    }
}
