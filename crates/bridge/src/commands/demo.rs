//! `smsbridge demo`: the whole gateway with a simulated modem and an MQTT broker inside, what to type, and what
//! happens.
//!
//! Nothing here is a shortcut: the gateway is the one of `run`, its modem is reached over TCP, its broker over MQTT.
//! The store is a folder of its own that is gone afterwards.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use mqtt5::broker::config::{StorageBackend, StorageConfig};
use mqtt5::broker::{BrokerConfig, MqttBroker};
use smsbridge_simulator::{Options, Reports, Simulator, tcp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::demo_view::{self, Counts, View};
use super::output::say;
use crate::escape::field;
use crate::mqtt::Caller;
use crate::signals::Signals;
use crate::terminal::{self, Style};
use crate::{app, config};

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

/// The largest packet its broker takes, in octets. Its own limit is larger than a packet can be, and clients in Python,
/// such as Home Assistant, lose the connection over that.
const MAX_PACKET: usize = 1024 * 1024;

/// Before the first sample.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Between the samples.
const PAUSE: Duration = Duration::from_secs(4);

/// Try everything with no hardware and no broker.
#[derive(Debug, Args)]
pub struct Demo {
    /// Port of the MQTT broker; 0 for any free one [default: 1883, else the next free one]
    #[arg(long)]
    port: Option<u16>,
    /// Announce the modem to Home Assistant
    #[arg(long)]
    home_assistant: bool,
}

impl Demo {
    /// Runs until a signal.
    pub async fn run(self) -> anyhow::Result<()> {
        let printer = Printer::start();
        printer.print("smsbridge demo: starting a simulated modem and an MQTT broker …");
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
        let mut broker =
            MqttBroker::with_config(broker_config(self.port)?).await.context("the broker cannot start")?;
        let address = broker.local_addr().context("the broker has no address")?;
        let simulator = Simulator::new(Options {
            reports: Reports::After(0),
            report_delay: Duration::from_secs(1),
            submit_delay: Duration::from_millis(300),
            ..Options::default()
        });
        let modem =
            tcp::listen(&simulator, (Ipv4Addr::LOCALHOST, 0)).await.context("the modem cannot start")?;
        let text = config_text(address, modem.address()?, &folder.0, self.home_assistant);
        let config = config::parse("demo", &text)?;
        let mut view = View::new(&config, Style::stdout());
        let (mqtt, filters, is_online) = (config.mqtt.clone(), view.filters(), Notify::new());
        tokio::select! {
            ended = app::run(config, stop.clone()) => ended?,
            ended = broker.run() => ended.context("the broker ended")?,
            ended = modem.run() => ended.context("the modem ended")?,
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
            } => lost?,
            done = async {
                // Not before the gateway listens: what is sent to nobody is lost.
                let online = tokio::time::timeout(START, is_online.notified()).await;
                online.context("the gateway does not come online; with -v it says more")?;
                printer.print(what_to_type(address, self.home_assistant));
                deliver_samples(&simulator, printer).await;
                anyhow::Ok(())
            } => done?,
        }
        Ok(view.counts())
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

fn broker_config(port: Option<u16>) -> anyhow::Result<BrokerConfig> {
    let port = match port {
        Some(port) => port,
        None => (1883..1983)
            .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
            .context("no free port from 1883 to 1982: choose one with --port")?,
    };
    let storage = StorageConfig::new().with_backend(StorageBackend::Memory);
    Ok(BrokerConfig::new()
        .with_bind_addresses(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))])
        .with_sys_topics_enabled(false)
        .with_max_packet_size(MAX_PACKET)
        .with_storage(storage))
}

/// For Home Assistant: the modem, and somebody to write to.
const ANNOUNCED: &str = "\
[homeassistant]
discovery = true
[[contact]]
name = \"Anna\"
number = \"+4915112345678\"
";

fn config_text(broker: SocketAddr, modem: SocketAddr, folder: &Path, home_assistant: bool) -> String {
    let announced = if home_assistant { ANNOUNCED } else { "" };
    format!(
        "\
name = \"demo\"
[mqtt]
url = \"mqtt://{broker}\"
[[modem]]
port = \"tcp://{modem}\"
[store]
path = {folder:?}
[outbound]
delivery_report = true
{announced}[[rule]]
name = \"meter\"
match = '(?<account>\\d+)\\D+(?<reading>\\d+)'
reply = \"Принято. Абонент {{account}}, показание {{reading}}\"
replies_per_hour = 1000
"
    )
}

fn what_to_type(broker: SocketAddr, home_assistant: bool) -> String {
    let port = broker.port();
    let home_assistant = match home_assistant {
        true => format!(
            "In Home Assistant on this machine, add the integration MQTT with broker 127.0.0.1, port {port}. The devices \
             \"SMS main\" and\n\"SMS gateway demo\" appear, and notify.sms_anna writes to +4915112345678."
        ),
        false => {
            "With --home-assistant the modem appears in a Home Assistant that uses this broker.".to_owned()
        }
    };
    // As it was typed here, so that it can be typed there too.
    let program = std::env::args().next().unwrap_or_else(|| "smsbridge".to_owned());
    format!(
        "\
The gateway is online. Its broker listens on mqtt://{broker}. In another terminal, follow everything:

    mosquitto_sub -p {port} -t 'sms/#' -v

and send an SMS, in one of two ways:

    mosquitto_pub -p {port} -q 1 -t sms/send -m '{{\"to\":\"+4915112345678\",\"text\":\"Привет 👋\"}}'
    SMSBRIDGE_MQTT__URL=mqtt://{broker} {} send --to +4915112345678 'Hello from here'

{home_assistant}

Below, what the network delivers (←) and what goes out (→). Ctrl-C ends it.
",
        field(&program)
    )
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
