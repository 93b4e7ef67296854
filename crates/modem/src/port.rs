//! The byte stream a modem is behind: a serial device or a TCP connection.
//!
//! Owns opening, and the words for why it failed. With `com_ports.rs` the only file that names tokio-serial. It must never
//! block the caller (some USB modems hang in `open`, and in `close`: `device.rs`) and never rely on modem lines. Input is
//! a port as a user writes it.

use std::fmt;
use std::io;
#[cfg(feature = "serial")]
use std::path::Path;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
#[cfg(feature = "serial")]
use tokio_serial::{ClearBuffer, SerialPort as _, SerialPortBuilderExt as _, SerialStream};

#[cfg(feature = "serial")]
use crate::device::{self, Device, OpenError, Use};
use crate::serial_ports::Holder;
#[cfg(feature = "serial")]
use crate::serial_ports::{self, Candidate};
use crate::session::Stream;

/// How long opening a port may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a modem is, as a user writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PortSpec {
    /// `auto`: look for it.
    Auto,
    /// A device: `/dev/serial/by-id/…`, `COM6`.
    Serial(String),
    /// `tcp://host:port`: a serial device server.
    Tcp {
        /// Name or address; a version 6 address without its brackets.
        host: String,
        /// Port number.
        port: u16,
    },
}

/// A `port` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a port; expected auto, a device such as /dev/ttyUSB2 or COM6, or tcp://host:port")]
pub struct PortSpecError(String);

impl FromStr for PortSpec {
    type Err = PortSpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || PortSpecError(text.to_string());
        let text = text.trim();
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            let (host, port) = rest.trim_end_matches('/').rsplit_once(':').ok_or_else(wrong)?;
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
            if !scheme.eq_ignore_ascii_case("tcp") || host.is_empty() {
                return Err(wrong());
            }
            return Ok(Self::Tcp { host: host.to_string(), port });
        }
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(wrong());
        }
        Ok(Self::Serial(text.to_string()))
    }
}

impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Serial(path) => f.write_str(path),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
        }
    }
}

/// Why a port did not open. Its words say what is wrong and what to try.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PortError {
    /// No such device.
    #[error("{port} does not exist; {}", ports_in_words(.existing))]
    Missing {
        /// What was asked for.
        port: String,
        /// What there is.
        existing: Vec<String>,
    },
    /// No permission to open it.
    #[error("no permission to open {port}, which belongs to the group {group}")]
    Denied {
        /// What was asked for.
        port: String,
        /// The group that may open it.
        group: String,
    },
    /// Another process has it open.
    #[error("{port} is in use by {}", holder_in_words(.holder))]
    Busy {
        /// What was asked for.
        port: String,
        /// Who has it open, where the system says.
        holder: Option<Holder>,
    },
    /// Not a serial device.
    #[error("{port} is not a serial device; choose one of /dev/serial/by-id/ or /dev/ttyUSB*")]
    NotATty {
        /// What was asked for.
        port: String,
    },
    /// A TCP connection could not be made.
    #[error(
        "cannot connect to {address}: {why}; check that the serial device server is on and listens there"
    )]
    Unreachable {
        /// Host and port.
        address: String,
        /// The system's words.
        why: String,
    },
    /// It did not open in time.
    #[error("{port} did not open within {} s; unplug the modem and plug it in again", OPEN_TIMEOUT.as_secs())]
    TimedOut {
        /// What was asked for.
        port: String,
    },
    /// An earlier try to open it has not come back.
    #[error(
        "{port} is still being opened by an earlier try: its driver hangs; unplug the modem and plug it in again"
    )]
    StillOpening {
        /// What was asked for.
        port: String,
    },
    /// It was closed, and that has not come to its end.
    #[error(
        "{port} is still being closed after {} s: the modem takes no data; unplug it and plug it in again",
        OPEN_TIMEOUT.as_secs()
    )]
    StillClosing {
        /// What was asked for.
        port: String,
    },
    /// `auto` found none.
    #[error("no modem found: {0}")]
    NoModem(String),
    /// `auto` found several.
    #[error("several modems found, by IMEI: {}", .0.join(", "))]
    Several(Vec<String>),
    /// Anything else, in the system's words.
    #[error("cannot open {port}: {why}")]
    Other {
        /// What was asked for.
        port: String,
        /// The system's words.
        why: String,
    },
}

fn ports_in_words(existing: &[String]) -> String {
    if existing.is_empty() {
        "there is no serial port at all: is the modem plugged in and powered?".into()
    } else {
        format!("there are: {}", existing.join(", "))
    }
}

fn holder_in_words(holder: &Option<Holder>) -> String {
    holder.as_ref().map_or_else(|| "another process".into(), Holder::to_string)
}

