//! Owns waiting: for an event, never for a time. The limit only ends a test that would hang.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Long enough for a loaded machine, any backoff and a restart of everything.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(90);

/// Asks `look` until it has an answer.
pub fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_at_most(WAIT_TIMEOUT, what, look)
}

/// The same with a limit of its own.
pub fn wait_at_most<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {} s in vain for: {what}", limit.as_secs());
        sleep(Duration::from_millis(20));
    }
}

/// `wait_for` a condition.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    wait_for(what, || holds().then_some(()));
}
