//! Which of our PUBLISHes are in flight: a queue of those the client has not written, and the others by packet id.
//!
//! Pure. The client assigns a packet id when it writes a packet, and it writes them in the order it got them. So the
//! next packet id reported belongs to the oldest one in the queue.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use crate::message::UnixMs;

/// The most PUBLISHes in flight.
pub(super) const MAX: u16 = 16;

/// A PUBLISH in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InFlight {
    /// Its topic.
    pub(super) topic: String,
    /// The row of the outbox it is; none for a retained state.
    pub(super) row: Option<Row>,
    /// When the client got it.
    pub(super) since: Instant,
}

/// A row of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Its id.
    pub(super) id: i64,
    /// A copy of a result, for the caller who asked for one.
    pub(super) is_copy: bool,
    /// When a modem read the received message it is.
    pub(super) received_at: Option<UnixMs>,
}

/// The PUBLISHes in flight on one connection.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    unwritten: VecDeque<InFlight>,
    written: HashMap<u16, InFlight>,
}

impl Window {
    /// A window for a broker with this Receive Maximum, which is as many packet ids as the client has: with half of
    /// them in use it never comes to one that still waits for its acknowledgement, and never holds PUBACKs back.
    pub(super) fn new(receive_maximum: u16) -> Self {
        let limit = (receive_maximum / 2).clamp(1, MAX);
        Window { limit: limit.into(), unwritten: VecDeque::new(), written: HashMap::new() }
    }

    /// How many more the client may get.
    pub(super) fn free(&self) -> usize {
        self.limit.saturating_sub(self.unwritten.len() + self.written.len())
    }

    /// Whether nothing is in flight.
    pub(super) fn is_empty(&self) -> bool {
        self.unwritten.is_empty() && self.written.is_empty()
    }

    /// Since when the oldest one is in flight.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.unwritten.iter().chain(self.written.values()).map(|in_flight| in_flight.since).min()
    }

    /// All that are in flight; the window is done with.
    pub(super) fn into_in_flight(self) -> Vec<InFlight> {
        self.written.into_values().chain(self.unwritten).collect()
    }

    /// The client got a PUBLISH.
    pub(super) fn push(&mut self, in_flight: InFlight) {
        self.unwritten.push_back(in_flight);
    }

    /// The client wrote the oldest one in the queue, with this packet id.
    pub(super) fn written(&mut self, packet_id: u16) {
        if let Some(in_flight) = self.unwritten.pop_front() {
            self.written.insert(packet_id, in_flight);
        }
    }

    /// The broker answered a packet id: what it held, none if it is not one of ours.
    pub(super) fn acknowledged(&mut self, packet_id: u16) -> Option<InFlight> {
        self.written.remove(&packet_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64) -> InFlight {
        InFlight {
            topic: "sms/result".to_owned(),
            row: Some(Row { id, is_copy: false, received_at: None }),
            since: Instant::now(),
        }
    }

    #[test]
    fn acknowledgements_out_of_order_find_their_rows() {
        let mut window = Window::new(20);
        for id in 1..=3 {
            window.push(row(id));
        }
        for packet_id in [7, 8, 9] {
            window.written(packet_id);
        }
        let mut answered = |packet_id| window.acknowledged(packet_id).and_then(|it| it.row).map(|row| row.id);
        assert_eq!(answered(9), Some(3));
        assert_eq!(answered(7), Some(1));
        assert_eq!(answered(7), None, "one acknowledgement counted twice");
        assert_eq!(answered(8), Some(2));
        assert!(window.is_empty());
    }

    #[test]
    fn the_limit_is_half_of_the_brokers_and_at_least_one() {
        for (receive_maximum, limit) in [(20, 10), (10, 5), (3, 1), (2, 1), (1, 1), (65_535, 16)] {
            assert_eq!(Window::new(receive_maximum).free(), limit, "Receive Maximum {receive_maximum}");
        }
    }

    #[test]
    fn a_full_window_takes_nothing_until_an_acknowledgement() {
        let mut window = Window::new(4);
        window.push(row(1));
        window.push(row(2));
        assert_eq!(window.free(), 0);
        window.written(1);
        assert_eq!(window.free(), 0);
        window.acknowledged(1);
        assert_eq!(window.free(), 1);
    }
}
