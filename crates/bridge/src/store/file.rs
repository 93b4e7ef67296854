//! Opening the store's file: the folder, its locks, and SQLite's settings.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::OpenError;
use super::place::Place;
use super::schema;

/// The store's file in its folder.
pub(super) const FILE: &str = "smsbridge.sqlite";

/// How long to wait for another connection's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements kept prepared: more than the store has.
const MAX_PREPARED: usize = 128;

/// Opens the file for writing, creating it if need be, in a folder that is ours alone as long as the place is kept.
pub(super) fn open(folder: &Path) -> Result<(Connection, Place), OpenError> {
    let unusable = |error| OpenError::Folder { folder: folder.to_owned(), error };
    create_folder(folder).map_err(unusable)?;
    let mut place = Place::lock(folder)?;
    let file = folder.join(FILE);
    open_private(&file).map_err(unusable)?;
    let broken = |error| OpenError::Broken { file: file.clone(), error };
    let mut connection = Connection::open(&file).map_err(broken)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(broken)?;
    // Before the first PRAGMA below, which would change a file that is not ours.
    let found = schema::check_version(&connection, &file)?;
    // Numbers and texts that are deleted are to be gone from the file: secure_delete overwrites them.
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA journal_size_limit = 4194304; PRAGMA secure_delete = ON;",
        )
        .map_err(broken)?;
    schema::migrate(&mut connection, found)?;
    connection.set_prepared_statement_cache_capacity(MAX_PREPARED);
    place.watch(&file);
    Ok((connection, place))
}

/// Opens the file for reading beside a running gateway.
pub(super) fn open_read_only(folder: &Path) -> Result<Connection, OpenError> {
    open_existing(folder, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Opens the file for reading and leaves nothing beside it: SQLite makes a journal for each reader of a file that
/// nobody has open, unless it is told that nothing changes. What the last gateway left in a journal is read as well.
pub(super) fn open_unchanged(folder: &Path, is_running: bool) -> Result<Connection, OpenError> {
    let file = folder.join(FILE);
    let path = file.to_str().filter(|_| !is_running && !folder.join(format!("{FILE}-wal")).exists());
    let Some(path) = path else { return open_read_only(folder) };
    let access =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(format!("file:{}?immutable=1", in_uri(path)), access)
        .map_err(|error| OpenError::Broken { file: file.clone(), error })?;
    schema::check_version(&connection, &file)?;
    Ok(connection)
}

/// A path as SQLite reads it in a URI (<https://www.sqlite.org/uri.html>). On Windows that has slashes, and one before
/// the drive.
fn in_uri(path: &str) -> String {
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let begin = if path.as_bytes().get(1) == Some(&b':') && cfg!(windows) { "///" } else { "" };
    let escaped = path.chars().map(|c| match c {
        '%' | '?' | '#' => format!("%{:02X}", u32::from(c)),
        other => other.to_string(),
    });
    begin.to_owned() + &escaped.collect::<String>()
}

/// Opens the file for a change beside a running gateway.
pub(super) fn open_beside_gateway(folder: &Path) -> Result<Connection, OpenError> {
    let connection = open_existing(folder, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;")?;
    Ok(connection)
}

/// Opens the store of another process. Where this user has none at the default place, it may be the service's.
fn open_existing(folder: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    let file = folder.join(FILE);
    let is_written = access.contains(OpenFlags::SQLITE_OPEN_READ_WRITE);
    if let Err(error) = std::fs::OpenOptions::new().read(true).write(is_written).open(&file) {
        return Err(match error.kind() {
            ErrorKind::NotFound => OpenError::Missing(file),
            ErrorKind::PermissionDenied => OpenError::Forbidden(file),
            _ => OpenError::Folder { folder: folder.to_owned(), error },
        });
    }
    let connection = Connection::open_with_flags(&file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| OpenError::Broken { file: file.clone(), error })?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    schema::check_version(&connection, &file)?;
    Ok(connection)
}

/// A folder we create is for our user alone; an existing one is left as it is.
fn create_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Texts and numbers are private: only our user may read the file, from its first moment on.
fn open_private(file: &Path) -> std::io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}
