//! What we hear: the filters of requests and of other gateways, renewed on every connection.
//!
//! The broker keeps subscriptions as long as our session; one left behind doubles requests, so the store keeps the list
//! of all we ever asked for.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, RetainForwardRule};

use super::gate::{Gate, in_words};
use crate::store::Store;
use crate::topic::Topics;

/// The list of filters last subscribed, in the store.
const FILTERS: &str = "mqtt_filters";

/// What the link is to hear.
pub struct Subscriptions {
    /// Our topics.
    pub topics: Topics,
    /// Filters of requests.
    pub filters: Vec<String>,
    /// Whether requests to any modem come by a shared subscription.
    pub shares: bool,
}

impl Subscriptions {
    /// Subscribes to what is wanted and gives up what is not wanted any longer.
    pub(super) async fn renew(&self, store: &Store, gate: &Gate, connection: u64) -> Result<(), String> {
        let before = store.list(FILTERS).await.map_err(|e| e.to_string())?;
        let gateways = self.topics.gateway_filters();
        let wanted: Vec<&String> = self.filters.iter().chain(&gateways).collect();
        let unwanted: Vec<&String> = before.iter().filter(|old| !wanted.contains(old)).collect();
        // Written down first: a filter the broker has and we do not know of could never be given up.
        let both = wanted.iter().chain(&unwanted).map(|filter| filter.to_string()).collect();
        store.keep_list(FILTERS, both).await.map_err(|e| e.to_string())?;
        let filter = |path: &String, is_ours: bool| Filter {
            path: path.clone(),
            qos: QoS::AtLeastOnce,
            // A shared subscription may not ask for it, and nobody but us writes gateways' topics.
            nolocal: !is_ours,
            preserve_retain: is_ours,
            retain_forward_rule: if is_ours {
                RetainForwardRule::Never
            } else {
                RetainForwardRule::OnEverySubscribe
            },
        };
        let asked = gate.on(connection, |client| {
            unwanted.iter().try_for_each(|filter| in_words(client.try_unsubscribe(filter.as_str())))?;
            let requests = self.filters.iter().map(|path| filter(path, true));
            in_words(
                client.try_subscribe_many(requests.chain(gateways.iter().map(|path| filter(path, false)))),
            )
        });
        match asked {
            Some(asked) => asked,
            None => Err("it was lost while subscribing".to_owned()),
        }
    }
}
