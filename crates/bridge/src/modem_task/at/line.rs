//! A modem's port between two sessions: kept open and listened to, or watched for until it is there again.
//!
//! Owns what ends the wait after a fault before its time. Says what happened, and never what to try.

use std::path::Path;
use std::time::Duration;

use smsbridge_modem::awakening::{Manner, first_octet};
use smsbridge_modem::port::{Port, PortSpec};
use smsbridge_modem::port_watch::{PortWatch, Scope};
use smsbridge_modem::recovery::Step;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::message::Name;
use crate::modem_task::error::SessionError;

/// Between the appearance of a port and opening it: links and rights come a moment after the device.
const SETTLE_TIME: Duration = Duration::from_millis(150);

/// For so long another port that appeared may be the configured one, whose link is still to come.
const LINK_TIME: Duration = Duration::from_millis(700);

/// A modem that says something after so long a silence is awake. Doubled, from a second on, each time that was of no
/// use.
const FIRST_QUIET: Duration = Duration::from_millis(300);

/// The port of one modem, while there is no session over it.
pub(in crate::modem_task) struct Line {
    modem: Name,
    configured: PortSpec,
    /// Where the modem was found, if not there.
    elsewhere: Option<PortSpec>,
    watch: PortWatch,
    /// Open, and to be used again.
    port: Option<Port>,
    manner: Manner,
    quiet: Duration,
    woken: Option<Woken>,
    /// It was heard before the wait began.
    is_awake: bool,
    /// What it said meanwhile.
    heard: Vec<u8>,
}

/// What ended a wait before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    /// The port appeared.
    ByPort,
    /// The modem said something.
    ByModem,
}

impl Line {
    pub(in crate::modem_task) fn new(config: &config::Modem) -> Self {
        Line {
            modem: config.name.clone(),
            configured: config.port.clone(),
            elsewhere: None,
            watch: PortWatch::new(&config.port, Scope::Named),
            port: None,
            manner: Manner::Listen,
            quiet: FIRST_QUIET,
            woken: None,
            is_awake: false,
            heard: Vec::new(),
        }
    }

    /// A session is about to begin: what changes from now on is news. A modem that is looked for by its IMEI may come
    /// back as any port.
    pub(in crate::modem_task) fn begin(&mut self, knows_imei: bool) {
        let scope = if knows_imei { Scope::AnyModem } else { Scope::Named };
        self.watch = PortWatch::new(&self.configured, scope);
    }

    /// The modem is in service.
    pub(in crate::modem_task) fn online(&mut self, knows_imei: bool) {
        self.begin(knows_imei);
        self.quiet = FIRST_QUIET;
        self.woken = None;
    }

    /// A session ended, and its port may be used again.
    pub(in crate::modem_task) fn keep(&mut self, port: Port, manner: Manner) {
        (self.port, self.manner) = (Some(port), manner);
    }

    /// The port is not used again.
    pub(in crate::modem_task) fn close(&mut self) {
        self.port = None;
    }

    /// The same after `outcome`. Nobody knows whether what it was asked has reached a modem that did not answer at all.
    pub(super) fn keep_after<T>(&mut self, port: Option<Port>, outcome: &Result<T, SessionError>) {
        self.port = port;
        let is_mute = matches!(outcome, Err(SessionError::AtPort { .. }));
        self.manner = if is_mute { Manner::Ask } else { Manner::Listen };
    }

    /// Runs a search while the port that is kept is open; none where the modem says something meanwhile.
    pub(super) async fn unless_heard<F: Future>(&mut self, search: F) -> Option<F::Output> {
        tokio::select! {
            found = search => Some(found),
            () = wakes(&mut self.port, self.manner, self.quiet, &mut self.heard) => {
                self.is_awake = true;
                None
            }
        }
    }

    /// Where the modem was last.
    pub(super) fn place(&self) -> &PortSpec {
        self.elsewhere.as_ref().unwrap_or(&self.configured)
    }

