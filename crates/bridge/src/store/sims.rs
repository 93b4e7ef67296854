//! The SIM cards that were seen: by which identity messages and slots of one SIM are known again.
//!
//! The identity is the ICCID. A modem may refuse to read it for a while, or for ever: then the subscriber's number (IMSI)
//! tells which SIM it is, else the modem's last one is taken to be still in it. A SIM that was never read gets the IMSI or
//! the modem's name for an identity, and keeps it when its ICCID can be read at last.

use rusqlite::OptionalExtension as _;

use super::engine::{Store, Tx};
use super::error::StoreError;
use crate::message::{Name, Sim, UnixMs};

impl Store {
    /// The identity of the SIM that is in a modem now, by what of it can be read.
    pub async fn identify_sim(
        &self,
        modem: Name,
        iccid: Option<String>,
        imsi: Option<String>,
        now: UnixMs,
    ) -> Result<Sim, StoreError> {
        self.write(move |tx| {
            let known = match (&iccid, &imsi) {
                (Some(iccid), _) => match by_key(tx, iccid)? {
                    Some(known) => Some(known),
                    None => take_stand_in(tx, &modem, imsi.as_deref())?,
                },
                (None, Some(imsi)) => by_imsi(tx, imsi)?,
                (None, None) => by_modem(tx, &modem)?,
            };
            let key = iccid.clone().or_else(|| imsi.clone()).unwrap_or_else(|| modem.to_string());
            // Where it is only taken for one, nothing is learnt.
            let is_learnt = iccid.is_some() || known.is_none();
            let identity = known.unwrap_or_else(|| key.clone());
            if is_learnt {
                remember(tx, &key, imsi.as_deref(), &modem, &identity, now)?;
            }
            Ok(identity)
        })
        .await
    }
}

fn by_key(tx: &Tx<'_>, key: &str) -> Result<Option<Sim>, StoreError> {
    let mut select = tx.sql.prepare_cached("SELECT identity FROM sim_card WHERE key = ?1")?;
    Ok(select.query_row([key], |row| row.get(0)).optional()?)
}

fn by_imsi(tx: &Tx<'_>, imsi: &str) -> Result<Option<Sim>, StoreError> {
    let mut select = tx
        .sql
        .prepare_cached("SELECT identity FROM sim_card WHERE imsi = ?1 ORDER BY seen_at DESC LIMIT 1")?;
    Ok(select.query_row([imsi], |row| row.get(0)).optional()?)
}

fn by_modem(tx: &Tx<'_>, modem: &Name) -> Result<Option<Sim>, StoreError> {
    let mut select = tx
        .sql
        .prepare_cached("SELECT identity FROM sim_card WHERE modem = ?1 ORDER BY seen_at DESC LIMIT 1")?;
    Ok(select.query_row([modem], |row| row.get(0)).optional()?)
}

/// The identity of a SIM in this modem whose ICCID could not be read so far.
fn take_stand_in(tx: &Tx<'_>, modem: &Name, imsi: Option<&str>) -> Result<Option<Sim>, StoreError> {
    let mut delete = tx.sql.prepare_cached("DELETE FROM sim_card WHERE key = ?1 RETURNING identity")?;
    for key in imsi.into_iter().chain([modem.as_str()]) {
        let identity: Option<Sim> = delete.query_row([key], |row| row.get(0)).optional()?;
        if identity.is_some() {
            return Ok(identity);
        }
    }
    Ok(None)
}

fn remember(
    tx: &Tx<'_>,
    key: &str,
    imsi: Option<&str>,
    modem: &Name,
    identity: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached(
            "INSERT INTO sim_card (key, imsi, modem, identity, seen_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (key) DO UPDATE SET imsi = coalesce(?2, imsi), modem = ?3, seen_at = ?5",
        )?
        .execute((key, imsi, modem, identity, now))?;
    Ok(())
}
