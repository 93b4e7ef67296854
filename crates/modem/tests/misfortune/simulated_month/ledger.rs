//! Owns what is known of each message in both directions: the slots a store keeps, and what became of each request.

use std::collections::BTreeMap;
use std::time::Duration;

use smsbridge_modem::sms::{OutgoingPdu, Stored, StoredPdu, Swept};
use smsbridge_modem::{SendError, Storage};
use tokio::time::Instant;

/// A slot: which SIM, where it is the SIM's, storage and number.
type Slot = (String, Storage, u16);

/// A message that was written down. Kept until its slot is found empty.
struct Row {
    pdu: String,
    /// The modem said that it has deleted it: once, or again after that.
    deleted: u8,
}

/// Whether a message was written down before.
#[derive(Debug, PartialEq, Eq)]
pub enum Accepted {
    New,
    Known { was_deleted: bool },
}

/// What became of a request.
#[derive(Debug)]
pub enum Outcome {
    Waiting,
    Sent,
    /// Nobody knows; why, and what the modem went through meanwhile.
    Unknown {
        reason: String,
        journal: Vec<String>,
    },
}

/// A message to be sent.
pub struct Request {
    pub to: String,
    pub outcome: Outcome,
    pub not_before: Instant,
    refusals: u32,
}

impl Request {
    /// The n-th, due then.
    pub fn new(n: usize, not_before: Instant) -> Self {
        Self { to: format!("+49{n:010}"), outcome: Outcome::Waiting, not_before, refusals: 0 }
    }

    pub fn pdu(&self) -> OutgoingPdu {
        let digits: Vec<u8> = self.to.trim_start_matches('+').bytes().collect();
        let swapped: String =
            digits.chunks(2).flat_map(|pair| pair.iter().rev()).map(|b| char::from(*b)).collect();
        OutgoingPdu { hex: format!("0001000C91{swapped}000002C834"), tpdu_length: 15 }
    }
}

#[derive(Default)]
pub struct Ledger {
    rows: BTreeMap<Slot, Row>,
    /// How often each PDU was taken for a new message.
    pub counted: BTreeMap<String, u32>,
    pub requests: Vec<Request>,
    /// Deletions that were refused, not answered, or had no effect.
    pub vain_deletions: usize,
}

impl Ledger {
    fn slot(sim: &str, storage: Storage, slot: u16) -> Slot {
        (if storage == Storage::SM { sim.to_owned() } else { String::new() }, storage, slot)
    }

    /// Of storages that were listed completely, what was not found there is gone.
    pub fn swept(&mut self, sim: &str, swept: &Swept) {
        let found: Vec<Slot> = swept.pdus.iter().map(|pdu| Self::slot(sim, pdu.storage, pdu.slot)).collect();
        self.rows.retain(|slot, _| {
            let is_listed = swept.storages.contains(&slot.1) && *slot == Self::slot(sim, slot.1, slot.2);
            !is_listed || found.contains(slot)
        });
    }

    pub fn accept(&mut self, sim: &str, message: &StoredPdu) -> Accepted {
        let slot = Self::slot(sim, message.storage, message.slot);
        let known = self.rows.get(&slot).filter(|row| row.pdu == message.pdu);
        let deleted = match known {
            Some(row) if row.deleted != 1 || message.status != Stored::ReceivedUnread => {
                return Accepted::Known { was_deleted: row.deleted > 0 };
            }
            Some(_) => 2,
            None => 0,
        };
        self.rows.insert(slot, Row { pdu: message.pdu.clone(), deleted });
        *self.counted.entry(message.pdu.clone()).or_default() += 1;
        Accepted::New
    }

    pub fn deleted(&mut self, sim: &str, message: &StoredPdu) {
        if let Some(row) = self.rows.get_mut(&Self::slot(sim, message.storage, message.slot)) {
            row.deleted = row.deleted.max(1);
        }
    }

    /// The next request that is due now.
    pub fn due(&self) -> Option<usize> {
        let now = Instant::now();
        let is_due =
            |request: &Request| matches!(request.outcome, Outcome::Waiting) && request.not_before <= now;
        self.requests.iter().position(is_due)
    }

    /// When the next one is due.
    pub fn due_at(&self) -> Option<Instant> {
        let waiting = self.requests.iter().filter(|request| matches!(request.outcome, Outcome::Waiting));
        waiting.map(|request| request.not_before).min()
    }

    /// Writes down what came of a submission.
    pub fn submitted(&mut self, n: usize, result: &Result<Option<u8>, SendError>, journal: Vec<String>) {
        let request = &mut self.requests[n];
        let later = |seconds| Instant::now() + Duration::from_secs(seconds);
        match result {
            Ok(_) => request.outcome = Outcome::Sent,
            Err(SendError::NotSubmitted(_)) => request.not_before = later(30),
            Err(SendError::Refused(_)) => {
                request.refusals += 1;
                request.not_before = later(5 << request.refusals.min(7));
            }
            Err(error @ SendError::Unknown(_)) => {
                request.outcome = Outcome::Unknown { reason: error.to_string(), journal };
            }
        }
    }
}
