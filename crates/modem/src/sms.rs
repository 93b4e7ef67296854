//! Stored messages and sending, in PDU mode (TS 27.005 4).
//!
//! Owns the order of commands around `AT+CPMS`, `AT+CMGL`, `AT+CMGR`, `AT+CMGD` and `AT+CMGS`, and
//! nothing of what the PDUs say. It deletes one slot at a time, only the slot it is given, and never
//! by the flag form of `AT+CMGD`, which would take messages nobody has read. It never sends a PDU
//! twice. Input is a configured [`Session`] and the [`Ready`] that came with it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::at::command::{Command, Response};
use crate::at::error::{AtError, Class, Refusal};
use crate::at::params::{fields, is_hex, number, range};
use crate::error::{ModemError, SendError};
use crate::learned::MAX_PATIENCE;
use crate::ready::Ready;
use crate::refusals::Ability;
use crate::selection::{Selected, restore, select, storage_use_of};
use crate::session::{Session, Stream};
use crate::storage::Storage;

/// Slots read one by one, at most.
const MAX_SLOTS: u16 = 1000;

/// How long a modem may take to read a slot.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a modem may take to delete a slot.
const DELETE_TIMEOUT: Duration = Duration::from_secs(45);

/// What the storage says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Came in, not read before.
    ReceivedUnread,
    /// Came in, read before.
    ReceivedRead,
    /// Ours, not sent.
    StoredUnsent,
    /// Ours, sent.
    StoredSent,
}

impl Stored {
    /// Whether it came in. Outgoing ones are somebody else's and left alone.
    pub fn is_received(self) -> bool {
        matches!(self, Self::ReceivedUnread | Self::ReceivedRead)
    }

    fn from_field(field: &str) -> Self {
        match field {
            "1" | "REC READ" => Self::ReceivedRead,
            "2" | "STO UNSENT" => Self::StoredUnsent,
            "3" | "STO SENT" => Self::StoredSent,
            _ => Self::ReceivedUnread,
        }
    }
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredPdu {
    /// Which storage.
    pub storage: Storage,
    /// Which slot; 0 is a slot.
    pub slot: u16,
    /// What the storage says of it.
    pub status: Stored,
    /// The TPDU's length in octets, as the modem gave it.
    pub length: Option<u16>,
    /// Service centre address and TPDU, capital hexadecimal digits.
    pub pdu: String,
}

impl StoredPdu {
    /// Whether there are as many octets as the modem announced.
    fn is_complete(&self) -> bool {
        let Some(length) = self.length.map(usize::from) else { return is_hex(&self.pdu) };
        let octets = self.pdu.len() / 2;
        let address = self.pdu.get(..2).and_then(|n| usize::from_str_radix(n, 16).ok()).unwrap_or(0);
        is_hex(&self.pdu) && octets == length + 1 + address
    }
}

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
    let announced = session.memory.announced.iter().filter(|storage| !ready.storages.contains(storage));
    // Both storages seen as one would show their messages twice.
    let announced = announced.filter(|storage| **storage != Storage::MT && **storage != Storage::BM);
    let storages: Vec<Storage> = ready.storages.iter().chain(announced).copied().collect();
    for storage in storages {
        if select(session, storage).await? == Selected::Refused {
            continue;
        }
        match list(session, storage, &mut swept.pdus).await? {
            Listing::Complete => {
                let of_storage = swept.pdus.iter().filter(|message| message.storage == storage);
                let in_use: Vec<u16> = of_storage.map(|message| message.slot).collect();
                session.refusals.keep_slots(storage, &in_use);
                swept.storages.push(storage);
            }
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
    /// There are more than one answer holds.
    Cut,
}

/// Adds the messages of the selected storage to `out`.
async fn list<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    out: &mut Vec<StoredPdu>,
) -> Result<Listing, ModemError> {
    if session.reads_by_slot(storage) {
        return scan(session, storage, out).await;
    }
    let silence = session.profile().list_silence;
    let asked = Command::new("AT+CMGL=4").answer_prefix("+CMGL:").list().timeout(silence);
    let response = match session.command(asked).await {
        Ok(response) => response,
        Err(ModemError::Refused { error, .. }) => {
            session.refusals.refused(Ability::List(storage), &error, Instant::now());
            return scan(session, storage, out).await;
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
            Some((used, _)) if used > 0 => scan(session, storage, out).await,
            _ => Ok(Listing::Complete),
        };
    }
    if response.is_unfinished {
        // It hung in the middle: what came is good, the others are read one by one from now on.
        session.learned_mut().prefer_cmgr = true;
    }
    let mut listing = match (response.is_cut, response.is_unfinished) {
        (true, _) => Listing::Cut,
        (_, true) => Listing::Incomplete,
        _ => Listing::Complete,
    };
    let mut found = Vec::new();
    let again = parse_list(&response, storage, &mut found);
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
            Reading::Disturbed | Reading::Refused => listing = Listing::Incomplete,
        }
    }
    Ok(listing)
}

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
    if !session.refusals.is_due(&ability, Instant::now())
        || select(session, storage).await? == Selected::Refused
    {
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
    if !session.refusals.is_due(&ability, Instant::now())
        || select(session, storage).await? == Selected::Refused
    {
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
    session.refusals.done(&ability);
    Ok(Deleted::Yes)
}

/// The modem said that it had deleted a slot, and the message is still there: it is tried again after a pause.
pub fn deletion_had_no_effect<P>(session: &mut Session<P>, storage: Storage, slot: u16) {
    let reason = "the modem says OK and keeps the message";
    session.refusals.not_done(Ability::Delete(storage, slot), reason, Instant::now());
}

/// A PDU to submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingPdu {
    /// Service centre address and TPDU, hexadecimal digits (TS 27.005 3.1).
    pub hex: String,
    /// The TPDU's length in octets, without the service centre address.
    pub tpdu_length: usize,
}

