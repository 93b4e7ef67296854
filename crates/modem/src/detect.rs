//! Which serial port is the modem.
//!
//! Owns the list of ports with what the kernel knows of them, and the probing of one. It must never
//! open a port that is not a modem's unless told to (a Zigbee stick does not like `AT`), never try a
//! PIN and never spawn: probes are futures that run side by side in the caller's task. Input is
//! `/sys/class/tty` and `/dev/serial/by-id`; either may be missing.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

use crate::bring_up::{self, Identity, SimStatus};
use crate::error::ModemError;
use crate::port::{self, Holder, PortError, PortSpec};
use crate::profile::{self, PROFILES};
use crate::session::{Session, Stream};
use crate::status;
use crate::trace::Traced;

/// All a probe may take.
const PROBE_TIME: Duration = Duration::from_secs(5);

/// How long a port that has told all is listened to, for what comes unasked.
const LISTEN_FOR: Duration = Duration::from_millis(1500);

/// Drivers that only modems have. The kernel calls the `option` driver `option1`.
const MODEM_DRIVERS: [&str; 6] = ["option", "option1", "qcserial", "sierra", "hso", "ipw"];

/// Vendors of modems, for drivers that others use too.
const MODEM_VENDORS: [(u16, &str); 20] = [
    (0x12d1, "Huawei"),
    (0x19d2, "ZTE"),
    (0x2c7c, "Quectel"),
    (0x1e0e, "SIMCom"),
    (0x1199, "Sierra"),
    (0x1bc7, "Telit"),
    (0x1546, "u-blox"),
    (0x0bdb, "Ericsson"),
    (0x413c, "Dell"),
    (0x05c6, "Qualcomm"),
    (0x2cb7, "Fibocom"),
    (0x1c9e, "Longcheer"),
    (0x1bbb, "Alcatel"),
    (0x0af0, "Option"),
    (0x1410, "Novatel"),
    (0x16d8, "CMOTECH"),
    (0x1e2d, "Cinterion"),
    (0x0681, "Siemens"),
    (0x0489, "Foxconn"),
    (0x1782, "Unisoc"),
];

/// A serial port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Its device.
    pub path: PathBuf,
    /// A name that stays the same over re-plugging.
    pub by_id: Option<PathBuf>,
    /// USB vendor.
    pub vendor_id: Option<u16>,
    /// USB product.
    pub product_id: Option<u16>,
    /// What the device calls itself.
    pub product: Option<String>,
    /// USB interface: one modem has several ports.
    pub interface: Option<u8>,
    /// The kernel's driver.
    pub driver: Option<String>,
}

impl Candidate {
    /// A port named by a person.
    pub fn from_path(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    fn is_modem_like(&self) -> bool {
        let driver = self.driver.as_deref().unwrap_or_default();
        MODEM_DRIVERS.contains(&driver)
            || (driver.starts_with("cdc_acm")
                && MODEM_VENDORS.iter().any(|row| Some(row.0) == self.vendor_id))
    }

    /// The name to put into a configuration.
    fn stable_name(&self) -> PathBuf {
        self.by_id.clone().unwrap_or_else(|| self.path.clone())
    }
}

/// The serial ports: those of modems, or all.
pub fn candidates(all: bool) -> Vec<Candidate> {
    candidates_in(Path::new("/"), all)
}

fn candidates_in(root: &Path, all: bool) -> Vec<Candidate> {
    let mut names = BTreeMap::new();
    for link in entries(&root.join("dev/serial/by-id")) {
        if let Ok(device) = link.canonicalize() {
            names.entry(device).or_insert(link);
        }
    }
    let mut out: Vec<Candidate> = entries(&root.join("sys/class/tty"))
        .iter()
        .filter_map(|tty| candidate(root, tty, &names))
        .filter(|candidate| all || candidate.is_modem_like())
        .collect();
    // ttyUSB10 after ttyUSB9.
    out.sort_by_key(|c| (c.path.as_os_str().len(), c.path.clone()));
    out
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut out: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    out.sort();
    out
}

fn candidate(root: &Path, tty: &Path, names: &BTreeMap<PathBuf, PathBuf>) -> Option<Candidate> {
    // Consoles and pseudo terminals have no device; a ttyS of type 0 has no chip behind it.
    let device = tty.join("device").canonicalize().ok()?;
    if word(&tty.join("type")).as_deref() == Some("0") {
        return None;
    }
    let path = root.join("dev").join(tty.file_name()?);
    if !path.exists() {
        return None;
    }
    let driver = device.join("driver").canonicalize().ok();
    let mut out = Candidate {
        by_id: path.canonicalize().ok().and_then(|device| names.get(&device).cloned()),
        driver: driver.and_then(|d| d.file_name().map(|name| name.to_string_lossy().into_owned())),
        path,
        ..Candidate::default()
    };
    for folder in device.ancestors().take(6) {
        if out.interface.is_none() {
            out.interface = hex(&folder.join("bInterfaceNumber")).and_then(|n| n.try_into().ok());
        }
        if let Some(vendor) = hex(&folder.join("idVendor")) {
            out.vendor_id = Some(vendor);
            out.product_id = hex(&folder.join("idProduct"));
            out.product = word(&folder.join("product"));
            break;
        }
    }
    Some(out)
}

fn word(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    Some(text.trim().to_string()).filter(|text| !text.is_empty())
}

fn hex(file: &Path) -> Option<u16> {
    u16::from_str_radix(&word(file)?, 16).ok()
}

/// What came of a probe.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProbeReport {
    /// The device.
    pub port: PathBuf,
    /// A name that stays the same over re-plugging.
    pub by_id: Option<PathBuf>,
    /// USB interface.
    pub interface: Option<u8>,
    /// Whether it answers `AT`.
    pub answered: bool,
    /// Whether something came unasked while it was asked: such a port also tells of messages.
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
    /// What to try, where something is wrong.
    pub advice: Option<String>,
}

