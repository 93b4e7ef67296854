//! What can go wrong with a modem, sorted by what the caller does next.
//!
//! Owns no logic beyond that sorting. Every message says what was sent, what came back or did not,
//! and what to try. No message may hold a PIN or a PDU: commands are kept in their masked form.

use std::time::Duration;

use crate::at::error::{AtError, Class};
use crate::sim_status::SimStatus;

/// Why a modem did not do what it was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModemError {
    /// The connection is no longer of use: drop the session, wait, begin again.
    #[error(transparent)]
    Link(LinkFault),
    /// The modem refused; the session is still usable.
    #[error("{command} was answered with {error}")]
    Refused {
        /// What was sent, secrets masked.
        command: String,
        /// What came back.
        error: AtError,
    },
    /// The modem did not answer. AT answers carry no number, so a late one would be taken for the next
    /// command's: drop the session.
    #[error("no answer to {command} within {} s; the modem hangs, or is not on this port", .after.as_secs_f32())]
    Timeout {
        /// What was sent, secrets masked.
        command: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The SIM is not ready for use.
    #[error("{0}")]
    Sim(SimStatus),
    /// The modem answers, but cannot be used as it is.
    #[error("{reason}; {remedy}")]
    Unusable {
        /// What is wrong.
        reason: String,
        /// What to try.
        remedy: String,
    },
}

impl ModemError {
    /// Whether the session is spent and must be dropped.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Link(_) | Self::Timeout { .. })
    }

    /// What it means for the message being sent.
    pub fn class(&self) -> Class {
        match self {
            Self::Refused { error, .. } => error.class(),
            Self::Link(_) | Self::Timeout { .. } | Self::Sim(_) | Self::Unusable { .. } => Class::ThisModem,
        }
    }

    /// The modem hung in its list command: let the next session read slot by slot.
    pub fn suggests_cmgr(&self) -> bool {
        matches!(self, Self::Timeout { command, .. } if command.starts_with("AT+CMGL"))
    }

    /// Whether a later try of the same command is likely to do.
    pub(crate) fn is_not_ready_yet(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error.is_not_ready_yet())
    }

    pub(crate) fn unusable(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Unusable { reason: reason.into(), remedy: remedy.into() }
    }
}

/// How a connection to a modem ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkFault {
    /// A read gave 0 octets: unplugged, or the other end closed.
    #[error("the modem's port was closed: the modem was unplugged or reset, or the other end closed it")]
    Gone,
    /// The operating system's words.
    #[error("the modem's port failed: {0}; check cable and power supply")]
    Io(String),
    /// The modem announced a start in the middle of a session.
    #[error("the modem restarted by itself (it said \"{banner}\"); a weak power supply is the usual cause")]
    Restarted {
        /// Its words.
        banner: String,
    },
    /// More octets than any answer has.
    #[error(
        "the port gives data that is no AT dialogue; it is another port of the modem, or the baud rate is wrong"
    )]
    Garbage,
    /// A command was dropped before its answer came.
    #[error("a command was abandoned before its answer came, so the next answer could not be trusted")]
    Abandoned,
}

/// Why a message was not sent, or may not have been.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SendError {
    /// The message never left us: Ctrl-Z was not sent.
    #[error("not submitted: {0}")]
    NotSubmitted(ModemError),
    /// The modem gave a final result: the message was not sent.
    #[error("refused: {0}")]
    Refused(AtError),
    /// Ctrl-Z was sent and no result came: it may be on air or not.
    #[error("outcome unknown: {0}")]
    Unknown(ModemError),
}
