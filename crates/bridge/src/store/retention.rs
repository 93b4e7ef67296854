//! How long finished messages are kept: from their end, not from their beginning.

use std::time::Duration;

use rusqlite::OptionalExtension as _;

use super::engine::{Store, Tx};
use super::error::StoreError;
use crate::message::{UnixMs, millis};

/// Rows of a table deleted, and requests looked at, in one transaction: everything else waits until it is committed.
const MAX_BATCH: usize = 500;

/// How far a pass over all old messages has come: the last request that is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeletionPass {
    accepted_at: UnixMs,
    row: i64,
}

/// A request accepted long enough ago to be deleted, if it has ended as long ago.
struct OldRequest {
    row: i64,
    id: String,
    accepted_at: UnixMs,
    is_over: bool,
}

impl Store {
    /// Deletes a batch of the messages that ended longer ago than `keep`; returns where the pass goes on, if it does.
    /// What is still to be sent, reported or published stays, however old.
    pub async fn delete_old(
        &self,
        now: UnixMs,
        keep: Duration,
        pass: DeletionPass,
    ) -> Result<Option<DeletionPass>, StoreError> {
        let before = now - millis(keep);
        self.write(move |tx| {
            let params = (before, MAX_BATCH as i64);
            let received = tx
                .sql
                .prepare_cached(
                    "DELETE FROM received WHERE id IN
                       (SELECT id FROM received WHERE received_at < ?1 LIMIT ?2)",
                )?
                .execute(params)?;
            let part_sets = tx
                .sql
                .prepare_cached(
                    "DELETE FROM part_set WHERE id IN
                       (SELECT id FROM part_set WHERE message_id IS NOT NULL AND last_at < ?1 LIMIT ?2)",
                )?
                .execute(params)?;
            // A parked received message stays until the broker takes it or a person drops it.
            let parked_results = tx
                .sql
                .prepare_cached(
                    "DELETE FROM outbox WHERE id IN
                       (SELECT id FROM outbox WHERE parked = 1 AND is_result = 1 AND parked_at < ?1 LIMIT ?2)",
                )?
                .execute(params)?;
            let (next, are_requests_left) = delete_requests(tx, before, pass)?;
            let is_more = are_requests_left || [received, part_sets, parked_results].contains(&MAX_BATCH);
            Ok(is_more.then_some(next))
        })
        .await
    }
}

/// Deletes finished requests, the messages first, for one request may have more of them than a batch. Returns how far
/// it came, and whether there is more to do.
fn delete_requests(
    tx: &Tx<'_>,
    before: UnixMs,
    mut pass: DeletionPass,
) -> Result<(DeletionPass, bool), StoreError> {
    let mut delete_messages = tx.sql.prepare_cached(
        "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE request_id = ?1 LIMIT ?2)",
    )?;
    let mut delete_request = tx.sql.prepare_cached("DELETE FROM request WHERE row = ?1")?;
    let mut left = MAX_BATCH;
    for _ in 0..MAX_BATCH {
        let Some(request) = next_request(tx, before, pass)? else { return Ok((pass, false)) };
        if request.is_over {
            left -= delete_messages.execute((&request.id, left as i64))?;
            if left == 0 {
                return Ok((pass, true));
            }
            delete_request.execute([request.row])?;
        }
        pass = DeletionPass { accepted_at: request.accepted_at, row: request.row };
    }
    Ok((pass, true))
}

fn next_request(tx: &Tx<'_>, before: UnixMs, pass: DeletionPass) -> Result<Option<OldRequest>, StoreError> {
    let mut select = tx.sql.prepare_cached(
        "SELECT row, id, accepted_at,
           NOT EXISTS
             (SELECT 1 FROM message m WHERE m.request_id = r.id AND (m.final = 0 OR m.result_at >= ?1)) AS is_over
         FROM request r WHERE accepted_at < ?1 AND (accepted_at, row) > (?2, ?3) ORDER BY accepted_at, row LIMIT 1",
    )?;
    let request = select.query_row((before, pass.accepted_at, pass.row), |row| {
        Ok(OldRequest {
            row: row.get("row")?,
            id: row.get("id")?,
            accepted_at: row.get("accepted_at")?,
            is_over: row.get("is_over")?,
        })
    });
    Ok(request.optional()?)
}
