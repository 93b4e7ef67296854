//! What became of one request or one received message so far, and what waits to be sent, for those who look at them.

use rusqlite::OptionalExtension as _;

use super::error::ReadError;
use super::history::History;
use crate::event::{Event, MessageState, Received, SendResult};
use crate::message::{Name, UnixMs};
use crate::pdu::DeliveryStatus;
use crate::request::Body;

/// The most waiting messages that are listed.
const MAX_WAITING: usize = 200;

/// A request and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestLife {
    /// When it was accepted.
    pub accepted_at: UnixMs,
    /// What is sent.
    pub body: Body,
    /// One a recipient.
    pub messages: Vec<MessageLife>,
}

/// A message to one recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageLife {
    /// Its newest result.
    pub result: SendResult,
    /// The only modem that may send it.
    pub modem: Option<Name>,
    /// 0 to 9; the highest goes first.
    pub priority: u8,
    /// Whether a delivery report is asked for.
    pub delivery_report: bool,
    /// Not sent before.
    pub not_before: Option<UnixMs>,
    /// When it is given up.
    pub expires_at: Option<UnixMs>,
    /// How often it was refused for now.
    pub attempts: u32,
    /// The modem that has it in hand.
    pub claimed_by: Option<Name>,
    /// When the network had accepted every part.
    pub sent_at: Option<UnixMs>,
    /// Its parts in order; none where nothing of it was to be sent.
    pub parts: Vec<PartLife>,
}

impl MessageLife {
    /// Whether nothing of it was submitted, so that it can be cancelled.
    pub fn is_untouched(&self) -> bool {
        let is_queued = |part: &PartLife| part.state == PartState::Queued && part.modem.is_none();
        self.result.state == MessageState::Accepted
            && !self.result.is_final
            && self.claimed_by.is_none()
            && self.parts.iter().all(is_queued)
    }
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct PartLife {
    /// From 1.
    pub sequence: u8,
    /// How far it is.
    pub state: PartState,
    /// The modem that submits or submitted it.
    pub modem: Option<Name>,
    /// When it was about to be submitted.
    pub submitted_at: Option<UnixMs>,
    /// The message reference the modem gave it (TP-MR).
    pub reference: Option<u8>,
    /// What a status report said.
    pub delivery: Option<DeliveryStatus>,
    /// The discharge time of that report, RFC 3339.
    pub discharged_at: Option<String>,
    /// The status of that report (TP-ST).
    pub tp_status: Option<u8>,
}

/// How far a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartState {
    /// It waits.
    Queued,
    /// The modem has it, or had it when the connection broke.
    Submitting,
    /// The network accepted it.
    Submitted,
}

/// A message that waits to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// The message; its parts are not read.
    pub message: MessageLife,
    /// What is sent.
    pub body: Body,
    /// Whether some of its parts may have gone out.
    pub is_begun: bool,
}

/// What waits to be sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Queue {
    /// In the order in which they would be sent.
    pub messages: Vec<Waiting>,
    /// Whether there are others behind them.
    pub has_more: bool,
}

impl History {
    /// A request and what became of it; none where there is none of this id.
    pub fn request(&self, id: &str) -> Result<Option<RequestLife>, ReadError> {
        let mut select = self.0.prepare("SELECT accepted_at, body FROM request WHERE id = ?1")?;
        let request = select
            .query_row([id], |row| {
                Ok(RequestLife {
                    accepted_at: row.get("accepted_at")?,
                    body: row.get("body")?,
                    messages: Vec::new(),
                })
            })
            .optional()?;
        let Some(mut request) = request else { return Ok(None) };
        let mut select = self.0.prepare(
            "SELECT id, modem, priority, delivery_report, not_before, expires_at, attempts, claimed_by, sent_at, result
             FROM message WHERE request_id = ?1",
        )?;
        let messages = select.query_map([id], |row| Ok((row.get("id")?, message(row)?)))?;
        for row in messages {
            let (row, mut message): (i64, MessageLife) = row?;
            message.parts = self.parts(row)?;
            request.messages.push(message);
        }
        Ok(Some(request))
    }

