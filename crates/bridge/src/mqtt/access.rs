//! What a broker's access list lets us do, found by doing it, so that nobody is disturbed.
//!
//! Subscribes for a moment, and publishes at QoS 2 without ever releasing it: a broker judges such a message at once,
//! and delivers it only after a PUBREL that never comes. One that delivers it all the same is found out first, on a
//! topic that no gateway has. Whether what is published on `send` arrives is told by an empty retained message there,
//! which no gateway takes for a request; it takes a retained request off the broker, which none would carry out. Input:
//! the broker's answers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rumqttc::tokio_rustls::TlsConnector;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Codec, Connect, ConnectReturnCode, Disconnect, DisconnectReasonCode, Filter, Login, Packet, PingReq,
    PubAck, PubAckReason, PubRec, PubRecReason, Publish, RetainForwardRule, Subscribe, SubscribeReasonCode,
};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::codec::Framed;

use super::connack::Limits;
use super::{options, tls};
use crate::config::{Mqtt, Server};

/// How long an answer may take.
const STEP: Duration = Duration::from_secs(10);

/// How long a message may take through the broker and back.
const ROUND_TRIP: Duration = Duration::from_secs(3);

/// Messages that wait for their PUBREL on one connection; brokers allow 20 and more.
const MAX_UNRELEASED: u16 = 15;

/// What is to be tried.
#[derive(Debug)]
pub struct Plan {
    /// Filters of topics to be read.
    pub reads: Vec<String>,
    /// Topics to be written.
    pub writes: Vec<String>,
    /// A topic of `reads` on which an empty retained message asks for nothing.
    pub round_trip: String,
    /// A topic of `reads` that no gateway has.
    pub nobodys: String,
}

/// What the broker says of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    /// It lets us.
    Granted,
    /// It does not, in words.
    Refused(String),
    /// It could not be tried, in words.
    Untried(String),
}

/// What the broker lets us do.
#[derive(Debug, Default)]
pub struct Access {
    /// For each filter of [`Plan::reads`].
    pub reads: Vec<Right>,
    /// For each topic of [`Plan::writes`].
    pub writes: Vec<Right>,
    /// Whether a message that was published on [`Plan::round_trip`] arrived.
    pub arrives: Option<Right>,
}

/// Tries everything of the plan at one address.
///
/// # Errors
/// In words: no connection, or no answer.
pub(super) async fn try_access(
    config: &Mqtt,
    server: &Server,
    client_id: &str,
    plan: &Plan,
) -> Result<Access, String> {
    let target = Target { config, server, client_id };
    let mut connection = target.open().await?;
    let reads = connection.subscribe(&plan.reads).await?;
    let arrives = connection.round_trip(&plan.round_trip).await;
    let mut writes = Vec::new();
    match connection.why_not_to_publish(&plan.nobodys).await {
        Some(reason) => writes.resize(plan.writes.len(), Right::Untried(reason)),
        None => {
            connection.close().await;
            writes = target.publish_all(&plan.writes).await?;
            return Ok(Access { reads, writes, arrives });
        }
    }
    connection.close().await;
    Ok(Access { reads, writes, arrives })
}

/// How to connect.
struct Target<'a> {
    config: &'a Mqtt,
    server: &'a Server,
    client_id: &'a str,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection on which we say what is sent, packet by packet.
struct Connection {
    packets: Framed<Box<dyn Stream>, Codec>,
    limits: Limits,
    last_id: u16,
}