/// An open port.
#[non_exhaustive]
pub enum Port {
    /// A serial device.
    #[cfg(feature = "serial")]
    Serial(Box<SerialLine>),
    /// A TCP connection.
    Tcp(TcpStream),
    /// Anything else, such as an in-process stream.
    Stream(Box<dyn Stream>),
}

/// An open serial device. It is closed without blocking whoever drops it, on a blocking thread of the runtime; end a runtime
/// by `shutdown_background` where its end must not wait for a driver that hangs.
#[cfg(feature = "serial")]
#[derive(Debug)]
pub struct SerialLine(Device<Tty>);

#[cfg(feature = "serial")]
#[derive(Debug)]
struct Tty(SerialStream);

#[cfg(feature = "serial")]
impl Drop for Tty {
    fn drop(&mut self) {
        // Closing would wait for what the modem does not take. Nothing is to be done about an error here.
        let _ = self.0.clear(ClearBuffer::Output);
    }
}

#[cfg(feature = "serial")]
impl SerialLine {
    fn stream(&mut self) -> io::Result<Pin<&mut SerialStream>> {
        self.0.get_mut().map(|tty| Pin::new(&mut tty.0)).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

#[cfg(feature = "serial")]
impl AsyncRead for SerialLine {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(cx, buf)
    }
}

#[cfg(feature = "serial")]
impl AsyncWrite for SerialLine {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Flushing a tty waits in the kernel until the last octet left, which blocks the thread.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Port {
    /// A port over any byte stream.
    pub fn from_stream(stream: impl Stream + 'static) -> Self {
        Self::Stream(Box::new(stream))
    }

    fn inner(self: Pin<&mut Self>) -> Pin<&mut dyn Stream> {
        match self.get_mut() {
            #[cfg(feature = "serial")]
            Self::Serial(port) => Pin::new(port.as_mut()),
            Self::Tcp(port) => Pin::new(port),
            Self::Stream(port) => Pin::new(port.as_mut()),
        }
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            #[cfg(feature = "serial")]
            Self::Serial(_) => "Port::Serial",
            Self::Tcp(_) => "Port::Tcp",
            Self::Stream(_) => "Port::Stream",
        })
    }
}

impl AsyncRead for Port {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_read(cx, buf)
    }
}

impl AsyncWrite for Port {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.inner().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(cx)
    }
}

/// Opens a port. [`PortSpec::Auto`] names none: [`crate::detect::find`] finds it.
pub async fn open(spec: &PortSpec, baud: u32) -> Result<Port, PortError> {
    match spec {
        PortSpec::Auto => Err(PortError::NoModem("`auto` names no port".into())),
        PortSpec::Serial(path) => serial(path, baud).await,
        PortSpec::Tcp { host, port } => tcp(host, *port).await,
    }
}

async fn tcp(host: &str, port: u16) -> Result<Port, PortError> {
    let unreachable = |why: String| PortError::Unreachable { address: format!("{host}:{port}"), why };
    match timeout(OPEN_TIMEOUT, TcpStream::connect((host, port))).await {
        Ok(Ok(stream)) => {
            // A command is one small packet and should leave at once; a stream that cannot do that works as well.
            let _ = stream.set_nodelay(true);
            Ok(Port::Tcp(stream))
        }
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(_) => Err(unreachable(format!("no answer within {} s", OPEN_TIMEOUT.as_secs()))),
    }
}

#[cfg(feature = "serial")]
async fn serial(path: &str, baud: u32) -> Result<Port, PortError> {
    let port = path.to_string();
    let opening = device::open(Path::new(path), OPEN_TIMEOUT, {
        let port = port.clone();
        move || {
            let mut stream =
                tokio_serial::new(&port, baud).open_native_async().map_err(|e| refusal(&port, &e))?;
            // Some cables want them, a PTY has none.
            let _ = stream.write_data_terminal_ready(true);
            let _ = stream.write_request_to_send(true);
            Ok(Tty(stream))
        }
    });
    opening.await.map(|device| Port::Serial(Box::new(SerialLine(device)))).map_err(|error| match error {
        OpenError::Failed(error) => error,
        OpenError::TimedOut => PortError::TimedOut { port },
        OpenError::InUse(Use::Opening) => PortError::StillOpening { port },
        OpenError::InUse(Use::Closing) => PortError::StillClosing { port },
        OpenError::InUse(Use::Open) => PortError::Busy { port, holder: Some(Holder::this_process()) },
        OpenError::Panicked(why) => PortError::Other { port, why },
    })
}

#[cfg(not(feature = "serial"))]
async fn serial(path: &str, _baud: u32) -> Result<Port, PortError> {
    let why = "this program was built without serial devices (feature `serial`)".to_string();
    Err(PortError::Other { port: path.to_string(), why })
}

