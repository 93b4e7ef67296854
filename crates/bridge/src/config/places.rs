//! Where the configuration and the store are when nobody says where: the places of the system, and of the user.
//!
//! Creates nothing. Input: environment variables, and whether this user may write in a folder.

use std::path::PathBuf;

/// Where a configuration is looked for when none is named: here, then where the system has its own.
pub(super) fn configurations() -> [PathBuf; 2] {
    ["smsbridge.toml".into(), system::configurations().join("smsbridge.toml")]
}

/// Where the service keeps its store.
pub(super) fn store_of_service() -> PathBuf {
    system::store()
}

/// `$STATE_DIRECTORY`, else the service's place where it can be written, else the user's state folder.
pub(super) fn default_store() -> PathBuf {
    let given = std::env::var_os("STATE_DIRECTORY").filter(|folder| !folder.is_empty());
    given.map_or_else(system::default_store, PathBuf::from)
}

#[cfg(not(windows))]
mod system {
    use std::path::{Path, PathBuf};

    pub(super) fn configurations() -> PathBuf {
        "/etc/smsbridge".into()
    }

    pub(super) fn store() -> PathBuf {
        "/var/lib/smsbridge".into()
    }

    pub(super) fn default_store() -> PathBuf {
        let system = store();
        if may_write(&system) {
            return system;
        }
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
        std::env::var_os("XDG_STATE_HOME")
            .map(PathBuf::from)
            .or_else(home)
            .unwrap_or_default()
            .join("smsbridge")
    }

    /// Whether we could write in a folder that exists or could be created. Changes nothing.
    fn may_write(folder: &Path) -> bool {
        let first_there = folder.ancestors().find(|path| path.exists());
        first_there.is_some_and(|path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok())
    }
}

/// One folder for both: Windows has one for what belongs to no user.
#[cfg(windows)]
mod system {
    use std::path::PathBuf;

    pub(super) fn configurations() -> PathBuf {
        let folder = std::env::var_os("ProgramData").filter(|folder| !folder.is_empty());
        folder.map_or_else(|| PathBuf::from(r"C:\ProgramData"), PathBuf::from).join("smsbridge")
    }

    pub(super) fn store() -> PathBuf {
        configurations()
    }

    pub(super) fn default_store() -> PathBuf {
        store()
    }
}
