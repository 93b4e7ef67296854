//! Owns the TCP proxy between gateway and broker, and the record of what crossed it.
//!
//! Whether a message was lost is read here, never from a subscriber: a killed mosquitto may forget
//! what it acknowledged, which is not the gateway's loss.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::contract;
use super::mqtt_packets::{Packet, Publish, Reader};
use super::ports::free_port;

/// One PUBLISH that crossed the proxy.
#[derive(Clone, Debug)]
pub struct Crossing {
    /// Index into [`Record::connections`].
    pub connection: usize,
    pub publish: Publish,
    /// The reason code of the PUBACK the other side gave it.
    pub acknowledged: Option<u8>,
}

impl Crossing {
    /// Whether the receiver took it over: success, or nobody there who wanted it (0x10).
    pub fn is_taken_over(&self) -> bool {
        self.acknowledged.is_some_and(|reason| reason < 0x80)
    }
}

/// All that crossed, in order.
#[derive(Default)]
pub struct Record {
    /// The client id each connection gave; empty until its CONNECT came.
    pub connections: Vec<String>,
    pub from_gateway: Vec<Crossing>,
    /// Requests; not what it hears of gateways.
    pub to_gateway: Vec<Crossing>,
    /// The connections whose subscriptions the broker has confirmed.
    pub subscribed: Vec<usize>,
    /// Streams that were not MQTT 5; always a fault of the gateway or of the harness.
    pub broken: Vec<String>,
    /// What smsbridge published that is not as docs/schema/ says.
    pub unlike_schema: Vec<String>,
}

/// What the broker behind the proxy does wrong.
#[derive(Default)]
struct Misbehaviour {
    /// Its PUBACKs do not come.
    loses_acknowledgements: bool,
    /// It closes the connection on a PUBLISH to this topic.
    forbidden: Option<String>,
    /// It takes no connection: Server busy.
    is_busy: bool,
}

/// What becomes of a packet.
enum Fate {
    Passes,
    IsLost,
    EndsTheConnection,
}

struct Shared {
    record: Mutex<Record>,
    misbehaviour: Mutex<Misbehaviour>,
    sockets: Mutex<Vec<TcpStream>>,
    stopped: AtomicBool,
}

/// Listens on a port of its own and forwards to the broker's.
pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Clone, Copy)]
enum Direction {
    FromGateway,
    ToGateway,
}

impl Proxy {
    pub fn start(broker_port: u16) -> Self {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the proxy's port is free");
        let shared = Arc::new(Shared {
            record: Mutex::default(),
            misbehaviour: Mutex::default(),
            sockets: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, broker_port, &accepting));
        Self { port, shared }
    }

    /// The record so far; crossing packets wait while it is held.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.shared.record)
    }

    /// The broker's acknowledgements do not reach the gateway, or do again.
    pub fn lose_acknowledgements(&self, lost: bool) {
        lock(&self.shared.misbehaviour).loses_acknowledgements = lost;
    }

    /// The connection is closed on a PUBLISH of the gateway's to this topic, or on none.
    pub fn forbid(&self, topic: Option<&str>) {
        lock(&self.shared.misbehaviour).forbidden = topic.map(str::to_owned);
    }

    /// New connections are refused as by a broker that is busy, or are not.
    pub fn be_busy(&self, busy: bool) {
        lock(&self.shared.misbehaviour).is_busy = busy;
    }

    /// Cuts every connection, as a lost network would.
    pub fn cut(&self) {
        for socket in lock(&self.shared.sockets).drain(..) {
            // It may have ended by itself.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.cut();
        // Wakes the accepting thread, which then sees the flag.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// A panic elsewhere must not hide what was recorded.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, broker_port: u16, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        // While the broker is away the client sees its connection closed at once.
        let Ok(broker) = TcpStream::connect(("127.0.0.1", broker_port)) else { continue };
        if let Err(e) = forward_both_ways(client, broker, shared) {
            lock(&shared.record).broken.push(format!("sockets: {e}"));
        }
    }
}

fn forward_both_ways(client: TcpStream, broker: TcpStream, shared: &Arc<Shared>) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    broker.set_nodelay(true)?;
    let connection = {
        let mut record = lock(&shared.record);
        record.connections.push(String::new());
        record.connections.len() - 1
    };
    {
        let mut sockets = lock(&shared.sockets);
        sockets.push(client.try_clone()?);
        sockets.push(broker.try_clone()?);
    }
    let pairs = [
        (client.try_clone()?, broker.try_clone()?, Direction::FromGateway),
        (broker, client, Direction::ToGateway),
    ];
    for (from, to, direction) in pairs {
        let shared = Arc::clone(shared);
        thread::spawn(move || pump(from, to, direction, connection, &shared));
    }
    Ok(())
}