/// Submits a PDU to the network; returns its TP-Message-Reference, where the modem reports it.
///
/// PDU mode is set right before: a modem that has restarted unnoticed is in text mode, where it would take the number of
/// octets for a recipient and the digits of the PDU for a text. In one line with the submission, where the modem takes
/// that, no restart can come between.
pub async fn send<P: Stream>(session: &mut Session<P>, pdu: &OutgoingPdu) -> Result<Option<u8>, SendError> {
    if let Some(fault) = session.fault() {
        return Err(SendError::NotSubmitted(fault.clone()));
    }
    if session.learned().submits_in_one_line != Some(false) {
        match submit(session, "AT+CMGF=0;+CMGS=", pdu).await {
            Err(SendError::Refused(error))
                if may_mean_unknown_syntax(&error) && !session.may_have_submitted() => {}
            Err(SendError::NotSubmitted(error)) if !error.is_fatal() => {}
            sent => {
                if session.may_have_submitted() {
                    session.learned_mut().submits_in_one_line = Some(true);
                }
                return sent;
            }
        }
    }
    session.command(Command::new("AT+CMGF=0")).await.map_err(SendError::NotSubmitted)?;
    let sent = submit(session, "AT+CMGS=", pdu).await;
    if session.may_have_submitted() && session.learned().submits_in_one_line.is_none() {
        session.learned_mut().submits_in_one_line = Some(false);
    }
    sent
}

/// Whether a refusal may be about the two commands in one line.
fn may_mean_unknown_syntax(error: &AtError) -> bool {
    matches!(error, AtError::Error) || error.refusal() == Refusal::Unsupported
}

async fn submit<P: Stream>(
    session: &mut Session<P>,
    command: &str,
    pdu: &OutgoingPdu,
) -> Result<Option<u8>, SendError> {
    let command = Command::new(format!("{command}{}", pdu.tpdu_length))
        .answer_prefix("+CMGS:")
        .payload(pdu.hex.as_str())
        .timeout(MAX_PATIENCE);
    let answer = session.command(command).await;
    let submitted = session.may_have_submitted();
    match answer {
        Ok(response) => {
            let reference = response.after("+CMGS:").next();
            match reference {
                Some(rest) => Ok(number(fields(rest).first())),
                // It went the whole way and says that it is done: sent, and no report can be matched.
                None if submitted && session.is_in_step() => Ok(None),
                None if submitted => Err(SendError::Unknown(without_reference())),
                None => Err(SendError::NotSubmitted(without_reference())),
            }
        }
        Err(ModemError::Refused { command, error }) if submitted && error.class() == Class::Unknown => {
            Err(SendError::Unknown(ModemError::Refused { command, error }))
        }
        Err(ModemError::Refused { error, .. }) => Err(SendError::Refused(error)),
        Err(error) if submitted => Err(SendError::Unknown(error)),
        Err(error) => Err(SendError::NotSubmitted(error)),
    }
}

fn without_reference() -> ModemError {
    ModemError::unusable(
        "AT+CMGS was answered with OK, without a prompt or a +CMGS reference",
        "update the modem's firmware",
    )
}

/// Reads slot by slot, where listing does not work.
async fn scan<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    out: &mut Vec<StoredPdu>,
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
        found += 1;
        if used == Some(found) {
            break;
        }
    }
    Ok(listing)
}

/// Reads a slot, and once more where the octets are not as many as announced. What is the same twice
/// is what is stored; what is not was disturbed on the way and is left for the next sweep.
async fn read_twice<P: Stream>(
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

/// Adds the complete messages of a list to `out`; returns the slots whose PDU is missing or incomplete.
fn parse_list(response: &Response, storage: Storage, out: &mut Vec<StoredPdu>) -> Vec<u16> {
    let mut again = Vec::new();
    let mut open: Option<StoredPdu> = None;
    for line in &response.lines {
        if let Some(rest) = line.strip_prefix("+CMGL:") {
            again.extend(open.take().map(|message| message.slot));
            let fields = fields(rest);
            open = number(fields.first()).map(|slot| StoredPdu {
                storage,
                slot,
                status: Stored::from_field(fields.get(1).map(String::as_str).unwrap_or_default()),
                length: number(fields.last()),
                pdu: String::new(),
            });
        } else if is_hex(line)
            && let Some(mut message) = open.take()
        {
            message.pdu = line.to_ascii_uppercase();
            if message.is_complete() {
                out.push(message);
            } else {
                again.push(message.slot);
            }
        }
    }
    again.extend(open.map(|message| message.slot));
    again
}

fn parse_one(response: &Response, storage: Storage, slot: u16) -> Option<StoredPdu> {
    let mut lines = response.lines.iter().skip_while(|line| !line.starts_with("+CMGR:"));
    let header = fields(lines.next()?.strip_prefix("+CMGR:")?);
    // Not every unsolicited line is known as one. With no PDU at all, as in `+CMGR: 0,,0`, the slot is
    // empty.
    let pdu = lines.find(|line| is_hex(line))?.to_ascii_uppercase();
    let status = Stored::from_field(header.first().map(String::as_str).unwrap_or_default());
    Some(StoredPdu { storage, slot, status, length: number(header.last()), pdu })
}

/// A slot that holds nothing is answered with an error.
fn is_empty_slot(error: &ModemError) -> bool {
    matches!(error, ModemError::Refused { error, .. } if error.is_invalid_index())
}

#[cfg(test)]
#[path = "sms_tests.rs"]
mod tests;
