//! Owns a real Node-RED that runs the flows of deploy/node-red, connected as their documents say. `tests/run ecosystem`
//! installs it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::broker::Login;
use super::installed::installed;
use super::ports::free_port;
use super::process::Process;
use super::proxy::Proxy;
use super::sources::root;
use super::wait::{WAIT_TIMEOUT, wait_until};

/// The installed versions, as tests/ecosystem/install/node-red names their folders.
pub const VERSIONS: [&str; 2] = ["5", "4.1"];

/// The client id of the shipped flows.
pub const CLIENT_ID: &str = "node-red-sms";
/// What it warns of whatever its flows are: how the tests run it.
const OUR_WARNINGS: [&str; 2] = ["Projects disabled", "Using unencrypted credentials"];
const TEST_TAB: &str = "00000000000000a0";

/// The nodes of a file of deploy/node-red, as they are.
pub fn shipped(name: &str) -> Vec<Value> {
    let path = root().join(format!("deploy/node-red/{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: an array of nodes: {e}", path.display()))
}

/// Shipped flows with what a user sets in the editor, and a tab of the test's own.
pub struct Flows {
    nodes: Vec<Value>,
}

impl Flows {
    /// The broker node they share is there once, as after an import.
    pub fn shipped(names: &[&str]) -> Self {
        let mut nodes: Vec<Value> = Vec::new();
        for node in names.iter().flat_map(|name| shipped(name)) {
            if !nodes.iter().any(|known| known["id"] == node["id"]) {
                nodes.push(node);
            }
        }
        nodes.push(json!({"id": TEST_TAB, "type": "tab", "label": "test", "env": []}));
        Self { nodes }
    }

    /// Sets an environment variable of every tab that has it.
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        let tabs = self.nodes.iter_mut().filter_map(|node| node.get_mut("env")?.as_array_mut());
        let mut set = 0;
        for variable in tabs.flatten() {
            if variable["name"] == name {
                variable["value"] = value.to_string().into();
                set += 1;
            }
        }
        assert!(set > 0, "no tab has {name}");
        self
    }

    /// What a `link out` of the flows gives is published by the test's tab.
    pub fn publishes(mut self, link_out: &str, topic: &str) -> Self {
        let from = self.link("link out", link_out);
        let [link, out] = self.test_ids();
        self.nodes[from]["links"] = json!([link]);
        let from = self.nodes[from]["id"].clone();
        self.nodes.push(
            json!({"id": link, "type": "link in", "z": TEST_TAB, "links": [from], "x": 1, "y": 1, "wires": [[out]]}),
        );
        self.nodes.push(json!({"id": out, "type": "mqtt out", "z": TEST_TAB, "topic": topic, "qos": "1",
            "broker": self.broker(), "x": 1, "y": 1, "wires": []}));
        self
    }

    /// What is published on `topic` reaches a `link in` of the flows, by the test's tab.
    pub fn takes(mut self, topic: &str, link_in: &str) -> Self {
        let to = self.link("link in", link_in);
        let [heard, link] = self.test_ids();
        self.nodes[to]["links"] = json!([link]);
        let to = self.nodes[to]["id"].clone();
        self.nodes.push(json!({"id": heard, "type": "mqtt in", "z": TEST_TAB, "topic": topic, "qos": "1", "rh": "2",
            "datatype": "auto-detect", "broker": self.broker(), "inputs": 0, "x": 1, "y": 1, "wires": [[link]]}));
        self.nodes.push(json!({"id": link, "type": "link out", "z": TEST_TAB, "mode": "link", "links": [to],
            "x": 1, "y": 1, "wires": []}));
        self
    }

    /// The id of the broker node, which the test's tab uses too.
    fn broker(&self) -> Value {
        let broker = self.nodes.iter().find(|node| node["type"] == "mqtt-broker");
        broker.expect("a broker node")["id"].clone()
    }

    /// Two that no node has.
    fn test_ids(&self) -> [String; 2] {
        [0, 1].map(|n| format!("{:016x}", 0xb0 + self.nodes.len() + n))
    }

    fn link(&self, kind: &str, name: &str) -> usize {
        let found = self.nodes.iter().position(|node| node["type"] == kind && node["name"] == name);
        found.unwrap_or_else(|| panic!("the flows have no {kind} {name:?}"))
    }
}

pub struct NodeRed {
    version: &'static str,
    folder: PathBuf,
    /// Where its editor is, at 127.0.0.1.
    pub port: u16,
    flows: Flows,
    process: Option<Process>,
    /// Between Node-RED and the broker: what it asked for, and what it has acknowledged.
    pub proxy: Proxy,
    /// Connections of the proxy before the last start.
    earlier: usize,
}

impl NodeRed {
    /// Subscribed when this returns. Logs in as `login`, which has to be allowed what the test's tab does too.
    pub fn start(
        version: &'static str,
        folder: &Path,
        broker_port: u16,
        login: &Login,
        flows: Flows,
    ) -> Self {
        Self::prepare(version, folder, broker_port, login, flows, "").started()
    }

    /// The same with a context that survives a restart, as docs/node-red.md has it.
    pub fn start_lasting(
        version: &'static str,
        folder: &Path,
        broker_port: u16,
        login: &Login,
        flows: Flows,
    ) -> Self {
        let lasting =
            r#"contextStorage: { default: { module: "localfilesystem", config: { flushInterval: 1 } } },"#;
        Self::prepare(version, folder, broker_port, login, flows, lasting).started()
    }

