//! What can go wrong with a modem, sorted by what the caller does next.
//!
//! Owns no logic beyond that sorting. Every message says what was sent, what came back or did not,
//! and what to try. No message may hold a PIN or a PDU: commands are kept in their masked form.

use std::time::Duration;

use crate::at::error::{AtError, Class, Refusal};
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
    /// The modem answers, and is not ready: it still refuses what it cannot be used without. Drop the session, leave the
    /// modem alone, and begin again.
    #[error("the modem is starting: it refuses {command} with {error}")]
    Starting {
        /// What was sent, secrets masked.
        command: String,
        /// What came back, the last time.
        error: AtError,
    },
    /// The SIM is not ready for use.
    #[error("{0}")]
    Sim(SimStatus),
    /// The SIM is not the one the session began with.
    #[error("the SIM was changed")]
    SimChanged,
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
            Self::Link(_)
            | Self::Timeout { .. }
            | Self::Starting { .. }
            | Self::Sim(_)
            | Self::SimChanged
            | Self::Unusable { .. } => Class::ThisModem,
        }
    }

    /// Whether a later try of the same command is likely to do.
    pub(crate) fn is_not_now(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error.refusal() == Refusal::NotNow)
    }

    /// The same for something a session cannot do without: refused for now, the modem is starting.
    pub(crate) fn while_starting(self) -> Self {
        match self {
            Self::Refused { command, error } if error.refusal() == Refusal::NotNow => {
                Self::Starting { command, error }
            }
            other => other,
        }
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
    /// Nothing answers `AT`.
    #[error(
        "the modem does not answer: AT was sent {attempts} times and no OK came back; try another port of the modem, \
         another baud rate, or power it off and on"
    )]
    NoAnswer {
        /// How often it was sent.
        attempts: usize,
    },
    /// The operating system's words.
    #[error("the modem's port failed: {0}; check cable and power supply")]
    Io(String),
    /// The modem announced a start in the middle of a session.
    #[error("the modem restarted by itself (it said \"{banner}\"); a weak power supply is the usual cause")]
    Restarted {
        /// Its words.
        banner: String,
    },
    /// Answers came that nothing was asked for, and questions were answered without an answer.
    #[error(
        "the modem's answers do not belong to what was asked; another program may use the port, or the modem must be \
         restarted"
    )]
    OutOfStep,
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
    /// The modem or the network refused the message: it was not sent.
    #[error("refused: {0}")]
    Refused(AtError),
    /// Ctrl-Z was sent, and no result came or one that does not say: it may be on air or not.
    #[error("outcome unknown: {0}")]
    Unknown(ModemError),
}
