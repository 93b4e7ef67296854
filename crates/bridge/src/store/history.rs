//! What the store holds, for people.
//!
//! Reads through a connection of its own that cannot write, beside a running gateway.

use std::path::Path;

use rusqlite::Connection;

use super::error::OpenError;
use super::file;
use super::person::Person;
use crate::event::{Event, Received, SendResult};
use crate::message::UnixMs;
use crate::request::Body;

/// How much of the file is kept in memory while it is read.
const CACHE_KIB: i64 = 256;

/// A reader of the store.
pub struct History(pub(super) Connection);

/// Which messages are wanted.
#[derive(Debug, Clone, Default)]
pub struct HistoryFilter {
    /// None older than this.
    pub since: UnixMs,
    /// Only messages from them.
    pub from: Option<Person>,
    /// Only messages to them.
    pub to: Option<Person>,
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A message that came in.
    Received(Received),
    /// A message to one recipient of a request.
    Sent(SentEntry),
}

/// A message to one recipient of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct SentEntry {
    /// When the request was accepted.
    pub at: UnixMs,
    /// Its newest result.
    pub result: SendResult,
    /// What was to be sent.
    pub body: Body,
}

impl Entry {
    /// When the message was received or accepted.
    pub fn at(&self) -> UnixMs {
        match self {
            Entry::Received(received) => received.received_at,
            Entry::Sent(sent) => sent.at,
        }
    }
}

impl History {
    /// Opens the store in `folder` for reading.
    pub fn open(folder: &Path) -> Result<History, OpenError> {
        let connection = file::open_read_only(folder)?;
        // A few reads need no more of it at hand.
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        Ok(History(connection))
    }

    /// The messages wanted, in the order of time. One that cannot be read is left out with a warning.
    pub fn entries(&self, filter: &HistoryFilter) -> Result<Vec<Entry>, rusqlite::Error> {
        let mut entries = Vec::new();
        if filter.to.is_none() {
            entries.extend(self.received(filter)?);
        }
        if filter.from.is_none() {
            entries.extend(self.sent(filter)?);
        }
        entries.sort_by_key(Entry::at);
        Ok(entries)
    }

    fn received(&self, filter: &HistoryFilter) -> Result<Vec<Entry>, rusqlite::Error> {
        let mut select = self.0.prepare(
            "SELECT event FROM received
             WHERE received_at >= ?1 AND (?2 IS NULL OR sender = ?2 OR substr(sender, -length(?3)) = ?3)",
        )?;
        let (written, tail) = filter.from.as_ref().and_then(Person::spelling).unzip();
        let is_wanted = |event: &Event| filter.from.as_ref().is_none_or(|person| person.is_in(event));
        let events = select.query_map((filter.since, written, tail), |row| row.get("event"))?;
        let received = events.filter_map(readable).filter_map(|event| match event {
            Ok(event) if !is_wanted(&event) => None,
            Ok(Event::Received(received)) => Some(Ok(Entry::Received(received))),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        });
        received.collect()
    }

    fn sent(&self, filter: &HistoryFilter) -> Result<Vec<Entry>, rusqlite::Error> {
        let mut select = self.0.prepare(
            "SELECT r.accepted_at, m.result, r.body FROM message m JOIN request r ON r.id = m.request_id
             WHERE r.accepted_at >= ?1 AND (?2 IS NULL OR m.recipient = ?2 OR substr(m.recipient, -length(?3)) = ?3)",
        )?;
        let (written, tail) = filter.to.as_ref().and_then(Person::spelling).unzip();
        let is_wanted = |event: &Event| filter.to.as_ref().is_none_or(|person| person.is_in(event));
        let rows = select.query_map((filter.since, written, tail), |row| {
            Ok((row.get("accepted_at")?, row.get("result")?, row.get("body")?))
        })?;
        let sent = rows.filter_map(readable).filter_map(|row| match row {
            Ok((_, event, _)) if !is_wanted(&event) => None,
            Ok((at, Event::Result(result), body)) => Some(Ok(Entry::Sent(SentEntry { at, result, body }))),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        });
        sent.collect()
    }
}

/// Leaves out a row with a column that cannot be read; SQLite's own errors stay.
pub(super) fn readable<T>(row: rusqlite::Result<T>) -> Option<rusqlite::Result<T>> {
    match row {
        Err(error @ rusqlite::Error::FromSqlConversionFailure(..)) => {
            tracing::warn!("a message cannot be read: {error}");
            None
        }
        row => Some(row),
    }
}
