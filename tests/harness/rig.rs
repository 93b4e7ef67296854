//! Owns everything one test runs on: modem, gateway, proxy, broker and a client, in a folder of its own.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::broker::{Broker, Login};
use super::client::Client;
use super::contract;
use super::gateway::{Config, Gateway, has_all};
use super::modem::{Modem, ModemOptions};
use super::mqtt_packets::Publish;
use super::process::code;
use super::proxy::{Crossing, Proxy};
use super::wait::wait_until;

/// The topics the gateway publishes on; requests are left out, so that no test takes its own for an answer.
pub const PUBLISHED_TOPICS: [&str; 5] =
    ["sms/received/#", "sms/last/#", "sms/result", "sms/modem/#", "sms/gateway/#"];

/// Options beside the usual logins and a modem without a PIN.
#[derive(Default)]
pub struct RigOptions {
    pub modem: ModemOptions,
    pub login: Option<Login>,
}

/// Fields end in this order: the gateway before what it talks to, the folder last.
pub struct Rig {
    pub gateway: Gateway,
    pub modem: Modem,
    pub client: Client,
    pub proxy: Proxy,
    pub broker: Broker,
    pub config: Config,
    folder: TempDir,
    /// Where the record stood when the gateway was last started: publishes and connections.
    started_at: (usize, usize),
}

