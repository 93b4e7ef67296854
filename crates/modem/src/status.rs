//! What the modem knows about network, signal and storage.
//!
//! Owns the commands of a status round. Changes nothing in the modem but the selected storage, and treats every command
//! as optional: a modem that lacks one gives less, not an error. Only a fault of the connection ends a round.

use std::time::Duration;

use crate::at::command::Command;
use crate::at::params::{fields, number};
use crate::error::ModemError;
use crate::ready::Ready;
use crate::registration::Registration;
use crate::selection;
use crate::session::{Session, Stream};
use crate::signal::{Found, Lte, Signal, SignalQuestion, read_signal};
use crate::storage::Storage;

/// How long a modem may take to say which network it is in: some ask the network.
const COPS_TIMEOUT: Duration = Duration::from_secs(45);

/// One look at the network.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NetworkStatus {
    /// The best registration of all domains.
    pub registration: Registration,
    /// The network's reject cause, where the modem reports it.
    pub cause: Option<u16>,
    /// Name or number of the operator.
    pub operator: Option<String>,
    /// `GSM`, `EDGE`, `UMTS`, `HSPA`, `LTE`, `NB-IoT`, `5G`.
    pub technology: Option<String>,
    /// Signal strength.
    pub signal_dbm: Option<i16>,
    /// Signal strength as a part of the range.
    pub signal_percent: Option<u8>,
    /// On LTE, where the modem reports it.
    pub lte: Option<Lte>,
}

/// How full a storage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageUse {
    /// Which.
    pub storage: Storage,
    /// Slots in use.
    pub used: u16,
    /// Slots in all.
    pub total: u16,
}

/// Asks for registration, operator, technology and signal.
pub async fn network<P: Stream>(session: &mut Session<P>) -> Result<NetworkStatus, ModemError> {
    let mut reports = Vec::new();
    for (text, prefix) in [("AT+CREG?", "+CREG:"), ("AT+CEREG?", "+CEREG:"), ("AT+CGREG?", "+CGREG:")] {
        let report = session
            .optional(Command::new(text).answer_prefix(prefix))
            .await?
            .and_then(|response| response.after(prefix).next().and_then(registration));
        reports.extend(report);
        // One registered domain is enough to send and receive by.
        if report.is_some_and(|r| r.state.is_registered()) {
            break;
        }
    }
    let best = reports
        .iter()
        .copied()
        .find(|r| r.state.is_registered())
        .or_else(|| reports.iter().copied().find(|r| r.state == Registration::Denied))
        .or_else(|| reports.first().copied());

    let operator = session
        .optional(Command::new("AT+COPS?").answer_prefix("+COPS:").timeout(COPS_TIMEOUT))
        .await?
        .and_then(|response| response.after("+COPS:").next().map(fields))
        .unwrap_or_default();
    let signal = session
        .optional(Command::new("AT+CSQ").answer_prefix("+CSQ:"))
        .await?
        .and_then(|response| response.after("+CSQ:").next().and_then(|rest| number(fields(rest).first())))
        .map(Signal::from_csq);
    let technology = number(operator.get(3)).or(best.and_then(|r| r.technology)).and_then(technology_name);
    let mut lte = Lte::default();
    let mut more = None;
    for question in session.profile().signal {
        let found = ask_signal(session, *question).await?;
        lte = Lte {
            rsrp_dbm: found.lte.rsrp_dbm.or(lte.rsrp_dbm),
            rsrq_db: found.lte.rsrq_db.or(lte.rsrq_db),
            sinr_db: found.lte.sinr_db.or(lte.sinr_db),
        };
        more = found.dbm.or(more);
    }
    // Where AT+CSQ does not know, the others may.
    let signal = match (signal, more) {
        (Some(signal), _) if signal.dbm.is_some() => Some(signal),
        (_, Some(dbm)) => Some(Signal::from_dbm(dbm)),
        (signal, None) => signal,
    };
    let lte = (lte != Lte::default()).then_some(lte);
    Ok(NetworkStatus {
        registration: best.map_or(Registration::Unknown, |r| r.state),
        cause: best.and_then(|r| r.cause),
        operator: operator.get(2).filter(|name| !name.is_empty()).cloned(),
        technology: technology.map(str::to_string),
        signal_dbm: signal.and_then(|s| s.dbm),
        signal_percent: signal.and_then(|s| s.percent),
        lte,
    })
}

/// Asks each storage how full it is.
pub async fn storage_use<P: Stream>(
    session: &mut Session<P>,
    ready: &Ready,
) -> Result<Vec<StorageUse>, ModemError> {
    let mut out = Vec::new();
    for storage in &ready.storages {
        if let Some((used, total)) = selection::storage_use_of(session, *storage).await? {
            out.push(StorageUse { storage: *storage, used, total });
        }
    }
    selection::restore(session, ready).await?;
    Ok(out)
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    state: Registration,
    technology: Option<u8>,
    cause: Option<u16>,
}

/// `<n>,<stat>[,<lac>,<ci>[,<AcT>[,<cause_type>,<reject_cause>]]]`, and for `+CGREG` a `<rac>` before
/// the cause, which therefore is taken from the end.
fn registration(rest: &str) -> Option<Answer> {
    let fields = fields(rest);
    let state = Registration::from_number(number(fields.get(1))?);
    let cause = if fields.len() >= 7 { number(fields.last()) } else { None };
    Some(Answer { state, technology: number(fields.get(4)), cause })
}

/// `<AcT>` of TS 27.007 7.3.
fn technology_name(number: u8) -> Option<&'static str> {
    Some(match number {
        0 | 1 => "GSM",
        2 => "UMTS",
        3 => "EDGE",
        4..=6 => "HSPA",
        7 | 10 => "LTE",
        8 | 9 => "NB-IoT",
        11..=13 => "5G",
        _ => return None,
    })
}

async fn ask_signal<P: Stream>(
    session: &mut Session<P>,
    question: SignalQuestion,
) -> Result<Found, ModemError> {
    let (text, prefix): (_, &'static str) = match question {
        SignalQuestion::Cesq => ("AT+CESQ", "+CESQ:"),
        SignalQuestion::Hcsq => ("AT^HCSQ?", "^HCSQ:"),
        SignalQuestion::Qcsq => ("AT+QCSQ", "+QCSQ:"),
        SignalQuestion::Qeng => ("AT+QENG=\"servingcell\"", "+QENG:"),
        SignalQuestion::Cpsi => ("AT+CPSI?", "+CPSI:"),
    };
    let answer = session.optional(Command::new(text).answer_prefix(prefix)).await?;
    let fields = answer.as_ref().and_then(|response| response.after(prefix).next()).map(fields);
    Ok(fields.map(|fields| read_signal(question, &fields)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registration_answers() {
        let answer = registration(" 2,1,\"00C3\",\"0000A1\",7").unwrap();
        assert_eq!((answer.state, answer.technology, answer.cause), (Registration::Home, Some(7), None));
        let answer = registration("3,3,\"00C3\",\"0000A1\",7,0,11").unwrap();
        assert_eq!((answer.state, answer.cause), (Registration::Denied, Some(11)));
        assert!(registration("1").is_none());
    }
}
