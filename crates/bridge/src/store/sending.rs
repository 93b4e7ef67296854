//! Sending: a modem claims a message, and every step of submitting its parts is written down before it is taken.
//!
//! States only go forward. `release` is all the crash recovery there is: each session of a modem begins with it.

use rusqlite::OptionalExtension as _;

use super::engine::{Store, Tx};
use super::error::StoreError;
use super::reports;
use super::results::{advance, finish};
use crate::config::OnUnknown;
use crate::event::{MessageState, ResultFields};
use crate::failure::{Failure, FailureCode};
use crate::message::{Name, Sim, UnixMs, millis};
use crate::request::Body;
use crate::verdict::Verdict;

/// Interruptions after which all other messages go before a message.
const MAX_INTERRUPTIONS: u32 = 3;

/// Messages expired, or found to be due, in one transaction.
const MAX_BATCH: usize = 500;

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
#[derive(Debug, Clone)]
pub enum Claimed {
    /// A message to send.
    Message(Box<Claim>),
    /// Nothing waits for this modem.
    Nothing,
    /// Something waits, but the modem has sent as many parts as it may: in words.
    OverBudget(String),
}

impl Store {
    /// Claims the next message the modem may send: the highest priority first, then the oldest, and after all of them
    /// those that were interrupted too often.
    pub async fn claim(&self, modem: Name, sim: Sim, now: UnixMs) -> Result<Claimed, StoreError> {
        self.write(move |tx| {
            let Some(message) = next_claimable(tx, &modem, &sim, now)? else { return Ok(Claimed::Nothing) };
            if let Some(reason) = over_budget(tx, &modem, now)? {
                return Ok(Claimed::OverBudget(reason));
            }
            tx.sql
                .prepare_cached("UPDATE message SET claimed_by = ?2 WHERE id = ?1")?
                .execute((message, &modem))?;
            match read_claim(tx, message) {
                // A row nobody can read must not keep all others waiting for ever.
                Err(StoreError::Refused(reason)) => {
                    let error = Some(Failure::permanent(FailureCode::Store, reason));
                    let fields = ResultFields { error, ..ResultFields::default() };
                    finish(tx, message, MessageState::Failed, fields, now)?;
                    Ok(Claimed::Nothing)
                }
                claim => claim.map(|claim| Claimed::Message(Box::new(claim))),
            }
        })
        .await
    }

