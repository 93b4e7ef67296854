//! Standard output of the commands: lines that a terminal only shows, and a reader that goes away.
//!
//! A reader that has seen enough closes the pipe: that is no failure, and what the command does is still done. A disk
//! that is full is one: it is kept until the end, where the exit code tells.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};
use std::sync::OnceLock;

use crate::escape;
use crate::terminal::Style;

/// Why standard output could not be written, the first time.
static FAILURE: OnceLock<std::io::Error> = OnceLock::new();

/// Writes lines of ours, whose fields are escaped; the colours of [`Style`] stay. False: nobody reads them any more, or
/// they cannot be written.
pub(super) fn say(lines: impl Display) -> bool {
    write_line(Style::stdout().around_colours(&lines.to_string(), escape::lines))
}

/// Writes one JSON text as one line. Returns what [`say`] does.
pub(super) fn say_json(json: &str) -> bool {
    write_line(escape::json(json))
}

fn write_line(mut line: String) -> bool {
    line.push('\n');
    write_as_it_is(line.as_bytes())
}

/// Writes octets of ours for another program, such as a script. Returns what [`say`] does.
pub(super) fn write_as_it_is(octets: &[u8]) -> bool {
    let mut out = std::io::stdout().lock();
    match out.write_all(octets).and_then(|()| out.flush()) {
        Ok(()) => true,
        Err(error) => {
            failed(error);
            false
        }
    }
}

/// Remembers why standard output could not be written, unless its reader closed it or its terminal was closed.
pub(super) fn failed(error: std::io::Error) {
    if error.kind() != ErrorKind::BrokenPipe && !is_of_a_closed_terminal(&error) {
        // Only the first is told.
        let _ = FAILURE.set(error);
    }
}

/// A terminal that was hung up answers everything with EIO; as a file it still shows that it was one.
#[cfg(unix)]
fn is_of_a_closed_terminal(error: &std::io::Error) -> bool {
    use rustix::fs::{FileType, fstat};
    let is_device =
        |stat: rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice;
    error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
        && fstat(std::io::stdout()).is_ok_and(is_device)
}

#[cfg(not(unix))]
fn is_of_a_closed_terminal(_error: &std::io::Error) -> bool {
    false
}

/// An error if anything said could not be written for another reason than that nobody reads it.
pub(super) fn check() -> anyhow::Result<()> {
    match FAILURE.get() {
        None => Ok(()),
        Some(error) => {
            Err(anyhow::anyhow!("standard output cannot be written ({error}): what it has is not all"))
        }
    }
}
