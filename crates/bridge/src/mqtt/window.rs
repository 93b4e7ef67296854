//! Which of our PUBLISHes are in flight: a queue of those handed to the client, and a map from packet id to the rest.
//!
//! Pure. The client assigns a packet id only when it writes the packet, in the order it was handed them; so the oldest
//! one in the queue belongs to the next packet id reported.

use std::collections::{HashMap, VecDeque};

/// The most PUBLISHes in flight.
pub(super) const MAX: u16 = 16;

/// What a PUBLISH in flight carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InFlight {
    /// This row of the outbox.
    Row(i64),
    /// A retained state.
    State,
}

/// The PUBLISHes in flight on one connection.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    handed: VecDeque<InFlight>,
    in_flight: HashMap<u16, InFlight>,
}

impl Window {
    /// A window for a broker that takes so many PUBLISHes at once (its Receive Maximum). One stays free: when
    /// all are in use, our PUBACKs would wait behind them.
    pub(super) fn new(receive_maximum: u16) -> Self {
        let limit = receive_maximum.saturating_sub(1).clamp(1, MAX);
        Window { limit: limit.into(), handed: VecDeque::new(), in_flight: HashMap::new() }
    }

    /// A window for one PUBLISH, so that it is known which one the broker objects to.
    pub(super) fn single() -> Self {
        Window { limit: 1, handed: VecDeque::new(), in_flight: HashMap::new() }
    }

    /// Takes as many as [`Window::new`] does.
    pub(super) fn set_limit(&mut self, receive_maximum: u16) {
        self.limit = Window::new(receive_maximum).limit;
    }

    /// The row in flight, if nothing else is.
    pub(super) fn only_row(&self) -> Option<i64> {
        let mut all = self.in_flight.values().chain(&self.handed);
        match (all.next(), all.next()) {
            (Some(InFlight::Row(row)), None) => Some(*row),
            _ => None,
        }
    }

    /// How many more may be handed to the client.
    pub(super) fn free(&self) -> usize {
        self.limit.saturating_sub(self.handed.len() + self.in_flight.len())
    }

    /// Whether nothing is in flight.
    pub(super) fn is_empty(&self) -> bool {
        self.handed.is_empty() && self.in_flight.is_empty()
    }

    /// The oldest row in flight.
    pub(super) fn oldest_row(&self) -> Option<i64> {
        let row = |token: &InFlight| match token {
            InFlight::Row(row) => Some(*row),
            InFlight::State => None,
        };
        self.handed.iter().chain(self.in_flight.values()).filter_map(row).min()
    }

    /// A PUBLISH was handed to the client.
    pub(super) fn push(&mut self, token: InFlight) {
        self.handed.push_back(token);
    }

    /// The client wrote the oldest one in the queue, under this packet id.
    pub(super) fn written(&mut self, packet_id: u16) {
        if let Some(token) = self.handed.pop_front() {
            self.in_flight.insert(packet_id, token);
        }
    }

    /// The broker acknowledged a packet id; none if it is not one of ours.
    pub(super) fn acknowledged(&mut self, packet_id: u16) -> Option<InFlight> {
        self.in_flight.remove(&packet_id)
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
