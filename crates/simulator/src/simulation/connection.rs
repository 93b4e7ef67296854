//! The terminal's end: who is connected, what was typed and what is still to be sent.
//!
//! Owns the order of output. What is sent while nobody is connected is not kept.

use std::time::Duration;

use super::{Chunk, Connection, Line, Next, Simulation};
use crate::now::Now;

impl Simulation {
    /// A new connection; it takes the line from any other.
    pub(crate) fn attach(&mut self, now: Now) -> u64 {
        self.note(now, "terminal connected");
        self.connections += 1;
        self.attached = Some(Connection { id: self.connections, ending: false });
        self.out.clear();
        self.connections
    }

    pub(crate) fn detach(&mut self, id: u64, now: Now) {
        if self.has_line(id) {
            self.note(now, "terminal gone");
            self.attached = None;
            self.out.clear();
        }
    }

    pub(crate) fn receive(&mut self, bytes: &[u8], now: Now) {
        match self.line {
            Line::Hung | Line::BootingUntil(_) | Line::Unplugged { .. } => {}
            Line::Up | Line::HungUntil(_) => {
                let is_busy = self.modem.in_payload() || self.submit_answer.is_some();
                self.typed.extend(self.hearing.hear(bytes, is_busy, now.elapsed));
            }
        }
    }

    /// The connection is over at once, whatever was still to be sent.
    pub(crate) fn cut(&mut self) {
        self.attached = None;
        self.out.clear();
    }

    /// Whether connection `id` still has the line.
    pub(crate) fn has_line(&self, id: u64) -> bool {
        self.attached.is_some_and(|c| c.id == id)
    }

    /// Whether connection `id` is over and has nothing more to send.
    pub(crate) fn is_gone(&self, id: u64) -> bool {
        !self.attached.is_some_and(|c| c.id == id && !(c.ending && self.out.is_empty()))
    }

    pub(crate) fn next(&mut self, id: u64, now: Now) -> Next {
        if self.is_gone(id) {
            return Next::Gone;
        }
        match self.out.pop_front_if(|chunk| chunk.at <= now.elapsed) {
            Some(chunk) => Next::Write(chunk.bytes),
            None => {
                let next = self.out.front().map(|chunk| chunk.at);
                Next::Wait([next, self.deadline(now)].into_iter().flatten().min())
            }
        }
    }

    /// A reference for a concatenated message nobody numbered.
    pub(crate) fn next_reference(&mut self) -> u16 {
        self.references = self.references.wrapping_add(1);
        u16::from(self.references)
    }

    /// Queues bytes for the terminal, in order of time; dropped if nobody is connected.
    pub(super) fn put(&mut self, at: Duration, bytes: Vec<u8>) {
        if !bytes.is_empty() && self.attached.is_some_and(|c| !c.ending) {
            let place = self.out.partition_point(|chunk| chunk.at <= at);
            self.out.insert(place, Chunk { at, bytes });
        }
    }
}
