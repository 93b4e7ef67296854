//! Sending: a modem claims a message, and every step of handing over its parts is written down before it is taken.
//!
//! States go forward only. `release` is all the crash recovery there is: each session of a modem begins with it.

use std::time::Duration;

use rusqlite::OptionalExtension as _;

use super::requests::{finish, step};
use super::{Store, StoreError, Tx};
use crate::config::OnUnknown;
use crate::message::{Body, Details, Failure, Name, Sim, State, UnixMs};
use crate::verdict::Verdict;

/// A message in a modem's hands.
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
    /// Sequence numbers the network has not taken yet, from 1.
    pub open_parts: Vec<u8>,
    /// Tries so far.
    pub attempts: u32,
}

/// What a modem that asks for work gets.
#[derive(Debug, Clone)]
pub enum Claimed {
    /// A message to send.
    Message(Box<Claim>),
    /// Nothing waits for this modem.
    Nothing,
    /// Something waits, but the configured number of parts has been sent.
    OverBudget(String),
}

impl Store {
    /// Gives the modem the next message it may send: the highest priority first, then the oldest.
    pub async fn claim(&self, modem: Name, sim: Sim, now: UnixMs) -> Result<Claimed, StoreError> {
        self.write(move |tx| {
            let next: Option<i64> = tx
                .sql
                .prepare_cached(
                    "SELECT id FROM message
                     WHERE final = 0 AND state = 'accepted' AND claimed_by IS NULL AND not_before <= ?3
                       AND (expires_at IS NULL OR expires_at > ?3)
                       AND (modem IS NULL OR modem = ?1) AND (sim IS NULL OR sim = ?2)
                       AND NOT EXISTS
                         (SELECT 1 FROM avoid a WHERE a.message_id = message.id AND a.modem = ?1 AND a.until > ?3)
                     ORDER BY priority DESC, faults > 3, id LIMIT 1",
                )?
                .query_row((modem.as_str(), &sim, now), |row| row.get(0))
                .optional()?;
            let Some(message) = next else { return Ok(Claimed::Nothing) };
            if let Some(why) = over_budget(tx, &modem, now)? {
                return Ok(Claimed::OverBudget(why));
            }
            tx.sql
                .prepare_cached("UPDATE message SET claimed_by = ?2 WHERE id = ?1")?
                .execute((message, modem.as_str()))?;
            match read_claim(tx, message) {
                // A row nobody can read must not stand before all others for ever.
                Err(StoreError::Refused(why)) => {
                    let details = Details { error: Some(Failure::permanent("store", why)), ..Details::default() };
                    finish(tx, message, State::Failed, details, now)?;
                    Ok(Claimed::Nothing)
                }
                claim => claim.map(|claim| Claimed::Message(Box::new(claim))),
            }
        })
        .await
    }

