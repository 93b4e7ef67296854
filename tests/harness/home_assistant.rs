//! Owns a real Home Assistant on a loopback port, set up already, with MQTT as its one integration.
//!
//! `tests/ecosystem/install/home-assistant` installs it. Its configuration folder is a temporary one; files put there
//! before a start (automations, scripts, blueprints) are part of its configuration.

pub mod api;
pub mod log;
pub mod setup;
pub mod websocket;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use self::api::Api;
use self::setup::Mqtt;
use super::installed::installed;
use super::ports::free_port;
use super::process::Process;
use super::wait::{wait_at_most, wait_until};

/// Its first start compiles what it is written in; on a busy machine that takes a minute.
const START_LIMIT: Duration = Duration::from_secs(300);

/// How many run at once, of all tests of this process: each takes 250 MB, and two cores to start.
const AT_ONCE: usize = 2;

static RUNNING: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// A place among those that run at once.
struct Place;

impl Place {
    /// Waits for one, however long that takes.
    fn take() -> Self {
        let running = RUNNING.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut running = RUNNING
            .1
            .wait_while(running, |running| *running >= AT_ONCE)
            .unwrap_or_else(PoisonError::into_inner);
        *running += 1;
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *RUNNING.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        RUNNING.1.notify_one();
    }
}

/// Fields end in this order: the process before its folder.
pub struct HomeAssistant {
    process: Option<Process>,
    /// Reads and changes what it knows.
    pub api: Api,
    folder: TempDir,
    /// Words of complaints a test expects.
    expected: Vec<String>,
    _place: Place,
}

impl HomeAssistant {
    /// Writes its configuration; starts nothing. Waits while too many others run, so a test has one at most.
    pub fn prepare(mqtt: &Mqtt) -> Self {
        let place = Place::take();
        let folder = TempDir::with_prefix("smsbridge-e2e-ha-").expect("a temporary folder");
        let port = free_port();
        let token = setup::write(folder.path(), port, mqtt);
        Self { process: None, api: Api::new(port, token), folder, expected: Vec::new(), _place: place }
    }

    /// Puts a file into its configuration folder, such as `automations.yaml`. Takes effect at the next start, or
    /// when what it belongs to is reloaded: `call("automation.reload", ..)`.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().expect("a file is in a folder"))
            .expect("a folder of its configuration");
        fs::write(&path, text).expect("a file of its configuration");
    }

    /// Adds lines to a file of its configuration.
    pub fn append(&self, file: &str, text: &str) {
        let before = fs::read_to_string(self.folder.path().join(file)).expect("a file of its configuration");
        self.write(file, &format!("{before}{text}"));
    }

    /// It has started everything and has subscribed to all its topics when this returns.
    pub fn start(&mut self) {
        let hass = installed("home-assistant/venv/bin/hass");
        let mut command = Command::new(&hass);
        // All its modules are there: it is to fetch none.
        command.arg("--skip-pip").arg("-c").arg(self.folder.path()).current_dir(self.folder.path());
        let programs = hass.parent().expect("a program is in a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        command.env_clear().env("HOME", self.folder.path()).env("LANG", "C.UTF-8");
        command.env("PATH", format!("{}:{path}", programs.display()));
        let announced = self.births();
        let mut process = Process::start("Home Assistant", &mut command, &self.log_path());
        wait_at_most(START_LIMIT, "Home Assistant to have started", || {
            assert_eq!(process.ended(), None, "Home Assistant has ended");
            self.api.is_running().then_some(())
        });
        self.process = Some(process);
        wait_until("Home Assistant to listen at the broker", || self.births() > announced);
    }

    /// SIGTERM: it saves everything. For a websocket that is still open it waits ten seconds.
    pub fn stop(&mut self) {
        let mut process = self.process.take().expect("Home Assistant runs");
        process.signal(Signal::TERM);
        process.wait_for_end(START_LIMIT);
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.process.take().expect("Home Assistant runs").kill();
    }

    pub fn restart(&mut self) {
        self.stop();
        self.start();
    }

    /// All it ever logged, over all starts.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    /// From now on, complaints with these words are what a test wants to see.
    pub fn expect_complaint(&mut self, words: &str) {
        self.expected.push(words.to_owned());
    }

    /// Warnings and errors in its log, but for those it writes whatever we do and those expected. Each may have several
    /// lines.
    pub fn complaints(&self) -> Vec<String> {
        let is_expected = |record: &String| self.expected.iter().any(|words| record.contains(words));
        log::complaints(&self.log()).into_iter().filter(|record| !is_expected(record)).collect()
    }

    /// Fails where it logged a warning or an error.
    pub fn assert_no_complaints(&self) {
        assert_eq!(self.complaints(), Vec::<String>::new(), "Home Assistant has something to complain about");
    }

    /// How often it announced on `homeassistant/status` that it listens: 5 s after each connection.
    pub fn births(&self) -> usize {
        self.log().matches("birth message sent").count()
    }

    /// Waits until it has subscribed to `filter`, which it does a moment after an entity or an automation is there.
    /// Until then what is not retained passes it by.
    pub fn wait_until_subscribed(&self, filter: &str) {
        wait_until(&format!("Home Assistant to subscribe to {filter}"), || {
            log::subscribes(&self.log(), filter)
        });
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("printed.log")
    }
}

/// The attribute of an entity's state, as text.
pub fn attribute<'a>(state: &'a Value, name: &str) -> &'a str {
    state["attributes"][name].as_str().unwrap_or_default()
}
