//! A simulated modem for people: talk AT to it with any serial terminal, and watch what it does.
//!
//! Standard input takes what happens to it (`help` lists it); standard output shows its journal.

use std::error::Error;
use std::io::BufRead;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use smsbridge_simulator::{Options, Simulator, VendorProfile, tcp};
use tokio::sync::mpsc;

/// A GSM modem that does not exist
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Make a pseudo-terminal and link it here (Unix)
    #[arg(long, value_name = "PATH")]
    pty: Option<PathBuf>,
    /// Listen on this TCP address
    #[arg(long, value_name = "ADDRESS")]
    tcp: Option<String>,
    /// Vendor: generic, huawei, sim800, ec25
    #[arg(long, default_value = "generic")]
    profile: String,
    /// PIN the SIM asks for
    #[arg(long)]
    pin: Option<String>,
    /// Slots on the SIM
    #[arg(long, default_value_t = 30)]
    slots: usize,
    /// Baud rate to keep to
    #[arg(long)]
    baud: Option<u32>,
    /// Milliseconds the network takes for a message
    #[arg(long, default_value_t = 0)]
    submit_delay: u64,
    /// Milliseconds until a status report
    #[arg(long, default_value_t = 2000)]
    report_delay: u64,
}

const HELP: &str = "\
deliver FROM TEXT   somebody sends this SIM a message
pdu HEX             the network delivers this PDU
ring FROM, quiet    somebody calls, gives up
unplug, plug        pull the modem's plug, put it back
reset, hang, mend   restart; answer nothing any more; answer again
full, room          the SIM takes nothing more; it does again
stored, sent        what is on the SIM, what the network accepted
quit                end";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let profile = VendorProfile::named(&arguments.profile).ok_or_else(|| {
        let names: Vec<_> = VendorProfile::all().iter().map(|p| p.name).collect();
        format!("no profile {:?}; there are {}", arguments.profile, names.join(", "))
    })?;
    if arguments.pty.is_none() && arguments.tcp.is_none() {
        return Err("nothing to plug it into: give --pty PATH or --tcp ADDRESS".into());
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
        return Err("there are no pseudo-terminals here: use --tcp".into());
    }
    #[cfg(unix)]
    if let Some(path) = arguments.pty {
        let pty = smsbridge_simulator::pty::Pty::open(&sim, &path)?;
        println!("serial port at {}", path.display());
        ends.spawn(pty.run());
    }
    println!("type help for what can happen to it");

    let mut lines = typed_lines();
    let mut seen = 0;
    loop {
        let (journal, next) = sim.journal_from(seen);
        journal.iter().for_each(|line| println!("{line}"));
        seen = next;
        tokio::select! {
            line = lines.recv() => match line.as_deref().map(str::trim) {
                Some("quit") => return Ok(()),
                Some(line) => obey(&sim, line),
                // Nobody types any more; the modem goes on until it is killed.
                None => lines = mpsc::channel(1).1,
            },
            _ = sim.wait_for(Duration::from_secs(3600), |sim| sim.journal_from(seen).1 > seen) => {}
            Some(ended) = ends.join_next() => return Ok(ended??),
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

/// Lines of standard input, read by a thread because reading it cannot be given up.
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

fn obey(sim: &Simulator, line: &str) {
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
        "quiet" => sim.stop_ringing(),
        "unplug" => sim.unplug(),
        "plug" => sim.plug(),
        "reset" => sim.reset(),
        "hang" => sim.hang(),
        "mend" => sim.clear_faults(),
        "full" => sim.set_full(true),
        "room" => sim.set_full(false),
        "stored" => {
            sim.stored().iter().for_each(|s| println!("{} {} {:?} {}", s.storage, s.slot, s.status, s.pdu))
        }
        "sent" => {
            sim.sent().iter().for_each(|s| println!("{} {}", s.to, s.text.as_deref().unwrap_or(&s.pdu)))
        }
        _ => println!("{HELP}"),
    }
}
