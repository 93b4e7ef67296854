//! What a command waits for, on standard error, where that is a terminal and the wait takes more than a second.
//!
//! One line that is written over and taken away again, so that nothing of it is left when the command ends.

use std::cell::{Cell, RefCell};
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::terminal;

/// Before anything is shown, and between two lines.
const TICK: Duration = Duration::from_secs(1);

/// Moves to the beginning of the line and clears it.
const CLEAR: &str = "\r\x1b[K";

/// A line about what is waited for.
pub(super) struct Progress {
    words: RefCell<String>,
    began: Instant,
    is_wanted: bool,
    is_shown: Cell<bool>,
}

impl Progress {
    /// Begins a wait, whose line is `words … 3 s`.
    pub(super) fn new(words: &str) -> Progress {
        Progress {
            words: RefCell::new(words.to_owned()),
            began: Instant::now(),
            is_wanted: std::io::stderr().is_terminal() && terminal::can_move(),
            is_shown: Cell::new(false),
        }
    }

    /// Now something else is waited for; the time goes on.
    pub(super) fn now(&self, words: &str) {
        words.clone_into(&mut self.words.borrow_mut());
    }

    /// Takes the line away, as before something else is printed.
    pub(super) fn clear(&self) {
        if self.is_shown.replace(false) {
            // A standard error that cannot be written is nobody's loss here.
            let _ = write!(std::io::stderr(), "{CLEAR}");
        }
    }

    /// Waits for `work`, and shows that.
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut ticks = interval_at(self.began + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                done = &mut work => {
                    self.clear();
                    return done;
                }
                _ = ticks.tick(), if self.is_wanted => self.show(),
            }
        }
    }

    fn show(&self) {
        self.is_shown.set(true);
        let seconds = self.began.elapsed().as_secs();
        let _ = write!(std::io::stderr(), "{CLEAR}{} … {seconds} s", self.words.borrow());
    }
}
