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
use crate::at::urc::Storage;
use crate::bring_up::Ready;
use crate::error::{ModemError, SendError};
use crate::session::{Session, Stream};

/// No storage has more slots worth reading one by one.
const MOST_SLOTS: u16 = 1000;

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

/// A message as it lies in a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    fn is_whole(&self) -> bool {
        let Some(length) = self.length.map(usize::from) else { return is_hex(&self.pdu) };
        let octets = self.pdu.len() / 2;
        let address = self.pdu.get(..2).and_then(|n| usize::from_str_radix(n, 16).ok()).unwrap_or(0);
        is_hex(&self.pdu) && octets == length + 1 + address
    }
}

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Storages of which every message is in `pdus`. One that could not be selected, or that holds a message which
    /// could not be read whole, is not among them: of its other slots nothing is known.
    pub storages: Vec<Storage>,
    /// The messages, in the order of storages and slots.
    pub pdus: Vec<StoredPdu>,
}

/// Reads all storages. A message that could not be read whole is left for the next sweep.
pub async fn sweep<P: Stream>(session: &mut Session<P>, ready: &Ready) -> Result<Swept, ModemError> {
    let mut swept = Swept::default();
    for storage in &ready.storages {
        if select(session, *storage).await?.is_none() {
            continue;
        }
        if list(session, *storage, &mut swept.pdus).await? {
            swept.storages.push(*storage);
        }
    }
    restore(session, ready).await?;
    Ok(swept)
}

