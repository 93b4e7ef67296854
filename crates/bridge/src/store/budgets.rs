//! Budgets: how much each modem has handed to the network, and whether a message or a USSD request still fits.
//!
//! They count rows of their own, so that nothing that is deleted elsewhere renews a budget. What is known not to have
//! gone out is taken back; what nobody knows stays counted, and counts again when it is sent again.

use super::engine::{Store, Tx};
use super::error::StoreError;
use crate::failure::Failure;
use crate::message::{Name, Sim, UnixMs};
use crate::policy::{self, DAY_MS};

/// Rows that are too old to count, deleted with each new one.
const MAX_DELETED: usize = 100;

/// Parts a modem is about to send.
pub(super) struct Batch {
    /// Row of their message.
    pub message: i64,
    /// How many of its parts are open.
    pub parts: u32,
    /// Some of its parts went out.
    pub is_begun: bool,
}

/// How the parts of a message fit a modem's budgets.
pub(super) enum Fit {
    /// All of them may go out now.
    Now,
    /// They have to wait: in words.
    Later(String),
    /// They are more than a budget ever lets out.
    Never(Failure),
}

/// What a budget counts, as the column `kind` has it.
const PART: &str = "part";
const USSD: &str = "ussd";

impl Store {
    /// Charges a USSD request to a modem that is about to send it; in words why not, where its budget is used up.
    pub async fn charge_ussd(&self, modem: Name, now: UnixMs) -> Result<Option<String>, StoreError> {
        self.write(move |tx| {
            begin_now(tx, &modem, USSD, now)?;
            let sent = sent_since(tx, &modem, USSD, now - DAY_MS)?;
            match tx.config.ussd_per_day {
                Some(limit) if sent >= limit => Ok(Some(format!("[ussd] per_day = {limit} is used up"))),
                _ => charge(tx, &modem, USSD, now).map(|()| None),
            }
        })
        .await
    }
}

/// A part is handed to the network.
pub(super) fn charge_part(tx: &Tx<'_>, modem: &Name, now: UnixMs) -> Result<(), StoreError> {
    charge(tx, modem, PART, now)
}

fn charge(tx: &Tx<'_>, modem: &Name, kind: &str, now: UnixMs) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached(
            "DELETE FROM submission WHERE id IN (SELECT id FROM submission WHERE at <= ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute((now - DAY_MS, MAX_DELETED as i64))?;
    tx.sql
        .prepare_cached("INSERT INTO submission (modem, kind, at) VALUES (?1, ?2, ?3)")?
        .execute((modem, kind, now))?;
    Ok(())
}

/// A clock that was ahead must not keep a budget used up until it is there again.
fn begin_now(tx: &Tx<'_>, modem: &Name, kind: &str, now: UnixMs) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached("UPDATE submission SET at = ?3 WHERE modem = ?1 AND kind = ?2 AND at > ?3")?
        .execute((modem, kind, now))?;
    Ok(())
}

fn sent_since(tx: &Tx<'_>, modem: &Name, kind: &str, since: UnixMs) -> Result<u32, StoreError> {
    let mut select = tx
        .sql
        .prepare_cached("SELECT count(*) FROM submission WHERE modem = ?1 AND kind = ?2 AND at > ?3")?;
    Ok(select.query_row((modem, kind, since), |row| row.get(0))?)
}

/// The newest submission of this part is known not to have gone out.
pub(super) fn take_back(tx: &Tx<'_>, message: i64, sequence: u8) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached(
            "DELETE FROM submission WHERE id =
               (SELECT s.id FROM message_part p
                JOIN submission s ON s.modem = p.modem AND s.kind = 'part' AND s.at = p.submitted_at
                WHERE p.message_id = ?1 AND p.sequence = ?2 AND p.state = 'submitting' LIMIT 1)",
        )?
        .execute((message, sequence))?;
    Ok(())
}

/// Whether a modem may send these parts now. They go out together or wait together; in a day's budget there is also
/// room for what is left of the messages that are begun.
pub(super) fn fit(
    tx: &Tx<'_>,
    modem: &Name,
    sim: &Sim,
    batch: &Batch,
    now: UnixMs,
) -> Result<Fit, StoreError> {
    let outbound = &tx.config.outbound;
    if let Some(failure) = policy::over_any_budget(batch.parts, outbound) {
        return Ok(Fit::Never(failure));
    }
    begin_now(tx, modem, PART, now)?;
    for budget in policy::budgets(outbound) {
        let sent = sent_since(tx, modem, PART, now - budget.period_ms)?;
        let is_reserving = budget.period_ms == DAY_MS && !batch.is_begun;
        let reserved = if is_reserving { open_parts_of_begun(tx, modem, sim, batch.message)? } else { 0 };
        let needed = sent.saturating_add(reserved).saturating_add(batch.parts);
        if needed > budget.limit {
            let (key, limit) = (budget.key, budget.limit);
            return Ok(Fit::Later(format!("[outbound] {key} = {limit} is used up: messages wait")));
        }
    }
    Ok(Fit::Now)
}

/// Parts still to be sent of messages this modem has begun. They are next in any case, unless they wait for their
/// time.
fn open_parts_of_begun(tx: &Tx<'_>, modem: &Name, sim: &Sim, except: i64) -> Result<u32, StoreError> {
    let mut select = tx.sql.prepare_cached(
        "SELECT count(*) FROM message m JOIN message_part p ON p.message_id = m.id AND p.state <> 'submitted'
         WHERE m.sim = ?1 AND m.final = 0 AND m.state = 'accepted' AND m.last = 0
           AND (m.modem IS NULL OR m.modem = ?2) AND m.id <> ?3",
    )?;
    Ok(select.query_row((sim, modem, except), |row| row.get(0))?)
}
