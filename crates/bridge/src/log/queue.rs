//! Lines on their way to standard error, by a thread of their own: a line waits for nobody.
//!
//! The queue is bounded. A log that is full, gone or read by nobody costs lines, which are counted, and nothing else:
//! whoever logs never waits, and an end waits a second at most.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::format::last_words;

/// Octets that wait to be written; what comes beyond is dropped.
const MAX_WAITING: usize = 1 << 20;

/// How long an end waits for what is still to be written.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);

/// Before a writer that would block is tried again, where the file was made so by somebody else.
const WRITE_RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until everything said is written, a second at most.
pub fn finish() {
    if let Some(queue) = QUEUE.get() {
        queue.wait_until_written(LAST_WORDS_TIMEOUT);
    }
}

static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();

/// The process's queue; its thread begins with the first line.
pub(super) fn queue() -> Arc<Queue> {
    let begun = QUEUE.get_or_init(|| {
        let queue = Arc::new(Queue::default());
        let served = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name("log".to_owned());
        if thread.spawn(move || serve(&served, standard_error())).is_err() {
            queue.lock().is_served = false;
        }
        queue
    });
    Arc::clone(begun)
}

/// Standard error by a handle of our own: while the thread waits in it, nobody else waits for std's lock.
#[cfg(unix)]
fn standard_error() -> Box<dyn Write> {
    use std::os::fd::AsFd as _;
    match std::io::stderr().as_fd().try_clone_to_owned() {
        Ok(own) => Box::new(std::fs::File::from(own)),
        Err(_) => Box::new(std::io::stderr()),
    }
}

#[cfg(not(unix))]
fn standard_error() -> Box<dyn Write> {
    Box::new(std::io::stderr())
}

/// Lines on their way to the thread that writes them.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    lines: VecDeque<Vec<u8>>,
    /// Octets of `lines`.
    waiting: usize,
    /// Lines that found no room since the last one that did.
    dropped: u64,
    is_writing: bool,
    /// There is a thread that writes.
    is_served: bool,
}

impl Default for Queue {
    fn default() -> Self {
        let state =
            State { lines: VecDeque::new(), waiting: 0, dropped: 0, is_writing: false, is_served: true };
        Queue { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never waits: a line for which there is no room is counted instead.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if !state.is_served {
            // Better late than never: without threads the process is about to end.
            drop(state);
            let _ = std::io::stderr().write_all(line);
            return;
        }
        if state.waiting + line.len() > MAX_WAITING {
            state.dropped += 1;
            return;
        }
        state.note_dropped();
        state.add(line);
        drop(state);
        self.changed.notify_all();
    }

    /// The next line, once there is one.
    fn next(&self) -> Vec<u8> {
        let mut state = self.lock();
        state.is_writing = false;
        if state.lines.is_empty() {
            state.note_dropped();
        }
        self.changed.notify_all();
        let is_idle = |state: &mut State| state.lines.is_empty();
        let mut state = self.changed.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
        let line = state.lines.pop_front().unwrap_or_default();
        state.waiting -= line.len();
        state.is_writing = true;
        line
    }

    fn wait_until_written(&self, limit: Duration) {
        let is_busy = |state: &mut State| state.is_served && (state.is_writing || !state.lines.is_empty());
        drop(self.changed.wait_timeout_while(self.lock(), limit, is_busy));
    }
}

impl State {
    fn add(&mut self, line: &[u8]) {
        self.waiting += line.len();
        self.lines.push_back(line.to_owned());
    }

