//! What goes out: retained states and the rows of the outbox, as many at once as the broker takes.
//!
//! A row is deleted only after its PUBACK. One that the broker does not take is parked, and does not hold up the
//! others; `blame` finds out which one breaks connections, `apart` says when it is tried again. Input: the store, the
//! retained states, acknowledgements, and ends of connections.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::{PubAck, PubAckReason};
use tokio::time::Instant;

use super::apart::Apart;
use super::blame::{Blame, Manner};
use super::client::Connection;
use super::link_state::{About, LinkState};
use super::reason;
use super::window::{InFlight, Row, Window};
use crate::clock::now_ms;
use crate::counts::{Count, between};
use crate::crash;
use crate::event::Event;
use crate::retained_state::RetainedState;
use crate::store::{Cursor, MAX_BREAKS, OutboxRow, Publication, Store, StoreError};
use crate::wire::{Publish, Wire};

/// How long a PUBACK may take.
const PUBACK_TIMEOUT: Duration = Duration::from_secs(60);

/// Publishes states and rows.
pub(super) struct Publisher {
    store: Store,
    retained: Arc<RetainedState>,
    wire: Wire,
    link_state: Arc<LinkState>,
    blame: Blame,
    apart: Apart,
    /// Acknowledged rows that are still in the store.
    acknowledged: Vec<i64>,
    /// None while there is no connection.
    flight: Option<Flight>,
}

/// What is in flight on the current connection, and the broker's limits there.
struct Flight {
    window: Window,
    /// The largest packet the broker takes, in octets.
    max_packet: usize,
    /// The last rows taken from the store.
    cursor: Cursor,
    /// A row is published apart: nothing else is in flight.
    apart: Option<Apartness>,
}

/// What is published apart.
struct Apartness {
    /// A parked row, offered again; else one on which a connection broke.
    is_parked: bool,
}

/// The outcome of a step; `Err`: the link must close the connection, for this reason.
pub(super) type Step = Result<(), &'static str>;

impl Publisher {
    pub(super) fn new(
        store: Store,
        retained: Arc<RetainedState>,
        wire: Wire,
        link_state: Arc<LinkState>,
    ) -> Self {
        Publisher {
            store,
            retained,
            wire,
            link_state,
            blame: Blame::default(),
            apart: Apart::new(Instant::now()),
            acknowledged: Vec::new(),
            flight: None,
        }
    }

