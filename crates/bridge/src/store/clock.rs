//! What the store remembers of time, so that a start with a wrong clock is noticed.

use super::engine::{Store, Tx};
use super::error::StoreError;
use super::facts;
use crate::message::UnixMs;

const NEWEST_TIME: &str = "newest_time";

/// How often the newest time is written, in milliseconds: flash wears out.
const WRITE_INTERVAL_MS: i64 = 600_000;

impl Store {
    /// The newest time this store has seen.
    pub async fn newest_time(&self) -> Result<Option<UnixMs>, StoreError> {
        self.write(newest).await
    }

    /// Remembers the time. Written only every ten minutes, or when it went back.
    pub async fn remember_time(&self, now: UnixMs) -> Result<(), StoreError> {
        self.write(move |tx| match newest(tx)? {
            Some(known) if (known..known + WRITE_INTERVAL_MS).contains(&now) => Ok(()),
            _ => facts::write(tx, NEWEST_TIME, &now.to_string()),
        })
        .await
    }

    /// Corrects what was counted by a clock that was `behind` the true time since `since`: requests accepted meanwhile
    /// live as much longer.
    pub async fn clock_corrected(&self, since: UnixMs, behind: i64) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql.execute(
                "UPDATE message SET expires_at = expires_at + ?2
                 WHERE final = 0 AND request_id IN (SELECT id FROM request WHERE accepted_at >= ?1)",
                (since, behind),
            )?;
            facts::write(tx, NEWEST_TIME, &(since + behind).to_string())
        })
        .await
    }
}

fn newest(tx: &Tx<'_>) -> Result<Option<UnixMs>, StoreError> {
    Ok(facts::read(tx, NEWEST_TIME)?.and_then(|text| text.parse().ok()))
}
