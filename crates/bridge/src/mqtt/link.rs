//! The link between store and broker: publishes what waits, takes in what is delivered.
//!
//! Owns the order of events on a connection: subscribe, publish again, acknowledge after the commit, and at a stop wait
//! for what is in flight. `publisher` and `inbox` do the work. Input: reports of the pump, and wake-ups from the store
//! and the retained states.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::Publish;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::client::{Client, Connection};
use super::gate::{Gate, client_error};
use super::inbox::Inbox;
use super::link_state::{About, LinkState};
use super::neighbours::Answer;
use super::publisher::Publisher;
use super::pump::PumpEvent;
use super::subscriptions::Subscriptions;
use crate::crash;
use crate::intake::Intake;
use crate::retained_state::RetainedState;
use crate::store::Store;
use crate::wire::{Wire, home_assistant};

/// How often what the store could not do is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Events handled at once: the requests among them share a commit.
const MAX_BATCH: usize = 256;

/// How long the answer to our SUBSCRIBE may take.
const SUBACK_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a stop waits for what is in flight.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Moves messages between store and broker.
pub struct Link {
    gate: Arc<Gate>,
    events: mpsc::Receiver<PumpEvent>,
    store: Store,
    retained: Arc<RetainedState>,
    subscriptions: Subscriptions,
    link_state: Arc<LinkState>,
    connection: Connection,
    publisher: Publisher,
    inbox: Inbox,
    /// When the answer to our SUBSCRIBE has to be there.
    suback_due: Option<Instant>,
}

impl Link {
    /// A link that subscribes to `subscriptions` and publishes what `store` and `retained` hold.
    pub fn new(
        client: Client,
        store: Store,
        retained: Arc<RetainedState>,
        intake: Intake,
        subscriptions: Subscriptions,
        wire: Wire,
        link_state: Arc<LinkState>,
    ) -> Self {
        let Client { gate, id, events } = client;
        let topics = wire.topics.clone();
        Link {
            connection: Connection::new(Arc::clone(&gate), Arc::clone(&link_state)),
            publisher: Publisher::new(store.clone(), Arc::clone(&retained), wire, Arc::clone(&link_state)),
            inbox: Inbox::new(store.clone(), intake, topics, &subscriptions, id, Arc::clone(&link_state)),
            suback_due: None,
            gate,
            events,
            store,
            retained,
            subscriptions,
            link_state,
        }
    }

    /// Runs until `stop`, then waits a little for acknowledgements and disconnects.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut events = Vec::with_capacity(MAX_BATCH);
        let mut tick = tokio::time::interval(RETRY_INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (retained, store) = (Arc::clone(&self.retained), self.store.clone());
        loop {
            tokio::select! {
                count = self.events.recv_many(&mut events, MAX_BATCH) => {
                    if count == 0 {
                        return;
                    }
                    self.on_events(&mut events).await;
                }
                () = store.wakes().outbox.notified() => {}
                () = retained.changed() => {}
                _ = tick.tick() => self.tick().await,
                () = stop.cancelled() => break,
            }
            self.fill().await;
        }
        self.drain(&mut events).await;
    }

    async fn tick(&mut self) {
        if !self.connection.is_up() {
            return self.publisher.delete_acknowledged().await;
        }
        if let Err(reason) = self.publisher.tick().await {
            self.connection.close(reason);
        }
        if self.suback_due.is_some_and(|due| due <= Instant::now()) {
            self.connection.close("the broker did not answer our SUBSCRIBE for a minute");
        }
        match self.inbox.tick(&mut self.connection).await {
            Some(Answer::Everything) => {
                tracing::warn!("the broker was told that we are offline: it is told otherwise");
                self.retained.republish_all();
            }
            Some(Answer::GatewayState) => self.retained.republish_gateway(),
            None => {}
        }
    }

    async fn on_events(&mut self, events: &mut Vec<PumpEvent>) {
        let mut requests = Vec::new();
        for event in events.drain(..) {
            self.on_event(event, &mut requests).await;
        }
        if self.publisher.has_acknowledged() {
            crash::point("publish_acked");
            self.publisher.delete_acknowledged().await;
        }
        self.inbox.take_requests(requests, &mut self.connection).await;
    }

