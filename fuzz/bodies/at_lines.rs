//! Any octets as what a modem says, from the first `AT` to a message sent: the lexer, the engine, and every reader of
//! an answer.
//!
//! The input is a script: each command typed is answered with the octets up to the next [`NEXT`]; nothing between two
//! of them stands for `OK`. What is left once the gateway only listens is said unasked. The clock is the runtime's and
//! stands still, so waiting takes no time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use smsbridge_modem::sms::OutgoingPdu;
use smsbridge_modem::{ConnectOptions, Modem};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Ends an answer: no modem says this octet.
pub const NEXT: u8 = 0xFE;

/// No dialogue takes longer by the runtime's clock; one that does is stuck.
const LIMIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Whether the modem was brought up and took a message.
pub fn run(octets: &[u8]) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let ended = runtime.block_on(async { tokio::time::timeout(LIMIT, live(octets)).await });
    ended.expect("the dialogue ends")
}

async fn live(octets: &[u8]) -> bool {
    let is_listened_to = Arc::new(AtomicBool::new(false));
    let answers = octets.split(|octet| *octet == NEXT).rev().map(<[u8]>::to_vec).collect();
    let script =
        Script { answers, said: Vec::new(), is_asked: false, is_listened_to: Arc::clone(&is_listened_to) };
    let options = ConnectOptions::default().with_pin("1234").with_service_centre("+491710760000");
    let Ok(mut modem) = Modem::connect(script, options).await else { return false };
    for message in modem.messages().await.pdus {
        let _ = modem.delete(message.storage, message.slot).await;
    }
    let _ = modem.network().await;
    let hi = OutgoingPdu { hex: "0001000D91945111325476F8000002C834".to_owned(), tpdu_length: 16 };
    let is_sent = modem.send(&hi).await.is_ok();
    is_listened_to.store(true, Ordering::Relaxed);
    while modem.next_event().await.is_ok() {}
    is_sent
}

/// A modem that says what is written here, the last first.
struct Script {
    answers: Vec<Vec<u8>>,
    /// What of the present answer was not read yet.
    said: Vec<u8>,
    /// Something was typed since the last answer.
    is_asked: bool,
    is_listened_to: Arc<AtomicBool>,
}

impl AsyncRead for Script {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let script = self.get_mut();
        if script.said.is_empty() {
            if !script.is_asked && !script.is_listened_to.load(Ordering::Relaxed) {
                // Nobody wakes the reader: what it waits for beside this is a deadline, or that it types.
                return Poll::Pending;
            }
            script.is_asked = false;
            match script.answers.pop() {
                Some(answer) if answer.is_empty() => script.said = b"\r\nOK\r\n".to_vec(),
                Some(answer) => script.said = answer,
                // The port is gone.
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = script.said.len().min(buf.remaining());
        buf.put_slice(&script.said[..count]);
        script.said.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<std::io::Result<usize>> {
        self.get_mut().is_asked = true;
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
