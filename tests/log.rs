//! Standard error or output is full, gone or read by nobody: it costs log lines, and nothing else.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

use crate::harness::gateway::program;
use crate::harness::modem::ModemOptions;
use crate::harness::process::{Process, code};
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

/// A named pipe, both ends held open, that waits for neither reader nor writer.
struct Pipe {
    path: PathBuf,
    ends: File,
}

impl Pipe {
    fn new(folder: &Path) -> Self {
        let path = folder.join("stderr.pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a named pipe");
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        let ends = options.open(&path).expect("both ends of the pipe");
        Self { path, ends }
    }

    /// From now on a write to it waits, as nobody reads.
    fn fill(&mut self) {
        for block in [4096, 1] {
            while self.ends.write(&vec![b'.'; block]).is_ok() {}
        }
    }

    /// What is in it now.
    fn read(&mut self) -> String {
        let mut all = Vec::new();
        match self.ends.read_to_end(&mut all) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            done => drop(done.expect("the pipe can be read")),
        }
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// Starts the gateway with all it can say and its log redirected there.
fn start_logging_to(rig: &mut Rig, path: &str) {
    let script = format!("export SMSBRIDGE_LOG=debug; exec \"$0\" \"$@\" 2>'{path}'");
    rig.gateway.start_by(&["/bin/sh", "-c", &script]);
    rig.wait_online();
}

fn messages_flow_and_it_stops(rig: &mut Rig) {
    for n in 0..5 {
        rig.assert_still_works(&format!("unlogged-{n}"));
    }
    rig.gateway.assert_running();
    assert_eq!(code(rig.gateway.stop()), 0, "SIGTERM ends it as ever");
}

#[test]
fn a_log_on_a_full_disk_stops_nothing() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    start_logging_to(&mut rig, "/dev/full");
    messages_flow_and_it_stops(&mut rig);
}

#[test]
fn a_log_whose_reader_is_gone_stops_nothing() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let pipe = Pipe::new(rig.folder());
    let path = pipe.path.display().to_string();
    start_logging_to(&mut rig, &path);
    drop(pipe);
    messages_flow_and_it_stops(&mut rig);
}

#[test]
fn a_log_that_nobody_reads_stops_nothing_and_goes_on_when_it_is_read() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let mut pipe = Pipe::new(rig.folder());
    pipe.fill();
    start_logging_to(&mut rig, &pipe.path.display().to_string());
    for n in 0..5 {
        rig.assert_still_works(&format!("unread-{n}"));
    }
    let mut log = String::new();
    wait_until("the log to go on", || {
        log.push_str(&pipe.read());
        log.contains("the modem is up")
    });
    pipe.fill();
    messages_flow_and_it_stops(&mut rig);
}

#[test]
fn a_second_signal_ends_it_whatever_becomes_of_the_log() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let mut pipe = Pipe::new(rig.folder());
    pipe.fill();
    start_logging_to(&mut rig, &pipe.path.display().to_string());
    rig.modem.mute();
    rig.gateway.signal(rustix::process::Signal::TERM);
    std::thread::sleep(Duration::from_millis(200));
    let ended = rig.gateway.stop();
    assert!([0, 130].contains(&code(ended)), "{ended}");
}

#[test]
fn the_last_words_of_a_failed_start_keep_it_from_nothing() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.reconfigure(|config| config.set("mqtt", "prefx", "sms"));
    let mut pipe = Pipe::new(rig.folder());
    pipe.fill();
    for path in ["/dev/full".to_owned(), pipe.path.display().to_string()] {
        rig.gateway.start_by(&["/bin/sh", "-c", &format!("exec \"$0\" \"$@\" 2>'{path}'")]);
        assert_eq!(code(rig.gateway.wait_for_end()), 2, "with standard error {path}");
    }
}

/// Commands that print, each with an exit code of its own where all is well.
const PRINTING: [&[&str]; 6] = [
    &["history"],
    &["history", "--json"],
    &["check", "--rule", "x"],
    &["detect"],
    &["pdu", "decode", "00040B911346610089F600002080629173144800"],
    &["--help"],
];

fn run(rig: &Rig, arguments: &[&str], stdout: impl Into<Stdio>) -> (i32, String) {
    let mut command = program(rig.folder());
    command.args(arguments).env("SMSBRIDGE_CONFIG", rig.gateway.config_path());
    let output = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped()).spawn().expect("it runs");
    let output = output.wait_with_output().expect("it ends");
    (code(output.status), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_reader_that_has_seen_enough_ends_no_command_in_a_panic() {
    let mut rig = Rig::start();
    rig.assert_still_works("kept");
    for arguments in PRINTING {
        let (expected, _) = run(&rig, arguments, Stdio::null());
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let (code, said) = run(&rig, arguments, writer);
        assert_eq!(code, expected, "{arguments:?}: {said}");
        assert!(said.is_empty(), "{arguments:?} complains: {said}");
    }
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let (code, said) = run(&rig, &["send", "--to", "+4915100000002", "unread"], writer);
    assert_eq!((code, said.as_str()), (0, ""), "the SMS was sent");
    rig.gateway.assert_running();
}

#[test]
fn output_on_a_full_disk_is_a_failure_that_is_told() {
    let rig = Rig::start();
    rig.assert_still_works("kept");
    for arguments in &PRINTING[..5] {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let (code, said) = run(&rig, arguments, full);
        assert_eq!(code, 1, "{arguments:?}: {said}");
        assert!(said.contains("No space left"), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_demo_without_a_reader_goes_on_until_it_is_stopped() {
    let folder = tempfile::TempDir::with_prefix("smsbridge-demo-").expect("a temporary folder");
    let mut command = Command::new("/bin/sh");
    let plain = program(folder.path());
    command.env_clear().current_dir(folder.path());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let pipe = Pipe::new(folder.path());
    let script =
        format!("exec '{}' demo --port 0 >'{}'", crate::harness::gateway::PROGRAM, pipe.path.display());
    command.args(["-c", &script]);
    let mut demo = Process::start("smsbridge demo", &mut command, &folder.path().join("demo.log"));
    let mut pipe = pipe;
    let mut said = String::new();
    wait_until("the first sample", || {
        said.push_str(&pipe.read());
        said.contains("  ←  ")
    });
    drop(pipe);
    // The samples come a second or so apart.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(demo.ended(), None, "it goes on");
    demo.signal(rustix::process::Signal::INT);
    assert_eq!(code(demo.wait_for_end(Duration::from_secs(60))), 0);
}
