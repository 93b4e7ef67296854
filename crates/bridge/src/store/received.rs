//! Incoming PDUs: stored before they are deleted from the SIM, joined, and published when the message is complete.
//!
//! The slot of each stored PDU is kept until a sweep finds it empty, so that neither a kill between commit and deletion
//! nor a deletion that was none makes a second message. What a complete message means is decided in `crate::incoming`.

use std::time::Duration;

use rusqlite::OptionalExtension as _;
use smsbridge_codec::Concatenation;

use super::engine::{Store, Tx};
use super::error::StoreError;
use super::{outbox, reports, requests};
use crate::event::Event;
use crate::incoming::{Incoming, IncomingPdu, Parts, Reply};
use crate::log::EventLine;
use crate::message::{Name, Sim, Slot, UnixMs, millis, new_id};
use crate::pdu::{self, Part, Reading};

/// Parts of one message carry time stamps no further apart than this, however late they arrive; more where
/// `reassembly_timeout_s` is more.
const MIN_SAME_SET_S: u64 = 3600;

/// A phone sends a part again that its network did not confirm, within this time. The same part of a message that is
/// already published, stamped later than this, begins another message: some senders never change the reference.
const SENT_AGAIN_S: u64 = 60;

/// How long the network repeats a PDU that was not acknowledged to it.
pub(super) const REPETITION_MS: i64 = 15 * 60 * 1000;

/// A rule's replies to one sender are counted over this time.
const REPLY_WINDOW_MS: i64 = 3_600_000;

/// Incomplete messages published in one transaction.
const MAX_INCOMPLETE: usize = 100;

/// What became of an incoming PDU. In every case its slot may now be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It was stored before: only its slot is still there.
    Known {
        /// The modem said that it had deleted it.
        was_deleted: bool,
    },
    /// A part of a message that is not complete yet.
    Waiting,
    /// It completed the message with this id.
    Completed(String),
    /// A status report.
    Report,
}

impl Store {
    /// Stores an incoming PDU and what follows from it.
    pub async fn accept(&self, incoming: IncomingPdu) -> Result<Accepted, StoreError> {
        self.write(move |tx| {
            if let Some(known) = known(tx, &incoming)? {
                return Ok(known);
            }
            match &incoming.reading {
                Reading::Part(Part { concatenation: None, .. }) => {
                    let pdus = vec![incoming.pdu.clone()];
                    complete(tx, parts_of(&incoming, pdus)).map(Accepted::Completed)
                }
                Reading::Part(part @ Part { concatenation: Some(place), .. }) => {
                    accept_part(tx, &incoming, part, *place)
                }
                Reading::Report(report) => {
                    reports::accept(tx, &incoming.sim, report, incoming.received_at)?;
                    Ok(Accepted::Report)
                }
                Reading::Undecodable(reason) => {
                    let parts = parts_of(&incoming, vec![incoming.pdu.clone()]);
                    let message = tx.config.incoming.undecodable(new_id(), parts, reason);
                    publish(tx, message).map(Accepted::Completed)
                }
            }
        })
        .await
    }