    /// A connection is established: everything unacknowledged is published again.
    pub(super) fn connected(&mut self, receive_maximum: u16, max_packet: Option<u32>) {
        self.link_state.set(About::Size, None);
        self.apart.connected(Instant::now());
        self.flight = Some(Flight {
            window: Window::new(receive_maximum),
            max_packet: max_packet.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX)),
            cursor: Cursor::default(),
            apart: None,
        });
        self.retained.republish_all();
    }

    /// We closed the connection ourselves, so nothing in flight is to blame.
    pub(super) fn disconnected(&mut self) {
        self.flight = None;
    }

    /// The connection broke, for this `reason`. `refused`: because the broker refused a PUBLISH.
    pub(super) async fn connection_broke(&mut self, refused: bool, reason: &str) {
        let Some(flight) = self.flight.take() else { return };
        let Some(guilty) = self.blame.connection_broke(flight.window.into_in_flight()) else { return };
        let takes_others = self.blame.broker_takes_others();
        let topic = &guilty.topic;
        match guilty.row {
            _ if refused => self.refused(&guilty, reason).await,
            None => {
                let manner = if takes_others { Manner::Broke } else { Manner::BrokeAsAll };
                self.blame_state(topic, manner, format!("the connection breaks when {topic} is published"));
            }
            Some(row) => self.count_break(topic, row, takes_others, reason).await,
        }
        self.blame.settled(&guilty);
    }

    /// A connection broke on a row alone. One break may be a coincidence.
    async fn count_break(&mut self, topic: &str, row: Row, takes_others: bool, reason: &str) {
        self.apart.broke(Instant::now());
        let words = format!("the connection broke each time it was published on {topic}: {ACCESS_RULES}");
        let limit = match takes_others {
            // A copy is a courtesy, and a topic on which others broke is no coincidence.
            true if row.is_copy => 2,
            true if self.blame.is_bad(topic) => 1,
            true => MAX_BREAKS,
            false => u32::MAX,
        };
        match self.store.count_break(row.id, words, limit, now_ms()).await {
            Ok(breaks) if breaks >= limit && row.is_copy => {
                drop_response(&self.store, row.id, &format!("{reason}: {}", shown(topic, row))).await;
            }
            Ok(breaks) if breaks >= limit => {
                tracing::error!(
                    breaks,
                    "message {} on {topic} is parked: connections broke on it alone",
                    row.id
                );
                self.blame.bad_topic(topic);
            }
            Ok(breaks) => tracing::warn!(
                breaks,
                "a connection broke with message {} on {} alone in flight: it goes after the others",
                row.id,
                shown(topic, row)
            ),
            Err(error) => error.log(),
        }
    }

    fn blame_state(&mut self, topic: &str, manner: Manner, words: String) {
        if self.blame.blame_state(topic, manner, Instant::now()) {
            let words = format!("{words}: {ACCESS_RULES}");
            self.link_state.set(About::Topic, Some(words));
        }
    }

    /// The client wrote the oldest PUBLISH it had, with this packet id.
    pub(super) fn written(&mut self, packet_id: u16) {
        if let Some(flight) = &mut self.flight {
            flight.window.written(packet_id);
        }
    }

    /// The broker acknowledged a PUBLISH, or refused it.
    pub(super) async fn acknowledged(&mut self, ack: &PubAck) -> Step {
        let Some(flight) = &mut self.flight else { return Ok(()) };
        let Some(in_flight) = flight.window.acknowledged(ack.pkid) else { return Ok(()) };
        let apart = flight.apart.take();
        match ack.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => {
                if self.blame.acknowledged(&in_flight) {
                    self.retained.republish_all();
                }
                if !self.blame.is_any_state_blamed() {
                    self.link_state.set(About::Topic, None);
                }
                if let Some(received_at) = in_flight.row.and_then(|row| row.received_at) {
                    self.store.count(Count::PublishedAfter(between(received_at, now_ms())));
                }
                self.acknowledged.extend(in_flight.row.map(|row| row.id));
                if apart.is_some_and(|apart| apart.is_parked) {
                    self.apart.taken(Instant::now());
                }
                Ok(())
            }
            PubAckReason::QuotaExceeded => {
                let reason = "the broker's quota is used up";
                let takes_others = self.blame.broker_takes_others();
                match in_flight.row {
                    Some(row) => self.count_break(&in_flight.topic, row, takes_others, reason).await,
                    None => self.refused(&in_flight, reason).await,
                }
                self.blame.settled(&in_flight);
                Err(reason)
            }
            reason => {
                self.refused(&in_flight, &format!("the broker refused it: {}", reason::in_words(reason)))
                    .await;
                self.blame.settled(&in_flight);
                Ok(())
            }
        }
    }

    /// The broker does not take it, for a reason in words.
    async fn refused(&mut self, in_flight: &InFlight, reason: &str) {
        let topic = in_flight.topic.as_str();
        match in_flight.row {
            None => self.blame_state(topic, Manner::Refused, format!("{topic} is not published: {reason}")),
            Some(row) => {
                let words = format!("{reason}: {}; {ACCESS_RULES}", shown(topic, row));
                set_aside(&self.store, row, words).await;
            }
        }
    }

    /// Called each second. `Err`: a PUBACK does not come; whatever it is for may be to blame.
    pub(super) async fn tick(&mut self) -> Step {
        self.delete_acknowledged().await;
        let now = Instant::now();
        self.blame.end_long_search(now);
        if self.blame.is_any_released(now) {
            self.retained.republish_all();
        }
        let oldest = self.flight.as_ref().and_then(|flight| flight.window.oldest());
        if oldest.is_none_or(|since| now - since < PUBACK_TIMEOUT) {
            return Ok(());
        }
        let reason = "the broker did not acknowledge a message for a minute";
        self.connection_broke(false, reason).await;
        Err(reason)
    }

    /// Deletes acknowledged rows. Called each second, too: a row that stayed would be published again after the next
    /// connect, perhaps weeks later.
    pub(super) async fn delete_acknowledged(&mut self) {
        if self.acknowledged.is_empty() {
            return;
        }
        match self.store.delete_published(self.acknowledged.clone()).await {
            Ok(()) => self.acknowledged.clear(),
            Err(error) => error.log(),
        }
    }

    /// Whether acknowledged rows wait to be deleted.
    pub(super) fn has_acknowledged(&self) -> bool {
        !self.acknowledged.is_empty()
    }

    /// Whether a PUBLISH is in flight.
    pub(super) fn is_in_flight(&self) -> bool {
        self.flight.as_ref().is_some_and(|flight| !flight.window.is_empty())
    }

    /// Publishes states and rows until as many are in flight as the broker takes.
    pub(super) async fn fill(&mut self, connection: &Connection) -> Step {
        self.publish_states(connection)?;
        while let Some(flight) = &mut self.flight {
            let free = free(flight, &self.blame);
            if free == 0 {
                break;
            }
            if self.apart.is_due(Instant::now()) {
                if !flight.window.is_empty() || self.publish_apart(connection).await? {
                    break;
                }
                continue;
            }
            let rows = match self.store.pending(flight.cursor, free).await {
                Ok((rows, cursor)) => {
                    flight.cursor = cursor;
                    rows
                }
                Err(error) => {
                    error.log();
                    break;
                }
            };
            if rows.is_empty() {
                if flight.window.is_empty() {
                    self.blame.nothing_waits();
                    self.publish_apart(connection).await?;
                }
                break;
            }
            // Acknowledged ones are still there where the store cannot be written.
            for row in rows.into_iter().filter(|row| !self.acknowledged.contains(&row.id)) {
                publish_row(&self.store, &self.wire, flight, connection, row).await?;
            }
        }
        Ok(())
    }

    fn publish_states(&mut self, connection: &Connection) -> Step {
        let Some(flight) = &mut self.flight else { return Ok(()) };
        for state in self.retained.take_unpublished(free(flight, &self.blame)) {
            let publish = self.wire.state(&state);
            let size = publish.max_packet_size();
            if size > flight.max_packet {
                let (topic, limit) = (&publish.topic, flight.max_packet);
                let words =
                    format!("{topic} is not published: {size} octets, the broker takes at most {limit}");
                self.link_state.set(About::Size, Some(words));
                continue;
            }
            if !self.blame.is_withheld(&publish.topic, Instant::now()) {
                send(flight, connection, publish, None)?;
            }
        }
        Ok(())
    }

    /// Publishes one row apart, if there is one. False: there is none.
    async fn publish_apart(&mut self, connection: &Connection) -> Result<bool, &'static str> {
        let (row, is_parked) = match self.next_apart().await {
            Ok(Some(next)) => next,
            Ok(None) => return Ok(false),
            Err(error) => {
                error.log();
                return Ok(true);
            }
        };
        let Some(flight) = &mut self.flight else { return Ok(true) };
        publish_row(&self.store, &self.wire, flight, connection, row).await?;
        flight.apart = (!flight.window.is_empty()).then_some(Apartness { is_parked });
        Ok(true)
    }

    /// A row on which a connection broke, or a parked one if an offer is due; and which of the two.
    async fn next_apart(&mut self) -> Result<Option<(OutboxRow, bool)>, StoreError> {
        if self.apart.may_be_broken() {
            if let Some(row) = self.store.broken().await? {
                return Ok(Some((row, false)));
            }
            self.apart.none_broken();
        }
        let now = Instant::now();
        if !self.apart.is_offer_due(now) {
            return Ok(None);
        }
        let parked = self.store.next_parked(self.apart.last_offered).await?;
        match &parked {
            Some(row) => self.apart.offered(row.id, now),
            None => self.apart.none_parked(now),
        }
        Ok(parked.map(|row| (row, true)))
    }
}

