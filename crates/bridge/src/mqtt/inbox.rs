//! What comes in: requests, which are stored before they are acknowledged, and the retained topics of gateways.
//!
//! Turns each PUBLISH into a neutral `Delivery` for `crate::intake`, which decides what it means. Requests that the
//! store cannot take are held and tried again each second; after a minute the connection is closed, and the broker
//! delivers them again. Requests that waited for us at the broker are not looked at before it is known whether another
//! gateway of our name ran meanwhile.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rumqttc::v5::mqttbytes::v5::{Publish, PublishProperties};
use tokio::time::Instant;

use super::client::Connection;
use super::link_state::{About, LinkState};
use super::neighbours::{Answer, Kept, Neighbours};
use super::subscriptions::Subscriptions;
use crate::crash;
use crate::intake::{AfterAck, Delivery, Intake, MAX_PAYLOAD, not_shared, stale};
use crate::request::{Origin, ReplyTo, Route};
use crate::store::{Store, StoreError};
use crate::wire::request::shortened;
use crate::wire::topic::Topics;

/// How long requests wait for the store before they are left to the broker.
const HOLD_TIMEOUT: Duration = Duration::from_secs(60);

/// Octets of requests that wait for the store; what comes beyond is left to the broker.
const MAX_HELD: usize = 32 * 1024 * 1024;

/// How long requests wait for the broker to tell what it had kept under our name.
const KEPT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long `problem` tells of requests another gateway may have sent.
const STALE_SHOWN: Duration = Duration::from_secs(600);

/// Handles what the broker delivers.
pub(super) struct Inbox {
    store: Store,
    intake: Intake,
    topics: Topics,
    link_state: Arc<LinkState>,
    neighbours: Neighbours,
    /// Whether requests for any modem come by a shared subscription.
    is_shared: bool,
    /// The number of the MQTT session.
    mqtt_session: i64,
    /// The newest request in the store when the broker last answered a PINGREQ; 0 before the first answer.
    newest_at_ping: i64,
    /// What had waited for us when we connected.
    waited: Waited,
    /// Until when `problem` tells of requests another gateway may have sent.
    stale_until: Option<Instant>,
    /// Requests that the store could not take yet.
    held: Vec<Request>,
    /// When the store failed to take the first of them.
    held_since: Option<Instant>,
}

/// A PUBLISH with a request. Of a payload over the limit only what its rejection quotes is kept.
struct Request {
    publish: Publish,
    /// Octets of its payload as it came.
    size: usize,
    /// The store can be written, and refuses this one.
    is_refused: bool,
}

impl From<Publish> for Request {
    /// Copies what is needed, for all of a packet is kept as long as any piece of it.
    fn from(publish: Publish) -> Self {
        let size = publish.payload.len();
        let payload = match size {
            0..=MAX_PAYLOAD => publish.payload.to_vec(),
            _ => shortened(&publish.payload),
        };
        let properties = publish.properties.map(|properties| PublishProperties {
            message_expiry_interval: properties.message_expiry_interval,
            response_topic: properties.response_topic,
            correlation_data: properties.correlation_data.map(|data| data.to_vec().into()),
            ..PublishProperties::default()
        });
        let topic = publish.topic.to_vec().into();
        let publish = Publish { topic, payload: payload.into(), properties, ..publish };
        Request { publish, size, is_refused: false }
    }
}

impl Request {
    /// Octets it keeps.
    fn kept(&self) -> usize {
        let Publish { topic, payload, properties, .. } = &self.publish;
        let properties = properties.as_ref().map_or(0, |properties| {
            properties.response_topic.as_ref().map_or(0, String::len)
                + properties.correlation_data.as_ref().map_or(0, |data| data.len())
        });
        topic.len() + payload.len() + properties
    }
}

/// Whether these requests fill the memory.
fn are_too_many(requests: &[Request]) -> bool {
    requests.iter().map(Request::kept).sum::<usize>() > MAX_HELD
}

/// Requests that waited at the broker while we were away.
enum Waited {
    /// There are none, or nobody else had them.
    Ours,
    /// It is not known yet whether another gateway of our name ran meanwhile: they are not acknowledged before, or
    /// `since` is too long ago.
    Unknown { since: Instant, requests: Vec<Request> },
    /// The other one of this instance ran, and may have sent them.
    Stale { other: String },
}

impl Inbox {
    pub(super) fn new(
        store: Store,
        intake: Intake,
        topics: Topics,
        subscriptions: &Subscriptions,
        instance: String,
        link_state: Arc<LinkState>,
    ) -> Self {
        let neighbours = Neighbours::new(topics.gateway_name().clone(), instance);
        Inbox {
            store,
            intake,
            topics,
            link_state,
            neighbours,
            is_shared: subscriptions.is_shared(),
            mqtt_session: 0,
            newest_at_ping: 0,
            waited: Waited::Ours,
            stale_until: None,
            held: Vec::new(),
            held_since: None,
        }
    }

