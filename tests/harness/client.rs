//! Owns the test's own MQTT 5 client: an ordinary user of the gateway who survives broker restarts.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::broker::Login;
use super::contract;
use super::mqtt_packets::{self as mqtt, Packet, Publish, Reader};
use super::wait::{WAIT_TIMEOUT, wait_for};

const SUBSCRIBE_ID: u16 = u16::MAX;

#[derive(Default)]
struct State {
    received: Vec<Publish>,
    /// What the gateway published that is not as docs/schema/ says.
    unlike_schema: Vec<String>,
    /// Packet ids of our publishes the broker acknowledged.
    acknowledged: Vec<(u16, u8)>,
    next_id: u16,
    /// Counts connections; an unacknowledged publish is sent again on a new one.
    connection: usize,
    socket: Option<TcpStream>,
    subscribed: bool,
    stopped: bool,
}

struct Shared {
    port: u16,
    id: String,
    login: Option<Login>,
    filters: Vec<String>,
    state: Mutex<State>,
    changed: Condvar,
}

/// Subscribed when `start` returns, and again after every loss of the connection.
pub struct Client {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    pub fn start(port: u16, id: &str, login: Option<&Login>, filters: &[&str]) -> Self {
        let shared = Arc::new(Shared {
            port,
            id: id.to_owned(),
            login: login.cloned(),
            filters: filters.iter().map(|&filter| filter.to_owned()).collect(),
            state: Mutex::new(State { next_id: 1, ..State::default() }),
            changed: Condvar::new(),
        });
        let running = Arc::clone(&shared);
        let thread = Some(thread::spawn(move || running.run()));
        let client = Self { shared, thread };
        wait_for("the test's client to subscribe", || client.shared.lock().subscribed.then_some(()));
        client
    }

    /// Publishes at QoS 1 and returns when the broker has it, however often it is killed meanwhile. May publish twice.
    pub fn publish(&self, topic: &str, payload: impl AsRef<[u8]>) {
        self.publish_with(Publish {
            topic: topic.to_owned(),
            payload: payload.as_ref().to_vec(),
            qos: 1,
            ..Publish::default()
        });
    }

    /// The same with flags and properties of the caller's.
    pub fn publish_with(&self, publish: Publish) {
        let topic = publish.topic.clone();
        let reason = self.offer(publish);
        assert!(reason < 0x80, "the broker refuses a publish to {topic}: {reason:#x}");
    }

    /// The same; returns the broker's reason code, whatever it is.
    pub fn offer(&self, mut publish: Publish) -> u8 {
        contract::forged(&publish);
        let mut state = self.shared.lock();
        publish.packet_id = state.take_id();
        let end = Instant::now() + WAIT_TIMEOUT;
        let mut written_on = None;
        loop {
            if let Some(at) = state.acknowledged.iter().position(|(id, _)| *id == publish.packet_id) {
                return state.acknowledged.swap_remove(at).1;
            }
            if state.subscribed && written_on != Some(state.connection) {
                written_on = Some(state.connection);
                state.write(&mqtt::publish(&publish));
            }
            assert!(Instant::now() < end, "the broker never acknowledged a publish to {}", publish.topic);
            state = self.shared.wait(state);
        }
    }

    pub fn received(&self) -> Vec<Publish> {
        self.shared.lock().received.clone()
    }

    /// Forgets what was received so far, to wait for what comes next.
    pub fn forget(&self) {
        self.shared.lock().received.clear();
    }

    /// The first received JSON object that satisfies `wanted`.
    pub fn wait_for_json(&self, what: &str, mut wanted: impl FnMut(&str, &Value) -> bool) -> Value {
        let mut read = 0;
        wait_for(what, || {
            let state = self.shared.lock();
            // `forget` may have shortened the list.
            read = read.min(state.received.len());
            let found = state.received[read..].iter().find_map(|publish| {
                let json = serde_json::from_slice(&publish.payload).ok()?;
                wanted(&publish.topic, &json).then_some(json)
            });
            read = state.received.len();
            found
        })
    }

    /// A step of a request: the result with this id and state.
    pub fn wait_for_result(&self, id: &str, wanted: &str) -> Value {
        let what = format!("the result {wanted:?} of the request {id:?}");
        self.wait_for_json(&what, |topic, json| {
            topic.ends_with("/result") && json["id"] == id && json["state"] == wanted
        })
    }

