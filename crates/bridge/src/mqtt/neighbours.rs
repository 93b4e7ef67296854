//! Other gateways on our prefix. Pure.
//!
//! Two gateways that both take requests for any modem would send each of them twice. Input: the retained topics of
//! gateways, as the broker delivers them.

use std::collections::BTreeSet;

use crate::message::Name;
use crate::wire::topic::OfGateway;

/// What is known of the other gateways on this connection.
#[derive(Debug)]
pub(super) struct Neighbours {
    own: Name,
    online: BTreeSet<String>,
}

impl Neighbours {
    /// Nothing is known yet; `own` is our name.
    pub(super) fn new(own: Name) -> Self {
        Neighbours { own, online: BTreeSet::new() }
    }

    /// A new connection begins: the broker publishes all of it again.
    pub(super) fn forget(&mut self) {
        self.online.clear();
    }

    /// Handles a gateway's topic; `retained` tells what the broker kept from what is published just now. Our own
    /// publishes are not sent back to us, so our own name published just now is another gateway's; retained it may be
    /// ours.
    pub(super) fn on_publish(&mut self, topic: &OfGateway, payload: &[u8], retained: bool) {
        let (OfGateway::State(name) | OfGateway::Availability(name)) = topic;
        if name == self.own.as_str() && retained {
            return;
        }
        match topic {
            OfGateway::Availability(_) if payload == b"online" => {
                self.online.insert(name.clone());
            }
            OfGateway::Availability(_) => {
                self.online.remove(name);
            }
            OfGateway::State(_) if name == self.own.as_str() && !payload.is_empty() => {
                self.online.insert(name.clone());
            }
            OfGateway::State(_) => {}
        }
    }

    /// One that is online now.
    pub(super) fn online(&self) -> Option<&str> {
        self.online.first().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn availability(name: &str) -> OfGateway {
        OfGateway::Availability(name.into())
    }

    #[test]
    fn a_second_gateway_is_seen_while_it_is_online() {
        let mut neighbours = Neighbours::new("attic".parse().unwrap());
        neighbours.on_publish(&availability("cellar"), b"online", true);
        assert_eq!(neighbours.online(), Some("cellar"));
        neighbours.on_publish(&availability("cellar"), b"offline", false);
        assert_eq!(neighbours.online(), None);
    }

    #[test]
    fn our_own_retained_state_is_no_neighbour_and_a_namesake_is_one() {
        let mut neighbours = Neighbours::new("attic".parse().unwrap());
        neighbours.on_publish(&availability("attic"), b"online", true);
        neighbours.on_publish(&OfGateway::State("attic".into()), b"{}", true);
        assert_eq!(neighbours.online(), None);
        neighbours.on_publish(&OfGateway::State("attic".into()), b"{}", false);
        assert_eq!(neighbours.online(), Some("attic"));
        neighbours.forget();
        assert_eq!(neighbours.online(), None);
    }
}
