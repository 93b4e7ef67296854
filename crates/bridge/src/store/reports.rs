//! Status reports: found their part by SIM, TP-MR and number, kept a while when they come before it is known.

use super::requests::finish;
use super::{StoreError, Tx};
use crate::message::{Details, Failure, Fate, Report, State, UnixMs};
use crate::sms;

/// How long a report waits for the answer to its own +CMGS.
const EARLY_MS: i64 = 120_000;

/// Two open parts with one TP-MR are told apart by the service centre's time, which may be in another zone.
const QUARTER_HOUR_S: i64 = 900;

/// Stores what a report says of its part, or the report itself until the part is known.
pub(super) fn accept(tx: &Tx<'_>, sim: &str, report: &Report, now: UnixMs) -> Result<(), StoreError> {
    // The service centre still tries: nothing is decided, and another report follows.
    if report.fate == Fate::Pending {
        return Ok(());
    }
    let mut select = tx.sql.prepare_cached(
        "SELECT p.message_id, p.sequence, p.submitted_at, m.recipient
         FROM message_part p JOIN message m ON m.id = p.message_id
         WHERE p.sim = ?1 AND p.mr = ?2 AND p.fate IS NULL AND m.final = 0
           AND p.state = 'submitted' ORDER BY p.submitted_at DESC",
    )?;
    let open: Vec<(i64, u8, i64, String)> = select
        .query_map((sim, report.mr), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    let candidates: Vec<_> =
        open.into_iter().filter(|(.., number)| same_number(number, &report.to)).collect();
    match nearest(&candidates, report.sent_at) {
        Some((message, sequence)) => settle(tx, message, sequence, report, now),
        None if candidates.is_empty() => keep_early(tx, sim, report, now),
        None => {
            tracing::warn!(
                mr = report.mr,
                "a status report fits two messages equally; it is counted for neither"
            );
            Ok(())
        }
    }
}

/// Looks whether the report on a part just submitted was here before the modem's answer.
pub(super) fn settle_early(tx: &Tx<'_>, message: i64, sequence: u8, now: UnixMs) -> Result<(), StoreError> {
    tx.sql.prepare_cached("DELETE FROM early_report WHERE at < ?1")?.execute([now - EARLY_MS])?;
    let mut select = tx.sql.prepare_cached(
        "SELECT e.rowid, e.number, e.sent_at, e.fate, e.fate_at, e.status, e.mr, m.recipient
         FROM message_part p JOIN message m ON m.id = p.message_id
         JOIN early_report e ON e.sim = p.sim AND e.mr = p.mr AND e.at >= p.submitted_at
         WHERE p.message_id = ?1 AND p.sequence = ?2 ORDER BY e.at",
    )?;
    let early: Vec<(i64, Report, String)> = select
        .query_map((message, sequence), |row| {
            let report = Report {
                to: row.get(1)?,
                sent_at: row.get(2)?,
                fate: fate_from(&row.get::<_, String>(3)?),
                discharged_at: row.get(4)?,
                status: row.get(5)?,
                mr: row.get(6)?,
            };
            Ok((row.get(0)?, report, row.get(7)?))
        })?
        .collect::<Result<_, _>>()?;
    for (row, report, recipient) in early {
        if same_number(&recipient, &report.to) {
            tx.sql.prepare_cached("DELETE FROM early_report WHERE rowid = ?1")?.execute([row])?;
            return settle(tx, message, sequence, &report, now);
        }
    }
    settle_message(tx, message, now)
}

fn keep_early(tx: &Tx<'_>, sim: &str, report: &Report, now: UnixMs) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached(
            "INSERT INTO early_report (sim, mr, number, sent_at, fate, fate_at, status, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            sim,
            report.mr,
            &report.to,
            report.sent_at,
            fate_word(report.fate),
            &report.discharged_at,
            report.status,
            now,
        ))?;
    Ok(())
}

fn settle(tx: &Tx<'_>, message: i64, sequence: u8, report: &Report, now: UnixMs) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached(
            "UPDATE message_part SET fate = ?3, fate_at = ?4, status = ?5 WHERE message_id = ?1 AND sequence = ?2",
        )?
        .execute((message, sequence, fate_word(report.fate), &report.discharged_at, report.status))?;
    settle_message(tx, message, now)
}

/// Ends a message all of whose parts are sent and reported on.
fn settle_message(tx: &Tx<'_>, message: i64, now: UnixMs) -> Result<(), StoreError> {
    let (waits, parts, delivered): (bool, u32, u32) = tx
        .sql
        .prepare_cached(
            "SELECT final = 0 AND state = 'sent', parts,
               (SELECT count(*) FROM message_part p WHERE p.message_id = m.id AND p.fate = 'delivered')
             FROM message m WHERE id = ?1",
        )?
        .query_row([message], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if !waits {
        return Ok(());
    }
    let mut select = tx.sql.prepare_cached(
        "SELECT fate, fate_at, status, modem FROM message_part WHERE message_id = ?1 AND fate IS NOT NULL
         ORDER BY fate = 'failed' DESC, fate_at DESC LIMIT 1",
    )?;
    let mut told = select.query([message])?;
    let Some(row) = told.next()? else { return Ok(()) };
    let (fate, at, status, modem): (String, Option<String>, u8, Option<String>) =
        (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    let details = Details { modem, parts: Some(parts), ..Details::default() };
    if fate_from(&fate) == Fate::Failed {
        let words = sms::status_in_words(status);
        let error =
            Failure::permanent(format!("status-{status:02x}"), format!("the network reports: {words}"));
        let details = Details { error: Some(error), parts_sent: Some(parts), ..details };
        finish(tx, message, State::Failed, details, now)
    } else if delivered == parts {
        finish(tx, message, State::Delivered, Details { delivered_at: at, ..details }, now)
    } else {
        Ok(())
    }
}

/// The one candidate the report speaks of; none where two fit equally well.
fn nearest(candidates: &[(i64, u8, i64, String)], sent_at: Option<i64>) -> Option<(i64, u8)> {
    let distance = |submitted_at: i64| {
        let offset = (sent_at.unwrap_or(0) - submitted_at / 1000).rem_euclid(QUARTER_HOUR_S);
        offset.min(QUARTER_HOUR_S - offset)
    };
    match candidates {
        [] => None,
        [(message, sequence, ..)] => Some((*message, *sequence)),
        _ => {
            let mut by_distance: Vec<_> =
                candidates.iter().map(|(m, s, at, _)| (distance(*at), *m, *s)).collect();
            by_distance.sort_unstable();
            let decided = sent_at.is_some() && by_distance[0].0 < by_distance[1].0;
            decided.then_some((by_distance[0].1, by_distance[0].2))
        }
    }
}

/// Networks give numbers back in national or international form: the last eight digits decide.
fn same_number(ours: &str, theirs: &str) -> bool {
    let tail = |number: &str| -> String {
        let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
        digits[digits.len().saturating_sub(8)..].iter().collect()
    };
    tail(ours) == tail(theirs)
}

fn fate_word(fate: Fate) -> &'static str {
    match fate {
        Fate::Delivered => "delivered",
        Fate::Pending => "pending",
        Fate::Failed => "failed",
    }
}

fn fate_from(word: &str) -> Fate {
    match word {
        "delivered" => Fate::Delivered,
        "pending" => Fate::Pending,
        _ => Fate::Failed,
    }
}