/// Asks one port who is there. Takes five seconds at most and never errs: what went wrong is in the
/// report.
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
                report.advice = Some(error.to_string());
                return;
            }
        };
        let mut session = Session::new(Traced::new(port, log.clone()));
        match ask(&mut session, &mut report).await {
            Ok(()) => {
                report.gives_urcs = matches!(timeout(LISTEN_FOR, session.next_event()).await, Ok(Ok(_)))
            }
            Err(error) => report.advice = Some(error.to_string()),
        }
    };
    if timeout(PROBE_TIME, asked).await.is_err() && report.sim.is_none() {
        report.advice.get_or_insert_with(|| {
            format!("no end within {} s; unplug the modem and plug it in again", PROBE_TIME.as_secs())
        });
    }
    (report.what_was_sent, report.what_came_back) = log.last_exchange();
    report
}

async fn ask<P: Stream>(session: &mut Session<P>, report: &mut ProbeReport) -> Result<(), ModemError> {
    bring_up::synchronise(session, 3, Duration::from_millis(700)).await?;
    report.answered = true;
    session.optional(crate::Command::new("ATE0")).await?;
    session.set_synchronised();
    session.optional(crate::Command::new("AT+CMEE=1")).await?;
    report.identity = Some(bring_up::identify(session).await?);
    report.sim = Some(bring_up::sim_once(session).await?.0);
    report.advice = match &report.sim {
        Some(SimStatus::PinRequired { .. }) => Some("the SIM wants its PIN: set pin or pin_file".into()),
        Some(SimStatus::PukRequired) => {
            Some("the SIM is locked: unlock it with its PUK in a telephone".into())
        }
        Some(SimStatus::Missing) => Some("there is no SIM: insert one".into()),
        Some(SimStatus::Other(words)) => Some(format!("the SIM is not usable yet: {words}")),
        Some(SimStatus::Ready) | None => None,
    };
    let network = status::network(session).await?;
    report.operator = network.operator;
    report.signal_percent = network.signal_percent;
    report.signal_dbm = network.signal_dbm;
    Ok(())
}

