//! Values of configuration keys: durations, secrets from files, number patterns, the default store folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use crate::number::{self, NumberPattern};

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

/// Patterns over the senders of messages. Where their country is known, those that are numbers also mean the number
/// as it is written with its country.
pub(super) fn sender_patterns(
    key: &str,
    texts: &[String],
    default_country: &str,
) -> Result<Vec<NumberPattern>, String> {
    let as_written =
        texts.iter().map(|text| NumberPattern::of_senders(text).map_err(|e| format!("{key}: {e}")));
    // "0*" means what is written so, not a whole country.
    let says_more = |text: &&String| text.contains(|c: char| c.is_ascii_digit() && c != '0');
    let canonical = texts.iter().filter(says_more);
    let canonical =
        canonical.filter_map(|text| NumberPattern::of_numbers(text, default_country).ok().map(Ok));
    as_written.chain(canonical).collect()
}

/// Patterns over the recipients of messages, each of which can match.
pub(super) fn recipient_patterns(
    key: &str,
    texts: &[String],
    default_country: &str,
    short_codes: &[String],
) -> Result<Vec<NumberPattern>, String> {
    let read = |text: &String| {
        let pattern = NumberPattern::of_numbers(text, default_country).map_err(|e| format!("{key}: {e}"))?;
        if !pattern.has_country() && !short_codes.iter().any(|code| pattern.matches(code)) {
            return Err(format!(
                "{key}: {text:?} matches no number: it has no country code. Begin it with + and the country code, set \
                 outbound.default_country, or list short numbers in outbound.short_codes"
            ));
        }
        Ok(pattern)
    };
    texts.iter().map(read).collect()
}

/// Short codes, each as it is dialled.
pub(super) fn short_codes(key: &str, texts: &[String]) -> Result<Vec<String>, String> {
    let read = |text: &String| {
        let code = number::bare(text);
        let is_short = (1..=MAX_SHORT_CODE).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
        is_short.then_some(code).ok_or_else(|| {
            format!("{key}: {text:?}: expected 1 to {MAX_SHORT_CODE} digits, such as \"10086\"")
        })
    };
    texts.iter().map(read).collect()
}

/// Digits of a short code; what is longer is a number of some country.
const MAX_SHORT_CODE: usize = 8;

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
