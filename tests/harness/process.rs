//! Owns a child process: its log, its signals, and that it does not outlive its test.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::wait::wait_at_most;

/// How many lines of a log a failing test shows.
const TAIL: usize = 60;

pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it prints is appended to `log`.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Self {
        let output = append_to(log, &format!("---- {name} starts"));
        let errors = output.try_clone().expect("a file handle can be doubled");
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|e| panic!("{name} does not start: {e}; {command:?}"));
        Self { name: name.to_owned(), child, log: log.to_owned() }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        // Reaped children are not signalled: the id might be another's by now.
        let id = i32::try_from(self.child.id()).expect("a process id");
        let pid = Pid::from_raw(id).expect("a process id is not 0");
        if let Err(e) = kill_process(pid, signal) {
            panic!("cannot signal {}: {e}", self.name);
        }
    }

    /// kill -9, and gone when this returns.
    pub fn kill(&mut self) {
        // Errors mean that it had ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        append_to(&self.log, &format!("---- {} was killed", self.name));
    }

    /// How it ended, or `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be asked for its end")
    }

    pub fn wait_for_end(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        wait_at_most(limit, &what, || self.ended())
    }
}

/// Exit code, or the signal as shells show it.
pub fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            println!("---- last lines of {} ({}):\n{}", self.name, self.log.display(), tail(&self.log));
        }
    }
}

fn append_to(path: &Path, line: &str) -> File {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
    // The line is only for the reader of the log.
    let _ = writeln!(file, "{line}");
    file
}

fn tail(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    // mosquitto logs each save, which is all the time.
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("Saving in-memory database")).collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}
