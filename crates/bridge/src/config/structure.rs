//! Holds a file against the keys there are: unknown ones, those in a wrong table, tables written in a wrong way, and
//! values of a wrong kind.
//!
//! Pure. What it finds it takes out, so that what is left can be read, and its meaning checked too.

use toml::{Table as Values, Value as Toml};

use super::keys::{self, TABLES, Table};
use super::kinds::kind;
use super::mistake::Mistakes;
use crate::nearest::nearest;

/// Finds all mistakes of structure.
pub(super) fn check(values: &mut Values, mistakes: &mut Mistakes) {
    for name in names(values) {
        let Some(value) = values.get_mut(&name) else { continue };
        let is_good = match keys::table(&name) {
            Some(table) => check_table(table, value, mistakes),
            None => match keys::top().key(&name) {
                Some(key) => {
                    let words = key.kind.mistake(value);
                    words.map(|words| mistakes.add(&*name, words)).is_none()
                }
                None => {
                    mistakes.add_key(&*name, unknown_at_top(&name, value));
                    false
                }
            },
        };
        if !is_good {
            values.remove(&name);
        }
    }
}

/// False where nothing of it can be read.
fn check_table(table: &'static Table, value: &mut Toml, mistakes: &mut Mistakes) -> bool {
    let name = table.name;
    // Written with the wrong brackets, it is plain all the same what is meant.
    match value {
        Toml::Table(keys) if table.is_several => {
            mistakes.add_key(name, format!("write {}: it can stand several times", table.header()));
            *value = Toml::Array(vec![Toml::Table(std::mem::take(keys))]);
        }
        Toml::Array(tables) if !table.is_several && tables.first().is_some_and(Toml::is_table) => {
            mistakes.add_key(name, format!("write {}: it stands once", table.header()));
            *value = tables.swap_remove(0);
        }
        _ => {}
    }
    match value {
        Toml::Table(keys) if !table.is_several => check_keys(table, name, keys, mistakes),
        Toml::Array(tables) if table.is_several && tables.iter().all(Toml::is_table) => {
            for (n, keys) in tables.iter_mut().filter_map(Toml::as_table_mut).enumerate() {
                check_keys(table, &format!("{name}[{n}]"), keys, mistakes);
            }
        }
        other => {
            let words =
                format!("it is a table, not {}: write {}, and its keys below", kind(other), table.header());
            mistakes.add(name, words);
            return false;
        }
    }
    true
}

fn check_keys(table: &'static Table, path: &str, keys: &mut Values, mistakes: &mut Mistakes) {
    for name in names(keys) {
        let path = format!("{path}.{name}");
        let Some(value) = keys.get(&name) else { continue };
        match table.key(&name) {
            Some(key) => match key.kind.mistake(value) {
                Some(words) => mistakes.add(path, words),
                None => continue,
            },
            None => mistakes.add_key(path, unknown_in(table, &name)),
        }
        keys.remove(&name);
    }
}

fn names(values: &Values) -> Vec<String> {
    values.keys().cloned().collect()
}

fn unknown_at_top(name: &str, value: &Toml) -> String {
    let is_table = match value {
        Toml::Table(_) => true,
        Toml::Array(values) => values.first().is_some_and(Toml::is_table),
        _ => false,
    };
    if is_table {
        let known = TABLES[1..].iter();
        let near = nearest(name, known.clone().map(|table| table.name)).and_then(keys::table);
        return match near {
            Some(table) => format!("there is no such table; did you mean {}?", table.header()),
            None => {
                let known: Vec<String> = known.map(Table::header).collect();
                format!("there is no such table; there are {}", known.join(", "))
            }
        };
    }
    if let Some(words) = elsewhere(name, "") {
        return words;
    }
    let all = || TABLES.iter().flat_map(|table| table.keys.iter().map(move |key| (table, key.name)));
    match nearest(name, all().map(|(_, key)| key)) {
        Some(near) if keys::top().key(near).is_some() => {
            format!("there is no such key; did you mean `{near}`?")
        }
        Some(near) => {
            let tables: Vec<String> =
                all().filter(|(_, key)| *key == near).map(|(table, _)| table.header()).collect();
            format!("there is no such key; did you mean `{near}` below {}?", tables.join(" or "))
        }
        None => "there is no such key".to_owned(),
    }
}

fn unknown_in(table: &Table, name: &str) -> String {
    if let Some(words) = elsewhere(name, table.name) {
        return words;
    }
    let known = || table.keys.iter().map(|key| key.name);
    match nearest(name, known()) {
        Some(near) => format!("there is no such key; did you mean `{near}`?"),
        None => {
            let known: Vec<&str> = known().collect();
            format!("there is no such key; {} has {}", table.header(), known.join(", "))
        }
    }
}

/// Where a key belongs that stands in another table.
fn elsewhere(name: &str, here: &str) -> Option<String> {
    let others = TABLES.iter().filter(|table| table.name != here && table.key(name).is_some());
    let (top, others): (Vec<&Table>, Vec<&Table>) = others.partition(|table| table.name.is_empty());
    let below: Vec<String> = others.iter().map(|table| table.header()).collect();
    match (top.is_empty(), below.is_empty()) {
        (true, true) => None,
        (true, false) => Some(format!("it belongs below {}", below.join(" or "))),
        (false, true) => Some("it belongs at the top of the file, before all tables".to_owned()),
        (false, false) => Some(format!(
            "it belongs at the top of the file, before all tables, or below {}",
            below.join(" or ")
        )),
    }
}
