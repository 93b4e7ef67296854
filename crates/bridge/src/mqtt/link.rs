//! The link: what is owed to the broker goes out through a window, what the broker hands us goes into the store.
//!
//! A row leaves the store only on its PUBACK; a request is acknowledged only after the store has it. Never blocks on
//! the client: a full client and a waiting pump would wait for each other. Input: packets from the pump, wake-ups from
//! the store and the board.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rumqttc::v5::AsyncClient;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{PubAck, PubAckReason, Publish, PublishProperties};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::gate::{Gate, in_words};
use super::intake::{Intake, NO_SHARE_REMEDY};
use super::neighbours::Neighbours;
use super::pump::FromBroker;
use super::status::LinkStatus;
use super::subscriptions::Subscriptions;
use super::suspects::Suspects;
use super::window::{Token, Window};
use crate::crash;
use crate::store::{OutboxRow, Store, StoreError};
use crate::topic::OfGateway;

/// The store is asked again for what it could not take.
const RETRY: Duration = Duration::from_secs(1);

/// Requests the store could not take for so long are better kept by the broker.
const HELD_FOR: Duration = Duration::from_secs(60);

/// Packets heard at once: their requests go into one commit.
const BATCH: usize = 256;

/// How long a stop waits for what is in flight.
const DRAIN: Duration = Duration::from_secs(5);

/// The client half of a connection.
pub struct Client(pub(super) Arc<Gate>);

/// The half of a connection that owns what is in flight.
pub struct Link {
    gate: Arc<Gate>,
    events: mpsc::Receiver<FromBroker>,
    store: Store,
    board: Arc<Board>,
    intake: Intake,
    subscriptions: Subscriptions,
    status: Arc<LinkStatus>,
    /// None while there is no connection.
    live: Option<Live>,
    /// Requests the store could not take yet, with the time the first one came.
    held: Vec<Publish>,
    held_since: Option<Instant>,
    suspects: Suspects,
    /// The last connection ended over one of our PUBLISHes: one at a time, until a row is taken.
    careful: bool,
    /// Rows the broker has and the store could not let go of yet.
    done: Vec<i64>,
    neighbours: Neighbours,
}

