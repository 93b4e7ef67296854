//! What can be said of a store from outside: whether a gateway could use it, and which PINs it knows to be wrong.
//!
//! Changes nothing, and goes on beside a running gateway.

use std::fs::File;
use std::io::{Error, ErrorKind};
use std::path::Path;

use super::error::OpenError;
use super::{file, pin_attempts};

/// The state of a store's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// There is no store; one can be created.
    New,
    /// There is one that can be opened.
    Ready,
    /// A running gateway has it.
    Running,
}

/// Whether a gateway of this user could open the store in `folder`.
///
/// # Errors
/// Why not, as its start would say.
pub fn look(folder: &Path) -> Result<Condition, OpenError> {
    let unusable = |error| OpenError::Folder { folder: folder.to_owned(), error };
    match std::fs::metadata(folder) {
        Ok(found) if !found.is_dir() => return Err(unusable(ErrorKind::NotADirectory.into())),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let above = folder.ancestors().skip(1).map(or_here).find(|path| path.exists());
            may_write(above.unwrap_or(Path::new("."))).map_err(unusable)?;
            return Ok(Condition::New);
        }
        Err(error) => return Err(unusable(error)),
    }
    may_write(folder).map_err(unusable)?;
    let is_running = is_locked(folder).map_err(unusable)?;
    let database = folder.join(file::FILE);
    if !database.exists() {
        return Ok(if is_running { Condition::Running } else { Condition::New });
    }
    may_write_file(&database).map_err(|error| OpenError::Folder { folder: database.clone(), error })?;
    // Refuses one of another program or a newer version.
    drop(file::open_unchanged(folder, is_running)?);
    Ok(if is_running { Condition::Running } else { Condition::Ready })
}

/// Whether a SIM refused this PIN before; false where there is no store.
pub fn is_pin_known_wrong(folder: &Path, pin: &str) -> Result<bool, OpenError> {
    if !folder.join(file::FILE).exists() {
        return Ok(false);
    }
    let is_running = is_locked(folder).unwrap_or(true);
    let connection = file::open_unchanged(folder, is_running)?;
    let count = "SELECT count(*) FROM pin_attempt WHERE digest = ?1 AND state = 'wrong'";
    let known: i64 = connection.query_row(count, [pin_attempts::digest(pin)], |row| row.get(0))?;
    Ok(known > 0)
}

/// The folder above a bare name is the one we are in.
fn or_here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// Whether a running gateway has locked the folder. The lock is not taken: a gateway may start just now.
fn is_locked(folder: &Path) -> std::io::Result<bool> {
    let file = match File::open(folder.join("lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(std::fs::TryLockError::WouldBlock) => Ok(true),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(unix)]
fn may_write(folder: &Path) -> std::io::Result<()> {
    use rustix::fs::Access;
    let all = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(folder, all).map_err(Error::from)
}

#[cfg(unix)]
fn may_write_file(file: &Path) -> std::io::Result<()> {
    use rustix::fs::Access;
    rustix::fs::access(file, Access::READ_OK | Access::WRITE_OK).map_err(Error::from)
}

/// Elsewhere only that it is no read-only one.
#[cfg(not(unix))]
fn may_write(folder: &Path) -> std::io::Result<()> {
    match std::fs::metadata(folder)?.permissions().readonly() {
        true => Err(Error::from(ErrorKind::ReadOnlyFilesystem)),
        false => Ok(()),
    }
}

#[cfg(not(unix))]
fn may_write_file(file: &Path) -> std::io::Result<()> {
    may_write(file)
}
