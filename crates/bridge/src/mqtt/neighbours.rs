//! Other gateways on our prefix. Pure.
//!
//! Two gateways that both take requests for any modem would send each of them twice. Input: the retained topics of
//! gateways, as the broker delivers them.

use std::collections::BTreeSet;

use crate::message::Name;
use crate::topic::OfGateway;

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

    /// A new connection: the broker tells everything again.
    pub(super) fn forget(&mut self) {
        self.online.clear();
    }

    /// Hears a gateway's topic; `stored` is what the broker kept, as against what is published just now. We do not
    /// hear ourselves, so our own name published just now is another gateway's; kept by the broker it may be ours.
    pub(super) fn hear(&mut self, topic: &OfGateway, payload: &[u8], stored: bool) {
        let (OfGateway::State(name) | OfGateway::Availability(name)) = topic;
        if name == self.own.as_str() && stored {
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
    pub(super) fn present(&self) -> Option<&str> {
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
        neighbours.hear(&availability("cellar"), b"online", true);
        assert_eq!(neighbours.present(), Some("cellar"));
        neighbours.hear(&availability("cellar"), b"offline", false);
        assert_eq!(neighbours.present(), None);
    }

    #[test]
    fn what_the_broker_kept_of_ourselves_is_no_neighbour_and_a_namesake_is_one() {
        let mut neighbours = Neighbours::new("attic".parse().unwrap());
        neighbours.hear(&availability("attic"), b"online", true);
        neighbours.hear(&OfGateway::State("attic".into()), b"{}", true);
        assert_eq!(neighbours.present(), None);
        neighbours.hear(&OfGateway::State("attic".into()), b"{}", false);
        assert_eq!(neighbours.present(), Some("attic"));
        neighbours.forget();
        assert_eq!(neighbours.present(), None);
    }
}