impl Rig {
    /// Everything is up and online when this returns.
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// The same with another configuration.
    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut rig = Self::prepare(&ModemOptions::default(), change);
        rig.start_gateway();
        rig
    }

    /// Starts everything but the gateway.
    pub fn prepare(modem: &ModemOptions, change: impl FnOnce(&mut Config)) -> Self {
        Self::prepare_with(RigOptions { modem: modem.clone(), login: None }, change)
    }

    pub fn prepare_with(options: RigOptions, change: impl FnOnce(&mut Config)) -> Self {
        let login = options.login.as_ref();
        let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
        let broker = Broker::start(folder.path(), login);
        let proxy = Proxy::start(broker.port);
        let client = Client::start(broker.port, "e2e-client", Some(&Login::observer()), &PUBLISHED_TOPICS);
        let modem = Modem::start(&folder.path().join("modem"), &options.modem);
        let mut config = Config::new(folder.path(), proxy.port, modem.port());
        change(&mut config);
        let gateway = Gateway::prepare(folder.path(), &config);
        Self { gateway, modem, client, proxy, broker, config, folder, started_at: (0, 0) }
    }

    /// Starts the gateway and waits until it is online with its modem.
    pub fn start_gateway(&mut self) {
        self.launch_gateway(&[]);
        self.wait_online();
    }

    /// Starts the gateway without waiting for it.
    pub fn launch_gateway(&mut self, environment: &[(&str, &str)]) {
        self.started_at = {
            let record = self.proxy.record();
            (record.from_gateway.len(), record.connections.len())
        };
        self.gateway.start_with(environment);
    }

    /// Since the last start of the gateway.
    pub fn wait_online(&mut self) {
        for topic in ["sms/gateway/attic/availability", "sms/modem/main/availability"] {
            wait_until(&format!("\"online\" on {topic}"), || {
                self.gateway.assert_running();
                let record = self.proxy.record();
                record.from_gateway[self.started_at.0..]
                    .iter()
                    .any(|crossing| crossing.publish.topic == topic && crossing.publish.payload == b"online")
            });
        }
        self.wait_subscribed();
    }

    /// Until then what is published on its topics is lost.
    pub fn wait_subscribed(&self) {
        wait_until("the gateway's subscriptions", || {
            self.proxy.record().subscribed.iter().any(|connection| *connection >= self.started_at.1)
        });
    }

    /// Applies a change of the configuration for the next start.
    pub fn reconfigure(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        self.gateway.configure(&self.config);
    }

    /// One more client, that may see and say everything.
    pub fn client(&self, id: &str, filters: &[&str]) -> Client {
        Client::start(self.broker.port, id, Some(&Login::observer()), filters)
    }

    /// For files of the test's own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A send request, as a user publishes it.
    pub fn request(&self, request: &Value) {
        self.client.publish("sms/send", request.to_string());
    }

    /// Waits for an incoming message with this text.
    pub fn wait_for_received(&self, text: &str) -> Value {
        self.client.wait_for_json(&format!("the message {text:?}"), |topic, json| {
            topic.starts_with("sms/received/") && json["text"] == text
        })
    }

    /// Waits for a state of the modem.
    pub fn wait_for_modem(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.client.wait_for_json(what, |topic, state| topic == "sms/modem/main" && is_it(state))
    }

    /// Waits until the modem's problem has all these words.
    pub fn wait_for_problem(&self, words: &[&str]) -> Value {
        self.wait_for_modem(&format!("a problem with {words:?}"), |state| {
            state["problem"].as_str().is_some_and(|problem| has_all(problem, words))
        })
    }

    /// Waits until the newest state of the modem names no problem.
    pub fn wait_until_well(&self) {
        wait_until("a modem without a problem", || {
            let state = self.client.last_on("sms/modem/main");
            let state = state.and_then(|state| serde_json::from_str::<Value>(&state).ok());
            state.is_some_and(|state| state["problem"].is_null() && state["state"] == "online")
        });
    }

    /// Stops the gateway; what its modem did since the start.
    pub fn stop_and_count(&mut self) -> Value {
        assert_eq!(code(self.gateway.stop()), 0);
        let state = self.wait_for_modem("the last state", |state| state["state"] == "stopped");
        state["counters"].clone()
    }

    /// The ids of the messages with this text that were published.
    pub fn received_ids(&self, text: &str) -> BTreeSet<String> {
        let published = self.published("sms/received/").into_iter().map(|crossing| json(&crossing.publish));
        published.filter(|message| message["text"] == text).map(|message| message["id"].to_string()).collect()
    }

    /// Sends and receives one message: whatever happened before, the main job goes on.
    pub fn assert_still_works(&self, name: &str) {
        let text = format!("{name} in");
        self.modem.deliver("+4915100000001", &text);
        self.wait_for_received(&text);
        let id = format!("{name}-out");
        self.request(&serde_json::json!({"id": id, "to": "+4915100000002", "text": "still here"}));
        self.client.wait_for_result(&id, "sent");
    }

    /// What the gateway published on topics that begin with `prefix`.
    pub fn published(&self, prefix: &str) -> Vec<Crossing> {
        let record = self.proxy.record();
        record
            .from_gateway
            .iter()
            .filter(|crossing| crossing.publish.topic.starts_with(prefix))
            .cloned()
            .collect()
    }

    /// Rows the store still owes to the broker, without those it has set aside. The gateway must not run.
    pub fn owed(&self) -> Vec<String> {
        let path = self.folder.path().join("store/smsbridge.sqlite");
        let store = rusqlite::Connection::open(&path).expect("the store opens");
        let mut query = store
            .prepare("SELECT kind || ' ' || coalesce(event, topic) FROM outbox WHERE parked = 0")
            .expect("an outbox table");
        let rows = query.query_map([], |row| row.get(0)).expect("rows of the outbox");
        rows.map(|row| row.expect("a row of the outbox")).collect()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let (broken, unlike_schema) = {
            let record = self.proxy.record();
            let disagreements = contract::disagreements(&record);
            (record.broken.clone(), [record.unlike_schema.clone(), disagreements].concat())
        };
        if std::thread::panicking() {
            println!("---- broken MQTT streams: {broken:?}");
            println!("---- not as docs/schema/ says: {unlike_schema:#?}");
        } else {
            assert_eq!(broken, Vec::<String>::new(), "every stream is valid MQTT 5");
            assert!(unlike_schema.is_empty(), "messages are as docs/schema/ says: {unlike_schema:#?}");
            assert_eq!(self.broker.complaints(), Vec::<String>::new(), "the broker logs no error");
        }
    }
}

/// The JSON of a PUBLISH.
pub fn json(publish: &Publish) -> Value {
    serde_json::from_slice(&publish.payload).unwrap_or_else(|e| {
        panic!("no JSON on {}: {e}: {}", publish.topic, String::from_utf8_lossy(&publish.payload))
    })
}
