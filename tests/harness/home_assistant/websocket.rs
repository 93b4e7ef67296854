//! Owns one connection to Home Assistant's websocket: its login, one command at a time, and the events of a subscription.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::{Error, Message, WebSocket};

use crate::harness::wait::wait_for;

/// How long one look for a message takes at most.
const LOOK: Duration = Duration::from_millis(50);

pub struct Connection {
    socket: WebSocket<TcpStream>,
    last_id: u64,
    /// Of subscriptions, in the order they came.
    events: Vec<Value>,
}

impl Connection {
    /// Logged in when this returns.
    pub fn open(port: u16, token: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("Home Assistant listens");
        let url = format!("ws://127.0.0.1:{port}/api/websocket");
        let (socket, _) = tungstenite::client(url, stream).expect("a websocket to Home Assistant");
        socket.get_ref().set_read_timeout(Some(LOOK)).expect("a limit for reads");
        let mut connection = Self { socket, last_id: 0, events: Vec::new() };
        connection.wait_for_type("auth_required");
        connection.write(&json!({"type": "auth", "access_token": token}));
        connection.wait_for_type("auth_ok");
        connection
    }

    /// Its result. A refusal fails the test.
    pub fn command(&mut self, command: &Value) -> Value {
        let answer = self.ask(command);
        assert_eq!(answer["success"], true, "Home Assistant refuses {command}: {answer}");
        answer["result"].clone()
    }

    /// Its whole answer, be it a refusal.
    pub fn ask(&mut self, command: &Value) -> Value {
        self.last_id += 1;
        let mut command = command.clone();
        command["id"] = json!(self.last_id);
        self.write(&command);
        wait_for(&format!("an answer to {command}"), || {
            loop {
                let message = self.read()?;
                if message["type"] == "event" {
                    self.events.push(message["event"].clone());
                } else if message["id"] == command["id"] {
                    return Some(message);
                }
            }
        })
    }

    /// The events of its subscriptions so far.
    pub fn events(&mut self) -> &[Value] {
        while let Some(message) = self.read() {
            if message["type"] == "event" {
                self.events.push(message["event"].clone());
            }
        }
        &self.events
    }

    fn wait_for_type(&mut self, wanted: &str) {
        let message = wait_for(&format!("{wanted:?} of Home Assistant"), || self.read());
        assert_eq!(message["type"], wanted, "{message}");
    }

    fn write(&mut self, message: &Value) {
        self.socket.send(Message::text(message.to_string())).expect("a websocket that takes a message");
    }

    /// The next message, or `None` where none comes at once.
    fn read(&mut self) -> Option<Value> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    return Some(serde_json::from_str(&text).expect("JSON of Home Assistant"));
                }
                Ok(_) => {}
                Err(Error::Io(e)) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return None;
                }
                Err(e) => panic!("the websocket to Home Assistant: {e}"),
            }
        }
    }
}
