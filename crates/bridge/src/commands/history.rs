//! `smsbridge history`: what the store holds, for people and for scripts, beside a running gateway.

use std::io::Write as _;

use clap::Args;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::config_arg::ConfigArg;
use crate::event::ReceivedContent;
use crate::message::UnixMs;
use crate::request::Content;
use crate::store::{Entry, History, HistoryFilter};
use crate::wire;

/// Show what the store holds.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Not older than this: a time such as 2026-11-22T10:00:00Z, or an age such as 36h or 7d
    #[arg(long, value_parser = since)]
    since: Option<UnixMs>,
    /// Only messages from this sender
    #[arg(long)]
    from: Option<String>,
    /// Only messages to this recipient
    #[arg(long)]
    to: Option<String>,
}

impl HistoryArgs {
    /// Prints the entries in the order of time.
    pub fn run(self) -> anyhow::Result<bool> {
        let config = self.config.load()?;
        let filter = HistoryFilter { since: self.since.unwrap_or(0), from: self.from, to: self.to };
        let entries = History::open(&config.store.path)?.entries(&filter)?;
        let mut out = std::io::stdout().lock();
        for entry in &entries {
            let line = match self.json {
                true => wire::history::entry(entry, config.inbound.include_pdu),
                false => line(entry),
            };
            // A reader that has seen enough closes the pipe.
            if writeln!(out, "{line}").is_err() {
                break;
            }
        }
        if entries.is_empty() && !self.json {
            println!("nothing yet in {}", config.store.path.display());
        }
        Ok(true)
    }
}

fn line(entry: &Entry) -> String {
    let at = wire::time(entry.at());
    match entry {
        Entry::Received(received) => {
            let text = match &received.content {
                ReceivedContent::Message(message) => message.text.as_deref(),
                ReceivedContent::Undecodable(_) => None,
            };
            format!("{at}  from {:<16}  {}", received.sender(), one_line(text))
        }
        Entry::Sent(sent) => {
            let text = match &sent.body.content {
                Content::Text(text) => Some(text.as_str()),
                Content::Data { .. } => None,
            };
            let (to, state) = (sent.result.to.as_deref().unwrap_or_default(), sent.result.state.as_str());
            format!("{at}  to   {to:<16}  [{state}] {}", one_line(text))
        }
    }
}

fn one_line(text: Option<&str>) -> String {
    text.unwrap_or("(data)").replace(['\n', '\r'], " ")
}

fn since(text: &str) -> Result<UnixMs, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at.as_millisecond());
    }
    if let Ok(age) = text.parse::<SignedDuration>() {
        return Ok((Timestamp::now() - age).as_millisecond());
    }
    let days = text.strip_suffix('d').and_then(|n| n.parse::<i64>().ok());
    match days.and_then(|n| Zoned::now().checked_sub(jiff::Span::new().try_days(n).ok()?).ok()) {
        Some(at) => Ok(at.timestamp().as_millisecond()),
        None => Err("expected a time such as 2026-11-22T10:00:00Z, or an age such as 36h or 7d".to_owned()),
    }
}
