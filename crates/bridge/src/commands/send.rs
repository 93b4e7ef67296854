//! `smsbridge send`: publishes a request to the configured broker and waits for its final result.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;

use super::config_arg::ConfigArg;
use super::output::say_json;
use crate::message::new_id;
use crate::mqtt::Caller;
use crate::policy;
use crate::wire::caller::{ResultSummary, SendCommand};
use crate::wire::topic::Topics;

/// Send one SMS through the running gateway.
#[derive(Debug, Args)]
pub struct Send {
    #[command(flatten)]
    config: ConfigArg,
    /// Recipient, such as +4915112345678; may be given several times
    #[arg(long, required = true)]
    to: Vec<String>,
    /// Modem to send by
    #[arg(long)]
    modem: Option<String>,
    /// Ask for a delivery report and wait for it
    #[arg(long)]
    report: bool,
    /// Seconds to wait for the final result
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    timeout: u64,
    /// The text
    text: String,
}

impl Send {
    /// True when every recipient's final result is a good one.
    pub async fn run(self) -> anyhow::Result<bool> {
        let config = self.config.load()?;
        let topics = Topics::new(&config.mqtt.prefix, &config.name);
        let id = new_id();
        let request = SendCommand {
            id: &id,
            to: &self.to,
            text: &self.text,
            modem: self.modem.as_deref(),
            delivery_report: self.report,
        };
        let request = (topics.send(), request.payload());
        let dialled = |to: &String| policy::dialled(to, &config.outbound).unwrap_or_else(|_| to.clone());
        let (mut open, mut good) = (self.to.iter().map(dialled).collect::<BTreeSet<_>>().len(), true);
        let mut is_ours = false;
        let on_result = |payload: &[u8]| {
            let Some(result) = ResultSummary::read(payload) else { return false };
            if result.id.as_deref() != Some(&id) {
                return false;
            }
            say_json(&String::from_utf8_lossy(payload));
            if result.conflict {
                // Once our request is stored, it is another's that is refused.
                if !is_ours {
                    (open, good) = (0, false);
                }
                return open == 0;
            }
            is_ours = true;
            if result.r#final {
                // One result answers for all recipients where the request could not be read.
                open = if result.to.is_none() { 0 } else { open.saturating_sub(1) };
                good &= result.is_success();
            }
            open == 0
        };
        let limit = Duration::from_secs(self.timeout);
        Caller::new(&config.mqtt)?.call(Some(request), topics.result(), limit, on_result).await?;
        Ok(good)
    }
}
