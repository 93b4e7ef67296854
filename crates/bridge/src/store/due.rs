//! What time alone brings about: messages become due, expire, or are no longer waited for.
//!
//! In batches, so that a backlog that falls due at once holds up nothing else.

use super::engine::{Store, Tx};
use super::error::StoreError;
use super::idle::Sendable;
use super::reports;
use super::results::finish;
use super::sending::{expire, set_avoided_by, wake_for};
use crate::event::{MessageState, ResultFields};
use crate::message::{UnixMs, millis};

/// Rows of each kind handled in one transaction.
const MAX_BATCH: usize = 500;

impl Store {
    /// Does a batch of what is due; returns whether that was all.
    pub async fn process_due(&self, now: UnixMs) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let handled = [
                expire_messages(tx, now)?,
                give_up_reports(tx, now)?,
                start_scheduled(tx, now)?,
                end_avoidance(tx, now)?,
                reports::delete_early(tx, now, MAX_BATCH)?,
            ];
            Ok(handled.into_iter().all(|count| count < MAX_BATCH))
        })
        .await
    }
}

/// Ends messages whose time to live is over.
fn expire_messages(tx: &Tx<'_>, now: UnixMs) -> Result<usize, StoreError> {
    let mut select = tx.sql.prepare_cached(
        "SELECT id FROM message
         WHERE final = 0 AND state = 'accepted' AND claimed_by IS NULL AND expires_at <= ?1 LIMIT ?2",
    )?;
    let expired: Vec<i64> =
        select.query_map((now, MAX_BATCH as i64), |row| row.get(0))?.collect::<Result<_, _>>()?;
    for &message in &expired {
        expire(tx, message, now)?;
    }
    Ok(expired.len())
}

/// Ends messages whose status reports never came.
fn give_up_reports(tx: &Tx<'_>, now: UnixMs) -> Result<usize, StoreError> {
    let mut select = tx.sql.prepare_cached(
        "SELECT id, parts FROM message WHERE final = 0 AND state = 'sent' AND sent_at <= ?1 LIMIT ?2",
    )?;
    let unreported: Vec<(i64, u32)> = select
        .query_map((now - millis(tx.config.outbound.report_timeout), MAX_BATCH as i64), |row| {
            Ok((row.get("id")?, row.get("parts")?))
        })?
        .collect::<Result<_, _>>()?;
    for &(message, parts) in &unreported {
        let fields = ResultFields { parts: Some(parts), report_missing: true, ..ResultFields::default() };
        finish(tx, message, MessageState::Sent, fields, now)?;
    }
    Ok(unreported.len())
}

/// Makes messages claimable that were to wait until now.
fn start_scheduled(tx: &Tx<'_>, now: UnixMs) -> Result<usize, StoreError> {
    let mut update = tx.sql.prepare_cached(
        "UPDATE message SET not_before = 0 WHERE id IN
           (SELECT id FROM message WHERE final = 0 AND state = 'accepted' AND not_before > 0 AND not_before <= ?1
            ORDER BY not_before LIMIT ?2)
         RETURNING modem, sim, avoided_by",
    )?;
    let due: Vec<Sendable> =
        update.query_map((now, MAX_BATCH as i64), Sendable::read)?.collect::<Result<_, _>>()?;
    let count = due.len();
    due.into_iter().for_each(|message| tx.wake_modem(message));
    Ok(count)
}

/// Lets modems try messages again that they were to avoid until now.
fn end_avoidance(tx: &Tx<'_>, now: UnixMs) -> Result<usize, StoreError> {
    let mut select =
        tx.sql.prepare_cached("SELECT message_id, modem FROM avoid WHERE until <= ?1 LIMIT ?2")?;
    let over: Vec<(i64, String)> = select
        .query_map((now, MAX_BATCH as i64), |row| Ok((row.get("message_id")?, row.get("modem")?)))?
        .collect::<Result<_, _>>()?;
    let mut delete = tx.sql.prepare_cached("DELETE FROM avoid WHERE message_id = ?1 AND modem = ?2")?;
    for &(message, ref modem) in &over {
        delete.execute((message, modem))?;
        set_avoided_by(tx, message)?;
        wake_for(tx, message)?;
    }
    Ok(over.len())
}
