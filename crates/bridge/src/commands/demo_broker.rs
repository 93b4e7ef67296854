//! The demo's broker: one inside, or one of the user's, which is left as it was.
//!
//! On a broker of the user's the demo has a prefix of its own, so that it is no second gateway beside the user's.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use mqtt5::broker::config::{StorageBackend, StorageConfig};
use mqtt5::broker::{BrokerConfig, MqttBroker};

use super::send::LOGIN_OPTIONS;
use crate::config::{self, Config, Mqtt};
use crate::escape::field;
use crate::mqtt::Caller;
use crate::store::{Store, StoreConfig};

/// What the topics begin with on a broker of the user's.
const PREFIX: &str = "smsdemo";

/// The largest packet the one inside takes, in octets. Its own limit is larger than a packet can be, and clients in Python,
/// such as Home Assistant, lose the connection over that.
const MAX_PACKET: usize = 1024 * 1024;

/// Which broker the demo uses.
#[derive(Debug, Args)]
pub struct BrokerArgs {
    /// Port of the MQTT broker inside; 0 for any free one [default: 1883, else the next free one]
    #[arg(long, conflicts_with = "broker")]
    port: Option<u16>,
    /// Use this broker, not the one inside: mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS
    ///
    /// All topics then begin with smsdemo. What the demo leaves there is taken back when it ends.
    #[arg(long, value_name = "URL", value_parser = url)]
    broker: Option<String>,
    /// Log in there as this user
    #[arg(long, value_name = "NAME", requires = "broker", requires = "password_file")]
    user: Option<String>,
    /// File with the password
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
}

fn url(text: &str) -> Result<String, String> {
    config::check_url(text).map(|()| text.to_owned())
}

/// A broker that can be connected to.
pub(super) enum DemoBroker<'a> {
    /// One inside.
    Inside(Box<MqttBroker>, SocketAddr),
    /// One of the user's.
    Yours(&'a BrokerArgs, &'a str),
}

impl BrokerArgs {
    /// The broker: the one inside is started.
    pub(super) async fn start(&self) -> anyhow::Result<DemoBroker<'_>> {
        if let Some(url) = &self.broker {
            return Ok(DemoBroker::Yours(self, url));
        }
        let broker = MqttBroker::with_config(inside(self.port)?).await.context("the broker cannot start")?;
        let address = broker.local_addr().context("the broker has no address")?;
        Ok(DemoBroker::Inside(Box::new(broker), address))
    }

    /// The port of the page: where the broker may have any, any for the page too.
    pub(super) fn page_port(&self) -> u16 {
        if self.port == Some(0) { 0 } else { PAGE_PORT }
    }

    /// What is about to be started.
    pub(super) fn words(&self) -> &'static str {
        match self.broker {
            None => "a simulated modem and an MQTT broker",
            Some(_) => "a simulated modem",
        }
    }
}

