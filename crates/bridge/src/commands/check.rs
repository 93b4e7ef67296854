//! `smsbridge check`: says whether the configuration is right, and with `--connect` whether broker and modems answer.

use clap::Args;
use secrecy::ExposeSecret as _;
use smsbridge_modem::bring_up;
use smsbridge_modem::port::{self, PortSpec};
use smsbridge_modem::{Session, SimStatus, detect, status};

use super::config_arg::ConfigArg;
use super::output::say;
use crate::config::{Config, Modem};
use crate::escape::{self, field};
use crate::mqtt::{Caller, Trial};
use crate::wire::Wire;
use crate::wire::topic::Topics;
use crate::{remedy, rules};

/// Check the configuration.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    config: ConfigArg,
    /// Try the broker and the modems too (not while a gateway holds the modems)
    #[arg(long)]
    connect: bool,
    /// Show what the rules would do with this text
    #[arg(long, value_name = "TEXT")]
    rule: Option<String>,
}

impl Check {
    /// True when nothing is wrong.
    pub async fn run(self) -> anyhow::Result<bool> {
        let config = self.config.load()?;
        say(format!("ok    configuration: gateway {}, store {}", config.name, config.store.path.display()));
        for name in &config.source.other_variables {
            say(format!("note  {} is no key of the configuration and is not used", field(name)));
        }
        for modem in &config.modems {
            let pin = modem
                .pin
                .as_ref()
                .map_or("no PIN", |pin| if pin.expose_secret().is_empty() { "no PIN" } else { "PIN set" });
            say(format!("ok    modem {}: port {}, {pin}", modem.name, modem.port));
        }
        if let Some(text) = &self.rule {
            say_what_rules_do(&config, text);
        }
        if !self.connect {
            return Ok(true);
        }
        let mut good = broker(&config).await;
        for modem in &config.modems {
            good &= try_modem(modem).await;
        }
        Ok(good)
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

async fn broker(config: &Config) -> bool {
    let topics = Topics::new(&config.mqtt.prefix, &config.name);
    let last_will = Wire { topics, include_pdu: false }.last_will();
    let trials = match Caller::try_each(&config.mqtt, &last_will).await {
        Ok(trials) => trials,
        Err(error) => return report("broker", Err(error.to_string())),
    };
    let mut good = true;
    for Trial { address, outcome } in trials {
        good &= report(
            &format!("broker {address}"),
            match outcome {
                Ok(None) => Ok("it lets us in".to_owned()),
                Ok(Some(missing)) => Err(missing),
                Err(error) => Err(error.to_string()),
            },
        );
    }
    good
}

async fn try_modem(modem: &Modem) -> bool {
    report(&format!("modem {}", modem.name), look_at(modem).await)
}

fn report(what: &str, found: Result<String, String>) -> bool {
    // The words are partly the modem's or the broker's.
    match &found {
        Ok(words) => say(format!("ok    {what}: {}", field(words))),
        Err(words) => say(format!("WRONG {what}: {}", field(words))),
    };
    found.is_ok()
}

/// Brings the modem up as far as its SIM's status, with the commands of its family; tries no PIN.
async fn look_at(modem: &Modem) -> Result<String, String> {
    let spec = match &modem.port {
        PortSpec::Auto => {
            let path =
                detect::find(modem.imei.as_deref(), modem.baud).await.map_err(|e| remedy::port_error(&e))?;
            PortSpec::Serial(path.display().to_string())
        }
        known => known.clone(),
    };
    let port = port::open(&spec, modem.baud).await.map_err(|e| remedy::port_error(&e))?;
    let mut session = Session::new(port);
    let mut found = bring_up::synchronise(&mut session).await.map_err(|e| remedy::modem_error(&e))?;
    let model = found.identity().model.clone().unwrap_or_else(|| "unknown model".to_owned());
    match found.sim().await.map_err(|e| e.to_string())? {
        SimStatus::Ready => {
            let network = status::network(found.session()).await.map_err(|e| e.to_string())?;
            let operator = network.operator.unwrap_or_else(|| "no operator".to_owned());
            Ok(format!("{spec}: {model}, {operator}, {}", network.registration.words()))
        }
        SimStatus::PinRequired { tries_left } => match (&modem.pin, tries_left) {
            (Some(_), _) => {
                Ok(format!("{spec}: {model}, the SIM will ask for the PIN that is set (not tried here)"))
            }
            (None, _) => Err(format!("{spec}: {model}, the SIM asks for its PIN: set pin or pin_file")),
        },
        SimStatus::PukRequired => {
            Err(format!("{spec}: {model}, the SIM asks for its PUK: enter it in a phone"))
        }
        SimStatus::Missing => Err(format!("{spec}: {model}, there is no SIM")),
        SimStatus::Other(words) => Err(format!("{spec}: {model}, the SIM says {words}")),
    }
}
