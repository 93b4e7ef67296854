//! `smsbridge detect`: which ports there are, which of them is a modem, and what to put into the configuration.

use clap::Args;
use serde_json::json;
use smsbridge_modem::bring_up::SimStatus;
use smsbridge_modem::detect::{self, ProbeReport};

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
        let mut candidates = detect::candidates(self.all);
        candidates.extend(self.port.iter().map(detect::Candidate::from_path));
        let reports = detect::probe_all(&candidates, self.baud).await;
        for report in &reports {
            println!("{}", if self.json { as_json(report) } else { in_words(report) });
        }
        for obstacle in detect::obstacles(&candidates) {
            // Beside the JSON lines, not among them.
            if self.json {
                eprintln!("{obstacle}");
            } else {
                println!("{obstacle}");
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
                println!("\nFor the configuration:\n");
                chosen.for_each(|(n, report)| println!("{}", lines_to_paste(report, n)));
            }
            None if candidates.is_empty() => println!(
                "no modem port: is the stick plugged in, and not in its CD-ROM mode (lsusb; usb_modeswitch)?\n\
                 smsbridge detect --all tries every serial port there is; a port by name: --port /dev/ttyUSB0"
            ),
            None => println!("\nno modem answered"),
        }
        Ok(!found.is_empty())
    }
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
            report.gives_urcs.then(|| "tells of messages unasked".to_owned()),
        ];
        return format!("{port}: {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "));
    }
    let mut words = format!("{port}: no modem answers here");
    if let Some(holder) = &report.holder {
        words.push_str(&format!("\n    held by {} (process {})", holder.name, holder.pid));
    }
    if !report.what_was_sent.is_empty() {
        let answer = if report.what_came_back.is_empty() { "nothing" } else { &report.what_came_back };
        words.push_str(&format!("\n    sent: {}\n    came back: {answer}", report.what_was_sent));
    }
    if let Some(advice) = &report.advice {
        words.push_str(&format!("\n    try: {advice}"));
    }
    words
}

fn as_json(report: &ProbeReport) -> String {
    let identity = report.identity.as_ref();
    json!({
        "port": report.port, "by_id": report.by_id, "interface": report.interface, "answered": report.answered,
        "gives_urcs": report.gives_urcs,
        "manufacturer": identity.and_then(|i| i.manufacturer.clone()),
        "model": identity.and_then(|i| i.model.clone()),
        "imei": identity.and_then(|i| i.imei.clone()),
        "sim": report.sim.as_ref().map(sim_in_words), "operator": report.operator,
        "signal_percent": report.signal_percent, "signal_dbm": report.signal_dbm,
        "holder": report.holder.as_ref().map(|h| json!({"name": h.name, "pid": h.pid})),
        "sent": report.what_was_sent, "came_back": report.what_came_back, "advice": report.advice,
    })
    .to_string()
}

fn lines_to_paste(report: &ProbeReport, n: usize) -> String {
    let name = if n == 0 { "main".to_owned() } else { format!("modem{}", n + 1) };
    let port = report.by_id.as_ref().unwrap_or(&report.port).display();
    let imei = report.identity.as_ref().and_then(|i| i.imei.as_deref());
    let imei = imei.map_or(String::new(), |imei| format!("imei = \"{imei}\"\n"));
    format!("[[modem]]\nname = \"{name}\"\nport = \"{port}\"\n{imei}")
}
