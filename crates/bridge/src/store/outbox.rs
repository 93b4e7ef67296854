//! What is to be published: rows in order, deleted when the broker has acknowledged them.
//!
//! A row holds the event, not its topic and JSON: those are rendered when it is published.

use super::engine::{Store, Tx};
use super::error::StoreError;
use super::hook_runs;
use crate::event::{Event, QueueDepth, Received, SendResult};
use crate::request::ReplyTo;

/// One thing to publish.
#[derive(Debug, Clone, PartialEq)]
pub enum Publication {
    /// An event, on its own topic.
    Event(Event),
    /// The last message a modem received, retained.
    Last(Received),
    /// A result, for the caller who asked for a copy.
    Reply(SendResult, ReplyTo),
    /// Nothing, retained: a topic that is no longer ours.
    Clear {
        /// That topic.
        topic: String,
    },
}

/// A row of the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxRow {
    /// Ascends in the order of publication.
    pub id: i64,
    /// What to publish, or why the row cannot be read.
    pub publication: Result<Publication, String>,
}

impl Store {
    /// The rows after `after` that wait, oldest first.
    pub async fn pending(&self, after: i64, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached(
                "SELECT id, kind, event, topic, correlation FROM outbox
                 WHERE parked = 0 AND id > ?1 ORDER BY id LIMIT ?2",
            )?;
            let rows = select.query_map((after, limit as i64), read_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// How much waits.
    pub async fn depth(&self) -> Result<QueueDepth, StoreError> {
        self.write(|tx| {
            let depth = tx.sql.query_row("SELECT publish, parked, send FROM depth", [], |row| {
                Ok(QueueDepth {
                    publish: row.get("publish")?,
                    parked: row.get("parked")?,
                    send: row.get("send")?,
                })
            });
            Ok(depth?)
        })
        .await
    }

    /// Deletes rows the broker has acknowledged.
    pub async fn delete_published(&self, ids: Vec<i64>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut delete = tx.sql.prepare_cached("DELETE FROM outbox WHERE id = ?1")?;
            for id in &ids {
                delete.execute([id])?;
            }
            Ok(())
        })
        .await
    }

    /// Sets aside a row the broker will never take: it is kept for a person to look at, and not offered again.
    pub async fn park(&self, id: i64, reason: String) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql
                .prepare_cached("UPDATE outbox SET parked = 1, parked_because = ?2 WHERE id = ?1")?
                .execute((id, &reason))?;
            Ok(())
        })
        .await
    }

    /// Publishes an event that belongs to no row, and runs its hooks.
    pub async fn publish(&self, event: Event) -> Result<(), StoreError> {
        self.write(move |tx| publish(tx, &event)).await
    }
}

fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<OutboxRow> {
    let id = row.get("id")?;
    let publication = read_publication(row).map_err(|error| error.to_string());
    Ok(OutboxRow { id, publication })
}

fn read_publication(row: &rusqlite::Row<'_>) -> rusqlite::Result<Publication> {
    let kind: String = row.get("kind")?;
    let mismatch = || rusqlite::Error::InvalidColumnName(kind.clone());
    match (kind.as_str(), row.get::<_, Option<Event>>("event")?) {
        ("event", Some(event)) => Ok(Publication::Event(event)),
        ("last", Some(Event::Received(received))) => Ok(Publication::Last(received)),
        ("reply", Some(Event::Result(result))) => {
            let reply_to = ReplyTo { topic: row.get("topic")?, correlation: row.get("correlation")? };
            Ok(Publication::Reply(result, reply_to))
        }
        ("clear", None) => Ok(Publication::Clear { topic: row.get("topic")? }),
        _ => Err(mismatch()),
    }
}

/// Publishes an event, and runs its hooks.
pub(super) fn publish(tx: &Tx<'_>, event: &Event) -> Result<(), StoreError> {
    insert(tx, "event", Some(event), None, None, None)?;
    hook_runs::enqueue(tx, event)
}

/// Publishes a result, and a copy for the caller who asked for one.
pub(super) fn publish_result(
    tx: &Tx<'_>,
    result: SendResult,
    reply_to: Option<&ReplyTo>,
) -> Result<(), StoreError> {
    let event = Event::Result(result);
    publish(tx, &event)?;
    match reply_to {
        Some(ReplyTo { topic, correlation }) => {
            insert(tx, "reply", Some(&event), None, Some(topic), correlation.as_deref())
        }
        None => Ok(()),
    }
}

/// Publishes the last message of a modem, in place of an older one the broker does not have yet.
pub(super) fn publish_last(tx: &Tx<'_>, event: &Event, modem: &str) -> Result<(), StoreError> {
    tx.sql.prepare_cached("DELETE FROM outbox WHERE kind = 'last' AND modem = ?1")?.execute([modem])?;
    insert(tx, "last", Some(event), Some(modem), None, None)
}

/// Clears a retained topic that is no longer ours.
pub(super) fn clear(tx: &Tx<'_>, topic: &str) -> Result<(), StoreError> {
    keep(tx, topic)?;
    insert(tx, "clear", None, None, Some(topic), None)
}

/// Keeps a retained topic that is ours again, before the broker was told to clear it.
pub(super) fn keep(tx: &Tx<'_>, topic: &str) -> Result<(), StoreError> {
    tx.sql.prepare_cached("DELETE FROM outbox WHERE kind = 'clear' AND topic = ?1")?.execute([topic])?;
    Ok(())
}

fn insert(
    tx: &Tx<'_>,
    kind: &str,
    event: Option<&Event>,
    modem: Option<&str>,
    topic: Option<&str>,
    correlation: Option<&[u8]>,
) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached(
            "INSERT INTO outbox (kind, event, modem, topic, correlation) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((kind, event, modem, topic, correlation))?;
    tx.wake_outbox();
    Ok(())
}
