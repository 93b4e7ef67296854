//! Forgetting a phone number: what was received from it and sent to it is deleted, beside a running gateway.
//!
//! What is not over stays, and is counted: a message that still waits for the broker, a modem, a report, a hook or its
//! other parts would be lost otherwise.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::OpenError;
use super::file;
use super::person::Person;
use super::received::REPETITION_MS;
use crate::event::Event;
use crate::message::UnixMs;
use crate::pdu;

/// Rows deleted in one transaction: the gateway waits until it is committed.
const MAX_BATCH: usize = 500;

/// What became of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Messages from the number that were deleted.
    pub received: usize,
    /// Messages to the number that were deleted.
    pub sent: usize,
    /// Modems whose last message was from the number: the broker may have it retained.
    pub last_of: BTreeSet<String>,
    /// What is left, because it is not over.
    pub left: Left,
}

/// What is not over.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Messages that wait for a modem or for a delivery report.
    pub to_send: usize,
    /// Messages and results that wait for the broker.
    pub to_publish: usize,
    /// Those of them that the broker does not take.
    pub parked: usize,
    /// Runs of hooks.
    pub hooks: usize,
    /// Messages of which parts are missing.
    pub incomplete: usize,
    /// Requests whose acknowledgement the broker may not have read: it may deliver them again.
    pub unsettled: usize,
    /// Messages that are still in the modem or on its SIM.
    pub in_modem: usize,
    /// What may come once more within a quarter of an hour: messages delivered directly, and reports on no message.
    pub recent: usize,
    /// 1 where the journal beside the file could not be emptied, for somebody was reading.
    pub in_journal: usize,
}

/// The store, where something is to be forgotten.
pub struct Forget(Connection);

impl Forget {
    /// Opens the store in `folder`.
    pub fn open(folder: &Path) -> Result<Forget, OpenError> {
        file::open_beside_gateway(folder).map(Forget)
    }

