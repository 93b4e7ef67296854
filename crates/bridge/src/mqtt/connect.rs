//! Both halves of a connection to the broker, and the channel between them.

use std::sync::Arc;

use rumqttc::v5::AsyncClient;
use tokio::sync::mpsc;

use super::client::Client;
use super::gate::Gate;
use super::pump::Pump;
use super::servers::Servers;
use super::{options, window};
use crate::config::{ConfigError, Mqtt};
use crate::wire::Publish;

/// Events that may wait between pump and link.
const MAX_EVENTS: usize = 256;

/// Packets the client takes before it has written any: every acknowledgement we may send, the window, and one SUBSCRIBE
/// or UNSUBSCRIBE per modem. Some brokers (mosquitto 2.0.11 among them) exceed our Receive Maximum once
/// acknowledgements flow; they cannot exceed the number of packet ids. An empty place costs nothing.
const CLIENT_CAPACITY: usize = u16::MAX as usize + window::MAX as usize + 1024;

/// Prepares a connection: the half that owns the socket, and the half for the link. The broker publishes `last_will`
/// when the connection is lost. Nothing is sent before the pump runs.
pub fn prepare(config: &Mqtt, client_id: &str, last_will: &Publish) -> Result<(Pump, Client), ConfigError> {
    let servers = options::gateway(config, client_id, last_will)?;
    let (client, event_loop) = AsyncClient::new(servers[0].options.clone(), CLIENT_CAPACITY);
    let (to_link, events) = mpsc::channel(MAX_EVENTS);
    let gate = Arc::new(Gate::new(client));
    let pump = Pump::new(event_loop, to_link, Arc::clone(&gate), Servers::new(servers));
    Ok((pump, Client { gate, id: client_id.to_owned(), events }))
}
