//! `smsbridge demo`: the whole gateway with a simulated modem and an MQTT broker inside, what to type, and what
//! happens.
//!
//! Nothing here is a shortcut: the gateway is the one of `run`, its modem is reached over TCP, its broker over MQTT:
//! one inside, or one of the user's (`demo_broker.rs`). The store is a folder of its own that is gone afterwards.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use smsbridge_simulator::{Options, Reports, Simulator, tcp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::demo_broker::{BrokerArgs, Leftovers};
use super::demo_view::{self, Counts, View};
use super::output::say;
use crate::app;
use crate::mqtt::Caller;
use crate::signals::Signals;
use crate::terminal::{self, Style};

/// Lines that wait for a terminal; what comes beyond is dropped.
const MAX_LINES: usize = 1000;

/// How long the end waits for the last lines.
const LAST_LINES_TIMEOUT: Duration = Duration::from_secs(1);

/// One message of each kind a gateway has to get right.
const SAMPLES: [(&str, &str); 7] = [
    ("+4915112345678", "Grüße aus Köln! Water is fine, 21 degrees."),
    ("+79211234567", "Счёт 12345, показание 678"),
    ("+12025550123", "On my way 🚗💨 be there in 5 👍"),
    ("+8613800138000", "您的验证码是 4711，五分钟内有效。"),
    ("+966501234567", "تم استلام طلبك رقم 17"),
    ("InfoBank", "Your code is 0815. Never tell it to anybody."),
    (
        "+33612345678",
        "A long one: it does not fit into a single short message, so the phone cut it into parts, the network carried \
         each on its own, and the gateway put them together again before you saw it. The same happens on the way out, \
         and nobody on either side has to know.",
    ),
];

/// How long the gateway may take to be online.
const START: Duration = Duration::from_secs(30);

/// Before the first sample.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Between the samples.
const PAUSE: Duration = Duration::from_secs(4);

/// Try everything with no hardware and no broker.
#[derive(Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    broker: BrokerArgs,
    /// Announce the modem to Home Assistant
    #[arg(long)]
    home_assistant: bool,
}

impl Demo {
    /// Runs until a signal.
    pub async fn run(self) -> anyhow::Result<()> {
        let printer = Printer::start();
        printer.print(format!("smsbridge demo: starting {} …", self.broker.words()));
        let folder = Folder::new()?;
        let stop = stop_on_signal(&folder)?;
        let counts = self.run_in(&folder, &printer, &stop).await;
        drop(folder);
        if let (Ok(counts), true) = (&counts, stop.is_cancelled()) {
            printer.print(what_was_and_comes_next(*counts));
        }
        printer.finish();
        counts.map(drop)
    }

    async fn run_in(
        &self,
        folder: &Folder,
        printer: &Printer,
        stop: &CancellationToken,
    ) -> anyhow::Result<Counts> {
        let mut broker = self.broker.start().await?;
        let simulator = Simulator::new(Options {
            reports: Reports::After(0),
            report_delay: Duration::from_secs(1),
            submit_delay: Duration::from_millis(300),
            ..Options::default()
        });
        let modem =
            tcp::listen(&simulator, (Ipv4Addr::LOCALHOST, 0)).await.context("the modem cannot start")?;
        let config = broker.configuration(
            modem.address()?,
            &folder.0,
            self.home_assistant,
            self.broker.page_port(),
        )?;
        let mut view = View::new(&config, Style::stdout());
        let (what_to_type, leftovers) = (broker.what_to_type(&config), Leftovers::of(&config));
        let (mqtt, filters, is_online) = (config.mqtt.clone(), view.filters(), Notify::new());
        let ran = tokio::select! {
            ended = app::run(config, stop.clone()) => ended,
            ended = broker.run() => ended,
            ended = modem.run() => ended.context("the modem ended"),
            lost = async {
                Caller::new(&mqtt)?.follow(&filters, |topic, payload| {
                    if view.is_online(topic, payload) {
                        is_online.notify_one();
                    }
                    view.fit(terminal::width());
                    if let Some(line) = view.line(topic, payload, &demo_view::now()) {
                        printer.print(line);
                    }
                }).await
            } => lost.map_err(Into::into),
            failed = async {
                // Not before the gateway listens: what is sent to nobody is lost.
                let online = tokio::time::timeout(START, is_online.notified()).await;
                online.context("the gateway does not come online; with -v it says more")?;
                printer.print(format!(
                    "{what_to_type}\nBelow, what the network delivers (←) and what goes out (→). Ctrl-C ends it.\n"
                ));
                deliver_samples(&simulator, printer).await;
                anyhow::Ok(())
            } => failed,
        };
        let left = broker.leave(leftovers).await;
        ran.and(left).map(|()| view.counts())
    }
}

