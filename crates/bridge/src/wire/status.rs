//! The document of `smsbridge status`: the gateway, its broker and its modems, as the running gateway has them.
//!
//! Pure. Written by the gateway, read by the command line. Keys that the retained states have mean what they mean
//! there.

use serde::{Deserialize, Serialize};

use super::format::{json, time};
#[cfg(test)]
use super::schema::words;
use super::state::{ModemForm, QueueForm};
use crate::event::{Availability, GatewayState, ModemState, State, Subject};
use crate::message::UnixMs;

/// What the gateway knows of itself beside its states.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The gateway's name.
    pub name: String,
    /// The version, with its commit where that is known.
    pub version: &'static str,
    /// The file the configuration was read from.
    pub configuration: String,
    /// The folder of the store.
    pub store: String,
    /// The configured addresses of the broker.
    pub servers: Vec<String>,
    /// When it started.
    pub started_at: UnixMs,
}

/// What `smsbridge status --json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Status"))]
#[serde(untagged)]
pub(super) enum StatusForm<'a> {
    /// A gateway answers.
    Document(DocumentForm<'a>),
    /// None does.
    NoAnswer(NoAnswerForm<'a>),
}

/// The gateway, its broker and its modems.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "StatusDocument"))]
pub(super) struct DocumentForm<'a> {
    /// The gateway.
    gateway: GatewayForm<'a>,
    /// Its broker.
    broker: BrokerForm<'a>,
    /// Its modems.
    modems: Vec<StatusModemForm<'a>>,
}

/// What stands there where no gateway answers.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "NoAnswer"))]
pub(super) struct NoAnswerForm<'a> {
    /// Why, for people.
    error: &'a str,
}

/// The gateway.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "StatusGateway"))]
struct GatewayForm<'a> {
    /// Its name.
    #[cfg_attr(test, schemars(extend("pattern" = words::NAME)))]
    name: &'a str,
    /// The version of smsbridge, with its commit where that is known.
    version: &'a str,
    /// Its process.
    pid: u32,
    /// The file its configuration was read from.
    configuration: &'a str,
    /// The folder of its store.
    store: &'a str,
    /// When it was started.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    started_at: String,
    /// False where only a restart helps: it has not looked at its store for a minute.
    live: bool,
    /// What waits.
    queue: QueueForm,
    /// What is wrong, for people; null where nothing is. Its words are free to change.
    problem: Option<&'a str>,
}

/// The broker.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "StatusBroker"))]
struct BrokerForm<'a> {
    /// The configured addresses.
    servers: &'a [String],
    /// The one it is connected to; null where it is to none.
    connected_to: Option<&'a str>,
}

/// A modem: its name, whether it is online, and its state as `sms/modem/<modem>` has it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "StatusModem"))]
struct StatusModemForm<'a> {
    /// Its name.
    #[cfg_attr(test, schemars(extend("pattern" = words::NAME)))]
    name: &'a str,
    /// Whether it can be used.
    online: bool,
    #[serde(flatten)]
    state: ModemForm<'a>,
}

/// The document; `deadly` is what only a restart would mend, in words, `connected_to` the broker's address, none while
/// there is no connection.
pub fn document(
    facts: &Facts,
    deadly: Option<String>,
    connected_to: Option<&str>,
    states: &[State],
) -> String {
    let online = |modem: &ModemState| {
        let own = Subject::Modem(modem.modem.clone());
        states.iter().any(|state| *state == State::Availability(own.clone(), Availability::Online))
    };
    let modems = states.iter().filter_map(|state| match state {
        State::Modem(modem) => Some(StatusModemForm {
            name: modem.modem.as_str(),
            online: online(modem),
            state: ModemForm::from(&**modem),
        }),
        _ => None,
    });
    let gateway: Option<&GatewayState> = states.iter().find_map(|state| match state {
        State::Gateway(gateway) => Some(gateway),
        _ => None,
    });
    json(&StatusForm::Document(DocumentForm {
        gateway: GatewayForm {
            name: &facts.name,
            version: facts.version,
            pid: std::process::id(),
            configuration: &facts.configuration,
            store: &facts.store,
            started_at: time(facts.started_at),
            live: deadly.is_none(),
            queue: gateway.map(|gateway| QueueForm::from(&gateway.queue)).unwrap_or_default(),
            // Its state is no longer kept up to date then.
            problem: deadly.as_deref().or_else(|| gateway.and_then(|gateway| gateway.problem.as_deref())),
        },
        broker: BrokerForm { servers: &facts.servers, connected_to },
        modems: modems.collect(),
    }))
}

/// What stands in the place of the document where no gateway answers.
pub fn no_answer(error: &str) -> String {
    json(&StatusForm::NoAnswer(NoAnswerForm { error }))
}

/// The document as far as people are shown it.
#[derive(Debug, Deserialize)]
pub struct Status {
    /// The gateway.
    pub gateway: GatewayStatus,
    /// Its broker.
    pub broker: BrokerStatus,
    /// Its modems.
    pub modems: Vec<ModemStatus>,
}

/// The gateway.
#[derive(Debug, Deserialize)]
pub struct GatewayStatus {
    /// Its name.
    pub name: String,
    /// The version, with its commit where that is known.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Where its configuration was read.
    pub configuration: String,
    /// The folder of its store.
    pub store: String,
    /// When it started, RFC 3339.
    pub started_at: String,
    /// False where only a restart helps. A gateway of an earlier version does not say.
    #[serde(default = "live")]
    pub live: bool,
    /// What waits.
    pub queue: QueueStatus,
    /// What is wrong, in words.
    pub problem: Option<String>,
}

