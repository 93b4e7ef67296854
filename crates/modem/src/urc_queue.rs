//! Unsolicited result codes that nobody has looked at yet.
//!
//! Bounded. What only hints at something (a stored message, a changed registration) is dropped first, for the next sweep
//! or status round makes good for it; what carries its content is not said again.

use std::collections::VecDeque;

use crate::at::urc::Urc;

/// Of more codes than this, hints are dropped.
const MAX_CODES: usize = 1024;

/// Of more codes with content than this, the oldest is dropped with a warning.
const MAX_CONTENT: usize = 8 * MAX_CODES;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct UrcQueue {
    codes: VecDeque<Urc>,
}

impl UrcQueue {
    pub(crate) fn push(&mut self, urc: Urc) {
        if self.codes.len() >= MAX_CODES {
            if !urc.has_content() {
                return;
            }
            match self.codes.iter().position(|urc| !urc.has_content()) {
                Some(hint) => drop(self.codes.remove(hint)),
                None if self.codes.len() < MAX_CONTENT => {}
                None => {
                    self.codes.pop_front();
                    tracing::warn!(
                        "too many messages that were delivered directly wait: the oldest is dropped"
                    );
                }
            }
        }
        self.codes.push_back(urc);
    }

    pub(crate) fn pop(&mut self) -> Option<Urc> {
        self.codes.pop_front()
    }
}

impl From<UrcQueue> for Vec<Urc> {
    fn from(queue: UrcQueue) -> Self {
        queue.codes.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(n: usize) -> Urc {
        Urc::Message { length: None, pdu: n.to_string() }
    }

    #[test]
    fn a_flood_of_hints_pushes_no_message_out() {
        let mut queue = UrcQueue::default();
        (0..500).for_each(|n| queue.push(message(n)));
        (0..100_000).for_each(|_| queue.push(Urc::Ring));
        (500..3000).for_each(|n| queue.push(message(n)));
        let left: Vec<Urc> = queue.into();
        let messages: Vec<&Urc> = left.iter().filter(|urc| urc.has_content()).collect();
        assert_eq!(messages.len(), 3000);
        assert_eq!(*messages[2999], message(2999));
        assert!(left.len() < 3000 + MAX_CODES);
    }

    #[test]
    fn it_is_bounded_all_the_same() {
        let mut queue = UrcQueue::default();
        (0..20_000).for_each(|n| queue.push(message(n)));
        let left: Vec<Urc> = queue.into();
        assert_eq!(left.len(), MAX_CONTENT);
        assert_eq!(left.last(), Some(&message(19_999)));
    }
}
