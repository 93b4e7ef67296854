//! Requests: stored before they are acknowledged to the broker, each once, with its first results.

use rusqlite::OptionalExtension as _;

use super::engine::{Store, Tx};
use super::error::StoreError;
use super::idle::Sendable;
use super::outbox;
use super::results::finish;
use crate::event::{Event, MessageState, ResultFields, SendResult};
use crate::failure::{Failure, FailureCode};
use crate::message::{UnixMs, new_id};
use crate::request::{Origin, Recipient, ReplyTo, Request, Source};

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// It is stored.
    New,
    /// The broker delivered the same PUBLISH again: nothing is sent, nothing is answered.
    Redelivered,
    /// Its id was stored before: its newest results are repeated, nothing is sent.
    Duplicate,
    /// Its id belongs to a request with other content.
    Conflict,
    /// Nothing of it may be sent: it is answered and not stored, so that its id is free.
    Refused,
}

impl Store {
    /// Stores a request with one message per recipient, and publishes their first results. Only after this may the
    /// request be acknowledged.
    pub async fn admit(&self, request: Request, now: UnixMs) -> Result<Admitted, StoreError> {
        self.write(move |tx| {
            if is_redelivery(tx, &request)? {
                return Ok(Admitted::Redelivered);
            }
            let is_refused = request.to.iter().all(|recipient| recipient.refusal.is_some());
            match stored_with_its_id(tx, &request)? {
                // Without an id of its own it takes nobody's, and its redelivery is to be recognised.
                None if is_refused && request.id.is_some() => {
                    refuse(tx, &request, now).map(|()| Admitted::Refused)
                }
                None => insert(tx, &request, now).map(|()| Admitted::New),
                Some((id, fingerprint)) if fingerprint == request.fingerprint => {
                    repeat(tx, &id, &request).map(|()| Admitted::Duplicate)
                }
                Some((id, _)) => reject_conflict(tx, &id, &request, now).map(|()| Admitted::Conflict),
            }
        })
        .await
    }

    /// Publishes results that belong to no stored request: a rejection, or the answers to a dry run. Where its id is
    /// that of another request, one is not final, for that one's results are.
    pub async fn publish_results(
        &self,
        results: Vec<SendResult>,
        reply_to: Option<ReplyTo>,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            let response = outbox::insert_response(tx, reply_to.as_ref())?;
            for result in &results {
                let is_known = match &result.id {
                    Some(id) => stored_with_id(tx, id)?.is_some(),
                    None => false,
                };
                let result = if is_known { conflicting(result.clone()) } else { result.clone() };
                outbox::publish_result(tx, result, response)?;
            }
            Ok(())
        })
        .await
    }

    /// The broker has seen our acknowledgements of all requests up to row `up_to`, and may use their packet ids for
    /// others: a redelivery can no longer mean one of them. Returns the newest row there is now.
    pub async fn settle_packet_ids(&self, up_to: i64) -> Result<i64, StoreError> {
        self.write(move |tx| {
            tx.sql
                .prepare_cached(
                    "UPDATE request INDEXED BY request_unsettled SET packet_id = NULL
                     WHERE packet_id IS NOT NULL AND row <= ?1",
                )?
                .execute([up_to])?;
            Ok(tx.sql.query_row("SELECT coalesce(max(row), 0) FROM request", [], |row| row.get(0))?)
        })
        .await
    }

    /// Cancels those messages of a request of which nothing was submitted; of the others it is said that it is too
    /// late, once for all where none can be cancelled. A request nobody knows here gets no answer: it may be another
    /// gateway's.
    pub async fn cancel(&self, id: String, now: UnixMs) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached(
                "SELECT id, recipient, contact, state, claimed_by IS NULL AND final = 0 AND state = 'accepted'
                   AND NOT EXISTS
                     (SELECT 1 FROM message_part p WHERE p.message_id = m.id AND (p.state <> 'queued' OR p.unknowns > 0))
                   AS is_untouched
                 FROM message m WHERE request_id = ?1",
            )?;
            let messages: Vec<(i64, String, Option<String>, MessageState, bool)> = select
                .query_map([&id], |row| {
                    let (to, contact) = (row.get("recipient")?, row.get("contact")?);
                    Ok((row.get("id")?, to, contact, row.get("state")?, row.get("is_untouched")?))
                })?
                .collect::<Result<_, _>>()?;
            let too_late = |to: Option<String>, contact, state, words: String| {
                let error = Some(Failure::permanent(FailureCode::TooLate, words));
                let fields = ResultFields { error, ..ResultFields::default() };
                SendResult { id: Some(id.clone()), to, contact, state, is_final: false, at: now, fields }
            };
            // The state is that of the message that has come least far.
            if let Some(state) = messages.iter().map(|(.., state, _)| *state).min()
                && messages.len() > 1
                && !messages.iter().any(|(.., is_untouched)| *is_untouched)
            {
                let words = format!("none of the {} messages of {id} can be cancelled any more", messages.len());
                return outbox::publish_result(tx, too_late(None, None, state, words), None);
            }
            for (message, to, contact, state, is_untouched) in messages {
                if is_untouched {
                    finish(tx, message, MessageState::Cancelled, ResultFields::default(), now)?;
                } else {
                    let words = format!("{id} to {to} is {} and can no longer be cancelled", state.as_str());
                    outbox::publish_result(tx, too_late(Some(to), contact, state, words), None)?;
                }
            }
            Ok(())
        })
        .await
    }
}

