//! A readable log of the bytes between us and a modem.
//!
//! [`Traced`] is put around a port and is a port itself; nothing else knows of it. It must never
//! write a PIN or a PDU: lines are masked before they reach the log, and are held until they are
//! whole, so that no secret is written in halves. A transcript that cannot be written is no fault.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::at::cusd::{self, OpenText};
use crate::at::urc;
use crate::secrets::without_pins;

/// Longer lines are written in pieces.
const MAX_LINE: usize = 2048;
/// A run of this many hexadecimal digits is a PDU or part of one.
const PDU_DIGITS: usize = 16;

/// A transcript of several modems in one file, to be given to [`Traced::labelled`].
#[derive(Debug, Clone)]
pub struct TraceFile {
    file: Arc<Mutex<File>>,
    unmasked: bool,
}

/// The lines of one modem in a [`TraceFile`].
#[derive(Debug)]
pub struct Labelled {
    file: TraceFile,
    label: String,
}

impl Write for Labelled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = [self.label.as_bytes(), bytes].concat();
        self.file.write_all(&line).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TraceFile {
    /// Opens a file to add to. Others may not read it: even masked it shows who was in touch when.
    pub fn open(path: &Path, unmasked: bool) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self { file: Arc::new(Mutex::new(options.open(path)?)), unmasked })
    }
}

impl Write for TraceFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line of the dialogue, masked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line<'a> {
    /// Since the port was opened.
    pub after: Duration,
    /// Whether it went to the modem.
    pub is_sent: bool,
    /// Printable ASCII, without its line end.
    pub text: &'a str,
}

/// Where lines of the dialogue go.
pub trait Transcript {
    /// Takes a line.
    fn line(&mut self, line: Line<'_>);
}

/// A log: seconds, `>` out or `<` in, text.
impl<W: Write> Transcript for W {
    fn line(&mut self, line: Line<'_>) {
        let direction = if line.is_sent { '>' } else { '<' };
        // In one piece, so that those who share a file keep their lines apart.
        let line = format!("{:10.3} {direction} {}\n", line.after.as_secs_f32(), line.text);
        let _ = self.write_all(line.as_bytes());
        let _ = self.flush();
    }
}

/// How much of the dialogue a log shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// All but PINs.
    All,
    /// All but PINs and PDUs.
    NoMessages,
    /// Neither PINs and PDUs nor numbers and texts.
    NothingPersonal,
}

/// A port whose bytes are written to `W`, line by line.
#[derive(Debug)]
pub struct Traced<P, W> {
    port: P,
    log: W,
    shown: Shown,
    began: Instant,
    sent: Vec<u8>,
    received: Vec<u8>,
    /// A text that goes on over the next line.
    text: Option<OpenText>,
}

impl<P, W: Transcript> Traced<P, W> {
    /// Puts a log around a port. It has numbers, and texts of USSD.
    pub fn new(port: P, log: W) -> Self {
        Self::showing(Shown::NoMessages, port, log)
    }

    /// The same without numbers and texts: for whoever helps, or looks on.
    pub fn impersonal(port: P, log: W) -> Self {
        Self::showing(Shown::NothingPersonal, port, log)
    }

    fn showing(shown: Shown, port: P, log: W) -> Self {
        Self { port, log, shown, began: Instant::now(), sent: Vec::new(), received: Vec::new(), text: None }
    }

    fn note(&mut self, out: bool, bytes: &[u8]) {
        for byte in bytes {
            let line = if out { &mut self.sent } else { &mut self.received };
            line.push(*byte);
            let is_complete = matches!(byte, b'\r' | b'\n' | 0x1A | 0x1B) || line == b"> ";
            if is_complete || line.len() >= MAX_LINE {
                let line = std::mem::take(line);
                self.write(out, &line);
            }
        }
    }

    fn write(&mut self, is_sent: bool, line: &[u8]) {
        if line.iter().all(|b| matches!(b, b'\r' | b'\n')) {
            return;
        }
        let line = printable(line);
        let text = match self.shown {
            Shown::All => without_pins(&line),
            Shown::NoMessages => masked(&line),
            Shown::NothingPersonal => self.without_people(&line),
        };
        self.log.line(Line { after: self.began.elapsed(), is_sent, text: &text });
    }
}