    /// Says in its place in the log how many lines are missing there.
    fn note_dropped(&mut self) {
        if self.dropped > 0 {
            let words = last_words(&format!("{} log lines were dropped: nobody read them", self.dropped));
            self.dropped = 0;
            self.add(words.as_bytes());
        }
    }
}

/// Writes what is in the queue, for as long as the process lives.
fn serve(queue: &Queue, mut out: impl Write) {
    // Lines that could not be written, and whether half of the last one was.
    let (mut lost, mut is_cut) = (0_u64, false);
    loop {
        let line = queue.next();
        let mut text = String::new();
        if is_cut {
            text.push('\n');
        }
        if lost > 0 {
            text.push_str(&last_words(&format!("{lost} log lines were dropped: they could not be written")));
        }
        let text = [text.as_bytes(), &line].concat();
        match write_whole(&mut out, &text) {
            Ok(()) => (lost, is_cut) = (0, false),
            Err(written) => {
                lost += 1;
                is_cut |= written > 0;
            }
        }
    }
}

/// Writes all of it; where that fails, says how many octets were written.
fn write_whole(out: &mut impl Write, text: &[u8]) -> Result<(), usize> {
    let mut written = 0;
    while let Some(rest) = text.get(written..).filter(|rest| !rest.is_empty()) {
        match out.write(rest) {
            Ok(0) => return Err(written),
            Ok(octets) => written += octets,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(WRITE_RETRY_INTERVAL),
            Err(_) => return Err(written),
        }
    }
    Ok(())
}

/// What the log writes one event to.
pub(super) struct Line(pub(super) Arc<Queue>);

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Writes nothing before it is allowed to, an octet sequence a permission; a permission may be an error.
    struct Slow {
        permissions: Receiver<std::io::Result<()>>,
        written: Sender<String>,
    }

    impl Write for Slow {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            // At the test's end there are none any more.
            self.permissions.recv().map_err(|_| ErrorKind::BrokenPipe)??;
            let _ = self.written.send(String::from_utf8_lossy(text).into_owned());
            Ok(text.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn slow_log() -> (Arc<Queue>, Sender<std::io::Result<()>>, Receiver<String>) {
        let (permit, permissions) = channel();
        let (sender, written) = channel();
        let queue = Arc::new(Queue::default());
        let served = Arc::clone(&queue);
        std::thread::spawn(move || serve(&served, Slow { permissions, written: sender }));
        (queue, permit, written)
    }

    const LIMIT: Duration = Duration::from_secs(30);

    #[test]
    fn what_nobody_reads_is_dropped_and_counted_in_its_place() {
        let (queue, permit, written) = slow_log();
        let line = vec![b'x'; MAX_WAITING / 4];
        // One is in the writer's hands at most, four fit.
        for _ in 0..9 {
            queue.push(&line);
        }
        queue.wait_until_written(Duration::from_millis(10));
        let dropped = queue.lock().dropped;
        assert!((4..=5).contains(&dropped), "{dropped} of nine were dropped");
        for _ in 0..20 {
            permit.send(Ok(())).unwrap();
        }
        let mut text = String::new();
        while !text.contains("dropped") {
            text = written.recv_timeout(LIMIT).expect("it is said how many are missing");
        }
        assert_eq!(text, format!("{dropped} log lines were dropped: nobody read them\n"));
        queue.push(b"after\n");
        assert_eq!(written.recv_timeout(LIMIT).expect("the log goes on"), "after\n");
    }

    #[test]
    fn what_cannot_be_written_is_counted_too() {
        let (queue, permit, written) = slow_log();
        for line in [&b"first\n"[..], b"second\n"] {
            queue.push(line);
            permit.send(Err(ErrorKind::StorageFull.into())).unwrap();
        }
        queue.push(b"third\n");
        permit.send(Ok(())).unwrap();
        let text = written.recv_timeout(LIMIT).expect("the third is written");
        assert_eq!(text, "2 log lines were dropped: they could not be written\nthird\n");
    }

    #[test]
    fn an_end_waits_for_what_is_being_written_and_not_for_ever() {
        let (queue, permit, written) = slow_log();
        queue.push(b"last\n");
        queue.wait_until_written(Duration::from_millis(20));
        assert!(written.try_recv().is_err(), "nothing could be written");
        permit.send(Ok(())).unwrap();
        queue.wait_until_written(LIMIT);
        assert_eq!(written.try_recv().as_deref(), Ok("last\n"), "it was not waited for");
    }
}
