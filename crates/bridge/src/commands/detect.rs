//! `smsbridge detect`: which ports there are, which of them is a modem, and what to put into the configuration.

use std::borrow::Cow;

use clap::Args;
use serde::Serialize;
use smsbridge_modem::SimStatus;
use smsbridge_modem::detect::{self, ProbeReport};
use smsbridge_modem::obstacles::{Obstacle, obstacles};
use smsbridge_modem::serial_ports::{self, Candidate};

use super::output::{say, say_json};
use super::progress::Progress;
use crate::escape::field;
use crate::log;
use crate::remedy;

/// Find modems on the serial ports.
#[derive(Debug, Args)]
pub struct Detect {
    /// Try every serial port, not only those of known modems
    #[arg(long)]
    all: bool,
    /// Try this port too; may be given several times
    #[arg(long, value_name = "PATH")]
    port: Vec<String>,
    /// One JSON object a port
    #[arg(long)]
    json: bool,
    /// Speed, bits per second
    #[arg(long, default_value_t = 115_200)]
    baud: u32,
}

impl Detect {
    /// True when a modem answered.
    pub async fn run(self) -> anyhow::Result<bool> {
        let mut candidates = serial_ports::candidates(self.all);
        candidates.extend(self.port.iter().map(Candidate::from_path));
        let progress = Progress::new(&match candidates.len() {
            1 => "asking one port for a modem".to_owned(),
            n => format!("asking {n} ports for a modem"),
        });
        let reports = progress.during(detect::probe_all(&candidates, self.baud)).await;
        for report in &reports {
            if self.json {
                say_json(&as_json(report))
            } else {
                say(in_words(report))
            };
        }
        for obstacle in obstacles().iter().flat_map(|obstacle| describe(obstacle, &candidates)) {
            // Beside the JSON lines, not among them.
            if self.json {
                log::say(&obstacle);
            } else {
                say(obstacle);
            }
        }
        let found: Vec<_> = reports.iter().filter(|report| report.answered).collect();
        if self.json {
            return Ok(!found.is_empty());
        }
        let best = detect::best_ports(&reports);
        let mut chosen = found.iter().filter(|report| best.contains(&report.port)).enumerate().peekable();
        match chosen.peek() {
            Some(_) => {
                say("\nFor the configuration:\n");
                for (n, report) in chosen {
                    say(lines_to_paste(report, n));
                }
            }
            None if candidates.is_empty() && cfg!(windows) => {
                say("no modem port: does the Device Manager show one, under Ports (COM & LPT) or Modems?\n\
                     smsbridge detect --all tries every COM port there is; a port by name: --port COM6");
            }
            None if candidates.is_empty() => {
                say(
                    "no modem port: is the stick plugged in, and not in its CD-ROM mode (lsusb; usb_modeswitch)?\n\
                     smsbridge detect --all tries every serial port there is; a port by name: --port /dev/ttyUSB0",
                );
            }
            None => {
                say("\nno modem answered");
            }
        }
        Ok(!found.is_empty())
    }
}

/// What is in the way, a line each, with what to do about it.
fn describe(obstacle: &Obstacle, candidates: &[Candidate]) -> Vec<String> {
    match obstacle {
        Obstacle::NoPort { vendor_id, product_id, what, remedy } => {
            vec![format!("USB {vendor_id:04x}:{product_id:04x} is {what}; {remedy}")]
        }
        Obstacle::ModemManager => {
            let mut rules: Vec<String> = candidates.iter().filter_map(udev_rule).collect();
            rules.sort();
            rules.dedup();
            let words = "ModemManager runs and opens modems: keep it off them with a line in \
                /etc/udev/rules.d/78-smsbridge.rules, then `sudo udevadm control --reload && sudo udevadm trigger`, \
                or stop it";
            std::iter::once(words.to_owned()).chain(rules).collect()
        }
    }
}

fn udev_rule(candidate: &Candidate) -> Option<String> {
    let (vendor, product) = (candidate.vendor_id?, candidate.product_id?);
    Some(format!(
        "    ACTION==\"add|change|move|bind\", SUBSYSTEM==\"usb\", ENV{{DEVTYPE}}==\"usb_device\", \
         ATTR{{idVendor}}==\"{vendor:04x}\", ATTR{{idProduct}}==\"{product:04x}\", ENV{{ID_MM_DEVICE_IGNORE}}=\"1\""
    ))
}

fn sim_in_words(sim: &SimStatus) -> String {
    match sim {
        SimStatus::Ready => "SIM ready".to_owned(),
        SimStatus::PinRequired { tries_left: Some(n) } => format!("SIM asks for its PIN ({n} tries left)"),
        SimStatus::PinRequired { tries_left: None } => "SIM asks for its PIN".to_owned(),
        SimStatus::PukRequired => "SIM asks for its PUK".to_owned(),
        SimStatus::Missing => "no SIM".to_owned(),
        SimStatus::Other(words) => format!("SIM says {words}"),
    }
}