/// What is true of one connection only.
struct Live {
    connection: u64,
    window: Window,
    receive_maximum: u16,
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
        Link {
            gate,
            events,
            store,
            board,
            intake,
            status,
            live: None,
            held: Vec::new(),
            held_since: None,
            suspects: Suspects::default(),
            careful: false,
            done: Vec::new(),
            neighbours: Neighbours::new(subscriptions.topics.gateway_name().clone()),
            subscriptions,
        }
    }

    /// Runs until `stop`, then drains what the broker still acknowledges and says goodbye.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut news = Vec::with_capacity(BATCH);
        let mut tick = tokio::time::interval(RETRY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let board = Arc::clone(&self.board);
        let store = self.store.clone();
        loop {
            tokio::select! {
                count = self.events.recv_many(&mut news, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    self.hear(&mut news).await;
                }
                () = store.wakes().outbox.notified() => {}
                () = board.changed() => {}
                _ = tick.tick() => {
                    self.let_go().await;
                    self.offer_held_again().await;
                }
                () = stop.cancelled() => break,
            }
            self.fill_window().await;
        }
        self.drain(&mut news).await;
    }

    async fn hear(&mut self, news: &mut Vec<FromBroker>) {
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
                        self.row_taken(row);
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
                FromBroker::Lost { why, refused } => {
                    if let Some(live) = self.live.take() {
                        match (refused, live.window.only_row()) {
                            (true, Some(row)) => self.park(row, why.clone().unwrap_or_default()).await,
                            (true, None) => self.careful = true,
                            (false, _) => self.suspects.connection_lost(live.window.oldest_row()),
                        }
                    }
                    self.held.clear();
                    requests.clear();
                    // Where we hung up, it is said why.
                    if why.is_some() {
                        self.status.set(why);
                    }
                }
            }
        }
        if !self.done.is_empty() {
            crash::point("publish_acked");
            self.let_go().await;
        }
        self.take_in(requests).await;
    }

    fn row_taken(&mut self, row: i64) {
        self.suspects.acknowledged(row);
        self.done.push(row);
        if std::mem::take(&mut self.careful)
            && let Some(live) = &mut self.live
        {
            live.window.widen(live.receive_maximum);
        }
    }

    /// Takes out of the store what the broker has. What cannot be taken out now is tried again each second: left there,
    /// it would be published again after the next connect, and that may be weeks away.
    async fn let_go(&mut self) {
        if self.done.is_empty() {
            return;
        }
        match self.store.published(self.done.clone()).await {
            Ok(()) => self.done.clear(),
            Err(error) => tracing::error!("{error}: {} published messages are still owed", self.done.len()),
        }
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
        let begun = self.begin(connection, session_present).await;
        let session = match begun {
            Ok(session) => session,
            Err(why) => return self.hang_up(connection, &why),
        };
        self.live = Some(Live {
            connection,
            window: if self.careful { Window::narrow() } else { Window::new(receive_maximum) },
            receive_maximum,
            max_packet: max_packet.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX)),
            cursor: 0,
            session,
            settled: 0,
            aside: VecDeque::new(),
        });
        self.status.set(None);
        self.board.show_all();
    }

    /// Renews the subscriptions; tells the MQTT session's number.
    async fn begin(&self, connection: u64, session_present: bool) -> Result<i64, String> {
        let session = self.store.mqtt_session(session_present).await.map_err(|e| e.to_string())?;
        self.subscriptions.renew(&self.store, &self.gate, connection).await?;
        Ok(session)
    }

    fn of_gateway(&self, publish: &Publish) -> Option<OfGateway> {
        self.subscriptions.topics.parse_gateway(std::str::from_utf8(&publish.topic).ok()?)
    }

    fn hear_gateway(&mut self, topic: &OfGateway, publish: &Publish) {
        self.neighbours.hear(topic, &publish.payload, publish.retain);
        let other = self.neighbours.present().filter(|_| !self.subscriptions.shares);
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
                let why =
                    format!("the broker refused it ({reason:?}): check its access rules for our topics");
                self.park(row, why).await;
            }
        }
        None
    }

    async fn park(&self, row: i64, why: String) {
        tracing::error!("message {row} is parked: {why}");
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
        let neighbour = self.neighbours.present().filter(|_| !self.subscriptions.shares);
        let stored =
            join_all(requests.iter().map(|publish| self.intake.take(publish, session, neighbour))).await;
        crash::point("request_committed");
        for (publish, stored) in requests.into_iter().zip(stored) {
            match stored {
                Ok(()) => {
                    self.acknowledge(&publish);
                    self.intake.acknowledged(&publish).await;
                }
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
        let max_packet = live.max_packet;
        for (topic, payload, version) in self.board.take_unshown(live.window.free()) {
            let size = size(&topic, &payload, None);
            if size > max_packet {
                tracing::error!(
                    "{topic} is not shown: {size} octets, and the broker takes {max_packet} at most"
                );
                continue;
            }
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
        let size = size(&row.topic, &row.payload, row.correlation.as_deref());
        if size > live.max_packet {
            let why =
                format!("{size} octets, and the broker takes {} at most: raise its limit", live.max_packet);
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
            match tokio::time::timeout_at(deadline, self.events.recv_many(news, BATCH)).await {
                Ok(count) if count > 0 => self.hear(news).await,
                _ => break,
            }
            self.fill_window().await;
        }
        // The pump ends when it has written this; nobody listens if it has ended before.
        self.hand(|client| in_words(client.try_disconnect()));
        while tokio::time::timeout_at(deadline, self.events.recv_many(news, BATCH))
            .await
            .is_ok_and(|count| count > 0)
        {
            self.hear(news).await;
        }
    }
}

/// At least as many octets as such a PUBLISH takes.
fn size(topic: &str, payload: &str, correlation: Option<&[u8]>) -> usize {
    topic.len() + payload.len() + correlation.map_or(0, <[u8]>::len) + 64
}
