//! Tests of link and pump together, on a real store, against a broker that is a script: each names its misfortune.
//!
//! The script speaks MQTT 5 octets over TCP. It waits for what the gateway says and never for time to pass.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::{ConnAck, ConnAckProperties, ConnectReturnCode, Packet, Publish};
use rumqttc::v5::mqttbytes::{Error as Incomplete, QoS};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::bytes::BytesMut;
use tokio_util::sync::CancellationToken;

use super::{Board, Intake, Link, LinkStatus, Subscriptions, prepare};
use crate::clock::now_ms;
use crate::config::{self, Config};
use crate::message::{Details, Name, Outcome, State};
use crate::store::{Rules, Store, StoreThread};
use crate::topic::Topics;

/// Longer than any step takes on a busy machine, reconnecting included.
const LIMIT: Duration = Duration::from_secs(60);

const NOT_AUTHORIZED: u8 = 0x87;
const PACKET_TOO_LARGE: u8 = 0x95;
const QUOTA_EXCEEDED: u8 = 0x97;

/// The gateway's half: store, link and pump, with no modem.
struct Gateway {
    store: Store,
    board: Arc<Board>,
    status: Arc<LinkStatus>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    thread: StoreThread,
    folder: TempDir,
}

impl Gateway {
    async fn start(broker: &Broker) -> Gateway {
        Gateway::start_in(broker, tempfile::tempdir().unwrap(), &["main"]).await
    }

    /// In a folder that may hold an earlier run's store.
    async fn start_in(broker: &Broker, folder: TempDir, modems: &[&str]) -> Gateway {
        let port = broker.listener.local_addr().unwrap().port();
        let config = config::parse("test", &format!("[mqtt]\nurl = \"mqtt://127.0.0.1:{port}\"")).unwrap();
        let names: Vec<Name> = modems.iter().map(|name| name.parse().unwrap()).collect();
        let topics = Topics::new("sms", &config.name);
        let (store, thread) = Store::open(folder.path(), rules(&config, &topics)).unwrap();
        let board = Arc::new(Board::default());
        let status = Arc::new(LinkStatus::default());
        let client_id = store.client_id().await.unwrap();
        let connection = prepare(&config.mqtt, &client_id, &topics).unwrap();
        let link = Link::new(
            connection.client,
            connection.events,
            store.clone(),
            Arc::clone(&board),
            Intake::new(store.clone(), topics.clone(), names.clone(), config.outbound.clone()),
            Subscriptions { filters: topics.filters("", &names), shares: false, topics: topics.clone() },
            Arc::clone(&status),
        );
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(connection.pump.run(stop.clone()));
        tasks.spawn(link.run(stop.clone()));
        Gateway { store, board, status, stop, tasks, thread, folder }
    }

    /// Owes the broker one result, told by its id.
    async fn owe(&self, id: &str) {
        self.owe_about(id, "x").await;
    }

    /// The same, with something long to say.
    async fn owe_about(&self, id: &str, payload: &str) {
        let details = Details { payload: Some(payload.to_owned()), ..Details::default() };
        let (state, at) = (State::Rejected, now_ms());
        let outcome = Outcome { id: Some(id.to_owned()), to: None, state, is_final: true, at, details };
        self.store.answer(outcome, None).await.unwrap();
    }

    async fn owe_many(&self, ids: &[&str]) {
        for id in ids {
            self.owe(id).await;
        }
    }