fn in_words(report: &ProbeReport) -> String {
    let port = report.port.display();
    if report.answered {
        let identity = report.identity.clone();
        let model = identity.and_then(|i| Some(format!("{} {}", i.manufacturer?, i.model?)));
        let parts = [
            Some(model.unwrap_or_else(|| "a modem".to_owned())),
            report.sim.as_ref().map(sim_in_words),
            report.operator.clone(),
            report.signal_percent.map(|percent| format!("signal {percent} %")),
            report.gives_urcs.then(|| "announces messages".to_owned()),
        ];
        // The words are the modem's.
        let words: Vec<String> = parts.into_iter().flatten().map(|part| field(&part)).collect();
        return format!("{port}: {}", words.join(", "));
    }
    let mut words = format!("{port}: no modem answers here");
    if let Some(holder) = &report.holder {
        words.push_str(&format!("\n    held by {} (process {})", field(&holder.name), holder.pid));
    }
    if !report.what_was_sent.is_empty() {
        let answer = if report.what_came_back.is_empty() { "nothing" } else { &report.what_came_back };
        // Printable already: the dialogue is kept so.
        words.push_str(&format!("\n    sent: {}\n    came back: {answer}", report.what_was_sent));
    }
    if let Some(problem) = &report.problem {
        words.push_str(&format!("\n    problem: {}", field(&remedy::probe_problem(problem))));
    }
    words
}

/// A serial port: a line of `smsbridge detect --json`. What is not known is null.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Detected"))]
pub struct DetectForm<'a> {
    /// Its path.
    port: Cow<'a, str>,
    /// The same below `/dev/serial/by-id`, which stays when the modem is plugged in elsewhere.
    by_id: Option<Cow<'a, str>>,
    /// The USB interface.
    interface: Option<u8>,
    /// Whether a modem answers here.
    answered: bool,
    /// Whether the modem announces messages here.
    gives_urcs: bool,
    /// The modem's manufacturer.
    manufacturer: Option<&'a str>,
    /// The modem's model.
    model: Option<&'a str>,
    /// The modem's serial number (TS 23.003 6.2).
    imei: Option<&'a str>,
    /// How the SIM is, in words.
    sim: Option<String>,
    /// The network operator's name.
    operator: Option<&'a str>,
    /// Signal strength, percent.
    #[cfg_attr(test, schemars(range(max = 100)))]
    signal_percent: Option<u8>,
    /// The same in dBm.
    signal_dbm: Option<i16>,
    /// The process that holds the port.
    holder: Option<HolderForm<'a>>,
    /// What was sent, of a port that does not answer.
    sent: &'a str,
    /// What came back.
    came_back: &'a str,
    /// What is wrong and what to try, for people.
    advice: Option<String>,
}

/// A process that holds a port.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Holder"))]
struct HolderForm<'a> {
    /// Its name.
    name: &'a str,
    /// Its number.
    pid: u32,
}

fn as_json(report: &ProbeReport) -> String {
    let identity = report.identity.as_ref();
    let form = DetectForm {
        port: report.port.to_string_lossy(),
        by_id: report.by_id.as_ref().map(|path| path.to_string_lossy()),
        interface: report.interface,
        answered: report.answered,
        gives_urcs: report.gives_urcs,
        manufacturer: identity.and_then(|i| i.manufacturer.as_deref()),
        model: identity.and_then(|i| i.model.as_deref()),
        imei: identity.and_then(|i| i.imei.as_deref()),
        sim: report.sim.as_ref().map(sim_in_words),
        operator: report.operator.as_deref(),
        signal_percent: report.signal_percent,
        signal_dbm: report.signal_dbm,
        holder: report.holder.as_ref().map(|holder| HolderForm { name: &holder.name, pid: holder.pid }),
        sent: &report.what_was_sent,
        came_back: &report.what_came_back,
        advice: report.problem.as_ref().map(remedy::probe_problem),
    };
    // Cannot fail: all keys are strings.
    serde_json::to_string(&form).unwrap_or_default()
}

fn lines_to_paste(report: &ProbeReport, n: usize) -> String {
    let name = if n == 0 { "main".to_owned() } else { format!("modem{}", n + 1) };
    let port = report.by_id.as_ref().unwrap_or(&report.port).display();
    let imei = report.identity.as_ref().and_then(|i| i.imei.as_deref());
    let imei = imei.map_or(String::new(), |imei| format!("imei = {imei:?}\n"));
    format!("[[modem]]\nname = \"{name}\"\nport = \"{port}\"\n{imei}")
}
