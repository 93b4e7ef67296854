//! What comes in: requests, which are stored before they are acknowledged, and the retained topics of other gateways.
//!
//! Turns each PUBLISH into a neutral `Delivery` for `crate::intake`, which decides what it means. Requests that the store
//! cannot take are held and tried again each second; after a minute the connection is closed, and the broker delivers
//! them again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rumqttc::v5::mqttbytes::v5::Publish;
use tokio::time::Instant;

use super::client::Connection;
use super::neighbours::Neighbours;
use super::problem::LinkProblem;
use super::subscriptions::Subscriptions;
use crate::crash;
use crate::intake::{AfterAck, Delivery, Intake, not_shared};
use crate::request::{Origin, ReplyTo};
use crate::store::{Store, StoreError};
use crate::wire::topic::Topics;

/// How long requests wait for the store before they are left to the broker.
const HOLD_TIMEOUT: Duration = Duration::from_secs(60);

/// Handles what the broker delivers.
pub(super) struct Inbox {
    store: Store,
    intake: Intake,
    topics: Topics,
    problem: Arc<LinkProblem>,
    neighbours: Neighbours,
    /// Whether requests for any modem come by a shared subscription.
    is_shared: bool,
    /// The number of the MQTT session.
    mqtt_session: i64,
    /// The newest request in the store when the broker last answered a PINGREQ; 0 before the first answer.
    newest_at_ping: i64,
    /// Requests that the store could not take yet.
    held: Vec<Publish>,
    /// When the store failed to take the first of them.
    held_since: Option<Instant>,
}

impl Inbox {
    pub(super) fn new(
        store: Store,
        intake: Intake,
        topics: Topics,
        subscriptions: &Subscriptions,
        problem: Arc<LinkProblem>,
    ) -> Self {
        let neighbours = Neighbours::new(topics.gateway_name().clone());
        Inbox {
            store,
            intake,
            topics,
            problem,
            neighbours,
            is_shared: subscriptions.is_shared(),
            mqtt_session: 0,
            newest_at_ping: 0,
            held: Vec::new(),
            held_since: None,
        }
    }

    /// A connection is established, in the MQTT session with this number.
    pub(super) fn connected(&mut self, mqtt_session: i64) {
        self.mqtt_session = mqtt_session;
        self.newest_at_ping = 0;
    }

    /// The connection is lost: its requests must not be acknowledged on the next one.
    pub(super) fn connection_lost(&mut self) {
        self.held.clear();
        self.held_since = None;
    }

    /// Forgets the other gateways: on a new connection the broker delivers their retained topics again.
    pub(super) fn forget_neighbours(&mut self) {
        self.neighbours.forget();
        self.problem.set_neighbour(None);
    }

    /// Handles a delivery on a gateway's retained topic; false if it is on another topic.
    pub(super) fn take_gateway(&mut self, publish: &Publish, connection: &mut Connection) -> bool {
        let topic = std::str::from_utf8(&publish.topic).ok();
        let Some(gateway) = topic.and_then(|topic| self.topics.parse_gateway(topic)) else { return false };
        self.neighbours.on_publish(&gateway, &publish.payload, publish.retain);
        self.problem.set_neighbour(self.not_shared());
        connection.acknowledge(publish);
        true
    }

    /// Why requests for any modem are refused, if they are.
    fn not_shared(&self) -> Option<String> {
        self.neighbours.online().filter(|_| !self.is_shared).map(not_shared)
    }

    /// Stores requests concurrently, so that they share a commit, and acknowledges each once it is stored.
    pub(super) async fn take_requests(&mut self, requests: Vec<Publish>, connection: &mut Connection) {
        if requests.is_empty() || !connection.is_up() {
            return;
        }
        crash::point("request_read");
        let not_shared = self.not_shared();
        let stored = join_all(requests.iter().map(|publish| self.store_request(publish, &not_shared))).await;
        crash::point("request_committed");
        for (publish, stored) in requests.into_iter().zip(stored) {
            match stored {
                Ok(after) => {
                    connection.acknowledge(&publish);
                    if let AfterAck::Ussd(modem, request) = after
                        && let Err(error) = self.intake.send_ussd(modem, request).await
                    {
                        tracing::error!("{error}");
                    }
                }
                Err(error) => self.hold(publish, &error),
            }
        }
    }

    async fn store_request(
        &self,
        publish: &Publish,
        not_shared: &Option<String>,
    ) -> Result<AfterAck, StoreError> {
        let topic = std::str::from_utf8(&publish.topic).ok();
        let Some(route) = topic.and_then(|topic| self.topics.parse(topic)) else {
            tracing::warn!("a message on a topic that is not ours was ignored");
            return Ok(AfterAck::Nothing);
        };
        let properties = publish.properties.as_ref();
        let reply_to = properties.and_then(|properties| {
            let topic = properties.response_topic.clone()?;
            let correlation = properties.correlation_data.as_ref().map(|data| data.to_vec());
            Some(self.topics.check_response_topic(&topic).map(|()| ReplyTo { topic, correlation }))
        });
        let expiry = properties.and_then(|properties| properties.message_expiry_interval);
        let delivery = Delivery {
            route,
            payload: &publish.payload,
            retained: publish.retain,
            origin: Origin { packet_id: publish.pkid, redelivered: publish.dup, session: self.mqtt_session },
            expiry: expiry.map(|seconds| Duration::from_secs(seconds.into())),
            reply_to: reply_to.transpose(),
            not_shared: not_shared.clone(),
        };
        self.intake.take(delivery).await
    }

    fn hold(&mut self, publish: Publish, error: &StoreError) {
        if self.held.is_empty() {
            tracing::error!(
                "{error}: requests wait and are not acknowledged; check the disk of [store] path"
            );
            self.held_since = Some(Instant::now());
            self.problem.set(Some(error.to_string()));
        }
        self.held.push(publish);
    }

    /// Tries to store held requests again.
    pub(super) async fn retry_held(&mut self, connection: &mut Connection) {
        // Once we have closed the connection they cannot be acknowledged; they are discarded when its loss is reported.
        if self.held.is_empty() || !connection.is_up() {
            return;
        }
        let since = self.held_since;
        if since.is_some_and(|since| since.elapsed() > HOLD_TIMEOUT) {
            self.held.clear();
            return connection.close("the store took no request for a minute");
        }
        let held = std::mem::take(&mut self.held);
        self.take_requests(held, connection).await;
        if self.held.is_empty() {
            tracing::info!("the store takes requests again");
            self.problem.set(None);
        } else {
            self.held_since = since;
        }
    }

    /// The broker answered a PINGREQ: it has read the acknowledgements sent before that.
    pub(super) async fn settle_packet_ids(&mut self, connection: &Connection) {
        if !connection.is_up() || !self.held.is_empty() {
            return;
        }
        match self.store.settle_packet_ids(self.newest_at_ping).await {
            Ok(newest) => self.newest_at_ping = newest,
            Err(error) => tracing::debug!("{error}"),
        }
    }
}