    /// A part is about to be submitted. Once this is on disk, its outcome is unknown until it is written down.
    pub async fn submitting(
        &self,
        message: i64,
        sequence: u8,
        modem: Name,
        sim: Sim,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql
                .prepare_cached(
                    "UPDATE message_part SET state = 'submitting', modem = ?3, sim = ?4, submitted_at = ?5
                     WHERE message_id = ?1 AND sequence = ?2",
                )?
                .execute((message, sequence, &modem, &sim, now))?;
            Ok(())
        })
        .await
    }

    /// The network accepted the part, and the modem gave it this TP-MR. Without one no status report can be matched.
    pub async fn submitted(
        &self,
        message: i64,
        sequence: u8,
        mr: Option<u8>,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql
                .prepare_cached(
                    "UPDATE message_part SET state = 'submitted', mr = ?3 WHERE message_id = ?1 AND sequence = ?2",
                )?
                .execute((message, sequence, mr))?;
            // Parts of one message must come from one number, or no phone joins them.
            tx.sql
                .prepare_cached(
                    "UPDATE message SET sim = (SELECT p.sim FROM message_part p WHERE p.message_id = ?1 AND p.sequence = ?2)
                     WHERE id = ?1 AND parts > 1",
                )?
                .execute((message, sequence))?;
            let mut select = tx.sql.prepare_cached(
                "SELECT m.parts, m.delivery_report, p.modem,
                   (SELECT count(*) FROM message_part o WHERE o.message_id = m.id AND o.state <> 'submitted') AS open,
                   EXISTS (SELECT 1 FROM message_part o WHERE o.message_id = m.id AND o.mr IS NULL) AS unmatchable
                 FROM message m JOIN message_part p ON p.message_id = m.id AND p.sequence = ?2 WHERE m.id = ?1",
            )?;
            let (open, parts, report, unmatchable, modem): (u32, u32, bool, bool, Name) = select
                .query_row((message, sequence), |row| {
                    Ok((
                        row.get("open")?,
                        row.get("parts")?,
                        row.get("delivery_report")?,
                        row.get("unmatchable")?,
                        row.get("modem")?,
                    ))
                })?;
            if open == 0 {
                let fields = ResultFields {
                    modem: Some(modem),
                    parts: Some(parts),
                    report_missing: report && unmatchable,
                    ..ResultFields::default()
                };
                match report && !unmatchable {
                    true => advance(tx, message, MessageState::Sent, fields, now)?,
                    false => finish(tx, message, MessageState::Sent, fields, now)?,
                }
                tx.sql
                    .prepare_cached("UPDATE message SET sent_at = ?2, claimed_by = NULL WHERE id = ?1")?
                    .execute((message, now))?;
            }
            reports::settle_early(tx, message, sequence, now)
        })
        .await
    }

    /// The part was not accepted: what follows is the verdict's.
    pub async fn not_submitted(
        &self,
        message: i64,
        sequence: u8,
        modem: Name,
        verdict: Verdict,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            match &verdict {
                Verdict::AskPolicy(delay, failure) => {
                    let again_at = now + millis(*delay);
                    return settle_unknown(tx, message, sequence, &modem, failure.clone(), again_at, now);
                }
                Verdict::GiveUp(failure) => {
                    requeue(tx, message, sequence)?;
                    let fields = failed_fields(tx, message, &modem, failure.clone())?;
                    return finish(tx, message, last_state(tx, message, MessageState::Failed)?, fields, now);
                }
                Verdict::Interrupted => {
                    tx.sql
                        .prepare_cached(
                            "UPDATE message SET interruptions = interruptions + 1, last = interruptions + 1 >= ?2
                             WHERE id = ?1",
                        )?
                        .execute((message, MAX_INTERRUPTIONS))?;
                    unclaim(tx, message)?;
                }
                Verdict::Retry(delay, _) => postpone(tx, message, now + millis(*delay))?,
                Verdict::Reroute(delay, _) => avoid(tx, message, &modem, now + millis(*delay))?,
            }
            requeue(tx, message, sequence)
        })
        .await
    }

    /// A claimed message is given back untouched: it waits again.
    pub async fn give_back(&self, message: i64) -> Result<(), StoreError> {
        self.write(move |tx| unclaim(tx, message)).await
    }

    /// A claimed message can never be sent.
    pub async fn fail(&self, message: i64, failure: Failure, now: UnixMs) -> Result<(), StoreError> {
        self.write(move |tx| {
            let fields = ResultFields { error: Some(failure.clone()), ..ResultFields::default() };
            finish(tx, message, MessageState::Failed, fields, now)
        })
        .await
    }

    /// Releases what a modem claimed in an earlier session, or what all modems claimed in an earlier run: a part whose
    /// submission was never answered is settled by `[outbound] on_unknown`, everything else waits again. Returns the
    /// number of messages.
    pub async fn release(&self, modem: Option<Name>, now: UnixMs) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached(
                "SELECT id, claimed_by,
                   (SELECT min(p.sequence) FROM message_part p WHERE p.message_id = m.id AND p.state = 'submitting')
                     AS submitting
                 FROM message m WHERE claimed_by IS NOT NULL AND (?1 IS NULL OR claimed_by = ?1)",
            )?;
            let claimed: Vec<(i64, Name, Option<u8>)> = select
                .query_map([&modem], |row| {
                    Ok((row.get("id")?, row.get("claimed_by")?, row.get("submitting")?))
                })?
                .collect::<Result<_, _>>()?;
            for (message, modem, submitting) in &claimed {
                let stopped = "the gateway stopped while the modem was sending it";
                match submitting {
                    Some(sequence) => {
                        let failure = Failure::transient(FailureCode::Unknown, stopped);
                        settle_unknown(tx, *message, *sequence, modem, failure, now, now)?;
                    }
                    None => unclaim(tx, *message)?,
                }
            }
            Ok(claimed.len())
        })
        .await
    }

    /// Ends a batch of messages whose time to live is over, and of waits for status reports that never came. Returns
    /// whether all are ended.
    pub async fn expire(&self, now: UnixMs) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached(
                "SELECT id FROM message
                 WHERE final = 0 AND state = 'accepted' AND claimed_by IS NULL AND expires_at <= ?1 LIMIT ?2",
            )?;
            let expired: Vec<i64> =
                select.query_map((now, MAX_BATCH as i64), |row| row.get(0))?.collect::<Result<_, _>>()?;
            for &message in &expired {
                let parts_sent = parts_sent(tx, message)?;
                let state = last_state(tx, message, MessageState::Expired)?;
                finish(tx, message, state, ResultFields { parts_sent, ..ResultFields::default() }, now)?;
            }
            let mut select = tx.sql.prepare_cached(
                "SELECT id, parts FROM message WHERE final = 0 AND state = 'sent' AND sent_at <= ?1 LIMIT ?2",
            )?;
            let unreported: Vec<(i64, u32)> = select
                .query_map((now - millis(tx.config.outbound.report_timeout), MAX_BATCH as i64), |row| {
                    Ok((row.get("id")?, row.get("parts")?))
                })?
                .collect::<Result<_, _>>()?;
            for &(message, parts) in &unreported {
                let fields =
                    ResultFields { parts: Some(parts), report_missing: true, ..ResultFields::default() };
                finish(tx, message, MessageState::Sent, fields, now)?;
            }
            Ok(expired.len().max(unreported.len()) < MAX_BATCH)
        })
        .await
    }
}

