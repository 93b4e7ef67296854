//! The environment's part of the configuration: which variables are ours, which are mistaken for it, which are
//! another's.
//!
//! Ours are `SMSBRIDGE_<TABLE>__<KEY>` and `SMSBRIDGE_<KEY>` of the keys there are. Kubernetes and others set variables
//! that begin alike (`SMSBRIDGE_PORT`, `SMSBRIDGE_SERVICE_HOST`): they are left alone, and named. What is nearly a key
//! is a mistake: a password in a misspelt variable must not be left out in silence. No message holds a value.

use std::ffi::OsString;

use toml::Value as Toml;

use super::keys::{self, TABLES, Table};
use super::kinds::Kind;

/// What environment variables begin with; `__` stands for the dot of a key.
pub(super) const PREFIX: &str = "SMSBRIDGE_";

/// Variables of ours that are no keys of the configuration.
const NO_KEYS: [&str; 3] = ["SMSBRIDGE_CONFIG", "SMSBRIDGE_LOG", "SMSBRIDGE_CRASH_AT"];

/// What the variables of the tests begin with.
const OF_TESTS: &str = "SMSBRIDGE_TEST_";

/// What the environment says of the configuration.
#[derive(Debug, Default)]
pub(super) struct Environment {
    /// The variables that are keys.
    pub(super) values: Vec<Variable>,
    /// The names of variables that only begin like ours.
    pub(super) others: Vec<String>,
    /// What is wrong with variables, in words that name them.
    pub(super) mistakes: Vec<String>,
}

/// A variable that is a key.
#[derive(Debug)]
pub(super) struct Variable {
    /// Its name as it is set.
    pub(super) name: String,
    /// Its key, as `table.key`.
    pub(super) path: String,
    value: Toml,
}

impl Environment {
    /// Lays the variables over what the file says.
    pub(super) fn over(&self, file: &toml::Table) -> Result<config::Config, config::ConfigError> {
        // As text: of values the crate leaves out empty lists and tables.
        let file = config::File::from_str(&file.to_string(), config::FileFormat::Toml);
        let mut layers = config::Config::builder().add_source(file);
        for Variable { path, value, .. } in &self.values {
            layers = match value {
                Toml::Boolean(flag) => layers.set_override(path, *flag),
                Toml::Integer(number) => layers.set_override(path, *number),
                other => layers.set_override(path, other.as_str().unwrap_or_default()),
            }?;
        }
        layers.build()
    }

    /// The variable that sets a key.
    pub(super) fn variable(&self, path: &str) -> Option<&str> {
        self.values.iter().find(|variable| variable.path == path).map(|variable| variable.name.as_str())
    }
}

/// A key with its table.
#[derive(Clone, Copy)]
struct Known {
    table: &'static Table,
    /// None of a table that can stand several times, whose keys no variable can name.
    key: Option<&'static keys::Key>,
}

fn all_keys() -> Vec<Known> {
    let of = |table: &'static Table| match table.is_several {
        true => vec![Known { table, key: None }],
        false => table.keys.iter().map(|key| Known { table, key: Some(key) }).collect(),
    };
    TABLES.iter().flat_map(of).collect()
}

/// Reads the variables that are keys.
pub(super) fn read(variables: impl Iterator<Item = (OsString, OsString)>) -> Environment {
    let variables: Vec<(String, OsString)> = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX) && !name.starts_with(OF_TESTS))
        .filter(|(name, _)| !NO_KEYS.contains(&name.as_str()))
        .collect();
    let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    let known = all_keys();
    let mut environment = Environment::default();
    for (name, value) in &variables {
        let found = known.iter().find(|known| known.variable().eq_ignore_ascii_case(name));
        let Some(Known { table, key: Some(key) }) = found else {
            match mistaken(name, &known, &names) {
                Some(mistake) => environment.mistakes.push(mistake),
                None => environment.others.push(name.clone()),
            }
            continue;
        };
        match read_value(key.kind, value) {
            Ok(value) => {
                let path = [table.name, key.name].into_iter().filter(|part| !part.is_empty());
                let path = path.collect::<Vec<_>>().join(".");
                environment.values.push(Variable { name: name.clone(), path, value });
            }
            Err(words) => environment.mistakes.push(format!("{name}: {words}")),
        }
    }
    environment.others.sort();
    environment.mistakes.sort();
    environment
}

