//! What a hook writes to its standard error, as far as the log takes it.
//!
//! The beginning of it is logged, escaped; the rest is read and counted, so that the program goes on. Input: a pipe.

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::escape::field;

/// Lines of one run that are logged.
const MAX_LINES: usize = 64;

/// Octets of one run that are logged.
const MAX_OCTETS: usize = 8 * 1024;

/// Octets read at once.
const CHUNK: usize = 4 * 1024;

/// The standard error of one run of a program.
pub struct HookOutput<P> {
    pipe: P,
    program: String,
    /// A line that has not ended.
    line: Vec<u8>,
    lines_left: usize,
    octets_left: usize,
    /// Octets that are not logged.
    dropped: u64,
}

impl<P: AsyncRead + Unpin> HookOutput<P> {
    /// Of the program of that name.
    pub fn new(pipe: P, program: &str) -> Self {
        let (line, lines_left, octets_left) = (Vec::new(), MAX_LINES, MAX_OCTETS);
        HookOutput { pipe, program: program.to_owned(), line, lines_left, octets_left, dropped: 0 }
    }

    /// Reads until every end of the pipe is closed. Cancel-safe: what was read is not lost.
    pub async fn read_to_end(&mut self) {
        let mut chunk = [0; CHUNK];
        // One that cannot be read any more has ended.
        while let Ok(octets @ 1..) = self.pipe.read(&mut chunk).await {
            self.add(chunk.get(..octets).unwrap_or_default());
        }
    }

    fn add(&mut self, mut octets: &[u8]) {
        while let Some((octet, rest)) = octets.split_first()
            && self.octets_left > 0
            && self.lines_left > 0
        {
            self.add_octet(*octet);
            octets = rest;
        }
        self.dropped += octets.len() as u64;
    }

    fn add_octet(&mut self, octet: u8) {
        self.octets_left -= 1;
        match octet {
            b'\n' => self.log_line(),
            octet => self.line.push(octet),
        }
        if self.octets_left == 0 {
            self.log_line();
        }
    }

    fn log_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        if !text.trim().is_empty() {
            self.lines_left -= 1;
            tracing::info!("hook {} says: {}", self.program, field(text.trim_end()));
        }
    }

    /// Logs a line that never ended, and how much was left out.
    pub fn finish(mut self) {
        if !self.line.is_empty() {
            self.log_line();
        }
        if self.dropped > 0 {
            tracing::warn!(
                "hook {} wrote {} octets more to its standard error; {MAX_LINES} lines or {MAX_OCTETS} octets of a run \
                 are logged",
                self.program,
                self.dropped
            );
        }
    }
}
