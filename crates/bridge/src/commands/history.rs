//! `smsbridge history`: what the store holds, for people and for scripts, beside a running gateway.

use std::io::Write as _;

use clap::Args;
use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::json;

use super::ConfigArg;
use crate::message::UnixMs;
use crate::payload;
use crate::store::{Entry, History, Wanted};

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
        let wanted = Wanted { since: self.since.unwrap_or(0), from: self.from, to: self.to };
        let entries = History::open(&config.store.path)?.entries(&wanted)?;
        let mut out = std::io::stdout().lock();
        for entry in &entries {
            let line = if self.json { as_json(entry) } else { as_line(entry) };
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

fn as_json(entry: &Entry) -> String {
    let mut value = entry.payload.clone();
    if let Some(object) = value.as_object_mut() {
        object.insert("direction".into(), json!(if entry.incoming { "in" } else { "out" }));
        if let Some(content) = entry.body.as_ref().and_then(|body| body.get("content")) {
            for key in ["text", "data"] {
                if let Some(value) = content.get(key) {
                    object.insert(key.into(), value.clone());
                }
            }
        }
    }
    value.to_string()
}

fn as_line(entry: &Entry) -> String {
    let at = payload::time(entry.at);
    let text = entry.payload["text"].as_str().or_else(|| entry.body.as_ref()?["content"]["text"].as_str());
    let text = text.unwrap_or("(data)").replace(['\n', '\r'], " ");
    let number = &entry.number;
    if entry.incoming {
        return format!("{at}  from {number:<16}  {text}");
    }
    let state = entry.payload["state"].as_str().unwrap_or("?");
    format!("{at}  to   {number:<16}  [{state}] {text}")
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
        None => {
            Err("a time such as 2026-11-22T10:00:00Z is expected, or an age such as 36h or 7d".to_owned())
        }
    }
}