/// Records each packet before it passes it on: what the far side knows, the record knows.
fn pump(mut from: TcpStream, mut to: TcpStream, direction: Direction, connection: usize, shared: &Shared) {
    let mut reader = Some(Reader::default());
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let passes = match &mut reader {
            None => Ok(bytes[..count].to_vec()),
            Some(readable) => {
                readable.push(&bytes[..count]);
                match note_packets(readable, direction, connection, shared) {
                    Ok(passes) => passes,
                    Err(e) => {
                        lock(&shared.record).broken.push(format!("connection {connection}: {e}"));
                        let rest = readable.rest();
                        reader = None;
                        Ok(rest)
                    }
                }
            }
        };
        let (octets, ends) = passes.map_or_else(|octets| (octets, true), |octets| (octets, false));
        if to.write_all(&octets).is_err() || ends {
            if lock(&shared.misbehaviour).is_busy {
                let _ = from.write_all(&SERVER_BUSY);
            }
            break;
        }
    }
    // One closed half would leave the other side waiting for ever.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// A CONNACK that refuses: Server busy.
const SERVER_BUSY: [u8; 5] = [0x20, 3, 0, 0x89, 0];

/// What is passed on of the packets that have come; as an error where the connection ends behind it.
type Passed = Result<Vec<u8>, Vec<u8>>;

fn note_packets(
    reader: &mut Reader,
    direction: Direction,
    connection: usize,
    shared: &Shared,
) -> Result<Passed, String> {
    let mut passed = Vec::new();
    while let Some((packet, octets)) = reader.next_with_octets()? {
        let fate = lock(&shared.misbehaviour).fate(&packet, direction);
        if matches!(fate, Fate::EndsTheConnection) {
            return Ok(Err(passed));
        }
        lock(&shared.record).note(packet, direction, connection);
        if matches!(fate, Fate::Passes) {
            passed.extend(octets);
        }
    }
    Ok(Ok(passed))
}

impl Misbehaviour {
    fn fate(&self, packet: &Packet, direction: Direction) -> Fate {
        match (packet, direction) {
            (Packet::Puback { .. }, Direction::ToGateway) if self.loses_acknowledgements => Fate::IsLost,
            (Packet::Publish(publish), Direction::FromGateway)
                if self.forbidden.as_ref() == Some(&publish.topic) =>
            {
                Fate::EndsTheConnection
            }
            (Packet::Connect { .. }, Direction::FromGateway) if self.is_busy => Fate::EndsTheConnection,
            _ => Fate::Passes,
        }
    }
}

impl Record {
    fn note(&mut self, packet: Packet, direction: Direction, connection: usize) {
        match (packet, direction) {
            (Packet::Connect { client_id }, _) => self.connections[connection] = client_id,
            (Packet::Publish(publish), Direction::ToGateway) if publish.topic.contains("/gateway/") => {}
            (Packet::Publish(publish), _) => {
                if matches!(direction, Direction::FromGateway) {
                    self.unlike_schema.extend(contract::mistake_of(&publish));
                }
                let crossing = Crossing { connection, publish, acknowledged: None };
                match direction {
                    Direction::FromGateway => self.from_gateway.push(crossing),
                    Direction::ToGateway => self.to_gateway.push(crossing),
                }
            }
            (Packet::Puback { packet_id, reason }, Direction::ToGateway) => {
                acknowledge(&mut self.from_gateway, connection, packet_id, reason);
            }
            (Packet::Puback { packet_id, reason }, Direction::FromGateway) => {
                acknowledge(&mut self.to_gateway, connection, packet_id, reason);
            }
            (Packet::Suback { .. }, _) => self.subscribed.push(connection),
            _ => {}
        }
    }
}

/// A packet id is free again once acknowledged, so the oldest open one is meant.
fn acknowledge(crossings: &mut [Crossing], connection: usize, packet_id: u16, reason: u8) {
    let open = crossings.iter_mut().find(|crossing| {
        crossing.connection == connection
            && crossing.acknowledged.is_none()
            && crossing.publish.packet_id == packet_id
            && crossing.publish.qos > 0
    });
    if let Some(crossing) = open {
        crossing.acknowledged = Some(reason);
    }
}
