//! Claims: which message a modem sends next, and whether it may send one.
//!
//! Each claim is a fixed number of look-ups in one index, however many messages wait and whatever they wait for: what
//! is not due is not in that index, and what others are to send is in other runs of it.

use rusqlite::OptionalExtension as _;

use super::budgets::{self, Batch, Fit};
use super::engine::{Store, Tx};
use super::error::StoreError;
use super::idle::{Idle, Sendable, is_in};
use super::requests::{insert_parts, next_reference};
use super::sending::{expire, fail};
use crate::failure::{Failure, FailureCode};
use crate::message::{Name, Sim, UnixMs};
use crate::pdu;
use crate::policy;
use crate::request::Body;

/// Messages that can no longer be sent, ended by one claim.
const MAX_ENDED: usize = 100;

/// A message claimed by a modem.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Row of the message.
    pub message: i64,
    /// The request it belongs to.
    pub request: String,
    /// The recipient.
    pub to: String,
    /// What to send.
    pub body: Body,
    /// Whether a status report is asked for.
    pub delivery_report: bool,
    /// Concatenation reference of its parts.
    pub reference: u8,
    /// When it is given up.
    pub expires_at: Option<UnixMs>,
    /// Sequence numbers of the parts the network has not accepted yet, from 1.
    pub open_parts: Vec<u8>,
    /// Refusals so far.
    pub attempts: u32,
}

/// What a modem that asks for work gets.
#[derive(Debug)]
pub enum Claimed {
    /// A message to send.
    Message(Box<Claim>),
    /// Nothing waits for this modem: it may wait.
    Nothing(Idle),
    /// Something waits, but the modem has sent as many parts as it may: in words.
    OverBudget(String),
}

impl Store {
    /// Claims the next message the modem may send: one it has begun, then the highest priority, then the oldest, and
    /// after all of them those that were interrupted too often.
    pub async fn claim(&self, modem: Name, sim: Sim, now: UnixMs) -> Result<Claimed, StoreError> {
        self.write(move |tx| {
            for _ in 0..MAX_ENDED {
                let Some(next) = next_claimable(tx, &modem, &sim)? else {
                    return Ok(Claimed::Nothing(tx.idle(&modem, &sim)));
                };
                if next.expires_at.is_some_and(|at| at <= now) {
                    expire(tx, next.message, now)?;
                    continue;
                }
                let claim = match prepare(tx, next.message)? {
                    Ok(claim) => claim,
                    // What can never be sent must not keep all others waiting for ever.
                    Err(failure) => {
                        fail(tx, next.message, failure, now)?;
                        continue;
                    }
                };
                let parts = claim.open_parts.len() as u32;
                let batch = Batch { message: next.message, parts, is_begun: next.sendable.sim.is_some() };
                match budgets::fit(tx, &modem, &sim, &batch, now)? {
                    Fit::Now => {
                        take(tx, next.message, &modem)?;
                        return Ok(Claimed::Message(Box::new(claim)));
                    }
                    Fit::Later(reason) => {
                        // It may have been woken for this message in place of a modem that may send.
                        tx.wake_modem(next.sendable);
                        return Ok(Claimed::OverBudget(reason));
                    }
                    Fit::Never(failure) => fail(tx, next.message, failure, now)?,
                }
            }
            // Others get their turn, and then this modem again.
            let idle = tx.idle(&modem, &sim);
            tx.wake_modem(Sendable { modem: Some(modem.clone()), sim: None, avoided_by: String::new() });
            Ok(Claimed::Nothing(idle))
        })
        .await
    }
}

/// A message that may be claimed.
struct Claimable {
    message: i64,
    /// What it goes by: smallest first.
    order: (bool, bool, i64, i64),
    expires_at: Option<UnixMs>,
    sendable: Sendable,
}

/// The message to be sent next by a modem: the first of all runs of the index with messages it may send.
fn next_claimable(tx: &Tx<'_>, modem: &Name, sim: &Sim) -> Result<Option<Claimable>, StoreError> {
    let mut first_in_run = tx.sql.prepare_cached(
        "SELECT id, priority, last, expires_at, modem, sim, avoided_by FROM message
         WHERE avoided_by = ?1 AND modem IS ?2 AND sim IS ?3
           AND final = 0 AND state = 'accepted' AND claimed_by IS NULL AND not_before = 0
         ORDER BY last, priority DESC, id LIMIT 1",
    )?;
    // Few modems avoid something at one time, so there are few such lists, however many messages have one.
    let mut next_list = tx.sql.prepare_cached(
        "SELECT avoided_by FROM message
         WHERE avoided_by > ?1 AND final = 0 AND state = 'accepted' AND claimed_by IS NULL AND not_before = 0
         ORDER BY avoided_by LIMIT 1",
    )?;
    let mut next: Option<Claimable> = None;
    let mut list = Some(String::new());
    while let Some(avoided_by) = list {
        if !is_in(&avoided_by, modem) {
            for only_modem in [None, Some(modem)] {
                for only_sim in [None, Some(sim)] {
                    let first = first_in_run
                        .query_row((&avoided_by, only_modem, only_sim), read_claimable)
                        .optional()?;
                    next = next.into_iter().chain(first).min_by_key(|claimable| claimable.order);
                }
            }
        }
        list = next_list.query_row([&avoided_by], |row| row.get(0)).optional()?;
    }
    Ok(next)
}

