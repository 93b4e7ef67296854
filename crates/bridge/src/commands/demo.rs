//! `smsbridge demo`: the whole gateway with a simulated modem and an MQTT broker inside, and what to type to see it.
//!
//! Nothing here is a shortcut: the gateway is the one of `run`, its modem is reached over TCP, its broker over MQTT.
//! The store is a folder of its own that is gone afterwards.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use mqtt5::broker::config::{StorageBackend, StorageConfig};
use mqtt5::broker::{BrokerConfig, MqttBroker};
use smsbridge_simulator::{Options, Reports, Simulator, tcp};
use tokio_util::sync::CancellationToken;

use super::output::say;
use crate::escape::field;
use crate::mqtt::Caller;
use crate::wire::topic::Topics;
use crate::{app, config};

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

/// Between the samples.
const PAUSE: Duration = Duration::from_secs(4);

/// Try everything with no hardware and no broker.
#[derive(Debug, Args)]
pub struct Demo {
    /// Port of the MQTT broker; 0 for any free one [default: 1883, else the next free one]
    #[arg(long)]
    port: Option<u16>,
}

impl Demo {
    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        say("smsbridge demo: starting a simulated modem and an MQTT broker …");
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
        let folder = Folder::new()?;
        let config = config::parse("demo", &config_text(address, modem.address()?, &folder.0))?;
        let topics = Topics::new(&config.mqtt.prefix, &config.name);
        let (mqtt, online) = (config.mqtt.clone(), topics.gateway_availability());
        let goodbye = stop.clone();
        tokio::select! {
            ended = app::run(config, stop) => ended?,
            ended = broker.run() => ended.context("the broker ended")?,
            ended = modem.run() => ended.context("the modem ended")?,
            done = async {
                // Not before the gateway listens: what is sent to nobody is lost.
                let is_online = tokio::sync::Notify::new();
                let caller = Caller::new(&mqtt)?;
                let online = [online];
                tokio::select! {
                    lost = caller.follow(&online, |_, payload| if payload == b"online" { is_online.notify_one() }) => lost?,
                    in_time = tokio::time::timeout(START, is_online.notified()) => in_time.context("the gateway does not come online")?,
                }
                say(what_to_type(address));
                deliver_samples(&simulator).await;
                anyhow::Ok(())
            } => done?,
        }
        if goodbye.is_cancelled() {
            say("\nsmsbridge demo: stopped, nothing is left behind");
        }
        Ok(())
    }
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
        .with_storage(storage))
}

fn config_text(broker: SocketAddr, modem: SocketAddr, folder: &Path) -> String {
    format!(
        "name = \"demo\"\n[mqtt]\nurl = \"mqtt://{broker}\"\n[[modem]]\nport = \"tcp://{modem}\"\n\
         [store]\npath = {folder:?}\n[outbound]\ndelivery_report = true\n"
    )
}

fn what_to_type(broker: SocketAddr) -> String {
    let port = broker.port();
    format!(
        "\
The broker listens on mqtt://{broker}. In another terminal, follow everything:

    mosquitto_sub -p {port} -t 'sms/#' -v

and send an SMS (with a delivery report):

    mosquitto_pub -p {port} -q 1 -t sms/send -m '{{\"to\":\"+4915112345678\",\"text\":\"Привет 👋\"}}'

Ctrl-C ends it.
"
    )
}

async fn deliver_samples(simulator: &Simulator) {
    loop {
        for (from, text) in SAMPLES {
            tokio::time::sleep(PAUSE).await;
            match simulator.deliver(from, text) {
                Ok(parts) => {
                    say(format!("the network delivers {parts} part(s) from {from}: {}", field(text)))
                }
                Err(error) => say(format!("the simulated network cannot encode {text:?}: {error}")),
            };
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
