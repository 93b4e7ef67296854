//! Owns a real PostgreSQL on a Unix socket, in a folder of its own. As root it runs as another user, as it insists on.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use super::broker::{find, is_root};
use super::process::Process;
use super::wait::{WAIT_TIMEOUT, wait_for};

/// Where Debian has the programs of the server, a folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The user of the database; it owns everything.
const USER: &str = "meters";

/// Who may be the server where we are root: Debian's own user for it, else the one with no rights.
const OWNERS: [&str; 2] = ["postgres", "nobody"];

pub struct Postgres {
    process: Option<Process>,
    folder: TempDir,
}

impl Postgres {
    /// Answers when this returns, and has one empty database.
    pub fn start() -> Self {
        let folder = TempDir::with_prefix("smsbridge-pg-").expect("a temporary folder");
        if let Some((user, group)) = owner() {
            chown(folder.path(), Some(user), Some(group)).expect("a folder is given away by root");
        }
        let mut server = Self { process: None, folder };
        let mut initdb = server.program("initdb");
        initdb.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--username", USER]);
        let output = initdb.arg("--pgdata").arg(server.data()).output().expect("initdb runs");
        assert!(output.status.success(), "initdb: {output:?}");
        server.restart();
        server
    }

    /// Comes back with all it committed.
    pub fn restart(&mut self) {
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data()).arg("-k").arg(self.socket()).args(["-c", "listen_addresses="]);
        self.process = Some(Process::start("postgres", &mut command, &self.log()));
        wait_for("PostgreSQL to answer", || {
            let ended = self.process.as_mut().expect("it was started").ended();
            assert_eq!(
                ended,
                None,
                "PostgreSQL ended: {}",
                fs::read_to_string(self.log()).unwrap_or_default()
            );
            self.psql("select 1").output().is_ok_and(|output| output.status.success()).then_some(())
        });
    }

    /// Ends every connection at once, as a crash does.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::QUIT);
            process.wait_for_end(WAIT_TIMEOUT);
        }
    }

    /// What its users connect to.
    pub fn url(&self) -> String {
        format!("postgresql:///postgres?user={USER}&host={}", self.socket().display())
    }

    /// The folder of its socket, as `PGHOST` names it, and its user.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        [("PGHOST", self.socket().display().to_string()), ("PGUSER", USER.to_owned())]
    }

    /// Runs statements; the rows of the last one, columns parted by `|`.
    pub fn run(&self, statements: &str) -> String {
        let output = self.psql(statements).output().expect("psql runs");
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn psql(&self, statements: &str) -> Command {
        let mut command = Command::new(find("psql"));
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", statements]);
        command.envs(self.environment());
        command
    }

    /// As the user it has to run as, in a folder that user may enter.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(server_folder().join(name));
        command.current_dir(self.folder.path()).env_remove("PGDATA").env("LC_ALL", "C");
        if let Some((user, group)) = owner() {
            command.uid(user).gid(group);
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its path has to be short: a socket's may have 107 octets.
    fn socket(&self) -> &Path {
        self.folder.path()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("postgres.log")
    }
}

impl Drop for Postgres {
    /// Its own children and shared memory go with it only where it ends by itself.
    fn drop(&mut self) {
        if let Some(process) = &mut self.process
            && process.ended().is_none()
        {
            self.stop();
        }
    }
}

/// The newest version that is installed.
fn server_folder() -> PathBuf {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    let installed = folders.filter(|folder| File::open(folder.join("postgres")).is_ok());
    let version = |folder: &PathBuf| {
        let name = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        name.and_then(|name| name.parse::<u32>().ok())
    };
    installed.max_by_key(version).unwrap_or_else(|| {
        panic!("PostgreSQL is not installed below {VERSIONS}; tests/ecosystem/install/services names the packages")
    })
}

/// User and group the server runs as; none where it may run as we do.
fn owner() -> Option<(u32, u32)> {
    if !is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("a list of users");
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(|id| id.parse::<u32>().ok());
        Some((ids.next()??, ids.next()??))
    };
    let found = OWNERS.iter().find_map(|name| ids(name));
    Some(found.unwrap_or_else(|| panic!("PostgreSQL does not run as root, and there is no user {OWNERS:?}")))
}
