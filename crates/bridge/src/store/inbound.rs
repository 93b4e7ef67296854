//! Incoming messages: a PDU becomes a stored part, and parts become a message, in one transaction.
//!
//! A slot is known here from before its deletion until after it, so that a PDU found twice is one message
//! (docs/architecture.md, "the instant of kill -9"). Nothing is dropped: what cannot be decoded is published as such.

use std::time::Duration;

use rusqlite::OptionalExtension as _;

use super::requests::{self, Origin};
use super::{Store, StoreError, Tx, hooks, name, outbox};
use crate::clock;
use crate::config::Event;
use crate::hooks::gammu_environment;
use crate::message::{
    Arrival, Body, Content, Encoding, Outgoing, Readable, Received, Request, Sim, Slot, UnixMs, new_id,
};
use crate::number;
use crate::payload;
use crate::policy;
use crate::rules::{self, Match};
use crate::sms::{self, Part, Place, Reading};

/// Parts of one message carry time stamps this near to each other, however late they arrive.
const SAME_SET_S: i64 = 15 * 60;

/// How long the network repeats a PDU that was not acknowledged to it.
const REPEATS_WITHIN_MS: i64 = 15 * 60 * 1000;

/// What became of an arrived PDU. In every case its slot may now be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It was stored before: only its slot is still there.
    Known,
    /// A part of a message that is not whole yet.
    Waiting,
    /// It made this message whole.
    Whole(String),
    /// A status report.
    Report,
}

impl Store {
    /// Stores an arrived PDU and what follows from it.
    pub async fn accept(&self, arrival: Arrival) -> Result<Accepted, StoreError> {
        let reading = sms::read(&arrival.pdu);
        if let Reading::Part(Part { sent_at: Some(seconds), .. }) = &reading {
            clock::witness(*seconds);
        }
        self.write(move |tx| {
            if is_known(tx, &arrival)? {
                return Ok(Accepted::Known);
            }
            match &reading {
                Reading::Part(part) => match part.place {
                    Some(place) => accept_part(tx, &arrival, part, place),
                    None => give_out(tx, &arrival, vec![arrival.pdu.clone()], None),
                },
                Reading::Report(report) => {
                    super::reports::accept(tx, &arrival.sim, report, arrival.received_at)?;
                    Ok(Accepted::Report)
                }
                Reading::Undecodable(why) => give_out_undecodable(tx, &arrival, why),
            }
        })
        .await
    }

    /// These slots have been deleted in the modem.
    pub async fn slots_cleared(&self, sim: Sim, slots: Vec<Slot>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut delete =
                tx.sql.prepare_cached("DELETE FROM slot WHERE sim = ?1 AND storage = ?2 AND slot = ?3")?;
            for slot in &slots {
                delete.execute((&sim, &slot.storage, slot.index))?;
            }
            Ok(())
        })
        .await
    }

    /// These storages of a SIM were listed whole and hold just these slots: any other of theirs we still know was
    /// deleted before we could write it down.
    pub async fn swept(&self, sim: Sim, storages: Vec<String>, found: Vec<Slot>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached("SELECT storage, slot FROM slot WHERE sim = ?1")?;
            let known: Vec<Slot> = select
                .query_map([&sim], |row| Ok(Slot { storage: row.get(0)?, index: row.get(1)? }))?
                .collect::<Result<_, _>>()?;
            let mut delete =
                tx.sql.prepare_cached("DELETE FROM slot WHERE sim = ?1 AND storage = ?2 AND slot = ?3")?;
            for gone in known.iter().filter(|slot| storages.contains(&slot.storage) && !found.contains(slot))
            {
                delete.execute((&sim, &gone.storage, gone.index))?;
            }
            Ok(())
        })
        .await
    }

    /// Gives out what came of messages whose other parts did not come in time; says how many.
    pub async fn give_out_incomplete(&self, now: UnixMs, timeout: Duration) -> Result<usize, StoreError> {
        let before = now - i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached(
                "SELECT id, modem, sim, last_at FROM part_set WHERE message_id IS NULL AND last_at <= ?1 LIMIT 100",
            )?;
            let sets: Vec<(i64, String, String, UnixMs)> = select
                .query_map([before], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                .collect::<Result<_, _>>()?;
            for (set, modem, sim, last_at) in &sets {
                let pdus = pdus_of(tx, *set)?;
                let arrival = Arrival {
                    modem: name(modem)?,
                    sim: sim.clone(),
                    slot: None,
                    pdu: pdus.last().cloned().unwrap_or_default(),
                    received_at: *last_at,
                };
                if let Accepted::Whole(id) = give_out(tx, &arrival, pdus, None)? {
                    close_set(tx, *set, &id)?;
                }
            }
            Ok(sets.len())
        })
        .await
    }
}

