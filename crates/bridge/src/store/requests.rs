//! Requests: stored before they are acknowledged to the broker, each once, with its first results.

use rusqlite::OptionalExtension as _;

use super::{Store, StoreError, Tx, outbox};
use crate::message::{Details, Failure, Outcome, Request, ResponseTopic, State, UnixMs, new_id};
use crate::payload;

/// How a request reached us; tells a redelivery from a new one.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// The PUBLISH's packet id; 0 at QoS 0.
    pub packet_id: u16,
    /// Its DUP flag.
    pub redelivered: bool,
    /// The MQTT session it came in.
    pub session: i64,
}

impl Origin {
    /// A request of our own, not from the broker.
    pub(super) const OURS: Origin = Origin { packet_id: 0, redelivered: false, session: 0 };
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// It is stored.
    New,
    /// The broker handed the same PUBLISH over once more: nothing is sent and nothing answered.
    Redelivered,
    /// Its id was stored before: its last results are repeated, nothing is sent.
    Duplicate,
    /// Its id belongs to a request with other content.
    Conflict,
}

impl Store {
    /// Stores a request with one message per recipient, and owes the broker their first results. Only after this may
    /// the request be acknowledged.
    pub async fn admit(&self, request: Request, origin: Origin, now: UnixMs) -> Result<Admitted, StoreError> {
        self.write(move |tx| {
            if is_redelivery(tx, &request, origin)? {
                return Ok(Admitted::Redelivered);
            }
            if let Some((id, content)) = stored_under_its_id(tx, &request)? {
                return match content == request.content {
                    true => repeat(tx, &id, request.respond_to.as_ref()).map(|()| Admitted::Duplicate),
                    false => conflict(tx, &id, &request, now).map(|()| Admitted::Conflict),
                };
            }
            insert(tx, &request, origin, now).map(|()| Admitted::New)
        })
        .await
    }

    /// The broker has surely heard our acknowledgements of all requests up to row `up_to`, and uses their packet ids
    /// for others: a redelivery can no longer mean one of them. Tells the newest row there is now.
    pub async fn packet_ids_settled(&self, up_to: i64) -> Result<i64, StoreError> {
        self.write(move |tx| {
            tx.sql
                .prepare_cached(
                    "UPDATE request SET packet_id = NULL WHERE packet_id IS NOT NULL AND row <= ?1",
                )?
                .execute([up_to])?;
            Ok(tx.sql.query_row("SELECT coalesce(max(row), 0) FROM request", [], |row| row.get(0))?)
        })
        .await
    }

    /// Withdraws what of a request is not yet on air. A request nobody knows here gets no answer: it may be
    /// another gateway's.
    pub async fn cancel(&self, id: String, now: UnixMs) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached(
                "SELECT id, recipient, state, claimed_by IS NULL AND final = 0 AND state = 'accepted'
                   AND NOT EXISTS
                     (SELECT 1 FROM message_part p WHERE p.message_id = m.id AND (p.state <> 'queued' OR p.unknowns > 0))
                 FROM message m WHERE request_id = ?1",
            )?;
            let messages: Vec<(i64, String, String, bool)> = select
                .query_map([&id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                .collect::<Result<_, _>>()?;
            for (message, to, state, withdrawable) in messages {
                if withdrawable {
                    finish(tx, message, State::Cancelled, Details::default(), now)?;
                } else {
                    let state = state_from(&state);
                    let why = Failure::permanent("too-late", format!("{id} to {to} is {state} and cannot be withdrawn"));
                    let details = Details { error: Some(why), ..Details::default() };
                    let outcome = Outcome { id: Some(id.clone()), to: Some(to), state, is_final: false, at: now, details };
                    outbox::owe_result(tx, &payload::result(&outcome), None)?;
                }
            }
            Ok(())
        })
        .await
    }
}