/// The message to be sent next by a modem. Those for this modem and those for any are two runs of one index.
fn next_claimable(tx: &Tx<'_>, modem: &Name, sim: &Sim, now: UnixMs) -> Result<Option<i64>, StoreError> {
    tx.sql
        .prepare_cached(
            "UPDATE message SET not_before = 0 WHERE id IN
               (SELECT id FROM message WHERE final = 0 AND state = 'accepted' AND not_before > 0 AND not_before <= ?1
                ORDER BY not_before LIMIT ?2)",
        )?
        .execute((now, MAX_BATCH as i64))?;
    let mut select = tx.sql.prepare_cached(
        "SELECT id, priority, last FROM message
         WHERE modem IS ?1 AND final = 0 AND state = 'accepted' AND claimed_by IS NULL AND not_before = 0
           AND (expires_at IS NULL OR expires_at > ?4) AND (sim IS NULL OR sim = ?3)
           AND NOT EXISTS
             (SELECT 1 FROM avoid a WHERE a.message_id = message.id AND a.modem = ?2 AND a.until > ?4)
         ORDER BY last, priority DESC, id LIMIT 1",
    )?;
    let mut first = |only: Option<&Name>| -> Result<Option<(bool, i64, i64)>, StoreError> {
        let row = select.query_row((only, modem, sim, now), |row| {
            Ok((row.get("last")?, -row.get::<_, i64>("priority")?, row.get("id")?))
        });
        Ok(row.optional()?)
    };
    let (own, any) = (first(Some(modem))?, first(None)?);
    Ok(own.into_iter().chain(any).min().map(|(.., id)| id))
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

/// Nobody knows whether a part was sent: `on_unknown` decides. If it is sent again, then not before `again_at`.
fn settle_unknown(
    tx: &Tx<'_>,
    message: i64,
    sequence: u8,
    modem: &Name,
    failure: Failure,
    again_at: UnixMs,
    now: UnixMs,
) -> Result<(), StoreError> {
    let earlier: u32 = tx
        .sql
        .prepare_cached("SELECT unknowns FROM message_part WHERE message_id = ?1 AND sequence = ?2")?
        .query_row((message, sequence), |row| row.get(0))?;
    match tx.config.outbound.on_unknown {
        // One or two SMS are promised: what is unknown a second time is not sent a third time.
        OnUnknown::Resend if earlier == 0 => {
            tx.sql
                .prepare_cached(
                    "UPDATE message_part SET state = 'queued', unknowns = 1 WHERE message_id = ?1 AND sequence = ?2",
                )?
                .execute((message, sequence))?;
            if again_at > now {
                tx.sql
                    .prepare_cached("UPDATE message SET not_before = ?2 WHERE id = ?1")?
                    .execute((message, again_at))?;
            }
            unclaim(tx, message)
        }
        OnUnknown::Resend | OnUnknown::Report => {
            let fields = failed_fields(tx, message, modem, failure)?;
            finish(tx, message, MessageState::Unknown, fields, now)
        }
    }
}

/// The last state of a message: nobody may say it was not sent while a part of it may have been.
fn last_state(tx: &Tx<'_>, message: i64, state: MessageState) -> Result<MessageState, StoreError> {
    let may_be_sent: bool = tx
        .sql
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM message_part WHERE message_id = ?1 AND unknowns > 0 AND state <> 'submitted')",
        )?
        .query_row([message], |row| row.get(0))?;
    Ok(if may_be_sent { MessageState::Unknown } else { state })
}

