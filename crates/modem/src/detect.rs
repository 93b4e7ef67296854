//! Which serial port is the modem.
//!
//! Probes ports and chooses among them. Must never open a port that is not a modem's unless asked to (a Zigbee stick does
//! not like `AT`), never try a PIN and never spawn: probes are futures that run side by side in the caller's task. Input
//! is the list of `serial_ports.rs`.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::bring_up::{self, Identity};
use crate::dialogue::find_dialogue;
use crate::error::ModemError;
use crate::port::{self, PortError, PortSpec};
use crate::profile::{self, PROFILES};
use crate::serial_ports::{Candidate, Holder, candidates};
use crate::session::{Session, Stream};
use crate::sim::sim_once;
use crate::sim_status::SimStatus;
use crate::status;
use crate::trace::Traced;

/// How long a probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a port that answered is listened to for unsolicited lines.
const LISTEN_TIME: Duration = Duration::from_millis(1500);

/// The result of a probe.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ProbeReport {
    /// The device.
    pub port: PathBuf,
    /// A name that stays the same when it is plugged in again.
    pub by_id: Option<PathBuf>,
    /// USB interface.
    pub interface: Option<u8>,
    /// Whether it answers `AT`.
    pub answered: bool,
    /// Whether an unsolicited line came while it was probed: such a port also announces messages.
    pub gives_urcs: bool,
    /// Who it is.
    pub identity: Option<Identity>,
    /// What its SIM wants.
    pub sim: Option<SimStatus>,
    /// Its operator.
    pub operator: Option<String>,
    /// Its signal.
    pub signal_percent: Option<u8>,
    /// Its signal.
    pub signal_dbm: Option<i16>,
    /// Who has it open, if it is busy.
    pub holder: Option<Holder>,
    /// The last that was sent, or empty.
    pub what_was_sent: String,
    /// What came back to it, or empty.
    pub what_came_back: String,
    /// What is wrong with the port, the modem or its SIM.
    pub problem: Option<ProbeProblem>,
}

/// What is wrong with a port, the modem behind it or its SIM.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeProblem {
    /// The port cannot be opened.
    #[error(transparent)]
    Port(PortError),
    /// The modem does not answer as a modem does.
    #[error(transparent)]
    Modem(ModemError),
    /// The SIM is not ready.
    #[error("{0}")]
    Sim(SimStatus),
    /// The probe took too long.
    #[error("no end within {} s; unplug the modem and plug it in again", PROBE_TIMEOUT.as_secs())]
    TimedOut,
}

/// Probes one port. Takes five seconds at most and never fails: what is wrong is in the report.
pub async fn probe(candidate: &Candidate, baud: u32) -> ProbeReport {
    let mut report = ProbeReport {
        port: candidate.path.clone(),
        by_id: candidate.by_id.clone(),
        interface: candidate.interface,
        ..ProbeReport::default()
    };
    let log = SharedLog::default();
    let asked = async {
        let spec = PortSpec::Serial(candidate.path.to_string_lossy().into_owned());
        let port = match port::open(&spec, baud).await {
            Ok(port) => port,
            Err(error) => {
                if let PortError::Busy { holder, .. } = &error {
                    report.holder.clone_from(holder);
                }
                report.problem = Some(ProbeProblem::Port(error));
                return;
            }
        };
        let mut session = Session::new(Traced::new(port, log.clone()));
        match ask(&mut session, &mut report).await {
            Ok(()) => {
                report.gives_urcs = matches!(timeout(LISTEN_TIME, session.next_event()).await, Ok(Ok(_)))
            }
            Err(error) => report.problem = Some(ProbeProblem::Modem(error)),
        }
    };
    if timeout(PROBE_TIMEOUT, asked).await.is_err() && report.sim.is_none() {
        report.problem.get_or_insert(ProbeProblem::TimedOut);
    }
    (report.what_was_sent, report.what_came_back) = log.last_exchange();
    report
}

async fn ask<P: Stream>(session: &mut Session<P>, report: &mut ProbeReport) -> Result<(), ModemError> {
    find_dialogue(session, 3, Duration::from_millis(700)).await?;
    report.answered = true;
    session.optional(crate::Command::new("ATE0")).await?;
    session.set_synchronised();
    session.optional(crate::Command::new("AT+CMEE=1")).await?;
    report.identity = Some(bring_up::identify(session).await?);
    report.sim = Some(sim_once(session).await?.status);
    report.problem = report.sim.clone().filter(|sim| *sim != SimStatus::Ready).map(ProbeProblem::Sim);
    let network = status::network(session).await?;
    report.operator = network.operator;
    report.signal_percent = network.signal_percent;
    report.signal_dbm = network.signal_dbm;
    Ok(())
}

