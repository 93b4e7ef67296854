//! Sending: every step of submitting the parts of a claimed message is written down before it is taken.
//!
//! States only go forward. `release` is all the crash recovery there is: each session of a modem begins with it.

use super::budgets;
use super::engine::{Store, Tx};
use super::error::StoreError;
use super::idle::Sendable;
use super::reports;
use super::results::{advance, finish};
use crate::config::OnUnknown;
use crate::counts::{Again, Count, between};
use crate::event::{MessageState, ResultFields};
use crate::failure::{Failure, FailureCode};
use crate::message::{Name, Sim, UnixMs, millis};
use crate::verdict::Verdict;

/// Interruptions after which all other messages go before a message.
const MAX_INTERRUPTIONS: u32 = 3;

impl Store {
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
            budgets::charge_part(tx, &modem, now)
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
                "SELECT m.parts, m.delivery_report, p.modem, r.accepted_at,
                   (SELECT count(*) FROM message_part o WHERE o.message_id = m.id AND o.state <> 'submitted') AS open,
                   EXISTS (SELECT 1 FROM message_part o WHERE o.message_id = m.id AND o.mr IS NULL) AS unmatchable
                 FROM message m JOIN message_part p ON p.message_id = m.id AND p.sequence = ?2
                   JOIN request r ON r.id = m.request_id WHERE m.id = ?1",
            )?;
            let (open, parts, report, unmatchable, modem, accepted_at): (u32, u32, bool, bool, Name, UnixMs) = select
                .query_row((message, sequence), |row| {
                    Ok((
                        row.get("open")?,
                        row.get("parts")?,
                        row.get("delivery_report")?,
                        row.get("unmatchable")?,
                        row.get("modem")?,
                        row.get("accepted_at")?,
                    ))
                })?;
            if open == 0 {
                tx.count(Count::SentAfter(between(accepted_at, now)));
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
                    not_sent(tx, message, sequence)?;
                    let fields = failed_fields(tx, message, &modem, failure.clone())?;
                    return finish(tx, message, last_state(tx, message, MessageState::Failed)?, fields, now);
                }
                Verdict::Interrupted => {
                    tx.count(Count::TriedAgain(modem.clone(), Again::Interrupted));
                    tx.sql
                        .prepare_cached(
                            "UPDATE message SET interruptions = interruptions + 1, last = interruptions + 1 >= ?2
                             WHERE id = ?1",
                        )?
                        .execute((message, MAX_INTERRUPTIONS))?;
                    unclaim(tx, message)?;
                }
                Verdict::Retry(delay, _) => {
                    tx.count(Count::TriedAgain(modem.clone(), Again::Refused));
                    postpone(tx, message, now + millis(*delay))?;
                }
                Verdict::Reroute(delay, _) => {
                    tx.count(Count::TriedAgain(modem.clone(), Again::OtherModem));
                    avoid(tx, message, &modem, now + millis(*delay))?;
                }
            }
            not_sent(tx, message, sequence)
        })
        .await
    }

    /// A claimed message is given back untouched: it waits again.
    pub async fn give_back(&self, message: i64) -> Result<(), StoreError> {
        self.write(move |tx| unclaim(tx, message)).await
    }

    /// A claimed message can never be sent.
    pub async fn fail(&self, message: i64, failure: Failure, now: UnixMs) -> Result<(), StoreError> {
        self.write(move |tx| fail(tx, message, failure.clone(), now)).await
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
            tx.count(Count::TriedAgain(modem.clone(), Again::Unknown));
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

/// A part is known not to have gone out: it is open again, and no budget counts it.
fn not_sent(tx: &Tx<'_>, message: i64, sequence: u8) -> Result<(), StoreError> {
    budgets::take_back(tx, message, sequence)?;
    tx.sql
        .prepare_cached("UPDATE message_part SET state = 'queued' WHERE message_id = ?1 AND sequence = ?2")?
        .execute((message, sequence))?;
    Ok(())
}

/// The message waits for any modem that may send it now.
fn unclaim(tx: &Tx<'_>, message: i64) -> Result<(), StoreError> {
    tx.sql.prepare_cached("UPDATE message SET claimed_by = NULL WHERE id = ?1")?.execute([message])?;
    wake_for(tx, message)
}

/// Wakes an idle modem that may send the message now.
pub(super) fn wake_for(tx: &Tx<'_>, message: i64) -> Result<(), StoreError> {
    let mut select = tx.sql.prepare_cached("SELECT modem, sim, avoided_by FROM message WHERE id = ?1")?;
    tx.wake_modem(select.query_row([message], Sendable::read)?);
    Ok(())
}

/// The message waits; no modem tries it before `until`.
fn postpone(tx: &Tx<'_>, message: i64, until: UnixMs) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached(
            "UPDATE message SET attempts = attempts + 1, not_before = ?2, claimed_by = NULL WHERE id = ?1",
        )?
        .execute((message, until))?;
    Ok(())
}

/// The message waits; any other modem may try it at once, this one not before `until`.
fn avoid(tx: &Tx<'_>, message: i64, modem: &Name, until: UnixMs) -> Result<(), StoreError> {
    tx.sql.prepare_cached("UPDATE message SET attempts = attempts + 1 WHERE id = ?1")?.execute([message])?;
    tx.sql
        .prepare_cached("INSERT OR REPLACE INTO avoid (message_id, modem, until) VALUES (?1, ?2, ?3)")?
        .execute((message, modem, until))?;
    set_avoided_by(tx, message)?;
    unclaim(tx, message)
}

/// Writes down beside the message which modems avoid it, so that a claim finds the others by index.
pub(super) fn set_avoided_by(tx: &Tx<'_>, message: i64) -> Result<(), StoreError> {
    let mut select = tx.sql.prepare_cached("SELECT modem FROM avoid WHERE message_id = ?1 ORDER BY modem")?;
    let modems: Vec<String> =
        select.query_map([message], |row| row.get("modem"))?.collect::<Result<_, _>>()?;
    tx.sql
        .prepare_cached("UPDATE message SET avoided_by = ?2 WHERE id = ?1")?
        .execute((message, modems.join(" ")))?;
    Ok(())
}

/// Ends a message that can never be sent.
pub(super) fn fail(tx: &Tx<'_>, message: i64, failure: Failure, now: UnixMs) -> Result<(), StoreError> {
    let parts_sent = parts_sent(tx, message)?;
    let state = last_state(tx, message, MessageState::Failed)?;
    finish(
        tx,
        message,
        state,
        ResultFields { parts_sent, error: Some(failure), ..ResultFields::default() },
        now,
    )
}

/// Ends a message nobody sent in time.
pub(super) fn expire(tx: &Tx<'_>, message: i64, now: UnixMs) -> Result<(), StoreError> {
    let parts_sent = parts_sent(tx, message)?;
    let state = last_state(tx, message, MessageState::Expired)?;
    finish(tx, message, state, ResultFields { parts_sent, ..ResultFields::default() }, now)
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
