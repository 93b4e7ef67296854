//! Which of our PUBLISHes are in flight: a queue of those handed to the client, and a map from packet id to the rest.
//!
//! Pure. The client gives a packet id only when it writes the packet, and in the order it was handed them; so the
//! oldest handed one belongs to the next packet id we hear of.

use std::collections::{HashMap, VecDeque};

/// The most PUBLISHes in flight.
pub(super) const MAX: u16 = 16;

/// What a PUBLISH in flight stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A row of the outbox.
    Row(i64),
    /// A topic of the board, at this version.
    Board(String, u64),
}

/// The PUBLISHes in flight on one connection.
#[derive(Debug)]
pub(super) struct Window {
    room: usize,
    handed: VecDeque<Token>,
    in_flight: HashMap<u16, Token>,
}

impl Window {
    /// A window for a broker that takes so many PUBLISHes at once (its Receive Maximum). One place stays free: once
    /// all are taken, our PUBACKs would wait behind them.
    pub(super) fn new(receive_maximum: u16) -> Self {
        let room = receive_maximum.saturating_sub(1).clamp(1, MAX);
        Window { room: room.into(), handed: VecDeque::new(), in_flight: HashMap::new() }
    }

    /// The same with one place, so that what the broker objects to is known.
    pub(super) fn narrow() -> Self {
        Window { room: 1, handed: VecDeque::new(), in_flight: HashMap::new() }
    }

    /// As much room as [`Window::new`] gives.
    pub(super) fn widen(&mut self, receive_maximum: u16) {
        self.room = Window::new(receive_maximum).room;
    }

    /// The row in flight, if nothing else is.
    pub(super) fn only_row(&self) -> Option<i64> {
        let mut all = self.in_flight.values().chain(&self.handed);
        match (all.next(), all.next()) {
            (Some(Token::Row(row)), None) => Some(*row),
            _ => None,
        }
    }

    /// How many more may be handed over.
    pub(super) fn free(&self) -> usize {
        self.room.saturating_sub(self.handed.len() + self.in_flight.len())
    }

    /// Whether nothing is in flight.
    pub(super) fn is_empty(&self) -> bool {
        self.handed.is_empty() && self.in_flight.is_empty()
    }

    /// The oldest row in flight.
    pub(super) fn oldest_row(&self) -> Option<i64> {
        let row = |token: &Token| match token {
            Token::Row(row) => Some(*row),
            Token::Board(..) => None,
        };
        self.handed.iter().chain(self.in_flight.values()).filter_map(row).min()
    }

    /// A PUBLISH was handed to the client.
    pub(super) fn hand(&mut self, token: Token) {
        self.handed.push_back(token);
    }

    /// The client wrote the oldest one handed over, under this packet id.
    pub(super) fn written(&mut self, packet_id: u16) {
        if let Some(token) = self.handed.pop_front() {
            self.in_flight.insert(packet_id, token);
        }
    }

    /// The broker acknowledged a packet id; none if it is not one of ours.
    pub(super) fn acknowledged(&mut self, packet_id: u16) -> Option<Token> {
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
            window.hand(Token::Row(row));
        }
        for packet_id in [7, 8, 9] {
            window.written(packet_id);
        }
        assert_eq!(window.acknowledged(9), Some(Token::Row(3)));
        assert_eq!(window.acknowledged(7), Some(Token::Row(1)));
        assert_eq!(window.acknowledged(7), None, "one acknowledgement counted twice");
        assert_eq!(window.acknowledged(8), Some(Token::Row(2)));
        assert!(window.is_empty());
    }

    #[test]
    fn the_room_is_the_brokers_less_one_and_never_none() {
        for (receive_maximum, room) in [(20, 16), (10, 9), (2, 1), (1, 1), (65_535, 16)] {
            assert_eq!(Window::new(receive_maximum).free(), room, "Receive Maximum {receive_maximum}");
        }
    }

    #[test]
    fn a_full_window_has_no_room_until_an_acknowledgement() {
        let mut window = Window::new(3);
        window.hand(Token::Row(1));
        window.hand(Token::Row(2));
        assert_eq!(window.free(), 0);
        window.written(1);
        assert_eq!(window.free(), 0);
        window.acknowledged(1);
        assert_eq!(window.free(), 1);
    }
}
