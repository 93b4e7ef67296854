//! A terminal for tests: types lines, reads until what it waits for has come.

use std::time::Duration;

use smsbridge_simulator::{End, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub struct Terminal {
    stream: DuplexStream,
    pub seen: String,
    pub served: JoinHandle<std::io::Result<End>>,
}

pub fn connect(sim: &Simulator) -> Terminal {
    let (stream, modem) = tokio::io::duplex(4096);
    let sim = sim.clone();
    let served = tokio::spawn(async move { sim.serve(modem).await });
    Terminal { stream, seen: String::new(), served }
}

/// Connected, echo off.
pub async fn quiet(sim: &Simulator) -> Terminal {
    let mut terminal = connect(sim);
    terminal.ask("ATE0").await;
    terminal
}

impl Terminal {
    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Reads until the text is there; what came up to and with it.
    pub async fn until(&mut self, text: &str) -> String {
        let wait = async {
            loop {
                if let Some(at) = self.seen.find(text) {
                    let rest = self.seen.split_off(at + text.len());
                    return std::mem::replace(&mut self.seen, rest);
                }
                let mut bytes = [0; 256];
                let count = self.stream.read(&mut bytes).await.unwrap();
                assert!(count > 0, "closed while waiting for {text:?}, seen {:?}", self.seen);
                self.seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        };
        let result = timeout(Duration::from_secs(100), wait).await;
        result.unwrap_or_else(|_| panic!("no {text:?} came, seen {:?}", self.seen))
    }

    /// One command line: the non-empty lines of its answer, the result last.
    pub async fn ask(&mut self, line: &str) -> Vec<String> {
        self.write(format!("{line}\r").as_bytes()).await;
        self.result().await
    }

    pub async fn result(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.until("\r\n").await.trim().to_string();
            let last = line == "OK" || line.contains("ERROR") || line == "COMMAND NOT SUPPORT";
            if !line.is_empty() {
                lines.push(line);
            }
            if last {
                return lines;
            }
        }
    }

    /// Sends a PDU: the lines after Ctrl-Z.
    pub async fn send(&mut self, pdu: &str, length: usize) -> Vec<String> {
        self.write(format!("AT+CMGS={length}\r").as_bytes()).await;
        self.until("\r\n> ").await;
        self.write(format!("{pdu}\x1a").as_bytes()).await;
        self.result().await
    }

    /// Whatever comes in the next while.
    pub async fn in_the_next(&mut self, time: Duration) -> String {
        let mut bytes = [0; 256];
        let _ = timeout(time, async {
            loop {
                match self.stream.read(&mut bytes).await {
                    Ok(count) if count > 0 => self.seen.push_str(&String::from_utf8_lossy(&bytes[..count])),
                    _ => return,
                }
            }
        })
        .await;
        std::mem::take(&mut self.seen)
    }

    pub async fn is_closed(&mut self) -> bool {
        let mut bytes = [0; 256];
        timeout(Duration::from_secs(10), async {
            while self.stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
        })
        .await
        .is_ok()
    }
}
