//! What is to be published: rows in order, deleted when the broker has acknowledged them.
//!
//! A row holds the event, not its topic and JSON: those are rendered when it is published. What the broker does not
//! take is in `parked`.

use rusqlite::OptionalExtension as _;

use super::engine::{Store, Tx};
use super::error::StoreError;
use super::hook_runs;
use crate::counts::Count;
use crate::event::{Event, QueueDepth, Received, SendResult};
use crate::log::EventLine;
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

/// How far the rows that wait were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    result: i64,
    other: i64,
}

impl Store {
    /// Rows behind `after` that wait, oldest first, and how far that reads: results behind all else, for one request
    /// may have many. Rows on which connections broke are [`Store::broken`].
    pub async fn pending(&self, after: Cursor, limit: usize) -> Result<(Vec<OutboxRow>, Cursor), StoreError> {
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached(
                "SELECT id, kind, event, topic, response_topic, correlation FROM outbox_row
                 WHERE parked = 0 AND breaks = 0 AND is_result = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            )?;
            let mut read = |is_result: bool, after: i64, limit: usize| -> rusqlite::Result<Vec<OutboxRow>> {
                select.query_map((is_result, after, limit as i64), read_row)?.collect()
            };
            let mut rows = read(false, after.other, limit)?;
            let results = read(true, after.result, limit - rows.len())?;
            let end = |rows: &[OutboxRow], before| rows.last().map_or(before, |row: &OutboxRow| row.id);
            let cursor = Cursor { other: end(&rows, after.other), result: end(&results, after.result) };
            rows.extend(results);
            Ok((rows, cursor))
        })
        .await
    }

    /// The first row on which a connection broke, and which is not parked.
    pub async fn broken(&self) -> Result<Option<OutboxRow>, StoreError> {
        self.write(|tx| {
            let mut select = tx.sql.prepare_cached(
                "SELECT id, kind, event, topic, response_topic, correlation FROM outbox_row
                 WHERE parked = 0 AND breaks > 0 ORDER BY id LIMIT 1",
            )?;
            Ok(select.query_row([], read_row).optional()?)
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

    /// Publishes an event that belongs to no row, and runs its hooks.
    pub async fn publish(&self, event: Event) -> Result<(), StoreError> {
        self.write(move |tx| publish(tx, &event).map(drop)).await
    }
}

pub(super) fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<OutboxRow> {
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
            let reply_to =
                ReplyTo { topic: row.get("response_topic")?, correlation: row.get("correlation")? };
            Ok(Publication::Reply(result, reply_to))
        }
        ("clear", None) => Ok(Publication::Clear { topic: row.get("topic")? }),
        _ => Err(mismatch()),
    }
}

/// Publishes an event, runs its hooks, says it in the log and to those who watch; returns its row.
pub(super) fn publish(tx: &Tx<'_>, event: &Event) -> Result<i64, StoreError> {
    tx.log(EventLine::of(event));
    tx.count(Count::of(event));
    tx.tell(event);
    insert(tx, "event", Some(event), None, None, None)?;
    let row = tx.sql.last_insert_rowid();
    hook_runs::enqueue(tx, event)?;
    Ok(row)
}

/// Publishes a result, and a copy for the caller who asked for one in a row of `response`.
pub(super) fn publish_result(
    tx: &Tx<'_>,
    result: SendResult,
    response: Option<i64>,
) -> Result<(), StoreError> {
    let event = Event::Result(result);
    publish(tx, &event)?;
    match response {
        Some(response) => insert(tx, "reply", Some(&event), None, None, Some(response)),
        None => Ok(()),
    }
}

/// Stores where a caller wants copies of results; returns the row.
pub(super) fn insert_response(tx: &Tx<'_>, reply_to: Option<&ReplyTo>) -> Result<Option<i64>, StoreError> {
    let Some(ReplyTo { topic, correlation }) = reply_to else { return Ok(None) };
    tx.sql
        .prepare_cached("INSERT INTO response (topic, correlation) VALUES (?1, ?2)")?
        .execute((topic, correlation))?;
    Ok(Some(tx.sql.last_insert_rowid()))
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
    response: Option<i64>,
) -> Result<(), StoreError> {
    let is_result = matches!(event, Some(Event::Result(_)));
    tx.sql
        .prepare_cached(
            "INSERT INTO outbox (kind, event, modem, topic, response, is_result) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((kind, event, modem, topic, response, is_result))?;
    tx.wake_outbox();
    Ok(())
}
