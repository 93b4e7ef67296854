//! The command line's own client: publishes one request and receives its results.
//!
//! It has its own client id, so that it never takes over the gateway's session.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop};
use tokio::time::{Instant, timeout_at};

use super::connack::Limits;
use super::options::Server;
use super::{options, pump};
use crate::config::{ConfigError, Mqtt};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// A file named in the configuration cannot be used.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The broker cannot be reached, or refuses us.
    #[error("{0}")]
    Broker(String),
    /// No answer came in time.
    #[error(
        "no answer within {0:?}: does a gateway run on this prefix? The request is with the broker and may still be sent"
    )]
    Silence(Duration),
}

/// A client for the command line.
pub struct Caller {
    servers: Vec<Server>,
}

/// A connection to one address.
pub(super) struct Connected {
    client: AsyncClient,
    event_loop: EventLoop,
    address: Arc<str>,
    pub(super) limits: Limits,
}

impl Caller {
    /// Prepares a client; nothing is sent yet.
    pub fn new(config: &Mqtt) -> Result<Caller, CallerError> {
        Ok(Caller { servers: clean(options::common(config, &client_id())?) })
    }

    /// Connects to the first address that lets us in, subscribes to `results`, then publishes `request` (a topic and
    /// its payload), and hands every result to `on_result` until that returns true.
    pub async fn call(
        self,
        mut request: Option<(String, String)>,
        results: String,
        limit: Duration,
        mut on_result: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), CallerError> {
        let deadline = Instant::now() + limit;
        let refused = |e: rumqttc::v5::ClientError| CallerError::Broker(e.to_string());
        let mut connected = connect_to_any(self.servers).await?;
        connected.client.try_subscribe(results.clone(), QoS::AtLeastOnce).map_err(refused)?;
        loop {
            let packet =
                timeout_at(deadline, connected.next()).await.map_err(|_| CallerError::Silence(limit))??;
            match packet {
                Packet::SubAck(ack) if !matches!(ack.return_codes[..], [SubscribeReasonCode::Success(_)]) => {
                    return Err(CallerError::Broker(format!(
                        "the broker at {} does not let us subscribe to results: {:?}",
                        connected.address, ack.return_codes
                    )));
                }
                Packet::SubAck(_) => {
                    if let Some((topic, payload)) = request.take() {
                        let client = &connected.client;
                        client.try_publish(topic, QoS::AtLeastOnce, false, payload).map_err(refused)?;
                    }
                }
                Packet::PubAck(ack) if !is_accepted(ack.reason) => {
                    return Err(CallerError::Broker(format!(
                        "the broker at {} does not take the request: {:?}",
                        connected.address, ack.reason
                    )));
                }
                Packet::PubAck(ack) if ack.reason == PubAckReason::NoMatchingSubscribers => {
                    return Err(CallerError::Broker(format!(
                        "nobody takes requests there: is a gateway running on the broker at {}?",
                        connected.address
                    )));
                }
                Packet::Publish(publish)
                    if publish.topic == results.as_bytes() && on_result(&publish.payload) =>
                {
                    break;
                }
                _ => {}
            }
        }
        connected.disconnect(deadline).await;
        Ok(())
    }
}

/// A client id of its own: the gateway's would take over its session.
pub(super) fn client_id() -> String {
    format!("smsbridge-cli-{}", crate::message::new_id()[14..].to_ascii_lowercase())
}

/// So that the broker keeps no session.
pub(super) fn clean(mut servers: Vec<Server>) -> Vec<Server> {
    for Server { options, .. } in &mut servers {
        options.set_clean_start(true);
        options.set_session_expiry_interval(None);
    }
    servers
}

/// `Err`: why the last one does not let us in.
async fn connect_to_any(servers: Vec<Server>) -> Result<Connected, CallerError> {
    let mut failed = CallerError::Broker("there is no address to connect to".to_owned());
    for server in servers {
        match connect(server).await {
            Ok(connected) => return Ok(connected),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Connects; `Err` if the broker does not accept us, or cannot be used.
pub(super) async fn connect(server: Server) -> Result<Connected, CallerError> {
    let Server { address, options } = server;
    let (client, mut event_loop) = AsyncClient::new(options, 16);
    loop {
        if let Packet::ConnAck(connack) = next(&mut event_loop, &address).await? {
            let unusable = |words| CallerError::Broker(format!("the broker at {address}: {words}"));
            let limits = Limits::read(&connack).map_err(unusable)?;
            return Ok(Connected { client, event_loop, address, limits });
        }
    }
}

async fn next(event_loop: &mut EventLoop, address: &str) -> Result<Packet, CallerError> {
    loop {
        match event_loop.poll().await {
            Ok(Event::Incoming(packet)) => return Ok(packet),
            Ok(Event::Outgoing(_)) => {}
            Err(error) => return Err(CallerError::Broker(pump::describe(&error, address))),
        }
    }
}

impl Connected {
    async fn next(&mut self) -> Result<Packet, CallerError> {
        next(&mut self.event_loop, &self.address).await
    }

    pub(super) async fn disconnect(&mut self, deadline: Instant) {
        let _ = self.client.try_disconnect();
        while timeout_at(deadline, self.event_loop.poll()).await.is_ok_and(|event| event.is_ok()) {}
    }
}

fn is_accepted(reason: PubAckReason) -> bool {
    matches!(reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers)
}