    fn parts(&self, message: i64) -> Result<Vec<PartLife>, rusqlite::Error> {
        let mut select = self.0.prepare_cached(
            "SELECT sequence, state, modem, submitted_at, mr, delivery_status, discharged_at, tp_status
             FROM message_part WHERE message_id = ?1 ORDER BY sequence",
        )?;
        let parts = select.query_map([message], |row| {
            let state: String = row.get("state")?;
            Ok(PartLife {
                sequence: row.get("sequence")?,
                state: match state.as_str() {
                    "queued" => PartState::Queued,
                    "submitting" => PartState::Submitting,
                    _ => PartState::Submitted,
                },
                modem: row.get("modem")?,
                submitted_at: row.get("submitted_at")?,
                reference: row.get("mr")?,
                delivery: row.get("delivery_status")?,
                discharged_at: row.get("discharged_at")?,
                tp_status: row.get("tp_status")?,
            })
        })?;
        parts.collect()
    }

    /// A received message, and whether the broker has it: none where its sender is denied, so that it never gets it.
    pub fn received_message(&self, id: &str) -> Result<Option<(Received, Option<bool>)>, ReadError> {
        let mut select = self.0.prepare(
            "SELECT event, outbox IS NOT NULL AS is_published,
               EXISTS (SELECT 1 FROM outbox o WHERE o.id = received.outbox) AS waits
             FROM received WHERE id = ?1",
        )?;
        let found = select
            .query_row([id], |row| Ok((row.get("event")?, row.get("is_published")?, row.get("waits")?)))
            .optional()?;
        let Some((Event::Received(received), is_published, waits)) = found else { return Ok(None) };
        let (is_published, waits): (bool, bool) = (is_published, waits);
        Ok(Some((received, is_published.then_some(!waits))))
    }

    /// What waits to be sent.
    pub fn queue(&self) -> Result<Queue, ReadError> {
        let mut select = self.0.prepare(
            "SELECT m.modem, m.priority, m.delivery_report, m.not_before, m.expires_at, m.attempts, m.claimed_by,
               m.sent_at, m.result, m.sim IS NOT NULL AS is_begun, r.body
             FROM (
               SELECT id FROM message WHERE claimed_by IS NOT NULL AND final = 0 AND state = 'accepted'
               UNION ALL
               SELECT id FROM message WHERE claimed_by IS NULL AND final = 0 AND state = 'accepted'
             ) waiting JOIN message m ON m.id = waiting.id JOIN request r ON r.id = m.request_id
             ORDER BY m.claimed_by IS NULL, m.not_before > 0, m.last, m.priority DESC, m.id LIMIT ?1",
        )?;
        let rows = select.query_map([MAX_WAITING as i64 + 1], |row| {
            let (body, is_begun) = (row.get("body")?, row.get("is_begun")?);
            Ok(Waiting { message: message(row)?, body, is_begun })
        })?;
        let mut messages = rows.collect::<Result<Vec<_>, _>>()?;
        let has_more = messages.len() > MAX_WAITING;
        messages.truncate(MAX_WAITING);
        Ok(Queue { messages, has_more })
    }
}

/// A message without its parts.
fn message(row: &rusqlite::Row<'_>) -> rusqlite::Result<MessageLife> {
    let Event::Result(result) = row.get("result")? else {
        return Err(rusqlite::Error::InvalidColumnName("result".to_owned()));
    };
    let not_before: UnixMs = row.get("not_before")?;
    Ok(MessageLife {
        result,
        modem: row.get("modem")?,
        priority: row.get("priority")?,
        delivery_report: row.get("delivery_report")?,
        not_before: (not_before > 0).then_some(not_before),
        expires_at: row.get("expires_at")?,
        attempts: row.get("attempts")?,
        claimed_by: row.get("claimed_by")?,
        sent_at: row.get("sent_at")?,
        parts: Vec::new(),
    })
}
