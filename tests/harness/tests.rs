//! Tests of the harness: a check that sees nothing would pass everything.

use tempfile::TempDir;

use super::broker::{Broker, Login};
use super::client::Client;
use super::mqtt_packets::Publish;
use super::proxy::Proxy;
use super::wait::wait_until;

fn folder() -> TempDir {
    TempDir::with_prefix("smsbridge-harness-").expect("a temporary folder")
}

#[test]
fn the_proxy_records_both_directions_and_their_acknowledgements() {
    let folder = folder();
    let broker = Broker::start(folder.path(), None);
    let proxy = Proxy::start(broker.port);
    let behind = Client::start(proxy.port, "behind", Some(&Login::observer()), &["to/it"]);
    let beside = Client::start(broker.port, "beside", Some(&Login::observer()), &["from/it"]);

    behind.publish("from/it", "one");
    behind.publish("nobody/listens", "two");
    beside.publish("to/it", "three");

    beside.wait_for_text("from/it", "one");
    behind.wait_for_text("to/it", "three");
    wait_until("all acknowledgements in the record", || {
        let record = proxy.record();
        record.to_gateway.len() == 1 && record.to_gateway[0].acknowledged.is_some()
    });
    let record = proxy.record();
    assert_eq!(record.connections, ["behind"]);
    let acknowledged: Vec<_> = record.from_gateway.iter().map(|crossing| crossing.acknowledged).collect();
    assert_eq!(acknowledged, [Some(0), Some(0x10)], "success, then: no matching subscribers");
    assert!(record.from_gateway.iter().all(super::proxy::Crossing::is_taken_over));
    assert_eq!(record.broken, Vec::<String>::new());
}

#[test]
fn a_cut_connection_comes_back_through_the_proxy() {
    let folder = folder();
    let broker = Broker::start(folder.path(), None);
    let proxy = Proxy::start(broker.port);
    let behind = Client::start(proxy.port, "behind", Some(&Login::observer()), &[]);
    behind.publish("a", "1");
    proxy.cut();
    behind.publish("a", "2");
    let record = proxy.record();
    assert!(record.connections.len() >= 2, "{:?}", record.connections);
    let payloads: Vec<&[u8]> = record
        .from_gateway
        .iter()
        .filter(|crossing| crossing.is_taken_over())
        .map(|crossing| crossing.publish.payload.as_slice())
        .collect();
    assert!(payloads.contains(&&b"1"[..]) && payloads.contains(&&b"2"[..]), "{payloads:?}");
}

#[test]
fn a_killed_broker_keeps_what_it_saved_and_its_port() {
    let folder = folder();
    let mut broker = Broker::start(folder.path(), None);
    let client = Client::start(broker.port, "client", Some(&Login::observer()), &["a/#"]);
    client.publish_with(Publish {
        topic: "a/kept".to_owned(),
        payload: b"yes".to_vec(),
        qos: 1,
        retain: true,
        ..Publish::default()
    });
    // It saves only after some more changes.
    wait_until("mosquitto to save", || {
        client.publish("a/more", "changes");
        let saved = std::fs::read(folder.path().join("broker/mosquitto.db")).unwrap_or_default();
        saved.windows(6).any(|bytes| bytes == b"a/kept")
    });
    broker.restart();
    client.publish("a/later", "yes");
    client.wait_for_text("a/later", "yes");
    let other = Client::start(broker.port, "other", Some(&Login::observer()), &["a/#"]);
    other.wait_for_text("a/kept", "yes");
}

#[test]
fn a_broker_with_a_login_refuses_other_users() {
    let folder = folder();
    let login = Login { user: "u".to_owned(), password: "right".to_owned() };
    let broker = Broker::start(folder.path(), Some(&login));
    let known = Client::start(broker.port, "known", Some(&login), &["a"]);
    known.publish("a", "1");
    known.wait_for_text("a", "1");
    let log = std::fs::read_to_string(broker.log()).expect("the broker's log");
    assert!(log.contains("known"), "{log}");
}
