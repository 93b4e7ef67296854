//! Small facts the store keeps: who we are to the broker, what we last subscribed and announced, which PINs were tried.

use rusqlite::OptionalExtension as _;

use super::{Store, StoreError, Tx, outbox};
use crate::message::{Sim, UnixMs};

/// The retained topics of the last run.
const RETAINED_TOPICS: &str = "published_topics";

/// Whether a PIN may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinAttempt {
    /// It may, and that is written down.
    Go,
    /// The SIM refused this very PIN before.
    KnownWrong,
    /// It was tried twice and the answer never came.
    Unanswered,
}

impl Store {
    /// The MQTT client id: `smsbridge-` and 12 random characters, made once. It is in the store because the broker's
    /// session and the store are one truth and move together.
    pub async fn client_id(&self) -> Result<String, StoreError> {
        let fresh = format!("smsbridge-{}", crate::message::new_id()[14..].to_ascii_lowercase());
        self.write(move |tx| match read(tx, "client_id")? {
            Some(id) => Ok(id),
            None => {
                keep(tx, "client_id", &fresh)?;
                Ok(fresh.clone())
            }
        })
        .await
    }

    /// The list kept under `name`, one line each.
    pub async fn list(&self, name: &'static str) -> Result<Vec<String>, StoreError> {
        self.write(move |tx| Ok(read(tx, name)?.unwrap_or_default().lines().map(str::to_owned).collect()))
            .await
    }

    /// Keeps a list under `name`.
    pub async fn keep_list(&self, name: &'static str, lines: Vec<String>) -> Result<(), StoreError> {
        self.write(move |tx| keep(tx, name, &lines.join("\n"))).await
    }

    /// Keeps the list of our retained topics, and owes the broker an empty one for each that is no longer ours.
    pub async fn retain_only(&self, ours: Vec<String>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let before = read(tx, RETAINED_TOPICS)?.unwrap_or_default();
            for gone in before.lines().filter(|old| !ours.iter().any(|topic| topic == old)) {
                outbox::owe_latest(tx, gone, "")?;
            }
            keep(tx, RETAINED_TOPICS, &ours.join("\n"))
        })
        .await
    }

    /// The newest time this store has seen.
    pub async fn newest_time(&self) -> Result<Option<UnixMs>, StoreError> {
        self.write(|tx| Ok(read(tx, "newest_time")?.and_then(|text| text.parse().ok()))).await
    }

    /// Remembers that it is later than ever before; a disk that wears out is told every ten minutes.
    pub async fn remember_time(&self, now: UnixMs) -> Result<(), StoreError> {
        self.write(move |tx| {
            let known: Option<UnixMs> = read(tx, "newest_time")?.and_then(|text| text.parse().ok());
            match known {
                Some(known) if (known..known + 600_000).contains(&now) => Ok(()),
                _ => keep(tx, "newest_time", &now.to_string()),
            }
        })
        .await
    }

    /// Time was counted wrongly since `since`: requests accepted meanwhile live as much longer.
    pub async fn clock_corrected(&self, since: UnixMs, behind: i64) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql.execute(
                "UPDATE message SET expires_at = expires_at + ?2
                 WHERE final = 0 AND request_id IN (SELECT id FROM request WHERE accepted_at >= ?1)",
                (since, behind),
            )?;
            keep(tx, "newest_time", &(since + behind).to_string())
        })
        .await
    }

    /// Counts one more MQTT session begun without the broker knowing the last one, and tells its number: packet ids
    /// mean the same message only within one session.
    pub async fn mqtt_session(&self, present: bool) -> Result<i64, StoreError> {
        self.write(move |tx| {
            let last: i64 = read(tx, "mqtt_session")?.and_then(|n| n.parse().ok()).unwrap_or(0);
            if present && last > 0 {
                return Ok(last);
            }
            keep(tx, "mqtt_session", &(last + 1).to_string())?;
            Ok(last + 1)
        })
        .await
    }

    /// Writes down that a PIN is about to be tried. Only `Go` allows it: a wrong one is never tried twice, one whose
    /// answer never came once more, where the SIM has at least two tries left.
    pub async fn pin_attempt(
        &self,
        sim: Sim,
        digest: String,
        tries_left: Option<u8>,
    ) -> Result<PinAttempt, StoreError> {
        self.write(move |tx| {
            let known: Option<String> = tx
                .sql
                .prepare_cached("SELECT state FROM pin_attempt WHERE sim = ?1 AND digest = ?2")?
                .query_row((&sim, &digest), |row| row.get(0))
                .optional()?;
            let state = match known.as_deref() {
                None => "tried",
                Some("tried") if tries_left.is_some_and(|left| left >= 2) => "again",
                Some("wrong") => return Ok(PinAttempt::KnownWrong),
                Some(_) => return Ok(PinAttempt::Unanswered),
            };
            tx.sql
                .prepare_cached(
                    "INSERT OR REPLACE INTO pin_attempt (sim, digest, state) VALUES (?1, ?2, ?3)",
                )?
                .execute((&sim, &digest, state))?;
            Ok(PinAttempt::Go)
        })
        .await
    }

    /// Writes down how a PIN was answered: a right one is forgotten, a wrong one never.
    pub async fn pin_settled(&self, sim: Sim, digest: String, accepted: bool) -> Result<(), StoreError> {
        self.write(move |tx| {
            let statement = match accepted {
                true => "DELETE FROM pin_attempt WHERE sim = ?1 AND digest = ?2",
                false => "INSERT OR REPLACE INTO pin_attempt (sim, digest, state) VALUES (?1, ?2, 'wrong')",
            };
            tx.sql.prepare_cached(statement)?.execute((&sim, &digest))?;
            Ok(())
        })
        .await
    }
}

fn read(tx: &Tx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    let mut statement = tx.sql.prepare_cached("SELECT value FROM fact WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

fn keep(tx: &Tx<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached("INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)")?
        .execute((name, value))?;
    Ok(())
}
