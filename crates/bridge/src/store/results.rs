//! Steps of a message: its state, and the result that says so, in one transaction.

use super::engine::Tx;
use super::error::StoreError;
use super::outbox;
use crate::event::{Event, MessageState, ResultFields, SendResult};
use crate::message::UnixMs;

/// Ends a message: its last state, and the only final result it will ever have.
pub(super) fn finish(
    tx: &Tx<'_>,
    message: i64,
    state: MessageState,
    fields: ResultFields,
    now: UnixMs,
) -> Result<(), StoreError> {
    step(tx, message, state, true, fields, now)
}

/// Moves a message to a state that is not its last.
pub(super) fn advance(
    tx: &Tx<'_>,
    message: i64,
    state: MessageState,
    fields: ResultFields,
    now: UnixMs,
) -> Result<(), StoreError> {
    step(tx, message, state, false, fields, now)
}

fn step(
    tx: &Tx<'_>,
    message: i64,
    state: MessageState,
    is_final: bool,
    fields: ResultFields,
    now: UnixMs,
) -> Result<(), StoreError> {
    let mut select = tx.sql.prepare_cached(
        "SELECT m.request_id, m.recipient, m.contact, r.response
         FROM message m JOIN request r ON r.id = m.request_id WHERE m.id = ?1",
    )?;
    let (id, to, contact, response) = select.query_row([message], |row| {
        Ok((row.get("request_id")?, row.get("recipient")?, row.get("contact")?, row.get("response")?))
    })?;
    let result = SendResult { id: Some(id), to: Some(to), contact, state, is_final, at: now, fields };
    tx.sql
        .prepare_cached(
            "UPDATE message SET state = ?2, final = ?3, result = ?4, result_at = ?5,
               claimed_by = CASE WHEN ?3 THEN NULL ELSE claimed_by END WHERE id = ?1",
        )?
        .execute((message, state, is_final, Event::Result(result.clone()), now))?;
    outbox::publish_result(tx, result, response)
}
