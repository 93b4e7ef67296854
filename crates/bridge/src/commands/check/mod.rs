//! `smsbridge check`: finds what `run` would stumble over, and with `--connect` whether broker and modems answer.
//!
//! Goes on after a fault. `contacts` looks at whom contacts reach, `files` at what the configuration names, `state` at the
//! store, `connect` tries; all say what they find by `findings`.

mod connect;
mod contacts;
mod files;
mod findings;
mod state;

use clap::Args;

use self::findings::Findings;
use super::config_arg::ConfigArg;
use super::output::say;
use crate::config::Config;
use crate::escape::{self, field};
use crate::rules;

/// Check the configuration.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    config: ConfigArg,
    /// Try the broker and the modems too; a running gateway is asked for its own
    #[arg(long)]
    connect: bool,
    /// Show what the rules would do with this text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    rule: Option<String>,
}

impl Check {
    /// True when nothing is wrong.
    pub async fn run(self) -> anyhow::Result<bool> {
        let mut findings = Findings::default();
        let config = self.config.load_without_secrets()?;
        say_configuration(&config, &findings);
        if let Some(text) = &self.rule {
            say_what_rules_do(&config, text);
        }
        contacts::check(&config, &mut findings);
        files::check(&config, &mut findings);
        state::check(&config, &mut findings);
        if self.connect {
            // Whoever logs in needs the secrets.
            match self.config.load() {
                Ok(config) => {
                    connect::broker(&config, &mut findings).await;
                    connect::modems(&config, &mut findings).await;
                }
                Err(error) => {
                    let words = error.to_string();
                    words.lines().for_each(|words| findings.wrong("configuration", words));
                }
            }
        }
        Ok(findings.are_good())
    }
}

fn say_configuration(config: &Config, findings: &Findings) {
    let source = &config.source;
    let file = source.file.as_ref().map(|path| path.display().to_string());
    let file = file.unwrap_or_else(|| "no file, only environment variables".to_owned());
    let store = config.store.path.display();
    findings.ok("configuration", format!("{file}; gateway {}, store {store}", config.name));
    for name in &source.variables {
        findings.note("configuration", format!("{name} is set and lies over the file"));
    }
    for name in &source.other_variables {
        findings.note("configuration", format!("{name} is no key of the configuration and is not used"));
    }
    for (n, modem) in config.modems.iter().enumerate() {
        let in_file = format!("modem[{n}].pin_file");
        let has_pin = modem.pin.is_some() || source.secret_files.iter().any(|file| file.key == in_file);
        let pin = if has_pin { "PIN set" } else { "no PIN" };
        findings.ok(format!("modem {}", modem.name), format!("port {}, {pin}", modem.port));
    }
}

fn say_what_rules_do(config: &Config, text: &str) {
    let Some(found) = rules::first_match(&config.rules, text) else {
        say("ok    no rule knows this text");
        return;
    };
    let fields = escape::json(&serde_json::to_string(&found.fields).unwrap_or_default());
    say(format!("ok    rule {}: fields {fields}", field(&found.rule)));
    match found.reply {
        Some(reply) => say(format!("ok    reply: {}", field(&reply))),
        None => say("ok    no reply"),
    };
}
