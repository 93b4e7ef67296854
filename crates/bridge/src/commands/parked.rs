//! `smsbridge parked`: the messages the broker does not take, beside a running gateway; and dropping them.

use clap::Args;

use super::config_arg::ConfigArg;
use super::output::{say, say_each};
use crate::escape::{self, field};
use crate::store::{Parked, ParkedRow};
use crate::wire::{self, Wire};

/// Show what the broker does not take, and drop it.
#[derive(Debug, Args)]
pub struct ParkedArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Drop this one for good; may be given several times
    #[arg(long, value_name = "ROW")]
    drop: Vec<i64>,
    /// Drop all of them for good
    #[arg(long, conflicts_with = "drop")]
    drop_all: bool,
}

impl ParkedArgs {
    /// Prints them, or drops some; false where one to be dropped is not there.
    pub fn run(self) -> anyhow::Result<bool> {
        let config = self.config.load_without_secrets()?;
        let parked = Parked::open(&config.store.of_gateway())?;
        let rows = parked.rows()?;
        if self.drop_all || !self.drop.is_empty() {
            let all = rows.iter().map(|parked| parked.row.id).collect();
            return drop_rows(&parked, if self.drop_all { all } else { self.drop });
        }
        let wire = Wire::new(&config);
        say_each(&rows, self.json, |row| wire::parked::row(row, &wire), |row| line(row, &wire));
        if rows.is_empty() && !self.json {
            say("none: the broker took everything");
        }
        Ok(true)
    }
}

fn line(parked: &ParkedRow, wire: &Wire) -> String {
    let (id, at) = (parked.row.id, wire::time(parked.parked_at));
    match &parked.row.publication {
        Ok(publication) => {
            let publish = wire.publication(publication);
            let (topic, reason) = (field(&publish.topic), field(&parked.reason));
            format!("row {id}  {at}  {topic}\n    {reason}\n    {}", escape::json(&publish.payload))
        }
        Err(unreadable) => format!("row {id}  {at}\n    {}", field(unreadable)),
    }
}

fn drop_rows(parked: &Parked, ids: Vec<i64>) -> anyhow::Result<bool> {
    let mut all = true;
    for id in ids {
        if parked.drop_row(id)? {
            say(format!("dropped {id}"));
        } else {
            say(format!("{id} is not parked"));
            all = false;
        }
    }
    Ok(all)
}