/// Whether this PDU was stored before, and writes its slot down if not. In one sweep the same octets in two storages
/// are one message that the modem lists twice; in two slots of one storage they are two messages.
fn is_known(tx: &Tx<'_>, arrival: &Arrival) -> Result<bool, StoreError> {
    let Some(slot) = &arrival.slot else { return is_repetition(tx, arrival) };
    let here: Option<String> = tx
        .sql
        .prepare_cached("SELECT pdu FROM slot WHERE sim = ?1 AND storage = ?2 AND slot = ?3")?
        .query_row((&arrival.sim, &slot.storage, slot.index), |row| row.get(0))
        .optional()?;
    if here.as_ref() == Some(&arrival.pdu) {
        return Ok(true);
    }
    let elsewhere: Option<i64> = tx
        .sql
        .prepare_cached("SELECT 1 FROM slot WHERE sim = ?1 AND storage <> ?2 AND pdu = ?3 LIMIT 1")?
        .query_row((&arrival.sim, &slot.storage, &arrival.pdu), |row| row.get(0))
        .optional()?;
    tx.sql
        .prepare_cached("INSERT OR REPLACE INTO slot (sim, storage, slot, pdu) VALUES (?1, ?2, ?3, ?4)")?
        .execute((&arrival.sim, &slot.storage, slot.index, &arrival.pdu))?;
    Ok(elsewhere.is_some())
}

/// A PDU handed over directly comes again when its acknowledgement was lost.
fn is_repetition(tx: &Tx<'_>, arrival: &Arrival) -> Result<bool, StoreError> {
    tx.sql
        .prepare_cached("DELETE FROM direct WHERE at < ?1")?
        .execute([arrival.received_at - REPEATS_WITHIN_MS])?;
    let added = tx
        .sql
        .prepare_cached("INSERT OR IGNORE INTO direct (sim, pdu, at) VALUES (?1, ?2, ?3)")?
        .execute((&arrival.sim, &arrival.pdu, arrival.received_at))?;
    Ok(added == 0)
}

struct Set {
    id: i64,
    message_id: Option<String>,
    /// The PDU already held for the arriving sequence number.
    same_place: Option<String>,
}

fn accept_part(tx: &Tx<'_>, arrival: &Arrival, part: &Part, place: Place) -> Result<Accepted, StoreError> {
    for set in sets_for(tx, arrival, part, place)? {
        match (&set.same_place, &set.message_id) {
            // The network's repetition of a part we hold.
            (Some(pdu), _) if *pdu == arrival.pdu => return Ok(Accepted::Waiting),
            // Another message with the same reference: the old set waits for its time, or is done.
            (Some(_), _) => {}
            (None, Some(given_out)) => {
                hold(tx, set.id, place, arrival)?;
                return give_out(tx, arrival, vec![arrival.pdu.clone()], Some(given_out.clone()));
            }
            (None, None) => {
                hold(tx, set.id, place, arrival)?;
                let pdus = pdus_of(tx, set.id)?;
                if pdus.len() < usize::from(place.total) {
                    return Ok(Accepted::Waiting);
                }
                let accepted = give_out(tx, arrival, pdus, None)?;
                if let Accepted::Whole(id) = &accepted {
                    close_set(tx, set.id, id)?;
                }
                return Ok(accepted);
            }
        }
    }
    tx.sql
        .prepare_cached(
            "INSERT INTO part_set (modem, sim, sender, reference, wide, total, first_sent_at, last_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            arrival.modem.as_str(),
            &arrival.sim,
            &part.from,
            place.reference,
            place.wide,
            place.total,
            part.sent_at,
            arrival.received_at,
        ))?;
    hold(tx, tx.sql.last_insert_rowid(), place, arrival)?;
    Ok(Accepted::Waiting)
}

