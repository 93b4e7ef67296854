//! What the modem knows about network, signal and storage.
//!
//! Owns the commands of a status round. Changes nothing in the modem but the selected storage, and treats every command
//! as optional: a modem that lacks one gives less, not an error. Only a fault of the connection ends a round.

use std::time::Duration;

use crate::at::charset;
use crate::at::command::Command;
use crate::at::params::{fields, number};
use crate::error::ModemError;
use crate::ready::Ready;
use crate::registration::{Domain, Registration, RegistrationReport, Registrations};
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
    /// Those of all domains the modem knows.
    pub registrations: Registrations,
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

/// In the order of their worth where several are registered.
const DOMAINS: [(Domain, &str, &str); 4] = [
    (Domain::Circuit, "AT+CREG?", "+CREG:"),
    (Domain::Eps, "AT+CEREG?", "+CEREG:"),
    (Domain::Packet, "AT+CGREG?", "+CGREG:"),
    (Domain::FiveG, "AT+C5GREG?", "+C5GREG:"),
];

/// Asks for registration, operator, technology and signal.
pub async fn network<P: Stream>(session: &mut Session<P>) -> Result<NetworkStatus, ModemError> {
    let mut registrations = Registrations::default();
    let mut technologies = Vec::new();
    for (domain, text, prefix) in DOMAINS {
        let answer = session.optional(Command::new(text).answer_prefix(prefix)).await?;
        let answer = answer
            .and_then(|response| response.after(prefix).next().and_then(|rest| registration(domain, rest)));
        if let Some(Answer { report, technology }) = answer {
            registrations.update(report);
            technologies.push((domain, technology));
        }
    }
    let best = registrations.best();
    let technology = |report: RegistrationReport| {
        technologies
            .iter()
            .find(|(domain, _)| *domain == report.domain)
            .and_then(|(_, technology)| *technology)
    };

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
    let technology = number(operator.get(3)).or(best.and_then(technology)).and_then(technology_name);
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
        registrations,
        operator: operator.get(2).filter(|name| !name.is_empty()).map(|name| charset::name(name)),
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
    report: RegistrationReport,
    technology: Option<u8>,
}

/// `<n>,<stat>[,<lac>,<ci>[,<AcT>[,<cause_type>,<reject_cause>]]]`. Before the cause, which therefore is taken from the end,
/// GPRS has `<rac>`, and 5G the slices that are allowed.
fn registration(domain: Domain, rest: &str) -> Option<Answer> {
    let fields = fields(rest);
    let state = Registration::from_number(number(fields.get(1))?);
    let least = if domain == Domain::FiveG { 9 } else { 7 };
    let cause = if fields.len() >= least { number(fields.last()) } else { None };
    Some(Answer { report: RegistrationReport { domain, state, cause }, technology: number(fields.get(4)) })
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
        let read =
            |domain, rest| registration(domain, rest).map(|a| (a.report.state, a.technology, a.report.cause));
        let rows = [
            (
                "home",
                Domain::Circuit,
                " 2,1,\"00C3\",\"0000A1\",7",
                Some((Registration::Home, Some(7), None)),
            ),
            (
                "denied",
                Domain::Eps,
                "3,3,\"00C3\",\"0000A1\",7,0,11",
                Some((Registration::Denied, Some(7), Some(11))),
            ),
            (
                "5G, allowed slices",
                Domain::FiveG,
                "2,1,\"1A2B\",\"01C3D4E5\",11,4,\"01.000001\"",
                Some((Registration::Home, Some(11), None)),
            ),
            (
                "5G, denied",
                Domain::FiveG,
                "3,3,\"1A2B\",\"01C3D4E5\",11,0,\"\",0,11",
                Some((Registration::Denied, Some(11), Some(11))),
            ),
            ("no answer to a question", Domain::Circuit, "1", None),
        ];
        for (name, domain, rest, expect) in rows {
            assert_eq!(read(domain, rest), expect, "{name}");
        }
    }
}
