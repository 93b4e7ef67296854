//! Values of configuration keys: durations, hosts, secrets from files, number patterns, the default store folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use crate::number::NumberPattern;

/// Whether TLS is asked for, host and port of a broker's URL. No message holds any of it: where user name and password
/// stand in it, or it is cut short, anything may be the password.
pub(super) fn broker_address(url: &str) -> Result<(bool, String, u16), String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    if url.contains('@') {
        return Err("mqtt.url: a user name or password stands in it; they have keys of their own: [mqtt] username, and \
                    password_file or password"
            .to_owned());
    }
    let encrypted = match scheme {
        "mqtt" => false,
        "mqtts" => true,
        _ => return Err("mqtt.url: expected mqtt://HOST:PORT or mqtts://HOST:PORT".to_owned()),
    };
    let (host, port) = split_host(rest.trim_end_matches('/'), if encrypted { 8883 } else { 1883 })
        .ok_or("mqtt.url: expected a host and a port from 1 to 65535, and nothing behind them")?;
    Ok((encrypted, host, port))
}

fn split_host(rest: &str, default_port: u16) -> Option<(String, u16)> {
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok().filter(|p| *p > 0)?),
        _ => (rest, default_port),
    };
    // A colon belongs to an address in brackets alone; before one without stands a user name.
    let is_host = !host.is_empty() && !host.contains('/') && (host.starts_with('[') || !host.contains(':'));
    is_host.then(|| (host.to_owned(), port))
}

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
