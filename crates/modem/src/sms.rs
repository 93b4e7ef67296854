//! Stored messages and sending, in PDU mode (TS 27.005 4).
//!
//! Owns the order of commands around `AT+CPMS`, `AT+CMGL`, `AT+CMGR`, `AT+CMGD` and `AT+CMGS`, and
//! nothing of what the PDUs say. It deletes one slot at a time, only the slot it is given, and never
//! by the flag form of `AT+CMGD`, which would take messages nobody has read. It never sends a PDU
//! twice. Input is a configured [`Session`] and the [`Ready`] that came with it.

use std::time::Duration;

use tokio::time::sleep;

use crate::at::command::{Command, Response};
use crate::at::params::{fields, is_hex, number, range};
use crate::error::{ModemError, SendError};
use crate::ready::{Cnmi, Ready};
use crate::selection::{Selected, restore, select, storage_use_of};
use crate::session::{Session, Stream};
use crate::storage::Storage;

/// Slots read one by one, at most.
const MAX_SLOTS: u16 = 1000;

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Storages of which every message is in `pdus`. One that could not be selected, or that holds a message which
    /// could not be read completely, is not among them: of its other slots nothing is known.
    pub storages: Vec<Storage>,
    /// The messages, in the order of storages and slots.
    pub pdus: Vec<StoredPdu>,
}

/// Reads all storages. A message that could not be read completely is left for the next sweep.
pub async fn sweep<P: Stream>(session: &mut Session<P>, ready: &Ready) -> Result<Swept, ModemError> {
    let mut swept = Swept::default();
    for storage in &ready.storages {
        if select(session, *storage).await? == Selected::Refused {
            continue;
        }
        if list(session, *storage, &mut swept.pdus).await? == Listing::Complete {
            swept.storages.push(*storage);
        }
    }
    restore(session, ready).await?;
    Ok(swept)
}

/// Whether all messages of a storage could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    Complete,
    /// At least one was disturbed on the way.
    Incomplete,
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
    let asked = Command::new("AT+CMGL=4").answer_prefix("+CMGL:").timeout(session.profile().list_silence);
    match session.command(asked).await {
        Ok(response) => {
            let mut listing = Listing::Complete;
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
                    Reading::Disturbed => listing = Listing::Incomplete,
                }
            }
            Ok(listing)
        }
        Err(error @ ModemError::Refused { .. }) if !error.is_not_ready_yet() => {
            tracing::debug!(%error, %storage, "listing refused; reading slot by slot");
            session.memory.unlistable.insert(storage);
            scan(session, storage, out).await
        }
        Err(error) => Err(error),
    }
}

/// Reads one slot; `None` where it is empty.
pub async fn read<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    slot: u16,
) -> Result<Option<StoredPdu>, ModemError> {
    if select(session, storage).await? == Selected::Refused {
        return Ok(None);
    }
    let asked =
        Command::new(format!("AT+CMGR={slot}")).answer_prefix("+CMGR:").timeout(Duration::from_secs(10));
    match session.command(asked).await {
        Ok(response) => Ok(parse_one(&response, storage, slot)),
        Err(error) if is_empty_slot(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deletes one slot. An empty slot is no error.
pub async fn delete<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    slot: u16,
) -> Result<(), ModemError> {
    if select(session, storage).await? == Selected::Refused {
        return Err(ModemError::unusable(
            format!("storage {storage} cannot be selected, so its slot {slot} was not deleted"),
            "restart the modem",
        ));
    }
    let asked = Command::new(format!("AT+CMGD={slot}")).timeout(Duration::from_secs(25));
    match session.command(asked).await {
        Ok(_) => Ok(()),
        Err(error) if is_empty_slot(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether the notification settings were in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notifications {
    /// They are, or there are none.
    InForce,
    /// The modem had lost them; they are set again.
    SetAgain,
}

/// Checks `AT+CNMI`, and sets it again where it was lost: a modem that restarted unnoticed, or that switched its
/// notifications off by itself, announces nothing until then.
pub async fn check_notifications<P: Stream>(
    session: &mut Session<P>,
    ready: &Ready,
) -> Result<Notifications, ModemError> {
    let Some(wanted) = ready.cnmi else { return Ok(Notifications::InForce) };
    let answer = session.optional(Command::new("AT+CNMI?").answer_prefix("+CNMI:")).await?;
    match answer.and_then(|r| r.after("+CNMI:").next().map(Cnmi::parse)) {
        None => return Ok(Notifications::InForce),
        Some(now) if now == Some(wanted) => return Ok(Notifications::InForce),
        Some(_) => {}
    }
    session.command(Command::new("AT+CMGF=0")).await?;
    session.command(Command::new(format!("AT+CNMI={wanted}"))).await?;
    Ok(Notifications::SetAgain)
}

/// A PDU to submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingPdu {
    /// Service centre address and TPDU, hexadecimal digits (TS 27.005 3.1).
    pub hex: String,
    /// The TPDU's length in octets, without the service centre address.
    pub tpdu_length: usize,
}

/// Submits a PDU to the network; returns its TP-Message-Reference.
pub async fn send<P: Stream>(session: &mut Session<P>, pdu: &OutgoingPdu) -> Result<u8, SendError> {
    let command = Command::new(format!("AT+CMGS={}", pdu.tpdu_length))
        .answer_prefix("+CMGS:")
        .payload(pdu.hex.as_str())
        .timeout(session.profile().send_timeout);
    if let Some(fault) = session.fault() {
        return Err(SendError::NotSubmitted(fault.clone()));
    }
    let answer = session.command(command).await;
    let submitted = session.submitted();
    match answer {
        Ok(response) => {
            let reference = response.after("+CMGS:").next().and_then(|rest| number(fields(rest).first()));
            let silent = || {
                ModemError::unusable(
                    "AT+CMGS was answered with OK and no +CMGS reference",
                    "update the modem's firmware",
                )
            };
            match reference {
                Some(reference) => Ok(reference),
                None if submitted => Err(SendError::Unknown(silent())),
                None => Err(SendError::NotSubmitted(silent())),
            }
        }
        Err(ModemError::Refused { error, .. }) => Err(SendError::Refused(error)),
        Err(error) if submitted => Err(SendError::Unknown(error)),
        Err(error) => Err(SendError::NotSubmitted(error)),
    }
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
            Reading::Message(message) => out.push(message),
            Reading::Disturbed => listing = Listing::Incomplete,
        }
        found += 1;
        if used == Some(found) {
            break;
        }
    }
    Ok(listing)
}

/// What a slot turned out to hold.
enum Reading {
    Message(StoredPdu),
    Empty,
    /// It reads differently each time.
    Disturbed,
}

/// Reads a slot, and once more where the octets are not as many as announced. What is the same twice
/// is what is stored; what is not was disturbed on the way and is left for the next sweep.
async fn read_twice<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    slot: u16,
) -> Result<Reading, ModemError> {
    let first = read(session, storage, slot).await?;
    let last = match &first {
        Some(message) if !message.is_complete() => read(session, storage, slot).await?,
        _ => first.clone(),
    };
    Ok(match last {
        None => Reading::Empty,
        Some(message) if message.is_complete() || first.as_ref() == Some(&message) => {
            Reading::Message(message)
        }
        Some(_) => {
            tracing::warn!(%storage, slot, "a stored message reads differently each time; left for later");
            Reading::Disturbed
        }
    })
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