/// How many more PUBLISHes the client may get now.
fn free(flight: &Flight, blame: &Blame) -> usize {
    let only_one = flight.apart.is_some() || blame.is_searching();
    if only_one { usize::from(flight.window.is_empty()) } else { flight.window.free() }
}

async fn publish_row(
    store: &Store,
    wire: &Wire,
    flight: &mut Flight,
    connection: &Connection,
    row: OutboxRow,
) -> Step {
    let publication = match &row.publication {
        Ok(publication) => publication,
        Err(reason) => {
            park(store, row.id, reason.clone()).await;
            return Ok(());
        }
    };
    let publish = wire.publication(publication);
    let is_copy = matches!(publication, Publication::Reply(..));
    let received_at = match publication {
        Publication::Event(Event::Received(received)) => Some(received.received_at),
        _ => None,
    };
    let row = Row { id: row.id, is_copy, received_at };
    let (size, limit) = (publish.max_packet_size(), flight.max_packet);
    if size > limit {
        let topic = &publish.topic;
        let topic = shown(topic, row);
        let words = format!("{size} octets on {topic}, the broker takes at most {limit}: raise its limit");
        set_aside(store, row, words).await;
        return Ok(());
    }
    send(flight, connection, publish, Some(row))?;
    crash::point("publish_sent");
    Ok(())
}

fn send(flight: &mut Flight, connection: &Connection, publish: Publish, row: Option<Row>) -> Step {
    let topic = publish.topic.clone();
    if !connection.publish(publish) {
        return Err("a message could not be sent");
    }
    flight.window.push(InFlight { topic, row, since: Instant::now() });
    Ok(())
}

/// The broker will not take a row: a copy of a result is a courtesy and is dropped, any other is kept apart.
async fn set_aside(store: &Store, row: Row, reason: String) {
    if row.is_copy {
        drop_response(store, row.id, &reason).await;
    } else {
        park(store, row.id, reason).await;
    }
}

/// A row's topic for people. A caller chose that of a copy, and may have put a phone number in it.
fn shown(topic: &str, row: Row) -> String {
    match row.is_copy {
        true => topic.replace(|c: char| c.is_ascii_digit(), "#"),
        false => topic.to_owned(),
    }
}

async fn park(store: &Store, row: i64, reason: String) {
    match store.park(row, reason.clone(), now_ms()).await {
        Ok(true) => tracing::error!("message {row} is parked: {reason}"),
        // It was offered once more.
        Ok(false) => tracing::debug!("message {row} is parked again: {reason}"),
        Err(error) => error.log(),
    }
}

async fn drop_response(store: &Store, row: i64, reason: &str) {
    tracing::warn!("no results of that request go where its caller wants them: {reason}");
    if let Err(error) = store.drop_response(row).await {
        error.log();
    }
}

/// What to do where the broker does not take a topic of ours.
const ACCESS_RULES: &str = "check the broker's access rules and limits";
