//! The link to the broker. Only this folder names `rumqttc` (docs/architecture.md, "The rumqttc seam").
//!
//! `pump` owns the event loop and the reconnecting, `link` owns what is in flight and what is acknowledged, `window`
//! and `board` are their pure parts, `intake` turns requests into rows of the store, `caller` is the client of
//! `smsbridge send` and `check`.

mod board;
mod caller;
mod gate;
mod intake;
mod link;
mod neighbours;
mod options;
mod pump;
mod status;
mod subscriptions;
mod suspects;
mod window;

pub use board::Board;
pub use caller::Caller;
pub use intake::Intake;
pub use link::Link;
pub use pump::{FromBroker, Pump};
pub use status::LinkStatus;
pub use subscriptions::Subscriptions;

use std::sync::Arc;

use tokio::sync::mpsc;

use self::gate::Gate;
use crate::config::{ConfigError, Mqtt};
use crate::topic::Topics;

/// PUBLISHes the broker may send us before it has our PUBACKs.
const RECEIVE_MAXIMUM: u16 = 100;

/// The largest payload a request may have.
pub const MAX_PAYLOAD: usize = 256 * 1024;

/// The largest packet taken from the broker. Above the payload limit, so that a payload that is too large is answered
/// and not dropped by the broker in silence.
const MAX_PACKET: u32 = 2 * 1024 * 1024;

/// Packets waiting between pump and link.
const EVENTS: usize = 256;

/// What the client takes before it has written any of it: every acknowledgement we may owe, the window, and one
/// SUBSCRIBE or UNSUBSCRIBE a modem. Some brokers (mosquitto 2.0.11 among them) send more than our Receive Maximum once
/// acknowledgements flow; what they can never exceed is the number of packet ids. Room alone costs nothing.
const TO_CLIENT: usize = u16::MAX as usize + window::MAX as usize + 1024;

/// Both halves of a connection to the broker, and the channel between them.
pub struct Connection {
    /// The half that owns the socket.
    pub pump: Pump,
    /// The half that owns what is in flight.
    pub client: link::Client,
    /// From the pump to the link.
    pub events: mpsc::Receiver<FromBroker>,
}

/// Prepares a connection; nothing is sent before the pump runs.
pub fn prepare(config: &Mqtt, client_id: &str, topics: &Topics) -> Result<Connection, ConfigError> {
    let options = options::gateway(config, client_id, topics)?;
    let (client, event_loop) = rumqttc::v5::AsyncClient::new(options, TO_CLIENT);
    let (to_link, events) = mpsc::channel(EVENTS);
    let place = Arc::from(format!("{}:{}", config.host, config.port));
    let gate = Arc::new(Gate::new(client));
    Ok(Connection {
        pump: Pump::new(event_loop, to_link, Arc::clone(&gate), place),
        client: link::Client(gate),
        events,
    })
}

#[cfg(test)]
mod link_tests;