    /// A connection is established, in the MQTT session with this number. Only a session the broker has kept
    /// (`session_present`) can hold requests from before; `stale`: the instance that may have sent those, as it was
    /// known on an earlier connection.
    pub(super) fn connected(&mut self, mqtt_session: i64, session_present: bool, stale: Option<String>) {
        let now = Instant::now();
        self.mqtt_session = mqtt_session;
        self.newest_at_ping = 0;
        self.waited = match stale {
            _ if !session_present => Waited::Ours,
            Some(other) => Waited::Stale { other },
            None => Waited::Unknown { since: now, requests: Vec::new() },
        };
        // The broker delivers their retained topics again.
        self.neighbours.forget(now);
        self.link_state.set(About::Neighbour, None);
    }

    /// The connection is lost: its requests must not be acknowledged on the next one.
    pub(super) fn connection_lost(&mut self) {
        self.held.clear();
        self.held_since = None;
        self.link_state.set(About::Store, None);
        self.waited = Waited::Ours;
    }

    /// Handles a delivery on a gateway's retained topic; false if it is on another topic.
    pub(super) fn take_gateway(&mut self, publish: &Publish, connection: &mut Connection) -> bool {
        let topic = std::str::from_utf8(&publish.topic).ok();
        let Some(gateway) = topic.and_then(|topic| self.topics.parse_gateway(topic)) else { return false };
        self.neighbours.on_publish(&gateway, &publish.payload, publish.retain, Instant::now());
        self.link_state.set(About::Neighbour, self.not_shared());
        connection.acknowledge(publish);
        true
    }

    /// Whether it is not known yet if another gateway of our name ran: our own state must not take the place of its.
    pub(super) fn is_undecided(&self) -> bool {
        matches!(self.waited, Waited::Unknown { .. })
    }

    /// Whether all that had waited for us has come: our own state came back behind it.
    pub(super) fn is_end_of_waited(&self) -> bool {
        !matches!(self.waited, Waited::Ours) && self.neighbours.has_echo()
    }

    /// Why requests for any modem are refused, if they are.
    fn not_shared(&self) -> Option<String> {
        let other = self.neighbours.online(Instant::now()).filter(|_| !self.is_shared)?;
        Some(not_shared(self.topics.gateway_name(), other))
    }

    /// Called each second: what is to be published again because somebody else published under our name.
    pub(super) async fn tick(&mut self, connection: &mut Connection) -> Option<Answer> {
        let now = Instant::now();
        self.retry_held(connection).await;
        self.take_requests(Vec::new(), connection).await;
        self.link_state.set(About::Neighbour, self.not_shared());
        if self.stale_until.is_some_and(|until| until <= now) {
            self.stale_until = None;
            self.link_state.set(About::Stale, None);
        }
        self.neighbours.answer(now)
    }

    /// Stores requests, or lets them wait until it is known whether another gateway of our name may have sent them.
    pub(super) async fn take_requests(&mut self, requests: Vec<Publish>, connection: &mut Connection) {
        if !connection.is_up() {
            return;
        }
        let mut requests: Vec<Request> = requests.into_iter().map(Request::from).collect();
        if let Waited::Unknown { since, requests: waiting } = &mut self.waited {
            waiting.append(&mut requests);
            if are_too_many(waiting) {
                return connection.close("more requests wait than can be kept");
            }
            let other = match self.neighbours.kept() {
                None if since.elapsed() < KEPT_TIMEOUT => return,
                None | Some(Kept::Ours) => None,
                Some(Kept::Other(other)) => Some(other.clone()),
            };
            if other.is_some()
                && let Err(error) = self.store.set_stale(other.clone()).await
            {
                return connection.close(&error.to_string());
            }
            requests = std::mem::take(waiting);
            self.waited = other.map_or(Waited::Ours, |other| Waited::Stale { other });
        }
        self.store_requests(requests, connection).await;
        if self.is_end_of_waited() {
            self.end_stale().await;
        }
    }

    /// All that had waited has come.
    async fn end_stale(&mut self) {
        let was_stale = matches!(self.waited, Waited::Stale { .. });
        self.waited = Waited::Ours;
        if was_stale && let Err(error) = self.store.set_stale(None).await {
            error.log();
        }
    }

