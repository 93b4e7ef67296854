//! Our subscriptions: to requests, to the retained topics of gateways and to the birth of Home Assistant, renewed on every
//! connection.
//!
//! The broker keeps subscriptions as long as the MQTT session, and one left from an earlier configuration would
//! duplicate requests. So the store keeps the list of filters the broker may have.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, RetainForwardRule, SubscribeReasonCode};

use super::gate::{Gate, client_error};
use super::reason;
use crate::message::Name;
use crate::store::Store;
use crate::wire::Wire;

/// What the link subscribes to.
pub struct Subscriptions {
    requests: Vec<String>,
    own_state: String,
    gateways: [String; 2],
    /// Where Home Assistant says that it has started.
    birth: Option<String>,
    is_shared: bool,
}

impl Subscriptions {
    /// Subscriptions for these modems. Requests for any modem are shared in the group `share`, unless it is empty.
    /// Where we are announced to Home Assistant, it is heard.
    pub fn new(wire: &Wire, share: &str, modems: &[Name], announces: bool) -> Self {
        let topics = &wire.topics;
        Subscriptions {
            requests: topics.filters(share, modems),
            own_state: topics.gateway(),
            gateways: topics.gateway_filters(),
            birth: announces.then(|| wire.discovery.birth()),
            is_shared: !share.is_empty(),
        }
    }

    /// Whether a message is the one by which Home Assistant says that it has started.
    pub(super) fn is_birth_topic(&self, topic: &[u8]) -> bool {
        self.birth.as_ref().is_some_and(|birth| birth.as_bytes() == topic)
    }

    /// Whether requests for any modem come by a shared subscription.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Subscribes to all filters we want, and unsubscribes from those we no longer want. Those with wildcards are left
    /// out where the broker has none.
    pub(super) async fn renew(
        &self,
        store: &Store,
        gate: &Gate,
        connection: u64,
        has_wildcards: bool,
    ) -> Result<(), String> {
        let before = store.subscribed_filters().await.map_err(|e| e.to_string())?;
        let filters = self.filters().filter(|filter| has_wildcards || !filter.path.contains('+'));
        let filters: Vec<Filter> = filters.collect();
        let wanted: Vec<&String> = filters.iter().map(|filter| &filter.path).collect();
        let unwanted: Vec<&String> = before.iter().filter(|old| !wanted.contains(old)).collect();
        // Stored first: a filter that only the broker knows could never be unsubscribed.
        let all = wanted.iter().chain(&unwanted).map(|filter| filter.to_string()).collect();
        store.set_subscribed_filters(all).await.map_err(|e| e.to_string())?;
        let subscribed = gate.with_connection(connection, |client| {
            unwanted.iter().try_for_each(|filter| client_error(client.try_unsubscribe(filter.as_str())))?;
            client_error(client.try_subscribe_many(filters.clone()))
        });
        subscribed.unwrap_or_else(|| Err("the connection was lost while subscribing".to_owned()))
    }

    /// All filters, in the order in which the broker answers them.
    fn filters(&self) -> impl Iterator<Item = Filter> + '_ {
        let requests = self.requests.iter().map(|path| Filter {
            path: path.clone(),
            qos: QoS::AtLeastOnce,
            // Not allowed in a shared subscription, and not needed: we publish no requests.
            nolocal: false,
            preserve_retain: true,
            retain_forward_rule: RetainForwardRule::Never,
        });
        // What we publish there comes back, behind what waited at the broker: hence the same QoS.
        let own_state = Filter {
            path: self.own_state.clone(),
            qos: QoS::AtLeastOnce,
            nolocal: false,
            preserve_retain: false,
            retain_forward_rule: RetainForwardRule::Never,
        };
        // At QoS 0 they do not wait behind requests that are not acknowledged before they have come.
        let [states, availability] = &self.gateways;
        let gateways = [(states, true), (availability, false)].map(|(path, nolocal)| Filter {
            path: path.clone(),
            qos: QoS::AtMostOnce,
            nolocal,
            preserve_retain: false,
            retain_forward_rule: RetainForwardRule::OnEverySubscribe,
        });
        // Live alone: after a connect everything is published anyway.
        let birth = self.birth.iter().map(|path| Filter {
            path: path.clone(),
            qos: QoS::AtMostOnce,
            nolocal: true,
            preserve_retain: false,
            retain_forward_rule: RetainForwardRule::Never,
        });
        requests.chain([own_state]).chain(gateways).chain(birth)
    }

    /// What the broker refused of our subscriptions, in words; `codes` is its answer.
    pub(super) fn refused(&self, codes: &[SubscribeReasonCode]) -> Option<String> {
        let answered: Vec<_> = self.filters().zip(codes).collect();
        let words = answered.iter().find_map(|(filter, code)| match code {
            SubscribeReasonCode::Success(granted) if *granted >= filter.qos => None,
            SubscribeReasonCode::Success(_) => {
                Some(format!("the broker delivers {} at QoS 0 only: requests may be lost", filter.path))
            }
            code => Some(format!(
                "the broker does not let us subscribe to {} ({})",
                filter.path,
                reason::in_words(code)
            )),
        })?;
        Some(format!("{words}; check its access rules for our topics"))
    }
}
