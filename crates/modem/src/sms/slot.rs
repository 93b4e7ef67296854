//! One slot: reading it, deleting it.
//!
//! A refusal is no error: it is remembered in the session, and the slot is left alone until its pause is over.

use std::time::Duration;

use tokio::time::Instant;

use super::stored::{StoredPdu, parse_one};
use crate::at::command::Command;
use crate::error::ModemError;
use crate::refusals::Ability;
use crate::selection::{Selected, select};
use crate::session::{Session, Stream};
use crate::storage::Storage;

/// How long a modem may take to read a slot.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a modem may take to delete a slot.
const DELETE_TIMEOUT: Duration = Duration::from_secs(45);

/// What a slot turned out to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// A message.
    Message(StoredPdu),
    /// Nothing.
    Empty,
    /// It reads differently each time.
    Disturbed,
    /// The modem refuses to read it for now.
    Refused,
}

/// Reads one slot.
pub async fn read<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    slot: u16,
) -> Result<Reading, ModemError> {
    let ability = Ability::Read(storage, slot);
    if !may_ask(session, &ability, storage).await? {
        return Ok(Reading::Refused);
    }
    let asked =
        Command::new(format!("AT+CMGR={slot}")).answer_prefix("+CMGR:").may_be_empty().timeout(READ_TIMEOUT);
    match session.command(asked).await {
        Ok(response) => {
            session.refusals.works(&ability);
            Ok(parse_one(&response, storage, slot).map_or(Reading::Empty, Reading::Message))
        }
        Err(error) if is_empty_slot(&error) => {
            session.refusals.works(&ability);
            Ok(Reading::Empty)
        }
        Err(ModemError::Refused { error, .. }) => {
            session.refusals.refused(ability, &error, Instant::now());
            Ok(Reading::Refused)
        }
        Err(error) => Err(error),
    }
}

/// Whether a slot was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It was, or it was empty.
    Yes,
    /// The modem refuses, or refused lately; it is worth trying again at a later sweep.
    NotNow,
}

/// Deletes one slot.
///
/// # Errors
/// Only faults that end the session.
pub async fn delete<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    slot: u16,
) -> Result<Deleted, ModemError> {
    let ability = Ability::Delete(storage, slot);
    if !may_ask(session, &ability, storage).await? {
        return Ok(Deleted::NotNow);
    }
    match session.command(Command::new(format!("AT+CMGD={slot}")).timeout(DELETE_TIMEOUT)).await {
        Ok(_) => {}
        Err(error) if is_empty_slot(&error) => {}
        Err(ModemError::Refused { error, .. }) => {
            session.refusals.refused(ability, &error, Instant::now());
            return Ok(Deleted::NotNow);
        }
        Err(error) => return Err(error),
    }
    session.refusals.said_to_work(&ability, Instant::now());
    Ok(Deleted::Yes)
}

/// The modem said that it had deleted a slot, and the message is still there: it is tried again after a pause.
pub fn deletion_had_no_effect<P>(session: &mut Session<P>, storage: Storage, slot: u16) {
    let ability = Ability::Delete(storage, slot);
    if !session.refusals.is_refused(&ability) {
        session.refusals.not_done(ability, "the modem says OK and keeps the message", Instant::now());
    }
}

/// Another message is in a slot that could not be deleted, or that was only said to be: it was emptied meanwhile, and this
/// one need not wait.
pub fn deletion_had_effect<P>(session: &mut Session<P>, storage: Storage, slot: u16) {
    session.refusals.works(&Ability::Delete(storage, slot));
}

/// Reads a slot, and once more where the octets are not as many as announced. What is the same twice
/// is what is stored; what is not was disturbed on the way and is left for the next sweep.
pub(super) async fn read_twice<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    slot: u16,
) -> Result<Reading, ModemError> {
    let first = read(session, storage, slot).await?;
    let Reading::Message(message) = &first else { return Ok(first) };
    if message.is_complete() {
        return Ok(first);
    }
    match read(session, storage, slot).await? {
        Reading::Message(second) if second.is_complete() || second == *message => {
            Ok(Reading::Message(second))
        }
        Reading::Message(_) => {
            tracing::warn!(%storage, slot, "a stored message reads differently each time; left for later");
            Ok(Reading::Disturbed)
        }
        other => Ok(other),
    }
}

/// Whether the modem may be asked for it now; selects the storage.
async fn may_ask<P: Stream>(
    session: &mut Session<P>,
    ability: &Ability,
    storage: Storage,
) -> Result<bool, ModemError> {
    Ok(session.refusals.is_due(ability, Instant::now())
        && select(session, storage).await? != Selected::Refused)
}

/// A slot that holds nothing is answered with an error.
fn is_empty_slot(error: &ModemError) -> bool {
    matches!(error, ModemError::Refused { error, .. } if error.is_invalid_index())
}
