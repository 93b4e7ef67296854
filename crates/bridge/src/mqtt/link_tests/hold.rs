//! The store takes no requests for a while: they wait a minute, and are then left to the broker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use rumqttc::v5::{AsyncClient, EventLoop, MqttOptions};
use tempfile::TempDir;
use tokio::time::advance;

use super::broker::{redelivered, request};
use super::gateway::{break_table, count, repair_table};
use crate::config;
use crate::intake::Intake;
use crate::mqtt::client::Connection;
use crate::mqtt::gate::Gate;
use crate::mqtt::inbox::Inbox;
use crate::mqtt::{LinkState, Subscriptions};
use crate::store::{Store, StoreConfig};
use crate::wire::Wire;

const REQUEST: &str = r#"{"to":"+4915112345678","text":"Hello"}"#;

/// An inbox on an established connection.
struct Fixture {
    folder: TempDir,
    inbox: Inbox,
    connection: Connection,
    gate: Arc<Gate>,
    problem: Arc<LinkState>,
    /// Nobody polls it: what the client is given stays in it.
    _event_loop: EventLoop,
}

impl Fixture {
    fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let config = config::parse("test", "[mqtt]\nurl = \"mqtt://127.0.0.1\"").unwrap();
        let (store, _thread) = Store::open(folder.path(), StoreConfig::from(&config)).unwrap();
        let wire = Wire::new(&config);
        let problem = Arc::new(LinkState::default());
        let inbox = Inbox::new(
            store.clone(),
            Intake::new(store, BTreeMap::new(), &config),
            wire.topics.clone(),
            &Subscriptions::new(&wire, "", &[], false),
            "smsbridge-test".to_owned(),
            Arc::clone(&problem),
        );
        let (client, event_loop) = AsyncClient::new(MqttOptions::new("test", "127.0.0.1", 1883), 100);
        let gate = Arc::new(Gate::new(client));
        let connection = Connection::new(Arc::clone(&gate), Arc::clone(&problem));
        let mut fixture = Fixture { folder, inbox, connection, gate, problem, _event_loop: event_loop };
        fixture.connect();
        fixture
    }

    fn connect(&mut self) {
        self.inbox.connection_lost();
        self.gate.next_connection(|| {});
        self.connection.begin(self.gate.connection(), true);
        self.inbox.connected(1, false, None);
    }

    async fn wait(&mut self, seconds: u64) {
        advance(Duration::from_secs(seconds)).await;
        self.inbox.tick(&mut self.connection).await;
    }

    fn problem(&self) -> String {
        self.problem.current().unwrap_or_default()
    }

    fn stored(&self) -> i64 {
        count(&self.folder, "request")
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_minute_the_connection_is_closed_so_that_the_broker_delivers_again() {
    let mut fixture = Fixture::new();
    for table in ["request", "outbox"] {
        break_table(&fixture.folder, table);
    }
    fixture.inbox.take_requests(vec![request(1, REQUEST)], &mut fixture.connection).await;
    fixture.wait(30).await;
    // One that comes later waits no longer than the first.
    fixture.inbox.take_requests(vec![request(2, REQUEST)], &mut fixture.connection).await;
    fixture.wait(30).await;
    assert!(fixture.connection.is_up(), "a minute is not over yet");
    assert!(fixture.problem().contains("the store"), "{}", fixture.problem());
    fixture.wait(1).await;
    assert!(!fixture.connection.is_up(), "the requests wait for ever");
    assert!(fixture.gate.close_requested().now_or_never().is_some(), "the pump was not told to close");
    assert!(fixture.problem().contains("the store"), "{}", fixture.problem());

    // What came on that connection is left to the broker, and stored once when it comes again.
    for table in ["request", "outbox"] {
        repair_table(&fixture.folder, table);
    }
    fixture.wait(1).await;
    fixture.connect();
    fixture.wait(1).await;
    assert_eq!(fixture.stored(), 0, "a request of a connection that is gone was stored");
    let again = vec![redelivered(request(1, REQUEST)), redelivered(request(2, REQUEST))];
    fixture.inbox.take_requests(again, &mut fixture.connection).await;
    assert_eq!(fixture.stored(), 2);
    assert!(fixture.connection.is_up());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_takes_requests_again_within_the_minute_costs_no_connection() {
    let mut fixture = Fixture::new();
    for n in 1..=3 {
        break_table(&fixture.folder, "request");
        fixture.inbox.take_requests(vec![request(n, REQUEST)], &mut fixture.connection).await;
        fixture.wait(59).await;
        assert_eq!(fixture.stored(), i64::from(n) - 1);
        repair_table(&fixture.folder, "request");
        fixture.wait(1).await;
        assert_eq!((fixture.stored(), fixture.problem()), (i64::from(n), String::new()));
        assert!(fixture.connection.is_up(), "each wait has a minute of its own");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_the_store_can_never_take_is_answered_after_a_minute() {
    let mut fixture = Fixture::new();
    break_table(&fixture.folder, "request");
    fixture.inbox.take_requests(vec![request(1, REQUEST)], &mut fixture.connection).await;
    fixture.wait(60).await;
    assert!(fixture.problem().contains("the store"), "{}", fixture.problem());
    fixture.wait(1).await;
    assert!(fixture.connection.is_up(), "it would come again, and be refused again, for ever");
    assert_eq!((count(&fixture.folder, "outbox"), fixture.problem()), (1, String::new()));
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_for_the_store_cannot_fill_the_memory() {
    let mut fixture = Fixture::new();
    break_table(&fixture.folder, "request");
    break_table(&fixture.folder, "outbox");
    let large = "x".repeat(250 * 1024);
    let mut packet_id = 0;
    while fixture.connection.is_up() {
        packet_id += 1;
        assert!(packet_id < 200, "50 MiB wait in memory");
        let large = request(packet_id, &large);
        fixture.inbox.take_requests(vec![large], &mut fixture.connection).await;
    }
    assert!(packet_id > 100, "a hundred requests are to be kept");
}