    /// The modem says that it has deleted these slots. They are known until a sweep finds them empty: some say so and
    /// keep the message.
    pub async fn slots_deleted(&self, sim: Sim, slots: Vec<Slot>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut update = tx.sql.prepare_cached(
                "UPDATE slot SET deleted = 1 WHERE sim = ?1 AND storage = ?2 AND slot = ?3",
            )?;
            for slot in &slots {
                update.execute((&sim, &slot.storage, slot.index))?;
            }
            Ok(())
        })
        .await
    }

    /// The slots of a SIM of which it is not known whether the modem deletes them when it says so.
    pub async fn doubtful_slots(&self, sim: Sim) -> Result<Vec<Slot>, StoreError> {
        self.write(move |tx| {
            let mut select =
                tx.sql.prepare_cached("SELECT storage, slot FROM slot WHERE sim = ?1 AND deleted = 2")?;
            let slots = select
                .query_map([&sim], |row| Ok(Slot { storage: row.get("storage")?, index: row.get("slot")? }))?
                .collect::<Result<_, _>>()?;
            Ok(slots)
        })
        .await
    }

    /// These storages of a SIM were listed completely and hold just these slots: any other slot of theirs that is still
    /// known was deleted before that could be written down.
    pub async fn swept(&self, sim: Sim, storages: Vec<String>, found: Vec<Slot>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached("SELECT storage, slot FROM slot WHERE sim = ?1")?;
            let known: Vec<Slot> = select
                .query_map([&sim], |row| Ok(Slot { storage: row.get("storage")?, index: row.get("slot")? }))?
                .collect::<Result<_, _>>()?;
            known
                .iter()
                .filter(|slot| storages.contains(&slot.storage) && !found.contains(slot))
                .try_for_each(|gone| forget_slot(tx, &sim, gone))
        })
        .await
    }

    /// Publishes what came of messages whose other parts did not come in time; returns how many.
    pub async fn publish_incomplete(&self, now: UnixMs, timeout: Duration) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached(
                "SELECT id, modem, last_at FROM part_set WHERE message_id IS NULL AND last_at <= ?1 LIMIT ?2",
            )?;
            let sets: Vec<(i64, Name, UnixMs)> = select
                .query_map((now - millis(timeout), MAX_INCOMPLETE as i64), |row| {
                    Ok((row.get("id")?, row.get("modem")?, row.get("last_at")?))
                })?
                .collect::<Result<_, _>>()?;
            for (set, modem, last_at) in &sets {
                let (modem, pdus) = (modem.clone(), pdus_of(tx, *set)?);
                let parts = Parts { modem, received_at: *last_at, pdus, was_stored: false, late_for: None };
                let id = complete(tx, parts)?;
                set_message_id(tx, *set, &id)?;
            }
            Ok(sets.len())
        })
        .await
    }
}

