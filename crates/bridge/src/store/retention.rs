//! How long finished messages are kept.

use std::time::Duration;

use super::engine::Store;
use super::error::StoreError;
use crate::message::{UnixMs, millis};

impl Store {
    /// Deletes finished messages older than `keep`. What is still to be sent, reported or published stays, however old.
    pub async fn delete_old(&self, now: UnixMs, keep: Duration) -> Result<(), StoreError> {
        let before = now - millis(keep);
        self.write(move |tx| {
            tx.sql.execute("DELETE FROM received WHERE received_at < ?1", [before])?;
            tx.sql.execute("DELETE FROM part_set WHERE message_id IS NOT NULL AND last_at < ?1", [before])?;
            tx.sql.execute(
                "DELETE FROM request WHERE accepted_at < ?1
                   AND NOT EXISTS (SELECT 1 FROM message m WHERE m.request_id = request.id AND m.final = 0)",
                [before],
            )?;
            Ok(())
        })
        .await
    }
}