/// Sets the part may belong to, the newest first.
fn sets_for(tx: &Tx<'_>, arrival: &Arrival, part: &Part, place: Place) -> Result<Vec<Set>, StoreError> {
    let mut select = tx.sql.prepare_cached(
        "SELECT s.id, s.message_id, p.pdu FROM part_set s
         LEFT JOIN part p ON p.set_id = s.id AND p.sequence = ?6
         WHERE s.sim = ?1 AND s.sender = ?2 AND s.reference = ?3 AND s.wide = ?4 AND s.total = ?5
           AND abs(coalesce(s.first_sent_at, ?7, 0) - coalesce(?7, s.first_sent_at, 0)) <= ?8
         ORDER BY abs(coalesce(s.first_sent_at, ?7, 0) - coalesce(?7, s.first_sent_at, 0)), s.id DESC",
    )?;
    let key = (
        &arrival.sim,
        &part.from,
        place.reference,
        place.wide,
        place.total,
        place.sequence,
        part.sent_at,
        SAME_SET_S,
    );
    let sets = select
        .query_map(key, |row| Ok(Set { id: row.get(0)?, message_id: row.get(1)?, same_place: row.get(2)? }))?
        .collect::<Result<_, _>>()?;
    Ok(sets)
}

fn hold(tx: &Tx<'_>, set: i64, place: Place, arrival: &Arrival) -> Result<(), StoreError> {
    tx.sql.prepare_cached("INSERT INTO part (set_id, sequence, pdu) VALUES (?1, ?2, ?3)")?.execute((
        set,
        place.sequence,
        &arrival.pdu,
    ))?;
    tx.sql
        .prepare_cached("UPDATE part_set SET last_at = ?2 WHERE id = ?1")?
        .execute((set, arrival.received_at))?;
    Ok(())
}

fn close_set(tx: &Tx<'_>, set: i64, message_id: &str) -> Result<(), StoreError> {
    tx.sql.prepare_cached("UPDATE part_set SET message_id = ?2 WHERE id = ?1")?.execute((set, message_id))?;
    Ok(())
}

