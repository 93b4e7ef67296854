//! The time, an argument of everything below the handle: nothing there looks at a clock.

use std::time::Duration;

/// One moment, as the simulation counts it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// Since the simulator was made: for deadlines.
    pub(crate) elapsed: Duration,
    /// Seconds since 1970: for time stamps.
    pub(crate) unix: i64,
    /// The network's time zone in quarters of an hour.
    pub(crate) quarters: i8,
}
