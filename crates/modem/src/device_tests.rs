//! Devices whose driver hangs, in `open` or in `close`, until the test lets it go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::oneshot;

use super::*;

/// What this process does with the device, if anything.
fn use_of(path: &Path) -> Option<Use> {
    in_use().get(path).copied()
}

/// Longer than any of these tests may take.
const LONG: Duration = Duration::from_secs(60);

/// A device that closes when the other end of its channel is dropped; at last by itself, so that a test that waits for
/// it fails and does not hang.
struct Stalled(Receiver<()>);

impl Drop for Stalled {
    fn drop(&mut self) {
        let _ = self.0.recv_timeout(LONG / 2);
    }
}

/// Opens one that is closed when the sender is dropped.
async fn open_stalled(path: &Path) -> (Device<Stalled>, Sender<()>) {
    let (release, released) = channel();
    let device = open(path, LONG, move || Ok::<_, ()>(Stalled(released))).await.unwrap();
    (device, release)
}

#[tokio::test]
async fn closing_a_stalled_line_holds_up_nobody_else() {
    let path = Path::new("/dev/test-stalled");
    let (device, release) = open_stalled(path).await;
    assert_eq!(use_of(path), Some(Use::Open));
    // On the only thread of this runtime.
    drop(device);
    assert_eq!(use_of(path), Some(Use::Closing));
    let other = open(Path::new("/dev/test-other"), LONG, || Ok::<_, ()>(())).await;
    assert!(other.is_ok());
    drop(release);
}

#[tokio::test]
async fn a_port_that_is_still_being_closed_is_waited_for_and_then_opened() {
    let path = Path::new("/dev/test-closing");
    let (device, release) = open_stalled(path).await;
    drop(device);
    let refused = open(path, Duration::ZERO, || Ok::<_, ()>(())).await.unwrap_err();
    assert_eq!(refused, OpenError::InUse(Use::Closing), "said at once where there is no time to wait");
    let reopening = open(path, LONG, || Ok::<_, ()>(()));
    tokio::pin!(reopening);
    assert!(timeout(Duration::ZERO, &mut reopening).await.is_err(), "not open twice at once");
    drop(release);
    assert!(reopening.await.is_ok());
}

#[tokio::test]
async fn a_driver_that_hangs_in_open_holds_one_thread_however_often_it_is_tried() {
    let path = Path::new("/dev/test-hanging");
    let calls = Arc::new(AtomicUsize::new(0));
    let (release, released) = channel::<()>();
    let (started, has_started) = oneshot::channel();
    let counter = Arc::clone(&calls);
    let first = open(path, LONG, move || {
        counter.fetch_add(1, Ordering::Relaxed);
        let _ = started.send(());
        let _ = released.recv();
        Ok::<_, ()>(())
    });
    tokio::select! {
        _ = first => panic!("it does not open"),
        _ = has_started => {}
    }
    for _ in 0..1000 {
        let counter = Arc::clone(&calls);
        let again = open(path, LONG, move || Ok::<_, ()>(counter.fetch_add(1, Ordering::Relaxed)));
        assert_eq!(again.await.unwrap_err(), OpenError::InUse(Use::Opening));
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);

    drop(release);
    // What nobody waits for any more is closed; then it can be opened again.
    while use_of(path).is_some() {
        tokio::task::yield_now().await;
    }
    assert!(open(path, LONG, || Ok::<_, ()>(())).await.is_ok());
}

#[tokio::test]
async fn a_driver_that_takes_too_long_is_given_up() {
    let path = Path::new("/dev/test-slow");
    let (release, released) = channel::<()>();
    let opened = open(path, Duration::ZERO, move || {
        let _ = released.recv();
        Ok::<_, ()>(())
    });
    assert_eq!(opened.await.unwrap_err(), OpenError::TimedOut);
    drop(release);
}

#[tokio::test]
async fn a_failed_open_leaves_nothing_behind() {
    let path = Path::new("/dev/test-failing");
    let failed = open(path, LONG, || Err::<(), _>("no")).await;
    assert_eq!(failed.unwrap_err(), OpenError::Failed("no"));
    let panicked = open(path, LONG, || -> Result<(), ()> { panic!("in the opener") }).await;
    assert!(matches!(panicked, Err(OpenError::Panicked(_))));
    assert_eq!(use_of(path), None);
}

#[test]
fn the_end_of_the_program_does_not_wait_for_a_driver() {
    let path = Path::new("/dev/test-at-the-end");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (device, release) = runtime.block_on(open_stalled(path));
    runtime.block_on(async move { drop(device) });
    runtime.shutdown_background();
    assert_eq!(use_of(path), Some(Use::Closing), "the thread is left to the driver");
    drop(release);
}
