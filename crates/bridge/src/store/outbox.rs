//! What is owed to the broker: rows in order, deleted when the broker has acknowledged them.

use super::{Store, StoreError, Tx};
use crate::config::Event;
use crate::message::{Outcome, ResponseTopic};
use crate::payload;

/// One publish owed to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Grows with time.
    pub id: i64,
    /// Where it goes.
    pub topic: String,
    /// What it says.
    pub payload: String,
    /// Whether the broker keeps it.
    pub retain: bool,
    /// MQTT 5 correlation data, on response topics.
    pub correlation: Option<Vec<u8>>,
}

impl Store {
    /// The next rows after `after`, oldest first.
    pub async fn owed(&self, after: i64, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        self.write(move |tx| {
            let mut statement = tx.sql.prepare_cached(
                "SELECT id, topic, payload, retain, correlation FROM outbox
                 WHERE id > ?1 AND parked = 0 ORDER BY id LIMIT ?2",
            )?;
            let rows = statement.query_map((after, limit as i64), |row| {
                Ok(OutboxRow {
                    id: row.get(0)?,
                    topic: row.get(1)?,
                    payload: row.get(2)?,
                    retain: row.get(3)?,
                    correlation: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// How many rows are owed.
    pub async fn depth(&self) -> Result<Depth, StoreError> {
        self.write(|tx| {
            let count = |sql: &str| tx.sql.query_row(sql, [], |row| row.get::<_, i64>(0));
            Ok(Depth {
                outbox: count("SELECT count(*) FROM outbox WHERE parked = 0")?,
                parked: count("SELECT count(*) FROM outbox WHERE parked = 1")?,
                waiting: count("SELECT count(*) FROM message WHERE final = 0 AND state = 'accepted'")?,
            })
        })
        .await
    }

    /// The broker has acknowledged these.
    pub async fn published(&self, ids: Vec<i64>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut delete = tx.sql.prepare_cached("DELETE FROM outbox WHERE id = ?1")?;
            for id in &ids {
                delete.execute([id])?;
            }
            Ok(())
        })
        .await
    }

    /// The broker will never take this one: it is kept for a person to look at, and not offered again.
    pub async fn park(&self, id: i64, why: String) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql
                .prepare_cached("UPDATE outbox SET parked = 1, why_parked = ?2 WHERE id = ?1")?
                .execute((id, &why))?;
            Ok(())
        })
        .await
    }

    /// A result that belongs to no stored request: a rejection.
    pub async fn answer(
        &self,
        outcome: Outcome,
        respond_to: Option<ResponseTopic>,
    ) -> Result<(), StoreError> {
        self.write(move |tx| owe_result(tx, &payload::result(&outcome), respond_to.as_ref())).await
    }
}

/// How much waits in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Rows owed to the broker.
    pub outbox: i64,
    /// Rows the broker refused for good.
    pub parked: i64,
    /// Messages waiting for a modem.
    pub waiting: i64,
}

/// Owes the broker one publish.
pub(super) fn owe(tx: &Tx<'_>, topic: &str, payload: &str) -> Result<(), StoreError> {
    insert(tx, topic, payload, false, None)
}

/// Owes the broker the newest value of a retained topic, in place of any older one not yet acknowledged.
pub(super) fn owe_latest(tx: &Tx<'_>, topic: &str, payload: &str) -> Result<(), StoreError> {
    tx.sql.prepare_cached("DELETE FROM outbox WHERE retain = 1 AND topic = ?1")?.execute([topic])?;
    insert(tx, topic, payload, true, None)
}

/// Owes a result on `sms/result`, and on the caller's response topic.
pub(super) fn owe_result(
    tx: &Tx<'_>,
    result: &str,
    respond_to: Option<&ResponseTopic>,
) -> Result<(), StoreError> {
    insert(tx, &tx.rules.topics.result(), result, false, None)?;
    super::hooks::owe_runs(tx, Event::Result, result, || "{}".to_owned())?;
    if let Some(ResponseTopic { topic, correlation }) = respond_to {
        insert(tx, topic, result, false, correlation.as_deref())?;
    }
    Ok(())
}

fn insert(
    tx: &Tx<'_>,
    topic: &str,
    payload: &str,
    retain: bool,
    correlation: Option<&[u8]>,
) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached("INSERT INTO outbox (topic, payload, retain, correlation) VALUES (?1, ?2, ?3, ?4)")?
        .execute((topic, payload, retain, correlation))?;
    tx.wake_outbox();
    Ok(())
}