    /// Deletes all that is over.
    pub fn forget(&mut self, person: &Person, now: UnixMs) -> Result<Forgotten, rusqlite::Error> {
        let owed = self.owed(person)?;
        let last_of = self.last_of(person)?;
        let received = self.received(person)?;
        let received: Vec<String> = received.into_iter().filter(|id| !owed.received.contains(id)).collect();
        let messages = self.messages(person)?;
        let is_over = |message: &&Message| {
            message.is_final && !message.is_unsettled && !owed.results.contains(&message.request)
        };
        let over: Vec<&Message> = messages.iter().filter(is_over).collect();
        let mut left = owed.left;
        left.to_send = messages.iter().filter(|message| !message.is_final).count();
        left.unsettled = messages.iter().filter(|message| message.is_final && message.is_unsettled).count();
        left.incomplete = self.incomplete(person)?;
        left.in_modem = self.pdus(person, "SELECT pdu FROM slot")?;
        for batch in owed.last.chunks(MAX_BATCH) {
            self.delete("DELETE FROM outbox WHERE id = ?1", batch)?;
        }
        for batch in received.chunks(MAX_BATCH) {
            self.delete("DELETE FROM received WHERE id = ?1", batch)?;
        }
        for batch in self.part_sets(&received)?.chunks(MAX_BATCH) {
            self.delete("DELETE FROM part_set WHERE id = ?1", batch)?;
        }
        for batch in over.chunks(MAX_BATCH) {
            let (ids, requests): (Vec<i64>, Vec<&str>) =
                batch.iter().map(|message| (message.id, message.request.as_str())).unzip();
            self.delete("DELETE FROM message WHERE id = ?1 AND final = 1", &ids)?;
            // One to others as well stays, with its text.
            self.delete(
                "DELETE FROM request
                 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM message m WHERE m.request_id = request.id)",
                &requests,
            )?;
        }
        // They only tell a repetition, and that is over after minutes; each has a number and a text.
        self.0.execute("DELETE FROM direct WHERE at < ?1", [now - REPETITION_MS])?;
        // Kept without the service centre, which is of length 0 here.
        left.recent = self.pdus(person, "SELECT '00' || pdu FROM direct")? + self.reports(person)?;
        // Into the file itself, so that nothing is left in the journal beside it.
        let is_busy: bool = self.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        left.in_journal = usize::from(is_busy);
        Ok(Forgotten { received: received.len(), sent: over.len(), last_of, left })
    }

    fn delete<T: rusqlite::ToSql>(&mut self, sql: &str, keys: &[T]) -> Result<(), rusqlite::Error> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut delete = transaction.prepare_cached(sql)?;
            for key in keys {
                delete.execute([key])?;
            }
        }
        transaction.commit()
    }

    /// The ids of messages from the number.
    fn received(&self, person: &Person) -> Result<Vec<String>, rusqlite::Error> {
        let mut select = self
            .0
            .prepare("SELECT event FROM received WHERE sender = ?1 OR substr(sender, -length(?2)) = ?2")?;
        let events = select
            .query_map((person.written(), person.tail()), |row| Ok(row.get::<_, Event>("event").ok()))?;
        let mut ids = Vec::new();
        for event in events {
            // A row that cannot be read is nobody's.
            if let Some(Event::Received(received)) = event?.filter(|event| person.is_in(event)) {
                ids.push(received.id);
            }
        }
        Ok(ids)
    }

    /// The sets of parts that these messages were made of.
    fn part_sets(&self, received: &[String]) -> Result<Vec<i64>, rusqlite::Error> {
        let received: BTreeSet<&String> = received.iter().collect();
        let mut select =
            self.0.prepare("SELECT id, message_id FROM part_set WHERE message_id IS NOT NULL")?;
        let sets = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let sets = sets.collect::<Result<Vec<(i64, String)>, _>>()?;
        Ok(sets.into_iter().filter(|(_, message)| received.contains(message)).map(|(set, _)| set).collect())
    }

    /// Modems whose newest message is from the number.
    fn last_of(&self, person: &Person) -> Result<BTreeSet<String>, rusqlite::Error> {
        // Of the rows with the greatest time SQLite gives the other columns (bare columns beside max()).
        let mut select = self.0.prepare("SELECT event, max(received_at) FROM received GROUP BY modem")?;
        let events = select.query_map([], |row| Ok(row.get::<_, Event>("event").ok()))?;
        let mut last = BTreeSet::new();
        for event in events {
            if let Some(Event::Received(received)) = event?.filter(|event| person.is_in(event)) {
                last.insert(received.modem.to_string());
            }
        }
        Ok(last)
    }

    fn messages(&self, person: &Person) -> Result<Vec<Message>, rusqlite::Error> {
        let mut select = self.0.prepare(
            "SELECT m.id, m.request_id, m.recipient, m.final, r.packet_id IS NOT NULL AS is_unsettled
             FROM message m JOIN request r ON r.id = m.request_id
             WHERE m.recipient = ?1 OR substr(m.recipient, -length(?2)) = ?2",
        )?;
        let rows = select.query_map((person.written(), person.tail()), |row| {
            let message = Message {
                id: row.get("id")?,
                request: row.get("request_id")?,
                is_final: row.get("final")?,
                is_unsettled: row.get("is_unsettled")?,
            };
            Ok((row.get::<_, String>("recipient")?, message))
        })?;
        let mut messages = Vec::new();
        for row in rows {
            let (recipient, message) = row?;
            if person.is_recipient(&recipient) {
                messages.push(message);
            }
        }
        Ok(messages)
    }

    /// What broker and hooks have not had yet.
    fn owed(&self, person: &Person) -> Result<Owed, rusqlite::Error> {
        let mut owed = Owed::default();
        let mut select = self.0.prepare(
            "SELECT id, event, parked, kind = 'last' AS is_last FROM outbox WHERE event IS NOT NULL",
        )?;
        let rows = select.query_map([], |row| {
            let event = row.get::<_, Event>("event").ok();
            Ok((row.get("id")?, event, row.get::<_, bool>("parked")?, row.get::<_, bool>("is_last")?))
        })?;
        for row in rows {
            let (id, event, is_parked, is_last) = row?;
            if let Some(event) = event.filter(|event| person.is_in(event)) {
                if is_last {
                    owed.last.push(id);
                    continue;
                }
                *(if is_parked { &mut owed.left.parked } else { &mut owed.left.to_publish }) += 1;
                owed.note(event);
            }
        }
        let mut select = self.0.prepare("SELECT event FROM hook_run")?;
        let events = select.query_map([], |row| Ok(row.get::<_, Event>("event").ok()))?;
        for event in events {
            if let Some(event) = event?.filter(|event| person.is_in(event)) {
                owed.left.hooks += 1;
                owed.note(event);
            }
        }
        Ok(owed)
    }

    /// How many messages of the number wait for parts.
    fn incomplete(&self, person: &Person) -> Result<usize, rusqlite::Error> {
        let mut select = self.0.prepare(
            "SELECT p.pdu FROM part_set s JOIN part p ON p.set_id = s.id
             WHERE s.message_id IS NULL GROUP BY s.id",
        )?;
        count_pdus(&mut select, person)
    }

    /// How many of these PDUs are from the number.
    fn pdus(&self, person: &Person, sql: &str) -> Result<usize, rusqlite::Error> {
        count_pdus(&mut self.0.prepare(sql)?, person)
    }

    /// How many reports about messages to the number match none.
    fn reports(&self, person: &Person) -> Result<usize, rusqlite::Error> {
        let mut select = self.0.prepare("SELECT number FROM early_report")?;
        let numbers = select.query_map([], |row| row.get::<_, String>("number"))?;
        let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
        // Only the end of the number is kept.
        Ok(numbers.iter().filter(|number| number.ends_with(person.tail())).count())
    }
}

fn count_pdus(select: &mut rusqlite::Statement<'_>, person: &Person) -> Result<usize, rusqlite::Error> {
    let pdus = select.query_map([], |row| row.get::<_, String>(0))?;
    let mut count = 0;
    for pdu in pdus {
        let message = pdu::join(&[pdu?]);
        count += usize::from(message.is_ok_and(|message| person.is_sender(&message)));
    }
    Ok(count)
}

struct Message {
    id: i64,
    request: String,
    is_final: bool,
    is_unsettled: bool,
}

/// What is owed of a number.
#[derive(Default)]
struct Owed {
    received: BTreeSet<String>,
    results: BTreeSet<String>,
    /// Copies for dashboards that the broker has not had: nobody waits for one.
    last: Vec<i64>,
    left: Left,
}

impl Owed {
    fn note(&mut self, event: Event) {
        match event {
            Event::Received(received) => drop(self.received.insert(received.id)),
            Event::Result(result) => self.results.extend(result.id),
            _ => {}
        }
    }
}
