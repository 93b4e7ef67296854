//! Owns what a test says to the gateway over HTTP, octet by octet: names and headers that no well-kept client sends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::Value;

use super::wait::WAIT_TIMEOUT;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// All values of a header.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let has_name = |header: &&(String, String)| header.0.eq_ignore_ascii_case(name);
        self.headers.iter().filter(has_name).map(|(_, value)| value.as_str()).collect()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("no JSON: {e}: {self:?}"))
    }
}

/// Connects, within the limit of every wait.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, WAIT_TIMEOUT).expect("the gateway listens");
    stream.set_read_timeout(Some(WAIT_TIMEOUT)).expect("a socket");
    stream.set_write_timeout(Some(WAIT_TIMEOUT)).expect("a socket");
    stream
}

/// Asks with these headers, and with a Host header where they have none.
pub fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head.push_str(&format!("Host: {address}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    say(address, format!("{head}Connection: close\r\n\r\n").as_bytes())
}

/// Posts JSON with these headers.
pub fn post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = body.len();
    say(
        address,
        format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes(),
    )
}

/// A server-sent event.
#[derive(Debug, Clone, Default)]
pub struct ServerEvent {
    pub id: String,
    pub kind: String,
    pub data: String,
}

impl ServerEvent {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|e| panic!("no JSON: {e}: {self:?}"))
    }
}

/// One who watches a stream of server-sent events.
pub struct Watcher {
    lines: std::io::Lines<BufReader<TcpStream>>,
    pub seen: Vec<ServerEvent>,
}

impl Watcher {
    /// Begins to watch, after the event `last_id` where that is not empty.
    pub fn start(address: SocketAddr, path: &str, last_id: &str) -> Self {
        let mut stream = connect(address);
        // HTTP/1.0 knows no chunks.
        let head = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nLast-Event-ID: {last_id}\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("the gateway reads");
        let mut lines = BufReader::new(stream).lines();
        let status = lines.next().and_then(Result::ok).unwrap_or_default();
        assert!(status.contains(" 200 "), "{path}: {status}");
        Watcher { lines, seen: Vec::new() }
    }

    /// The next event of this kind, of which this holds; none where the stream ends before.
    pub fn next(&mut self, kind: &str, is_it: impl Fn(&Value) -> bool) -> Option<ServerEvent> {
        let mut event = ServerEvent::default();
        let began = Instant::now();
        for line in self.lines.by_ref() {
            let line = line.unwrap_or_else(|e| panic!("{e} while waiting for {kind}: {:#?}", self.seen));
            // A stream is never silent for long.
            assert!(began.elapsed() < WAIT_TIMEOUT, "waited too long for {kind}: {:#?}", self.seen);
            match line.split_once(": ").unwrap_or((&line, "")) {
                ("id", id) => event.id = id.to_owned(),
                ("event", kind) => event.kind = kind.to_owned(),
                ("data", data) => event.data = data.to_owned(),
                ("", "") => {
                    let event = std::mem::take(&mut event);
                    if event.kind.is_empty() {
                        continue;
                    }
                    self.seen.push(event.clone());
                    if event.kind == kind && is_it(&event.json()) {
                        return Some(event);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The next event of this kind, of which this holds.
    pub fn wait_for(&mut self, kind: &str, is_it: impl Fn(&Value) -> bool) -> ServerEvent {
        self.next(kind, is_it).unwrap_or_else(|| panic!("the stream ended without {kind}: {:#?}", self.seen))
    }
}

/// Says these octets and reads the answer to its end.
pub fn say(address: SocketAddr, octets: &[u8]) -> Answer {
    let mut stream = connect(address);
    // It may answer, and close, before it has read all.
    let _ = stream.write_all(octets);
    read(&mut stream)
}

/// Reads one answer to the end of the connection.
pub fn read(stream: &mut TcpStream) -> Answer {
    let mut octets = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        octets.extend_from_slice(&chunk[..count]);
    }
    let text = String::from_utf8(octets).expect("an answer in UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    Answer {
        status: status.unwrap_or_else(|| panic!("no status: {head:?}")),
        headers: lines.filter_map(header).collect(),
        body: body.to_owned(),
    }
}
