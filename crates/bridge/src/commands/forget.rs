//! `smsbridge forget`: deletes what the store has of a phone number, beside a running gateway.

use clap::Args;

use super::config_arg::ConfigArg;
use super::output::say;
use crate::clock::now_ms;
use crate::store::{Forget, Forgotten, Left, Person};
use crate::wire::topic::Topics;

/// Delete what the store has of a phone number.
#[derive(Debug, Args)]
pub struct ForgetArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// The number, however it is written, or the name of a sender
    #[arg(long, value_parser = number)]
    number: String,
}

impl ForgetArgs {
    /// True when nothing of it is left.
    pub fn run(self) -> anyhow::Result<bool> {
        let config = self.config.load_without_secrets()?;
        let person = Person::new(&self.number, &config.outbound.default_country);
        let forgotten = Forget::open(&config.store.of_gateway())?.forget(&person, now_ms())?;
        let topics = Topics::new(&config.mqtt.prefix, &config.name);
        say(words(&forgotten, &topics, config.mqtt.retain_last));
        Ok(forgotten.left == Left::default())
    }
}

fn number(text: &str) -> Result<String, String> {
    match text.chars().any(char::is_alphanumeric) {
        true => Ok(text.to_owned()),
        false => Err("expected a number such as +4915112345678, or the name of a sender".to_owned()),
    }
}

fn words(forgotten: &Forgotten, topics: &Topics, retains_last: bool) -> String {
    let Forgotten { received, sent, last_of, left } = forgotten;
    let mut lines = vec![format!("forgotten: {received} received, {sent} sent")];
    let left = [
        (left.to_send, "to be sent, or for a delivery report: `sms/cancel` ends what was not sent"),
        (left.to_publish, "to be published, once the broker is there"),
        (
            left.parked,
            "to be published, which the broker does not take: `smsbridge parked` shows them, and drops one with --drop ROW",
        ),
        (left.hooks, "for a hook"),
        (left.incomplete, "for their other parts, at most [inbound] reassembly_timeout_s"),
        (left.unsettled, "until the broker cannot deliver them again, some seconds"),
        (left.in_modem, "until the modem no longer lists them, a minute or so"),
        (
            left.in_journal,
            "until nobody reads the store, such as the page: the journal beside it still has it all",
        ),
        (left.recent, "for a repetition by the network, a quarter of an hour at most"),
    ];
    let left = left.into_iter().filter(|(count, _)| *count > 0);
    let left: Vec<String> = left.map(|(count, what)| format!("left: {count} that wait {what}")).collect();
    let is_all = left.is_empty();
    lines.extend(left);
    if !is_all {
        lines.push("Run it again when that is over.".to_owned());
    }
    if retains_last {
        let retained = last_of.iter().filter_map(|modem| Some(topics.last(&modem.parse().ok()?)));
        lines.extend(retained.map(|topic| {
            format!(
                "The broker may still have its last message. To delete it there, log in as the gateway does: \
                 `mosquitto_pub -u USER -P PASSWORD -q 1 -r -n -t {topic}`"
            )
        }));
    }
    lines.join("\n")
}