    /// The port it was found at, instead of the configured one.
    pub(super) fn elsewhere(&self) -> Option<&PortSpec> {
        self.elsewhere.as_ref().filter(|_| self.configured != PortSpec::Auto)
    }

    /// The modem is in service there; what to tell its owner, where that is not the configured port.
    pub(super) fn moved_to(&mut self, place: &PortSpec) -> Option<String> {
        self.elsewhere = Some(place.clone()).filter(|place| !is_same(place, &self.configured));
        let elsewhere = self.elsewhere()?;
        Some(format!(
            "it is not at {} any more; found by its IMEI, it works at {elsewhere}: set port of this [[modem]] to that",
            self.configured
        ))
    }

    /// It is not there either.
    pub(super) fn forget_place(&mut self) {
        self.elsewhere = None;
    }

    /// Takes what the modem said while there was no session.
    pub(super) fn take_heard(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.heard)
    }

    /// Takes the port, for a session that begins with `step`.
    pub(super) fn take(&mut self, step: Option<Step>) -> Option<Port> {
        self.port.take().filter(|_| step != Some(Step::Reopen))
    }

    /// What to try of `step`, now that it is known how the wait ended: what came back by itself needs no more than to
    /// be opened and initialised.
    pub(super) fn needed(&self, step: Option<Step>) -> Option<Step> {
        step.map(|step| if self.woken.is_some() { step.min(Step::Reopen) } else { step })
    }

    /// Waits for `delay`, before a session that begins with `step`; less where the port appears, the modem says
    /// something or at a stop.
    pub(in crate::modem_task) async fn wait(
        &mut self,
        delay: Duration,
        step: Option<Step>,
        stop: &CancellationToken,
    ) {
        // A serial device server takes the next connection only when it has seen the end of this one.
        let is_reopened = step == Some(Step::Reopen) && matches!(self.configured, PortSpec::Tcp { .. });
        if is_reopened {
            self.port = None;
        }
        if self.woken.take() == Some(Woken::ByModem) {
            self.quiet = (2 * self.quiet).max(Duration::from_secs(1));
        }
        if std::mem::take(&mut self.is_awake) {
            self.woken = Some(Woken::ByModem);
            return;
        }
        let modem = &self.modem;
        tokio::select! {
            () = stop.cancelled() => {}
            mut is_own = self.watch.appeared() => {
                tracing::debug!(modem = %modem, "a port has appeared or changed");
                while !is_own
                    && matches!(self.configured, PortSpec::Serial(_))
                    && let Ok(next_is_own) = timeout(LINK_TIME, self.watch.appeared()).await
                {
                    is_own = next_is_own;
                }
                if is_own {
                    self.port = None;
                }
                // Another modem's says nothing of one whose port is still open.
                if self.port.is_none() {
                    self.woken = Some(Woken::ByPort);
                }
                sleep(SETTLE_TIME).await;
            }
            () = wakes(&mut self.port, self.manner, self.quiet, &mut self.heard) => {
                tracing::debug!(modem = %modem, "the modem says something again");
                self.woken = Some(Woken::ByModem);
            }
            () = sleep(delay) => {}
        }
    }
}

/// Whether both are names of one port.
fn is_same(one: &PortSpec, other: &PortSpec) -> bool {
    let device = |spec: &PortSpec| match spec {
        PortSpec::Serial(path) => Path::new(path).canonicalize().ok(),
        _ => None,
    };
    one == other || (device(one).is_some() && device(one) == device(other))
}

/// Waits for the modem to say something; for ever where there is no port to hear it by.
async fn wakes(port: &mut Option<Port>, manner: Manner, quiet: Duration, heard: &mut Vec<u8>) {
    if let Some(open) = port {
        if first_octet(open, manner, quiet, heard).await.is_ok() {
            return;
        }
        // It is of no more use, and a device that is held open comes back under another name.
        *port = None;
    }
    std::future::pending().await
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
