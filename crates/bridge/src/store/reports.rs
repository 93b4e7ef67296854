//! Status reports: each finds its part by SIM, TP-MR and number; one without a number by SIM and TP-MR, if no other part has
//! that; one that comes before its part's MR is known is kept a while.

use super::engine::Tx;
use super::error::StoreError;
use super::results::finish;
use crate::event::{MessageState, ResultFields};
use crate::failure::{Failure, FailureCode};
use crate::message::{Name, UnixMs};
use crate::pdu::{self, DeliveryStatus, Report};

/// How long a report waits for the answer to its own +CMGS.
const EARLY_REPORT_MS: i64 = 120_000;

/// Two open parts with one TP-MR are told apart by the service centre's time, which may be in another zone.
const QUARTER_HOUR_S: i64 = 900;

/// A submitted part that waits for its report.
struct OpenPart {
    message: i64,
    sequence: u8,
    submitted_at: UnixMs,
    recipient: String,
}

/// Stores what a report says of its part, or the report itself until the part is known.
pub(super) fn accept(tx: &Tx<'_>, sim: &str, report: &Report, now: UnixMs) -> Result<(), StoreError> {
    // The service centre is still trying: nothing is decided, and another report follows.
    if report.status == DeliveryStatus::Pending {
        return Ok(());
    }
    let open = open_parts(tx, sim, report.mr)?;
    let is_only = open.len() == 1;
    let candidates: Vec<OpenPart> =
        open.into_iter().filter(|part| is_about(report, &part.recipient, is_only)).collect();
    match nearest(&candidates, report.sent_at) {
        Some(part) => settle(tx, part.message, part.sequence, report, now),
        None if candidates.is_empty() => keep_early(tx, sim, report, now),
        None => {
            tracing::warn!(
                mr = report.mr,
                "a status report matches two messages equally well; it is ignored"
            );
            Ok(())
        }
    }
}