fn pdus_of(tx: &Tx<'_>, set: i64) -> Result<Vec<String>, StoreError> {
    let mut select = tx.sql.prepare_cached("SELECT pdu FROM part WHERE set_id = ?1 ORDER BY sequence")?;
    let pdus = select.query_map([set], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(pdus)
}

/// Makes the message of these PDUs and owes it to the broker.
fn give_out(
    tx: &Tx<'_>,
    arrival: &Arrival,
    pdus: Vec<String>,
    late_for: Option<String>,
) -> Result<Accepted, StoreError> {
    match sms::assemble(&pdus) {
        Ok(readable) => {
            let sender = readable.from.clone();
            publish(tx, arrival, &sender, Content::Readable(Readable { late_for, ..readable }), pdus)
        }
        Err(why) => publish(tx, arrival, "", Content::Undecodable(why), pdus),
    }
}

fn give_out_undecodable(tx: &Tx<'_>, arrival: &Arrival, why: &str) -> Result<Accepted, StoreError> {
    publish(tx, arrival, "", Content::Undecodable(why.to_owned()), vec![arrival.pdu.clone()])
}

fn publish(
    tx: &Tx<'_>,
    arrival: &Arrival,
    sender: &str,
    content: Content,
    pdus: Vec<String>,
) -> Result<Accepted, StoreError> {
    let id = new_id();
    let message = Received {
        id: id.clone(),
        modem: arrival.modem.clone(),
        received_at: arrival.received_at,
        content,
        pdus,
    };
    let found = whole_text(&message.content).and_then(|text| rules::first_match(&tx.rules.rules, text));
    let payload = payload::received(&message, found.as_ref(), tx.rules.inbound.include_pdu);
    tx.sql
        .prepare_cached(
            "INSERT INTO received (id, modem, sender, received_at, payload) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((&id, message.modem.as_str(), sender, message.received_at, &payload))?;
    if !number::any_matches(&tx.rules.inbound.deny, sender) {
        outbox::owe(tx, &tx.rules.topics.received(&message.modem), &payload)?;
        if tx.rules.retain_last {
            outbox::owe_latest(tx, &tx.rules.topics.last(&message.modem), &payload)?;
        }
        hooks::owe_runs(tx, Event::Received, &payload, || {
            gammu_environment(
                message.modem.as_str(),
                &sms::in_detail(&message.pdus),
                whole_text(&message.content),
            )
        })?;
        if let Some(found) = found {
            answer(tx, &message, sender, found)?;
        }
    }
    Ok(Accepted::Whole(id))
}

/// The text of a message that is all there.
fn whole_text(content: &Content) -> Option<&str> {
    match content {
        Content::Readable(Readable { text: Some(text), missing, late_for: None, .. })
            if missing.is_empty() =>
        {
            Some(text)
        }
        _ => None,
    }
}

/// Stores a rule's reply beside the message it answers: both are there or neither. Two gateways that answer each other
/// are stopped by the limit a rule has for each sender.
fn answer(tx: &Tx<'_>, message: &Received, sender: &str, found: Match) -> Result<(), StoreError> {
    let Some(text) = found.reply.filter(|_| rules::may_answer(sender)) else { return Ok(()) };
    let Ok(to) = number::normalise(sender, &tx.rules.outbound.default_country) else { return Ok(()) };
    let hour_ago = message.received_at - 3_600_000;
    let answered: u32 = tx
        .sql
        .prepare_cached(
            "SELECT count(*) FROM message m JOIN request r ON r.id = m.request_id
             WHERE m.recipient = ?1 AND r.accepted_at > ?2 AND r.content = ''",
        )?
        .query_row((&to, hour_ago), |row| row.get(0))?;
    if answered >= found.replies_per_hour {
        tracing::warn!(rule = found.rule, "no more replies to one sender within the hour");
        return Ok(());
    }
    let rules = &tx.rules.outbound;
    let body =
        Body { content: Outgoing::Text(text), class: None, encoding: Encoding::Auto, transliterate: false };
    let parts = sms::count(&body).map(|(_, parts)| u8::try_from(parts).unwrap_or(u8::MAX));
    let refusal = match &parts {
        Err(failure) => Some(failure.clone()),
        Ok(parts) if *parts > rules.max_parts => Some(policy::too_long((*parts).into(), rules.max_parts)),
        Ok(_) => policy::admit(&to, rules).err(),
    };
    let request = Request {
        id: Some(format!("reply-{}", message.id)),
        content: String::new(),
        to: vec![(to, refusal)],
        parts: parts.unwrap_or(0),
        body,
        modem: Some(message.modem.clone()),
        delivery_report: rules.delivery_report,
        expires_at: rules
            .ttl
            .map(|ttl| message.received_at + i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX / 2)),
        send_at: None,
        priority: 0,
        respond_to: None,
    };
    requests::insert(tx, &request, Origin::OURS, message.received_at)
}