fn read_value(kind: Kind, value: &OsString) -> Result<Toml, String> {
    if kind.is_list() {
        return Err("it has several values, which only the file can give".to_owned());
    }
    kind.read_variable(value.to_str().ok_or("it is not UTF-8")?)
}

impl Known {
    /// The variable of the key.
    fn variable(&self) -> String {
        let parts = [self.table.name, self.key.map_or("", |key| key.name)];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        variable_of(&parts.join("."))
    }
}

/// The variable of a key, `table.key`.
pub(super) fn variable_of(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "__").to_ascii_uppercase())
}

/// What is wrong with a variable that is no key; nothing where it is another's.
fn mistaken(name: &str, known: &[Known], all: &[&str]) -> Option<String> {
    if is_of_a_service(name, all) {
        return None;
    }
    let rest = name.strip_prefix(PREFIX)?.to_ascii_lowercase();
    if let Some((table, _)) = rest.split_once("__") {
        let of_it: Vec<&Known> =
            known.iter().filter(|known| !table.is_empty() && known.table.name == table).collect();
        if of_it.iter().any(|known| known.key.is_none()) {
            return Some(format!("{name}: [[{table}]] can stand several times and is set in the file alone"));
        }
        if !of_it.is_empty() {
            return Some(format!("{name} is no key; did you mean {}?", nearest(name, &of_it)));
        }
    }
    let near: Vec<&Known> = known.iter().filter(|known| is_near(&rest, known)).collect();
    match near.first() {
        Some(Known { table, key: None }) => {
            Some(format!("{name}: {} can stand several times and is set in the file alone", table.header()))
        }
        Some(_) => Some(format!("{name} is no key; did you mean {}?", nearest(name, &near))),
        None => {
            let ours = NO_KEYS.iter().find(|ours| distance_is_small(&plain(ours), &plain(name)))?;
            Some(format!("{name} is no key; did you mean {ours}?"))
        }
    }
}

/// The most similar of the keys, as a variable.
fn nearest(name: &str, keys: &[&Known]) -> String {
    let similarity = |other: &String| strsim::jaro_winkler(name, other);
    let names = keys.iter().map(|known| known.variable());
    names.max_by(|a, b| similarity(a).total_cmp(&similarity(b))).unwrap_or_default()
}

/// Whether a name, without our prefix, is a key's but for underscores, some letters, its table, or its end.
fn is_near(rest: &str, known: &Known) -> bool {
    let rest = plain(rest);
    let table = plain(known.table.name);
    let Some(name) = known.key.map(|key| plain(key.name)) else {
        // Of a table that stands several times: whatever is written for a key of it.
        return rest.strip_prefix(&table).is_some_and(|key| !key.is_empty());
    };
    let whole = format!("{table}{name}");
    distance_is_small(&whole, &rest)
        || rest == name
        || (whole.starts_with(&rest) && rest.len() >= table.len() + 3)
}

fn distance_is_small(known: &str, other: &str) -> bool {
    // In a short name two letters make another word.
    strsim::osa_distance(known, other) <= if known.len() <= 5 { 1 } else { 2 }
}

/// A name without what is easily written otherwise.
fn plain(name: &str) -> String {
    name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether Kubernetes or Docker set it for a service or a container whose name begins like ours.
fn is_of_a_service(name: &str, all: &[&str]) -> bool {
    let begins = |ends: &str| name.find(ends).and_then(|at| name.get(..at));
    let service = begins("_SERVICE_HOST").or_else(|| begins("_SERVICE_PORT")).or_else(|| begins("_PORT"));
    service.is_some_and(|service| {
        let marks = [format!("{service}_SERVICE_HOST"), format!("{service}_PORT_")];
        all.iter().any(|other| marks.iter().any(|mark| other.starts_with(mark.as_str())))
    })
}
