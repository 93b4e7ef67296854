//! How long finished messages are kept.

use std::time::Duration;

use super::engine::Store;
use super::error::StoreError;
use crate::message::{UnixMs, millis};

/// Rows of a table deleted in one transaction, for everything else waits until it is committed.
const MAX_DELETED: usize = 500;

impl Store {
    /// Deletes finished messages older than `keep`, at most a batch of them; returns whether all are deleted. What is
    /// still to be sent, reported or published stays, however old.
    pub async fn delete_old(&self, now: UnixMs, keep: Duration) -> Result<bool, StoreError> {
        let params = (now - millis(keep), MAX_DELETED as i64);
        self.write(move |tx| {
            let received = tx.sql.execute(
                "DELETE FROM received WHERE id IN
                   (SELECT id FROM received WHERE received_at < ?1 LIMIT ?2)",
                params,
            )?;
            let part_sets = tx.sql.execute(
                "DELETE FROM part_set WHERE id IN
                   (SELECT id FROM part_set WHERE message_id IS NOT NULL AND last_at < ?1 LIMIT ?2)",
                params,
            )?;
            let requests = tx.sql.execute(
                "DELETE FROM request WHERE row IN
                   (SELECT row FROM request r WHERE accepted_at < ?1
                      AND NOT EXISTS (SELECT 1 FROM message m WHERE m.request_id = r.id AND m.final = 0) LIMIT ?2)",
                params,
            )?;
            Ok([received, part_sets, requests].into_iter().all(|deleted| deleted < MAX_DELETED))
        })
        .await
    }
}