/// What waits.
#[derive(Debug, Deserialize)]
pub struct QueueStatus {
    /// For the broker.
    pub publish: u32,
    /// For a modem.
    pub send: u32,
    /// What the broker does not take.
    pub parked: u32,
}

/// The broker.
#[derive(Debug, Deserialize)]
pub struct BrokerStatus {
    /// The configured addresses.
    pub servers: Vec<String>,
    /// The one it is connected to.
    pub connected_to: Option<String>,
}

/// A modem.
#[derive(Debug, Deserialize)]
pub struct ModemStatus {
    /// Its name.
    pub name: String,
    /// Whether it can be used.
    pub online: bool,
    /// Its state as a word.
    pub state: String,
    /// What is wrong, in words.
    pub problem: Option<String>,
    /// The network's name.
    pub operator: Option<String>,
    /// The radio technology.
    pub technology: Option<String>,
    /// Whether the network accepts it.
    pub registration: Option<String>,
    /// Signal strength.
    pub signal: SignalStatus,
    /// The SIM's number.
    pub number: Option<String>,
    /// The SIM's serial number.
    pub iccid: Option<String>,
    /// How full its storages are.
    pub storage: Vec<StorageStatus>,
    /// What it did since the gateway started.
    pub counters: CountersStatus,
}

/// Signal strength.
#[derive(Debug, Deserialize)]
pub struct SignalStatus {
    /// In dBm.
    pub dbm: Option<i16>,
    /// 0 to 100.
    pub percent: Option<u8>,
}

/// How full a storage is.
#[derive(Debug, Deserialize)]
pub struct StorageStatus {
    /// Its name.
    pub name: String,
    /// Slots in use.
    pub used: u16,
    /// Slots in all.
    pub total: u16,
}

/// Counters of a modem.
#[derive(Debug, Deserialize)]
pub struct CountersStatus {
    /// Messages and parts received.
    pub received: u64,
    /// Parts sent.
    pub sent: u64,
    /// Parts not sent.
    pub not_sent: u64,
}

fn live() -> bool {
    true
}

impl Status {
    /// Reads a document; in words what is wrong with it.
    pub fn read(document: &str) -> Result<Status, String> {
        serde_json::from_str(document)
            .map_err(|error| format!("the gateway's answer cannot be read ({error})"))
    }

    /// Whether gateway, broker and all modems are well.
    pub fn is_well(&self) -> bool {
        let is_well = |modem: &ModemStatus| modem.online && modem.problem.is_none();
        self.gateway.problem.is_none()
            && self.broker.connected_to.is_some()
            && self.modems.iter().all(is_well)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::QueueDepth;

    fn facts() -> Facts {
        Facts {
            name: "attic".to_owned(),
            version: "1 (abc)",
            configuration: "smsbridge.toml".to_owned(),
            store: "/store".to_owned(),
            servers: vec!["h:1883".to_owned()],
            started_at: 0,
        }
    }

    fn states(problem: Option<&str>) -> Vec<State> {
        let modem = ModemState::new("main".parse().unwrap());
        let gateway = GatewayState {
            version: "1",
            instance: "i".to_owned(),
            started_at: 0,
            modems: vec![modem.modem.clone()],
            queue: QueueDepth { publish: 1, send: 2, parked: 3 },
            problem: None,
        };
        let availability = State::Availability(Subject::Modem(modem.modem.clone()), Availability::Online);
        let modem = ModemState { problem: problem.map(str::to_owned), ..modem };
        vec![State::Gateway(gateway), State::Modem(Box::new(modem)), availability]
    }

    #[test]
    fn what_the_gateway_writes_is_what_the_command_reads() {
        let status = Status::read(&document(&facts(), None, Some("h:1883"), &states(None))).unwrap();
        assert!(status.is_well(), "{status:?}");
        assert_eq!((status.gateway.queue.send, status.modems[0].name.as_str()), (2, "main"));
        assert_eq!(status.gateway.started_at, "1970-01-01T00:00:00.000Z");
        assert!(Status::read("{}").is_err() && Status::read("").is_err());
    }

    #[test]
    fn it_is_not_well_where_anything_is_wrong() {
        for (connected_to, states) in [
            (None, states(None)),
            (Some("h:1883"), states(Some("no SIM"))),
            (Some("h:1883"), states(None)[..2].to_vec()),
        ] {
            let status = Status::read(&document(&facts(), None, connected_to, &states)).unwrap();
            assert!(!status.is_well() && status.gateway.live, "{status:?}");
        }
    }

    #[test]
    fn a_gateway_that_only_a_restart_mends_says_so_and_why() {
        let deadly = Some("it has not looked".to_owned());
        let document = document(&facts(), deadly, Some("h:1883"), &states(None));
        let status = Status::read(&document).unwrap();
        assert!(!status.gateway.live && !status.is_well(), "{status:?}");
        assert_eq!(status.gateway.problem.as_deref(), Some("it has not looked"));
        let of_earlier_version = document.replace(r#""live":false,"#, "");
        assert_ne!(of_earlier_version, document);
        assert!(Status::read(&of_earlier_version).unwrap().gateway.live);
    }
}