/// Parts with this TP-MR that wait for their report, the newest first.
fn open_parts(tx: &Tx<'_>, sim: &str, mr: u8) -> Result<Vec<OpenPart>, StoreError> {
    let mut select = tx.sql.prepare_cached(
        "SELECT p.message_id, p.sequence, p.submitted_at, m.recipient
         FROM message_part p JOIN message m ON m.id = p.message_id
         WHERE p.sim = ?1 AND p.mr = ?2 AND p.delivery_status IS NULL AND m.final = 0
           AND p.state = 'submitted' ORDER BY p.submitted_at DESC",
    )?;
    let open = select
        .query_map((sim, mr), |row| {
            Ok(OpenPart {
                message: row.get("message_id")?,
                sequence: row.get("sequence")?,
                submitted_at: row.get("submitted_at")?,
                recipient: row.get("recipient")?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(open)
}

/// Looks whether the report on a part just submitted came before the modem's answer.
pub(super) fn settle_early(tx: &Tx<'_>, message: i64, sequence: u8, now: UnixMs) -> Result<(), StoreError> {
    let mut select = tx.sql.prepare_cached(
        "SELECT e.id, e.sim, e.mr, e.number, e.sent_at, e.delivery_status, e.discharged_at, e.tp_status, m.recipient
         FROM message_part p JOIN message m ON m.id = p.message_id
         JOIN early_report e ON e.sim = p.sim AND e.mr = p.mr AND e.at >= p.submitted_at
         WHERE p.message_id = ?1 AND p.sequence = ?2 ORDER BY e.at",
    )?;
    let early: Vec<(i64, String, Report, String)> = select
        .query_map((message, sequence), |row| {
            let report = Report {
                mr: row.get("mr")?,
                to: row.get("number")?,
                sent_at: row.get("sent_at")?,
                discharged_at: row.get("discharged_at")?,
                tp_status: row.get("tp_status")?,
                status: row.get("delivery_status")?,
            };
            Ok((row.get("id")?, row.get("sim")?, report, row.get("recipient")?))
        })?
        .collect::<Result<_, _>>()?;
    for (row, sim, report, recipient) in early {
        let is_only = open_parts(tx, &sim, report.mr)?.len() == 1;
        if is_about(&report, &recipient, is_only) {
            tx.sql.prepare_cached("DELETE FROM early_report WHERE id = ?1")?.execute([row])?;
            return settle(tx, message, sequence, &report, now);
        }
    }
    settle_message(tx, message, now)
}

/// Deletes at most `limit` reports whose part was never known; returns how many.
pub(super) fn delete_early(tx: &Tx<'_>, now: UnixMs, limit: usize) -> Result<usize, StoreError> {
    let mut delete = tx.sql.prepare_cached(
        "DELETE FROM early_report WHERE id IN (SELECT id FROM early_report WHERE at < ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute((now - EARLY_REPORT_MS, limit as i64))?)
}

fn keep_early(tx: &Tx<'_>, sim: &str, report: &Report, now: UnixMs) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached(
            "INSERT INTO early_report (sim, mr, number, sent_at, delivery_status, discharged_at, tp_status, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            sim,
            report.mr,
            &report.to,
            report.sent_at,
            report.status,
            &report.discharged_at,
            report.tp_status,
            now,
        ))?;
    Ok(())
}

fn settle(tx: &Tx<'_>, message: i64, sequence: u8, report: &Report, now: UnixMs) -> Result<(), StoreError> {
    tx.sql
        .prepare_cached(
            "UPDATE message_part SET delivery_status = ?3, discharged_at = ?4, tp_status = ?5
             WHERE message_id = ?1 AND sequence = ?2",
        )?
        .execute((message, sequence, report.status, &report.discharged_at, report.tp_status))?;
    settle_message(tx, message, now)
}

/// A part with its status report.
struct ReportedPart {
    modem: Option<Name>,
    status: DeliveryStatus,
    tp_status: u8,
    discharged_at: Option<String>,
}

/// Ends a message when all its parts are sent and delivered, or one of them failed.
fn settle_message(tx: &Tx<'_>, message: i64, now: UnixMs) -> Result<(), StoreError> {
    let (is_sent, parts): (bool, u32) = tx
        .sql
        .prepare_cached("SELECT final = 0 AND state = 'sent' AS is_sent, parts FROM message WHERE id = ?1")?
        .query_row([message], |row| Ok((row.get("is_sent")?, row.get("parts")?)))?;
    if !is_sent {
        return Ok(());
    }
    let mut select = tx.sql.prepare_cached(
        "SELECT modem, delivery_status, tp_status, discharged_at FROM message_part
         WHERE message_id = ?1 AND delivery_status IS NOT NULL",
    )?;
    let reported: Vec<ReportedPart> = select
        .query_map([message], |row| {
            Ok(ReportedPart {
                modem: row.get("modem")?,
                status: row.get("delivery_status")?,
                tp_status: row.get("tp_status")?,
                discharged_at: row.get("discharged_at")?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let is_complete = reported.len() == parts as usize;
    // A failed part decides; otherwise the last one delivered tells the time.
    let decisive = reported
        .into_iter()
        .max_by_key(|part| (part.status == DeliveryStatus::Failed, part.discharged_at.clone()));
    match decisive {
        Some(part) if part.status == DeliveryStatus::Failed => {
            let words = format!("the network reports: {}", pdu::tp_status_meaning(part.tp_status));
            let error = Some(Failure::permanent(FailureCode::Status(part.tp_status), words));
            let fields = ResultFields {
                modem: part.modem,
                parts: Some(parts),
                parts_sent: Some(parts),
                error,
                ..ResultFields::default()
            };
            finish(tx, message, MessageState::Failed, fields, now)
        }
        Some(part) if is_complete => {
            let fields = ResultFields {
                modem: part.modem,
                parts: Some(parts),
                delivered_at: part.discharged_at,
                ..ResultFields::default()
            };
            finish(tx, message, MessageState::Delivered, fields, now)
        }
        _ => Ok(()),
    }
}

/// The part the report is about; none where two match equally well.
fn nearest(candidates: &[OpenPart], sent_at: Option<i64>) -> Option<&OpenPart> {
    let distance = |part: &OpenPart| {
        let offset = (sent_at.unwrap_or(0) - part.submitted_at / 1000).rem_euclid(QUARTER_HOUR_S);
        offset.min(QUARTER_HOUR_S - offset)
    };
    let mut by_distance: Vec<&OpenPart> = candidates.iter().collect();
    by_distance.sort_by_key(|part| (distance(part), part.message, part.sequence));
    match by_distance[..] {
        [] => None,
        [only] => Some(only),
        [first, second, ..] => (sent_at.is_some() && distance(first) < distance(second)).then_some(first),
    }
}

/// Whether a report may be about a part to this recipient. Some networks leave the number out; then it is only where
/// this is the only part with its reference.
fn is_about(report: &Report, recipient: &str, is_only: bool) -> bool {
    if report.to.contains(|c: char| c.is_ascii_digit()) {
        is_same_number(recipient, &report.to)
    } else {
        is_only
    }
}

/// Networks return numbers in national or international form: the last eight digits decide.
fn is_same_number(ours: &str, theirs: &str) -> bool {
    let last_digits = |number: &str| -> String {
        let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
        digits[digits.len().saturating_sub(8)..].iter().collect()
    };
    last_digits(ours) == last_digits(theirs)
}
