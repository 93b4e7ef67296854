//! What only a try shows: whether the broker lets a gateway in and do its work, and whether the modems answer.

use std::collections::BTreeMap;

use smsbridge_modem::bring_up;
use smsbridge_modem::port::{self, PortSpec};
use smsbridge_modem::{Session, SimStatus, detect, status};

use super::findings::Findings;
use crate::commands::progress::Progress;
#[cfg(unix)]
use crate::commands::running::{NoAnswer, ask};
use crate::config::{Config, Modem};
use crate::message::Name;
use crate::mqtt::{self, Access, Plan, Right, Trial};
use crate::remedy;
use crate::wire::Wire;
#[cfg(unix)]
use crate::wire::status::{ModemStatus, Status};

/// Tries each address of the broker.
pub(super) async fn broker(config: &Config, findings: &mut Findings) {
    let wire = Wire::new(config);
    let plan = plan(config, &wire);
    let last_will = wire.last_will();
    let trial = mqtt::try_each(&config.mqtt, &last_will, &plan);
    let trials = match Progress::new("trying the broker").during(trial).await {
        Ok(trials) => trials,
        Err(error) => return findings.wrong("broker", error),
    };
    for Trial { address, outcome, access } in trials {
        let what = format!("broker {address}");
        let outcome = match outcome {
            Ok(None) => Ok("it lets us in".to_owned()),
            Ok(Some(missing)) => Err(missing),
            Err(error) => Err(error.to_string()),
        };
        findings.tell(&what, outcome);
        match access {
            None => {}
            Some(Ok(access)) => say_access(config, &what, &plan, access, findings),
            Some(Err(words)) => {
                findings.wrong(&what, format!("what it lets us do could not be tried: {words}"))
            }
        }
    }
}

/// What a gateway reads and writes.
fn plan(config: &Config, wire: &Wire) -> Plan {
    let topics = &wire.topics;
    let names: Vec<Name> = config.modems.iter().map(|modem| modem.name.clone()).collect();
    // Not by the shared subscription: it would take requests from the gateways of the group.
    let mut reads = topics.filters("", &names);
    reads.extend(topics.gateway_filters());
    let mut writes = vec![topics.result(), topics.gateway(), topics.gateway_availability()];
    for modem in &names {
        writes.extend([topics.received(modem), topics.call(modem), topics.ussd_reply(modem)]);
        writes.extend([topics.modem(modem), topics.modem_availability(modem)]);
    }
    for modem in &config.modems {
        writes.extend(config.mqtt.retain_last.then(|| topics.last(&modem.name)));
        writes.extend((!modem.broadcast.is_empty()).then(|| topics.broadcast(&modem.name)));
    }
    if config.home_assistant.discovery {
        reads.push(wire.discovery.birth());
        writes.extend(wire.discovery.topics(topics, &names));
    }
    writes.extend(response_topic(config));
    Plan { reads, writes, round_trip: topics.send(), nobodys: topics.of_no_gateway() }
}

/// A response topic nobody has.
fn response_topic(config: &Config) -> Option<String> {
    let beginning = &config.mqtt.response_prefix;
    (!beginning.is_empty()).then(|| format!("{beginning}smsbridge-check"))
}

