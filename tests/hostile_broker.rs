//! A broker that sends what no broker should: thousands of damaged packets to real gateways, which live on and then
//! still work.
//!
//! Most packets keep their framing, so that one connection takes many; each batch ends with a request whose PUBACK says
//! that all before it was read. A connection ends with packets damaged anywhere, until the gateway has had enough.
//! Gateways wait longer after each connection, so there are several side by side.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::harness::broker_side::{connack, one_of_each, pingresp, pubrel, suback};
use crate::harness::damage::damage;
use crate::harness::gateway::{Config, Gateway};
use crate::harness::modem::{Modem, ModemOptions};
use crate::harness::mqtt_packets::{Packet, Publish, Reader, puback, publish};
use crate::harness::process::code;
use crate::harness::seed::Seed;
use crate::harness::wait::wait_until;

const GATEWAYS: usize = 5;
const PACKETS: usize = 5000;

/// Packets after which memory is compared: the caches are full.
const WARM: usize = 1000;
/// Octets of memory the rest may take: some 30 MiB of packets are sent, and requests go to the disk.
const MAX_GROWTH: u64 = 24 * 1024 * 1024;

/// Packets of a connection that keep their framing, and between two looks whether they were read.
const GENTLE: usize = 200;
const BATCH: usize = 40;
/// Then some that do not.
const HARSH: usize = 30;

/// How long a batch may take: requests wait for 5 s where the gateway does not know whose they are.
const STALLED: Duration = Duration::from_secs(60);
/// What waits for the rest of a packet that is longer than it says is left alone after this.
const SWALLOWED: Duration = Duration::from_millis(300);

const MARKER: u16 = 60_000;

const TOPICS: [&str; 12] = [
    "sms/send",
    "sms/send/main",
    "sms/send/nobody",
    "sms/cancel",
    "sms/ussd/main",
    "sms/result",
    "sms/gateway/attic",
    "sms/gateway/attic/availability",
    "sms/gateway/cellar",
    "sms/gateway/cellar/availability",
    "",
    "something/else",
];

const PAYLOADS: [&str; 7] = [
    r#"{"id":"storm","to":"+4915100000002","text":"hello","send_at":"2099-01-01T00:00:00Z"}"#,
    r#"{"to":["+4915100000002","+4915100000003"],"text":"Да","send_at":"2099-01-01T00:00:00Z","modem":"main"}"#,
    r#"{"id":"storm"}"#,
    r#"{"code":"*100#"}"#,
    r#"{"instance":"smsbridge-b","online":true}"#,
    "online",
    "offline",
];

/// What the brokers have done, and whether they behave by now.
#[derive(Default)]
struct Shared {
    packets: AtomicUsize,
    connections: AtomicUsize,
    behaves: AtomicBool,
    stalls: Mutex<Vec<String>>,
}

/// A scripted broker for one gateway.
struct Broker {
    port: u16,
    /// The result `sent` came, once it behaves.
    has_sent: Arc<AtomicBool>,
}

impl Broker {
    fn start(mut seed: Seed, shared: &Arc<Shared>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let has_sent = Arc::new(AtomicBool::new(false));
        let (shared, sent) = (Arc::clone(shared), Arc::clone(&has_sent));
        // It ends with the process: nobody connects any more once the gateway is gone.
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                // Any error is the end of a connection, which is what this is about.
                let _ = serve(&socket, &mut seed, &shared, &sent);
                let _ = socket.shutdown(Shutdown::Both);
            }
        });
        Self { port, has_sent }
    }
}