fn origin(request: &Request) -> Option<Origin> {
    match request.source {
        Source::Broker(origin) => Some(origin).filter(|origin| origin.packet_id != 0),
        Source::Rule => None,
    }
}

/// Whether the broker delivers a stored PUBLISH again because our acknowledgement was lost: its first answer is on its
/// way, and the caller has not asked again. A packet id names one PUBLISH only within an MQTT session, and only until
/// it is used again: hence the newest.
fn is_redelivery(tx: &Tx<'_>, request: &Request) -> Result<bool, StoreError> {
    let Some(origin) = origin(request).filter(|origin| origin.redelivered) else { return Ok(false) };
    let mut select = tx.sql.prepare_cached(
        "SELECT id, fingerprint FROM request WHERE packet_id = ?1 AND session = ?2 ORDER BY row DESC LIMIT 1",
    )?;
    let newest: Option<(String, String)> = select
        .query_row((origin.packet_id, origin.session), |row| Ok((row.get("id")?, row.get("fingerprint")?)))
        .optional()?;
    Ok(newest.is_some_and(|(id, fingerprint)| {
        fingerprint == request.fingerprint && request.id.as_ref().is_none_or(|asked| *asked == id)
    }))
}

/// The id and fingerprint of the stored request with the caller's id.
fn stored_with_its_id(tx: &Tx<'_>, request: &Request) -> Result<Option<(String, String)>, StoreError> {
    let Some(id) = &request.id else { return Ok(None) };
    Ok(stored_with_id(tx, id)?.map(|fingerprint| (id.clone(), fingerprint)))
}

/// The fingerprint of the stored request with this id.
fn stored_with_id(tx: &Tx<'_>, id: &str) -> Result<Option<String>, StoreError> {
    let mut select = tx.sql.prepare_cached("SELECT fingerprint FROM request WHERE id = ?1")?;
    Ok(select.query_row([id], |row| row.get(0)).optional()?)
}

/// A result under the id of another request: whoever waits for the end of that one must not take this for it.
fn conflicting(result: SendResult) -> SendResult {
    let fields = ResultFields { is_conflict: true, ..result.fields };
    SendResult { is_final: false, fields, ..result }
}

fn repeat(tx: &Tx<'_>, id: &str, request: &Request) -> Result<(), StoreError> {
    let response = outbox::insert_response(tx, request.reply_to.as_ref())?;
    let mut select = tx.sql.prepare_cached("SELECT result FROM message WHERE request_id = ?1")?;
    let results: Vec<Event> = select.query_map([id], |row| row.get("result"))?.collect::<Result<_, _>>()?;
    for event in results {
        let Event::Result(mut result) = event else { continue };
        result.fields.duplicate = true;
        result.fields.response_refused = request.response_refused;
        outbox::publish_result(tx, result, response)?;
    }
    Ok(())
}

fn reject_conflict(tx: &Tx<'_>, id: &str, request: &Request, now: UnixMs) -> Result<(), StoreError> {
    let words = "this id belongs to an earlier request with other content; use a new id";
    let response = outbox::insert_response(tx, request.reply_to.as_ref())?;
    for recipient in &request.to {
        let error = Some(Failure::permanent(FailureCode::IdConflict, words));
        let result = SendResult {
            id: Some(id.to_owned()),
            to: Some(recipient.number.clone()),
            contact: recipient.contact.clone(),
            state: MessageState::Rejected,
            is_final: true,
            at: now,
            fields: ResultFields { error, ..ResultFields::default() },
        };
        outbox::publish_result(tx, conflicting(result), response)?;
    }
    Ok(())
}

