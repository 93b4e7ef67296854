//! Our subscriptions: to requests and to the retained topics of gateways, renewed on every connection.
//!
//! The broker keeps subscriptions as long as the MQTT session, and one left from an earlier configuration would duplicate
//! requests. So the store keeps the list of filters the broker may have.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, RetainForwardRule};

use super::gate::{Gate, client_error};
use crate::message::Name;
use crate::store::Store;
use crate::wire::topic::Topics;

/// What the link subscribes to.
pub struct Subscriptions {
    requests: Vec<String>,
    gateways: [String; 2],
    is_shared: bool,
}

impl Subscriptions {
    /// Subscriptions for these modems. Requests for any modem are shared in the group `share`, unless it is empty.
    pub fn new(topics: &Topics, share: &str, modems: &[Name]) -> Self {
        Subscriptions {
            requests: topics.filters(share, modems),
            gateways: topics.gateway_filters(),
            is_shared: !share.is_empty(),
        }
    }

    /// Whether requests for any modem come by a shared subscription.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Subscribes to all filters we want, and unsubscribes from those we no longer want.
    pub(super) async fn renew(&self, store: &Store, gate: &Gate, connection: u64) -> Result<(), String> {
        let before = store.subscribed_filters().await.map_err(|e| e.to_string())?;
        let wanted: Vec<&String> = self.requests.iter().chain(&self.gateways).collect();
        let unwanted: Vec<&String> = before.iter().filter(|old| !wanted.contains(old)).collect();
        // Stored first: a filter that only the broker knows could never be unsubscribed.
        let all = wanted.iter().chain(&unwanted).map(|filter| filter.to_string()).collect();
        store.set_subscribed_filters(all).await.map_err(|e| e.to_string())?;
        let requests = self.requests.iter().map(|path| Filter {
            path: path.clone(),
            qos: QoS::AtLeastOnce,
            // Not allowed in a shared subscription, and not needed: we publish no requests.
            nolocal: false,
            preserve_retain: true,
            retain_forward_rule: RetainForwardRule::Never,
        });
        let gateways = self.gateways.iter().map(|path| Filter {
            path: path.clone(),
            qos: QoS::AtLeastOnce,
            nolocal: true,
            preserve_retain: false,
            retain_forward_rule: RetainForwardRule::OnEverySubscribe,
        });
        let subscribed = gate.with_connection(connection, |client| {
            unwanted.iter().try_for_each(|filter| client_error(client.try_unsubscribe(filter.as_str())))?;
            client_error(client.try_subscribe_many(requests.chain(gateways)))
        });
        subscribed.unwrap_or_else(|| Err("the connection was lost while subscribing".to_owned()))
    }
}