/// One connection, to its end.
fn serve(
    socket: &TcpStream,
    seed: &mut Seed,
    shared: &Shared,
    sent: &Arc<AtomicBool>,
) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let line = Line { socket: Arc::new(Mutex::new(socket.try_clone()?)), sent: Arc::clone(sent) };
    let (said, acknowledged) = channel();
    let (reading, copy) = (socket.try_clone()?, line.clone());
    let reader = thread::spawn(move || copy.read(reading, &said));
    let behaves = shared.behaves.load(Ordering::SeqCst);
    let mut greeting = connack(!behaves && seed.below(2) == 0);
    if !behaves && seed.below(4) == 0 {
        damage(seed, &mut greeting);
        shared.packets.fetch_add(1, Ordering::SeqCst);
    }
    line.write(&greeting)?;
    if behaves {
        let request = json!({"id": "calm", "to": "+4915100000002", "text": "still here"}).to_string();
        line.write(&marker("sms/send", request.as_bytes()))?;
        // Until the gateway is stopped.
        let _ = reader.join();
        return Ok(());
    }
    let ended = storm(&line, &acknowledged, seed, shared);
    let _ = socket.shutdown(Shutdown::Both);
    let _ = reader.join();
    ended
}

fn storm(line: &Line, acknowledged: &Receiver<u16>, seed: &mut Seed, shared: &Shared) -> std::io::Result<()> {
    for _ in 0..GENTLE / BATCH {
        for _ in 0..BATCH {
            line.write(&gentle(seed))?;
        }
        match line.is_read(acknowledged, STALLED)? {
            Batch::All => shared.packets.fetch_add(BATCH, Ordering::SeqCst),
            Batch::Ended => return Ok(()),
            Batch::Nothing => {
                let mut stalls = shared.stalls.lock().unwrap_or_else(PoisonError::into_inner);
                stalls.push(format!("seed {}: no answer in {} s", seed.value, STALLED.as_secs()));
                return Ok(());
            }
        };
    }
    let originals = one_of_each();
    for _ in 0..HARSH {
        let mut packet = originals[seed.below(originals.len() as u64) as usize].clone();
        damage(seed, &mut packet);
        line.write(&packet)?;
        shared.packets.fetch_add(1, Ordering::SeqCst);
        if !matches!(line.is_read(acknowledged, SWALLOWED)?, Batch::All) {
            return Ok(());
        }
    }
    Ok(())
}

/// A packet that is valid for the client, with content that is not.
fn gentle(seed: &mut Seed) -> Vec<u8> {
    match seed.below(12) {
        0 => return pingresp(),
        1 => return suback(seed.next() as u16, &[0, 1, 2, 0x80, 0x87, 0x8f][..1 + seed.below(6) as usize]),
        _ => {}
    }
    let mut payload = PAYLOADS[seed.below(PAYLOADS.len() as u64) as usize].as_bytes().to_vec();
    match seed.below(20) {
        0 => payload = vec![b'['; 60_000],
        1 => payload = (0..seed.below(200)).map(|_| seed.next() as u8).collect(),
        2 => payload.resize(300_000, b' '),
        _ => damage(seed, &mut payload),
    }
    let mut topic = TOPICS[seed.below(TOPICS.len() as u64) as usize].to_owned();
    match seed.below(20) {
        0 => topic.push_str(&"/x".repeat(30_000)),
        1 => topic = format!("sms/gateway/{}/availability", seed.next()),
        _ => {}
    }
    let qos = seed.below(3) as u8;
    publish(&Publish {
        topic,
        payload,
        qos,
        retain: seed.below(4) == 0,
        dup: seed.below(4) == 0,
        packet_id: if qos == 0 { 0 } else { 1 + seed.below(50_000) as u16 },
        response_topic: (seed.below(4) == 0)
            .then(|| ["answers/a", "sms/send", "#", ""][seed.below(4) as usize].to_owned()),
        correlation_data: (seed.below(4) == 0).then(|| vec![0xff; seed.below(3000) as usize]),
        message_expiry_s: (seed.below(4) == 0).then(|| [0, 1, u32::MAX][seed.below(3) as usize]),
    })
}

fn marker(topic: &str, payload: &[u8]) -> Vec<u8> {
    let (topic, payload) = (topic.to_owned(), payload.to_vec());
    publish(&Publish { topic, payload, qos: 1, packet_id: MARKER, ..Publish::default() })
}

/// What became of a batch.
enum Batch {
    All,
    Ended,
    Nothing,
}

