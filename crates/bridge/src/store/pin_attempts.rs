//! PINs that were tried, as digests: a PIN is written down before it is tried, and a wrong one is never tried again.

use rusqlite::OptionalExtension as _;

use super::engine::Store;
use super::error::StoreError;
use crate::message::Sim;

/// Whether a PIN may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinAttempt {
    /// It may, and that is written down.
    Allowed,
    /// The SIM refused this very PIN before.
    KnownWrong,
    /// It was tried twice and the answer never came.
    Unanswered,
}

/// What stands for a PIN in the store. It keeps the digits from being read in passing, no more: there are too few PINs
/// to hide one from a search.
pub fn digest(pin: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, format!("smsbridge pin {pin}").as_bytes());
    digest.as_ref().iter().take(12).map(|octet| format!("{octet:02x}")).collect()
}

impl Store {
    /// Writes down that a PIN is about to be tried. Only `Allowed` permits it: a wrong PIN is never tried twice; one
    /// whose answer never came is tried once more, where the SIM has at least two tries left.
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
            Ok(PinAttempt::Allowed)
        })
        .await
    }

    /// Forgets a PIN the SIM accepted.
    pub async fn pin_accepted(&self, sim: Sim, digest: String) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql
                .prepare_cached("DELETE FROM pin_attempt WHERE sim = ?1 AND digest = ?2")?
                .execute((&sim, &digest))?;
            Ok(())
        })
        .await
    }

    /// Forgets the PINs whose answer never came: the SIM has been open since.
    pub async fn pin_unanswered_forgotten(&self, sim: Sim) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql
                .prepare_cached("DELETE FROM pin_attempt WHERE sim = ?1 AND state <> 'wrong'")?
                .execute([&sim])?;
            Ok(())
        })
        .await
    }

    /// Remembers for good that the SIM refused a PIN.
    pub async fn pin_rejected(&self, sim: Sim, digest: String) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql
                .prepare_cached(
                    "INSERT OR REPLACE INTO pin_attempt (sim, digest, state) VALUES (?1, ?2, 'wrong')",
                )?
                .execute((&sim, &digest))?;
            Ok(())
        })
        .await
    }
}
