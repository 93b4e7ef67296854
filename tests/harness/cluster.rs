//! Owns three RMQTT nodes that are one cluster, each with a folder and loopback ports of its own.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::client::Client;
use super::ports::free_port;
use super::process::Process;
use super::wait::{wait_for, wait_until};

/// Names the program; `tests/run cluster` builds it.
const PROGRAM: &str = "SMSBRIDGE_TEST_RMQTTD";

const NODES: usize = 3;

/// Where a node listens: for MQTT, for the other nodes twice, and for its management, which is always on.
#[derive(Clone, Copy)]
struct Ports {
    mqtt: u16,
    rpc: u16,
    raft: u16,
    http: u16,
}

struct Node {
    folder: PathBuf,
    process: Option<Process>,
}

pub struct Cluster {
    ports: Vec<Ports>,
    nodes: Vec<Node>,
}

impl Cluster {
    /// What is published on one node comes out of every other when this returns.
    pub fn start(folder: &Path) -> Self {
        let port = |_| Ports { mqtt: free_port(), rpc: free_port(), raft: free_port(), http: free_port() };
        let ports: Vec<Ports> = (0..NODES).map(port).collect();
        let mut cluster = Self { ports, nodes: Vec::new() };
        for node in 0..NODES {
            let folder = folder.join(format!("node-{node}"));
            cluster.write_config(node, &folder);
            cluster.nodes.push(Node { folder, process: None });
            cluster.start_node(node);
        }
        cluster.wait_joined();
        cluster
    }

    /// The MQTT port of a node, counted from 0.
    pub fn port(&self, node: usize) -> u16 {
        self.ports[node].mqtt
    }

    /// `[mqtt] url` with all nodes, this one first.
    pub fn urls(&self, first: usize) -> String {
        let nodes = (0..NODES).map(|n| self.port((first + n) % NODES));
        nodes.map(|port| format!("mqtt://127.0.0.1:{port}")).collect::<Vec<_>>().join(",")
    }

    /// kill -9.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].process.take().expect("the node runs").kill();
    }

    /// It listens for MQTT when this returns.
    pub fn start_node(&mut self, node: usize) {
        let program = std::env::var_os(PROGRAM).unwrap_or_else(|| panic!("{PROGRAM} names no program"));
        let folder = self.nodes[node].folder.clone();
        let mut command = Command::new(program);
        command.arg("-f").arg(folder.join("rmqtt.toml")).current_dir(&folder);
        let mut process = Process::start("rmqttd", &mut command, &folder.join("rmqttd.log"));
        let port = self.port(node);
        wait_until("a node to listen", || {
            assert_eq!(process.ended(), None, "the node ends at once; see {}", folder.display());
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        self.nodes[node].process = Some(process);
    }

    fn wait_joined(&self) {
        let listen = |node| Client::start(self.port(node), &format!("joined-{node}"), None, &["joined/#"]);
        let clients: Vec<Client> = (0..NODES).map(listen).collect();
        for (node, client) in clients.iter().enumerate() {
            let topic = format!("joined/{node}");
            wait_for("the nodes to be one cluster", || {
                client.publish(&topic, "");
                std::thread::sleep(Duration::from_millis(200));
                clients.iter().all(|client| client.last_on(&topic).is_some()).then_some(())
            });
        }
    }

    fn write_config(&self, node: usize, folder: &Path) {
        let plugins = folder.join("plugins");
        fs::create_dir_all(&plugins).expect("a folder for a node");
        let Ports { mqtt, rpc, http, .. } = self.ports[node];
        let (id, dir) = (node + 1, folder.display());
        let peers = |port: fn(&Ports) -> u16| {
            let peers = self.ports.iter().enumerate();
            peers.map(|(n, ports)| format!("{}@127.0.0.1:{}", n + 1, port(ports))).collect::<Vec<_>>()
        };
        let (rpcs, rafts) = (peers(|ports| ports.rpc), peers(|ports| ports.raft));
        let storage = |name| {
            format!(
                "storage.type = 'sled'\nstorage.sled.path = '{dir}/{name}'\nstorage.sled.cache_capacity = '64M'\n"
            )
        };
        // As docs/operations.md says, but for ports, folders and logins.
        let files = [
            (
                "rmqtt.toml",
                format!(
                    "node.id = {id}\n\
                     node.busy.check_enable = false\n\
                     rpc.server_addr = '127.0.0.1:{rpc}'\n\
                     log.to = 'console'\n\
                     plugins.dir = '{dir}/plugins/'\n\
                     plugins.default_startups = ['rmqtt-retainer', 'rmqtt-shared-subscription', \
                     'rmqtt-session-storage', 'rmqtt-cluster-raft']\n\
                     listener.tcp.external.addr = '127.0.0.1:{mqtt}'\n\
                     listener.tcp.external.allow_anonymous = true\n\
                     listener.tcp.external.nodelay = true\n\
                     listener.tcp.external.max_mqueue_len = 100000\n\
                     listener.tcp.external.message_expiry_interval = '0'\n\
                     listener.tcp.external.message_retry_interval = '0'\n"
                ),
            ),
            ("plugins/rmqtt-retainer.toml", format!("{}retained_message_ttl = '0'\n", storage("retained"))),
            ("plugins/rmqtt-session-storage.toml", storage("sessions")),
            ("plugins/rmqtt-shared-subscription.toml", "strategy = 'round_robin'\n".to_owned()),
            ("plugins/rmqtt-http-api.toml", format!("http_laddr = '127.0.0.1:{http}'\n")),
            (
                "plugins/rmqtt-cluster-raft.toml",
                format!(
                    "message_type = 198\n\
                     node_grpc_addrs = {rpcs:?}\n\
                     node_grpc_client_timeout = '2s'\n\
                     raft_peer_addrs = {rafts:?}\n\
                     leader_id = 1\n\
                     raft.grpc_reuseaddr = true\n"
                ),
            ),
        ];
        for (name, text) in files {
            fs::write(folder.join(name), text).expect("a file of a node's");
        }
    }
}