    /// Stores requests concurrently, so that they share a commit, and acknowledges each once it is stored.
    async fn store_requests(&mut self, requests: Vec<Request>, connection: &mut Connection) {
        if requests.is_empty() {
            return;
        }
        crash::point("request_read");
        let not_shared = self.not_shared();
        let stored = join_all(requests.iter().map(|request| self.store_request(request, &not_shared))).await;
        crash::point("request_committed");
        for (request, stored) in requests.into_iter().zip(stored) {
            match stored {
                Ok(after) => {
                    connection.acknowledge(&request.publish);
                    match after {
                        AfterAck::Nothing => {}
                        AfterAck::Stale => self.say_stale(),
                        AfterAck::Restart(modem) => self.intake.restart(&modem),
                        AfterAck::Ussd(modem, request) => {
                            if let Err(error) = self.intake.send_ussd(modem, request).await {
                                error.log();
                            }
                        }
                    }
                }
                Err(error) => self.hold(request, &error),
            }
        }
        if are_too_many(&self.held) {
            self.held.clear();
            connection.close("more requests wait for the store than can be kept");
        }
    }

    async fn store_request(
        &self,
        request: &Request,
        not_shared: &Option<String>,
    ) -> Result<AfterAck, StoreError> {
        match self.delivery(request, not_shared) {
            Some(delivery) => self.intake.take(delivery).await,
            None => {
                tracing::warn!("a message on a topic that is not ours was ignored");
                Ok(AfterAck::Nothing)
            }
        }
    }

    /// A request in neutral form; none where its topic is not ours.
    fn delivery<'a>(&self, request: &'a Request, not_shared: &Option<String>) -> Option<Delivery<'a>> {
        let publish = &request.publish;
        let topic = std::str::from_utf8(&publish.topic).ok();
        let route = topic.and_then(|topic| self.topics.parse(topic))?;
        let properties = publish.properties.as_ref();
        let reply_to = properties.and_then(|properties| {
            let topic = properties.response_topic.clone()?;
            let correlation = properties.correlation_data.as_ref().map(|data| data.to_vec());
            Some(ReplyTo { topic, correlation })
        });
        let expiry = properties.and_then(|properties| properties.message_expiry_interval);
        // Of a shared subscription each member has requests of its own: no other had those that waited for us.
        let is_own = self.is_shared && matches!(route, Route::Send { modem: None });
        Some(Delivery {
            route,
            payload: &publish.payload,
            size: request.size,
            retained: publish.retain,
            origin: Origin { packet_id: publish.pkid, redelivered: publish.dup, session: self.mqtt_session },
            expiry: expiry.map(|seconds| Duration::from_secs(seconds.into())),
            reply_to,
            not_shared: not_shared.clone(),
            stale: match &self.waited {
                Waited::Stale { other } if !is_own => Some(stale(self.topics.gateway_name(), other)),
                _ => None,
            },
        })
    }

    fn say_stale(&mut self) {
        if let Waited::Stale { other } = &self.waited {
            let words = stale(self.topics.gateway_name(), other);
            self.link_state.set(About::Stale, Some(words));
            self.stale_until = Some(Instant::now() + STALE_SHOWN);
        }
    }

    fn hold(&mut self, mut request: Request, error: &StoreError) {
        request.is_refused = matches!(error, StoreError::Refused(_));
        if self.held.is_empty() {
            self.held_since = Some(Instant::now());
            let words =
                format!("{error}: requests wait and are not acknowledged; check the disk of [store] path");
            self.link_state.set(About::Store, Some(words));
        }
        self.held.push(request);
    }

    /// Tries to store held requests again.
    async fn retry_held(&mut self, connection: &mut Connection) {
        // Once we have closed the connection they cannot be acknowledged; they are discarded when its loss is reported.
        if self.held.is_empty() || !connection.is_up() {
            return;
        }
        let since = self.held_since;
        let held = std::mem::take(&mut self.held);
        if since.is_some_and(|since| since.elapsed() > HOLD_TIMEOUT) {
            if !self.refuse(&held, connection).await {
                return connection.close("the store took no request for a minute");
            }
        } else {
            self.store_requests(held, connection).await;
        }
        if self.held.is_empty() {
            self.link_state.set(About::Store, None);
        } else {
            self.held_since = since;
        }
    }

    /// Answers requests the store refuses although it can be written: they would be refused for ever. False where one
    /// of them may be stored yet, or nothing can be written.
    async fn refuse(&self, held: &[Request], connection: &mut Connection) -> bool {
        for request in held {
            let Some(delivery) = self.delivery(request, &None).filter(|_| request.is_refused) else {
                return false;
            };
            if let Err(error) = self.intake.refuse(delivery).await {
                error.log();
                return false;
            }
            connection.acknowledge(&request.publish);
        }
        true
    }

    /// The broker answered a PINGREQ: it has read the acknowledgements sent before that.
    pub(super) async fn settle_packet_ids(&mut self, connection: &Connection) {
        let is_waiting = matches!(&self.waited, Waited::Unknown { requests, .. } if !requests.is_empty());
        if !connection.is_up() || !self.held.is_empty() || is_waiting {
            return;
        }
        match self.store.settle_packet_ids(self.newest_at_ping).await {
            Ok(newest) => self.newest_at_ping = newest,
            Err(error) => tracing::debug!("{error}"),
        }
    }
}
