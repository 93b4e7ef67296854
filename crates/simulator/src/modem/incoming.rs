//! What passes between network and modem on the way in: a short message or status report, and what became of it.

use std::time::Duration;

use super::storage::Storage;

/// Whether a short message or a status report arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    Report,
}

/// Something on its way from the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Incoming {
    pub(crate) kind: Kind,
    /// Service centre address and TPDU in hex.
    pub(crate) pdu: String,
    /// Message class, if it has one.
    pub(crate) class: Option<u8>,
}

/// What a modem says about a message it has stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Notice {
    /// `+CMTI` or `+CDSI`, as `+CNMI` sets.
    #[default]
    Right,
    /// The same, this long before the message counts and can be read.
    Early(Duration),
    /// This line instead.
    Instead(String),
    /// Nothing.
    Nothing,
}

/// What the modem made of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    Stored(Storage, usize),
    /// Handed to the terminal, whether or not one listens.
    HandedOver,
    /// Handed to the terminal; `+CNMA` is due.
    Unacknowledged,
    /// A status report nobody asked to see (`ds=0`).
    Dropped,
    NoRoom,
    /// Off, no SIM, not registered, or the last one is not acknowledged yet.
    NotNow,
}