    /// Waits until the store says so: the script cannot see what the gateway does after a PUBACK.
    async fn until_owed(&self, outbox: i64, parked: i64) {
        let reached = async {
            loop {
                let depth = self.store.depth().await.unwrap();
                if (depth.outbox, depth.parked) == (outbox, parked) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(LIMIT, reached).await.is_err() {
            panic!("the store never had {outbox} owed and {parked} parked");
        }
    }

    /// Waits until the link says that something is wrong.
    async fn until_problem(&self) {
        let said = async {
            while self.status.problem().is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, said).await.expect("the link says what is wrong");
    }

    /// Stops as `app` does; gives the folder back for another run.
    async fn stop(mut self) -> TempDir {
        self.stop.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        tokio::time::timeout(LIMIT, ended).await.expect("link and pump end when told to");
        drop(self.store);
        self.thread.join();
        self.folder
    }

    /// From now on the store refuses what would write to `table`.
    fn break_table(&self, table: &str) {
        let refuse = |verb: &str| {
            format!(
                "CREATE TRIGGER broken_{verb} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END;"
            )
        };
        let sql: String = ["INSERT", "UPDATE", "DELETE"].into_iter().map(refuse).collect();
        self.beside().execute_batch(&sql).unwrap();
    }

    fn mend_table(&self) {
        let sql = "DROP TRIGGER broken_INSERT; DROP TRIGGER broken_UPDATE; DROP TRIGGER broken_DELETE;";
        self.beside().execute_batch(sql).unwrap();
    }

    fn beside(&self) -> rusqlite::Connection {
        beside(&self.folder)
    }

    fn requests(&self) -> i64 {
        count(&self.beside(), "request")
    }
}

/// A second connection to the store's file.
fn beside(folder: &TempDir) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(folder.path().join("smsbridge.sqlite")).unwrap();
    connection.busy_timeout(LIMIT).unwrap();
    connection
}

fn count(store: &rusqlite::Connection, table: &str) -> i64 {
    store.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

fn rules(config: &Config, topics: &Topics) -> Rules {
    Rules {
        topics: topics.clone(),
        retain_last: true,
        inbound: config.inbound.clone(),
        outbound: config.outbound.clone(),
        rules: config.rules.clone(),
        hooks: config.hooks.clone(),
    }
}

/// What the broker says of itself in its CONNACK.
#[derive(Clone, Copy)]
struct Terms {
    session_present: bool,
    receive_maximum: u16,
    max_packet: Option<u32>,
}

/// A broker that still has our session and takes twenty PUBLISHes at once, as mosquitto does.
const USUAL: Terms = Terms { session_present: true, receive_maximum: 20, max_packet: None };

struct Broker {
    listener: TcpListener,
}

impl Broker {
    async fn new() -> Broker {
        Broker { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    /// Takes the next connection up to and with its CONNACK.
    async fn connected(&self, terms: Terms) -> Wire {
        let accepted = tokio::time::timeout(LIMIT, self.listener.accept()).await;
        let (socket, _) = accepted.expect("the gateway connects").unwrap();
        let mut wire = Wire { socket, buffer: BytesMut::new() };
        match wire.packet().await {
            Packet::Connect(..) => wire.connack(terms).await,
            other => panic!("{other:?} came before CONNECT"),
        }
        wire
    }

    /// The same, and the subscriptions granted.
    async fn session(&self, terms: Terms) -> Wire {
        let mut wire = self.connected(terms).await;
        match wire.packet().await {
            Packet::Subscribe(subscribe) => wire.suback(subscribe.pkid, subscribe.filters.len()).await,
            other => panic!("{other:?} came before SUBSCRIBE"),
        }
        wire
    }
}

/// One connection, seen from the broker.
struct Wire {
    socket: TcpStream,
    buffer: BytesMut,
}

impl Wire {
    /// The next packet; PINGREQs are answered in passing.
    async fn packet(&mut self) -> Packet {
        match tokio::time::timeout(LIMIT, self.read()).await {
            Ok(Some(packet)) => packet,
            Ok(None) => panic!("the gateway hung up"),
            Err(_) => panic!("the gateway said nothing"),
        }
    }

    /// The next packet; none if the gateway hung up.
    async fn read(&mut self) -> Option<Packet> {
        loop {
            // A DISCONNECT with nothing in it is legal, and unknown to the client's decoder.
            if self.buffer.starts_with(&[0xe0, 0]) {
                return None;
            }
            match Packet::read(&mut self.buffer, None) {
                Ok(Packet::PingReq(_)) => self.send(&[0xd0, 0]).await,
                Ok(packet) => return Some(packet),
                Err(Incomplete::InsufficientBytes(_)) => match self.socket.read_buf(&mut self.buffer).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                },
                Err(error) => panic!("what the gateway sent is not MQTT: {error}"),
            }
        }
    }

    /// The next PUBLISH, which must be a result; its packet id and its payload's id.
    async fn result(&mut self) -> (u16, String) {
        let publish = self.publish().await;
        assert_eq!(publish.topic, "sms/result", "another topic");
        let payload: Value = serde_json::from_slice(&publish.payload).unwrap();
        (publish.pkid, payload["id"].as_str().unwrap_or_default().to_owned())
    }

    async fn publish(&mut self) -> Publish {
        match self.packet().await {
            Packet::Publish(publish) => publish,
            other => panic!("{other:?} came, not a PUBLISH"),
        }
    }

    /// The packet id of the next PUBACK.
    async fn acknowledged(&mut self) -> u16 {
        loop {
            match self.packet().await {
                Packet::PubAck(ack) => return ack.pkid,
                Packet::Publish(publish) => self.puback(publish.pkid).await,
                other => panic!("{other:?} came, not a PUBACK"),
            }
        }
    }

    /// Reads and acknowledges PUBLISHes until the gateway hangs up; tells the packet ids it acknowledged meanwhile.
    async fn until_hung_up(&mut self) -> Vec<u16> {
        let ended = async {
            let mut acknowledged = Vec::new();
            while let Some(packet) = self.read().await {
                match packet {
                    Packet::PubAck(ack) => acknowledged.push(ack.pkid),
                    Packet::Publish(publish) => self.puback(publish.pkid).await,
                    _ => {}
                }
            }
            acknowledged
        };
        tokio::time::timeout(LIMIT, ended).await.expect("the gateway hangs up")
    }

    async fn connack(&mut self, terms: Terms) {
        let properties = ConnAckProperties {
            receive_max: Some(terms.receive_maximum),
            max_packet_size: terms.max_packet,
            ..no_properties()
        };
        let (session_present, code) = (terms.session_present, ConnectReturnCode::Success);
        let connack = ConnAck { session_present, code, properties: Some(properties) };
        let mut octets = BytesMut::new();
        connack.write(&mut octets).unwrap();
        self.send(&octets).await;
    }

    async fn suback(&mut self, packet_id: u16, filters: usize) {
        let [high, low] = packet_id.to_be_bytes();
        let length = u8::try_from(3 + filters).unwrap();
        let mut octets = vec![0x90, length, high, low, 0];
        octets.resize(5 + filters, 1);
        self.send(&octets).await;
    }

    async fn puback(&mut self, packet_id: u16) {
        let [high, low] = packet_id.to_be_bytes();
        self.send(&[0x40, 2, high, low]).await;
    }

    async fn refuse(&mut self, packet_id: u16, reason: u8) {
        let [high, low] = packet_id.to_be_bytes();
        self.send(&[0x40, 3, high, low, reason]).await;
    }

    /// Hands the gateway a request.
    async fn request(&mut self, packet_id: u16, redelivered: bool, payload: &str) {
        let mut publish = Publish::new("sms/send", QoS::AtLeastOnce, payload.to_owned(), None);
        publish.pkid = packet_id;
        publish.dup = redelivered;
        let mut octets = BytesMut::new();
        publish.write(&mut octets).unwrap();
        self.send(&octets).await;
    }

    async fn send(&mut self, octets: &[u8]) {
        self.socket.write_all(octets).await.expect("the gateway listens");
    }
}

fn no_properties() -> ConnAckProperties {
    ConnAckProperties {
        session_expiry_interval: None,
        receive_max: None,
        max_qos: None,
        retain_available: None,
        max_packet_size: None,
        assigned_client_identifier: None,
        topic_alias_max: None,
        reason_string: None,
        user_properties: Vec::new(),
        wildcard_subscription_available: None,
        subscription_identifiers_available: None,
        shared_subscription_available: None,
        server_keep_alive: None,
        response_information: None,
        server_reference: None,
        authentication_method: None,
        authentication_data: None,
    }
}

const REQUEST: &str = r#"{"to":"+4915112345678","text":"Hello"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_come_out_of_order() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    gateway.owe_many(&["a", "b", "c"]).await;
    let mut wire = broker.session(USUAL).await;
    let [(a, _), (b, _), (c, _)] = [wire.result().await, wire.result().await, wire.result().await];
    wire.puback(c).await;
    wire.puback(a).await;
    gateway.until_owed(1, 0).await;
    drop(wire);
    let mut wire = broker.session(USUAL).await;
    let (again, id) = wire.result().await;
    assert_eq!(id, "b", "the one whose packet id {b} was not acknowledged is published again");
    wire.puback(again).await;
    gateway.until_owed(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_is_lost_with_its_connection() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    gateway.owe("a").await;
    let first = broker.session(USUAL).await.publish().await;
    let mut wire = broker.session(USUAL).await;
    let second = wire.publish().await;
    assert_eq!(first.payload, second.payload, "a repetition differs, so that no consumer can tell it is one");
    wire.puback(second.pkid).await;
    gateway.until_owed(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_forgot_the_session_with_a_full_window_in_flight() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    let ids: Vec<String> = (0..40).map(|n| format!("m{n:02}")).collect();
    for id in &ids {
        gateway.owe(id).await;
    }
    let mut wire = broker.session(USUAL).await;
    for _ in 0..16 {
        wire.result().await;
    }
    drop(wire);
    let mut wire = broker.session(Terms { session_present: false, ..USUAL }).await;
    for id in &ids {
        let (packet_id, came) = wire.result().await;
        assert_eq!(&came, id, "out of order, lost or doubled");
        wire.puback(packet_id).await;
    }
    gateway.until_owed(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_acknowledgement_lags_behind_all_the_others() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    let ids: Vec<String> = (0..60).map(|n| format!("m{n:02}")).collect();
    for id in &ids {
        gateway.owe(id).await;
    }
    let mut wire = broker.session(Terms { receive_maximum: 200, ..USUAL }).await;
    let (lagging, _) = wire.result().await;
    let mut heard = BTreeSet::from(["m00".to_owned()]);
    for _ in 1..60 {
        let (packet_id, id) = wire.result().await;
        assert!(heard.insert(id), "one was doubled");
        assert_ne!(packet_id, lagging, "a packet id still in use was given out");
        wire.puback(packet_id).await;
    }
    gateway.until_owed(1, 0).await;
    wire.puback(lagging).await;
    gateway.until_owed(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_comes_back_with_a_smaller_receive_maximum() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    let ids: Vec<String> = (0..60).map(|n| format!("m{n:02}")).collect();
    let mut wire = broker.session(Terms { receive_maximum: 90, ..USUAL }).await;
    for id in &ids[..30] {
        gateway.owe(id).await;
        let (packet_id, _) = wire.result().await;
        wire.puback(packet_id).await;
    }
    gateway.until_owed(0, 0).await;
    drop(wire);
    let mut wire = broker.session(Terms { receive_maximum: 10, ..USUAL }).await;
    // Packet ids that count on from the old connection would run past what the new one allows.
    for id in ids.iter().chain(&ids) {
        gateway.owe(id).await;
        let (packet_id, came) = wire.result().await;
        assert_eq!(&came, id);
        wire.puback(packet_id).await;
    }
    gateway.until_owed(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_does_not_allow_one_message() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    gateway.owe_many(&["a", "b"]).await;
    let mut wire = broker.session(USUAL).await;
    let [(a, _), (b, _)] = [wire.result().await, wire.result().await];
    wire.refuse(a, NOT_AUTHORIZED).await;
    wire.puback(b).await;
    gateway.until_owed(0, 1).await;
    drop(wire);
    // It is not offered again.
    let mut wire = broker.session(USUAL).await;
    gateway.owe("c").await;
    let (c, id) = wire.result().await;
    assert_eq!(id, "c");
    wire.puback(c).await;
    gateway.until_owed(0, 1).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_brokers_quota_is_used_up() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    gateway.owe("a").await;
    let mut wire = broker.session(USUAL).await;
    let (a, _) = wire.result().await;
    wire.refuse(a, QUOTA_EXCEEDED).await;
    wire.until_hung_up().await;
    let problem = gateway.status.problem().unwrap_or_default();
    assert!(problem.contains("quota"), "the cause is hidden: {problem}");
    let mut wire = broker.session(USUAL).await;
    let (again, id) = wire.result().await;
    assert_eq!(id, "a", "it waits, and is offered again");
    wire.puback(again).await;
    gateway.until_owed(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_refused_for_a_reason_the_client_cannot_read() {
    // mosquitto's message_size_limit is not in its CONNACK, and answered so.
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    gateway.owe_many(&["a", "b", "poison", "c"]).await;
    let mut taken = BTreeSet::new();
    let script = async {
        loop {
            let mut wire = broker.session(USUAL).await;
            while let Some(packet) = wire.read().await {
                let Packet::Publish(publish) = packet else { panic!("{packet:?} came") };
                let payload: Value = serde_json::from_slice(&publish.payload).unwrap();
                match payload["id"].as_str().unwrap() {
                    "poison" => wire.refuse(publish.pkid, PACKET_TOO_LARGE).await,
                    id => {
                        taken.insert(id.to_owned());
                        wire.puback(publish.pkid).await;
                    }
                }
            }
        }
    };
    tokio::select! {
        () = script => {}
        () = gateway.until_owed(0, 1) => {}
    }
    assert_eq!(taken.iter().map(String::as_str).collect::<String>(), "abc");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_cannot_let_go_of_what_was_acknowledged() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    let mut wire = broker.session(USUAL).await;
    gateway.owe("a").await;
    let (a, _) = wire.result().await;
    gateway.break_table("outbox");
    wire.puback(a).await;
    // This comes after it, and has to wait: once that is said, the acknowledgement was heard too.
    wire.request(1, false, "Hello").await;
    gateway.until_problem().await;
    gateway.mend_table();
    wire.acknowledged().await;
    drop(wire);
    let mut wire = broker.session(USUAL).await;
    gateway.owe("b").await;
    loop {
        let (packet_id, id) = wire.result().await;
        assert_ne!(id, "a", "a message the broker has was published again");
        wire.puback(packet_id).await;
        if id == "b" {
            break;
        }
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_larger_than_the_broker_takes() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    gateway.owe("small").await;
    gateway.owe_about("large", &"x".repeat(2000)).await;
    gateway.owe("next").await;
    let mut wire = broker.session(Terms { max_packet: Some(1000), ..USUAL }).await;
    let [(small, first), (next, second)] = [wire.result().await, wire.result().await];
    assert_eq!((first.as_str(), second.as_str()), ("small", "next"));
    wire.puback(small).await;
    wire.puback(next).await;
    gateway.until_owed(0, 1).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_modem_is_larger_than_the_broker_takes() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    gateway.board.put("sms/modem/main".to_owned(), "x".repeat(2000));
    gateway.owe("a").await;
    let mut wire = broker.session(Terms { max_packet: Some(1000), ..USUAL }).await;
    let (a, _) = wire.result().await;
    wire.puback(a).await;
    gateway.until_owed(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_comes_while_the_store_takes_nothing() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    let mut wire = broker.session(USUAL).await;
    gateway.break_table("request");
    wire.request(7, false, REQUEST).await;
    // What comes after it and is refused at once needs no row there, and is acknowledged alone.
    wire.request(8, false, "Hello").await;
    assert_eq!(wire.acknowledged().await, 8, "a request was acknowledged that is not stored");
    assert_eq!(gateway.requests(), 0);
    gateway.mend_table();
    assert_eq!(wire.acknowledged().await, 7);
    assert_eq!(gateway.requests(), 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_requests_as_may_come_wait_for_the_store_and_are_acknowledged_on_one_connection() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    let mut wire = broker.session(USUAL).await;
    gateway.break_table("request");
    for packet_id in 1..=super::RECEIVE_MAXIMUM - 1 {
        wire.request(packet_id, false, REQUEST).await;
    }
    wire.request(super::RECEIVE_MAXIMUM, false, "Hello").await;
    assert_eq!(wire.acknowledged().await, super::RECEIVE_MAXIMUM);
    gateway.mend_table();
    let mut acknowledged = BTreeSet::new();
    while acknowledged.len() + 1 < super::RECEIVE_MAXIMUM.into() {
        assert!(acknowledged.insert(wire.acknowledged().await), "one acknowledgement was sent twice");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_is_lost_while_a_request_waits_for_the_store() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    let mut wire = broker.session(USUAL).await;
    gateway.break_table("request");
    wire.request(7, false, REQUEST).await;
    wire.request(8, false, "Hello").await;
    assert_eq!(wire.acknowledged().await, 8);
    drop(wire);
    let mut wire = broker.session(USUAL).await;
    gateway.mend_table();
    // On this connection 9 is the first request: nothing of the old one may be acknowledged here.
    wire.request(9, false, r#"{"id":"mine","to":"+4915112345678","text":"Hello"}"#).await;
    assert_eq!(wire.acknowledged().await, 9, "an acknowledgement of the connection before");
    wire.request(7, true, REQUEST).await;
    assert_eq!(wire.acknowledged().await, 7);
    assert_eq!(gateway.requests(), 2);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_request_comes_again_because_its_acknowledgement_was_lost() {
    for (what, request) in
        [("with an id", r#"{"id":"o-1","to":"+4915112345678","text":"Hi"}"#), ("without", REQUEST)]
    {
        let broker = Broker::new().await;
        let gateway = Gateway::start(&broker).await;
        let mut wire = broker.session(USUAL).await;
        wire.request(3, false, request).await;
        assert_eq!(wire.acknowledged().await, 3);
        drop(wire);
        let mut wire = broker.session(USUAL).await;
        wire.request(3, true, request).await;
        assert_eq!(wire.acknowledged().await, 3);
        assert_eq!(gateway.requests(), 1, "a request {what} was stored twice");
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_of_an_earlier_configuration_is_left_in_the_brokers_session() {
    let broker = Broker::new().await;
    let gateway = Gateway::start_in(&broker, tempfile::tempdir().unwrap(), &["main", "old"]).await;
    let mut wire = broker.session(USUAL).await;
    gateway.owe("a").await;
    wire.result().await;
    drop(wire);
    let folder = gateway.stop().await;

    let gateway = Gateway::start_in(&broker, folder, &["main"]).await;
    let mut wire = broker.connected(USUAL).await;
    for filter in ["sms/send/old", "sms/ussd/old"] {
        match wire.packet().await {
            Packet::Unsubscribe(unsubscribe) => assert_eq!(unsubscribe.filters, [filter]),
            other => panic!("{other:?} came, and the old filter stays"),
        }
    }
    match wire.packet().await {
        Packet::Subscribe(subscribe) => {
            let filters: Vec<_> = subscribe.filters.iter().map(|filter| filter.path.as_str()).collect();
            assert_eq!(filters[..3], ["sms/send", "sms/send/main", "sms/cancel"]);
        }
        other => panic!("{other:?} came, not SUBSCRIBE"),
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_does_not_let_us_hear_requests() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    let mut wire = broker.connected(USUAL).await;
    let Packet::Subscribe(subscribe) = wire.packet().await else { panic!("SUBSCRIBE comes first") };
    let [high, low] = subscribe.pkid.to_be_bytes();
    let filters = subscribe.filters.len();
    let mut octets = vec![0x90, u8::try_from(3 + filters).unwrap(), high, low, 0];
    octets.resize(5 + filters, NOT_AUTHORIZED);
    wire.send(&octets).await;
    gateway.until_problem().await;
    let problem = gateway.status.problem().unwrap();
    assert!(problem.contains("access rules"), "nobody could act on: {problem}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retained_state_is_shown_again_on_each_connection() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    gateway.board.put("sms/gateway/gateway/availability".to_owned(), "online".to_owned());
    for _ in 0..2 {
        let shown = broker.session(USUAL).await.publish().await;
        assert_eq!(
            (&shown.topic[..], &shown.payload[..]),
            (&b"sms/gateway/gateway/availability"[..], &b"online"[..])
        );
        assert!(shown.retain);
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_takes_nothing_at_the_moment_of_a_connect() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    gateway.break_table("fact");
    let mut wire = broker.connected(USUAL).await;
    wire.until_hung_up().await;
    assert!(gateway.status.problem().is_some(), "nothing says what is wrong");
    gateway.mend_table();
    // Whatever was tried meanwhile, a connection with subscriptions follows.
    let subscribed = loop {
        let mut wire = broker.connected(USUAL).await;
        if let Some(packet) = wire.read().await {
            break packet;
        }
    };
    assert!(matches!(subscribed, Packet::Subscribe(_)), "{subscribed:?} came first");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_and_offline_go_out_before_the_goodbye() {
    let broker = Broker::new().await;
    let gateway = Gateway::start(&broker).await;
    let mut wire = broker.session(USUAL).await;
    let ids: Vec<String> = (0..40).map(|n| format!("m{n:02}")).collect();
    for id in &ids {
        gateway.owe(id).await;
    }
    gateway.board.put("sms/gateway/gateway/availability".to_owned(), "offline".to_owned());
    let stopped = gateway.stop();
    let heard = async {
        let (mut results, mut offline) = (0, false);
        while let Some(packet) = wire.read().await {
            let Packet::Publish(publish) = packet else { panic!("{packet:?} came") };
            match &publish.topic[..] {
                b"sms/result" => results += 1,
                _ => offline |= &publish.payload[..] == b"offline",
            }
            wire.puback(publish.pkid).await;
        }
        (results, offline)
    };
    let (folder, heard) = tokio::join!(stopped, heard);
    assert_eq!(heard, (40, true));
    assert_eq!(count(&beside(&folder), "outbox"), 0, "what was acknowledged is still owed");
}
