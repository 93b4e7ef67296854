//! What the store holds, for people; and how long it is kept.
//!
//! Reading goes by a connection of its own that cannot write, beside a running gateway.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::{OpenError, Store, StoreError, open_read_only};
use crate::message::UnixMs;

/// A reader of the store.
pub struct History(Connection);

/// Which entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// None older than this.
    pub since: UnixMs,
    /// Only messages from this sender.
    pub from: Option<String>,
    /// Only messages to this recipient.
    pub to: Option<String>,
}

/// One message, in or out.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When it was received or accepted.
    pub at: UnixMs,
    /// Whether it came in.
    pub incoming: bool,
    /// The sender or recipient.
    pub number: String,
    /// What was published of it: the whole message, or the last result.
    pub payload: serde_json::Value,
    /// What was sent, for an outgoing one.
    pub body: Option<serde_json::Value>,
}

impl History {
    /// Opens the store in `folder` for reading.
    pub fn open(folder: &Path) -> Result<History, OpenError> {
        open_read_only(folder).map(History)
    }

    /// Entries in the order of time.
    pub fn entries(&self, wanted: &Wanted) -> Result<Vec<Entry>, rusqlite::Error> {
        let mut entries = Vec::new();
        if wanted.to.is_none() {
            let mut select = self.0.prepare(
                "SELECT received_at, sender, payload FROM received
                 WHERE received_at >= ?1 AND (?2 IS NULL OR sender = ?2)",
            )?;
            let received = select.query_map((wanted.since, &wanted.from), |row| {
                Ok(Entry {
                    at: row.get(0)?,
                    incoming: true,
                    number: row.get(1)?,
                    payload: json(&row.get::<_, String>(2)?),
                    body: None,
                })
            })?;
            entries.extend(received.collect::<Result<Vec<_>, _>>()?);
        }
        if wanted.from.is_none() {
            let mut select = self.0.prepare(
                "SELECT r.accepted_at, m.recipient, m.last_result, r.body
                 FROM message m JOIN request r ON r.id = m.request_id
                 WHERE r.accepted_at >= ?1 AND (?2 IS NULL OR m.recipient = ?2)",
            )?;
            let sent = select.query_map((wanted.since, &wanted.to), |row| {
                Ok(Entry {
                    at: row.get(0)?,
                    incoming: false,
                    number: row.get(1)?,
                    payload: json(&row.get::<_, String>(2)?),
                    body: Some(json(&row.get::<_, String>(3)?)),
                })
            })?;
            entries.extend(sent.collect::<Result<Vec<_>, _>>()?);
        }
        entries.sort_by_key(|entry| entry.at);
        Ok(entries)
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_default()
}

impl Store {
    /// Forgets finished messages older than `keep`. What is still owed to anybody stays, however old.
    pub async fn forget(&self, now: UnixMs, keep: Duration) -> Result<(), StoreError> {
        let before = now - i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
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