    fn prepare(
        version: &'static str,
        folder: &Path,
        broker_port: u16,
        login: &Login,
        mut flows: Flows,
        more: &str,
    ) -> Self {
        let folder = folder.join(format!("node-red-{version}"));
        fs::create_dir_all(&folder).expect("a folder for Node-RED");
        let (port, proxy) = (free_port(), Proxy::start(broker_port));
        let broker = flows.broker();
        for node in flows.nodes.iter_mut().filter(|node| node["id"] == broker) {
            node["broker"] = "127.0.0.1".into();
            node["port"] = proxy.port.to_string().into();
        }
        let id = broker.as_str().expect("an id");
        let logins = json!({id: {"user": login.user, "password": login.password}}).to_string();
        let settings = format!(
            "module.exports = {{\n\
             uiHost: '127.0.0.1', uiPort: {port}, disableEditor: true, flowFile: 'flows.json',\n\
             // The logins beside the flows are not encrypted then.\n\
             credentialSecret: false,\n\
             mqttReconnectTime: 500,\n\
             telemetry: {{ enabled: false, updateNotification: false }},\n\
             externalModules: {{ autoInstall: false, palette: {{ allowInstall: false, allowUpload: false }} }},\n\
             {more}\n\
             logging: {{ console: {{ level: 'info', metrics: false, audit: false }} }},\n\
             }};\n"
        );
        let nodes = serde_json::to_string_pretty(&flows.nodes).expect("flows as JSON");
        for (file, text) in [("settings.js", settings), ("flows.json", nodes), ("flows_cred.json", logins)] {
            fs::write(folder.join(file), text).expect("a file of Node-RED's");
        }
        Self { version, folder, port, flows, process: None, proxy, earlier: 0 }
    }

    fn started(mut self) -> Self {
        self.launch();
        self.wait_subscribed();
        self
    }

    /// Starts it and does not wait.
    pub fn launch(&mut self) {
        let installed = installed("node-red").join(self.version);
        self.earlier = self.proxy.record().connections.len();
        let mut command = Command::new(installed.join("node"));
        command.arg(installed.join("node_modules/node-red/red.js"));
        command.arg("--userDir").arg(&self.folder).arg("--settings").arg(self.folder.join("settings.js"));
        command.env_clear().env("HOME", &self.folder).current_dir(&self.folder);
        self.process = Some(Process::start("node-red", &mut command, &self.log_path()));
    }

    /// Until then what is published to it for the first time is lost.
    pub fn wait_subscribed(&mut self) {
        // Its client asks for each topic once.
        let filters = self.flows.nodes.iter().filter(|node| node["type"] == "mqtt in");
        let filters = filters.map(|node| node["topic"].to_string()).collect::<BTreeSet<_>>().len();
        wait_until(&format!("Node-RED {} to be subscribed", self.version), || {
            let process = self.process.as_mut().expect("Node-RED was started");
            assert_eq!(process.ended(), None, "Node-RED should still run; see {}", self.folder.display());
            let record = self.proxy.record();
            let newest = record.connections.len().saturating_sub(1);
            let confirmed = record.subscribed.iter().filter(|connection| **connection == newest).count();
            newest >= self.earlier && confirmed >= filters
        });
    }

    /// SIGTERM, and its end.
    pub fn stop(&mut self) {
        let mut process = self.process.take().expect("Node-RED runs");
        process.signal(Signal::TERM);
        process.wait_for_end(WAIT_TIMEOUT);
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.process.take().expect("Node-RED runs").kill();
    }

    /// Comes back with what it kept.
    pub fn start_again(&mut self) {
        self.launch();
        self.wait_subscribed();
    }

    /// Presses the button of an `inject` node, as the editor does.
    pub fn press(&self, button: &str) {
        let is_it = |node: &&Value| node["type"] == "inject" && node["name"] == button;
        let node = self.flows.nodes.iter().find(is_it).unwrap_or_else(|| panic!("no inject node {button:?}"));
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).expect("Node-RED listens");
        let id = node["id"].as_str().expect("an id");
        let request = format!(
            "POST /inject/{id} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).expect("Node-RED takes a request");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("Node-RED answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "the button {button:?}: {answer}");
    }

    /// The payloads the flows published on `topic`, in order.
    pub fn published(&self, topic: &str) -> Vec<Value> {
        let record = self.proxy.record();
        let on_topic = record.from_gateway.iter().filter(|crossing| crossing.publish.topic == topic);
        on_topic.map(|crossing| serde_json::from_slice(&crossing.publish.payload).expect("JSON")).collect()
    }

    /// What it logged as an error or a warning.
    pub fn complaints(&self) -> Vec<String> {
        let is_complaint = |line: &&str| {
            ["[error]", "[warn]"].iter().any(|level| line.contains(level))
                && !OUR_WARNINGS.iter().any(|words| line.contains(words))
        };
        self.log().lines().filter(is_complaint).map(str::to_owned).collect()
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("node-red.log")
    }
}

impl Drop for NodeRed {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.proxy.record().broken, Vec::<String>::new(), "every stream is valid MQTT 5");
        }
    }
}