fn say_access(config: &Config, what: &str, plan: &Plan, access: Access, findings: &mut Findings) {
    let Access { reads, writes, arrives } = access;
    let mut good = Vec::new();
    for (topic, right) in plan.reads.iter().zip(reads) {
        match right {
            Right::Granted => good.push(topic),
            Right::Untried(words) => findings.note(what, format!("subscribing to {topic}: {words}")),
            Right::Refused(words) => findings.wrong(what, may_not_read(config, topic, &words)),
        }
    }
    if !good.is_empty() {
        findings.ok(what, format!("we may subscribe to {}", listed(&good)));
    }
    let topic = &plan.round_trip;
    match arrives {
        Some(Right::Refused(words)) => findings.wrong(what, may_not_read(config, topic, &words)),
        Some(Right::Granted) => findings.ok(what, format!("what is published on {topic} reaches us")),
        // Mosquitto grants every subscription, and drops at delivery what its access list forbids.
        Some(Right::Untried(_)) | None => findings.note(
            what,
            format!(
                "whether what is published on {topic} reaches us could not be tried: we may not publish there"
            ),
        ),
    }
    let (mut good, mut untried) = (Vec::new(), Vec::new());
    for (topic, right) in plan.writes.iter().zip(writes) {
        match right {
            Right::Granted => good.push(topic),
            Right::Untried(words) => untried.push(words),
            Right::Refused(words) if Some(topic) == response_topic(config).as_ref() => {
                let words = format!("we may not publish below {} ({words})", config.mqtt.response_prefix);
                let follows = "callers with a response topic get no copies of their results";
                let beginning = format!("{}#", config.mqtt.response_prefix);
                findings.note(what, format!("{words}: {follows}{}", acl_line(config, "write", &beginning)));
            }
            Right::Refused(words) => {
                let words = format!("we may not publish on {topic} ({words})");
                findings.wrong(what, format!("{words}{}", acl_line(config, "write", topic)));
            }
        }
    }
    if !good.is_empty() {
        findings.ok(what, format!("we may publish on {}", listed(&good)));
    }
    if let Some(words) = untried.first() {
        findings.note(what, format!("what we may publish was not tried: {words}"));
    }
}

fn may_not_read(config: &Config, topic: &str, words: &str) -> String {
    format!("we may not read {topic} ({words}){}", acl_line(config, "read", topic))
}

/// The first of them, and how many there are besides.
fn listed(topics: &[&String]) -> String {
    const MAX_LISTED: usize = 12;
    let shown: Vec<&str> = topics.iter().take(MAX_LISTED).map(|topic| topic.as_str()).collect();
    match topics.len().saturating_sub(MAX_LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What would allow it at mosquitto.
fn acl_line(config: &Config, right: &str, topic: &str) -> String {
    match &config.mqtt.login {
        Some((user, _)) => {
            format!("; mosquitto's access list allows it by: topic {right} {topic} (below: user {user})")
        }
        None => {
            format!("; mosquitto's access list allows it by: topic {right} {topic} (before any user line)")
        }
    }
}

/// Tries each modem, or asks the running gateway, which has them.
pub(super) async fn modems(config: &Config, findings: &mut Findings) {
    let mut running = running_gateway(config, findings);
    for modem in &config.modems {
        let found = match running.remove(modem.name.as_str()) {
            Some(known) => known,
            None => Progress::new(&format!("asking modem {}", modem.name)).during(look_at(modem)).await,
        };
        findings.tell(format!("modem {}", modem.name), found);
    }
}

/// What the gateway that runs with this configuration says of each of its modems; nothing where none runs.
#[cfg(unix)]
fn running_gateway(config: &Config, findings: &Findings) -> BTreeMap<String, Result<String, String>> {
    let what = format!("gateway {}", config.name);
    match ask(config) {
        Ok((_, status)) => {
            let Status { gateway, modems, .. } = status;
            let from = gateway.configuration;
            findings.note(
                what,
                format!("it runs (process {}, configuration {from}) and has the modems", gateway.pid),
            );
            modems.into_iter().map(|modem| (modem.name.clone(), of_running_gateway(&modem))).collect()
        }
        Err(NoAnswer::Nobody { .. } | NoAnswer::Other { .. }) => BTreeMap::new(),
        Err(no_answer) => {
            findings.note(what, format!("it runs and could not be asked: {no_answer}"));
            BTreeMap::new()
        }
    }
}

#[cfg(not(unix))]
fn running_gateway(_config: &Config, _findings: &Findings) -> BTreeMap<String, Result<String, String>> {
    BTreeMap::new()
}

#[cfg(unix)]
fn of_running_gateway(modem: &ModemStatus) -> Result<String, String> {
    let network = [modem.operator.as_deref(), modem.registration.as_deref()];
    let network: Vec<&str> = network.into_iter().flatten().collect();
    match &modem.problem {
        Some(problem) => Err(format!("the running gateway says: {problem}")),
        None if modem.online => Ok(format!("online in the running gateway, {}", network.join(", "))),
        None => Err(format!("{} in the running gateway", modem.state)),
    }
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
