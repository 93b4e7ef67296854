//! The files that a configuration names: lists of numbers, and programs. Only looked at, never run.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::text::MAX_OCTETS;

/// Where such files are.
pub(super) trait Files {
    /// What stands in one.
    ///
    /// # Errors
    /// In words: why it cannot be read.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Whether there is one.
    fn is_there(&self, path: &str) -> bool;
}

/// On this machine; a relative path is one from `folder`.
pub struct OnDisk {
    /// The folder of the configuration that is read.
    pub folder: PathBuf,
}

impl Files for OnDisk {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let path = self.folder.join(Path::new(path));
        let words = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => "it is not on this machine".to_owned(),
            _ => format!("it cannot be read here ({error})"),
        };
        // What is no file, such as a pipe, could keep its reader waiting for ever.
        if !std::fs::metadata(&path).map_err(words)?.is_file() {
            return Err("it is no file".to_owned());
        }
        let mut octets = Vec::new();
        let file = std::fs::File::open(&path).map_err(words)?;
        file.take(MAX_OCTETS as u64 + 1).read_to_end(&mut octets).map_err(words)?;
        if octets.len() > MAX_OCTETS {
            return Err("it is larger than 1 MiB".to_owned());
        }
        Ok(octets)
    }

    fn is_there(&self, path: &str) -> bool {
        self.folder.join(Path::new(path)).is_file()
    }
}