impl<P> Traced<P, Labelled> {
    /// Puts a shared transcript around the port of the modem of that name. Time counts from the port's opening, of
    /// which the transcript gives the Unix time.
    pub fn labelled(port: P, mut log: TraceFile, name: &str) -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let _ = log.write_all(format!("{name} opened at {unix}\n").as_bytes());
        let shown = if log.unmasked { Shown::All } else { Shown::NothingPersonal };
        Self::showing(shown, port, Labelled { file: log, label: format!("{name} ") })
    }
}

impl<P, W> Traced<P, W> {
    /// A line without numbers and texts: long digits keep their last two, quoted texts their length.
    fn without_people(&mut self, line: &str) -> String {
        let upper = line.to_ascii_uppercase();
        let now = Instant::now();
        let goes_on = |text: &OpenText| now < text.deadline() && !urc::is_never_text(line);
        if let Some(mut text) = self.text.take().filter(goes_on) {
            if !text.add(line, now) {
                self.text = Some(text);
            }
            return format!("<{} characters>", line.chars().count());
        }
        if upper.starts_with(cusd::PREFIX) || upper.contains("AT+CUSD=1,") {
            self.text = OpenText::begin(line, now);
            let (head, text) = line.split_once('"').unwrap_or((line, ""));
            let (text, tail) = text.rsplit_once('"').unwrap_or((text, ""));
            return format!("{head}<{} characters>{tail}", text.chars().count());
        }
        replace_runs(
            &masked(line),
            |c| c.is_ascii_digit(),
            |digits| match digits.len() {
                0..5 => None,
                length => Some(format!("…{}", digits.get(length - 2..).unwrap_or_default())),
            },
        )
    }
}

/// Replaces each run of characters for which `is_part` holds by what `replace` makes of it, or leaves it.
fn replace_runs(
    line: &str,
    is_part: impl Fn(char) -> bool,
    replace: impl Fn(&str) -> Option<String>,
) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(&is_part) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
        out.push_str(before);
        out.push_str(replace(run).as_deref().unwrap_or(run));
        rest = after;
    }
    out + rest
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
    let line = &without_pins(line);
    // An ICCID or IMEI has at most 20 digits and no letters; a PDU is longer or has them.
    let is_number = |run: &str| run.len() <= 20 && run.bytes().all(|b| b.is_ascii_digit());
    replace_runs(
        line,
        |c| c.is_ascii_hexdigit(),
        |run| (run.len() >= PDU_DIGITS && !is_number(run)).then(|| format!("<{} octets>", run.len() / 2)),
    )
}

impl<P: AsyncRead + Unpin, W: Transcript + Unpin> AsyncRead for Traced<P, W> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.port).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = &polled {
            match buf.filled().get(before..) {
                Some(bytes) if !bytes.is_empty() => this.note(false, bytes),
                _ => this.write(false, b"(end of stream)"),
            }
        }
        polled
    }
}

impl<P: AsyncWrite + Unpin, W: Transcript + Unpin> AsyncWrite for Traced<P, W> {
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

    #[test]
    fn numbers_and_texts_are_masked_in_a_transcript() {
        let rows = [
            ("caller", "+CLIP: \"+4915112345678\",145", "+CLIP: \"+…78\",145"),
            ("own number", "+CNUM: \"\",\"+4915112345678\",145", "+CNUM: \"\",\"+…78\",145"),
            ("ussd", "+CUSD: 0,\"Balance: 12.34\",15", "+CUSD: 0,<14 characters>,15"),
            ("ussd code", "AT+CUSD=1,\"*100#\",15", "AT+CUSD=1,<5 characters>,15"),
            ("ussd begins", "+CUSD: 1,\"Choose:", "+CUSD: 1,<7 characters>"),
            ("ussd goes on", "1 Balance of \"Mary\"", "<19 characters>"),
            ("ussd ends", "2 Exit\",15", "<10 characters>"),
            ("ussd with quotes begins", "+CUSD: 1,\"Dial \"1\"", "+CUSD: 1,<7 characters>"),
            ("ussd with quotes goes on", "for Mary", "<8 characters>"),
            ("its closing quote is lost", "+CMTI: \"SM\",3", "+CMTI: \"SM\",3"),
            ("pdu", "0791947106004034040C9194", "<12 octets>"),
            ("signal", "+CSQ: 20,99", "+CSQ: 20,99"),
            ("pin", "AT+CPIN=\"1234\"", "AT+CPIN=****"),
        ];
        let mut traced = Traced::new(tokio::io::empty(), Vec::new());
        for (name, line, expect) in rows {
            assert_eq!(traced.without_people(line), expect, "{name}");
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
