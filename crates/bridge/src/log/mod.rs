//! The log on standard error, and a process's last words there.
//!
//! `filter` says what is logged, `format` how a line looks, `queue` takes it to standard error and never waits. What
//! happened and what is wrong become lines in `event_line` and `problem_log`: no line has a phone number or a text
//! above debug, and none a PIN or password.

mod event_line;
mod filter;
mod format;
mod problem_log;
mod queue;

pub use event_line::EventLine;
pub use filter::LEVELS;
pub use problem_log::{ProblemLog, ProblemSubject, in_words};
pub use queue::finish;

use std::panic::PanicHookInfo;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::ConfigError;
use crate::escape;
use format::{Format, Reader};
use queue::{Line, queue};

/// Logs to standard error, `level` and above unless SMSBRIDGE_LOG says otherwise. Panics go there too. An error where
/// SMSBRIDGE_LOG cannot be read.
pub fn begin(level: &str) -> Result<(), ConfigError> {
    let filter = filter::from_environment(level)?;
    let lines = tracing_subscriber::fmt::layer()
        .event_format(Format { reader: Reader::of_standard_error() })
        .with_writer(|| Line(queue()))
        // It would complain to the same standard error.
        .log_internal_errors(false);
    tracing_subscriber::registry().with(lines).with(filter).init();
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Says a line beside the log, such as why the process ends. It waits in the same queue.
pub fn say(line: &str) {
    queue().push(format::last_words(&escape::lines(line)).as_bytes());
}

/// The default hook would write to standard error itself, and wait where nobody reads it.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("unnamed").to_owned();
    let backtrace = std::backtrace::Backtrace::capture();
    match backtrace.status() {
        std::backtrace::BacktraceStatus::Captured => tracing::error!("thread {name} {panic}\n{backtrace}"),
        _ => tracing::error!("thread {name} {panic}"),
    }
}