    /// A part is about to be handed to the modem. Once this is on disk, its fate is unknown until told.
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
                .execute((message, sequence, modem.as_str(), &sim, now))?;
            Ok(())
        })
        .await
    }

    /// The network took the part and the modem gave it this TP-MR.
    pub async fn submitted(&self, message: i64, sequence: u8, mr: u8, now: UnixMs) -> Result<(), StoreError> {
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
            let (open, parts, report, modem): (u32, u32, bool, String) = tx
                .sql
                .prepare_cached(
                    "SELECT (SELECT count(*) FROM message_part p WHERE p.message_id = m.id AND p.state <> 'submitted'),
                       m.parts, m.delivery_report,
                       (SELECT p.modem FROM message_part p WHERE p.message_id = m.id AND p.sequence = ?2)
                     FROM message m WHERE m.id = ?1",
                )?
                .query_row((message, sequence), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
            if open == 0 {
                let details = Details { modem: Some(modem), parts: Some(parts), ..Details::default() };
                step(tx, message, State::Sent, !report, details, now)?;
                tx.sql
                    .prepare_cached("UPDATE message SET sent_at = ?2, claimed_by = NULL WHERE id = ?1")?
                    .execute((message, now))?;
            }
            super::reports::settle_early(tx, message, sequence, now)
        })
        .await
    }

    /// The part was not taken: what follows is the verdict's.
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
                Verdict::AskPolicy(why) => {
                    return settle_unknown(tx, message, sequence, modem.as_str(), Some(why), now);
                }
                Verdict::GiveUp(failure) => {
                    requeue(tx, message, sequence)?;
                    let details = failed_after(tx, message, modem.as_str(), Some(failure.clone()))?;
                    return finish(tx, message, ending(tx, message, State::Failed)?, details, now);
                }
                Verdict::Interrupted => {
                    // A message in whose hands modems keep dying lets others by.
                    tx.sql
                        .prepare_cached("UPDATE message SET faults = faults + 1 WHERE id = ?1")?
                        .execute([message])?;
                    unclaim(tx, message)?;
                }
                Verdict::Retry(delay, _) => postpone(tx, message, now + millis(*delay), None, now)?,
                Verdict::Reroute(delay, _) => postpone(tx, message, now + millis(*delay), Some(&modem), now)?,
            }
            requeue(tx, message, sequence)
        })
        .await
    }

    /// A message was claimed and is given back untouched, or can never be made into PDUs.
    pub async fn give_back(
        &self,
        message: i64,
        failure: Option<Failure>,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        self.write(move |tx| match &failure {
            Some(failure) => {
                let details = Details { error: Some(failure.clone()), ..Details::default() };
                finish(tx, message, State::Failed, details, now)
            }
            None => {
                tx.sql
                    .prepare_cached("UPDATE message SET claimed_by = NULL WHERE id = ?1")?
                    .execute([message])?;
                tx.wake_queue();
                Ok(())
            }
        })
        .await
    }

    /// Drops what a modem held in an earlier session, or what all modems held in an earlier run: a part whose
    /// submission was never answered is settled by `[outbound] on_unknown`, everything else waits again.
    pub async fn release(&self, modem: Option<Name>, now: UnixMs) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached(
                "SELECT m.id, min(p.sequence), m.claimed_by FROM message m
                 LEFT JOIN message_part p ON p.message_id = m.id AND p.state = 'submitting'
                 WHERE m.claimed_by IS NOT NULL AND m.claimed_by = coalesce(?1, m.claimed_by) GROUP BY m.id",
            )?;
            let held: Vec<(i64, Option<u8>, String)> = select
                .query_map([modem.as_ref().map(Name::as_str)], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect::<Result<_, _>>()?;
            for (message, submitting, holder) in &held {
                match submitting {
                    Some(sequence) => settle_unknown(tx, *message, *sequence, holder, None, now)?,
                    None => unclaim(tx, *message)?,
                }
            }
            Ok(held.len())
        })
        .await
    }

    /// Ends what nobody may wait for any longer: messages whose time is over, reports that never came.
    pub async fn expire(&self, now: UnixMs) -> Result<(), StoreError> {
        self.write(move |tx| {
            let over: Vec<i64> = tx
                .sql
                .prepare_cached(
                    "SELECT id FROM message
                     WHERE final = 0 AND state = 'accepted' AND claimed_by IS NULL AND expires_at <= ?1 LIMIT 500",
                )?
                .query_map([now], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for message in over {
                let parts_sent = parts_sent(tx, message)?;
                let state = ending(tx, message, State::Expired)?;
                finish(tx, message, state, Details { parts_sent, ..Details::default() }, now)?;
            }
            let unreported: Vec<(i64, u32)> = tx
                .sql
                .prepare_cached(
                    "SELECT id, parts FROM message WHERE final = 0 AND state = 'sent' AND sent_at <= ?1 LIMIT 500",
                )?
                .query_map([now - millis(tx.rules.outbound.report_timeout)], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            for (message, parts) in unreported {
                let details = Details { parts: Some(parts), report_missing: true, ..Details::default() };
                finish(tx, message, State::Sent, details, now)?;
            }
            Ok(())
        })
        .await
    }
}

fn read_claim(tx: &Tx<'_>, message: i64) -> Result<Claim, StoreError> {
    let mut claim = tx
        .sql
        .prepare_cached(
            "SELECT m.request_id, m.recipient, r.body, m.delivery_report, m.reference, m.expires_at, m.attempts
             FROM message m JOIN request r ON r.id = m.request_id WHERE m.id = ?1",
        )?
        .query_row([message], |row| {
            let body: String = row.get(2)?;
            let body = serde_json::from_str(&body)
                .map_err(|e| rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, Box::new(e)))?;
            Ok(Claim {
                message,
                request: row.get(0)?,
                to: row.get(1)?,
                body,
                delivery_report: row.get(3)?,
                reference: row.get(4)?,
                expires_at: row.get(5)?,
                open_parts: Vec::new(),
                attempts: row.get(6)?,
            })
        })?;
    let mut parts = tx.sql.prepare_cached(
        "SELECT sequence FROM message_part WHERE message_id = ?1 AND state <> 'submitted' ORDER BY sequence",
    )?;
    claim.open_parts = parts.query_map([message], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(claim)
}

/// Whether the modem has used up what it may send, in words.
fn over_budget(tx: &Tx<'_>, modem: &Name, now: UnixMs) -> Result<Option<String>, StoreError> {
    let limits = [
        (tx.rules.outbound.per_minute, 60_000, "per_minute"),
        (tx.rules.outbound.per_day, 86_400_000, "per_day"),
    ];
    for (limit, period, key) in limits {
        let Some(limit) = limit else { continue };
        let sent: u32 = tx
            .sql
            .prepare_cached("SELECT coalesce(sum(1 + unknowns), 0) FROM message_part WHERE modem = ?1 AND submitted_at > ?2")?
            .query_row((modem.as_str(), now - period), |row| row.get(0))?;
        if sent >= limit {
            return Ok(Some(format!("[outbound] {key} = {limit} is used up: messages wait")));
        }
    }
    Ok(None)
}

fn settle_unknown(
    tx: &Tx<'_>,
    message: i64,
    sequence: u8,
    modem: &str,
    why: Option<&Failure>,
    now: UnixMs,
) -> Result<(), StoreError> {
    let earlier: u32 = tx
        .sql
        .prepare_cached("SELECT unknowns FROM message_part WHERE message_id = ?1 AND sequence = ?2")?
        .query_row((message, sequence), |row| row.get(0))?;
    match tx.rules.outbound.on_unknown {
        // One or two SMS are promised: what is unknown a second time is not sent a third.
        OnUnknown::Resend if earlier == 0 => {
            tx.sql
                .prepare_cached(
                    "UPDATE message_part SET state = 'queued', unknowns = 1 WHERE message_id = ?1 AND sequence = ?2",
                )?
                .execute((message, sequence))?;
            unclaim(tx, message)
        }
        OnUnknown::Resend | OnUnknown::Report => {
            let stopped = Failure::passing("unknown", "the gateway stopped while the modem was sending it");
            let details = failed_after(tx, message, modem, Some(why.cloned().unwrap_or(stopped)))?;
            finish(tx, message, State::Unknown, details, now)
        }
    }
}

/// How a message that goes no further ends: nobody may claim it was not sent while a part of it may have been.
fn ending(tx: &Tx<'_>, message: i64, state: State) -> Result<State, StoreError> {
    let may_be_out: bool = tx
        .sql
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM message_part WHERE message_id = ?1 AND unknowns > 0 AND state <> 'submitted')",
        )?
        .query_row([message], |row| row.get(0))?;
    Ok(if may_be_out { State::Unknown } else { state })
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

