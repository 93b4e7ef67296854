//! Values of configuration keys: durations, secrets from files, number patterns, the default store folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use crate::number::NumberPattern;

pub(super) fn secret(
    key: &str,
    value: Option<SecretString>,
    file: Option<&Path>,
) -> Result<Option<SecretString>, String> {
    match (value, file) {
        (Some(_), Some(_)) => Err(format!("{key} and {key}_file: give one of them, not both")),
        (Some(value), None) => Ok(Some(value)),
        (None, None) => Ok(None),
        (None, Some(path)) => {
            // systemd passes credentials in a folder of its own; a bare file name is looked up there.
            let path = match std::env::var_os("CREDENTIALS_DIRECTORY") {
                Some(folder) if path.components().count() == 1 => Path::new(&folder).join(path),
                _ => path.to_owned(),
            };
            let text = std::fs::read_to_string(&path)
                .map_err(|e| format!("{key}_file: {}: cannot be read ({e})", path.display()))?;
            Ok(Some(SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned())))
        }
    }
}

pub(super) fn patterns(key: &str, texts: Vec<String>) -> Result<Vec<NumberPattern>, String> {
    texts.iter().map(|text| text.parse().map_err(|e| format!("{key}: {e}"))).collect()
}

/// `$STATE_DIRECTORY`, else /var/lib/smsbridge where it can be written, else the user's state folder.
pub(super) fn default_store_path() -> PathBuf {
    if let Some(folder) = std::env::var_os("STATE_DIRECTORY").filter(|s| !s.is_empty()) {
        return folder.into();
    }
    let system = PathBuf::from("/var/lib/smsbridge");
    if may_write(&system) {
        return system;
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).or_else(home).unwrap_or_default().join("smsbridge")
}

/// Whether we could write in a folder that exists or could be created. Changes nothing.
#[cfg(unix)]
fn may_write(folder: &Path) -> bool {
    let first_there = folder.ancestors().find(|path| path.exists());
    first_there.is_some_and(|path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok())
}

#[cfg(not(unix))]
fn may_write(_folder: &Path) -> bool {
    false
}

pub(super) fn seconds(n: u32) -> Duration {
    Duration::from_secs(n.into())
}

pub(super) fn days(n: u32) -> Duration {
    Duration::from_secs(u64::from(n) * 86_400)
}
