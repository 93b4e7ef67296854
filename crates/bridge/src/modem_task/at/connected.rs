//! A connected AT modem, as its abilities see it: receiving, sending and USSD each take one `&mut`.
//!
//! Made by `connect` and by nothing else; decides nothing.

use std::time::Duration;

use smsbridge_modem::port::Port;
use smsbridge_modem::{ModemError, Ready, Session, dialogue};

use crate::message::{Name, Sim};
use crate::modem_task::status_view::StatusView;
use crate::modem_task::task::ModemTask;

/// A modem to which nothing was typed for this long is asked `AT` before anything else: some sleep after five seconds, and
/// lose the first command that wakes them, even where they have just announced a message.
const PROBE_AFTER: Duration = Duration::from_secs(4);

/// A modem that is up, its SIM, and where messages and state go.
pub(in crate::modem_task) struct ConnectedModem<'a> {
    /// The configuration and the store.
    pub(super) task: &'a ModemTask,
    /// Where its state is shown.
    pub(super) view: &'a mut StatusView,
    pub(super) session: Session<Port>,
    /// What was learnt while connecting.
    pub(super) ready: Ready,
    /// The SIM's identity: its ICCID, or the modem's name where that cannot be read.
    pub(super) sim: Sim,
}

impl ConnectedModem<'_> {
    /// The modem's name.
    pub(super) fn name(&self) -> &Name {
        &self.task.config.name
    }

    /// Wakes a modem that may sleep, and notices one that does not answer before anything is entrusted to it.
    pub(super) async fn wake(&mut self) -> Result<(), ModemError> {
        if self.session.idle_for() < PROBE_AFTER {
            return Ok(());
        }
        self.view.probed();
        dialogue::probe(&mut self.session).await
    }
}