    /// Handles an event. Requests are collected, so that they share a commit.
    async fn on_event(&mut self, event: PumpEvent, requests: &mut Vec<Publish>) {
        match event {
            PumpEvent::Connected { connection, address, session_present, limits } => {
                // Requests of the last connection must not be acknowledged on this one.
                requests.clear();
                self.inbox.connection_lost();
                self.link_state.connected_to(Some(address));
                self.connection.begin(connection, limits.has_retain);
                let missing = limits.missing(self.subscriptions.is_shared());
                self.link_state.set(About::Broker, missing);
                match self.subscribe(connection, session_present, limits.has_wildcards).await {
                    Ok((mqtt_session, stale)) => {
                        self.suback_due = Some(Instant::now() + SUBACK_TIMEOUT);
                        self.publisher.connected(limits.receive_maximum, limits.max_packet);
                        self.inbox.connected(mqtt_session, session_present, stale);
                        self.link_state.set(About::Connection, None);
                    }
                    Err(reason) => self.connection.close(&reason),
                }
            }
            PumpEvent::Written(packet_id) => self.publisher.written(packet_id),
            PumpEvent::Acknowledged(ack) => {
                if let Err(reason) = self.publisher.acknowledged(&ack).await {
                    self.connection.close(reason);
                }
            }
            PumpEvent::Received(publish) if self.subscriptions.is_birth_topic(&publish.topic) => {
                self.connection.acknowledge(&publish);
                if home_assistant::is_birth(&publish.payload) {
                    tracing::debug!("Home Assistant has started: everything is published again");
                    self.retained.republish_all();
                }
            }
            PumpEvent::Received(publish) => {
                if !self.inbox.take_gateway(&publish, &mut self.connection) {
                    requests.push(publish);
                } else if self.inbox.is_end_of_waited() {
                    let waited = std::mem::take(requests);
                    self.inbox.take_requests(waited, &mut self.connection).await;
                }
            }
            PumpEvent::Subscribed(codes) => {
                self.suback_due = None;
                if let Some(words) = self.subscriptions.refused(&codes) {
                    self.link_state.set(About::Connection, Some(words));
                }
            }
            PumpEvent::PingAnswered => self.inbox.settle_packet_ids(&self.connection).await,
            PumpEvent::Lost { reason, refused } => {
                requests.clear();
                self.inbox.connection_lost();
                self.link_state.connected_to(None);
                self.suback_due = None;
                if self.connection.end() {
                    let words = reason.as_deref().unwrap_or_default();
                    self.publisher.connection_broke(refused, words).await;
                } else {
                    self.publisher.disconnected();
                }
                // Where we closed the connection, the reason is set already.
                if reason.is_some() {
                    self.link_state.set(About::Connection, reason);
                }
            }
        }
    }

    /// Subscribes; returns the number of the MQTT session, and which instance may have sent what waits in it.
    async fn subscribe(
        &self,
        connection: u64,
        session_present: bool,
        has_wildcards: bool,
    ) -> Result<(i64, Option<String>), String> {
        let mqtt_session = self.store.mqtt_session(session_present).await.map_err(|e| e.to_string())?;
        let stale = self.store.stale().await.map_err(|e| e.to_string())?;
        self.subscriptions.renew(&self.store, &self.gate, connection, has_wildcards).await?;
        Ok((mqtt_session, stale))
    }

    async fn fill(&mut self) {
        if self.connection.is_up()
            && !self.inbox.is_undecided()
            && let Err(reason) = self.publisher.fill(&self.connection).await
        {
            self.connection.close(reason);
        }
    }

    /// Waits a little for what is in flight, so that little is published twice; then sends DISCONNECT.
    async fn drain(&mut self, events: &mut Vec<PumpEvent>) {
        let deadline = Instant::now() + DRAIN_TIMEOUT;
        self.fill().await;
        while self.connection.is_up() && (self.publisher.is_in_flight() || self.inbox.is_undecided()) {
            match tokio::time::timeout_at(deadline, self.events.recv_many(events, MAX_BATCH)).await {
                Ok(count) if count > 0 => self.on_events(events).await,
                _ => break,
            }
            self.fill().await;
        }
        if self.inbox.is_undecided() {
            // Nothing was published, so the last will has to say that we are offline: a DISCONNECT would take it back.
            self.connection.close("the gateway stops");
        }
        // The pump ends once it has written this. If it has ended already, nobody reads it.
        self.connection.call(|client| client_error(client.try_disconnect()));
        while tokio::time::timeout_at(deadline, self.events.recv_many(events, MAX_BATCH))
            .await
            .is_ok_and(|count| count > 0)
        {
            self.on_events(events).await;
        }
    }
}