impl Target<'_> {
    async fn open(&self) -> Result<Connection, String> {
        timeout(STEP, self.connect()).await.map_err(|_| no_answer())?
    }

    async fn connect(&self) -> Result<Connection, String> {
        let stream = self.stream().await.map_err(|error| error.to_string())?;
        let codec = Codec { max_incoming_size: Some(options::MAX_PACKET), max_outgoing_size: None };
        let mut packets = Framed::new(stream, codec);
        let connect = Connect {
            keep_alive: 60,
            client_id: self.client_id.to_owned(),
            clean_start: true,
            properties: None,
        };
        let login =
            self.config.login.as_ref().map(|(user, password)| Login::new(user, password.expose_secret()));
        packets.send(Packet::Connect(connect, None, login)).await.map_err(|error| error.to_string())?;
        match packets.next().await {
            Some(Ok(Packet::ConnAck(answer))) if answer.code == ConnectReturnCode::Success => {
                Ok(Connection { packets, limits: Limits::read(&answer)?, last_id: 0 })
            }
            _ => Err("it lets us in once, and not a second time".to_owned()),
        }
    }

    async fn stream(&self) -> io::Result<Box<dyn Stream>> {
        let host = self.server.host.trim_matches(['[', ']']);
        let tcp = TcpStream::connect((host, self.server.port)).await?;
        let Some(tls) = &self.config.tls else { return Ok(Box::new(tcp)) };
        let client = tls::client(tls).map_err(io::Error::other)?;
        let name = rustls::pki_types::ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(TlsConnector::from(Arc::new(client)).connect(name, tcp).await?))
    }

    /// Tries each topic, on as many connections as that takes.
    async fn publish_all(&self, topics: &[String]) -> Result<Vec<Right>, String> {
        let mut connection = self.open().await?;
        let mut rights = Vec::new();
        for topic in topics {
            if connection.last_id >= MAX_UNRELEASED.min(connection.limits.receive_maximum) {
                connection.close().await;
                connection = self.open().await?;
            }
            rights.push(match connection.publish_unreleased(topic).await {
                Ok(right) => right,
                Err(_) => {
                    connection = self.open().await?;
                    Right::Refused("it closes the connection on a message there".to_owned())
                }
            });
        }
        connection.close().await;
        Ok(rights)
    }
}

impl Connection {
    async fn send(&mut self, packet: Packet) -> Result<(), String> {
        self.packets.send(packet).await.map_err(|error| format!("the connection is lost ({error})"))
    }

    async fn next(&mut self) -> Result<Packet, String> {
        match timeout(STEP, self.packets.next()).await.map_err(|_| no_answer())? {
            Some(Ok(packet)) => Ok(packet),
            Some(Err(error)) => Err(format!("the connection is lost ({error})")),
            None => Err("the broker closed the connection".to_owned()),
        }
    }

    fn new_id(&mut self) -> u16 {
        self.last_id += 1;
        self.last_id
    }

    async fn subscribe(&mut self, filters: &[String]) -> Result<Vec<Right>, String> {
        let filter = |path: &String| Filter {
            path: path.clone(),
            qos: QoS::AtLeastOnce,
            nolocal: false,
            preserve_retain: true,
            retain_forward_rule: RetainForwardRule::Never,
        };
        let filters = filters.iter().map(filter).collect();
        let pkid = self.new_id();
        self.send(Packet::Subscribe(Subscribe { pkid, filters, properties: None })).await?;
        loop {
            if let Packet::SubAck(answer) = self.next().await? {
                return Ok(answer.return_codes.iter().map(subscribed).collect());
            }
        }
    }

    /// Publishes at QoS 2, and never releases it.
    async fn publish_unreleased(&mut self, topic: &str) -> Result<Right, String> {
        let pkid = self.new_id();
        let publish = Publish { pkid, ..Publish::new(topic, QoS::ExactlyOnce, "", None) };
        self.send(Packet::Publish(publish)).await?;
        loop {
            if let Packet::PubRec(PubRec { pkid: answered, reason, .. }) = self.next().await?
                && answered == pkid
            {
                return Ok(published(reason));
            }
        }
    }

    /// Why topics that others read are not written to; none where nobody would get anything.
    async fn why_not_to_publish(&mut self, nobodys: &str) -> Option<String> {
        if self.limits.max_qos.is_some_and(|qos| qos < 2) {
            return Some("the broker has no QoS 2, and at QoS 1 it would be delivered".to_owned());
        }
        match self.would_disturb(nobodys).await {
            Ok(false) => None,
            Ok(true) => Some("this broker would deliver the message that tries it".to_owned()),
            Err(words) => Some(words),
        }
    }

