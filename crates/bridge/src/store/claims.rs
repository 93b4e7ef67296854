//! Claims: which message a modem sends next, and whether it may send one.
//!
//! Each claim is a fixed number of look-ups in one index, however many messages wait and whatever they wait for: what is
//! not due is not in that index, and what others are to send is in other runs of it.

use rusqlite::OptionalExtension as _;

use super::engine::{Store, Tx};
use super::error::StoreError;
use super::idle::{Idle, Sendable, is_in};
use super::results::finish;
use super::sending::expire;
use crate::event::{MessageState, ResultFields};
use crate::failure::{Failure, FailureCode};
use crate::message::{Name, Sim, UnixMs};
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
    /// Claims the next message the modem may send: the highest priority first, then the oldest, and after all of them
    /// those that were interrupted too often.
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
                if let Some(reason) = over_budget(tx, &modem, now)? {
                    // It may have been woken for this message in place of a modem that may send.
                    tx.wake_modem(next.sendable);
                    return Ok(Claimed::OverBudget(reason));
                }
                match read_claim(tx, next.message) {
                    // A row nobody can read must not keep all others waiting for ever.
                    Err(StoreError::Refused(reason)) => {
                        let error = Some(Failure::permanent(FailureCode::Store, reason));
                        let fields = ResultFields { error, ..ResultFields::default() };
                        finish(tx, next.message, MessageState::Failed, fields, now)?;
                    }
                    Err(error) => return Err(error),
                    Ok(claim) => {
                        tx.sql
                            .prepare_cached("UPDATE message SET claimed_by = ?2 WHERE id = ?1")?
                            .execute((next.message, &modem))?;
                        return Ok(Claimed::Message(Box::new(claim)));
                    }
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
    order: (bool, i64, i64),
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
    let message = row.get("id")?;
    Ok(Claimable {
        message,
        order: (row.get("last")?, -row.get::<_, i64>("priority")?, message),
        expires_at: row.get("expires_at")?,
        sendable: Sendable::read(row)?,
    })
}

fn read_claim(tx: &Tx<'_>, message: i64) -> Result<Claim, StoreError> {
    let mut select = tx.sql.prepare_cached(
        "SELECT m.request_id, m.recipient, r.body, m.delivery_report, m.reference, m.expires_at, m.attempts
         FROM message m JOIN request r ON r.id = m.request_id WHERE m.id = ?1",
    )?;
    let mut claim = select.query_row([message], |row| {
        Ok(Claim {
            message,
            request: row.get("request_id")?,
            to: row.get("recipient")?,
            body: row.get("body")?,
            delivery_report: row.get("delivery_report")?,
            reference: row.get("reference")?,
            expires_at: row.get("expires_at")?,
            open_parts: Vec::new(),
            attempts: row.get("attempts")?,
        })
    })?;
    let mut parts = tx.sql.prepare_cached(
        "SELECT sequence FROM message_part WHERE message_id = ?1 AND state <> 'submitted' ORDER BY sequence",
    )?;
    claim.open_parts = parts.query_map([message], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(claim)
}

/// Whether the modem has sent as many parts as it may, in words.
fn over_budget(tx: &Tx<'_>, modem: &Name, now: UnixMs) -> Result<Option<String>, StoreError> {
    let outbound = &tx.config.outbound;
    let limits = [(outbound.per_minute, 60_000, "per_minute"), (outbound.per_day, 86_400_000, "per_day")];
    let mut select = tx.sql.prepare_cached(
        "SELECT coalesce(sum(1 + unknowns), 0) FROM message_part WHERE modem = ?1 AND submitted_at > ?2",
    )?;
    for (limit, period, key) in limits {
        let Some(limit) = limit else { continue };
        let sent: u32 = select.query_row((modem, now - period), |row| row.get(0))?;
        if sent >= limit {
            return Ok(Some(format!("[outbound] {key} = {limit} is used up: messages wait")));
        }
    }
    Ok(None)
}