fn read_claimable(row: &rusqlite::Row<'_>) -> rusqlite::Result<Claimable> {
    let (message, sendable) = (row.get("id")?, Sendable::read(row)?);
    let is_new = sendable.sim.is_none();
    Ok(Claimable {
        message,
        order: (row.get("last")?, is_new, -row.get::<_, i64>("priority")?, message),
        expires_at: row.get("expires_at")?,
        sendable,
    })
}

/// What there is to send of a message, or why it can never be sent. A text that is split differently than when the
/// message was stored, by another version of this program, is split anew, unless parts of it may be on air already.
fn prepare(tx: &Tx<'_>, message: i64) -> Result<Result<Claim, Failure>, StoreError> {
    let (mut claim, stored) = match read_claim(tx, message) {
        Err(StoreError::Refused(reason)) => return Ok(Err(Failure::permanent(FailureCode::Store, reason))),
        read => read?,
    };
    let lengths = match pdu::part_lengths(&claim.body) {
        Ok(lengths) => lengths,
        Err(failure) => return Ok(Err(failure)),
    };
    let part_lengths = lengths.join(", ");
    if stored.is_begun && stored.part_lengths.as_ref() != Some(&part_lengths) {
        let words = "this version splits the text differently than the one that sent some of its parts, so that the \
                     others would not fit; send it again with a new id";
        return Ok(Err(Failure::permanent(FailureCode::Store, words)));
    }
    // The lists may have been changed since it was accepted.
    if let Err(failure) = policy::check_recipient(&claim.to, &tx.config.outbound) {
        return Ok(Err(failure));
    }
    if lengths.len() != usize::from(stored.parts) {
        match policy::check_parts(&claim.body, &tx.config.outbound) {
            Ok((_, parts)) => split_anew(tx, &mut claim, parts)?,
            Err(failure) => return Ok(Err(failure)),
        }
    }
    if stored.part_lengths.as_ref() != Some(&part_lengths) {
        tx.sql
            .prepare_cached("UPDATE message SET part_lengths = ?2 WHERE id = ?1")?
            .execute((message, &part_lengths))?;
    }
    Ok(Ok(claim))
}

/// Makes a message this modem's.
fn take(tx: &Tx<'_>, message: i64, modem: &Name) -> Result<(), StoreError> {
    tx.sql.prepare_cached("UPDATE message SET claimed_by = ?2 WHERE id = ?1")?.execute((message, modem))?;
    Ok(())
}

/// Gives a message of which nothing was submitted another number of parts.
fn split_anew(tx: &Tx<'_>, claim: &mut Claim, parts: u8) -> Result<(), StoreError> {
    claim.reference = next_reference(tx, &claim.request, Some(&claim.to))?;
    claim.open_parts = (1..=parts).collect();
    tx.sql.prepare_cached("UPDATE message SET parts = ?2, reference = ?3 WHERE id = ?1")?.execute((
        claim.message,
        parts,
        claim.reference,
    ))?;
    tx.sql.prepare_cached("DELETE FROM message_part WHERE message_id = ?1")?.execute([claim.message])?;
    insert_parts(tx, claim.message, parts)
}

/// How a message was split when it was stored, or claimed last.
struct StoredSplit {
    parts: u8,
    part_lengths: Option<String>,
    /// Whether any of its parts may be on air.
    is_begun: bool,
}

fn read_claim(tx: &Tx<'_>, message: i64) -> Result<(Claim, StoredSplit), StoreError> {
    let mut select = tx.sql.prepare_cached(
        "SELECT m.request_id, m.recipient, r.body, m.delivery_report, m.reference, m.expires_at, m.attempts, m.parts,
           m.part_lengths, EXISTS
             (SELECT 1 FROM message_part p WHERE p.message_id = m.id AND (p.state <> 'queued' OR p.unknowns > 0))
           AS is_begun
         FROM message m JOIN request r ON r.id = m.request_id WHERE m.id = ?1",
    )?;
    let (mut claim, split) = select.query_row([message], |row| {
        let claim = Claim {
            message,
            request: row.get("request_id")?,
            to: row.get("recipient")?,
            body: row.get("body")?,
            delivery_report: row.get("delivery_report")?,
            reference: row.get("reference")?,
            expires_at: row.get("expires_at")?,
            open_parts: Vec::new(),
            attempts: row.get("attempts")?,
        };
        let split = StoredSplit {
            parts: row.get("parts")?,
            part_lengths: row.get("part_lengths")?,
            is_begun: row.get("is_begun")?,
        };
        Ok((claim, split))
    })?;
    let mut parts = tx.sql.prepare_cached(
        "SELECT sequence FROM message_part WHERE message_id = ?1 AND state <> 'submitted' ORDER BY sequence",
    )?;
    claim.open_parts = parts.query_map([message], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok((claim, split))
}
