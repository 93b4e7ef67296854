//! The store: the middle of the house. Every message crosses it, and it is the only door to SQLite.
//!
//! One thread owns the writing connection. Callers send it verbs; it gathers what waits into one transaction, commits,
//! and only then answers all of them (group commit). An answer `Ok` means: on disk. Each verb is one savepoint named by
//! what it does in the domain; the verbs are in `inbound.rs`, `outbound.rs`, `reports.rs` and `outbox.rs`.

mod events;
mod facts;
mod history;
mod hooks;
mod inbound;
mod outbound;
mod outbox;
mod reports;
mod requests;
mod schema;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::message::Name;
use crate::topic::Topics;

pub use facts::PinAttempt;
pub use history::{Entry, History, Wanted};
pub use hooks::HookRun;
pub use inbound::Accepted;
pub use outbound::{Claim, Claimed};
pub use outbox::OutboxRow;
pub use requests::Origin;

/// The store's file in its folder.
const FILE: &str = "smsbridge.sqlite";

/// Verbs joined into one transaction.
const GROUP: usize = 256;

/// Verbs waiting before callers wait too.
const QUEUE: usize = 256;

/// How the store writes down what it is told: names, and what of the configuration its verbs obey.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Topics of outbox rows.
    pub topics: Topics,
    /// Whether `last/<modem>` is kept.
    pub retain_last: bool,
    /// Incoming messages.
    pub inbound: crate::config::Inbound,
    /// Outgoing messages.
    pub outbound: crate::config::Outbound,
    /// What is made of incoming texts, in order.
    pub rules: Vec<crate::rules::Rule>,
    /// What is run for events.
    pub hooks: Vec<crate::config::Hook>,
}

/// Why the store cannot be opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or written.
    #[error("store folder {folder}: {why}; make it writable for this user, or set [store] path")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// There is none to read.
    #[error("store {0}: there is nothing yet; has a gateway run with this configuration?")]
    Nothing(PathBuf),
    /// Another process has it.
    #[error("store {0}: another smsbridge has it open; stop that one, or set another [store] path")]
    Busy(PathBuf),
    /// A newer smsbridge made it.
    #[error(
        "store {file}: it has version {found}, this smsbridge knows up to {known}; install a newer smsbridge"
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// `user_version` of the file.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// SQLite cannot read it.
    #[error(
        "store {file}: {why}; nothing was changed in it. Move it away to begin a new one, and keep it for repair"
    )]
    Broken {
        /// The file.
        file: PathBuf,
        /// What SQLite says.
        why: rusqlite::Error,
    },
    /// SQLite failed while tables were made or changed.
    #[error("store: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// Why a verb was not carried out. Nothing of it is in the store then.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, read-only or failing: try again later, and let nothing go until then.
    #[error("the store cannot be written: {0}")]
    Unwritable(String),
    /// SQLite finds its file damaged: nothing more can be promised.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The store's thread has ended; the process is about to.
    #[error("the store is closed")]
    Closed,
    /// A verb broke a rule of the tables: a fault of this program.
    #[error("the store refused: {0}")]
    Refused(String),
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

/// Who is woken after a commit. A lost wake-up costs a poll interval, never a message.
#[derive(Debug, Default)]
pub struct Wakes {
    /// There may be something to publish.
    pub outbox: Notify,
    /// There may be something to send.
    pub queue: Notify,
    /// There may be a hook to run.
    pub hooks: Notify,
}

/// What a verb works with: the open transaction, the rules, and whom to wake after the commit.
pub(crate) struct Tx<'a> {
    pub(crate) sql: &'a Connection,
    pub(crate) rules: &'a Rules,
    wake_outbox: &'a Cell<bool>,
    wake_queue: &'a Cell<bool>,
    wake_hooks: &'a Cell<bool>,
}

impl Tx<'_> {
    fn wake_outbox(&self) {
        self.wake_outbox.set(true);
    }

    fn wake_queue(&self) {
        self.wake_queue.set(true);
    }

    fn wake_hooks(&self) {
        self.wake_hooks.set(true);
    }
}

type Answer = Result<(), StoreError>;

/// A verb in the queue: it can be run again after a rolled back transaction, and is answered once.
trait Job: Send {
    fn run(&mut self, tx: &Tx<'_>) -> Answer;
    fn answer(self: Box<Self>, outcome: Answer);
}

struct Verb<F, T> {
    act: F,
    value: Option<T>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Job for Verb<F, T>
where
    F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, tx: &Tx<'_>) -> Answer {
        self.value = Some((self.act)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Answer) {
        let Verb { value, caller, .. } = *self;
        let _ = caller.send(outcome.and_then(|()| value.ok_or(StoreError::Closed)));
    }
}

/// A handle on the store; cheap to clone. The thread ends when the last one is gone.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Box<dyn Job>>,
    wakes: Arc<Wakes>,
}

/// The store's thread, to be waited for after the last handle is gone.
pub struct StoreThread(std::thread::JoinHandle<()>);