#[cfg(feature = "serial")]
fn refusal(port: &str, error: &tokio_serial::Error) -> PortError {
    let path = Path::new(port);
    let port = port.to_string();
    let said = error.to_string().to_ascii_lowercase();
    let kind = match error.kind() {
        tokio_serial::ErrorKind::Io(kind) => Some(kind),
        _ => None,
    };
    if !serial_ports::is_there(path) || kind == Some(io::ErrorKind::NotFound) {
        return PortError::Missing { port, existing: existing_ports() };
    }
    // What Windows answers, in its own language, while another program has the port.
    if cfg!(windows) && error.kind() == tokio_serial::ErrorKind::NoDevice {
        return PortError::Busy { port, holder: None };
    }
    if kind == Some(io::ErrorKind::PermissionDenied) || said.contains("permission denied") {
        return PortError::Denied {
            port,
            group: serial_ports::group_of(path).unwrap_or_else(|| "dialout".into()),
        };
    }
    // A COM port is no file: asking for it as one would open it.
    let is_file = !cfg!(windows) && (path.is_file() || path.is_dir());
    if said.contains("typewriter") || said.contains("inappropriate ioctl") || is_file {
        return PortError::NotATty { port };
    }
    let holder = serial_ports::holder(path);
    if holder.is_some() || said.contains("lock") || said.contains("busy") || said.contains("denied") {
        return PortError::Busy { port, holder };
    }
    PortError::Other { port, why: error.to_string() }
}

#[cfg(feature = "serial")]
fn existing_ports() -> Vec<String> {
    let name = |candidate: &Candidate| candidate.stable_name().display().to_string();
    serial_ports::candidates(true).iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_as_users_write_them() {
        let serial = |path: &str| Ok(PortSpec::Serial(path.into()));
        let tcp = |host: &str, port| Ok(PortSpec::Tcp { host: host.into(), port });
        let wrong = |text: &str| Err(PortSpecError(text.into()));
        let rows = [
            ("auto", Ok(PortSpec::Auto)),
            ("Auto", Ok(PortSpec::Auto)),
            ("/dev/ttyUSB2", serial("/dev/ttyUSB2")),
            ("COM6", serial("COM6")),
            ("tcp://10.0.0.5:7000", tcp("10.0.0.5", 7000)),
            ("tcp://[::1]:7000", tcp("::1", 7000)),
            ("tcp://host", wrong("tcp://host")),
            ("tcp://:7000", wrong("tcp://:7000")),
            ("udp://host:1", wrong("udp://host:1")),
            ("", wrong("")),
        ];
        for (text, expect) in rows {
            assert_eq!(text.parse::<PortSpec>(), expect, "{text}");
            if let Ok(spec) = expect {
                assert_eq!(spec.to_string().parse::<PortSpec>(), Ok(spec), "{text}");
            }
        }
    }

    #[tokio::test]
    async fn a_missing_device_says_so() {
        let spec = PortSpec::Serial("/dev/no-such-modem".into());
        let error = open(&spec, 115_200).await.unwrap_err();
        assert!(matches!(error, PortError::Missing { .. }), "{error}");
        assert!(error.to_string().starts_with("/dev/no-such-modem does not exist"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_plain_file_is_no_modem() {
        let spec = PortSpec::Serial("/dev/null".into());
        let error = open(&spec, 115_200).await.unwrap_err();
        assert!(matches!(error, PortError::NotATty { .. }), "{error}");
    }

    #[cfg(all(target_os = "linux", feature = "serial"))]
    #[tokio::test]
    async fn closing_does_not_wait_for_octets_the_modem_did_not_take() {
        use tokio::io::AsyncReadExt as _;

        let (mut modem, mut line) = SerialStream::pair().unwrap();
        let mut written = 0;
        // Until it takes no more; the reader's side of a pseudo-terminal holds 4096 of them, the writer's the rest.
        while let Ok(n @ 1..) = line.try_write(&[b'A'; 1024]) {
            written += n;
        }
        assert!(written > 8192, "{written} octets");
        drop(Tty(line));
        let mut left = Vec::new();
        // The end of a pseudo-terminal is an error to its master.
        let _ = modem.read_to_end(&mut left).await;
        assert!(left.len() < written, "{} of {written} octets were still waited for", left.len());
    }

    #[tokio::test]
    async fn nobody_listens() {
        let spec = PortSpec::Tcp { host: "127.0.0.1".into(), port: 1 };
        let error = open(&spec, 115_200).await.unwrap_err();
        assert!(matches!(error, PortError::Unreachable { .. }), "{error}");
    }
}
