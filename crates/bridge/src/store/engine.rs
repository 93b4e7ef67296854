//! The store's thread: owns the writing connection, gathers operations into one transaction, commits, and only then
//! answers all of them (group commit).
//!
//! An answer `Ok` means: on disk. Each operation is a savepoint; when the transaction is lost, each is tried once more
//! alone. Wake-ups follow the commit. Input: operations from the handles.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::{Notify, mpsc, oneshot};

use super::error::{OpenError, StoreError};
use super::file;
use super::idle::{Idle, IdleModems, Sendable};
use super::place::Place;
use crate::config::{Config, Hook, Outbound};
use crate::contact::Contacts;
use crate::counts::{Count, Counts};
use crate::event::Event;
use crate::feed::EventFeed;
use crate::incoming::IncomingPolicy;
use crate::log::EventLine;
use crate::message::{Name, Sim};

/// Operations joined into one transaction.
const MAX_GROUP: usize = 256;

/// Operations waiting before callers wait too.
const MAX_QUEUED: usize = 256;

/// What of the configuration the operations obey.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// What incoming messages mean.
    pub incoming: IncomingPolicy,
    /// Whether the last message of each modem is retained at the broker.
    pub retain_last: bool,
    /// Limits and time-outs of outgoing messages.
    pub outbound: Outbound,
    /// USSD requests a modem may send in 24 hours; none for no limit.
    pub ussd_per_day: Option<u32>,
    /// Programs run for events.
    pub hooks: Vec<Hook>,
    /// Where is counted what happens; none where nobody asks for it.
    pub counts: Option<Arc<Counts>>,
    /// Where is told what happens; none where nobody watches.
    pub feed: Option<Arc<EventFeed>>,
}

impl From<&Config> for StoreConfig {
    fn from(config: &Config) -> Self {
        StoreConfig {
            incoming: IncomingPolicy {
                inbound: config.inbound.clone(),
                outbound: config.outbound.clone(),
                contacts: Contacts::new(&config.contacts, &config.outbound.default_country),
                rules: config.rules.clone(),
            },
            retain_last: config.mqtt.retain_last,
            outbound: config.outbound.clone(),
            ussd_per_day: config.ussd.per_day,
            hooks: config.hooks.clone(),
            counts: config.http.as_ref().map(|_| Arc::default()),
            feed: config.http.as_ref().map(|_| Arc::default()),
        }
    }
}

/// Whom a commit wakes, besides the modems: those wait with what [`Store::claim`] gives them.
#[derive(Debug, Default)]
pub struct Wakes {
    /// There may be something to publish.
    pub outbox: Notify,
    /// There may be a hook to run.
    pub hooks: Notify,
    idle_modems: Arc<IdleModems>,
}

/// What an operation works with: the open transaction, the configuration, and whom to wake after the commit.
pub(super) struct Tx<'a> {
    pub(super) sql: &'a Connection,
    pub(super) config: &'a StoreConfig,
    idle_modems: &'a Arc<IdleModems>,
    wake_outbox: &'a Cell<bool>,
    wake_hooks: &'a Cell<bool>,
    sendable: &'a RefCell<Vec<Sendable>>,
    lines: &'a RefCell<Vec<EventLine>>,
    counts: &'a RefCell<Vec<Count>>,
    told: &'a RefCell<Vec<Arc<Event>>>,
}

impl Tx<'_> {
    pub(super) fn wake_outbox(&self) {
        self.wake_outbox.set(true);
    }

    pub(super) fn wake_hooks(&self) {
        self.wake_hooks.set(true);
    }

    /// Wakes an idle modem that may send this message.
    pub(super) fn wake_modem(&self, message: Sendable) {
        self.sendable.borrow_mut().push(message);
    }

    /// Says this in the log after the commit.
    pub(super) fn log(&self, line: EventLine) {
        self.lines.borrow_mut().push(line);
    }

    /// Counts this after the commit.
    pub(super) fn count(&self, count: impl Into<Option<Count>>) {
        if self.config.counts.is_some() {
            self.counts.borrow_mut().extend(count.into());
        }
    }

    /// Tells this, after the commit, those who watch.
    pub(super) fn tell(&self, event: &Event) {
        if self.config.feed.is_some() {
            self.told.borrow_mut().push(Arc::new(event.clone()));
        }
    }

    /// The modem found nothing to send: from now on it is idle.
    pub(super) fn idle(&self, modem: &Name, sim: &Sim) -> Idle {
        IdleModems::enter(self.idle_modems, modem, sim)
    }
}

type Answer = Result<(), StoreError>;

/// An operation in the queue: it can be run again after a rolled back transaction, and is answered once.
trait Job: Send {
    fn run(&mut self, tx: &Tx<'_>) -> Answer;
    fn answer(self: Box<Self>, outcome: Answer);
}

struct Operation<F, T> {
    run: F,
    value: Option<T>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Job for Operation<F, T>
where
    F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, tx: &Tx<'_>) -> Answer {
        self.value = Some((self.run)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Answer) {
        let Operation { value, caller, .. } = *self;
        let _ = caller.send(outcome.and_then(|()| value.ok_or(StoreError::Closed)));
    }
}

/// A handle on the store; cheap to clone. The thread ends when the last one is gone.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Box<dyn Job>>,
    wakes: Arc<Wakes>,
    counts: Option<Arc<Counts>>,
    feed: Option<Arc<EventFeed>>,
    /// Something could not be written, and nothing was since.
    pub(super) is_failing: Arc<AtomicBool>,
}

