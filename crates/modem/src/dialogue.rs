//! The start of the dialogue: from whatever state the line and the modem are in to an answered `AT`.
//!
//! Owns what wakes a modem. Never changes a setting but those of the dialogue itself, and knows nothing of messages.
//! Input is a fresh session, or one whose modem was silent.

use std::time::Duration;

use tokio::time::sleep;

use crate::at::command::Command;
use crate::error::{LinkFault, ModemError};
use crate::session::{Session, Stream};

/// How long the line must be silent before the next command.
const QUIET: Duration = Duration::from_millis(100);

/// The silence before and after `+++` that makes it an escape from data mode (S12, one second by default).
const GUARD_TIME: Duration = Duration::from_millis(1100);

/// How often `AT` is tried before the dialogue is thought to be lost; the first after a long sleep may vanish.
const PLAIN_ATTEMPTS: usize = 2;

/// Whether the modem still answers, asked with `AT`: for one that has been silent, before anything is entrusted to it.
/// The first `AT` after a long sleep may vanish, so it is asked twice.
pub async fn probe<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    if session.attempt(Command::new("AT").timeout(Duration::from_secs(3))).await?.is_some() {
        return Ok(());
    }
    session.discard_late_answers(QUIET).await?;
    session.command(Command::new("AT")).await.map(drop)
}

/// Finds the start of the dialogue: leaves a prompt, discards late answers, asks `AT` until `OK`. After `attempts` tries
/// another program's settings are undone: result codes that are off or numeric (`ATQ1`, `ATV0`), and data mode.
pub(crate) async fn find_dialogue<P: Stream>(
    session: &mut Session<P>,
    attempts: usize,
    answer_timeout: Duration,
) -> Result<(), ModemError> {
    session.write_raw(b"\x1b\r").await?;
    session.discard_late_answers(QUIET).await?;
    for attempt in 0..attempts {
        if attempt >= PLAIN_ATTEMPTS {
            wake(session, attempt - PLAIN_ATTEMPTS).await?;
        }
        let answered = session.attempt(Command::new("AT").timeout(answer_timeout)).await?.is_some();
        // Late answers to earlier tries must not be taken for the next command's.
        session.discard_late_answers(QUIET).await?;
        if answered {
            return Ok(());
        }
    }
    Err(ModemError::Link(LinkFault::NoAnswer { attempts }))
}

/// Undoes what keeps a modem from answering `AT`, one thing after the other.
async fn wake<P: Stream>(session: &mut Session<P>, attempt: usize) -> Result<(), ModemError> {
    if attempt.is_multiple_of(2) {
        session.write_raw(b"ATQ0V1E1\r").await?;
    } else {
        sleep(GUARD_TIME).await;
        session.write_raw(b"+++").await?;
        sleep(GUARD_TIME).await;
        // In command mode the three characters are the beginning of a line.
        session.write_raw(b"\r").await?;
    }
    session.discard_late_answers(QUIET).await
}
