//! The short way: one value from a fresh port to a modem that receives and sends.
//!
//! Goes through the stages of [`crate::bring_up`] in their only order. A PIN is tried once; who must record that before
//! it is made uses the stages.

use std::fmt;

use crate::at::urc::Urc;
use crate::bring_up::{self, Identity, PinOutcome};
use crate::error::{ModemError, SendError};
use crate::ready::Ready;
use crate::session::{Session, Stream};
use crate::session_options::SessionOptions;
use crate::sim_status::SimStatus;
use crate::sms::{self, Deleted, OutgoingPdu, Swept};
use crate::status::{self, NetworkStatus};
use crate::storage::Storage;

/// What [`Modem::connect`] needs to know beside the port.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// What is known of the modem.
    pub session: SessionOptions,
    /// The SIM's PIN, 4 to 8 digits. It is tried once, and not when only one try is left.
    pub pin: Option<String>,
    /// The service centre's number, for a SIM that has none.
    pub service_centre: Option<String>,
}

impl ConnectOptions {
    /// Sets the SIM's PIN.
    #[must_use]
    pub fn with_pin(self, pin: impl Into<String>) -> Self {
        Self { pin: Some(pin.into()), ..self }
    }

    /// Sets the service centre's number.
    #[must_use]
    pub fn with_service_centre(self, number: impl Into<String>) -> Self {
        Self { service_centre: Some(number.into()), ..self }
    }

    /// Sets what is known of the modem.
    #[must_use]
    pub fn with_session(self, session: SessionOptions) -> Self {
        Self { session, ..self }
    }
}

impl fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("session", &self.session)
            .field("pin", &self.pin.as_ref().map(|_| "****"))
            .field("service_centre", &self.service_centre)
            .finish()
    }
}

/// A modem that receives and sends.
#[derive(Debug)]
pub struct Modem<P> {
    session: Session<P>,
    identity: Identity,
    ready: Ready,
}

impl<P: Stream> Modem<P> {
    /// Brings up the modem behind a freshly opened port: finds the start of the dialogue, unlocks the SIM, chooses
    /// storages and notifications.
    ///
    /// # Errors
    /// [`ModemError::Sim`] where the SIM is missing or locked, the PIN is wrong, or it has only one try left; other
    /// errors where the modem does not answer or lets no storage be selected. The port is spent; open it again.
    pub async fn connect(port: P, options: ConnectOptions) -> Result<Self, ModemError> {
        let mut session = Session::with_options(port, options.session);
        let mut modem = bring_up::synchronise(&mut session).await?;
        match (modem.sim().await?, options.pin) {
            (SimStatus::Ready, _) => {}
            (SimStatus::PinRequired { tries_left }, Some(pin)) if tries_left != Some(1) => {
                if let PinOutcome::Wrong { tries_left } = modem.enter_pin(&pin).await? {
                    return Err(ModemError::Sim(SimStatus::PinRequired { tries_left }));
                }
            }
            (status, _) => return Err(ModemError::Sim(status)),
        }
        let identity = modem.identity().clone();
        let ready = modem.configure(options.service_centre.as_deref()).await?;
        Ok(Self { session, identity, ready })
    }

    /// Who the modem says it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What was learnt while it was configured.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The messages in all storages. See [`sms::sweep`].
    pub async fn messages(&mut self) -> Swept {
        sms::sweep(&mut self.session, &self.ready).await
    }

    /// Deletes one slot. See [`sms::delete`].
    pub async fn delete(&mut self, storage: Storage, slot: u16) -> Result<Deleted, ModemError> {
        sms::delete(&mut self.session, storage, slot).await
    }

    /// Submits a PDU; returns its TP-Message-Reference, where the modem reports it. See [`sms::send`].
    pub async fn send(&mut self, pdu: &OutgoingPdu) -> Result<Option<u8>, SendError> {
        sms::send(&mut self.session, pdu).await
    }

    /// Registration, operator and signal. See [`status::network`].
    pub async fn network(&mut self) -> Result<NetworkStatus, ModemError> {
        status::network(&mut self.session).await
    }

    /// The next unsolicited line. Cancel-safe. See [`Session::next_event`].
    pub async fn next_event(&mut self) -> Result<Urc, ModemError> {
        self.session.next_event().await
    }

    /// The session, for what is not here.
    pub fn session(&mut self) -> &mut Session<P> {
        &mut self.session
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_not_shown() {
        let shown = format!("{:?}", ConnectOptions::default().with_pin("4711"));
        assert!(!shown.contains("4711"), "{shown}");
    }
}