/// Answers a request of which nothing may be sent.
fn refuse(tx: &Tx<'_>, request: &Request, now: UnixMs) -> Result<(), StoreError> {
    let response = outbox::insert_response(tx, request.reply_to.as_ref())?;
    for recipient in &request.to {
        let result = first_result(request, request.id.as_deref(), recipient, now);
        outbox::publish_result(tx, result, response)?;
    }
    Ok(())
}

/// What a recipient is told first: accepted, or why not.
fn first_result(request: &Request, id: Option<&str>, recipient: &Recipient, now: UnixMs) -> SendResult {
    let refusal = &recipient.refusal;
    SendResult {
        id: id.map(str::to_owned),
        to: Some(recipient.number.clone()),
        contact: recipient.contact.clone(),
        state: if refusal.is_some() { MessageState::Rejected } else { MessageState::Accepted },
        is_final: refusal.is_some(),
        at: now,
        fields: ResultFields {
            parts: refusal.is_none().then_some(request.parts.into()),
            error: refusal.clone(),
            response_refused: request.response_refused,
            ..ResultFields::default()
        },
    }
}

/// Stores a request whose id is new.
pub(super) fn insert(tx: &Tx<'_>, request: &Request, now: UnixMs) -> Result<(), StoreError> {
    let id = request.id.clone().unwrap_or_else(new_id);
    let origin = origin(request);
    let response = outbox::insert_response(tx, request.reply_to.as_ref())?;
    tx.sql
        .prepare_cached(
            "INSERT INTO request (id, fingerprint, body, is_reply, response, packet_id, session, accepted_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            &id,
            &request.fingerprint,
            &request.body,
            request.source == Source::Rule,
            response,
            origin.map(|origin| origin.packet_id),
            origin.map(|origin| origin.session),
            now,
        ))?;
    for recipient in &request.to {
        let result = first_result(request, Some(&id), recipient, now);
        insert_message(tx, request, &id, response, result, now)?;
    }
    Ok(())
}

fn insert_message(
    tx: &Tx<'_>,
    request: &Request,
    id: &str,
    response: Option<i64>,
    result: SendResult,
    now: UnixMs,
) -> Result<(), StoreError> {
    let not_before = request.send_at.filter(|at| *at > now).unwrap_or(0);
    let reference = next_reference(tx, id, result.to.as_deref())?;
    tx.sql
        .prepare_cached(
            "INSERT INTO message (request_id, recipient, contact, state, final, modem, priority, delivery_report,
               not_before, expires_at, reference, parts, result, result_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute((
            id,
            &result.to,
            &result.contact,
            result.state,
            result.is_final,
            &request.modem,
            request.priority,
            request.delivery_report,
            not_before,
            request.expires_at,
            reference,
            request.parts,
            Event::Result(result.clone()),
            now,
        ))?;
    if !result.is_final {
        insert_parts(tx, tx.sql.last_insert_rowid(), request.parts)?;
        if not_before == 0 {
            tx.wake_modem(Sendable { modem: request.modem.clone(), sim: None, avoided_by: String::new() });
        }
    }
    outbox::publish_result(tx, result, response)
}

/// Stores the parts of a message, none of them submitted.
pub(super) fn insert_parts(tx: &Tx<'_>, message: i64, parts: u8) -> Result<(), StoreError> {
    let mut insert = tx
        .sql
        .prepare_cached("INSERT INTO message_part (message_id, sequence, state) VALUES (?1, ?2, 'queued')")?;
    for sequence in 1..=parts {
        insert.execute((message, sequence))?;
    }
    Ok(())
}

/// The next concatenation reference for a recipient, so that no phone joins parts of two messages. Where no earlier one
/// is known it differs from one request to the next.
pub(super) fn next_reference(
    tx: &Tx<'_>,
    request_id: &str,
    recipient: Option<&str>,
) -> Result<u8, StoreError> {
    let mut select = tx.sql.prepare_cached(
        "SELECT coalesce(
           (SELECT reference + 1 FROM message WHERE recipient = ?2 AND parts > 1 ORDER BY id DESC LIMIT 1),
           (SELECT row FROM request WHERE id = ?1)) & 255",
    )?;
    Ok(select.query_row((request_id, recipient), |row| row.get(0))?)
}