/// Probes ports side by side.
pub async fn probe_all(candidates: &[Candidate], baud: u32) -> Vec<ProbeReport> {
    join_all(candidates.iter().map(|candidate| probe(candidate, baud))).await
}

/// The port of the modem with this IMEI, or of the only modem there is.
pub async fn find(imei: Option<&str>, baud: u32) -> Result<PathBuf, PortError> {
    let candidates = candidates(false);
    if candidates.is_empty() {
        return Err(PortError::NoModem(
            "no serial port has a modem's USB id or driver; plug it in, or name its port".into(),
        ));
    }
    let reports = probe_all(&candidates, baud).await;
    let port = choose(&reports, imei)?;
    let chosen = candidates.iter().find(|candidate| candidate.path == port);
    Ok(chosen.map_or(port, Candidate::stable_name))
}

/// Of the ports of one modem, one on which unsolicited lines came, else the one on which its family sends them, else the
/// first that answers.
fn choose(reports: &[ProbeReport], imei: Option<&str>) -> Result<PathBuf, PortError> {
    let imei = imei.filter(|imei| !imei.is_empty());
    let mut modems: BTreeMap<String, Vec<&ProbeReport>> = BTreeMap::new();
    for report in reports.iter().filter(|report| report.answered) {
        let own = report.identity.as_ref().and_then(|identity| identity.imei.clone());
        // Ports whose IMEI is unknown cannot be recognised as one modem.
        let key = own.unwrap_or_else(|| report.port.display().to_string());
        modems.entry(key).or_default().push(report);
    }
    if modems.is_empty() {
        let seen: Vec<String> = reports
            .iter()
            .map(|report| {
                let problem = report.problem.as_ref().map_or("no answer".into(), ToString::to_string);
                format!("{}: {problem}", report.port.display())
            })
            .collect();
        return Err(PortError::NoModem(seen.join("; ")));
    }
    let ports = match imei {
        Some(imei) => modems.remove(imei).ok_or_else(|| {
            let seen: Vec<&str> = modems.keys().map(String::as_str).collect();
            PortError::NoModem(format!("none has the IMEI {imei}; there are {}", seen.join(", ")))
        })?,
        None if modems.len() > 1 => return Err(PortError::Several(modems.into_keys().collect())),
        None => modems.into_values().next().unwrap_or_default(),
    };
    let is_familys = |report: &ProbeReport| {
        let name = report.identity.as_ref().map(|identity| identity.profile);
        let profile =
            PROFILES.iter().find(|profile| Some(profile.name) == name).copied().unwrap_or(profile::GENERIC);
        profile.at_interface.is_some() && profile.at_interface == report.interface
    };
    let worth = |report: &ProbeReport| 2 * u8::from(report.gives_urcs) + u8::from(is_familys(report));
    // Of equals the first.
    let best = ports.iter().rev().max_by_key(|report| worth(report));
    best.map(|report| report.port.clone()).ok_or_else(|| PortError::NoModem("none answers".into()))
}

/// The best port of each modem that answered, in the order they were probed.
pub fn best_ports(reports: &[ProbeReport]) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    let mut out = Vec::new();
    for report in reports.iter().filter(|report| report.answered) {
        let imei = report.identity.as_ref().and_then(|identity| identity.imei.clone());
        let Some(imei) = imei else {
            out.push(report.port.clone());
            continue;
        };
        if !seen.contains(&imei) {
            out.extend(choose(reports, Some(&imei)));
            seen.push(imei);
        }
    }
    out
}

/// The trace of a probe, kept in memory.
#[derive(Debug, Clone, Default)]
struct SharedLog(Arc<Mutex<Vec<u8>>>);

impl SharedLog {
    /// The last line that was sent, and what came after it.
    fn last_exchange(&self) -> (String, String) {
        let Ok(log) = self.0.lock() else { return Default::default() };
        let log = String::from_utf8_lossy(&log).into_owned();
        let (mut sent, mut back) = (String::new(), Vec::new());
        for line in log.lines().filter_map(|line| line.get(11..)) {
            match line.split_at_checked(2) {
                Some(("> ", text)) => {
                    sent = text.to_string();
                    back.clear();
                }
                Some((_, text)) => back.push(text.chars().take(200).collect::<String>()),
                None => {}
            }
        }
        (sent, back.join(" "))
    }
}

impl io::Write for SharedLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const MAX_LOG: usize = 64 * 1024;
        if let Ok(mut log) = self.0.lock() {
            let room = MAX_LOG.saturating_sub(log.len()).min(bytes.len());
            log.extend_from_slice(bytes.get(..room).unwrap_or_default());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "detect_tests.rs"]
mod tests;