    /// All results with `id`, in the order they came.
    pub fn results(&self, id: &str) -> Vec<Value> {
        self.received()
            .iter()
            .filter(|publish| publish.topic.ends_with("/result"))
            .filter_map(|publish| serde_json::from_slice::<Value>(&publish.payload).ok())
            .filter(|json| json["id"] == id)
            .collect()
    }

    /// The newest payload on a topic, as text.
    pub fn last_on(&self, topic: &str) -> Option<String> {
        let state = self.shared.lock();
        let publish = state.received.iter().rev().find(|publish| publish.topic == topic)?;
        Some(String::from_utf8_lossy(&publish.payload).into_owned())
    }

    /// Waits until the newest payload on `topic` is `payload`.
    pub fn wait_for_text(&self, topic: &str, payload: &str) {
        wait_for(&format!("{payload:?} on {topic}"), || {
            self.last_on(topic).filter(|last| last == payload).map(drop)
        });
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let received = self.received();
            println!("---- last of {} messages to {}:", received.len(), self.shared.id);
            for publish in &received[received.len().saturating_sub(20)..] {
                let payload = String::from_utf8_lossy(&publish.payload);
                println!("{} {}", publish.topic, payload.chars().take(1000).collect::<String>());
            }
        }
        {
            let mut state = self.shared.lock();
            state.stopped = true;
            state.write(&mqtt::disconnect());
            if let Some(socket) = state.socket.take() {
                // It may be closed already.
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
        if let Some(thread) = self.thread.take() {
            // A panic in it was printed there.
            let _ = thread.join();
        }
        let unlike_schema = std::mem::take(&mut self.shared.lock().unlike_schema);
        if !std::thread::panicking() {
            assert!(unlike_schema.is_empty(), "messages are as docs/schema/ says: {unlike_schema:#?}");
        }
    }
}

impl State {
    fn take_id(&mut self) -> u16 {
        let id = self.next_id;
        self.next_id = if id == SUBSCRIBE_ID - 1 { 1 } else { id + 1 };
        id
    }

    /// A failed write shows as the end of the connection, and is repeated on the next.
    fn write(&mut self, bytes: &[u8]) {
        if let Some(socket) = &mut self.socket {
            let _ = socket.write_all(bytes);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let (state, _) = self
            .changed
            .wait_timeout(state, Duration::from_millis(200))
            .unwrap_or_else(PoisonError::into_inner);
        state
    }

    fn run(&self) {
        loop {
            if let Ok(socket) = TcpStream::connect(("127.0.0.1", self.port)) {
                // Its end is the reason for the next round.
                let _ = self.live(socket);
            }
            let mut state = self.lock();
            state.socket = None;
            state.subscribed = false;
            if state.stopped {
                return;
            }
            drop(state);
            sleep(Duration::from_millis(50));
        }
    }

    /// One connection, from CONNECT to its end.
    fn live(&self, mut socket: TcpStream) -> std::io::Result<()> {
        socket.set_nodelay(true)?;
        {
            let mut state = self.lock();
            if state.stopped {
                return Ok(());
            }
            state.socket = Some(socket.try_clone()?);
            state.connection += 1;
            let login = self.login.as_ref().map(|login| (login.user.as_str(), login.password.as_str()));
            state.write(&mqtt::connect(&self.id, login));
        }
        let mut reader = Reader::default();
        let mut bytes = [0; 16 * 1024];
        while let count @ 1.. = socket.read(&mut bytes)? {
            reader.push(&bytes[..count]);
            while let Some(packet) = reader.next_packet().map_err(std::io::Error::other)? {
                self.handle(packet);
            }
        }
        Ok(())
    }

    fn handle(&self, packet: Packet) {
        let mut state = self.lock();
        match packet {
            Packet::Connack { reason: 0, .. } if self.filters.is_empty() => state.subscribed = true,
            Packet::Connack { reason: 0, .. } => state.write(&mqtt::subscribe(SUBSCRIBE_ID, &self.filters)),
            Packet::Suback { .. } => state.subscribed = true,
            Packet::Puback { packet_id, reason } => state.acknowledged.push((packet_id, reason)),
            Packet::Publish(publish) => {
                if publish.qos > 0 {
                    state.write(&mqtt::puback(publish.packet_id));
                }
                state.unlike_schema.extend(contract::mistake_of_received(&publish));
                state.received.push(publish);
            }
            _ => {}
        }
        self.changed.notify_all();
    }
}
