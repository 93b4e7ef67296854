//! Owns the gateway as a process: its configuration, its folder, starts, stops and kills.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};
use toml::{Table, Value};

use super::broker::Login;
use super::contract;
use super::process::Process;
use super::wait::wait_for;

/// The binary cargo built for this test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_smsbridge");

/// More than the gateway's own grace for what is in hand (20 s).
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// A configuration file before it is written.
#[derive(Clone, Debug)]
pub struct Config {
    root: Table,
    modems: Vec<Table>,
}

impl Config {
    /// A gateway named `attic` with one modem `main`. Budgets are off: no test waits for a minute to pass.
    pub fn new(folder: &Path, broker_port: u16, modem_port: &str) -> Self {
        let mut config = Self { root: Table::new(), modems: Vec::new() };
        config.root.insert("name".to_owned(), "attic".into());
        let Login { user, password } = Login::gateway();
        config.set("mqtt", "url", format!("mqtt://127.0.0.1:{broker_port}"));
        config.set("mqtt", "username", user);
        config.set("mqtt", "password", password);
        config.set("store", "path", folder.join("store").display().to_string());
        config.set("outbound", "per_minute", 0);
        config.set("outbound", "per_day", 0);
        config.add_modem("main", modem_port);
        config
    }

    pub fn set(&mut self, table: &str, key: &str, value: impl Into<Value>) {
        let entry = self.root.entry(table).or_insert_with(|| Value::Table(Table::new()));
        entry.as_table_mut().expect("a table of the configuration").insert(key.to_owned(), value.into());
    }

    /// Takes a key away that [`Config::new`] sets.
    pub fn unset(&mut self, table: &str, key: &str) {
        let entry =
            self.root.get_mut(table).and_then(Value::as_table_mut).and_then(|table| table.remove(key));
        assert!(entry.is_some(), "there is no {table}.{key}");
    }

    /// Sets a key outside of all tables.
    pub fn set_root(&mut self, key: &str, value: impl Into<Value>) {
        self.root.insert(key.to_owned(), value.into());
    }

    /// Adds one more table to an array of tables, such as `[[rule]]`; `text` is what stands below that line.
    pub fn add(&mut self, array: &str, text: &str) {
        let table: Table = toml::from_str(text).expect("a table of the configuration");
        let entry = self.root.entry(array).or_insert_with(|| Value::Array(Vec::new()));
        entry.as_array_mut().expect("an array of tables").push(Value::Table(table));
    }

    /// The same without the tables of that name.
    pub fn without(mut self, table: &str) -> Self {
        assert!(self.root.remove(table).is_some(), "there is no {table}");
        self
    }

    pub fn add_modem(&mut self, name: &str, port: &str) {
        let mut modem = Table::new();
        modem.insert("name".to_owned(), name.into());
        modem.insert("port".to_owned(), port.into());
        self.modems.push(modem);
    }

    /// Sets a key of the first modem.
    pub fn set_modem(&mut self, key: &str, value: impl Into<Value>) {
        self.modems[0].insert(key.to_owned(), value.into());
    }

    pub fn to_toml(&self) -> String {
        let mut root = self.root.clone();
        root.insert("modem".to_owned(), self.modems.clone().into());
        root.to_string()
    }
}

pub struct Gateway {
    folder: PathBuf,
    process: Option<Process>,
}

impl Gateway {
    /// Writes the configuration; starts nothing.
    pub fn prepare(folder: &Path, config: &Config) -> Self {
        let gateway = Self { folder: folder.to_owned(), process: None };
        gateway.configure(config);
        gateway
    }

    /// Takes effect at the next start.
    pub fn configure(&self, config: &Config) {
        fs::write(self.config_path(), config.to_toml()).expect("a configuration file");
    }

    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    pub fn start_with(&mut self, environment: &[(&str, &str)]) {
        let mut command = program(&self.folder);
        command.arg("run").arg("--config").arg(self.config_path()).envs(environment.iter().copied());
        self.process = Some(Process::start("smsbridge", &mut command, &self.log_path()));
    }

