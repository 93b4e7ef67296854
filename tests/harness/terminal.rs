//! Owns a command at a terminal of its own, as somebody sits in front of it: what is shown, typed, and its closing.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::gateway::{PROGRAM, program};
use super::wait::{WAIT_TIMEOUT, wait_at_most, wait_for};

/// What a terminal is at first: its columns and lines.
const SIZE: Winsize = Winsize { ws_col: 100, ws_row: 30, ws_xpixel: 0, ws_ypixel: 0 };

/// How soon its closing is noticed.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

pub struct Terminal {
    child: Child,
    /// None once it is closed.
    master: Option<Arc<File>>,
    shown: Arc<Mutex<Vec<u8>>>,
    is_closed: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// The binary with its standard streams at a new terminal that controls it.
    pub fn start(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC).expect("a flag of ours");
        grantpt(&master).expect("a pseudo-terminal of ours");
        unlockpt(&master).expect("a pseudo-terminal of ours");
        tcsetwinsize(&master, SIZE).expect("a size");
        let name = ptsname(&master, Vec::new()).expect("the terminal's name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(&*name, flags, Mode::empty()).expect("the terminal opens");
        let end = || Stdio::from(slave.try_clone().expect("a handle can be doubled"));
        // It becomes the leader of a session, and the terminal that session's.
        let mut command = Command::new("setsid");
        command.args(["--ctty", PROGRAM]).args(arguments).env_clear().current_dir(folder);
        command.envs(program(folder).get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("TERM", "xterm-256color").envs(environment.iter().copied());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("setsid runs");
        drop((command, slave));
        let master = Arc::new(File::from(master));
        let (shown, is_closed) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let reader = {
            let (master, shown, is_closed) =
                (Arc::clone(&master), Arc::clone(&shown), Arc::clone(&is_closed));
            std::thread::spawn(move || read(&master, &shown, &is_closed))
        };
        Self { child, master: Some(master), shown, is_closed, reader: Some(reader) }
    }

    /// Everything it was sent, control sequences included.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits until this was shown.
    pub fn wait_for(&self, words: &str) {
        wait_for(&format!("{words:?} on the terminal"), || self.shown().contains(words).then_some(()));
    }

    /// As by the keyboard; `\x03` is Ctrl-C, `\x04` Ctrl-D.
    pub fn press(&self, keys: &str) {
        let mut master = &**self.master.as_ref().expect("a terminal that is open");
        master.write_all(keys.as_bytes()).expect("a terminal that takes keys");
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        kill_process(Pid::from_raw(id).expect("a process id is not 0"), signal).expect("our own child");
    }

    /// Hangs up: the kernel sends SIGHUP, and what is written from now on is an error.
    pub fn close(&mut self) {
        self.is_closed.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            // A panic in it was printed there.
            let _ = reader.join();
        }
        self.master = None;
    }

    pub fn wait_for_end(&mut self) -> ExitStatus {
        wait_at_most(WAIT_TIMEOUT, "its end", || self.child.try_wait().expect("a child"))
    }
}

/// Collects what is shown, until the terminal is closed here or by all who hold its other end.
fn read(mut master: &File, shown: &Mutex<Vec<u8>>, is_closed: &AtomicBool) {
    let mut octets = [0; 4096];
    while !is_closed.load(Ordering::Relaxed) {
        let mut readable = [PollFd::new(&master, PollFlags::IN)];
        if poll(&mut readable, Some(&LOOK_EVERY)).expect("a terminal can be waited for") == 0 {
            continue;
        }
        // An error is how a terminal says that nobody holds its other end any more.
        let Ok(count @ 1..) = master.read(&mut octets) else { return };
        shown.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&octets[..count]);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Errors mean that it had ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.close();
        if std::thread::panicking() {
            println!("---- what the terminal showed:\n{}", self.shown().escape_debug());
        }
    }
}
