//! A readable log of the bytes between us and a modem.
//!
//! [`Traced`] is put around a port and is a port itself; nothing else knows of it. It must never
//! write a PIN or a PDU: lines are masked before they reach the log, and are held until they are
//! whole, so that no secret slips out in halves. A log that cannot be written is no fault.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longer lines are written in pieces.
const LONGEST_LINE: usize = 2048;
/// A run of this many hexadecimal digits is a PDU or part of one.
const PDU_DIGITS: usize = 16;

/// A port whose bytes are written to `W`, line by line: seconds, `>` out or `<` in, text.
#[derive(Debug)]
pub struct Traced<P, W> {
    port: P,
    log: W,
    began: Instant,
    sent: Vec<u8>,
    received: Vec<u8>,
}

impl<P, W: Write> Traced<P, W> {
    /// Puts a log around a port.
    pub fn new(port: P, log: W) -> Self {
        Self { port, log, began: Instant::now(), sent: Vec::new(), received: Vec::new() }
    }

    fn note(&mut self, out: bool, bytes: &[u8]) {
        for byte in bytes {
            let line = if out { &mut self.sent } else { &mut self.received };
            line.push(*byte);
            let whole = matches!(byte, b'\r' | b'\n' | 0x1A | 0x1B) || line == b"> ";
            if whole || line.len() >= LONGEST_LINE {
                let line = std::mem::take(line);
                self.write(if out { '>' } else { '<' }, &line);
            }
        }
    }

    fn write(&mut self, direction: char, line: &[u8]) {
        if line.iter().all(|b| matches!(b, b'\r' | b'\n')) {
            return;
        }
        let text = masked(&printable(line));
        let seconds = self.began.elapsed().as_secs_f32();
        let _ = writeln!(self.log, "{seconds:10.3} {direction} {text}");
        let _ = self.log.flush();
    }
}

fn printable(line: &[u8]) -> String {
    let mut out = String::new();
    for byte in line {
        match byte {
            b'\r' | b'\n' => {}
            0x1A => out.push_str("<Ctrl-Z>"),
            0x1B => out.push_str("<ESC>"),
            b' '..=b'~' => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out
}

/// A line without PINs and PDUs.
pub fn masked(line: &str) -> String {
    const SECRET: [&str; 6] = ["AT+CPIN=", "AT+CPWD=", "AT+CLCK=", "AT^CPIN=", "AT+CPIN2=", "AT+QPIN="];
    let upper = line.to_ascii_uppercase();
    for head in SECRET {
        if let Some(at) = upper.find(head)
            && !upper.get(at + head.len()..).is_some_and(|rest| rest.starts_with('?'))
        {
            return format!("{}****", line.get(..at + head.len()).unwrap_or_default());
        }
    }
    let mut out = String::new();
    let mut digits = String::new();
    // An ICCID or IMEI has at most 20 digits and no letters; a PDU is longer or has them.
    let close = |digits: &mut String, out: &mut String| {
        let plain = digits.len() <= 20 && digits.bytes().all(|b| b.is_ascii_digit());
        if digits.len() >= PDU_DIGITS && !plain {
            out.push_str(&format!("<{} octets>", digits.len() / 2));
        } else {
            out.push_str(digits);
        }
        digits.clear();
    };
    for c in line.chars() {
        if c.is_ascii_hexdigit() {
            digits.push(c);
        } else {
            close(&mut digits, &mut out);
            out.push(c);
        }
    }
    close(&mut digits, &mut out);
    out
}

impl<P: AsyncRead + Unpin, W: Write + Unpin> AsyncRead for Traced<P, W> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.port).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = &polled {
            match buf.filled().get(before..) {
                Some(bytes) if !bytes.is_empty() => this.note(false, bytes),
                _ => this.write('<', b"(end of stream)"),
            }
        }
        polled
    }
}

impl<P: AsyncWrite + Unpin, W: Write + Unpin> AsyncWrite for Traced<P, W> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.port).poll_write(cx, buf);
        if let Poll::Ready(Ok(n)) = &polled {
            this.note(true, buf.get(..*n).unwrap_or_default());
        }
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().port).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().port).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[test]
    fn secrets_are_masked() {
        let rows = [
            ("pin", "AT+CPIN=\"1234\"", "AT+CPIN=****"),
            ("echoed pin", "junk AT+CPIN=1234", "junk AT+CPIN=****"),
            ("question", "AT+CPIN?", "AT+CPIN?"),
            ("pdu", "0791947106004034040C9194", "<12 octets>"),
            ("short pdu", "+CRSM: 144,0,\"98940F\"", "+CRSM: 144,0,\"98940F\""),
            ("iccid", "+CCID: 8949020000123456789", "+CCID: 8949020000123456789"),
            ("plain", "+CMTI: \"SM\",3", "+CMTI: \"SM\",3"),
        ];
        for (name, line, expect) in rows {
            assert_eq!(masked(line), expect, "{name}");
        }
    }

    #[tokio::test]
    async fn a_secret_in_two_writes_is_masked_too() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut log = Vec::new();
        {
            let mut traced = Traced::new(near, &mut log);
            traced.write_all(b"AT+CPIN=\"12").await.unwrap();
            traced.write_all(b"34\"\r").await.unwrap();
            far.write_all(b"\r\nOK\r\n").await.unwrap();
            let mut buffer = [0; 16];
            let _ = traced.read(&mut buffer).await.unwrap();
        }
        let log = String::from_utf8(log).unwrap();
        assert!(log.contains("> AT+CPIN=****"), "{log}");
        assert!(log.contains("< OK"), "{log}");
        assert!(!log.contains("34"), "{log}");
    }
}