impl StoreThread {
    /// Waits until everything is committed and the file is closed.
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the store's thread panicked");
        }
    }
}

impl Store {
    /// Opens the store in `folder`, making or upgrading it, and starts its thread.
    pub fn open(folder: &Path, rules: Rules) -> Result<(Store, StoreThread), OpenError> {
        let (connection, lock) = open_file(folder)?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        let wakes = Arc::new(Wakes::default());
        let thread_wakes = Arc::clone(&wakes);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                serve(connection, &rules, queue, &thread_wakes);
                drop(lock);
            })
            .map_err(|why| OpenError::Folder { folder: folder.to_owned(), why })?;
        Ok((Store { jobs, wakes }, StoreThread(thread)))
    }

    /// Whom the store wakes after a commit.
    pub fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    /// Carries out one verb; `Ok` means it is on disk.
    async fn write<T, F>(&self, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        self.jobs.send(Box::new(Verb { act, value: None, caller })).await.map_err(|_| StoreError::Closed)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// Opens the file for reading beside a running gateway.
fn open_read_only(folder: &Path) -> Result<Connection, OpenError> {
    let file = folder.join(FILE);
    if !file.exists() {
        return Err(OpenError::Nothing(file));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&file, flags)
        .map_err(|why| OpenError::Broken { file: file.clone(), why })?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

/// Opens the file and holds the lock on it; at a kill the kernel lets go of the lock.
fn open_file(folder: &Path) -> Result<(Connection, std::fs::File), OpenError> {
    let unusable = |why| OpenError::Folder { folder: folder.to_owned(), why };
    make_folder(folder).map_err(unusable)?;
    let lock = hold_lock(folder)?;
    let file = folder.join(FILE);
    open_private(&file).map_err(unusable)?;
    let broken = |why| OpenError::Broken { file: file.clone(), why };
    let mut connection = Connection::open(&file).map_err(broken)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(broken)?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA journal_size_limit = 4194304;",
        )
        .map_err(broken)?;
    schema::migrate(&mut connection, &file)?;
    Ok((connection, lock))
}

/// A folder we make is for our user alone; one that is there is left as it is.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Texts and numbers are private: only our user may read the file, from its first moment on.
fn open_private(file: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

fn hold_lock(folder: &Path) -> Result<std::fs::File, OpenError> {
    let path = folder.join("lock");
    let unusable = |why| OpenError::Folder { folder: folder.to_owned(), why };
    let lock = open_private(&path).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::Busy(folder.to_owned())),
        Err(std::fs::TryLockError::Error(why)) => Err(unusable(why)),
    }
}

/// The thread: gathers, commits, answers, until the last handle is gone.
fn serve(mut connection: Connection, rules: &Rules, mut queue: mpsc::Receiver<Box<dyn Job>>, wakes: &Wakes) {
    let mut group = Vec::with_capacity(GROUP);
    while let Some(first) = queue.blocking_recv() {
        group.push(first);
        while group.len() < GROUP
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        let outcomes = commit(&mut connection, rules, wakes, &mut group);
        match outcomes {
            Ok(outcomes) => group.drain(..).zip(outcomes).for_each(|(job, outcome)| job.answer(outcome)),
            // One job may have spoilt the transaction of all: each gets one try of its own.
            Err(_) => group.drain(..).for_each(|job| {
                let mut alone = [job];
                let outcome = commit(&mut connection, rules, wakes, &mut alone)
                    .and_then(|mut outcomes| outcomes.pop().unwrap_or(Err(StoreError::Closed)));
                let [job] = alone;
                job.answer(outcome);
            }),
        }
    }
    let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);");
}

/// One transaction over a group of jobs. `Err`: nothing of any of them is in the store.
fn commit(
    connection: &mut Connection,
    rules: &Rules,
    wakes: &Wakes,
    group: &mut [Box<dyn Job>],
) -> Result<Vec<Answer>, StoreError> {
    let (outbox, queue, hooks) = (Cell::new(false), Cell::new(false), Cell::new(false));
    let mut transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut outcomes = Vec::with_capacity(group.len());
    for job in group {
        let savepoint = transaction.savepoint()?;
        let tx = Tx { sql: &savepoint, rules, wake_outbox: &outbox, wake_queue: &queue, wake_hooks: &hooks };
        let outcome = job.run(&tx);
        match &outcome {
            Ok(()) => savepoint.commit()?,
            // A full disk may have rolled back everything, not this savepoint alone.
            Err(error) if savepoint.is_autocommit() => return Err(error.clone()),
            Err(_) => drop(savepoint),
        }
        outcomes.push(outcome);
    }
    transaction.commit()?;
    if outbox.get() {
        wakes.outbox.notify_one();
    }
    if queue.get() {
        wakes.queue.notify_waiters();
    }
    if hooks.get() {
        wakes.hooks.notify_one();
    }
    Ok(outcomes)
}

/// A name read back from a row that was written from one.
fn name(text: &str) -> Result<Name, StoreError> {
    text.parse().map_err(StoreError::Refused)
}
