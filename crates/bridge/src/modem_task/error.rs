//! What ends a session with a modem, or keeps one from beginning.

use smsbridge_modem::ModemError;
use smsbridge_modem::port::PortError;

use crate::remedy;
use crate::store::StoreError;

/// What ends a session with a modem, or keeps one from beginning: the session is dropped, and another begins.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    /// The port cannot be opened.
    #[error("{}", remedy::port_error(.0))]
    Port(#[from] PortError),
    /// The modem failed in the middle of a session.
    #[error("{}", remedy::modem_error(.0))]
    Modem(#[from] ModemError),
    /// The modem did not answer at this port.
    #[error("{port}: {}", remedy::modem_error(.error))]
    AtPort { port: String, error: ModemError },
    /// The store cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The SIM is locked: a person must act.
    #[error("{0}")]
    Locked(String),
    /// The modem answers and yet is of no use.
    #[error("the modem answers, but {0}")]
    Unhealthy(String),
    /// Somebody asked for it.
    #[error("it is restarted, as was asked for")]
    RestartAsked,
    /// Another modem is where this one is expected.
    #[error("the modem with IMEI {found} answers at {port}, not the one with {wanted}")]
    OtherModem { port: String, found: String, wanted: String },
}
