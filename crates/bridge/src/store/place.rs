//! The place of the store: nobody else's while we run, and still where its name says.
//!
//! A file that was moved or removed goes on being written by whoever has it open, and is found by nobody afterwards. So
//! each commit looks whether what is open stands at its path, and what does not is not believed to be stored.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::{OpenError, StoreError};

/// The locks on a store's folder and the files that have to stay in it.
pub(super) struct Place {
    _locks: Vec<File>,
    watched: Vec<(PathBuf, Identity)>,
}

impl Place {
    /// Locks the folder. The kernel drops the locks when the process ends.
    ///
    /// # Errors
    /// [`OpenError::Locked`] where another process has it.
    pub(super) fn lock(folder: &Path) -> Result<Place, OpenError> {
        let unusable = |error| OpenError::Folder { folder: folder.to_owned(), error };
        let file = lock_file(&folder.join("lock")).map_err(unusable)?;
        let mut locks = Vec::new();
        match file.try_lock() {
            Ok(()) => locks.push(file),
            Err(std::fs::TryLockError::WouldBlock) => return Err(OpenError::Locked(folder.to_owned())),
            Err(std::fs::TryLockError::Error(error)) => return Err(unusable(error)),
        }
        // Somebody may remove the file; the folder itself cannot go without its files. Not the database: any close of
        // it in this process would drop SQLite's own locks.
        #[cfg(unix)]
        {
            let folder_itself = File::open(folder).map_err(unusable)?;
            match folder_itself.try_lock() {
                Ok(()) => locks.push(folder_itself),
                Err(std::fs::TryLockError::WouldBlock) => return Err(OpenError::Locked(folder.to_owned())),
                // A file system that locks no folders.
                Err(std::fs::TryLockError::Error(_)) => {}
            }
        }
        Ok(Place { _locks: locks, watched: Vec::new() })
    }

    /// From now on the database has to stay where it is, with the files SQLite keeps beside it.
    pub(super) fn watch(&mut self, database: &Path) {
        let beside = |end: &str| {
            let mut name = database.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let files = [database.to_owned(), beside("-wal"), beside("-shm")];
        self.watched =
            files.into_iter().filter_map(|file| Some((file.clone(), identity(&file).ok()?))).collect();
    }

    /// An error unless every file is the one that was opened. What cannot be looked at is believed to be.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let is_gone = |(file, known): &&(PathBuf, Identity)| match identity(file) {
            Ok(found) => found != *known,
            Err(error) => matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        };
        match self.watched.iter().find(is_gone) {
            None => Ok(()),
            Some((file, _)) => Err(StoreError::Moved(file.clone())),
        }
    }
}

/// Nobody else may read it; on Windows nobody may delete it while it is open.
fn lock_file(path: &Path) -> std::io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 0x1 | 0x2);
    options.open(path)
}

/// Device and number of a file.
#[cfg(unix)]
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(file: &Path) -> std::io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(file).map(|found| (found.dev(), found.ino()))
}

/// Elsewhere only that it is there.
#[cfg(not(unix))]
type Identity = ();

#[cfg(not(unix))]
fn identity(file: &Path) -> std::io::Result<Identity> {
    std::fs::metadata(file).map(|_| ())
}
