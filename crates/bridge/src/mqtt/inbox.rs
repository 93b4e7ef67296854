//! What the broker delivers: requests, which go into the store before they are acknowledged, and the states of other
//! gateways.
//!
//! Requests the store cannot take are held and offered again each second; after a minute the connection is dropped, and
//! the broker delivers them again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rumqttc::v5::mqttbytes::v5::Publish;

use super::client::Session;
use super::neighbours::Neighbours;
use super::status::LinkStatus;
use super::subscriptions::Subscriptions;
use crate::crash;
use crate::intake::{AfterAck, Delivery, Intake, not_shared};
use crate::request::{Origin, ReplyTo};
use crate::store::{Store, StoreError};
use crate::wire::topic::Topics;

/// Requests the store could not take for so long are better kept by the broker.
const HOLD_TIMEOUT: Duration = Duration::from_secs(60);

/// Takes in what the broker delivers.
pub(super) struct Inbox {
    store: Store,
    intake: Intake,
    topics: Topics,
    status: Arc<LinkStatus>,
    neighbours: Neighbours,
    /// Whether requests for any modem come by a shared subscription.
    is_shared: bool,
    /// The number of the MQTT session.
    session: i64,
    /// The newest request when the broker last answered a PINGREQ.
    settled: i64,
    /// Requests the store could not take yet.
    held: Vec<Publish>,
    held_since: Option<Instant>,
}

impl Inbox {
    pub(super) fn new(
        store: Store,
        intake: Intake,
        topics: Topics,
        subscriptions: &Subscriptions,
        status: Arc<LinkStatus>,
    ) -> Self {
        let neighbours = Neighbours::new(topics.gateway_name().clone());
        Inbox {
            store,
            intake,
            topics,
            status,
            neighbours,
            is_shared: subscriptions.is_shared(),
            session: 0,
            settled: 0,
            held: Vec::new(),
            held_since: None,
        }
    }

    /// A connection begins, in the MQTT session of that number.
    pub(super) fn connected(&mut self, session: i64) {
        self.session = session;
        self.settled = 0;
    }

    /// A connection ended: its requests would be acknowledged on the wrong one, and other gateways are to be learnt anew.
    pub(super) fn connection_lost(&mut self) {
        self.held.clear();
        self.held_since = None;
    }

    /// Forgets the other gateways: the broker tells of them again.
    pub(super) fn forget_neighbours(&mut self) {
        self.neighbours.forget();
        self.status.set_neighbour(None);
    }

    /// Handles the retained topic of a gateway; false if the delivery is none.
    pub(super) fn take_gateway(&mut self, publish: &Publish, session: &mut Session) -> bool {
        let topic = std::str::from_utf8(&publish.topic).ok();
        let Some(gateway) = topic.and_then(|topic| self.topics.parse_gateway(topic)) else { return false };
        self.neighbours.on_publish(&gateway, &publish.payload, publish.retain);
        self.status.set_neighbour(self.not_shared());
        session.acknowledge(publish);
        true
    }

    /// Why requests for any modem are refused.
    fn not_shared(&self) -> Option<String> {
        self.neighbours.online().filter(|_| !self.is_shared).map(not_shared)
    }

    /// Stores requests side by side, in one commit, and acknowledges them after it.
    pub(super) async fn take_requests(&mut self, requests: Vec<Publish>, session: &mut Session) {
        if requests.is_empty() || !session.stands() {
            return;
        }
        crash::point("request_read");
        let not_shared = self.not_shared();
        let stored = join_all(requests.iter().map(|publish| self.store_request(publish, &not_shared))).await;
        crash::point("request_committed");
        for (publish, stored) in requests.into_iter().zip(stored) {
            match stored {
                Ok(after) => {
                    session.acknowledge(&publish);
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
            origin: Origin { packet_id: publish.pkid, redelivered: publish.dup, session: self.session },
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
            self.status.set(Some(error.to_string()));
        }
        self.held.push(publish);
    }

    /// Offers held requests to the store again.
    pub(super) async fn retry_held(&mut self, session: &mut Session) {
        if self.held.is_empty() {
            return;
        }
        let since = self.held_since;
        if since.is_some_and(|since| since.elapsed() > HOLD_TIMEOUT) {
            self.held.clear();
            return session.hang_up("the store took no request for a minute");
        }
        let held = std::mem::take(&mut self.held);
        self.take_requests(held, session).await;
        if self.held.is_empty() {
            tracing::info!("the store takes requests again");
            self.status.set(None);
        } else {
            self.held_since = since;
        }
    }

    /// The broker answered a PINGREQ: it has seen what was acknowledged before that was sent.
    pub(super) async fn settle_packet_ids(&mut self, session: &Session) {
        if !session.stands() || !self.held.is_empty() {
            return;
        }
        match self.store.settle_packet_ids(self.settled).await {
            Ok(newest) => self.settled = newest,
            Err(error) => tracing::debug!("{error}"),
        }
    }
}
