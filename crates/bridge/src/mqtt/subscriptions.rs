//! Our subscriptions: to requests and to the states of other gateways, renewed on every connection.
//!
//! The broker keeps subscriptions as long as our session; a forgotten one duplicates requests, so the store keeps the
//! list of all filters we ever subscribed to.

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
    /// Subscriptions for these modems; requests for any modem are shared in the group `share`, if it has a name.
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

    /// Subscribes to what is wanted and unsubscribes from what no longer is.
    pub(super) async fn renew(&self, store: &Store, gate: &Gate, connection: u64) -> Result<(), String> {
        let before = store.subscribed_filters().await.map_err(|e| e.to_string())?;
        let wanted: Vec<&String> = self.requests.iter().chain(&self.gateways).collect();
        let unwanted: Vec<&String> = before.iter().filter(|old| !wanted.contains(old)).collect();
        // Written down first: a filter the broker has and we do not know of could never be unsubscribed.
        let all = wanted.iter().chain(&unwanted).map(|filter| filter.to_string()).collect();
        store.set_subscribed_filters(all).await.map_err(|e| e.to_string())?;
        let requests = self.requests.iter().map(|path| Filter {
            path: path.clone(),
            qos: QoS::AtLeastOnce,
            // A shared subscription must not set it, and only we publish to gateways' topics.
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
