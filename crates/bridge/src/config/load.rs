//! Finds the configuration and reads it: a file, overridden by environment variables.
//!
//! All mistakes are told at once, in the order of the file's lines; those of variables follow.

use std::ffi::OsString;
use std::path::Path;

use super::document::Document;
use super::environment::{self, Environment};
use super::error::ConfigError;
use super::file::File;
use super::mistake::Mistakes;
use super::secrets::{Reader, Secrets};
use super::settings::{Config, Source};
use super::{meaning, places, structure};

/// Reads the configuration named on the command line, else the first one found, overridden by the environment.
pub fn load(named: Option<&Path>, secrets: Secrets) -> Result<Config, ConfigError> {
    let path = match named {
        Some(path) => Some(path.to_owned()),
        None => places::configurations().into_iter().find(|place| place.exists()),
    };
    let from_environment = std::env::vars_os().any(|(key, _)| {
        key.to_string_lossy()
            .strip_prefix(environment::PREFIX)
            .is_some_and(|rest| rest.starts_with("MQTT__URL"))
    });
    let text = match &path {
        Some(path) => std::fs::read_to_string(path).map_err(|e| {
            let place = path.display().to_string();
            ConfigError::new(&place, format!("cannot be read ({e}); name another with --config FILE"))
        })?,
        None if from_environment => String::new(),
        None => {
            let [here, system] = places::configurations().map(|place| place.display().to_string());
            let remedy = "name one with --config FILE, or set SMSBRIDGE_MQTT__URL=mqtt://HOST:1883";
            let message = format!("looked for ./{here} and {system}; {remedy}");
            return Err(ConfigError::new("no configuration", message));
        }
    };
    let place = path.as_ref().map_or_else(|| "environment".to_owned(), |path| path.display().to_string());
    let mut reader = Reader::new(secrets, path.as_deref());
    let mut config = read(&place, &text, std::env::vars_os(), &mut reader)?;
    config.source.file = path;
    config.has_status = true;
    Ok(config)
}

/// Reads a configuration from its text, overridden by the environment. Mistakes name `place`.
#[cfg(any(test, feature = "demo"))]
pub fn parse(place: &str, text: &str) -> Result<Config, ConfigError> {
    read(place, text, std::env::vars_os(), &mut Reader::new(Secrets::Read, None))
}

pub(super) fn read(
    place: &str,
    text: &str,
    variables: impl Iterator<Item = (OsString, OsString)>,
    reader: &mut Reader,
) -> Result<Config, ConfigError> {
    let document = Document::parse(text);
    let environment = environment::read(variables);
    let mut mistakes = Mistakes::default();
    let mut config = None;
    // Otherwise what follows in the file may be taken for something else.
    if document.is_whole {
        let mut values = document.tables.clone();
        structure::check(&mut values, &mut mistakes);
        match environment.over(&values).and_then(config::Config::try_deserialize::<File>) {
            Ok(file) => config = meaning::of(file, reader, &mut mistakes),
            // Whatever could be wrong was found and taken out before.
            Err(_) if !mistakes.is_empty() => {}
            Err(_) => mistakes.add("mqtt", "it cannot be read: please report this"),
        }
    }
    let all = in_order(place, &document, mistakes, &environment);
    let variables = environment.values.into_iter().map(|variable| variable.name).collect();
    match config {
        Some(config) if all.is_empty() => Ok(Config {
            source: Source {
                file: None,
                variables,
                other_variables: environment.others,
                secret_files: std::mem::take(&mut reader.files),
            },
            ..config
        }),
        _ => Err(ConfigError::all(all)),
    }
}

/// All mistakes with their places.
fn in_order(
    place: &str,
    document: &Document<'_>,
    mistakes: Mistakes,
    environment: &Environment,
) -> Vec<String> {
    let mut of_file = document.syntax.clone();
    let mut of_variables = Vec::new();
    for mistake in mistakes.into_vec() {
        match environment.variable(&mistake.path) {
            Some(name) => of_variables.push(format!("{name}: {}", mistake.words)),
            None => match document.offset(&mistake) {
                Some(offset) => of_file.push((offset, Document::with_key(&mistake))),
                // Nothing of it stands in the file: what is missing is missing beside a variable.
                None => of_variables.push(format!(
                    "{}: {}",
                    environment::variable_of(&mistake.path),
                    mistake.words
                )),
            },
        }
    }
    of_file.sort();
    let of_file =
        of_file.into_iter().map(|(at, words)| format!("{place}: {}", document.with_place(at, &words)));
    of_file.chain(of_variables).chain(environment.mistakes.iter().cloned()).collect()
}
