//! Which of our PUBLISHes are in flight: a queue of those the client has not written, and the others by packet id.
//!
//! Pure. The client assigns a packet id when it writes a packet, and it writes them in the order it got them. So the next
//! packet id reported belongs to the oldest one in the queue.

use std::collections::{HashMap, VecDeque};

/// The most PUBLISHes in flight.
pub(super) const MAX: u16 = 16;

/// What a PUBLISH in flight holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InFlight {
    /// A row of the outbox.
    Row(i64),
    /// A retained state.
    State,
}

/// The PUBLISHes in flight on one connection.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    unwritten: VecDeque<InFlight>,
    written: HashMap<u16, InFlight>,
}

impl Window {
    /// A window for a broker with this Receive Maximum. One place of it stays free: the client holds PUBACKs back while
    /// all are in use.
    pub(super) fn new(receive_maximum: u16) -> Self {
        let limit = receive_maximum.saturating_sub(1).clamp(1, MAX);
        Window { limit: limit.into(), unwritten: VecDeque::new(), written: HashMap::new() }
    }

    /// A window for one PUBLISH at a time, which shows which one the broker refuses.
    pub(super) fn single() -> Self {
        Window { limit: 1, unwritten: VecDeque::new(), written: HashMap::new() }
    }

    /// Sets the limit to that of [`Window::new`].
    pub(super) fn set_limit(&mut self, receive_maximum: u16) {
        self.limit = Window::new(receive_maximum).limit;
    }

    /// The row in flight, if nothing else is.
    pub(super) fn only_row(&self) -> Option<i64> {
        let mut all = self.written.values().chain(&self.unwritten);
        match (all.next(), all.next()) {
            (Some(InFlight::Row(row)), None) => Some(*row),
            _ => None,
        }
    }

    /// How many more the client may get.
    pub(super) fn free(&self) -> usize {
        self.limit.saturating_sub(self.unwritten.len() + self.written.len())
    }

    /// Whether nothing is in flight.
    pub(super) fn is_empty(&self) -> bool {
        self.unwritten.is_empty() && self.written.is_empty()
    }

    /// The oldest row in flight.
    pub(super) fn oldest_row(&self) -> Option<i64> {
        let row = |in_flight: &InFlight| match in_flight {
            InFlight::Row(row) => Some(*row),
            InFlight::State => None,
        };
        self.unwritten.iter().chain(self.written.values()).filter_map(row).min()
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

    #[test]
    fn acknowledgements_out_of_order_find_their_rows() {
        let mut window = Window::new(20);
        for row in 1..=3 {
            window.push(InFlight::Row(row));
        }
        for packet_id in [7, 8, 9] {
            window.written(packet_id);
        }
        assert_eq!(window.acknowledged(9), Some(InFlight::Row(3)));
        assert_eq!(window.acknowledged(7), Some(InFlight::Row(1)));
        assert_eq!(window.acknowledged(7), None, "one acknowledgement counted twice");
        assert_eq!(window.acknowledged(8), Some(InFlight::Row(2)));
        assert!(window.is_empty());
    }

    #[test]
    fn the_limit_is_the_brokers_less_one_and_at_least_one() {
        for (receive_maximum, limit) in [(20, 16), (10, 9), (2, 1), (1, 1), (65_535, 16)] {
            assert_eq!(Window::new(receive_maximum).free(), limit, "Receive Maximum {receive_maximum}");
        }
    }

    #[test]
    fn a_full_window_takes_nothing_until_an_acknowledgement() {
        let mut window = Window::new(3);
        window.push(InFlight::Row(1));
        window.push(InFlight::Row(2));
        assert_eq!(window.free(), 0);
        window.written(1);
        assert_eq!(window.free(), 0);
        window.acknowledged(1);
        assert_eq!(window.free(), 1);
    }
}
