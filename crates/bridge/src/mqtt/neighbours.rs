//! Other gateways on our prefix. Pure.
//!
//! Two gateways that both take requests for any modem would send each of them twice. Input: what the broker delivers on
//! the retained topics of gateways.

use std::collections::BTreeSet;

use crate::message::Name;
use crate::wire::state::is_online;
use crate::wire::topic::OfGateway;

/// The other gateways, as far as they are known on this connection.
#[derive(Debug)]
pub(super) struct Neighbours {
    own: Name,
    online: BTreeSet<String>,
}

impl Neighbours {
    /// Knows none yet; `own` is our name.
    pub(super) fn new(own: Name) -> Self {
        Neighbours { own, online: BTreeSet::new() }
    }

    /// A new connection begins: the broker delivers all retained topics again.
    pub(super) fn forget(&mut self) {
        self.online.clear();
    }

    /// Handles a delivery on a gateway's topic. `retained` says that the broker had kept it; otherwise somebody has just
    /// published it. Under our own name, what was kept may be ours; what was just published is another gateway's, for
    /// the broker does not send us our own PUBLISHes.
    pub(super) fn on_publish(&mut self, topic: &OfGateway, payload: &[u8], retained: bool) {
        let (OfGateway::State(name) | OfGateway::Availability(name)) = topic;
        if name == self.own.as_str() && retained {
            return;
        }
        match topic {
            OfGateway::Availability(_) if is_online(payload) => {
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

    /// One that is online.
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
