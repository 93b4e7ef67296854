//! Opening and closing devices away from the threads that run tasks: a driver may hang in either, and closing a line that
//! takes no data waits in the kernel for up to half a minute.
//!
//! Owns the list of devices this process opens, has open and closes. A device has one place in it: however often one is
//! tried whose driver hangs, no more than one thread waits for it. Must never wait for a driver itself. Knows no
//! terminal: what to open, and what to do before closing, is the caller's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};

/// What this process does with a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is being opened.
    Opening,
    /// It is open.
    Open,
    /// It is being closed.
    Closing,
}

/// The devices in use, by the name behind all links.
static IN_USE: Mutex<BTreeMap<PathBuf, Use>> = Mutex::new(BTreeMap::new());

/// A device has left the list.
static RELEASED: Notify = Notify::const_new();

fn in_use() -> MutexGuard<'static, BTreeMap<PathBuf, Use>> {
    IN_USE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn behind_links(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// Why a device was not opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OpenError<E> {
    /// This process is at it already.
    InUse(Use),
    /// It did not open in time. What still runs is ended by the driver alone; until then there is no other try.
    TimedOut,
    /// The opener failed.
    Failed(E),
    /// The opener panicked.
    Panicked(String),
}

/// Opens a device by `opener`, on a thread for blocking calls. A device that is being closed is waited for.
pub(crate) async fn open<T, E>(
    path: &Path,
    limit: Duration,
    opener: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<Device<T>, OpenError<E>>
where
    T: Send + 'static,
    E: Send + 'static,
{
    let claim = Claim::after_closing(path, limit).await.map_err(OpenError::InUse)?;
    // Given up here, the device is closed by its own drop as soon as the driver returns.
    let opening = spawn_blocking(move || {
        opener().map(|opened| {
            claim.set(Use::Open);
            Device { parts: Some((opened, claim)) }
        })
    });
    match timeout(limit, opening).await {
        Ok(Ok(opened)) => opened.map_err(OpenError::Failed),
        Ok(Err(error)) => Err(OpenError::Panicked(error.to_string())),
        Err(_) => Err(OpenError::TimedOut),
    }
}

/// A device's place in the list.
#[derive(Debug)]
struct Claim(PathBuf);

impl Claim {
    async fn after_closing(path: &Path, limit: Duration) -> Result<Self, Use> {
        let until = Instant::now() + limit;
        loop {
            // Before looking: what is released while we look wakes us all the same.
            let released = RELEASED.notified();
            tokio::pin!(released);
            released.as_mut().enable();
            match Self::take(path) {
                Err(Use::Closing) if timeout_at(until, released).await.is_ok() => {}
                taken => return taken,
            }
        }
    }

    fn take(path: &Path) -> Result<Self, Use> {
        let path = behind_links(path);
        let mut devices = in_use();
        match devices.get(&path) {
            Some(other) => Err(*other),
            None => {
                devices.insert(path.clone(), Use::Opening);
                Ok(Claim(path))
            }
        }
    }

    fn set(&self, now: Use) {
        in_use().insert(self.0.clone(), now);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        in_use().remove(&self.0);
        RELEASED.notify_waiters();
    }
}

/// An open device. Dropped, it is closed on a thread for blocking calls.
#[derive(Debug)]
pub(crate) struct Device<T: Send + 'static> {
    /// None only while it is dropped.
    parts: Option<(T, Claim)>,
}

impl<T: Send + 'static> Device<T> {
    /// The device itself; none only while it is dropped.
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.parts.as_mut().map(|(device, _)| device)
    }
}

impl<T: Send + 'static> Drop for Device<T> {
    fn drop(&mut self) {
        let Some((device, claim)) = self.parts.take() else { return };
        claim.set(Use::Closing);
        let close = move || {
            drop(device);
            drop(claim);
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(close)),
            // Outside a runtime there are no tasks to hold up.
            Err(_) => close(),
        }
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
