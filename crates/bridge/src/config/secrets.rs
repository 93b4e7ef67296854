//! Secrets from files: where such a file is, and reading it.
//!
//! A bare file name is that of a credential systemd passes, in `$CREDENTIALS_DIRECTORY`; else it stands beside the
//! configuration file. So one configuration serves the service and root's `smsbridge send` alike. Any other relative
//! path is one from the working folder.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::mistake::Mistakes;
use super::settings::SecretFile;

/// Whether files with secrets are read. Commands that need none leave them: not everybody may read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// They are read.
    Read,
    /// They are left: what they hold counts as not given.
    Leave,
}

/// Reads the secrets of one configuration.
pub(super) struct Reader {
    secrets: Secrets,
    /// Where bare names are looked for, in this order.
    folders: Vec<PathBuf>,
    /// The files it was asked for.
    pub(super) files: Vec<SecretFile>,
}

impl Reader {
    /// For a configuration in this file.
    pub(super) fn new(secrets: Secrets, config_file: Option<&Path>) -> Reader {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let beside = config_file.and_then(Path::parent).map_or_else(PathBuf::new, Path::to_owned);
        Reader { secrets, folders: credentials.into_iter().chain([beside]).collect(), files: Vec::new() }
    }

    /// A secret given by its value or in a file; `path` is its key.
    pub(super) fn secret(
        &mut self,
        path: &str,
        value: Option<SecretString>,
        file: Option<PathBuf>,
        mistakes: &mut Mistakes,
    ) -> Option<SecretString> {
        let key = format!("{path}_file");
        let file = match (value, file) {
            (Some(_), Some(_)) => {
                let words = "it stands beside the value itself: give one of them, not both";
                mistakes.add_key(key, words);
                return None;
            }
            (value, None) => return value,
            (None, Some(file)) => self.find(&key, file),
        };
        self.files.push(file.clone());
        match self.secrets {
            Secrets::Leave => None,
            Secrets::Read => {
                let read = read(&file.path);
                mistakes.keep(&key, read.map_err(|error| self.unreadable(&file, &error)))
            }
        }
    }

    fn find(&self, key: &str, written: PathBuf) -> SecretFile {
        let mut places = self.places(&written);
        let found = places.iter().position(|path| path.exists()).unwrap_or(places.len() - 1);
        let path = places.swap_remove(found);
        SecretFile { key: key.to_owned(), path, written }
    }

    /// Where it may be, at least one place.
    fn places(&self, written: &Path) -> Vec<PathBuf> {
        match is_bare(written) {
            true => self.folders.iter().map(|folder| folder.join(written)).collect(),
            false => vec![written.to_owned()],
        }
    }

    fn unreadable(&self, file: &SecretFile, error: &std::io::Error) -> String {
        let places: Vec<String> =
            self.places(&file.written).iter().map(|path| path.display().to_string()).collect();
        match (error.kind(), &places[..]) {
            (std::io::ErrorKind::NotFound, [_, _, ..]) => {
                format!("there is no such file; looked for {}", places.join(" and "))
            }
            _ => format!("{} cannot be read ({error})", file.path.display()),
        }
    }
}

impl SecretFile {
    /// Its key as people know it.
    pub fn shown_key(&self) -> String {
        super::mistake::shown(&self.key)
    }

    /// Whether it is looked for in more than one place.
    pub fn is_bare(&self) -> bool {
        is_bare(&self.written)
    }

    /// What it holds, without the end of the line.
    pub fn read(&self) -> std::io::Result<SecretString> {
        read(&self.path)
    }
}

fn is_bare(path: &Path) -> bool {
    path.components().count() == 1 && path.file_name().is_some()
}

fn read(path: &Path) -> std::io::Result<SecretString> {
    let text = std::fs::read_to_string(path)?;
    Ok(SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned()))
}