/// A token that is cancelled by the first signal. A second one, as a closed terminal may send, ends at once: but not
/// without the folder.
fn stop_on_signal(folder: &Folder) -> anyhow::Result<CancellationToken> {
    let (stop, path) = (CancellationToken::new(), folder.0.clone());
    let token = stop.clone();
    let mut signals = Signals::new().context("signals cannot be caught")?;
    tokio::spawn(async move {
        signals.next().await;
        token.cancel();
        signals.next().await;
        let _ = std::fs::remove_dir_all(path);
        std::process::exit(130);
    });
    Ok(stop)
}

fn what_was_and_comes_next(counts: Counts) -> String {
    let Counts { received, accepted, delivered, failed } = counts;
    format!(
        "
smsbridge demo: stopped, nothing is left behind. {received} came in, {accepted} went out, {delivered} were delivered, \
         {failed} failed.

Next, with a real modem and a broker of yours:

    smsbridge detect             finds the modem, and prints its lines for the configuration
    docs/getting-started.md      the ten lines of smsbridge.toml; then Home Assistant, step by step
    smsbridge check --connect    tries configuration, broker and modem
    smsbridge run

The documents are at {}
",
        env!("CARGO_PKG_REPOSITORY")
    )
}

async fn deliver_samples(simulator: &Simulator, printer: &Printer) {
    let mut pause = FIRST_PAUSE;
    loop {
        for (from, text) in SAMPLES {
            tokio::time::sleep(pause).await;
            pause = PAUSE;
            if let Err(error) = simulator.deliver(from, text) {
                printer.print(format!("the simulated network cannot encode {text:?}: {error}"));
            }
        }
    }
}

/// What our folders are called, before the process id.
const PREFIX: &str = "smsbridge-demo-";

/// A folder for the store, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Folder> {
        remove_leftovers();
        let path = std::env::temp_dir().join(format!("{PREFIX}{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Folder(path))
    }
}

/// Folders of demos that were killed: their process is no more.
fn remove_leftovers() {
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let is_gone = |pid: &str| Path::new("/proc/self").exists() && !Path::new("/proc").join(pid).exists();
        if pid.is_some_and(|pid| pid.bytes().all(|b| b.is_ascii_digit()) && is_gone(pid)) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Prints lines in order from a thread of its own: a terminal that is stopped or gone holds up nothing.
struct Printer {
    lines: SyncSender<String>,
    ended: Receiver<()>,
}

impl Printer {
    fn start() -> Printer {
        let (lines, waiting) = sync_channel::<String>(MAX_LINES);
        let (end, ended) = channel();
        std::thread::spawn(move || {
            while let Ok(line) = waiting.recv() {
                say(line);
            }
            // Nobody listens any more where printing took too long.
            let _ = end.send(());
        });
        Printer { lines, ended }
    }

    fn print(&self, line: impl Into<String>) {
        // Where there is no room nobody has read for long.
        let _ = self.lines.try_send(line.into());
    }

    /// Waits for the last lines, a second at most.
    fn finish(self) {
        drop(self.lines);
        let _ = self.ended.recv_timeout(LAST_LINES_TIMEOUT);
    }
}
