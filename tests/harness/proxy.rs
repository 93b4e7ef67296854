//! Owns the TCP proxy between gateway and broker, and the record of what crossed it.
//!
//! Whether a message was lost is read here, never from a subscriber: a killed mosquitto may forget
//! what it acknowledged, which is not the gateway's loss.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

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
    pub to_gateway: Vec<Crossing>,
    /// The connections whose subscriptions the broker has confirmed.
    pub subscribed: Vec<usize>,
    /// Streams that were not MQTT 5; always a fault of the gateway or of the harness.
    pub broken: Vec<String>,
}

struct Shared {
    record: Mutex<Record>,
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
        if let Some(readable) = &mut reader {
            readable.push(&bytes[..count]);
            if let Err(e) = note_packets(readable, direction, connection, shared) {
                lock(&shared.record).broken.push(format!("connection {connection}: {e}"));
                reader = None;
            }
        }
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // One closed half would leave the other side waiting for ever.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn note_packets(
    reader: &mut Reader,
    direction: Direction,
    connection: usize,
    shared: &Shared,
) -> Result<(), String> {
    while let Some(packet) = reader.next_packet()? {
        lock(&shared.record).note(packet, direction, connection);
    }
    Ok(())
}

impl Record {
    fn note(&mut self, packet: Packet, direction: Direction, connection: usize) {
        match (packet, direction) {
            (Packet::Connect { client_id }, _) => self.connections[connection] = client_id,
            (Packet::Publish(publish), _) => {
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
