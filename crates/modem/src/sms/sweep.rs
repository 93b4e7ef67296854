//! Reading everything there is: each storage by its list, or slot by slot where that does not work.
//!
//! Deletes nothing. What could be read is returned, whatever could not.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::slot::{Reading, read_twice};
use super::stored::{StoredPdu, parse_list};
use crate::at::command::Command;
use crate::at::params::{fields, range};
use crate::error::ModemError;
use crate::ready::Ready;
use crate::refusals::Ability;
use crate::selection::{Selected, restore, select, storage_use_of};
use crate::session::{Session, Stream};
use crate::storage::Storage;

/// Slots read one by one, at most.
const MAX_SLOTS: u16 = 1000;

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Swept {
    /// Storages of which every message is in `pdus`. One that could not be selected, or that holds a message which
    /// could not be read completely, is not among them: of its other slots nothing is known.
    pub storages: Vec<Storage>,
    /// The messages, in the order of storages and slots.
    pub pdus: Vec<StoredPdu>,
    /// There are more: sweep again once these are deleted.
    pub has_more: bool,
    /// The fault that ended the session in the middle of the sweep.
    pub fault: Option<ModemError>,
}

/// Reads all storages. A message that could not be read completely is left for the next sweep. What was read before a
/// fault is returned with it.
pub async fn sweep<P: Stream>(session: &mut Session<P>, ready: &Ready) -> Swept {
    let mut swept = Swept::default();
    swept.fault = sweep_into(session, ready, &mut swept).await.err();
    swept
}

async fn sweep_into<P: Stream>(
    session: &mut Session<P>,
    ready: &Ready,
    swept: &mut Swept,
) -> Result<(), ModemError> {
    let announced = session.learned().announced().iter().filter(|storage| !ready.storages.contains(storage));
    // Both storages seen as one would show their messages twice.
    let announced = announced.filter(|storage| **storage != Storage::MT && **storage != Storage::BM);
    let storages: Vec<Storage> = ready.storages.iter().chain(announced).copied().collect();
    for storage in storages {
        if select(session, storage).await? == Selected::Refused {
            continue;
        }
        let mut slots = Vec::new();
        let listing = list(session, storage, &mut swept.pdus, &mut slots).await?;
        if listing != Listing::Cut {
            session.refusals.holds_only(storage, &slots);
        }
        for message in swept.pdus.iter().filter(|message| message.storage == storage) {
            session.refusals.works(&Ability::Read(storage, message.slot));
        }
        match listing {
            Listing::Complete => swept.storages.push(storage),
            Listing::Incomplete => {}
            Listing::Cut => swept.has_more = true,
        }
    }
    restore(session, ready).await
}

/// Whether all messages of a storage could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    Complete,
    /// At least one was disturbed on the way, or refused.
    Incomplete,
    /// There are more than the answer holds.
    Cut,
}

/// Adds the messages of the selected storage to `out`, and all slots that hold anything to `slots`.
async fn list<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    out: &mut Vec<StoredPdu>,
    slots: &mut Vec<u16>,
) -> Result<Listing, ModemError> {
    if session.reads_by_slot(storage) {
        return scan(session, storage, out, slots).await;
    }
    let silence = session.profile().list_silence;
    let asked = Command::new("AT+CMGL=4").answer_prefix("+CMGL:").list().timeout(silence);
    let response = match session.command(asked).await {
        Ok(response) => response,
        Err(ModemError::Refused { error, .. }) => {
            session.refusals.refused(Ability::List(storage), &error, Instant::now());
            return scan(session, storage, out, slots).await;
        }
        Err(error) => {
            // It hung: the next session reads slot by slot.
            session.learned_mut().prefer_cmgr |= matches!(error, ModemError::Timeout { .. });
            return Err(error);
        }
    };
    session.refusals.works(&Ability::List(storage));
    if response.lines.is_empty() {
        // Some list nothing and count a message all the same.
        return match storage_use_of(session, storage).await? {
            Some((used, _)) if used > 0 => scan(session, storage, out, slots).await,
            _ => Ok(Listing::Complete),
        };
    }
    if response.is_unfinished {
        // It hung in the middle: what came is good, the others are read one by one from now on.
        session.learned_mut().prefer_cmgr = true;
    }
    let is_whole = !response.is_cut && !response.is_unfinished;
    let mut listing = if is_whole { Listing::Complete } else { Listing::Cut };
    let mut found = Vec::new();
    let again = parse_list(&response, storage, &mut found);
    slots.extend(found.iter().map(|message| message.slot).chain(again.iter().copied()));
    for message in found {
        // Some list each message twice.
        if !out.contains(&message) {
            out.push(message);
        }
    }
    for slot in again {
        match read_twice(session, storage, slot).await? {
            Reading::Message(message) => out.push(message),
            Reading::Empty => {}
            Reading::Disturbed | Reading::Refused if is_whole => listing = Listing::Incomplete,
            Reading::Disturbed | Reading::Refused => {}
        }
    }
    Ok(listing)
}

/// Reads slot by slot, where listing does not work.
async fn scan<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    out: &mut Vec<StoredPdu>,
    occupied: &mut Vec<u16>,
) -> Result<Listing, ModemError> {
    let mut counts = storage_use_of(session, storage).await?;
    if counts.is_some_and(|(used, _)| used == 0) {
        // Some count a message only a moment after they announced it.
        sleep(Duration::from_millis(500)).await;
        counts = storage_use_of(session, storage).await?;
    }
    let used = counts.map(|(used, _)| used);
    if used == Some(0) {
        return Ok(Listing::Complete);
    }
    let offered = session.optional(Command::new("AT+CMGD=?").answer_prefix("+CMGD:")).await?;
    let mut slots: Vec<u16> = offered
        .and_then(|r| r.after("+CMGD:").next().map(fields))
        .and_then(|fields| fields.first().map(|group| range(group)))
        .unwrap_or_default();
    if slots.is_empty() {
        slots = (0..=counts.map_or(50, |(_, total)| total)).collect();
    }
    slots.truncate(MAX_SLOTS.into());
    let mut found = 0;
    let mut listing = Listing::Complete;
    for slot in slots {
        match read_twice(session, storage, slot).await? {
            Reading::Empty => continue,
            Reading::Message(message) => {
                if !out.contains(&message) {
                    out.push(message);
                }
            }
            Reading::Disturbed | Reading::Refused => listing = Listing::Incomplete,
        }
        occupied.push(slot);
        found += 1;
        if used == Some(found) {
            break;
        }
    }
    Ok(listing)
}
