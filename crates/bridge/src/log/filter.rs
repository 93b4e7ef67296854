//! What is logged: a level for everything, and others for single modules, as SMSBRIDGE_LOG says.
//!
//! A word that is none is an error: what it was meant to show would be missing in silence.

use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::config::ConfigError;

/// The variable that says what is logged.
const VARIABLE: &str = "SMSBRIDGE_LOG";

/// Levels, from nothing to everything.
pub const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

/// Modules that log.
const MODULES: [&str; 5] = ["smsbridge", "smsbridge_modem", "rumqttc", "mqtt5", "mio_serial"];

/// We log the faults of MQTT client and broker in our own words, and below error they show topics.
const QUIET: [&str; 2] = ["rumqttc", "mqtt5"];

/// What SMSBRIDGE_LOG says, else `level` for everything.
pub(super) fn from_environment(level: &str) -> Result<Targets, ConfigError> {
    let Some(value) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        return parse(level).map_err(|words| ConfigError::new("log", words));
    };
    let text = value.to_str().ok_or_else(|| ConfigError::new(VARIABLE, "it is not UTF-8"))?;
    parse(&format!("{level},{text}")).map_err(|words| ConfigError::new(VARIABLE, words))
}

/// Reads `level` and `module=level`, separated by commas, in any order.
fn parse(text: &str) -> Result<Targets, String> {
    let quiet = QUIET.map(|module| (module, LevelFilter::ERROR));
    let mut targets = Targets::new().with_targets(quiet);
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        targets = match item.split_once('=') {
            None => targets.with_default(level(item)?),
            Some((module, word)) => targets.with_target(known(module.trim())?, level(word.trim())?),
        };
    }
    Ok(targets)
}

fn level(word: &str) -> Result<LevelFilter, String> {
    let known = LEVELS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
    known.map(|(_, level)| *level).ok_or_else(|| {
        let words: Vec<&str> = LEVELS.iter().map(|(word, _)| *word).collect();
        format!(
            "{word:?} is no level: expected one of {}, or levels of modules as in \"info,smsbridge_modem=debug\"",
            words.join(", ")
        )
    })
}

/// A module that logs. Those within it are not told apart: nobody could say which names there are.
fn known(module: &str) -> Result<&str, String> {
    let known = MODULES.contains(&module).then_some(module);
    known.ok_or_else(|| format!("{module:?} logs nothing: expected one of {}", MODULES.join(", ")))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_level_holds_for_all_modules_but_those_named() {
        let targets = parse("warn, smsbridge_modem=debug").unwrap();
        assert!(targets.would_enable("smsbridge::app", &Level::WARN));
        assert!(!targets.would_enable("smsbridge::app", &Level::INFO));
        assert!(targets.would_enable("smsbridge_modem::session", &Level::DEBUG));
        assert!(!targets.would_enable("rumqttc::v5", &Level::WARN), "it would show topics");
        assert!(parse("DEBUG,rumqttc=debug").unwrap().would_enable("rumqttc::v5", &Level::DEBUG));
        let targets = parse("info,smsbridge_modem=debug").unwrap();
        assert!(targets.would_enable("smsbridge", &Level::INFO), "the command's own level stays");
        assert!(parse("info, ,").unwrap().would_enable("smsbridge", &Level::INFO));
        assert!(!parse("off").unwrap().would_enable("smsbridge", &Level::ERROR));
    }

    #[test]
    fn a_word_that_is_neither_level_nor_module_is_a_mistake() {
        for (text, expected) in [
            ("inof", "no level"),
            ("info,debg", "\"debg\""),
            ("smsbridge", "no level"),
            ("smsbridge=", "no level"),
            ("smsbrige=debug", "smsbridge"),
            ("=debug", "smsbridge"),
            ("smsbridge::aap=debug", "smsbridge::aap"),
            ("info;debug", "no level"),
        ] {
            let words = parse(text).expect_err(text);
            assert!(words.contains(expected), "{text}: {words}");
        }
    }
}
