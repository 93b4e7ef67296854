//! Owns a real mosquitto on a loopback port, with the files of deploy/ and a folder that survives its kills.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use super::ports::free_port;
use super::process::Process;
use super::wait::{WAIT_TIMEOUT, wait_for};

/// Debian installs servers outside a plain user's PATH.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];

/// A folder with another mosquitto than the installed one; see `tests/run broker`.
const OTHER_MOSQUITTO: &str = "SMSBRIDGE_TEST_MOSQUITTO";

/// What mosquitto logs for it. ("Out of memory" is what it logs for a client killed while writing.)
const COMPLAINTS: [&str; 3] = ["protocol error", "malformed packet", "exceeded"];

/// What a broker is configured with, and who may do what: the files people install.
const SHIPPED_CONFIG: &str = include_str!("../../deploy/mosquitto.conf");
const SHIPPED_ACCESS: &str = include_str!("../../deploy/mosquitto/acl");

#[derive(Clone, Debug)]
pub struct Login {
    pub user: String,
    pub password: String,
}

impl Login {
    /// The gateway's, as the shipped access list names it.
    pub fn gateway() -> Self {
        Login { user: "smsbridge".to_owned(), password: "the gateway's".to_owned() }
    }

    /// A test's own client, which may see and say everything.
    pub fn observer() -> Self {
        Login { user: "observer".to_owned(), password: "the test's".to_owned() }
    }
}

pub struct Broker {
    pub port: u16,
    folder: PathBuf,
    process: Option<Process>,
}

impl Broker {
    /// With the files of deploy/, for the gateway, the observer, and perhaps one more who may do everything.
    pub fn start(folder: &Path, login: Option<&Login>) -> Self {
        let folder = folder.join("broker");
        fs::create_dir_all(&folder).expect("a folder for the broker");
        // Another process may take the port between our look and the broker's: then take another.
        for _ in 0..5 {
            let mut broker = Self { port: free_port(), folder: folder.clone(), process: None };
            broker.write_config(login);
            if broker.try_start() {
                return broker;
            }
        }
        panic!("mosquitto does not start; see {}", folder.join("broker.log").display());
    }

    /// kill -9: what it had not saved is gone.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// SIGTERM: it saves everything.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::TERM);
            process.wait_for_end(WAIT_TIMEOUT);
        }
    }

    /// SIGSTOP: connections stay open, nothing is transmitted.
    pub fn pause(&self) {
        self.process.as_ref().expect("the broker runs").signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.process.as_ref().expect("the broker runs").signal(Signal::CONT);
    }

    /// Comes back on the same port with what it saved.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.try_start(), "mosquitto does not come back; see {}", self.log().display());
    }

    /// Loses sessions, queues and retained messages, as a broker without persistence does. It must not run.
    pub fn forget_everything(&self) {
        assert!(self.process.is_none(), "a running broker would save again");
        let saved = self.folder.join("mosquitto.db");
        if saved.exists() {
            fs::remove_file(saved).expect("the broker's memory can be removed");
        }
    }

    /// Comes back with another configuration and access list.
    pub fn restart_with(&mut self, config: (&str, &str), access: (&str, &str)) {
        self.stop();
        for (file, (from, to)) in [("mosquitto.conf", config), ("acl", access)] {
            let path = self.folder.join(file);
            let text = fs::read_to_string(&path).expect("a file of the broker's");
            assert!(text.contains(from), "{file} has no {from:?}");
            fs::write(&path, text.replace(from, to)).expect("a file of the broker's");
        }
        assert!(self.try_start(), "mosquitto does not come back; see {}", self.log().display());
    }

    /// Log lines about clients disconnected for a protocol error.
    pub fn complaints(&self) -> Vec<String> {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let is_complaint = |line: &&str| COMPLAINTS.iter().any(|words| line.contains(words));
        log.lines().filter(is_complaint).map(str::to_owned).collect()
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("broker.log")
    }

    fn try_start(&mut self) -> bool {
        let mut command = Command::new(find("mosquitto"));
        command.arg("-c").arg(self.folder.join("mosquitto.conf"));
        let mut process = Process::start("mosquitto", &mut command, &self.log());
        let port = self.port;
        let answers = wait_for("mosquitto to listen or to end", || {
            if process.ended().is_some() {
                return Some(false);
            }
            TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true)
        });
        self.process = answers.then_some(process);
        answers
    }

    fn write_config(&self, login: Option<&Login>) {
        let (passwords, access) = (self.folder.join("passwords"), self.folder.join("acl"));
        let mut replaced = 0;
        let mut replace = |line: String| {
            replaced += 1;
            line
        };
        let shipped = SHIPPED_CONFIG.lines().map(|line| match line {
            "listener 1883" => replace(format!("listener {} 127.0.0.1", self.port)),
            "password_file /etc/mosquitto/passwords" => {
                replace(format!("password_file {}", passwords.display()))
            }
            "acl_file /etc/mosquitto/acl" => replace(format!("acl_file {}", access.display())),
            other => other.to_owned(),
        });
        let mut lines: Vec<String> = shipped.collect();
        assert_eq!(replaced, 3, "deploy/mosquitto.conf has other lines than a test can replace");
        lines.extend([
            format!("persistence_location {}/", self.folder.display()),
            // So that a killed broker has most of what it had.
            "autosave_on_changes true".to_owned(),
            "autosave_interval 1".to_owned(),
            "log_dest stderr".to_owned(),
            "log_timestamp_format %H:%M:%S".to_owned(),
        ]);
        if is_root() {
            // As another user it could not write in our folder.
            lines.push("user root".to_owned());
        }
        fs::write(self.folder.join("mosquitto.conf"), lines.join("\n") + "\n").expect("a broker's config");
        let mut users = vec![Login::gateway(), Login::observer()];
        if let Some(login) = login {
            users.retain(|user| user.user != login.user);
            users.push(login.clone());
        }
        self.write_passwords(&passwords, &users);
        let named = |user: &&Login| !SHIPPED_ACCESS.contains(&format!("user {}\n", user.user));
        let may_all = |user: &Login| format!("\nuser {}\ntopic readwrite #\n", user.user);
        let others: String = users.iter().filter(named).map(may_all).collect();
        fs::write(&access, format!("{SHIPPED_ACCESS}{others}")).expect("an access list");
        // Mosquitto refuses an access list others may write.
        fs::set_permissions(&access, fs::Permissions::from_mode(0o600)).expect("its permissions");
    }

    fn write_passwords(&self, path: &Path, users: &[Login]) {
        fs::write(path, "").expect("a file of passwords");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its permissions");
        for Login { user, password } in users {
            let mut command = Command::new(find("mosquitto_passwd"));
            let output = command.arg("-b").arg(path).args([user, password]).output();
            let output = output.expect("mosquitto_passwd runs");
            assert!(output.status.success(), "mosquitto_passwd: {output:?}");
        }
    }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The path of an installed program; the broker's may come from a folder of the tests' own.
pub fn find(program: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os(OTHER_MOSQUITTO)
        && matches!(program, "mosquitto" | "mosquitto_passwd")
    {
        let path = Path::new(&folder).join(program);
        assert!(path.is_file(), "{OTHER_MOSQUITTO} has no {program}: {}", path.display());
        return path;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(FOLDERS.iter().map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{program} is not installed; tests/run names the packages"))
}
