//! Named values the store keeps.

use std::sync::atomic::Ordering;

use rusqlite::OptionalExtension as _;

use super::engine::{Store, Tx};
use super::error::StoreError;
use crate::message::UnixMs;

/// When it was last tried whether the store can be written.
const TRIED_AT: &str = "tried_at";

impl Store {
    /// Where something could not be written: whether anything can, by writing.
    pub async fn retry(&self, now: UnixMs) -> Result<(), StoreError> {
        if self.is_failing.load(Ordering::Relaxed) {
            self.write(move |tx| write(tx, TRIED_AT, &now.to_string())).await?;
            self.is_failing.store(false, Ordering::Relaxed);
        }
        Ok(())
    }
}

pub(super) fn read(tx: &Tx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    let mut select = tx.sql.prepare_cached("SELECT value FROM fact WHERE name = ?1")?;
    Ok(select.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn write(tx: &Tx<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached("INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)")?
        .execute((name, value))?;
    Ok(())
}
