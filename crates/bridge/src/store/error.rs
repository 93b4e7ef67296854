//! Why the store cannot be opened, and why an operation on it failed. Each says what to do.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be created or written.
    #[error("store folder {folder}: {error}; make it writable for this user, or set [store] path")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// There is no store.
    #[error("store {0}: there is nothing yet; has a gateway run with this configuration?")]
    Missing(PathBuf),
    /// This user may not read or write it.
    #[error("store {0}: not readable for you: it belongs to the gateway's user; try again with sudo")]
    Forbidden(PathBuf),
    /// Another process has it open.
    #[error("store {0}: another smsbridge has it open; stop that one, or set another [store] path")]
    Locked(PathBuf),
    /// A newer smsbridge wrote it.
    #[error(
        "store {file}: it has version {found}, this smsbridge knows up to {known}; install a newer smsbridge"
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// The version of the file.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// A revision from before the first release, or another program, wrote it.
    #[error(
        "store {0}: it was written by another program, or by a revision of smsbridge from before its first release, \
         which this one cannot read; nothing was changed in it. Move it away to begin a new one"
    )]
    Foreign(PathBuf),
    /// SQLite cannot read it.
    #[error(
        "store {file}: {error}; nothing was changed in it. Move it away to begin a new one, and keep it for repair"
    )]
    Broken {
        /// The file.
        file: PathBuf,
        /// What SQLite says.
        error: rusqlite::Error,
    },
    /// SQLite failed while tables were created or changed.
    #[error("store: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// Why an operation was not carried out. Nothing of it is in the store then.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, read-only or failing: try again later.
    #[error("the store cannot be written: {0}")]
    Unwritable(String),
    /// SQLite finds its file damaged: nothing more can be promised.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A file of the store is not where it was opened: what is written goes where nobody will look for it.
    #[error("the store's file {0} was moved, replaced or removed while the gateway ran")]
    Moved(PathBuf),
    /// The store's thread has ended; the process is about to end.
    #[error("the store is closed")]
    Closed,
    /// The operation broke a rule of the tables, or a row cannot be read: a bug.
    #[error("the store refused: {0}")]
    Refused(String),
}

impl StoreError {
    /// Logs it, unless the timer does: a store that cannot be written is one fault, however many notice it.
    pub fn log(&self) {
        match self {
            StoreError::Refused(_) => tracing::error!("{self}"),
            _ => tracing::debug!("{self}"),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::ApiMisuse) | None => {
                StoreError::Refused(error.to_string())
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Damaged(error.to_string())
            }
            Some(_) => StoreError::Unwritable(error.to_string()),
        }
    }
}

/// The store cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the store cannot be read: {0}")]
pub struct ReadError(#[from] rusqlite::Error);
