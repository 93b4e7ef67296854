//! What the broker does not take: rows on which connections break, and rows that are parked.
//!
//! A parked row is kept and not published, until it is offered again or a person drops it. A copy of a result for a
//! caller is a courtesy: where the broker does not take one, all those of that caller's request are dropped.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};

use super::engine::{Store, Tx};
use super::error::{OpenError, StoreError};
use super::file;
use super::outbox::{OutboxRow, read_row};
use crate::message::UnixMs;

/// Connections that may break with a row alone in flight, while the broker takes others, before it is parked.
pub const MAX_BREAKS: u32 = 3;

impl Store {
    /// Parks a row the broker does not take, for this reason; whether it is the first time.
    pub async fn park(&self, id: i64, reason: String, now: UnixMs) -> Result<bool, StoreError> {
        self.write(move |tx| park(tx, id, &reason, now)).await
    }

    /// A connection broke with this row alone in flight; at `limit` of them it is parked, for this reason. Returns how
    /// many there were.
    pub async fn count_break(
        &self,
        id: i64,
        reason: String,
        limit: u32,
        now: UnixMs,
    ) -> Result<u32, StoreError> {
        self.write(move |tx| {
            let breaks = tx
                .sql
                .prepare_cached("UPDATE outbox SET breaks = breaks + 1 WHERE id = ?1 RETURNING breaks")?
                .query_row([id], |row| row.get(0))
                .optional()?
                .unwrap_or(0);
            if breaks >= limit {
                park(tx, id, &reason, now)?;
            }
            Ok(breaks)
        })
        .await
    }

    /// The broker does not let us publish where the caller wants copies of results: none of that request is published
    /// any more. `id` is the row of one.
    pub async fn drop_response(&self, id: i64) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql
                .prepare_cached(
                    "DELETE FROM response WHERE id = (SELECT response FROM outbox WHERE id = ?1)",
                )?
                .execute([id])?;
            Ok(())
        })
        .await
    }

    /// The first parked row behind `after`, or the first of all where there is none behind it.
    pub async fn next_parked(&self, after: i64) -> Result<Option<OutboxRow>, StoreError> {
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached(
                "SELECT id, kind, event, topic, response_topic, correlation FROM outbox_row
                 WHERE parked = 1 AND id > ?1 ORDER BY id LIMIT 1",
            )?;
            let next = select.query_row([after], read_row).optional()?;
            Ok(if next.is_none() { select.query_row([0], read_row).optional()? } else { next })
        })
        .await
    }

    /// The gateway starts: each parked row is offered to the broker once more. One on which connections broke is parked
    /// again at the next break.
    pub async fn offer_parked(&self) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.sql
                .prepare_cached(
                    "UPDATE outbox INDEXED BY outbox_parked SET parked = 0, breaks = min(breaks, ?1) WHERE parked = 1",
                )?
                .execute([MAX_BREAKS - 1])?;
            tx.wake_outbox();
            Ok(())
        })
        .await
    }
}

fn park(tx: &Tx<'_>, id: i64, reason: &str, now: UnixMs) -> Result<bool, StoreError> {
    let parked_at: Option<UnixMs> = tx
        .sql
        .prepare_cached("SELECT parked_at FROM outbox WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?
        .flatten();
    tx.sql
        .prepare_cached(
            "UPDATE outbox SET parked = 1, parked_because = ?2, parked_at = coalesce(parked_at, ?3) WHERE id = ?1",
        )?
        .execute((id, reason, now))?;
    Ok(parked_at.is_none())
}

/// A parked row, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct ParkedRow {
    /// The row.
    pub row: OutboxRow,
    /// When it was parked first.
    pub parked_at: UnixMs,
    /// Why the broker did not take it.
    pub reason: String,
}

/// The parked rows of a store, beside a running gateway.
pub struct Parked(Connection);

impl Parked {
    /// Opens the store in `folder`.
    pub fn open(folder: &Path) -> Result<Parked, OpenError> {
        file::open_beside_gateway(folder).map(Parked)
    }

    /// All of them, oldest first.
    pub fn rows(&self) -> Result<Vec<ParkedRow>, rusqlite::Error> {
        let mut select = self.0.prepare(
            "SELECT id, kind, event, topic, response_topic, correlation, parked_at, parked_because FROM outbox_row
             WHERE parked = 1 ORDER BY id",
        )?;
        let rows = select.query_map([], |row| {
            Ok(ParkedRow {
                row: read_row(row)?,
                parked_at: row.get("parked_at")?,
                reason: row.get("parked_because")?,
            })
        })?;
        rows.collect()
    }

    /// Drops one for good; false where there is none of this id.
    pub fn drop_row(&self, id: i64) -> Result<bool, rusqlite::Error> {
        Ok(self.0.execute("DELETE FROM outbox WHERE id = ?1 AND parked = 1", [id])? > 0)
    }
}
