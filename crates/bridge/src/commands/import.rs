//! `smsbridge import`: another gateway's configuration as one of ours. Reads that file and the lists it names; changes
//! nothing.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::output;
use crate::import::{Counts, Kind, MAX_OCTETS, OnDisk, import};
use crate::log;

/// Make a configuration of another gateway's.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// A smsdrc, a smsd.conf, or the environment or compose file of SMS2MQTT; - is standard input
    file: PathBuf,
    /// Whose it is, where that is not recognised
    #[arg(long)]
    from: Option<From>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum From {
    /// gammu-smsd
    Gammu,
    /// SMS Server Tools 3
    Smstools,
    /// SMS2MQTT
    Sms2mqtt,
}

impl From {
    fn kind(self) -> Kind {
        match self {
            From::Gammu => Kind::Gammu,
            From::Smstools => Kind::Smstools,
            From::Sms2mqtt => Kind::Sms2mqtt,
        }
    }
}

impl Import {
    /// Writes it to standard output, and to standard error what became of it.
    pub(super) fn run(self) -> anyhow::Result<bool> {
        let is_stdin = self.file == Path::new("-");
        let place = if is_stdin { "standard input".to_owned() } else { self.file.display().to_string() };
        let octets = if is_stdin { standard_input() } else { of_file(&self.file) };
        let octets = octets.with_context(|| place.clone())?;
        let folder = self.file.parent().filter(|_| !is_stdin).map(Path::to_owned).unwrap_or_default();
        let made = import(&octets, &place, self.from.map(From::kind), &OnDisk { folder });
        let (text, kind, counts) = made.with_context(|| place.clone())?;
        output::write_as_it_is(text.as_bytes());
        log::say(&summary(&place, kind, counts));
        Ok(true)
    }
}

fn summary(place: &str, kind: Kind, counts: Counts) -> String {
    let Counts { taken, left, fill_in } = counts;
    let fill_in = match fill_in {
        0 => "nothing to fill in".to_owned(),
        n => format!("{n} to fill in (see its top)"),
    };
    format!("{place}: from {kind}: {taken} lines taken over, {left} left as comments, {fill_in}")
}

fn standard_input() -> anyhow::Result<Vec<u8>> {
    let input = io::stdin().lock();
    if input.is_terminal() {
        log::say("the configuration to import; Ctrl-D ends");
    }
    bounded(input)
}

fn of_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    bounded(File::open(path).context("cannot be read")?)
}

fn bounded(input: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut octets = Vec::new();
    input.take(MAX_OCTETS as u64 + 1).read_to_end(&mut octets).context("cannot be read")?;
    anyhow::ensure!(octets.len() <= MAX_OCTETS, "larger than 1 MiB: no configuration");
    Ok(octets)
}