/// Whether the broker hands over a stored PUBLISH once more, our acknowledgement having been lost: its first answer is
/// on its way, and the caller has not asked again. A packet id names one PUBLISH only within an MQTT session, and only
/// until it is used again: hence the newest.
fn is_redelivery(tx: &Tx<'_>, request: &Request, origin: Origin) -> Result<bool, StoreError> {
    if !origin.redelivered || origin.packet_id == 0 {
        return Ok(false);
    }
    let mut select = tx.sql.prepare_cached(
        "SELECT id, content FROM request WHERE packet_id = ?1 AND session = ?2 ORDER BY row DESC LIMIT 1",
    )?;
    let newest: Option<(String, String)> = select
        .query_row((origin.packet_id, origin.session), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(newest.is_some_and(|(id, content)| {
        content == request.content && request.id.as_ref().is_none_or(|asked| *asked == id)
    }))
}

/// The stored request with the caller's id: that id and its content.
fn stored_under_its_id(tx: &Tx<'_>, request: &Request) -> Result<Option<(String, String)>, StoreError> {
    let Some(id) = &request.id else { return Ok(None) };
    let mut select = tx.sql.prepare_cached("SELECT id, content FROM request WHERE id = ?1")?;
    Ok(select.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn repeat(tx: &Tx<'_>, id: &str, respond_to: Option<&ResponseTopic>) -> Result<(), StoreError> {
    let mut select =
        tx.sql.prepare_cached("SELECT last_result FROM message WHERE request_id = ?1 ORDER BY id")?;
    let results: Vec<String> = select.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
    results.iter().try_for_each(|result| outbox::owe_result(tx, &payload::repeated(result), respond_to))
}

fn conflict(tx: &Tx<'_>, id: &str, request: &Request, now: UnixMs) -> Result<(), StoreError> {
    let why = "this id belongs to an earlier request with other content; use a new id";
    for (to, _) in &request.to {
        let details = Details { error: Some(Failure::permanent("id-conflict", why)), ..Details::default() };
        let outcome = Outcome {
            id: Some(id.to_owned()),
            to: Some(to.clone()),
            state: State::Rejected,
            is_final: true,
            at: now,
            details,
        };
        outbox::owe_result(tx, &payload::result(&outcome), request.respond_to.as_ref())?;
    }
    Ok(())
}

pub(super) fn insert(tx: &Tx<'_>, request: &Request, origin: Origin, now: UnixMs) -> Result<(), StoreError> {
    let id = request.id.clone().unwrap_or_else(new_id);
    let (topic, correlation) = match &request.respond_to {
        Some(ResponseTopic { topic, correlation }) => (Some(topic), correlation.as_ref()),
        None => (None, None),
    };
    let by_packet = origin.packet_id != 0;
    tx.sql
        .prepare_cached(
            "INSERT INTO request (id, content, body, respond_to, correlation, packet_id, session, accepted_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            &id,
            &request.content,
            payload::json(&request.body),
            topic,
            correlation,
            by_packet.then_some(origin.packet_id),
            by_packet.then_some(origin.session),
            now,
        ))?;
    for (to, refusal) in &request.to {
        let details = Details {
            parts: refusal.is_none().then_some(request.parts.into()),
            error: refusal.clone(),
            ..Details::default()
        };
        let outcome = Outcome {
            id: Some(id.clone()),
            to: Some(to.clone()),
            state: if refusal.is_some() { State::Rejected } else { State::Accepted },
            is_final: refusal.is_some(),
            at: now,
            details,
        };
        insert_message(tx, request, &id, &outcome, now)?;
    }
    tx.wake_queue();
    Ok(())
}

fn insert_message(
    tx: &Tx<'_>,
    request: &Request,
    id: &str,
    outcome: &Outcome,
    now: UnixMs,
) -> Result<(), StoreError> {
    let result = payload::result(outcome);
    tx.sql
        .prepare_cached(
            "INSERT INTO message (request_id, recipient, state, final, modem, priority, delivery_report, not_before,
               expires_at, reference, parts, last_result)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
               (SELECT coalesce(max(id), 0) + 1 FROM message) & 255, ?10, ?11)",
        )?
        .execute((
            id,
            &outcome.to,
            outcome.state.as_str(),
            outcome.is_final,
            request.modem.as_ref().map(|m| m.as_str()),
            request.priority,
            request.delivery_report,
            request.send_at.unwrap_or(now),
            request.expires_at,
            request.parts,
            &result,
        ))?;
    if !outcome.is_final {
        let message = tx.sql.last_insert_rowid();
        let mut part = tx.sql.prepare_cached(
            "INSERT INTO message_part (message_id, sequence, state) VALUES (?1, ?2, 'queued')",
        )?;
        for sequence in 1..=request.parts {
            part.execute((message, sequence))?;
        }
    }
    outbox::owe_result(tx, &result, request.respond_to.as_ref())
}

/// Ends a message: its last state, and the one final result it will ever have.
pub(super) fn finish(
    tx: &Tx<'_>,
    message: i64,
    state: State,
    details: Details,
    now: UnixMs,
) -> Result<(), StoreError> {
    step(tx, message, state, true, details, now)
}

/// Moves a message to a state and owes the broker the result that says so.
pub(super) fn step(
    tx: &Tx<'_>,
    message: i64,
    state: State,
    is_final: bool,
    details: Details,
    now: UnixMs,
) -> Result<(), StoreError> {
    let mut select = tx.sql.prepare_cached(
        "SELECT m.request_id, m.recipient, r.respond_to, r.correlation
         FROM message m JOIN request r ON r.id = m.request_id WHERE m.id = ?1",
    )?;
    let (id, to, topic, correlation) = select.query_row([message], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, Option<String>>(2)?,
            row.get(3)?,
        ))
    })?;
    let outcome = Outcome { id: Some(id), to: Some(to), state, is_final, at: now, details };
    let result = payload::result(&outcome);
    tx.sql
        .prepare_cached(
            "UPDATE message SET state = ?2, final = ?3, last_result = ?4,
               claimed_by = CASE WHEN ?3 THEN NULL ELSE claimed_by END WHERE id = ?1",
        )?
        .execute((message, state.as_str(), is_final, &result))?;
    let respond_to = topic.map(|topic| ResponseTopic { topic, correlation });
    outbox::owe_result(tx, &result, respond_to.as_ref())
}

fn state_from(text: &str) -> State {
    [
        State::Accepted,
        State::Sent,
        State::Delivered,
        State::Failed,
        State::Rejected,
        State::Expired,
        State::Cancelled,
    ]
    .into_iter()
    .find(|state| state.as_str() == text)
    .unwrap_or(State::Unknown)
}