/// A connection, for its two threads.
#[derive(Clone)]
struct Line {
    socket: Arc<Mutex<TcpStream>>,
    sent: Arc<AtomicBool>,
}

impl Line {
    fn write(&self, octets: &[u8]) -> std::io::Result<()> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner).write_all(octets)
    }

    /// Whether the gateway has read all that was written.
    fn is_read(&self, acknowledged: &Receiver<u16>, limit: Duration) -> std::io::Result<Batch> {
        self.write(&marker("sms/cancel", b"{}"))?;
        loop {
            match acknowledged.recv_timeout(limit) {
                Ok(MARKER) => return Ok(Batch::All),
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Batch::Ended),
                Err(RecvTimeoutError::Timeout) => return Ok(Batch::Nothing),
            }
        }
    }

    /// Answers as a broker does, and reports PUBACKs.
    fn read(&self, mut socket: TcpStream, said: &Sender<u16>) {
        let mut reader = Reader::default();
        let mut octets = [0; 16 * 1024];
        while let Ok(count @ 1..) = socket.read(&mut octets) {
            reader.push(&octets[..count]);
            while let Some(packet) = reader.next_packet().expect("a gateway speaks MQTT 5") {
                let answer = match packet {
                    Packet::Subscribe { packet_id, filters } => suback(packet_id, &vec![1; filters]),
                    Packet::Publish(publish) => {
                        let payload = String::from_utf8_lossy(&publish.payload);
                        if payload.contains(r#""id":"calm""#) && payload.contains(r#""state":"sent""#) {
                            self.sent.store(true, Ordering::SeqCst);
                        }
                        puback(publish.packet_id)
                    }
                    Packet::Pubrec { packet_id } => pubrel(packet_id),
                    // PINGREQ.
                    Packet::Other(12) => pingresp(),
                    Packet::Puback { packet_id, .. } => {
                        // The storm may be over.
                        let _ = said.send(packet_id);
                        continue;
                    }
                    _ => continue,
                };
                if self.write(&answer).is_err() {
                    return;
                }
            }
        }
    }
}

#[test]
fn five_thousand_damaged_packets_end_connections_and_nothing_else() {
    let mut seed = Seed::from_environment();
    let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
    let shared = Arc::new(Shared::default());
    let mut all: Vec<(Broker, Modem, Gateway)> = (0..GATEWAYS)
        .map(|n| {
            let folder = folder.path().join(n.to_string());
            std::fs::create_dir(&folder).expect("a folder for the gateway");
            let broker = Broker::start(Seed::with(seed.next()), &shared);
            let modem = Modem::start(&folder.join("modem"), &ModemOptions::default());
            let mut gateway = Gateway::prepare(&folder, &Config::new(&folder, broker.port, modem.port()));
            gateway.start();
            (broker, modem, gateway)
        })
        .collect();
    let mut wait_for_packets = |packets: usize| {
        wait_until(&format!("{packets} packets to be read"), || {
            all.iter_mut().for_each(|(_, _, gateway)| gateway.assert_running());
            shared.packets.load(Ordering::SeqCst) >= packets
        });
        all.iter().map(|(_, _, gateway)| gateway.memory()).collect::<Vec<u64>>()
    };
    let warm = wait_for_packets(WARM);
    let after = wait_for_packets(PACKETS);
    let connections = shared.connections.load(Ordering::SeqCst);
    println!("{PACKETS} packets on {connections} connections; memory {warm:?}, then {after:?}");
    shared.behaves.store(true, Ordering::SeqCst);
    for (broker, _, _) in &all {
        wait_until("a request to be sent once the broker behaves", || broker.has_sent.load(Ordering::SeqCst));
    }
    let stalls = shared.stalls.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(stalls, Vec::<String>::new(), "a gateway stopped reading");
    for (warm, after) in warm.iter().zip(&after) {
        assert!(*after < warm + MAX_GROWTH, "memory grew from {warm} to {after} octets");
    }
    for (_, _, gateway) in &mut all {
        assert_eq!(code(gateway.stop()), 0);
        let log = gateway.log();
        assert!(!log.contains("panicked"), "{log}");
    }
}