impl DemoBroker<'_> {
    /// Runs the one inside, for as long as the demo does.
    pub(super) async fn run(&mut self) -> anyhow::Result<()> {
        match self {
            DemoBroker::Inside(broker, _) => broker.run().await.context("the broker ended"),
            DemoBroker::Yours(..) => std::future::pending().await,
        }
    }

    /// The table `[mqtt]`.
    fn table(&self) -> anyhow::Result<String> {
        let mut table = toml::Table::new();
        let mut set = |key: &str, value: &str| table.insert(key.to_owned(), value.into());
        match self {
            DemoBroker::Inside(_, address) => drop(set("url", &format!("mqtt://{address}"))),
            DemoBroker::Yours(args, url) => {
                set("url", url);
                set("prefix", PREFIX);
                if let (Some(user), Some(file)) = (&args.user, &args.password_file) {
                    // Here, a name alone is a file of this folder.
                    let file = std::path::absolute(file).context("--password-file")?;
                    let file = file.to_str().context("--password-file: its path is not UTF-8")?;
                    set("username", user);
                    set("password_file", file);
                }
            }
        }
        Ok(format!("[mqtt]\n{table}"))
    }

    /// The configuration of a gateway on it, with this modem.
    pub(super) fn configuration(
        &self,
        modem: SocketAddr,
        folder: &Path,
        home_assistant: bool,
        page_port: u16,
    ) -> anyhow::Result<Config> {
        let page = page(page_port);
        let text = configuration(&self.table()?, modem, folder, &page, home_assistant);
        let mut config = config::parse("demo", &text)?;
        if let DemoBroker::Yours(..) = self {
            config.mqtt.login_place = LOGIN_OPTIONS;
        }
        Ok(config)
    }

    /// What to type to follow everything and to send.
    pub(super) fn what_to_type(&self, config: &Config) -> String {
        let (prefix, server) = (&config.mqtt.prefix, &config.mqtt.servers[0]);
        let at = match self {
            DemoBroker::Inside(_, address) => format!("-p {}", address.port()),
            DemoBroker::Yours(args, _) => {
                let login = args.user.as_ref().map(|user| format!(" -u {} -P …", field(user)));
                format!("-h {} -p {}{}", field(&server.host), server.port, login.unwrap_or_default())
            }
        };
        // As it was typed here, so that it can be typed there too.
        let program = field(&std::env::args().next().unwrap_or_else(|| "smsbridge".to_owned()));
        let by_command = match self {
            DemoBroker::Inside(_, address) => {
                format!("SMSBRIDGE_MQTT__URL=mqtt://{address} {program} send")
            }
            DemoBroker::Yours(args, url) => {
                let login = args.user.as_ref().zip(args.password_file.as_ref()).map(|(user, file)| {
                    format!(" --user {} --password-file {}", field(user), field(&file.display().to_string()))
                });
                format!(
                    "SMSBRIDGE_MQTT__URL={} SMSBRIDGE_MQTT__PREFIX={prefix} {program} send{}",
                    field(url),
                    login.unwrap_or_default()
                )
            }
        };
        let home_assistant = self.home_assistant(config);
        let page = config.http.as_ref().map(|http| {
            format!(
                "In a browser: http://{}, and the token {PAGE_TOKEN} to send from there.\n\n",
                http.listen
            )
        });
        let page = page.unwrap_or_default();
        let listens = match self {
            DemoBroker::Inside(_, address) => format!(" Its broker listens on mqtt://{address}."),
            DemoBroker::Yours(..) => String::new(),
        };
        format!(
            "\
The gateway is online.{listens} In another terminal, follow everything:

    mosquitto_sub {at} -t '{prefix}/#' -v

and send an SMS, in one of two ways:

    mosquitto_pub {at} -q 1 -t {prefix}/send -m '{{\"to\":\"+4915112345678\",\"text\":\"Привет 👋\"}}'
    {by_command} --to +4915112345678 'Hello from here'

{page}{home_assistant}
"
        )
    }

    fn home_assistant(&self, config: &Config) -> String {
        let appears = "The devices \"SMS main\" and\n\"SMS gateway demo\" appear, and notify.sms_anna writes to +4915112345678.";
        match self {
            _ if !config.home_assistant.discovery => {
                "With --home-assistant the modem appears in a Home Assistant that uses this broker."
                    .to_owned()
            }
            DemoBroker::Inside(_, address) => format!(
                "In Home Assistant on this machine, add the integration MQTT with broker 127.0.0.1, port {}. {appears}",
                address.port()
            ),
            DemoBroker::Yours(..) => {
                format!("In the Home Assistant that uses this broker, see its devices. {appears}")
            }
        }
    }

    /// Takes back what the gateway left at a broker of the user's. The gateway has to be stopped.
    pub(super) async fn leave(&self, leftovers: Leftovers) -> anyhow::Result<()> {
        match self {
            DemoBroker::Inside(..) => Ok(()),
            DemoBroker::Yours(..) => leftovers.take_back().await.with_context(|| {
                format!(
                    "what is retained below {PREFIX}/ stays at the broker: the next demo there takes it back"
                )
            }),
        }
    }
}

/// What a gateway leaves at its broker: its session, and what it has retained. Its store tells.
pub(super) struct Leftovers {
    mqtt: Mqtt,
    store: PathBuf,
    of_store: StoreConfig,
}

impl Leftovers {
    /// Those of the gateway with this configuration.
    pub(super) fn of(config: &Config) -> Leftovers {
        let (mqtt, store) = (config.mqtt.clone(), config.store.path.clone());
        Leftovers { mqtt, store, of_store: StoreConfig::from(config) }
    }

    async fn take_back(self) -> anyhow::Result<()> {
        let (store, thread) = Store::open(&self.store, self.of_store)?;
        let left = async { anyhow::Ok((store.client_id().await?, store.retained_topics().await?)) }.await;
        drop(store);
        thread.join();
        let (client_id, topics) = left?;
        Ok(Caller::in_place_of(&self.mqtt, &client_id)?.empty(&topics).await?)
    }
}

fn inside(port: Option<u16>) -> anyhow::Result<BrokerConfig> {
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

/// What the page asks for before it sends: nothing is at stake with a modem that is none.
const PAGE_TOKEN: &str = "smsbridge-demo-token";

/// The port of the page, where it is free.
const PAGE_PORT: u16 = 9142;

/// A page at this port or any, on this machine alone; none where no port is free.
fn page(wanted: u16) -> String {
    let port = |port: u16| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
        Some(listener.local_addr().ok()?.port())
    };
    let table = |port| format!("[http]\nlisten = \"127.0.0.1:{port}\"\ntoken = \"{PAGE_TOKEN}\"\n");
    port(wanted).or_else(|| port(0)).map(table).unwrap_or_default()
}

/// For Home Assistant: the modem, and somebody to write to.
const ANNOUNCED: &str = "\
[homeassistant]
discovery = true
[[contact]]
name = \"Anna\"
number = \"+4915112345678\"
";

/// The configuration of a demo with this broker, whose modem listens there.
fn configuration(table: &str, modem: SocketAddr, folder: &Path, page: &str, home_assistant: bool) -> String {
    let announced = if home_assistant { ANNOUNCED } else { "" };
    format!(
        "\
name = \"demo\"
{table}
[[modem]]
port = \"tcp://{modem}\"
[store]
path = {folder:?}
[outbound]
delivery_report = true
{page}{announced}[[rule]]
name = \"meter\"
match = '(?<account>\\d+)\\D+(?<reading>\\d+)'
reply = \"Принято. Абонент {{account}}, показание {{reading}}\"
replies_per_hour = 1000
"
    )
}