/// Lets a message wait; with `avoid`, only that modem waits and any other may try at once.
fn postpone(
    tx: &Tx<'_>,
    message: i64,
    until: UnixMs,
    avoid: Option<&Name>,
    now: UnixMs,
) -> Result<(), StoreError> {
    let not_before = if avoid.is_some() { now } else { until };
    tx.sql
        .prepare_cached(
            "UPDATE message SET claimed_by = NULL, attempts = attempts + 1, not_before = max(not_before, ?2)
             WHERE id = ?1",
        )?
        .execute((message, not_before))?;
    if let Some(modem) = avoid {
        tx.sql
            .prepare_cached("INSERT OR REPLACE INTO avoid (message_id, modem, until) VALUES (?1, ?2, ?3)")?
            .execute((message, modem.as_str(), until))?;
    }
    tx.wake_queue();
    Ok(())
}

fn failed_after(
    tx: &Tx<'_>,
    message: i64,
    modem: &str,
    error: Option<Failure>,
) -> Result<Details, StoreError> {
    let parts_sent = parts_sent(tx, message)?;
    Ok(Details { modem: Some(modem.to_string()), parts_sent, error, ..Details::default() })
}

/// How many parts the network took; none is not worth saying.
fn parts_sent(tx: &Tx<'_>, message: i64) -> Result<Option<u32>, StoreError> {
    let sent: u32 = tx
        .sql
        .prepare_cached("SELECT count(*) FROM message_part WHERE message_id = ?1 AND state = 'submitted'")?
        .query_row([message], |row| row.get(0))?;
    Ok((sent > 0).then_some(sent))
}

fn millis(duration: Duration) -> UnixMs {
    UnixMs::try_from(duration.as_millis()).unwrap_or(UnixMs::MAX / 4)
}