fn requeue(tx: &Tx<'_>, message: i64, sequence: u8) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached("UPDATE message_part SET state = 'queued' WHERE message_id = ?1 AND sequence = ?2")?
        .execute((message, sequence))?;
    Ok(())
}

fn unclaim(tx: &Tx<'_>, message: i64) -> Result<(), StoreError> {
    tx.sql.prepare_cached("UPDATE message SET claimed_by = NULL WHERE id = ?1")?.execute([message])?;
    tx.wake_queue();
    Ok(())
}

/// The message waits; no modem tries it before `until`.
fn postpone(tx: &Tx<'_>, message: i64, until: UnixMs) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached("UPDATE message SET attempts = attempts + 1, not_before = ?2 WHERE id = ?1")?
        .execute((message, until))?;
    unclaim(tx, message)
}

/// The message waits; any other modem may try it at once, this one not before `until`.
fn avoid(tx: &Tx<'_>, message: i64, modem: &Name, until: UnixMs) -> Result<(), StoreError> {
    tx.sql.prepare_cached("UPDATE message SET attempts = attempts + 1 WHERE id = ?1")?.execute([message])?;
    tx.sql
        .prepare_cached("INSERT OR REPLACE INTO avoid (message_id, modem, until) VALUES (?1, ?2, ?3)")?
        .execute((message, modem, until))?;
    unclaim(tx, message)
}

fn failed_fields(
    tx: &Tx<'_>,
    message: i64,
    modem: &Name,
    failure: Failure,
) -> Result<ResultFields, StoreError> {
    Ok(ResultFields {
        modem: Some(modem.clone()),
        parts_sent: parts_sent(tx, message)?,
        error: Some(failure),
        ..ResultFields::default()
    })
}

/// How many parts the network accepted, if any.
fn parts_sent(tx: &Tx<'_>, message: i64) -> Result<Option<u32>, StoreError> {
    let sent: u32 = tx
        .sql
        .prepare_cached("SELECT count(*) FROM message_part WHERE message_id = ?1 AND state = 'submitted'")?
        .query_row([message], |row| row.get(0))?;
    Ok((sent > 0).then_some(sent))
}