    /// Through another program that becomes the gateway, or keeps to the background.
    pub fn start_by(&mut self, launcher: &[&str]) {
        let plain = program(&self.folder);
        let mut command = Command::new(launcher[0]);
        command.args(&launcher[1..]).arg(PROGRAM).arg("run").arg("--config").arg(self.config_path());
        command.env_clear().current_dir(&self.folder);
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.process = Some(Process::start("smsbridge", &mut command, &self.log_path()));
    }

    /// So that a write beyond [`Gateway::limit_file_size`] is an error, as on a full disk.
    pub fn start_limitable(&mut self) {
        // An ignored signal stays ignored.
        self.start_by(&["/bin/sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
    }

    /// No file grows beyond this; none: any may.
    pub fn limit_file_size(&self, octets: Option<u64>) {
        let pid = Pid::from_raw(i32::try_from(self.id()).expect("a process id"));
        let limit = Rlimit { current: octets, maximum: getrlimit(Resource::Fsize).maximum };
        prlimit(pid, Resource::Fsize, limit).expect("a limit of our own child");
    }

    pub fn signal(&self, signal: Signal) {
        self.process.as_ref().expect("the gateway runs").signal(signal);
    }

    /// SIGSTOP; every thread has stopped when this returns.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
        let threads = format!("/proc/{}/task", self.id());
        wait_for("every thread to stop", || {
            let states = fs::read_dir(&threads).ok()?.map(|thread| {
                let stat = fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
                // The state follows the name, which is in parentheses.
                stat.rsplit_once(") ")?.1.chars().next()
            });
            states.into_iter().all(|state| state == Some('T')).then_some(())
        });
    }

    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// SIGTERM, and its exit.
    pub fn stop(&mut self) -> ExitStatus {
        self.stop_by(Signal::TERM)
    }

    pub fn stop_by(&mut self, signal: Signal) -> ExitStatus {
        let mut process = self.process.take().expect("the gateway runs");
        process.signal(signal);
        process.wait_for_end(STOP_LIMIT)
    }

    /// Waits for it to end by itself.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        self.process.take().expect("the gateway was started").wait_for_end(STOP_LIMIT)
    }

    /// How it ended by itself, or `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.as_mut().and_then(Process::ended)
    }

    /// Fails when it has ended.
    pub fn assert_running(&mut self) {
        let ended = self.process.as_mut().expect("the gateway was started").ended();
        assert_eq!(ended, None, "the gateway should still run");
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("the gateway was started").id()
    }

    /// Octets of memory it has allocated; pages of files, which the kernel may take back, do not count.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the gateway runs");
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("its memory");
        let kib = line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
        kib.expect("a number") * 1024
    }

    /// Another command of the binary with this configuration.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(&self.folder);
        command.args(arguments).arg("--config").arg(self.config_path());
        command
    }

    /// Runs another command of the binary with this configuration, to its end.
    pub fn run_command(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().expect("the gateway's binary runs");
        contract::assert_output(arguments, &output.stdout);
        output
    }

    /// Waits for a log line that holds all of `words`, whatever their case, and returns it.
    pub fn wait_for_log(&self, words: &[&str]) -> String {
        wait_for(&format!("a log line with {words:?}"), || {
            self.log().lines().find(|line| has_all(line, words)).map(str::to_owned)
        })
    }

    /// Where it runs, with its log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn config_path(&self) -> PathBuf {
        self.folder.join("smsbridge.toml")
    }

    pub fn log(&self) -> String {
        let bytes = fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("smsbridge.log")
    }
}

/// Whether `text` holds all of `words`, whatever their case.
pub fn has_all(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(&word.to_lowercase()))
}

/// The binary, without the parts of the environment that it would read as configuration.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().current_dir(folder).env("RUST_BACKTRACE", "1").env("HOME", folder);
    command.env("RUNTIME_DIRECTORY", folder.join("runtime"));
    for name in ["PATH", "SMSBRIDGE_LOG"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}
