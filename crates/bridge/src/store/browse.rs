//! The messages of the store, newest first and a page at a time, for those who look at them.
//!
//! Both tables are read together, so that what was sent stands between what was received. A page begins where the one
//! before ended, whatever came since.

use std::iter::Peekable;
use std::str::FromStr;

use super::error::ReadError;
use super::history::{Entry, History, SentEntry, readable};
use crate::event::{Event, ReceivedContent};
use crate::message::UnixMs;
use crate::request::Content;

/// Rows that are looked at for one page; where few of many are wanted, the next page goes on behind them.
const MAX_LOOKED_AT: usize = 5000;

/// Which messages are wanted.
#[derive(Debug, Clone, Default)]
pub struct Browse {
    /// Only those behind this one: older.
    pub after: Option<Position>,
    /// Only those with this in their text, number, contact or id, in whatever case.
    pub search: Option<String>,
    /// Only those of one direction.
    pub direction: Option<Direction>,
    /// At most so many.
    pub limit: usize,
}

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It came in.
    In,
    /// It goes out.
    Out,
}

/// One message's place among all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// A received one: when, and its id.
    Received(UnixMs, String),
    /// One that goes out: when its request was accepted, and its row.
    Sent(UnixMs, i64),
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Position::Received(at, id) => write!(f, "in.{at}.{id}"),
            Position::Sent(at, row) => write!(f, "out.{at}.{row}"),
        }
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut fields = text.splitn(3, '.');
        let (Some(direction), Some(at), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(());
        };
        let at = at.parse().map_err(|_| ())?;
        match direction {
            "in" => Ok(Position::Received(at, key.to_owned())),
            "out" => Ok(Position::Sent(at, key.parse().map_err(|_| ())?)),
            _ => Err(()),
        }
    }
}

impl Position {
    /// Received messages behind it have a smaller time and id than this.
    fn received_bound(&self) -> (UnixMs, &str) {
        match self {
            Position::Received(at, id) => (*at, id),
            // Of the same time what was sent comes first.
            Position::Sent(at, _) => (at.saturating_add(1), ""),
        }
    }

    /// Messages that go out and are behind it have a smaller time and row than this.
    fn sent_bound(&self) -> (UnixMs, i64) {
        match self {
            Position::Received(at, _) => (*at, i64::MIN),
            Position::Sent(at, row) => (*at, *row),
        }
    }
}

/// Some messages.
#[derive(Debug, Default, PartialEq)]
pub struct Page {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Where there may be more, even if there is no entry here.
    pub next: Option<Position>,
}

impl History {
    /// The messages wanted. One that cannot be read is left out with a warning.
    pub fn browse(&self, browse: &Browse) -> Result<Page, ReadError> {
        let newest = Position::Sent(i64::MAX, i64::MAX);
        let after = browse.after.as_ref().unwrap_or(&newest);
        let is_wanted = |direction| browse.direction.is_none_or(|wanted| wanted == direction);
        let mut select = self.0.prepare(
            "SELECT id, received_at, event FROM received
             WHERE (received_at, id) < (?1, ?2) AND ?3 ORDER BY received_at DESC, id DESC",
        )?;
        let (at, id) = after.received_bound();
        let received = select.query_map((at, id, is_wanted(Direction::In)), |row| {
            let position = Position::Received(row.get("received_at")?, row.get("id")?);
            Ok((position, row.get("event").map(of_received)))
        })?;
        let mut select = self.0.prepare(
            "SELECT m.id, r.accepted_at, m.result, r.body FROM request r JOIN message m ON m.request_id = r.id
             WHERE r.accepted_at <= ?1 AND (r.accepted_at < ?1 OR m.id < ?2) AND ?3
             ORDER BY r.accepted_at DESC, m.id DESC",
        )?;
        let (at, row) = after.sent_bound();
        let sent = select.query_map((at, row, is_wanted(Direction::Out)), |row| {
            let at = row.get("accepted_at")?;
            let entry = row.get("result").and_then(|result| Ok(of_sent(at, result, row.get("body")?)));
            Ok((Position::Sent(at, row.get("id")?), entry))
        })?;
        let search = browse.search.as_ref().map(|search| search.to_lowercase());
        let mut page = Page::default();
        for (looked_at, row) in Merged(received.peekable(), sent.peekable()).enumerate() {
            if page.entries.len() == browse.limit || looked_at == MAX_LOOKED_AT {
                return Ok(page);
            }
            let (position, entry) = row?;
            page.next = Some(position);
            let entry = readable(entry).transpose()?.flatten();
            page.entries
                .extend(entry.filter(|entry| search.as_ref().is_none_or(|search| has(entry, search))));
        }
        page.next = None;
        Ok(page)
    }
}

type Row = rusqlite::Result<(Position, rusqlite::Result<Option<Entry>>)>;

/// Two lists of rows, each newest first, as one.
struct Merged<A: Iterator, B: Iterator>(Peekable<A>, Peekable<B>);

impl<A: Iterator<Item = Row>, B: Iterator<Item = Row>> Iterator for Merged<A, B> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let Merged(received, sent) = self;
        match (received.peek(), sent.peek()) {
            (
                Some(Ok((Position::Received(received_at, _), _))),
                Some(Ok((Position::Sent(sent_at, _), _))),
            ) => {
                if received_at > sent_at {
                    received.next()
                } else {
                    sent.next()
                }
            }
            (Some(_), None) | (Some(Err(_)), _) => received.next(),
            _ => sent.next(),
        }
    }
}

fn of_received(event: Event) -> Option<Entry> {
    match event {
        Event::Received(received) => Some(Entry::Received(received)),
        _ => None,
    }
}

fn of_sent(at: UnixMs, result: Event, body: crate::request::Body) -> Option<Entry> {
    match result {
        Event::Result(result) => Some(Entry::Sent(SentEntry { at, result, body })),
        _ => None,
    }
}

/// Whether what is searched for, in small letters, is in a message.
fn has(entry: &Entry, search: &str) -> bool {
    let texts = match entry {
        Entry::Received(received) => {
            let text = match &received.content {
                ReceivedContent::Message(message) => message.text.as_deref(),
                ReceivedContent::Undecodable(_) => None,
            };
            [Some(received.sender()), received.contact.as_deref(), Some(&received.id), text]
        }
        Entry::Sent(SentEntry { result, body, .. }) => {
            let text = match &body.content {
                Content::Text(text) => Some(text.as_str()),
                Content::Data { .. } => None,
            };
            [result.to.as_deref(), result.contact.as_deref(), result.id.as_deref(), text]
        }
    };
    texts.into_iter().flatten().any(|text| text.to_lowercase().contains(search))
}
