//! Named values the store keeps.

use rusqlite::OptionalExtension as _;

use super::engine::Tx;
use super::error::StoreError;

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
