//! Which serial port is the modem.
//!
//! Probes ports and chooses among them. Must never open a port that is not a modem's unless asked to (a Zigbee stick does
//! not like `AT`) or that another program has open, never try a PIN and never spawn: probes are futures that run side by
//! side in the caller's task. Input is the list of `serial_ports.rs`.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use crate::bring_up::{self, Identity};
use crate::dialogue::find_dialogue;
use crate::error::{LinkFault, ModemError};
use crate::port::{self, Port, PortError, PortSpec};
use crate::profile::{self, PROFILES};
use crate::serial_ports::{self, Candidate, Holder, candidates};
use crate::session::{Session, Stream};
use crate::sim::sim_once;
use crate::sim_status::SimStatus;
use crate::status;
use crate::trace::Traced;

/// How long a port may take to be opened and to answer.
const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_millis(5500);

/// How long one of its two `AT` is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(2200);

/// A probe goes on as long as this many answers like the first take, within bounds.
const ANSWERS: u32 = 25;
const MIN_REST: Duration = Duration::from_secs(5);
const MAX_REST: Duration = Duration::from_secs(60);

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
    #[error("it did not come to an end in time; unplug the modem and plug it in again")]
    TimedOut,
}

/// How much is asked of a modem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Who it is.
    Identity,
    /// That, its SIM and its network.
    Everything,
}

/// Probes one port. A port that does not answer takes six seconds at most; a modem that does, as long as its answers take.
/// Never fails: what is wrong is in the report.
pub async fn probe(candidate: &Candidate, baud: u32) -> ProbeReport {
    probe_to(Depth::Everything, candidate, baud).await
}

async fn probe_to(depth: Depth, candidate: &Candidate, baud: u32) -> ProbeReport {
    let mut report = ProbeReport {
        port: candidate.path.clone(),
        by_id: candidate.by_id.clone(),
        interface: candidate.interface,
        ..ProbeReport::default()
    };
    let log = SharedLog::default();
    let opening = async {
        let port = open(candidate, baud).await.map_err(ProbeProblem::Port)?;
        let mut session = Session::new(Traced::new(port, log.clone()));
        let latency = first_answer(&mut session).await.map_err(ProbeProblem::Modem)?;
        Ok((session, latency))
    };
    match timeout(FIRST_ANSWER_TIMEOUT, opening).await.unwrap_or(Err(ProbeProblem::TimedOut)) {
        Ok((mut session, latency)) => {
            report.answered = true;
            // A slow modem is slow with every answer.
            let rest = (ANSWERS * latency).clamp(MIN_REST, MAX_REST);
            match timeout(rest, ask(depth, &mut session, &mut report)).await {
                Ok(Ok(())) => {
                    report.gives_urcs = matches!(timeout(LISTEN_TIME, session.next_event()).await, Ok(Ok(_)));
                }
                Ok(Err(error)) => report.problem = Some(ProbeProblem::Modem(error)),
                Err(_) if report.sim.is_none() => report.problem = Some(ProbeProblem::TimedOut),
                Err(_) => {}
            }
        }
        Err(problem) => {
            if let ProbeProblem::Port(PortError::Busy { holder, .. }) = &problem {
                report.holder.clone_from(holder);
            }
            report.problem = Some(problem);
        }
    }
    (report.what_was_sent, report.what_came_back) = log.last_exchange();
    report
}

/// Opens a port nobody has open: not every program that has one keeps others out.
async fn open(candidate: &Candidate, baud: u32) -> Result<Port, PortError> {
    let path = candidate.path.clone();
    let port = path.to_string_lossy().into_owned();
    // Reads all of /proc.
    let holder = tokio::task::spawn_blocking(move || serial_ports::holder(&path)).await.ok().flatten();
    match holder {
        Some(holder) => Err(PortError::Busy { port, holder: Some(holder) }),
        None => port::open(&PortSpec::Serial(port), baud).await,
    }
}

/// Waits for the first answer; how long one takes.
async fn first_answer<P: Stream>(session: &mut Session<P>) -> Result<Duration, ModemError> {
    if let Err(error) = find_dialogue(session, 1, ANSWER_TIMEOUT).await {
        if session.fault().is_some() {
            return Err(error);
        }
        find_dialogue(session, 1, ANSWER_TIMEOUT)
            .await
            .map_err(|_| ModemError::Link(LinkFault::NoAnswer { attempts: 2 }))?;
        // The first may have been answered just now: the answer to the second must not be taken for the next one's.
        session.discard_late_answers(ANSWER_TIMEOUT).await?;
    }
    let asked_at = Instant::now();
    session.optional(crate::Command::new("ATE0")).await?;
    Ok(asked_at.elapsed())
}

async fn ask<P: Stream>(
    depth: Depth,
    session: &mut Session<P>,
    report: &mut ProbeReport,
) -> Result<(), ModemError> {
    session.set_synchronised();
    session.optional(crate::Command::new("AT+CMEE=1")).await?;
    report.identity = Some(bring_up::identify(session).await?);
    if depth == Depth::Identity {
        return Ok(());
    }
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
    find_among(&candidates(false), imei, baud).await
}

/// The same among these ports. Only asks who a modem is.
pub async fn find_among(
    candidates: &[Candidate],
    imei: Option<&str>,
    baud: u32,
) -> Result<PathBuf, PortError> {
    if candidates.is_empty() {
        return Err(PortError::NoModem(
            "no serial port has a modem's USB id or driver; plug it in, or name its port".into(),
        ));
    }
    // One search at a time: of two, each would find ports in use that the other one only probes.
    static SEARCH: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _searching = SEARCH.lock().await;
    let probes = candidates.iter().map(|candidate| probe_to(Depth::Identity, candidate, baud));
    let reports = join_all(probes).await;
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
            // A port that is in use may be the one.
            let in_use = reports.iter().filter_map(|report| match &report.problem {
                Some(ProbeProblem::Port(error @ PortError::Busy { .. })) => Some(format!("; {error}")),
                _ => None,
            });
            let in_use: String = in_use.collect();
            PortError::NoModem(format!("none has the IMEI {imei}; there are {}{in_use}", seen.join(", ")))
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
