//! A cluster of brokers that loses a node, or has one that refuses: three RMQTT nodes. Run by `tests/run cluster`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::client::Client;
use crate::harness::cluster::Cluster;
use crate::harness::gateway::{Config, Gateway};
use crate::harness::modem::{Modem, ModemOptions};
use crate::harness::proxy::Proxy;
use crate::harness::rig::PUBLISHED_TOPICS;
use crate::harness::wait::wait_until;

const ANNA: &str = "+4915112345678";

/// Long enough for a result that comes at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// One of several gateways: its modem has its name.
struct Member {
    gateway: Gateway,
    modem: Modem,
    name: String,
}

impl Member {
    fn start(folder: &Path, name: &str, urls: &str) -> Self {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).expect("a folder for a gateway");
        let modem = Modem::start(&folder.join("modem"), &ModemOptions::default());
        let mut config = Config::new(&folder, 0, modem.port());
        config.set_root("name", name);
        config.set_modem("name", name);
        config.set("mqtt", "url", urls);
        config.set("mqtt", "share", "house");
        config.set("outbound", "message_expiry", "ignore");
        let mut gateway = Gateway::prepare(&folder, &config);
        gateway.start();
        Self { gateway, modem, name: name.to_owned() }
    }

    fn wait_online(&self, client: &Client) {
        client.wait_for_text(&format!("sms/gateway/{}/availability", self.name), "online");
        client.wait_for_text(&format!("sms/modem/{}/availability", self.name), "online");
    }

    fn receives(&self, client: &Client, text: &str) {
        self.modem.deliver("+4915100000001", text);
        client.wait_for_json(&format!("the message {text:?}"), |topic, message| {
            topic.starts_with("sms/received/") && message["text"] == text
        });
    }

    fn wait_for_node(&self, cluster: &Cluster, node: usize) {
        self.gateway.wait_for_log(&["connected to the broker", &cluster.port(node).to_string()]);
    }
}

fn listen(cluster: &Cluster, node: usize) -> Client {
    Client::start(cluster.port(node), &format!("listener-{node}"), None, &PUBLISHED_TOPICS)
}

/// Asks with the same id until it is accepted, as users should: a cluster that loses a node may lose what it had taken.
fn send(client: &Client, topic: &str, id: &str) {
    let request = json!({"id": id, "to": ANNA, "text": id}).to_string();
    wait_until(&format!("{id:?} to be accepted"), || {
        client.publish(topic, &request);
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if client.results(id).iter().any(|result| result["state"] == "accepted") {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    });
    client.wait_for_result(id, "sent");
}

fn texts_on_air(members: &[&Member]) -> BTreeMap<String, usize> {
    let mut texts = BTreeMap::new();
    for submit in members.iter().flat_map(|member| member.modem.submits()) {
        *texts.entry(submit.text).or_default() += 1;
    }
    texts
}

#[test]
#[ignore = "needs an RMQTT: tests/run cluster"]
fn a_gateway_whose_node_is_killed_goes_on_with_another() {
    let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
    let mut cluster = Cluster::start(folder.path());
    let client = listen(&cluster, 2);
    let attic = Member::start(folder.path(), "attic", &cluster.urls(0));
    attic.wait_online(&client);
    attic.wait_for_node(&cluster, 0);
    attic.receives(&client, "before");
    send(&client, "sms/send", "asked-before");

    client.forget();
    cluster.kill(0);
    let killed = Instant::now();
    for n in 0..10 {
        attic.modem.deliver("+4915100000001", &format!("meanwhile {n}"));
    }
    attic.wait_for_node(&cluster, 1);
    attic.wait_online(&client);
    println!("online again {:.1} s after its node was killed", killed.elapsed().as_secs_f32());
    assert!(killed.elapsed() < Duration::from_secs(30), "a dead node costs seconds");
    for n in 0..10 {
        let text = format!("meanwhile {n}");
        client.wait_for_json(&text, |topic, message| {
            topic.starts_with("sms/received/") && message["text"] == text.as_str()
        });
    }
    attic.receives(&client, "after");
    send(&client, "sms/send", "asked-after");

    // A node that comes back may publish the last wills of those who have long gone on elsewhere.
    cluster.start_node(0);
    attic.receives(&client, "again");
    send(&client, "sms/send", "asked-again");
    attic.wait_online(&client);
    let on_air = texts_on_air(&[&attic]);
    assert!(on_air.len() == 3 && on_air.values().all(|times| *times == 1), "{on_air:?}");
}

#[test]
#[ignore = "needs an RMQTT: tests/run cluster"]
fn a_node_that_refuses_in_passing_is_passed_over() {
    let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
    let cluster = Cluster::start(folder.path());
    let client = listen(&cluster, 2);
    let proxy = Proxy::start(cluster.port(0));
    proxy.be_busy(true);
    let urls = format!("mqtt://127.0.0.1:{},{}", proxy.port, cluster.urls(1));
    let attic = Member::start(folder.path(), "attic", &urls);
    attic.wait_online(&client);
    let refused = attic.gateway.wait_for_log(&["server busy"]);
    assert!(!refused.contains("password"), "{refused}");
    attic.wait_for_node(&cluster, 1);
    proxy.be_busy(false);
    attic.receives(&client, "in");
    send(&client, "sms/send", "out");
    assert_eq!(proxy.record().broken, Vec::<String>::new());
}

#[test]
#[ignore = "needs an RMQTT: tests/run cluster"]
fn three_gateways_on_three_nodes_share_and_answer_once() {
    let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
    let cluster = Cluster::start(folder.path());
    let clients = [listen(&cluster, 0), listen(&cluster, 2)];
    let start = |(node, name)| Member::start(folder.path(), name, &cluster.urls(node));
    let members: Vec<Member> = ["attic", "cellar", "garage"].into_iter().enumerate().map(start).collect();
    for (node, member) in members.iter().enumerate() {
        member.wait_online(&clients[1]);
        member.wait_for_node(&cluster, node);
        // Once it hears its own topic it has subscribed to all.
        send(&clients[0], &format!("sms/send/{}", member.name), &member.name);
    }
    let count = 60;
    let ids: Vec<String> = (0..count).map(|n| format!("r{n}")).collect();
    for id in &ids {
        clients[0].publish("sms/send", json!({"id": id, "to": ANNA, "text": id}).to_string());
    }
    let is_final = |result: &&Value| result["final"] == true;
    for (client, id) in clients.iter().flat_map(|client| ids.iter().map(move |id| (client, id))) {
        client.wait_for_result(id, "sent");
        assert_eq!(client.results(id).iter().filter(is_final).count(), 1, "{id}");
    }
    let members: Vec<&Member> = members.iter().collect();
    let on_air = texts_on_air(&members);
    assert_eq!(on_air.len(), count + members.len());
    assert!(on_air.values().all(|times| *times == 1), "sent twice: {on_air:?}");
    let shares: Vec<usize> = members.iter().map(|member| member.modem.submits().len()).collect();
    assert!(shares.iter().all(|share| *share >= count / 6), "all take part: {shares:?}");
}