/// Adds the messages of the selected storage to `out`; false where one of them could not be read whole.
async fn list<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    out: &mut Vec<StoredPdu>,
) -> Result<bool, ModemError> {
    if session.reads_by_slot(storage) {
        return scan(session, storage, out).await;
    }
    let asked = Command::new("AT+CMGL=4").expect("+CMGL:").timeout(session.profile().list_silence);
    match session.command(asked).await {
        Ok(response) => {
            let mut whole = true;
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
                    Reading::Disturbed => whole = false,
                }
            }
            Ok(whole)
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
    if select(session, storage).await?.is_none() {
        return Ok(None);
    }
    let asked = Command::new(format!("AT+CMGR={slot}")).expect("+CMGR:").timeout(Duration::from_secs(10));
    match session.command(asked).await {
        Ok(response) => Ok(parse_one(&response, storage, slot)),
        Err(error) if means_empty(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deletes one slot. An empty slot is no error.
pub async fn delete<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    slot: u16,
) -> Result<(), ModemError> {
    if select(session, storage).await?.is_none() {
        return Err(ModemError::unusable(
            format!("storage {storage} cannot be selected, so its slot {slot} was not deleted"),
            "restart the modem",
        ));
    }
    let asked = Command::new(format!("AT+CMGD={slot}")).timeout(Duration::from_secs(25));
    match session.command(asked).await {
        Ok(_) => Ok(()),
        Err(error) if means_empty(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether `AT+CNMI` had to be set again: a modem that restarted unnoticed, or that switched its
/// notifications off by itself, is deaf until then.
pub async fn check_cnmi<P: Stream>(session: &mut Session<P>, ready: &Ready) -> Result<bool, ModemError> {
    if ready.cnmi.is_empty() {
        return Ok(false);
    }
    let answer = session.optional(Command::new("AT+CNMI?").expect("+CNMI:")).await?;
    let Some(now) = answer.and_then(|r| r.after("+CNMI:").next().map(fields)) else { return Ok(false) };
    if now.join(",") == ready.cnmi {
        return Ok(false);
    }
    session.command(Command::new("AT+CMGF=0")).await?;
    session.command(Command::new(format!("AT+CNMI={}", ready.cnmi))).await?;
    Ok(true)
}

/// Hands a PDU to the network; gives its TP-Message-Reference. `tpdu_length` is in octets, without
/// the service centre address.
pub async fn send_pdu<P: Stream>(
    session: &mut Session<P>,
    pdu_hex: &str,
    tpdu_length: usize,
) -> Result<u8, SendError> {
    let command = Command::new(format!("AT+CMGS={tpdu_length}"))
        .expect("+CMGS:")
        .payload(pdu_hex)
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

/// Sets all three storages; whether the modem took it. Some take only three names, some only two or
/// one.
pub(crate) async fn select_all<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
) -> Result<bool, ModemError> {
    for count in [3, 2, 1] {
        if cpms(session, storage, count).await?.is_some() {
            session.memory.selected = Some(storage);
            return Ok(true);
        }
    }
    Ok(false)
}

/// Back to the storage messages are received into, where reading another one moved that too.
pub(crate) async fn restore<P: Stream>(session: &mut Session<P>, ready: &Ready) -> Result<(), ModemError> {
    if session.memory.cpms_wants_three {
        select(session, ready.receive_storage).await?;
    }
    Ok(())
}

/// Slots used and slots in all, if the storage can be selected and the modem tells.
pub(crate) async fn storage_use_of<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
) -> Result<Option<(u16, u16)>, ModemError> {
    if select(session, storage).await?.is_none() {
        return Ok(None);
    }
    let answer = session.optional(Command::new("AT+CPMS?").expect("+CPMS:")).await?;
    Ok(answer.and_then(|r| r.after("+CPMS:").next().and_then(slot_counts)))
}

/// Makes `storage` the one that is read from; `None` where the modem refuses it.
async fn select<P: Stream>(session: &mut Session<P>, storage: Storage) -> Result<Option<()>, ModemError> {
    if session.memory.selected == Some(storage) {
        return Ok(Some(()));
    }
    if session.memory.unselectable.contains(&storage) {
        return Ok(None);
    }
    session.memory.selected = None;
    if !session.memory.cpms_wants_three {
        if cpms(session, storage, 1).await?.is_some() {
            session.memory.selected = Some(storage);
            return Ok(Some(()));
        }
        if cpms(session, storage, 3).await?.is_some() {
            session.memory.cpms_wants_three = true;
            session.memory.selected = Some(storage);
            return Ok(Some(()));
        }
    } else if cpms(session, storage, 3).await?.is_some() {
        session.memory.selected = Some(storage);
        return Ok(Some(()));
    }
    tracing::debug!(%storage, "storage is offered but cannot be selected");
    session.memory.unselectable.insert(storage);
    Ok(None)
}

/// `AT+CPMS=` with the same name `count` times; `None` where refused for good.
async fn cpms<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    count: usize,
) -> Result<Option<Response>, ModemError> {
    let quoted = format!("\"{storage}\"");
    let text = format!("AT+CPMS={}", vec![quoted; count].join(","));
    let mut tries = 0;
    loop {
        let asked = Command::new(text.as_str()).expect("+CPMS:").timeout(Duration::from_secs(10));
        match session.command(asked).await {
            Ok(response) => return Ok(Some(response)),
            Err(error) if error.is_not_ready_yet() && tries < 20 => {
                tries += 1;
                sleep(Duration::from_secs(1)).await;
            }
            Err(error) if error.is_not_ready_yet() => return Err(error),
            Err(ModemError::Refused { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// `3,30,…` or `"SM",3,30,…`.
fn slot_counts(rest: &str) -> Option<(u16, u16)> {
    let fields = fields(rest);
    let skip = usize::from(fields.first()?.parse::<u16>().is_err());
    Some((number(fields.get(skip))?, number(fields.get(skip + 1))?))
}

/// Reads slot by slot, where listing does not work.
async fn scan<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    out: &mut Vec<StoredPdu>,
) -> Result<bool, ModemError> {
    let mut counts = storage_use_of(session, storage).await?;
    if counts.is_some_and(|(used, _)| used == 0) {
        // Some count a message only a moment after they announced it.
        sleep(Duration::from_millis(500)).await;
        counts = storage_use_of(session, storage).await?;
    }
    let used = counts.map(|(used, _)| used);
    if used == Some(0) {
        return Ok(true);
    }
    let offered = session.optional(Command::new("AT+CMGD=?").expect("+CMGD:")).await?;
    let mut slots: Vec<u16> = offered
        .and_then(|r| r.after("+CMGD:").next().map(fields))
        .and_then(|fields| fields.first().map(|group| range(group)))
        .unwrap_or_default();
    if slots.is_empty() {
        slots = (0..=counts.map_or(50, |(_, total)| total)).collect();
    }
    slots.truncate(MOST_SLOTS.into());
    let mut found = 0;
    let mut whole = true;
    for slot in slots {
        match read_twice(session, storage, slot).await? {
            Reading::Empty => continue,
            Reading::Message(message) => out.push(message),
            Reading::Disturbed => whole = false,
        }
        found += 1;
        if used == Some(found) {
            break;
        }
    }
    Ok(whole)
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
        Some(message) if !message.is_whole() => read(session, storage, slot).await?,
        _ => first.clone(),
    };
    Ok(match last {
        None => Reading::Empty,
        Some(message) if message.is_whole() || first.as_ref() == Some(&message) => Reading::Message(message),
        Some(_) => {
            tracing::warn!(%storage, slot, "a stored message reads differently each time; left for later");
            Reading::Disturbed
        }
    })
}

/// Adds the whole messages of a list to `out`; gives the slots whose PDU is missing or not whole.
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
            if message.is_whole() {
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
    // Not every unasked line is known as one. With no PDU at all, as in `+CMGR: 0,,0`, the slot is
    // empty.
    let pdu = lines.find(|line| is_hex(line))?.to_ascii_uppercase();
    let status = Stored::from_field(header.first().map(String::as_str).unwrap_or_default());
    Some(StoredPdu { storage, slot, status, length: number(header.last()), pdu })
}

/// 321 is "invalid memory index"; equipment errors 21 and 22 say the same.
fn means_empty(error: &ModemError) -> bool {
    let ModemError::Refused { error, .. } = error else { return false };
    matches!(error.slug().as_str(), "cms-321" | "cme-21" | "cme-22")
}

#[cfg(test)]
#[path = "sms_tests.rs"]
mod tests;