/// Whether this PDU was stored before; writes its slot down if not. In one sweep the same octets in two storages are
/// one message that the modem lists twice; in two slots of one storage they are two messages.
///
/// The same octets in a slot the modem said it had deleted are the same message, which it kept. Unread they may also be
/// another one, sent within the same second: they are taken for that, and the slot is doubtful until it is known
/// whether the modem deletes what it says it deletes.
fn known(tx: &Tx<'_>, incoming: &IncomingPdu) -> Result<Option<Accepted>, StoreError> {
    let Some(slot) = &incoming.slot else {
        return Ok(is_repetition(tx, incoming)?.then_some(Accepted::Known { was_deleted: false }));
    };
    let here: Option<(String, u8)> = tx
        .sql
        .prepare_cached("SELECT pdu, deleted FROM slot WHERE sim = ?1 AND storage = ?2 AND slot = ?3")?
        .query_row((&incoming.sim, &slot.storage, slot.index), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let deleted = match here {
        Some((pdu, deleted)) if pdu == incoming.pdu => {
            if deleted != 1 || !incoming.is_unread {
                return Ok(Some(Accepted::Known { was_deleted: deleted > 0 }));
            }
            2
        }
        _ => 0,
    };
    let elsewhere: Option<i64> = tx
        .sql
        .prepare_cached(
            "SELECT 1 FROM slot WHERE sim = ?1 AND storage <> ?2 AND pdu = ?3 AND deleted = 0 LIMIT 1",
        )?
        .query_row((&incoming.sim, &slot.storage, &incoming.pdu), |row| row.get(0))
        .optional()?;
    tx.sql
        .prepare_cached(
            "INSERT OR REPLACE INTO slot (sim, storage, slot, pdu, deleted) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((&incoming.sim, &slot.storage, slot.index, &incoming.pdu, deleted))?;
    Ok(elsewhere.map(|_| Accepted::Known { was_deleted: false }))
}

/// A PDU delivered directly comes again when its acknowledgement to the network was lost.
fn is_repetition(tx: &Tx<'_>, incoming: &IncomingPdu) -> Result<bool, StoreError> {
    tx.sql
        .prepare_cached("DELETE FROM direct WHERE at < ?1")?
        .execute([incoming.received_at - REPETITION_MS])?;
    let added = tx
        .sql
        .prepare_cached("INSERT OR IGNORE INTO direct (sim, pdu, at) VALUES (?1, ?2, ?3)")?
        .execute((&incoming.sim, pdu::repeated_part(&incoming.pdu), incoming.received_at))?;
    Ok(added == 0)
}

fn forget_slot(tx: &Tx<'_>, sim: &Sim, slot: &Slot) -> Result<(), StoreError> {
    tx.sql.prepare_cached("DELETE FROM slot WHERE sim = ?1 AND storage = ?2 AND slot = ?3")?.execute((
        sim,
        &slot.storage,
        slot.index,
    ))?;
    Ok(())
}

/// A set of parts an incoming part may belong to.
struct Set {
    id: i64,
    message_id: Option<String>,
    first_sent_at: Option<i64>,
    /// The stored PDU with the incoming part's sequence number.
    same_sequence: Option<String>,
}

fn accept_part(
    tx: &Tx<'_>,
    incoming: &IncomingPdu,
    part: &Part,
    place: Concatenation,
) -> Result<Accepted, StoreError> {
    let sets = sets_for(tx, incoming, part, place)?;
    if sets.iter().any(|set| set.same_sequence.as_ref() == Some(&incoming.pdu)) {
        return Ok(Accepted::Waiting);
    }
    for set in sets {
        match (&set.same_sequence, &set.message_id) {
            (Some(there), message_id) if pdu::is_same_user_data(there, &incoming.pdu) => {
                let apart = seconds_apart(pdu::sent_at(there), part.sent_at);
                if message_id.is_none() || apart <= SENT_AGAIN_S {
                    return Ok(Accepted::Waiting);
                }
            }
            // It came cut, and now it comes whole.
            (Some(there), None) if pdu::is_beginning_of(there, &incoming.pdu) => {
                replace_part(tx, set.id, place, incoming)?;
                return Ok(Accepted::Waiting);
            }
            (Some(there), _) if pdu::is_beginning_of(&incoming.pdu, there) => return Ok(Accepted::Waiting),
            // Another message with the same reference: the old set waits for its time, or is closed.
            (Some(_), _) => {}
            (None, Some(message)) => {
                insert_part(tx, set.id, place, incoming)?;
                let (pdus, late_for) = (vec![incoming.pdu.clone()], Some(message.clone()));
                return complete(tx, Parts { late_for, ..parts_of(incoming, pdus) }).map(Accepted::Completed);
            }
            (None, None) => {
                insert_part(tx, set.id, place, incoming)?;
                let pdus = pdus_of(tx, set.id)?;
                if pdus.len() < usize::from(place.total) {
                    return Ok(Accepted::Waiting);
                }
                let id = complete(tx, parts_of(incoming, pdus))?;
                set_message_id(tx, set.id, &id)?;
                return Ok(Accepted::Completed(id));
            }
        }
    }
    tx.sql
        .prepare_cached(
            "INSERT INTO part_set (modem, sim, sender, reference, wide, total, first_sent_at, last_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            &incoming.modem,
            &incoming.sim,
            &part.originator,
            place.reference,
            place.wide,
            place.total,
            part.sent_at,
            incoming.received_at,
        ))?;
    insert_part(tx, tx.sql.last_insert_rowid(), place, incoming)?;
    Ok(Accepted::Waiting)
}

/// Sets the part may belong to: the nearest in time first, of equally near ones the newest.
fn sets_for(
    tx: &Tx<'_>,
    incoming: &IncomingPdu,
    part: &Part,
    place: Concatenation,
) -> Result<Vec<Set>, StoreError> {
    let mut select = tx.sql.prepare_cached(
        "SELECT s.id, s.message_id, s.first_sent_at, p.pdu FROM part_set s
         LEFT JOIN part p ON p.set_id = s.id AND p.sequence = ?6
         WHERE s.sim = ?1 AND s.sender = ?2 AND s.reference = ?3 AND s.wide = ?4 AND s.total = ?5",
    )?;
    let key = (&incoming.sim, &part.originator, place.reference, place.wide, place.total, place.sequence);
    let mut sets: Vec<Set> = select
        .query_map(key, |row| {
            Ok(Set {
                id: row.get("id")?,
                message_id: row.get("message_id")?,
                first_sent_at: row.get("first_sent_at")?,
                same_sequence: row.get("pdu")?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let distance = |set: &Set| seconds_apart(set.first_sent_at, part.sent_at);
    let limit = tx.config.incoming.inbound.reassembly_timeout.as_secs().max(MIN_SAME_SET_S);
    sets.retain(|set| distance(set) <= limit);
    sets.sort_by_key(|set| (distance(set), std::cmp::Reverse(set.id)));
    Ok(sets)
}

/// An unreadable time stamp is near to any.
fn seconds_apart(one: Option<i64>, other: Option<i64>) -> u64 {
    one.zip(other).map_or(0, |(one, other)| one.abs_diff(other))
}

fn insert_part(
    tx: &Tx<'_>,
    set: i64,
    place: Concatenation,
    incoming: &IncomingPdu,
) -> Result<(), StoreError> {
    tx.sql.prepare_cached("INSERT INTO part (set_id, sequence, pdu) VALUES (?1, ?2, ?3)")?.execute((
        set,
        place.sequence,
        &incoming.pdu,
    ))?;
    tx.sql
        .prepare_cached("UPDATE part_set SET last_at = ?2 WHERE id = ?1")?
        .execute((set, incoming.received_at))?;
    Ok(())
}

fn replace_part(
    tx: &Tx<'_>,
    set: i64,
    place: Concatenation,
    incoming: &IncomingPdu,
) -> Result<(), StoreError> {
    tx.sql.prepare_cached("UPDATE part SET pdu = ?3 WHERE set_id = ?1 AND sequence = ?2")?.execute((
        set,
        place.sequence,
        &incoming.pdu,
    ))?;
    Ok(())
}

fn set_message_id(tx: &Tx<'_>, set: i64, message_id: &str) -> Result<(), StoreError> {
    tx.sql.prepare_cached("UPDATE part_set SET message_id = ?2 WHERE id = ?1")?.execute((set, message_id))?;
    Ok(())
}

fn pdus_of(tx: &Tx<'_>, set: i64) -> Result<Vec<String>, StoreError> {
    let mut select = tx.sql.prepare_cached("SELECT pdu FROM part WHERE set_id = ?1 ORDER BY sequence")?;
    let pdus = select.query_map([set], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(pdus)
}

/// What a message is made of whose last part has just come in.
fn parts_of(incoming: &IncomingPdu, pdus: Vec<String>) -> Parts {
    Parts {
        modem: incoming.modem.clone(),
        received_at: incoming.received_at,
        pdus,
        was_stored: incoming.was_stored,
        late_for: None,
    }
}

/// Stores and publishes the message of these parts; returns its id.
fn complete(tx: &Tx<'_>, parts: Parts) -> Result<String, StoreError> {
    publish(tx, tx.config.incoming.complete(new_id(), parts))
}

fn publish(tx: &Tx<'_>, incoming: Incoming) -> Result<String, StoreError> {
    let Incoming { received, is_published, reply } = incoming;
    let (id, received_at, modem) = (received.id.clone(), received.received_at, received.modem.clone());
    let sender = received.sender().to_owned();
    if !is_published {
        tx.log(EventLine::received(&received, false));
    }
    let event = Event::Received(received);
    let row = if is_published {
        let row = outbox::publish(tx, &event)?;
        if tx.config.retain_last {
            outbox::publish_last(tx, &event, modem.as_str())?;
        }
        Some(row)
    } else {
        // Whoever looks at the gateway itself sees it all the same.
        tx.tell(&event);
        None
    };
    tx.sql
        .prepare_cached(
            "INSERT INTO received (id, modem, sender, received_at, event, outbox) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((&id, &modem, sender, received_at, &event, row))?;
    if let Some(reply) = reply {
        insert_reply(tx, &reply, received_at)?;
    }
    Ok(id)
}

/// Stores a rule's reply beside the message it replies to: both are there or neither. The limit for each sender stops
/// two gateways that reply to each other. The last nine digits tell a phone, for its network may give its number with
/// its country or without.
fn insert_reply(tx: &Tx<'_>, reply: &Reply, now: UnixMs) -> Result<(), StoreError> {
    let to = reply.request.to.first().map(|recipient| &recipient.number);
    let replies: u32 = tx
        .sql
        .prepare_cached(
            "SELECT count(*) FROM message m JOIN request r ON r.id = m.request_id
             WHERE substr(ltrim(m.recipient, '+'), -9) = substr(ltrim(?1, '+'), -9)
               AND r.is_reply = 1 AND r.accepted_at > ?2",
        )?
        .query_row((to, now - REPLY_WINDOW_MS), |row| row.get(0))?;
    if replies >= reply.max_per_hour {
        tracing::warn!(rule = reply.rule, "no reply: this sender got as many as the rule allows in an hour");
        return Ok(());
    }
    requests::insert(tx, &reply.request, now)
}
