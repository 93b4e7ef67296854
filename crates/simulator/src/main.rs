//! A simulated modem as a program: connect any serial terminal, type AT commands and watch what it does.
//!
//! Standard input takes commands to the simulation (`help` lists them); standard output shows its journal.

use std::error::Error;
use std::io::BufRead;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use smsbridge_simulator::{Fault, FaultKind, Options, Simulator, VendorProfile, tcp};
use tokio::sync::mpsc;

/// A simulated GSM modem with its SIM and network
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Create a pseudo-terminal and link it here (Unix)
    #[arg(long, value_name = "PATH")]
    pty: Option<PathBuf>,
    /// Listen on this TCP address
    #[arg(long, value_name = "ADDRESS")]
    tcp: Option<String>,
    /// Vendor profile: generic, huawei, sim800, ec25, ...
    #[arg(long, default_value = "generic")]
    profile: String,
    /// PIN of the SIM
    #[arg(long)]
    pin: Option<String>,
    /// Slots on the SIM
    #[arg(long, default_value_t = 30)]
    slots: usize,
    /// Limit the speed to this baud rate
    #[arg(long)]
    baud: Option<u32>,
    /// Milliseconds until the network accepts a message
    #[arg(long, default_value_t = 0)]
    submit_delay: u64,
    /// Milliseconds until a status report
    #[arg(long, default_value_t = 2000)]
    report_delay: u64,
}

const HELP: &str = "\
deliver FROM TEXT     deliver a message to this SIM
pdu HEX               deliver this PDU
ring FROM, end-call   start a call; the caller hangs up
unplug, plug          unplug the modem; plug it in again
reset, hang, recover  restart; stop answering; answer again
restart [LINE]        restart at once and say only this line, or nothing
refuse COMMAND CODE   refuse commands that begin so with +CMS ERROR: CODE, until recover
late COMMAND SECONDS  answer them that much later, until recover
urc LINE              send this unsolicited line
sim-out, sim-in       take the SIM out; put it back
full, not-full        received messages find no room on the SIM; they do again
stored, sent          list the messages on the SIM; those the network accepted
quit                  end the program";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let profile = VendorProfile::named(&arguments.profile).ok_or_else(|| {
        let names: Vec<_> = VendorProfile::all().iter().map(|p| p.name).collect();
        format!("unknown profile {:?}; choose one of {}", arguments.profile, names.join(", "))
    })?;
    if arguments.pty.is_none() && arguments.tcp.is_none() {
        return Err("no port to serve: give --pty PATH or --tcp ADDRESS".into());
    }
    let sim = Simulator::new(Options {
        profile,
        pin: arguments.pin,
        slots: arguments.slots,
        baud: arguments.baud,
        submit_delay: Duration::from_millis(arguments.submit_delay),
        report_delay: Duration::from_millis(arguments.report_delay),
        ..Options::default()
    });

    let mut ends = tokio::task::JoinSet::new();
    if let Some(address) = arguments.tcp {
        let listener = tcp::listen(&sim, address).await?;
        println!("listening on {}", listener.address()?);
        ends.spawn(listener.run());
    }
    #[cfg(not(unix))]
    if arguments.pty.is_some() {
        return Err("this system has no pseudo-terminals: use --tcp".into());
    }
    #[cfg(unix)]
    if let Some(path) = arguments.pty {
        let pty = smsbridge_simulator::pty::Pty::open(&sim, &path)?;
        println!("serial port at {}", path.display());
        ends.spawn(pty.run());
    }
    println!("type help for a list of commands");

    let mut lines = typed_lines();
    let mut seen = 0;
    loop {
        let (journal, next) = sim.journal_from(seen);
        journal.iter().for_each(|line| println!("{line}"));
        seen = next;
        tokio::select! {
            line = lines.recv() => match line.as_deref().map(str::trim) {
                Some("quit") => return Ok(()),
                Some(line) => run_command(&sim, line),
                // Standard input has ended; the modem runs until it is killed.
                None => lines = mpsc::channel(1).1,
            },
            _ = sim.wait_for(Duration::from_secs(3600), |sim| sim.journal_from(seen).1 > seen) => {}
            Some(ended) = ends.join_next() => return Ok(ended??),
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

/// Lines of standard input, read by a thread because such a read cannot be cancelled.
fn typed_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn run_command(sim: &Simulator, line: &str) {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match verb {
        "" => {}
        "deliver" => {
            let (from, text) = rest.split_once(' ').unwrap_or((rest, ""));
            if let Err(e) = sim.deliver(from, text) {
                println!("{e}");
            }
        }
        "pdu" => sim.deliver_pdu(rest),
        "ring" => sim.ring(rest),
        "end-call" => sim.stop_ringing(),
        "unplug" => sim.unplug(),
        "plug" => sim.plug(),
        "reset" => sim.reset(),
        "hang" => sim.hang(),
        "recover" => sim.clear_faults(),
        "restart" => sim.restart(if rest.is_empty() { &[] } else { std::slice::from_ref(&rest) }),
        "refuse" => set_fault(sim, rest, |code| Some(FaultKind::Cms(code.parse().ok()?))),
        "late" => {
            set_fault(sim, rest, |time| Some(FaultKind::Late(Duration::from_secs(time.parse().ok()?))));
        }
        "urc" => sim.send_urc(rest),
        "sim-out" => sim.set_sim_present(false),
        "sim-in" => sim.set_sim_present(true),
        "full" => sim.set_full(true),
        "not-full" => sim.set_full(false),
        "stored" => {
            sim.stored().iter().for_each(|s| println!("{} {} {:?} {}", s.storage, s.slot, s.status, s.pdu))
        }
        "sent" => {
            sim.sent().iter().for_each(|s| println!("{} {}", s.to, s.text.as_deref().unwrap_or(&s.pdu)))
        }
        _ => println!("{HELP}"),
    }
}

/// `COMMAND VALUE`: the fault of that kind, each time.
fn set_fault(sim: &Simulator, words: &str, kind: impl Fn(&str) -> Option<FaultKind>) {
    match words.rsplit_once(' ').and_then(|(command, value)| Some((command.trim(), kind(value)?))) {
        Some((command, kind)) if !command.is_empty() => sim.fault(Fault::on(command, kind).every()),
        _ => println!("{HELP}"),
    }
}