/// The store's thread, to be joined after the last handle is dropped.
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
    /// Opens the store in `folder`, creating or upgrading it, and starts its thread.
    pub fn open(folder: &Path, config: StoreConfig) -> Result<(Store, StoreThread), OpenError> {
        let (connection, place) = file::open(folder)?;
        let (jobs, queue) = mpsc::channel(MAX_QUEUED);
        let wakes = Arc::new(Wakes::default());
        let thread_wakes = Arc::clone(&wakes);
        let (counts, feed) = (config.counts.clone(), config.feed.clone());
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                serve(connection, &place, &config, queue, &thread_wakes);
                drop(place);
            })
            .map_err(|error| OpenError::Folder { folder: folder.to_owned(), error })?;
        Ok((Store { jobs, wakes, counts, feed, is_failing: Arc::default() }, StoreThread(thread)))
    }

    /// What happened lately; none where nobody watches.
    pub fn feed(&self) -> Option<Arc<EventFeed>> {
        self.feed.clone()
    }

    /// Whom the store wakes after a commit.
    pub fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    /// Counts something that is no operation of the store.
    pub fn count(&self, count: Count) {
        if let Some(counts) = &self.counts {
            counts.add(count);
        }
    }

    /// What was counted; none where nobody asks for it.
    pub fn counts(&self) -> Option<Arc<Counts>> {
        self.counts.clone()
    }

    /// Carries out one operation; `Ok` means it is on disk.
    pub(super) async fn write<T, F>(&self, run: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        self.jobs
            .send(Box::new(Operation { run, value: None, caller }))
            .await
            .map_err(|_| StoreError::Closed)?;
        let answer = answer.await.unwrap_or(Err(StoreError::Closed));
        if matches!(answer, Err(StoreError::Unwritable(_))) {
            self.is_failing.store(true, Ordering::Relaxed);
        }
        answer
    }
}

/// Gathers, commits and answers until the last handle is dropped.
fn serve(
    mut connection: Connection,
    place: &Place,
    config: &StoreConfig,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    wakes: &Wakes,
) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while let Some(first) = queue.blocking_recv() {
        group.push(first);
        while group.len() < MAX_GROUP
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        let outcomes = commit(&mut connection, place, config, wakes, &mut group);
        match outcomes {
            Ok(outcomes) => group.drain(..).zip(outcomes).for_each(|(job, outcome)| job.answer(outcome)),
            // One operation may have spoilt the transaction of all: each gets one try alone.
            Err(_) => group.drain(..).for_each(|job| {
                let mut alone = [job];
                let outcome = commit(&mut connection, place, config, wakes, &mut alone)
                    .and_then(|mut outcomes| outcomes.pop().unwrap_or(Err(StoreError::Closed)));
                let [job] = alone;
                job.answer(outcome);
            }),
        }
    }
    let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);");
}

/// One transaction over a group of jobs. `Err`: nothing of any of them is in the store, as the next start will find it.
fn commit(
    connection: &mut Connection,
    place: &Place,
    config: &StoreConfig,
    wakes: &Wakes,
    group: &mut [Box<dyn Job>],
) -> Result<Vec<Answer>, StoreError> {
    place.check()?;
    let began = Instant::now();
    let (outbox, hooks, sendable) = (Cell::new(false), Cell::new(false), RefCell::default());
    let (lines, counts, told) =
        (RefCell::new(Vec::new()), RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let mut transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut outcomes = Vec::with_capacity(group.len());
    for job in group {
        let savepoint = transaction.savepoint()?;
        let tx = Tx {
            sql: &savepoint,
            config,
            idle_modems: &wakes.idle_modems,
            wake_outbox: &outbox,
            wake_hooks: &hooks,
            sendable: &sendable,
            lines: &lines,
            counts: &counts,
            told: &told,
        };
        let (said_before, counted_before) = (lines.borrow().len(), counts.borrow().len());
        let told_before = told.borrow().len();
        let outcome = job.run(&tx);
        match &outcome {
            Ok(()) => savepoint.commit()?,
            // A full disk may have rolled back everything, not this savepoint alone.
            Err(error) if savepoint.is_autocommit() => return Err(error.clone()),
            Err(_) => {
                drop(savepoint);
                lines.borrow_mut().truncate(said_before);
                counts.borrow_mut().truncate(counted_before);
                told.borrow_mut().truncate(told_before);
            }
        }
        outcomes.push(outcome);
    }
    transaction.commit()?;
    // What was committed to a file that has just gone is not stored.
    place.check()?;
    lines.into_inner().iter().for_each(EventLine::say);
    if let Some(all) = &config.counts {
        all.add(Count::CommittedIn(began.elapsed()));
        counts.into_inner().into_iter().for_each(|count| all.add(count));
    }
    if let Some(feed) = &config.feed {
        told.into_inner().into_iter().for_each(|event| feed.push(event));
    }
    if outbox.get() {
        wakes.outbox.notify_one();
    }
    wakes.idle_modems.wake(sendable.into_inner());
    if hooks.get() {
        wakes.hooks.notify_one();
    }
    Ok(outcomes)
}