/// Probes ports side by side.
pub async fn probe_all(candidates: &[Candidate], baud: u32) -> Vec<ProbeReport> {
    let mut probes: Vec<_> = candidates.iter().map(|c| (Box::pin(probe(c, baud)), None)).collect();
    std::future::poll_fn(|cx| {
        let mut pending = false;
        for (probe, report) in &mut probes {
            if report.is_none() {
                match Pin::as_mut(probe).poll(cx) {
                    Poll::Ready(done) => *report = Some(done),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    probes.into_iter().filter_map(|(_, report)| report).collect()
}

/// The port of the modem with this IMEI, or of the only modem there is.
pub async fn find(imei: Option<&str>, baud: u32) -> Result<PathBuf, PortError> {
    let candidates = candidates(false);
    if candidates.is_empty() {
        return Err(PortError::NoModem(
            "no serial port has a modem's USB id or driver; plug it in, or name its port (`smsbridge detect --all` lists all)"
                .into(),
        ));
    }
    let reports = probe_all(&candidates, baud).await;
    let port = choose(&reports, imei)?;
    let chosen = candidates.iter().find(|candidate| candidate.path == port);
    Ok(chosen.map_or(port, Candidate::stable_name))
}

/// Of the ports of one modem, one that was heard to give unsolicited codes, else the one its family gives them on, else
/// the first that answers.
fn choose(reports: &[ProbeReport], imei: Option<&str>) -> Result<PathBuf, PortError> {
    let imei = imei.filter(|imei| !imei.is_empty());
    let mut modems: BTreeMap<String, Vec<&ProbeReport>> = BTreeMap::new();
    for report in reports.iter().filter(|report| report.answered) {
        let own = report.identity.as_ref().and_then(|identity| identity.imei.clone());
        // Ports that tell no IMEI cannot be told to be one modem.
        let key = own.unwrap_or_else(|| report.port.display().to_string());
        modems.entry(key).or_default().push(report);
    }
    if modems.is_empty() {
        let seen: Vec<String> = reports
            .iter()
            .map(|r| format!("{}: {}", r.port.display(), r.advice.as_deref().unwrap_or("no answer")))
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
        let profile = PROFILES.iter().find(|profile| Some(profile.name) == name).unwrap_or(&profile::GENERIC);
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

/// A USB device that is a modem and shows no port as it is: vendor, product or none for all, what it is, what to do.
const NO_PORT: &[(u16, &[u16], &str, &str)] = &[
    (
        0x12d1,
        &[0x1446, 0x14fe, 0x1f01, 0x1c0b, 0x1505, 0x1520, 0x1521],
        "a Huawei stick in its CD-ROM mode",
        "install usb-modeswitch and plug it in again",
    ),
    (
        0x12d1,
        &[0x14db, 0x14dc, 0x1f1e],
        "a Huawei stick in HiLink mode: it is a network card with a web page (http://192.168.8.1) and takes no AT commands",
        "usb_modeswitch (HuaweiAltMode) or a stick firmware give it ports; else use another stick",
    ),
    (
        0x19d2,
        &[0x2000, 0x0083, 0x0103, 0x0166, 0x1007, 0x1225],
        "a ZTE stick in its CD-ROM mode",
        "install usb-modeswitch and plug it in again",
    ),
    (
        0x19d2,
        &[0x1405, 0x1403],
        "a ZTE stick as a network card with a web page: it takes no AT commands",
        "its AT mode, if it has one, is set on that page; else use another stick",
    ),
    (
        0x1bbb,
        &[0xf000, 0x0195],
        "an Alcatel stick without ports",
        "install usb-modeswitch and plug it in again",
    ),
    (
        0x1c9e,
        &[0xf000, 0x9800],
        "a Longcheer stick in its CD-ROM mode",
        "install usb-modeswitch and plug it in again",
    ),
];

/// What else stands between us and a modem, a line each with what to do: sticks without ports, ModemManager.
pub fn obstacles(candidates: &[Candidate]) -> Vec<String> {
    obstacles_in(Path::new("/"), candidates)
}

fn obstacles_in(root: &Path, candidates: &[Candidate]) -> Vec<String> {
    let mut out = Vec::new();
    for device in entries(&root.join("sys/bus/usb/devices")) {
        let (Some(vendor), Some(product)) = (hex(&device.join("idVendor")), hex(&device.join("idProduct")))
        else {
            continue;
        };
        let row = NO_PORT.iter().find(|row| row.0 == vendor && row.1.contains(&product));
        if let Some((_, _, what, remedy)) = row {
            out.push(format!("USB {vendor:04x}:{product:04x} is {what}; {remedy}"));
        }
    }
    let is_manager = |process: &PathBuf| word(&process.join("comm")).as_deref() == Some("ModemManager");
    if entries(&root.join("proc")).iter().any(is_manager) {
        out.push(
            "ModemManager runs and takes hold of modems: keep it off them with a line in /etc/udev/rules.d/78-smsbridge.rules, then `sudo udevadm control --reload && sudo udevadm trigger`, or stop it"
                .to_string(),
        );
        let mut rules: Vec<String> = candidates
            .iter()
            .filter_map(|candidate| Some((candidate.vendor_id?, candidate.product_id?)))
            .map(|(vendor, product)| {
                format!(
                    "    ACTION==\"add|change|move|bind\", SUBSYSTEM==\"usb\", ENV{{DEVTYPE}}==\"usb_device\", \
                     ATTR{{idVendor}}==\"{vendor:04x}\", ATTR{{idProduct}}==\"{product:04x}\", ENV{{ID_MM_DEVICE_IGNORE}}=\"1\""
                )
            })
            .collect();
        rules.sort();
        rules.dedup();
        out.extend(rules);
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
        const MOST: usize = 64 * 1024;
        if let Ok(mut log) = self.0.lock() {
            let room = MOST.saturating_sub(log.len()).min(bytes.len());
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
