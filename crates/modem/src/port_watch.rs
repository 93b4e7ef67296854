//! Hears from the kernel that a port is there, so that nobody has to wait a delay out.
//!
//! Owns what was seen of a port and the folders that are watched for it (inotify). A notice only says *look now*: what
//! counts is whether the port is there and is another than before. Opens no port. Where there are no notices (another
//! system, no instance left, a folder that may not be read) it looks twice a second.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use crate::notices::Notices;
use crate::port::PortSpec;
use crate::serial_ports::{candidates, is_there};

/// How often to look where there are no notices.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Links that are followed from a port's name to its device.
#[cfg(not(windows))]
const MAX_LINKS: usize = 8;

/// Which ports are watched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The port of that name alone.
    Named,
    /// That of any modem as well: it may come back under another name.
    AnyModem,
}

/// Waits for a port to appear, or to become another device.
#[derive(Debug)]
pub struct PortWatch {
    /// The port's name; none where it has none (`auto`).
    path: Option<PathBuf>,
    scope: Scope,
    seen: BTreeMap<PathBuf, Seen>,
    source: Source,
}

/// Where notices come from.
#[derive(Debug)]
enum Source {
    NotAsked,
    Kernel(Notices),
    /// There are none.
    Nowhere,
}

/// What tells a device from another one of the same name: for its name and each link it leads over, when that was made or
/// given other rights, and its inode. Not when it was read or written.
type Seen = Vec<(PathBuf, Option<SystemTime>, u64)>;

impl PortWatch {
    /// Remembers what is there now. A TCP port has nothing to be heard of: its watch waits for ever.
    pub fn new(port: &PortSpec, scope: Scope) -> Self {
        let (path, scope) = match port {
            PortSpec::Serial(path) => (Some(PathBuf::from(path)), scope),
            PortSpec::Auto => (None, Scope::AnyModem),
            PortSpec::Tcp { .. } => (None, Scope::Named),
        };
        let mut watch = PortWatch { path, scope, seen: BTreeMap::new(), source: Source::NotAsked };
        watch.seen = watch.look();
        watch
    }

    /// Waits until a port is there that was not when the watch was made, or is another device, or has other rights. What
    /// changed before the call counts. Returns whether it is the named one. Cancel-safe.
    pub async fn appeared(&mut self) -> bool {
        if self.path.is_none() && self.scope == Scope::Named {
            return std::future::pending().await;
        }
        loop {
            // Before looking: what changes while we look is heard.
            let hears = self.listen();
            let now = self.look();
            let is_new = |path: &PathBuf| now.get(path).is_some_and(|new| self.seen.get(path) != Some(new));
            let (is_any_new, is_own_new) = (now.keys().any(is_new), self.path.as_ref().is_some_and(is_new));
            self.seen = now;
            if is_any_new {
                return is_own_new;
            }
            match &mut self.source {
                Source::Kernel(notices) if hears => notices.next().await,
                _ => sleep(POLL_INTERVAL).await,
            }
        }
    }

    /// Watches the folders in which the port may appear; whether all of them can be.
    fn listen(&mut self) -> bool {
        let folders = self.folders();
        if matches!(self.source, Source::NotAsked) {
            self.source = Notices::new().map_or(Source::Nowhere, Source::Kernel);
        }
        let Source::Kernel(notices) = &self.source else { return false };
        folders.iter().all(|folder| notices.watch(folder))
    }

    fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = Vec::new();
        if self.scope == Scope::AnyModem {
            folders.push("/dev".into());
        }
        for link in self.path.iter().flat_map(|path| links(path)) {
            // A folder that is not there yet is awaited in the next above it.
            folders.extend(link.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_path_buf));
        }
        folders
    }

    fn look(&self) -> BTreeMap<PathBuf, Seen> {
        let mut ports: Vec<PathBuf> = self.path.iter().cloned().collect();
        if self.scope == Scope::AnyModem {
            ports.extend(candidates(false).into_iter().map(|candidate| candidate.path));
        }
        let there = ports.into_iter().filter(|path| is_there(path));
        there.map(|path| (path.clone(), links(&path).into_iter().map(see).collect())).collect()
    }
}

/// The path, and each that a link leads to.
#[cfg(not(windows))]
fn links(path: &Path) -> Vec<PathBuf> {
    let mut out = vec![path.to_path_buf()];
    let mut at = path.to_path_buf();
    while let Ok(target) = at.read_link()
        && out.len() < MAX_LINKS
    {
        at = at.parent().unwrap_or(Path::new("/")).join(target);
        out.push(at.clone());
    }
    out
}

#[cfg(unix)]
fn see(link: PathBuf) -> (PathBuf, Option<SystemTime>, u64) {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(metadata) = link.symlink_metadata() else { return (link, None, 0) };
    let seconds = Duration::from_secs(metadata.ctime().try_into().unwrap_or_default());
    let nanos = Duration::from_nanos(metadata.ctime_nsec().try_into().unwrap_or_default());
    (link, SystemTime::UNIX_EPOCH.checked_add(seconds + nanos), metadata.ino())
}

/// A COM port is no file: asking for it as one would open it.
#[cfg(windows)]
fn links(path: &Path) -> Vec<PathBuf> {
    vec![path.to_path_buf()]
}

#[cfg(not(unix))]
fn see(port: PathBuf) -> (PathBuf, Option<SystemTime>, u64) {
    (port, None, 0)
}

#[cfg(test)]
#[path = "port_watch_tests.rs"]
mod tests;
