//! Drives one connection: bytes between a stream and the modem.
//!
//! Owns nothing but the stream; decides nothing but pacing by baud rate. Ends when the other side
//! closes, the modem is unplugged, or a newer connection takes the line.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};

use crate::simulation::Next;
use crate::simulator::Simulator;

/// Why [`Simulator::serve`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The other side closed.
    Closed,
    /// The modem was unplugged (or left the bus at a reset).
    Unplugged,
    /// Another connection has the line now.
    Replaced,
}

/// Bytes written at once when there is a baud rate to keep.
const BURST: usize = 16;
/// Far enough away to stand for never.
const NEVER: Duration = Duration::from_secs(86_400);

/// Frees the line also when the future is dropped.
struct Attached<'a> {
    sim: &'a Simulator,
    id: u64,
}

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        self.sim.with(|simulation, now| simulation.detach(self.id, now));
    }
}

impl Simulator {
    /// Is the modem at the other end of this stream, until one of the ends in [`End`].
    ///
    /// A modem has one line: a second call takes it from the first. `NotConnected` at once while the
    /// modem is unplugged.
    pub async fn serve(&self, io: impl AsyncRead + AsyncWrite) -> io::Result<End> {
        if !self.is_plugged() {
            return Err(Self::gone());
        }
        let mut watch = self.watch();
        let unpluggings = self.lock().unpluggings;
        let line = Attached { sim: self, id: self.with(|simulation, now| simulation.attach(now)) };
        let byte_time = self.lock().baud.map(|baud| Duration::from_secs_f64(10.0 / f64::from(baud.max(1))));
        let (reader, writer) = tokio::io::split(io);
        tokio::pin!(reader, writer);
        let mut typed = [0; 1024];
        // Bytes on their way in, and when those on their way out are due, by the baud rate.
        let mut arriving: Option<(Instant, usize)> = None;
        let mut output: VecDeque<u8> = VecDeque::new();
        let mut due: Option<Instant> = None;
        loop {
            watch.borrow_and_update();
            let mut wake = Instant::now() + NEVER;
            if output.is_empty() {
                match self.with(|simulation, now| {
                    (simulation.next(line.id, now), simulation.instant(Duration::ZERO))
                }) {
                    (Next::Write(bytes), _) => output.extend(bytes),
                    (Next::Wait(at), start) => wake = at.map_or(wake, |at| start + at),
                    (Next::Gone, _) => break,
                }
            } else if !self.lock().has_line(line.id) {
                break;
            }
            let now = Instant::now();
            if let Some((_, count)) = arriving.filter(|(at, _)| *at <= now) {
                arriving = None;
                self.with(|simulation, now| simulation.receive(&typed[..count], now));
                continue;
            }
            if let Some((at, _)) = arriving {
                wake = wake.min(at);
            }
            // Bytes reach the other side when the last of their burst has been on the line.
            let front = output.as_slices().0;
            let front = &front[..front.len().min(if byte_time.is_some() { BURST } else { usize::MAX })];
            if let (Some(time), None, false) = (byte_time, due, front.is_empty()) {
                due = Some(now + time * u32::try_from(front.len()).unwrap_or(0));
            }
            let writing = !front.is_empty() && due.is_none_or(|at| at <= now);
            wake = due.filter(|_| !writing).map_or(wake, |at| wake.min(at));
            tokio::select! {
                read = reader.read(&mut typed), if arriving.is_none() => match read? {
                    0 => return Ok(End::Closed),
                    count => {
                        let time = byte_time.map_or(Duration::ZERO, |t| t * u32::try_from(count).unwrap_or(0));
                        arriving = Some((Instant::now() + time, count));
                    }
                },
                written = writer.write(front), if writing => {
                    let count = written?;
                    if count == 0 {
                        return Ok(End::Closed);
                    }
                    output.drain(..count);
                    due = None;
                    if output.is_empty() {
                        writer.flush().await?;
                    }
                }
                _ = watch.changed() => {}
                () = sleep_until(wake) => {}
            }
        }
        Ok(if self.lock().unpluggings == unpluggings { End::Replaced } else { End::Unplugged })
    }
}
