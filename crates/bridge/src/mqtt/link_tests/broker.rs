//! A scripted broker: speaks MQTT 5 over TCP and does what the test says, which no real broker would.

use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::{ConnAck, ConnAckProperties, ConnectReturnCode, Packet, Publish, Subscribe};
use rumqttc::v5::mqttbytes::{Error as PacketError, QoS};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::bytes::BytesMut;

/// Longer than any step takes on a busy machine, reconnecting included.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) const NOT_AUTHORIZED: u8 = 0x87;
pub(super) const PACKET_TOO_LARGE: u8 = 0x95;
pub(super) const QUOTA_EXCEEDED: u8 = 0x97;

const GRANTED_QOS_1: u8 = 1;

/// What the broker says in its CONNACK.
#[derive(Clone, Copy)]
pub(super) struct Connack {
    pub(super) session_present: bool,
    pub(super) receive_maximum: u16,
    pub(super) max_packet: Option<u32>,
}

/// A broker that still has our session and takes twenty PUBLISHes at once, as mosquitto does.
pub(super) const USUAL: Connack = Connack { session_present: true, receive_maximum: 20, max_packet: None };

pub(super) struct Broker {
    listener: TcpListener,
}

impl Broker {
    pub(super) async fn start() -> Broker {
        Broker { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub(super) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Accepts the next connection, up to and including the CONNACK.
    pub(super) async fn accept(&self, connack: Connack) -> Connection {
        let mut connection = self.accept_silently().await;
        connection.send_connack(connack).await;
        connection
    }

    /// The same, and answers the CONNECT with nothing.
    pub(super) async fn accept_silently(&self) -> Connection {
        let accepted = tokio::time::timeout(STEP_TIMEOUT, self.listener.accept()).await;
        let (socket, _) = accepted.expect("the gateway did not connect").unwrap();
        let mut connection = Connection { socket, received: BytesMut::new() };
        match connection.next_packet().await {
            Packet::Connect(..) => {}
            other => panic!("{other:?} came before CONNECT"),
        }
        connection
    }

    /// Accepts the next connection, with these properties in the CONNACK.
    pub(super) async fn accept_with(&self, properties: &[u8]) -> Connection {
        let mut connection = self.accept_silently().await;
        let length = u8::try_from(properties.len()).unwrap();
        let head = [0x20, 3 + length, 0, 0, length];
        connection.send(&[&head, properties].concat()).await;
        connection
    }

    /// Refuses the next connection with this reason code.
    pub(super) async fn refuse(&self, reason: u8) {
        self.accept_silently().await.send(&[0x20, 3, 0, reason, 0]).await;
    }

    /// The same, and grants the subscriptions.
    pub(super) async fn accept_and_subscribe(&self, connack: Connack) -> Connection {
        let mut connection = self.accept(connack).await;
        let subscribe = connection.next_subscribe().await;
        connection.send_suback(&subscribe, GRANTED_QOS_1).await;
        if connack.session_present {
            // Nothing that says that another gateway of that name ran meanwhile.
            connection.deliver(kept("sms/gateway/gateway", "{}")).await;
        }
        connection
    }
}

/// One connection, as the broker sees it.
pub(super) struct Connection {
    socket: TcpStream,
    received: BytesMut,
}

impl Connection {
    /// The next packet.
    pub(super) async fn next_packet(&mut self) -> Packet {
        self.next_packet_if_any().await.expect("the gateway closed the connection")
    }

    /// The next packet; none once the gateway has disconnected. Answers PINGREQs itself.
    pub(super) async fn next_packet_if_any(&mut self) -> Option<Packet> {
        tokio::time::timeout(STEP_TIMEOUT, self.read()).await.expect("the gateway sent nothing")
    }

    async fn read(&mut self) -> Option<Packet> {
        loop {
            // A DISCONNECT without a reason code is legal, and the client's decoder does not know it.
            if self.received.starts_with(&[0xe0, 0]) {
                return None;
            }
            match Packet::read(&mut self.received, None) {
                Ok(Packet::PingReq(_)) => self.send(&[0xd0, 0]).await,
                Ok(packet) => return Some(packet),
                Err(PacketError::InsufficientBytes(_)) => {
                    match self.socket.read_buf(&mut self.received).await {
                        Ok(0) | Err(_) => return None,
                        Ok(_) => {}
                    }
                }
                Err(error) => panic!("what the gateway sent is not MQTT: {error}"),
            }
        }
    }

    pub(super) async fn next_subscribe(&mut self) -> Subscribe {
        match self.next_packet().await {
            Packet::Subscribe(subscribe) => subscribe,
            other => panic!("{other:?} came, not a SUBSCRIBE"),
        }
    }

    pub(super) async fn next_publish(&mut self) -> Publish {
        match self.next_packet().await {
            Packet::Publish(publish) => publish,
            other => panic!("{other:?} came, not a PUBLISH"),
        }
    }

    /// The next PUBLISH on this topic. Acknowledges it and those before it.
    pub(super) async fn next_on(&mut self, topic: &str) -> Publish {
        loop {
            match self.next_packet().await {
                Packet::Publish(publish) => {
                    self.send_puback(publish.pkid).await;
                    if publish.topic[..] == *topic.as_bytes() {
                        return publish;
                    }
                }
                Packet::PubAck(_) => {}
                other => panic!("{other:?} came, not a PUBLISH"),
            }
        }
    }

    /// The packet id of the next PUBLISH and the `id` in its payload, which must be a result.
    pub(super) async fn next_result(&mut self) -> (u16, String) {
        let publish = self.next_publish().await;
        assert_eq!(publish.topic, "sms/result", "a PUBLISH came on another topic");
        let id = payload(&publish)["id"].as_str().unwrap_or_default().to_owned();
        (publish.pkid, id)
    }

    /// The packet id of the next PUBACK. Acknowledges the PUBLISHes that come before it.
    pub(super) async fn next_puback(&mut self) -> u16 {
        loop {
            match self.next_packet().await {
                Packet::PubAck(ack) => return ack.pkid,
                Packet::Publish(publish) => self.send_puback(publish.pkid).await,
                other => panic!("{other:?} came, not a PUBACK"),
            }
        }
    }

    /// Acknowledges PUBLISHes until the gateway disconnects.
    pub(super) async fn wait_for_disconnect(&mut self) {
        while let Some(packet) = self.next_packet_if_any().await {
            if let Packet::Publish(publish) = packet {
                self.send_puback(publish.pkid).await;
            }
        }
    }

    /// Delivers a message to the gateway: see [`request`] and [`message`].
    pub(super) async fn deliver(&mut self, publish: Publish) {
        let mut octets = BytesMut::new();
        publish.write(&mut octets).unwrap();
        self.send(&octets).await;
    }

    pub(super) async fn send_puback(&mut self, packet_id: u16) {
        let [high, low] = packet_id.to_be_bytes();
        self.send(&[0x40, 2, high, low]).await;
    }

    /// Refuses a PUBLISH.
    pub(super) async fn send_puback_with_reason(&mut self, packet_id: u16, reason: u8) {
        let [high, low] = packet_id.to_be_bytes();
        self.send(&[0x40, 3, high, low, reason]).await;
    }

    /// Answers all filters of a SUBSCRIBE with one reason code.
    pub(super) async fn send_suback(&mut self, subscribe: &Subscribe, reason: u8) {
        self.send_suback_with(subscribe, &vec![reason; subscribe.filters.len()]).await;
    }

    /// Answers each filter of a SUBSCRIBE with a reason code of its own.
    pub(super) async fn send_suback_with(&mut self, subscribe: &Subscribe, reasons: &[u8]) {
        let [high, low] = subscribe.pkid.to_be_bytes();
        let head = [0x90, u8::try_from(3 + reasons.len()).unwrap(), high, low, 0];
        self.send(&[&head, reasons].concat()).await;
    }

    pub(super) async fn send_connack(&mut self, connack: Connack) {
        let Connack { session_present, receive_maximum, max_packet } = connack;
        let properties = ConnAckProperties {
            receive_max: Some(receive_maximum),
            max_packet_size: max_packet,
            ..no_properties()
        };
        let code = ConnectReturnCode::Success;
        let mut octets = BytesMut::new();
        ConnAck { session_present, code, properties: Some(properties) }.write(&mut octets).unwrap();
        self.send(&octets).await;
    }

    async fn send(&mut self, octets: &[u8]) {
        self.socket.write_all(octets).await.expect("the gateway closed the connection");
    }
}

/// A request for any modem, under this packet id.
pub(super) fn request(packet_id: u16, payload: &str) -> Publish {
    message("sms/send", packet_id, payload)
}

/// A message on any topic, under this packet id.
pub(super) fn message(topic: &str, packet_id: u16, payload: &str) -> Publish {
    let publish = Publish::new(topic, QoS::AtLeastOnce, payload.to_owned(), None);
    Publish { pkid: packet_id, ..publish }
}

/// A retained message, as it comes on subscribing.
pub(super) fn kept(topic: &str, payload: &str) -> Publish {
    let publish = Publish::new(topic, QoS::AtMostOnce, payload.to_owned(), None);
    Publish { retain: true, ..publish }
}

/// The same message, marked as delivered before (DUP).
pub(super) fn redelivered(publish: Publish) -> Publish {
    Publish { dup: true, ..publish }
}

/// The JSON of a PUBLISH.
pub(super) fn payload(publish: &Publish) -> Value {
    serde_json::from_slice(&publish.payload).unwrap()
}

fn no_properties() -> ConnAckProperties {
    ConnAckProperties {
        session_expiry_interval: None,
        receive_max: None,
        max_qos: None,
        retain_available: None,
        max_packet_size: None,
        assigned_client_identifier: None,
        topic_alias_max: None,
        reason_string: None,
        user_properties: Vec::new(),
        wildcard_subscription_available: None,
        subscription_identifiers_available: None,
        shared_subscription_available: None,
        server_keep_alive: None,
        response_information: None,
        server_reference: None,
        authentication_method: None,
        authentication_data: None,
    }
}