    /// Whether the broker delivers what is not released, tried where nobody heeds it.
    async fn would_disturb(&mut self, nobodys: &str) -> Result<bool, String> {
        let pkid = self.new_id();
        let publish = Publish { pkid, ..Publish::new(nobodys, QoS::ExactlyOnce, "", None) };
        self.send(Packet::Publish(publish)).await?;
        let (mut is_received, mut is_delivered) = (false, false);
        loop {
            match self.next().await? {
                Packet::Publish(publish) => is_delivered |= publish.topic == nobodys.as_bytes(),
                Packet::PubRec(answer) if answer.pkid == pkid && !is_received => {
                    is_received = true;
                    // What the broker delivers at once comes before the answer to this.
                    self.send(Packet::PingReq(PingReq)).await?;
                }
                Packet::PingResp(_) => return Ok(is_delivered),
                _ => {}
            }
        }
    }

    /// Whether an empty retained message, which asks for nothing, comes back. None where that cannot be told.
    async fn round_trip(&mut self, topic: &str) -> Option<Right> {
        if !self.limits.has_retain {
            return None;
        }
        let pkid = self.new_id();
        let publish = Publish { pkid, retain: true, ..Publish::new(topic, QoS::AtLeastOnce, "", None) };
        self.send(Packet::Publish(publish)).await.ok()?;
        let (mut is_acknowledged, mut has_come) = (false, false);
        let comes_back = async {
            while !(is_acknowledged && has_come) {
                match self.next().await {
                    Ok(Packet::PubAck(PubAck { pkid: answered, reason, .. })) if answered == pkid => {
                        is_acknowledged =
                            matches!(reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers);
                        if !is_acknowledged {
                            return;
                        }
                    }
                    Ok(Packet::Publish(publish)) if publish.topic == topic.as_bytes() => {
                        has_come |= publish.payload.is_empty();
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        };
        let in_time = timeout(ROUND_TRIP, comes_back).await.is_ok();
        match (is_acknowledged, has_come) {
            (true, true) => Some(Right::Granted),
            (true, false) if !in_time => {
                Some(Right::Refused("it grants the subscription and delivers nothing".to_owned()))
            }
            // Who may not write there cannot find out so.
            _ => None,
        }
    }

    /// The broker forgets everything of it, what was never released too.
    async fn close(mut self) {
        let reason_code = DisconnectReasonCode::NormalDisconnection;
        let _ = self.send(Packet::Disconnect(Disconnect { reason_code, properties: None })).await;
        let _ = timeout(STEP, self.packets.close()).await;
    }
}

fn no_answer() -> String {
    format!("no answer within {} s", STEP.as_secs())
}

fn subscribed(code: &SubscribeReasonCode) -> Right {
    match code {
        SubscribeReasonCode::Success(QoS::AtMostOnce) => {
            Right::Refused("it delivers at QoS 0 only".to_owned())
        }
        SubscribeReasonCode::Success(_) => Right::Granted,
        SubscribeReasonCode::NotAuthorized => Right::Refused("not authorized".to_owned()),
        SubscribeReasonCode::QuotaExceeded => Right::Refused("its quota is exceeded".to_owned()),
        SubscribeReasonCode::WildcardSubscriptionsNotSupported => {
            Right::Untried("the broker has no subscriptions with wildcards".to_owned())
        }
        _ => Right::Refused("it refuses the subscription".to_owned()),
    }
}

fn published(reason: PubRecReason) -> Right {
    match reason {
        PubRecReason::Success | PubRecReason::NoMatchingSubscribers => Right::Granted,
        PubRecReason::NotAuthorized => Right::Refused("not authorized".to_owned()),
        PubRecReason::TopicNameInvalid => Right::Refused("it does not accept the topic".to_owned()),
        PubRecReason::QuotaExceeded => Right::Refused("its quota is exceeded".to_owned()),
        // Of an empty message, not of ours.
        PubRecReason::PayloadFormatInvalid => Right::Granted,
        _ => Right::Refused("it refuses the message".to_owned()),
    }
}
