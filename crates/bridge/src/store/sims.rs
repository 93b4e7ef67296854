//! The SIM cards that were seen: by which identity messages and slots of one SIM are known again.
//!
//! The identity is the ICCID. A modem may refuse to read it for a while, or for ever: then the subscriber's number (IMSI)
//! tells which SIM it is, else the modem's last one is taken to be still in it. Rows that were written before the ICCID
//! could be read get it once it can.

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
        self.write(move |tx| match (iccid.clone(), imsi.clone()) {
            (Some(iccid), imsi) => {
                for stand_in in [Some(modem.to_string()), imsi.clone()].into_iter().flatten() {
                    if forget(tx, &stand_in)? {
                        rename(tx, &stand_in, &iccid)?;
                    }
                }
                remember(tx, &modem, &iccid, imsi.as_deref(), now)?;
                Ok(iccid)
            }
            (None, Some(imsi)) => {
                let sql = "SELECT iccid FROM sim_card WHERE imsi = ?1 ORDER BY seen_at DESC";
                match last(tx, sql, &imsi)? {
                    Some(known) => Ok(known),
                    None => remember(tx, &modem, &imsi, Some(&imsi), now).map(|()| imsi),
                }
            }
            (None, None) => {
                let sql = "SELECT iccid FROM sim_card WHERE modem = ?1 ORDER BY seen_at DESC";
                match last(tx, sql, modem.as_str())? {
                    Some(known) => Ok(known),
                    None => remember(tx, &modem, modem.as_str(), None, now).map(|()| modem.to_string()),
                }
            }
        })
        .await
    }
}

fn last(tx: &Tx<'_>, sql: &str, key: &str) -> Result<Option<Sim>, StoreError> {
    Ok(tx.sql.prepare_cached(sql)?.query_row([key], |row| row.get(0)).optional()?)
}

fn remember(
    tx: &Tx<'_>,
    modem: &Name,
    iccid: &str,
    imsi: Option<&str>,
    now: UnixMs,
) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached(
            "INSERT INTO sim_card (iccid, imsi, modem, seen_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (iccid) DO UPDATE SET imsi = coalesce(?2, imsi), modem = ?3, seen_at = ?4",
        )?
        .execute((iccid, imsi, modem, now))?;
    Ok(())
}

/// Whether an identity stood in for an ICCID; it does not any more.
fn forget(tx: &Tx<'_>, stand_in: &str) -> Result<bool, StoreError> {
    Ok(tx.sql.prepare_cached("DELETE FROM sim_card WHERE iccid = ?1")?.execute([stand_in])? > 0)
}

/// Gives the rows of an identity that stood in for the ICCID to the ICCID.
fn rename(tx: &Tx<'_>, old: &str, iccid: &str) -> Result<(), StoreError> {
    const TABLES: [&str; 7] =
        ["part_set", "slot", "direct", "message", "message_part", "early_report", "pin_attempt"];
    for table in TABLES {
        // A row that the ICCID has already is the same one.
        tx.sql.execute(&format!("UPDATE OR REPLACE {table} SET sim = ?2 WHERE sim = ?1"), (old, iccid))?;
    }
    Ok(())
}
