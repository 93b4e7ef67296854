//! The environment's part of the configuration: which variables are ours, which are mistaken for it, which are
//! another's.
//!
//! Ours are `SMSBRIDGE_<TABLE>__<KEY>` and `SMSBRIDGE_<KEY>` of the keys there are. Kubernetes and others set variables
//! that begin alike (`SMSBRIDGE_PORT`, `SMSBRIDGE_SERVICE_HOST`): they are left alone, and named. What is nearly a key
//! is a mistake: a password in a misspelt variable must not be left out in silence. No message holds a value.

use std::ffi::OsString;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::known_keys::{self, Key};
use super::mistake;

/// What environment variables begin with; `__` stands for the dot of a key.
pub(super) const PREFIX: &str = "SMSBRIDGE_";

/// Variables of ours that are no keys of the configuration.
const NO_KEYS: [&str; 3] = ["SMSBRIDGE_CONFIG", "SMSBRIDGE_LOG", "SMSBRIDGE_CRASH_AT"];

/// What the variables of the tests begin with.
const OF_TESTS: &str = "SMSBRIDGE_TEST_";

/// What the environment says of the configuration.
#[derive(Debug, Default)]
pub(super) struct Environment {
    /// Keys with their values, as `table.key`.
    pub(super) keys: Vec<(String, Value)>,
    /// The names of variables that only begin like ours.
    pub(super) others: Vec<String>,
}

/// Reads the variables that are keys of `T`.
pub(super) fn read<T: DeserializeOwned>(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Environment, String> {
    let variables: Vec<(String, OsString)> = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX) && !name.starts_with(OF_TESTS))
        .filter(|(name, _)| !NO_KEYS.contains(&name.as_str()))
        .collect();
    let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    let known = known_keys::of::<T>();
    let mut environment = Environment::default();
    for (name, value) in &variables {
        let Some(key) = known.iter().find(|key| variable(key).eq_ignore_ascii_case(name)) else {
            if let Some(mistake) = mistaken(name, &known, &names) {
                return Err(mistake);
            }
            environment.others.push(name.clone());
            continue;
        };
        if !key.is_single {
            return Err(format!("{name}: it has several values, which only the file can give"));
        }
        let text = value.to_str().ok_or_else(|| format!("{name}: it is not UTF-8"))?;
        let value = fitting::<T>(key, text).map_err(|words| format!("{name}: {words}"))?;
        let path: Vec<&str> = [key.table, key.name].into_iter().flatten().collect();
        environment.keys.push((path.join("."), value));
    }
    environment.others.sort();
    Ok(environment)
}

/// The variable of a key.
fn variable(key: &Key) -> String {
    let parts = [key.table, key.name].into_iter().flatten().collect::<Vec<_>>();
    format!("{PREFIX}{}", parts.join("__").to_ascii_uppercase())
}

fn set(into: &mut Table, key: &Key, value: Value) {
    let Some(name) = key.name else { return };
    match key.table {
        None => drop(into.insert(name.to_owned(), value)),
        Some(table) => {
            let entry = into.entry(table).or_insert_with(|| Table::new().into());
            if let Some(entry) = entry.as_table_mut() {
                entry.insert(name.to_owned(), value);
            }
        }
    }
}

/// The value that the key takes: the text as it is, which a password of digits must stay, else what TOML makes of it.
fn fitting<T: DeserializeOwned>(key: &Key, text: &str) -> Result<Value, String> {
    let fits = |value: Value| {
        let mut table = Table::new();
        set(&mut table, key, value.clone());
        table.try_into::<T>().map(|_| value).map_err(|error| mistake::in_words("", &error))
    };
    let of_another_type = || match text.trim() {
        "true" => Some(true.into()),
        "false" => Some(false.into()),
        number => number.parse::<i64>().ok().map(Into::into),
    };
    fits(text.into()).or_else(|words| of_another_type().map_or(Err(words), fits))
}

/// What is wrong with a variable that is no key; nothing where it is another's.
fn mistaken(name: &str, known: &[Key], all: &[&str]) -> Option<String> {
    if is_of_a_service(name, all) {
        return None;
    }
    let rest = name.strip_prefix(PREFIX)?.to_ascii_lowercase();
    if let Some((table, _)) = rest.split_once("__") {
        let of_it: Vec<&Key> = known.iter().filter(|key| key.table == Some(table)).collect();
        if of_it.iter().any(|key| key.name.is_none()) {
            return Some(format!("{name}: [[{table}]] can stand several times and is set in the file alone"));
        }
        if !of_it.is_empty() {
            return Some(format!("{name} is no key; did you mean {}?", nearest(name, &of_it)));
        }
    }
    let near: Vec<&Key> = known.iter().filter(|key| is_near(&rest, key)).collect();
    match near.first() {
        Some(Key { table: Some(table), name: None, .. }) => {
            Some(format!("{name}: [[{table}]] can stand several times and is set in the file alone"))
        }
        Some(_) => Some(format!("{name} is no key; did you mean {}?", nearest(name, &near))),
        None => {
            let ours = NO_KEYS.iter().find(|ours| distance_is_small(&plain(ours), &plain(name)))?;
            Some(format!("{name} is no key; did you mean {ours}?"))
        }
    }
}

/// The most similar of the keys, as a variable.
fn nearest(name: &str, keys: &[&Key]) -> String {
    let similarity = |other: &String| strsim::jaro_winkler(name, other);
    let names = keys.iter().map(|key| variable(key));
    names.max_by(|a, b| similarity(a).total_cmp(&similarity(b))).unwrap_or_default()
}

/// Whether a name, without our prefix, is a key's but for underscores, some letters, its table, or its end.
fn is_near(rest: &str, key: &Key) -> bool {
    let rest = plain(rest);
    let table = plain(key.table.unwrap_or_default());
    let Some(name) = key.name.map(plain) else {
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
