//! What goes out: retained states and the rows of the outbox, as many at once as the broker takes.
//!
//! A row is deleted only after its PUBACK. A row that the broker will never take is parked; one on which connections break
//! is published last. Input: the store, the retained states, and acknowledgements.

use std::collections::VecDeque;
use std::sync::Arc;

use rumqttc::v5::mqttbytes::v5::{PubAck, PubAckReason};

use super::client::Connection;
use super::quarantine::Quarantine;
use super::window::{InFlight, Window};
use crate::crash;
use crate::retained_state::RetainedState;
use crate::store::{OutboxRow, Store};
use crate::wire::Wire;

/// Publishes states and rows.
pub(super) struct Publisher {
    store: Store,
    retained: Arc<RetainedState>,
    wire: Wire,
    quarantine: Quarantine,
    /// The broker refused one of several PUBLISHes without saying which: one at a time, until a row is acknowledged.
    single_flight: bool,
    /// Acknowledged rows that are still in the store.
    acknowledged: Vec<i64>,
    /// None while there is no connection.
    flight: Option<Flight>,
}

/// What is in flight on the current connection, and the broker's limits there.
struct Flight {
    window: Window,
    receive_maximum: u16,
    /// The largest packet the broker takes, in octets.
    max_packet: usize,
    /// The last row taken from the store.
    cursor: i64,
    /// Quarantined rows: published when nothing else waits.
    set_aside: VecDeque<OutboxRow>,
}

/// The outcome of a step; `Err`: the link must close the connection, for this reason.
pub(super) type Step = Result<(), &'static str>;

impl Publisher {
    pub(super) fn new(store: Store, retained: Arc<RetainedState>, wire: Wire) -> Self {
        Publisher {
            store,
            retained,
            wire,
            quarantine: Quarantine::default(),
            single_flight: false,
            acknowledged: Vec::new(),
            flight: None,
        }
    }

    /// A connection is established: everything unacknowledged is published again.
    pub(super) fn connected(&mut self, receive_maximum: u16, max_packet: Option<u32>) {
        self.flight = Some(Flight {
            window: if self.single_flight { Window::single() } else { Window::new(receive_maximum) },
            receive_maximum,
            max_packet: max_packet.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX)),
            cursor: 0,
            set_aside: VecDeque::new(),
        });
        self.retained.republish_all();
    }

    /// We closed the connection ourselves, so no row in flight is to blame.
    pub(super) fn disconnected(&mut self) {
        self.flight = None;
    }

    /// The connection broke. `refused`: because the broker refused a PUBLISH, for this `reason`.
    pub(super) async fn connection_lost(&mut self, refused: bool, reason: &str) {
        let Some(flight) = self.flight.take() else { return };
        match (refused, flight.window.only_row()) {
            (true, Some(row)) => self.park(row, reason.to_owned()).await,
            (true, None) => self.single_flight = true,
            (false, _) => self.quarantine.connection_lost(flight.window.oldest_row()),
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
        let in_flight = self.flight.as_mut().and_then(|flight| flight.window.acknowledged(ack.pkid));
        let Some(InFlight::Row(row)) = in_flight else { return Ok(()) };
        match ack.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => {
                self.row_acknowledged(row);
                Ok(())
            }
            PubAckReason::QuotaExceeded => Err("the broker's quota is used up"),
            reason => {
                let words =
                    format!("the broker refused it ({reason:?}): check its access rules for our topics");
                self.park(row, words).await;
                Ok(())
            }
        }
    }

    fn row_acknowledged(&mut self, row: i64) {
        self.quarantine.acknowledged(row);
        self.acknowledged.push(row);
        if std::mem::take(&mut self.single_flight)
            && let Some(flight) = &mut self.flight
        {
            flight.window.set_limit(flight.receive_maximum);
        }
    }

    /// Deletes acknowledged rows. Called each second, too: a row that stayed would be published again after the next
    /// connect, perhaps weeks later.
    pub(super) async fn delete_acknowledged(&mut self) {
        if self.acknowledged.is_empty() {
            return;
        }
        match self.store.delete_published(self.acknowledged.clone()).await {
            Ok(()) => self.acknowledged.clear(),
            Err(error) => {
                tracing::error!("{error}: {} published messages stay in the outbox", self.acknowledged.len());
            }
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
        while let Some(flight) = &mut self.flight
            && flight.window.free() > 0
        {
            let rows = match self.store.pending(flight.cursor, flight.window.free()).await {
                Ok(rows) if rows.is_empty() => return self.publish_set_aside(connection).await,
                Ok(rows) => rows,
                Err(error) => {
                    tracing::error!("{error}");
                    return Ok(());
                }
            };
            for row in rows {
                if self.quarantine.contains(row.id) {
                    flight.cursor = row.id;
                    flight.set_aside.push_back(row);
                } else {
                    Self::publish_row(&self.store, &self.wire, flight, connection, row).await?;
                }
            }
        }
        Ok(())
    }

    fn publish_states(&mut self, connection: &Connection) -> Step {
        let Some(flight) = &mut self.flight else { return Ok(()) };
        for state in self.retained.take_unpublished(flight.window.free()) {
            let publish = self.wire.state(&state);
            let size = publish.max_packet_size();
            if size > flight.max_packet {
                let (topic, limit) = (&publish.topic, flight.max_packet);
                tracing::error!("{topic} is not published: {size} octets, the broker takes at most {limit}");
                continue;
            }
            if !connection.publish(publish) {
                return Err("a state could not be sent");
            }
            flight.window.push(InFlight::State);
        }
        Ok(())
    }

    /// Publishes a quarantined row, alone, once nothing else waits.
    async fn publish_set_aside(&mut self, connection: &Connection) -> Step {
        match &mut self.flight {
            Some(flight) if flight.window.is_empty() => match flight.set_aside.pop_front() {
                Some(row) => Self::publish_row(&self.store, &self.wire, flight, connection, row).await,
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    async fn publish_row(
        store: &Store,
        wire: &Wire,
        flight: &mut Flight,
        connection: &Connection,
        row: OutboxRow,
    ) -> Step {
        flight.cursor = flight.cursor.max(row.id);
        let publish = match &row.publication {
            Ok(publication) => wire.publication(publication),
            Err(reason) => {
                park(store, row.id, reason.clone()).await;
                return Ok(());
            }
        };
        let (size, limit) = (publish.max_packet_size(), flight.max_packet);
        if size > limit {
            let words = format!("{size} octets, the broker takes at most {limit}: raise its limit");
            park(store, row.id, words).await;
            return Ok(());
        }
        if !connection.publish(publish) {
            return Err("a message could not be sent");
        }
        flight.window.push(InFlight::Row(row.id));
        crash::point("publish_sent");
        Ok(())
    }

    async fn park(&self, row: i64, reason: String) {
        park(&self.store, row, reason).await;
    }
}

async fn park(store: &Store, row: i64, reason: String) {
    tracing::error!("message {row} is parked: {reason}");
    if let Err(error) = store.park(row, reason).await {
        tracing::error!("{error}");
    }
}
