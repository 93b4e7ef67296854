//! How a line of the log looks, by who reads it: a terminal, a file, or journald.
//!
//! `2026-11-22T07:15:31.120Z INFO  main: received 01K9…, 2 parts`: the modem it is about stands first, what else there
//! is last. journald has a time of its own and wants a priority instead (sd-daemon(3)).

use std::fmt::{self, Write as _};
use std::io::IsTerminal as _;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::{escape, terminal};

/// Who reads standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// A terminal that shows colours.
    Terminal,
    /// A file, a pipe, or a terminal without colours.
    File,
    /// journald.
    Journald,
}

impl Reader {
    pub(super) fn of_standard_error() -> Reader {
        if is_read_by_journald() {
            Reader::Journald
        } else if std::io::stderr().is_terminal() && terminal::are_colours_wanted() {
            Reader::Terminal
        } else {
            Reader::File
        }
    }
}

/// Whether standard error is the stream that journald made for us: JOURNAL_STREAM names its device and inode
/// (systemd.exec(5)), and is inherited where standard error was redirected.
#[cfg(unix)]
pub(super) fn is_read_by_journald() -> bool {
    let Ok(stat) = rustix::fs::fstat(std::io::stderr()) else { return false };
    std::env::var("JOURNAL_STREAM").is_ok_and(|stream| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}

#[cfg(not(unix))]
pub(super) fn is_read_by_journald() -> bool {
    false
}

/// Writes events as lines.
pub(super) struct Format {
    pub(super) reader: Reader,
}

impl<S, N> FormatEvent<S, N> for Format
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut said = Said::default();
        event.record(&mut said);
        let at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
        out.write_str(&line(self.reader, &at, *event.metadata().level(), &said))
    }
}

/// What an event says.
#[derive(Debug, Default)]
struct Said {
    modem: Option<String>,
    message: String,
    fields: String,
}

impl Said {
    fn add(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            "modem" => self.modem = Some(value),
            // Of a library that uses the crate `log`.
            name if name.starts_with("log.") => {}
            name => {
                let value = match value.is_empty() || value.contains([' ', '"', '=']) {
                    true => format!("\"{}\"", escape::field(&value).replace('"', "\\\"")),
                    false => escape::field(&value),
                };
                // Cannot fail: a `String` takes it.
                let _ = write!(self.fields, " {name}={value}");
            }
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Of `%value` this is what it displays as.
        self.add(field, format!("{value:?}"));
    }
}

/// A line with its line break.
fn line(reader: Reader, at: &str, level: Level, said: &Said) -> String {
    let modem = said.modem.as_ref().map(|modem| format!("{modem}: ")).unwrap_or_default();
    let text = escape::lines(&format!("{modem}{}{}", said.message, said.fields));
    let (priority, colour) = match level {
        Level::ERROR => (3, "31"),
        Level::WARN => (4, "33"),
        Level::INFO => (6, "32"),
        _ => (7, "34"),
    };
    match reader {
        Reader::Journald => with_priority(priority, &text),
        Reader::File => format!("{at} {level:<5} {text}\n"),
        Reader::Terminal => format!("\x1b[2m{at}\x1b[0m \x1b[{colour}m{level:<5}\x1b[0m {text}\n"),
    }
}

/// Each line with its priority: a line break begins another entry.
fn with_priority(priority: u8, text: &str) -> String {
    format!("<{priority}>{}\n", text.replace('\n', &format!("\n<{priority}>")))
}

/// What is said beside the log: of the process's end, or of lines that are missing.
pub(super) fn last_words(text: &str) -> String {
    if is_read_by_journald() { with_priority(3, text) } else { format!("{text}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Said {
        Said {
            modem: Some("main".to_owned()),
            message: message.to_owned(),
            fields: " port=/dev/x".to_owned(),
        }
    }

    #[test]
    fn each_reader_gets_what_it_can_use() {
        let at = "2026-11-22T07:15:31.120Z";
        let shown = |reader| line(reader, at, Level::WARN, &said("first\nsecond \x1b[2J"));
        let text = "main: first\nsecond \\u{1b}[2J port=/dev/x\n";
        assert_eq!(shown(Reader::File), format!("{at} WARN  {text}"));
        assert_eq!(shown(Reader::Journald), format!("<4>{}\n", text.trim_end().replace('\n', "\n<4>")));
        assert_eq!(shown(Reader::Terminal), format!("\x1b[2m{at}\x1b[0m \x1b[33mWARN \x1b[0m {text}"));
    }
}
