//! The command line's own client: publishes one request and receives its results, or only tries to connect.
//!
//! It has its own client id, so that it never takes over the gateway's session.

use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop};
use tokio::time::{Instant, timeout_at};

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

/// A connection for the command line.
pub struct Caller {
    client: AsyncClient,
    event_loop: EventLoop,
    address: String,
}

impl Caller {
    /// Prepares a connection; nothing is sent yet.
    pub fn new(config: &Mqtt) -> Result<Caller, CallerError> {
        let id = format!("smsbridge-cli-{}", crate::message::new_id()[14..].to_ascii_lowercase());
        let mut options = options::common(config, &id)?;
        options.set_clean_start(true);
        let (client, event_loop) = AsyncClient::new(options, 16);
        Ok(Caller { client, event_loop, address: format!("{}:{}", config.host, config.port) })
    }

    /// Connects; `Err` if the broker does not accept us.
    pub async fn connect(&mut self) -> Result<(), CallerError> {
        loop {
            if let Packet::ConnAck(_) = self.next().await? {
                return Ok(());
            }
        }
    }

    /// Subscribes to `results`, then publishes `request` (a topic and its payload), and hands every result to
    /// `on_result` until that returns true.
    pub async fn call(
        &mut self,
        mut request: Option<(String, String)>,
        results: String,
        limit: Duration,
        mut on_result: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), CallerError> {
        let deadline = Instant::now() + limit;
        let refused = |e: rumqttc::v5::ClientError| CallerError::Broker(e.to_string());
        self.connect().await?;
        self.client.try_subscribe(results.clone(), QoS::AtLeastOnce).map_err(refused)?;
        loop {
            let packet =
                timeout_at(deadline, self.next()).await.map_err(|_| CallerError::Silence(limit))??;
            match packet {
                Packet::SubAck(ack) if !matches!(ack.return_codes[..], [SubscribeReasonCode::Success(_)]) => {
                    return Err(CallerError::Broker(format!(
                        "the broker at {} does not let us subscribe to results: {:?}",
                        self.address, ack.return_codes
                    )));
                }
                Packet::SubAck(_) => {
                    if let Some((topic, payload)) = request.take() {
                        self.client.try_publish(topic, QoS::AtLeastOnce, false, payload).map_err(refused)?;
                    }
                }
                Packet::PubAck(ack) if !is_accepted(ack.reason) => {
                    return Err(CallerError::Broker(format!(
                        "the broker at {} does not take the request: {:?}",
                        self.address, ack.reason
                    )));
                }
                Packet::PubAck(ack) if ack.reason == PubAckReason::NoMatchingSubscribers => {
                    return Err(CallerError::Broker(format!(
                        "nobody takes requests there: is a gateway running on the broker at {}?",
                        self.address
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
        let _ = self.client.try_disconnect();
        while timeout_at(deadline, self.event_loop.poll()).await.is_ok_and(|event| event.is_ok()) {}
        Ok(())
    }

    async fn next(&mut self) -> Result<Packet, CallerError> {
        loop {
            match self.event_loop.poll().await {
                Ok(Event::Incoming(packet)) => return Ok(packet),
                Ok(Event::Outgoing(_)) => {}
                Err(error) => return Err(CallerError::Broker(pump::describe(&error, &self.address))),
            }
        }
    }
}

fn is_accepted(reason: PubAckReason) -> bool {
    matches!(reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers)
}
