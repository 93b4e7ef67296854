//! Owns what a test says to the gateway over HTTP, octet by octet: names and headers that no well-kept client sends.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

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
