//! The pump: owns the socket, reconnects, and reports to the link what the broker sends.
//!
//! Never looks into a message. The client's `poll()` has a task of its own because it must not be interrupted by other
//! work: that could restart the connect or lose a packet. It is interrupted only to end the connection. After each
//! connection all that the client remembers is discarded: what was in flight is still in the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::Error as PacketError;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnectReturnCode, DisconnectReasonCode, Packet, PubAck, Publish, SubscribeReasonCode,
};
use rumqttc::v5::{ConnectionError, Event, EventLoop, MqttState, StateError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connack::Limits;
use super::gate::Gate;
use super::options::{IN_FLIGHT, KEEP_ALIVE, Server};
use super::reason;
use super::servers::Servers;
use crate::backoff::Reconnect;

/// The longest delay between two attempts: a broker that restarts is back within seconds.
const MAX_DELAY: Duration = Duration::from_secs(10);

/// The same after the broker refused the connection: a wrong password stays wrong.
const REFUSED_DELAY: Duration = Duration::from_secs(30);

/// What the pump reports to the link.
#[derive(Debug)]
pub(super) enum PumpEvent {
    /// A connection is established.
    Connected {
        /// Its number.
        connection: u64,
        /// Where, `host:port`.
        address: Arc<str>,
        /// Whether the broker still had our session.
        session_present: bool,
        /// What the broker says of itself.
        limits: Limits,
    },
    /// One of our PUBLISHes was written, with this packet id.
    Written(u16),
    /// The broker acknowledged one of them, or refused it.
    Acknowledged(PubAck),
    /// The broker delivered a message.
    Received(Publish),
    /// The broker answered our SUBSCRIBE, a code for each filter.
    Subscribed(Vec<SubscribeReasonCode>),
    /// The broker answered our PINGREQ, so it has read all we had written before.
    PingAnswered,
    /// The connection is lost.
    Lost {
        /// Why; none if the link asked for it.
        reason: Option<String>,
        /// Whether the broker refused one of our PUBLISHes with it.
        refused: bool,
    },
}

/// The half of a connection that owns the socket.
pub struct Pump {
    event_loop: EventLoop,
    link: mpsc::Sender<PumpEvent>,
    gate: Arc<Gate>,
    servers: Servers,
    /// Addresses that were said to be connected to, unless a connection lasted since.
    said: Vec<Arc<str>>,
}

/// Why a connection ended.
enum End {
    /// The link asked for it.
    Asked,
    /// The client says so.
    Broke(ConnectionError),
    /// No gateway can work with this broker, in words.
    Unusable(String),
    /// The broker sent what MQTT forbids and the client lets pass, in words.
    Forbidden(&'static str),
}

impl Pump {
    pub(super) fn new(
        event_loop: EventLoop,
        link: mpsc::Sender<PumpEvent>,
        gate: Arc<Gate>,
        servers: Servers,
    ) -> Self {
        Pump { event_loop, link, gate, servers, said: Vec::new() }
    }

    /// Connects and reconnects until the link has sent DISCONNECT, or until `stop` while there is no connection.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut reconnect = Reconnect::new(MAX_DELAY);
        let (mut connected, mut works) = (false, false);
        loop {
            // The broker may have set another keep-alive than ours.
            let silence = self.event_loop.options.keep_alive().max(KEEP_ALIVE) * 3;
            let event = tokio::select! {
                event = self.event_loop.poll() => event.map_err(End::Broke),
                // Our own PINGREQ is an event too, so without any the socket has stalled.
                () = tokio::time::sleep(silence) => Err(End::Broke(io_error("nothing was received for three keep-alives"))),
                () = self.gate.close_requested(), if connected => Err(End::Asked),
                () = stop.cancelled(), if !connected => return,
            };
            let end = match event {
                Ok(event) if let Some(words) = forbidden(&event, connected) => End::Forbidden(words),
                Ok(Event::Outgoing(Outgoing::Disconnect)) if stop.is_cancelled() => return,
                // The client says so where the broker breaks the rules of topic aliases.
                Ok(Event::Outgoing(Outgoing::Disconnect)) => {
                    End::Broke(io_error("the broker broke the protocol"))
                }
                Ok(Event::Incoming(Packet::ConnAck(connack))) => match self.connected(&connack).await {
                    Ok(()) => {
                        connected = true;
                        reconnect.connected(Instant::now());
                        continue;
                    }
                    Err(end) => end,
                },
                Ok(event) => {
                    if matches!(event, Event::Incoming(Packet::SubAck(_))) {
                        works = true;
                        self.servers.works();
                    }
                    self.forward(event).await;
                    continue;
                }
                Err(end) => end,
            };
            connected = false;
            let Server { address, login_place, .. } = self.servers.present();
            let (address, login_place) = (Arc::clone(address), *login_place);
            // At once where another address is left to try.
            let is_left = !std::mem::take(&mut works) && self.servers.next();
            self.discard().await;
            let (reason, refused, slow) = match &end {
                End::Asked => (None, false, false),
                End::Broke(error) => (
                    Some(describe(error, &address, login_place)),
                    refuses_a_message(error),
                    is_lasting_refusal(error),
                ),
                End::Forbidden(words) => (Some(format!("the broker at {address} {words}")), false, false),
                End::Unusable(words) => (Some(format!("the broker at {address}: {words}")), false, true),
            };
            if reconnect.has_lasted(Instant::now()) {
                self.said.clear();
            }
            let delay = if is_left { Duration::ZERO } else { reconnect.failed(Instant::now()) };
            let delay = if slow { delay.max(REFUSED_DELAY.min(delay * 4)) } else { delay };
            let words = reason.as_deref().unwrap_or("disconnected from the broker");
            let next = &self.servers.present().address;
            tracing::debug!("{words}; next try at {next} in {:.1} s", delay.as_secs_f32());
            let _ = self.link.send(PumpEvent::Lost { reason, refused }).await;
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// A connection is established; `Err` where this broker cannot be used.
    async fn connected(&mut self, connack: &ConnAck) -> Result<(), End> {
        let limits = Limits::read(connack).map_err(End::Unusable)?;
        // A Server Keep Alive of 0 means that nobody asks for pings; ours go on.
        if self.event_loop.options.keep_alive().is_zero() {
            self.event_loop.options.set_keep_alive(KEEP_ALIVE);
        }
        let (session_present, address) = (connack.session_present, &self.servers.present().address);
        if !self.said.contains(address) {
            self.said.push(Arc::clone(address));
            tracing::info!("connected to the broker at {address}");
        }
        tracing::debug!(session_present, "the broker at {address} accepted the connection");
        let (connection, address) = (self.gate.connection(), Arc::clone(address));
        let _ = self.link.send(PumpEvent::Connected { connection, address, session_present, limits }).await;
        Ok(())
    }

    async fn forward(&mut self, event: Event) {
        let report = match event {
            Event::Incoming(Packet::PubAck(ack)) => PumpEvent::Acknowledged(ack),
            Event::Incoming(Packet::Publish(publish)) => PumpEvent::Received(publish),
            Event::Incoming(Packet::PingResp(_)) => PumpEvent::PingAnswered,
            Event::Incoming(Packet::SubAck(ack)) => PumpEvent::Subscribed(ack.return_codes),
            Event::Outgoing(Outgoing::Publish(packet_id)) => PumpEvent::Written(packet_id),
            _ => return,
        };
        let _ = self.link.send(report).await;
    }

    /// Forwards the acknowledgements that came before the error, discards everything else in the client, and has it
    /// connect to the present server next.
    async fn discard(&mut self) {
        let unread: Vec<Event> = self.event_loop.state.events.drain(..).collect();
        for event in unread {
            if matches!(event, Event::Incoming(Packet::PubAck(_)) | Event::Outgoing(Outgoing::Publish(_))) {
                self.forward(event).await;
            }
        }
        let options = self.servers.present().options.clone();
        let event_loop = &mut self.event_loop;
        self.gate.next_connection(|| {
            event_loop.clean();
            event_loop.pending.clear();
            // The client would keep packet ids, collisions and the broker's limits for the next connection.
            event_loop.state = MqttState::new(IN_FLIGHT, true);
            event_loop.options = options;
        });
    }
}

fn io_error(why: &str) -> ConnectionError {
    ConnectionError::Io(std::io::Error::other(why))
}

/// What MQTT forbids a broker and the client lets pass. A second CONNACK would begin a connection on which packet ids
/// of before are still open; of topic aliases, which we allow none, the client keeps each with its topic.
fn forbidden(event: &Event, connected: bool) -> Option<&'static str> {
    match event {
        Event::Incoming(Packet::ConnAck(_)) if connected => Some("sent a second CONNACK"),
        Event::Incoming(Packet::Publish(publish)) => {
            let alias = publish.properties.as_ref().and_then(|properties| properties.topic_alias);
            alias.map(|_| "uses topic aliases, which it was not allowed")
        }
        _ => None,
    }
}

/// The reason code "Packet too large". The client does not know it in a PUBACK, and fails with an
/// `InvalidConnectReturnCode` that holds it.
const TOO_LARGE: u8 = 0x95;

/// Whether the connection ended because the broker refused something we published: in a DISCONNECT, or in a PUBACK that
/// the client cannot read (mosquitto's `message_size_limit`, which is in no CONNACK).
fn refuses_a_message(error: &ConnectionError) -> bool {
    use DisconnectReasonCode as Code;
    match error {
        ConnectionError::MqttState(StateError::Deserialization(PacketError::InvalidConnectReturnCode(
            TOO_LARGE,
        ))) => true,
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => {
            matches!(reason_code, Code::PacketTooLarge | Code::TopicNameInvalid | Code::PayloadFormatInvalid)
        }
        _ => false,
    }
}

/// Whether the broker refused the connection for a reason that stays, as a wrong password does.
fn is_lasting_refusal(error: &ConnectionError) -> bool {
    matches!(error, ConnectionError::ConnectionRefused(code) if !is_passing(*code))
}

fn is_passing(code: ConnectReturnCode) -> bool {
    use ConnectReturnCode as Code;
    matches!(
        code,
        Code::ServerUnavailable
            | Code::ServiceUnavailable
            | Code::ServerBusy
            | Code::UseAnotherServer
            | Code::ServerMoved
            | Code::ConnectionRateExceeded
            | Code::QuotaExceeded
    )
}

/// What went wrong with the connection to `address`, and what to try; the login is given at `login_place`.
pub(super) fn describe(error: &ConnectionError, address: &str, login_place: &str) -> String {
    // With TLS 1.3 a broker refuses our certificate only after the handshake, so any error may carry the alert.
    if let Some((_, alert)) = error.to_string().split_once("received fatal alert: ") {
        return format!(
            "no TLS with the broker at {address}: it says {}; check [mqtt] ca_file, client_cert and client_key",
            reason::without_names(alert)
        );
    }
    match error {
        ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) => {
            format!("the broker at {address} refuses the user name or password: check {login_place}")
        }
        ConnectionError::ConnectionRefused(ConnectReturnCode::UnsupportedProtocolVersion) => {
            format!(
                "the broker at {address} does not speak MQTT 5: a broker that does is needed, such as mosquitto 1.6 or later"
            )
        }
        ConnectionError::ConnectionRefused(ConnectReturnCode::RetainNotSupported) => {
            format!(
                "the broker at {address} keeps no retained messages, and refuses our last will: turn them on there"
            )
        }
        ConnectionError::ConnectionRefused(code) if is_passing(*code) => {
            format!("the broker at {address} takes no connection for now ({})", reason::in_words(code))
        }
        ConnectionError::ConnectionRefused(code) => {
            format!("the broker at {address} refuses the connection: {}", reason::in_words(code))
        }
        ConnectionError::Tls(e) => {
            format!(
                "no TLS with the broker at {address}: {}; check [mqtt] ca_file, client_cert and the host name",
                reason::without_names(&e.to_string())
            )
        }
        ConnectionError::Timeout(_) => {
            format!("the broker at {address} does not answer: check [mqtt] url, and that it is up")
        }
        ConnectionError::MqttState(StateError::Deserialization(PacketError::InvalidConnectReturnCode(
            TOO_LARGE,
        ))) => {
            format!("the broker at {address} refused a message as too large: raise its limit on their size")
        }
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            format!("the broker at {address} closed the connection")
        }
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => {
            let other = ": another process runs with a copy of this store";
            let other = if *reason_code == DisconnectReasonCode::SessionTakenOver { other } else { "" };
            let reason = reason::in_words(reason_code);
            format!("the broker at {address} ended the connection: {reason}{other}")
        }
        // An id comes round again while the message that had it is still not acknowledged.
        ConnectionError::MqttState(StateError::CollisionTimeout) => {
            format!("the broker at {address} did not acknowledge a message")
        }
        ConnectionError::MqttState(StateError::AwaitPingResp) => {
            format!("the broker at {address} did not answer a ping")
        }
        ConnectionError::MqttState(StateError::Unsolicited(_)) => {
            format!("the broker at {address} acknowledged a message it was not sent")
        }
        ConnectionError::MqttState(StateError::Deserialization(e)) => {
            format!("the broker at {address} sent what is not MQTT 5: {e}")
        }
        ConnectionError::Io(e) if e.kind() == std::io::ErrorKind::ConnectionRefused => {
            format!("nothing listens at {address}: check [mqtt] url, and that the broker runs")
        }
        ConnectionError::Io(e) => format!("no connection to the broker at {address}: {e}; check [mqtt] url"),
        other => format!("the connection to the broker at {address} was lost: {other}"),
    }
}
