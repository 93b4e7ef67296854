//! The link: what is owed to the broker goes out through a window, what the broker hands us goes into the store.
//!
//! A row leaves the store only on its PUBACK; a request is acknowledged only after the store has it. Never blocks on
//! the client: a full client and a waiting pump would wait for each other. Input: packets from the pump, wake-ups from
//! the store and the board.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Filter, PubAck, PubAckReason, Publish, PublishProperties, RetainForwardRule,
};
use rumqttc::v5::{AsyncClient, ClientError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::gate::Gate;
use super::intake::{Intake, NO_SHARE_REMEDY};
use super::neighbours::Neighbours;
use super::pump::FromBroker;
use super::suspects::Suspects;
use super::window::{Token, Window};
use crate::crash;
use crate::store::{OutboxRow, Store, StoreError};
use crate::topic::{OfGateway, Topics};

/// The list of filters last subscribed, in the store: one left behind in the broker's session doubles requests.
const FILTERS: &str = "mqtt_filters";

/// The store is asked again for what it could not take.
const RETRY: Duration = Duration::from_secs(1);

/// Requests the store could not take for so long are better kept by the broker.
const HELD_FOR: Duration = Duration::from_secs(60);

/// How long a stop waits for what is in flight.
const DRAIN: Duration = Duration::from_secs(5);

/// The client half of a connection.
pub struct Client(pub(super) Arc<Gate>);

/// What the gateway's own state says of the link.
#[derive(Debug, Default)]
pub struct LinkStatus {
    problem: Mutex<Option<String>>,
    neighbour: Mutex<Option<String>>,
}

impl LinkStatus {
    /// What is wrong with the link, in words; none when nothing is.
    pub fn problem(&self) -> Option<String> {
        let read =
            |words: &Mutex<Option<String>>| words.lock().unwrap_or_else(PoisonError::into_inner).clone();
        read(&self.problem).or_else(|| read(&self.neighbour))
    }

    fn set_neighbour(&self, problem: Option<String>) {
        *self.neighbour.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    fn set(&self, problem: Option<String>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }
}

/// The half of a connection that owns what is in flight.
pub struct Link {
    gate: Arc<Gate>,
    events: mpsc::Receiver<FromBroker>,
    store: Store,
    board: Arc<Board>,
    intake: Intake,
    filters: Vec<String>,
    status: Arc<LinkStatus>,
    /// None while there is no connection.
    live: Option<Live>,
    /// Requests the store could not take yet, with the time the first one came.
    held: Vec<Publish>,
    held_since: Option<Instant>,
    suspects: Suspects,
    topics: Topics,
    neighbours: Neighbours,
    /// Whether requests come by a shared subscription.
    shares: bool,
}

/// What the link is to hear.
pub struct Subscriptions {
    /// Our topics.
    pub topics: Topics,
    /// Filters of requests.
    pub filters: Vec<String>,
    /// Whether requests to any modem come by a shared subscription.
    pub shares: bool,
}

/// What is true of one connection only.
struct Live {
    connection: u64,
    window: Window,
    max_packet: usize,
    /// The last row handed over.
    cursor: i64,
    session: i64,
    /// The newest request when the broker last answered a PINGREQ.
    settled: i64,
    /// Rows on which connections keep breaking: offered last, one at a time.
    aside: VecDeque<OutboxRow>,
}

impl Link {
    /// A link that subscribes to `filters` and owes the broker what the store and the board hold.
    pub fn new(
        client: Client,
        events: mpsc::Receiver<FromBroker>,
        store: Store,
        board: Arc<Board>,
        intake: Intake,
        subscriptions: Subscriptions,
        status: Arc<LinkStatus>,
    ) -> Self {
        let Client(gate) = client;
        let Subscriptions { topics, filters, shares } = subscriptions;
        Link {
            gate,
            events,
            store,
            board,
            intake,
            filters,
            status,
            live: None,
            held: Vec::new(),
            held_since: None,
            suspects: Suspects::default(),
            neighbours: Neighbours::new(topics.gateway_name().clone()),
            topics,
            shares,
        }
    }

    /// Runs until `stop`, then drains what the broker still acknowledges and says goodbye.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut news = Vec::with_capacity(64);
        let mut tick = tokio::time::interval(RETRY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let board = Arc::clone(&self.board);
        let store = self.store.clone();
        loop {
            tokio::select! {
                count = self.events.recv_many(&mut news, 64) => {
                    if count == 0 {
                        return;
                    }
                    self.hear(&mut news).await;
                }
                () = store.wakes().outbox.notified() => {}
                () = board.changed() => {}
                _ = tick.tick() => self.offer_held_again().await,
                () = stop.cancelled() => break,
            }
            self.fill_window().await;
        }
        self.drain(&mut news).await;
    }

    async fn hear(&mut self, news: &mut Vec<FromBroker>) {
        let mut acknowledged = Vec::new();
        let mut requests = Vec::new();
        for event in news.drain(..) {
            match event {
                FromBroker::Connected { connection, session_present, receive_maximum, max_packet } => {
                    // Requests of the connection before would be acknowledged on the wrong one.
                    requests.clear();
                    self.connect(connection, session_present, receive_maximum, max_packet).await;
                }
                FromBroker::Written(packet_id) => {
                    if let Some(live) = &mut self.live {
                        live.window.written(packet_id);
                    }
                }
                FromBroker::Acknowledged(ack) => {
                    if let Some(row) = self.acknowledged(&ack).await {
                        self.suspects.acknowledged(row);
                        acknowledged.push(row);
                    }
                }
                FromBroker::Arrived(publish) => match self.of_gateway(&publish) {
                    Some(topic) => self.hear_gateway(&topic, &publish),
                    None => requests.push(publish),
                },
                FromBroker::Refused(code) => {
                    let remedy = "check the broker's access rules for our topics";
                    let why = format!("the broker does not let us hear requests ({code}): {remedy}");
                    tracing::error!("{why}");
                    self.status.set(Some(why));
                }
                FromBroker::Answered => self.settle_packet_ids().await,
                FromBroker::Lost(why) => {
                    if let Some(live) = self.live.take() {
                        self.suspects.connection_lost(live.window.oldest_row());
                    }
                    self.held.clear();
                    requests.clear();
                    self.status.set(Some(why));
                }
            }
        }
        if !acknowledged.is_empty() {
            crash::point("publish_acked");
            if let Err(error) = self.store.published(acknowledged).await {
                // The rows stay and are published again after the next connect, with the same ids.
                tracing::error!("{error}: acknowledged messages will be published again");
            }
        }
        self.take_in(requests).await;
    }

    async fn connect(
        &mut self,
        connection: u64,
        session_present: bool,
        receive_maximum: u16,
        max_packet: Option<u32>,
    ) {
        self.held.clear();
        self.held_since = None;
        self.neighbours.forget();
        self.status.set_neighbour(None);
        let session = match self.subscribe(connection, session_present).await {
            Ok(session) => session,
            Err(why) => return self.hang_up(connection, &why),
        };
        self.live = Some(Live {
            connection,
            window: Window::new(receive_maximum),
            max_packet: max_packet.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX)),
            cursor: 0,
            session,
            settled: 0,
            aside: VecDeque::new(),
        });
        self.status.set(None);
        self.board.show_all();
    }

    /// Subscribes to what is wanted and gives up what is not wanted any longer; tells the MQTT session's number.
    async fn subscribe(&self, connection: u64, session_present: bool) -> Result<i64, String> {
        let session = self.store.mqtt_session(session_present).await.map_err(|e| e.to_string())?;
        let before = self.store.list(FILTERS).await.map_err(|e| e.to_string())?;
        let unwanted: Vec<_> = before.iter().filter(|old| !self.filters.contains(old)).collect();
        // Written down first: a filter the broker has and we do not know of could never be given up.
        let both = self.filters.iter().chain(unwanted.iter().copied()).cloned().collect();
        self.store.keep_list(FILTERS, both).await.map_err(|e| e.to_string())?;
        let filter = |path: &String, is_ours: bool| Filter {
            path: path.clone(),
            qos: QoS::AtLeastOnce,
            // A shared subscription may not ask for it, and nobody but us writes gateways' topics.
            nolocal: !is_ours,
            preserve_retain: is_ours,
            retain_forward_rule: if is_ours {
                RetainForwardRule::Never
            } else {
                RetainForwardRule::OnEverySubscribe
            },
        };
        let gateways = self.topics.gateway_filters();
        let asked = self.gate.on(connection, |client| {
            unwanted.iter().try_for_each(|filter| in_words(client.try_unsubscribe(filter.as_str())))?;
            let requests = self.filters.iter().map(|path| filter(path, true));
            in_words(
                client.try_subscribe_many(requests.chain(gateways.iter().map(|path| filter(path, false)))),
            )
        });
        match asked {
            Some(Ok(())) => Ok(session),
            Some(Err(error)) => Err(error),
            None => Err("it was lost while subscribing".to_owned()),
        }
    }

    fn of_gateway(&self, publish: &Publish) -> Option<OfGateway> {
        self.topics.parse_gateway(std::str::from_utf8(&publish.topic).ok()?)
    }

    fn hear_gateway(&mut self, topic: &OfGateway, publish: &Publish) {
        self.neighbours.hear(topic, &publish.payload, publish.retain);
        let other = self.neighbours.present().filter(|_| !self.shares);
        self.status.set_neighbour(
            other.map(|name| format!("gateway {name} is on this prefix too: {NO_SHARE_REMEDY}")),
        );
        self.acknowledge(publish);
    }

    /// What was acknowledged a whole PINGREQ ago has been heard by the broker.
    async fn settle_packet_ids(&mut self) {
        let Some(live) = self.live.as_mut().filter(|_| self.held.is_empty()) else { return };
        match self.store.packet_ids_settled(live.settled).await {
            Ok(newest) => live.settled = newest,
            Err(error) => tracing::debug!("{error}"),
        }
    }

    /// The row an acknowledgement lets go of; none for state, and for a row the broker will never take.
    async fn acknowledged(&mut self, ack: &PubAck) -> Option<i64> {
        let token = self.live.as_mut()?.window.acknowledged(ack.pkid)?;
        let Token::Row(row) = token else { return None };
        match ack.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => return Some(row),
            PubAckReason::QuotaExceeded => self.drop_connection("the broker's quota is used up"),
            reason => {
                let why = format!("the broker refused it: {reason:?}");
                tracing::error!(
                    "message {row} is parked: {why}; check the broker's access rules for our topics"
                );
                self.park(row, why).await;
            }
        }
        None
    }

    async fn park(&self, row: i64, why: String) {
        if let Err(error) = self.store.park(row, why).await {
            tracing::error!("{error}");
        }
    }

    /// Requests go into the store side by side, in one commit, and are acknowledged after it.
    async fn take_in(&mut self, requests: Vec<Publish>) {
        let Some(live) = &self.live else { return };
        if requests.is_empty() {
            return;
        }
        crash::point("request_read");
        let session = live.session;
        let neighbour = self.neighbours.present().filter(|_| !self.shares);
        let stored =
            join_all(requests.iter().map(|publish| self.intake.take(publish, session, neighbour))).await;
        crash::point("request_committed");
        for (publish, stored) in requests.into_iter().zip(stored) {
            match stored {
                Ok(()) => self.acknowledge(&publish),
                Err(error) => self.hold(publish, &error),
            }
        }
    }

    fn acknowledge(&mut self, publish: &Publish) {
        if publish.qos == QoS::AtMostOnce {
            return;
        }
        // Unacknowledged, the broker offers it again; the store knows it then.
        if !self.hand(|client| in_words(client.try_ack(publish))) {
            self.drop_connection("an acknowledgement could not be sent");
        }
    }

    fn hold(&mut self, publish: Publish, error: &StoreError) {
        if self.held.is_empty() {
            tracing::error!(
                "{error}: requests wait and are not acknowledged; check the disk of [store] path"
            );
            self.held_since = Some(Instant::now());
            self.status.set(Some(error.to_string()));
        }
        self.held.push(publish);
    }

    async fn offer_held_again(&mut self) {
        if self.held.is_empty() {
            return;
        }
        if self.held_since.is_some_and(|since| since.elapsed() > HELD_FOR) {
            self.held.clear();
            return self.drop_connection("the store took no request for a minute");
        }
        let since = self.held_since;
        let held = std::mem::take(&mut self.held);
        self.take_in(held).await;
        if self.held.is_empty() {
            tracing::info!("the store takes requests again");
            self.status.set(None);
        } else {
            self.held_since = since;
        }
    }

    /// Hands over board and rows until the window is full.
    async fn fill_window(&mut self) {
        let Some(live) = &self.live else { return };
        for (topic, payload, version) in self.board.take_unshown(live.window.free()) {
            let token = Token::Board(topic.clone(), version);
            if !self.publish(topic, payload, true, None, token) {
                return self.drop_connection("state could not be sent");
            }
        }
        while let Some(live) = &self.live
            && live.window.free() > 0
        {
            let rows = match self.store.owed(live.cursor, live.window.free()).await {
                Ok(rows) if rows.is_empty() => return self.offer_one_set_aside().await,
                Ok(rows) => rows,
                Err(error) => {
                    tracing::error!("{error}");
                    return;
                }
            };
            for row in rows {
                match &mut self.live {
                    Some(live) if self.suspects.holds(row.id) => {
                        live.cursor = row.id;
                        live.aside.push_back(row);
                    }
                    _ => self.hand_over(row).await,
                }
            }
        }
    }

    /// With nothing else owed, a row set aside gets its turn, alone.
    async fn offer_one_set_aside(&mut self) {
        let Some(live) = &mut self.live else { return };
        if live.window.is_empty()
            && let Some(row) = live.aside.pop_front()
        {
            self.hand_over(row).await;
        }
    }

    async fn hand_over(&mut self, row: OutboxRow) {
        let Some(live) = &mut self.live else { return };
        live.cursor = live.cursor.max(row.id);
        let size = row.payload.len() + row.topic.len() + row.correlation.as_ref().map_or(0, Vec::len) + 64;
        if size > live.max_packet {
            let why = format!("{size} octets, and the broker takes {} at most", live.max_packet);
            tracing::error!("message {} is parked: {why}; raise the broker's limit", row.id);
            return self.park(row.id, why).await;
        }
        let token = Token::Row(row.id);
        if !self.publish(row.topic, row.payload, row.retain, row.correlation, token) {
            return self.drop_connection("a message could not be sent");
        }
        crash::point("publish_sent");
    }

    fn publish(
        &mut self,
        topic: String,
        payload: String,
        retain: bool,
        correlation: Option<Vec<u8>>,
        token: Token,
    ) -> bool {
        let properties = PublishProperties {
            payload_format_indicator: Some(1),
            correlation_data: correlation.map(Into::into),
            ..PublishProperties::default()
        };
        let handed = self.hand(|client| {
            in_words(client.try_publish_with_properties(topic, QoS::AtLeastOnce, retain, payload, properties))
        });
        if handed && let Some(live) = &mut self.live {
            live.window.hand(token);
        }
        handed
    }

    /// Hands something to the client for this connection; false if it is gone or the client is full.
    fn hand(&self, act: impl FnOnce(&AsyncClient) -> Result<(), String>) -> bool {
        let Some(live) = &self.live else { return false };
        match self.gate.on(live.connection, act) {
            Some(Ok(())) => true,
            Some(Err(error)) => {
                tracing::debug!("the MQTT client took nothing: {error}");
                false
            }
            None => false,
        }
    }

    /// Ends this connection from our side; the pump makes the next one.
    fn drop_connection(&mut self, why: &str) {
        if let Some(live) = self.live.take() {
            self.hang_up(live.connection, why);
        }
    }

    fn hang_up(&self, connection: u64, why: &str) {
        // The pump may know already that it is gone.
        if self.gate.hang_up(connection) {
            tracing::warn!("dropping the connection to the broker: {why}");
            self.status.set(Some(why.to_owned()));
        }
    }

    /// Waits a while for what is in flight, so that little is published twice; then DISCONNECT.
    async fn drain(&mut self, news: &mut Vec<FromBroker>) {
        let deadline = tokio::time::Instant::now() + DRAIN;
        self.fill_window().await;
        while self.live.as_ref().is_some_and(|live| !live.window.is_empty()) {
            match tokio::time::timeout_at(deadline, self.events.recv_many(news, 64)).await {
                Ok(count) if count > 0 => self.hear(news).await,
                _ => break,
            }
            self.fill_window().await;
        }
        // The pump ends when it has written this; nobody listens if it has ended before.
        self.hand(|client| in_words(client.try_disconnect()));
        while tokio::time::timeout_at(deadline, self.events.recv_many(news, 64))
            .await
            .is_ok_and(|count| count > 0)
        {
            self.hear(news).await;
        }
    }
}

/// The client's own error carries the whole packet it could not take.
fn in_words(handed: Result<(), ClientError>) -> Result<(), String> {
    handed.map_err(|error| error.to_string())
}
