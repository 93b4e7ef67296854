//! Rules of docs/architecture.md about what is deliberately absent, read from the sources.
//!
//! Text search is blunt but sees every file at once; a rule that a compiler can hold is not here.

use std::fs;

use crate::harness::sources::{all_files_below, files_below, read, root, without_tests};

/// A line of code, comments removed.
struct Line {
    file: String,
    number: usize,
    code: String,
}

/// The code of all sources below `folder`, tests left out: they may do what the product may not.
fn code_below(folder: &str) -> Vec<Line> {
    files_below(folder).iter().flat_map(|file| read_code(file)).collect()
}

fn read_code(file: &str) -> Vec<Line> {
    let line = |(index, line): (usize, &str)| Line {
        file: file.to_owned(),
        number: index + 1,
        code: without_comment(line).to_owned(),
    };
    without_tests(&read(file)).lines().enumerate().map(line).collect()
}

/// `//` also stands in addresses such as `mqtt://`, so a comment begins a line or follows a space.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("//") { "" } else { line.split(" //").next().unwrap_or_default() }
}

/// Fails with every line that holds one of `words` outside the `allowed` files or folders.
fn only_in(rule: &str, folder: &str, words: &[&str], allowed: &[&str]) {
    let offenders: Vec<String> = code_below(folder)
        .iter()
        .filter(|line| !allowed.iter().any(|place| line.file.starts_with(place)))
        .filter(|line| words.iter().any(|word| line.code.contains(word)))
        .map(|line| format!("  {}:{}: {}", line.file, line.number, line.code.trim()))
        .collect();
    assert!(offenders.is_empty(), "{rule}\n{}", offenders.join("\n"));
}

/// Fails when `words` are nowhere in `place`: then the rule above it watches something that has moved.
fn is_used_in(place: &str, words: &[&str]) {
    let used = code_below("crates")
        .iter()
        .any(|line| line.file.starts_with(place) && words.iter().any(|word| line.code.contains(word)));
    assert!(used, "none of {words:?} is in {place} any more: correct the rule in tests/invariants.rs");
}

/// The `[dependencies]` of a crate: what its users get, without what only its tests need.
fn dependencies(krate: &str) -> Vec<String> {
    let manifest = manifest(krate);
    let listed = manifest.get("dependencies").and_then(toml::Value::as_table);
    listed.map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

fn manifest(krate: &str) -> toml::Table {
    let path = root().join("crates").join(krate).join("Cargo.toml");
    fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        .parse()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn depends_on_none_of(krate: &str, forbidden: &[&str]) {
    let found: Vec<String> =
        dependencies(krate).into_iter().filter(|name| forbidden.contains(&name.as_str())).collect();
    assert!(
        found.is_empty(),
        "crates/{krate} must not depend on {found:?}: see docs/architecture.md, invariants"
    );
}

#[test]
fn only_app_spawns() {
    let words = ["tokio::spawn(", "task::spawn(", "spawn_local(", "thread::spawn(", "thread::Builder"];
    // The threads of the store and of the log, and the demo's broker and modem, are no tasks of the gateway's own.
    let allowed = [
        "crates/bridge/src/app.rs",
        "crates/bridge/src/store/",
        "crates/bridge/src/log/",
        "crates/bridge/src/commands/demo.rs",
    ];
    let rule = "Only app.rs starts tasks, so that one screen shows who runs and how it stops:";
    only_in(rule, "crates/bridge/src", &words, &allowed);
    // `.spawn(` is how a set of tasks is filled, and how hooks start their child processes.
    let and_hooks = [&allowed[..], &["crates/bridge/src/hooks.rs"]].concat();
    only_in(rule, "crates/bridge/src", &[".spawn("], &and_hooks);
    is_used_in("crates/bridge/src/app.rs", &[".spawn("]);
    for library in ["crates/codec/src", "crates/modem/src"] {
        only_in("A library spawns nothing; its user decides where it runs:", library, &words, &[]);
    }
}

#[test]
fn only_output_and_log_print() {
    // The macros panic where nobody reads, and pass on what a terminal obeys.
    let rule = "What is printed goes through commands/output.rs or log/:";
    for folder in ["crates/bridge/src", "crates/modem/src", "crates/codec/src"] {
        only_in(rule, folder, &["print!(", "println!(", "dbg!("], &[]);
    }
    let places = [
        "crates/bridge/src/commands/output.rs",
        "crates/bridge/src/log/",
        // Asks what is there, and prints nothing.
        "crates/bridge/src/terminal.rs",
        // A line on a terminal that is taken away again.
        "crates/bridge/src/commands/progress.rs",
        // One answer a line, escaped there.
        "crates/bridge/src/commands/pdu.rs",
        // A test that is about to kill the process.
        "crates/bridge/src/crash.rs",
    ];
    only_in(rule, "crates/bridge/src", &["io::stdout()", "io::stderr()"], &places);
    is_used_in(places[0], &["io::stdout()"]);
}

#[test]
fn only_the_store_knows_sql() {
    let words = ["rusqlite", "SELECT ", "INSERT INTO", "DELETE FROM", "CREATE TABLE", "BEGIN IMMEDIATE"];
    only_in("Only store/ speaks SQL; ask it by a verb:", "crates", &words, &["crates/bridge/src/store/"]);
    is_used_in("crates/bridge/src/store/", &words);
}

#[test]
fn only_wire_makes_json() {
    // `detect --json` and `pdu` have JSON of their own, which no topic carries.
    let places = [
        "crates/bridge/src/wire/",
        "crates/bridge/src/commands/detect.rs",
        "crates/bridge/src/commands/pdu.rs",
    ];
    let words = ["json!(", "serde_json::Value", "Value::", "from_slice"];
    only_in("Only wire/ writes and reads the JSON of the contract:", "crates/bridge/src", &words, &places);
    is_used_in(places[0], &words);
}

#[test]
fn only_mqtt_names_rumqttc() {
    let place = ["crates/bridge/src/mqtt/"];
    let words = ["rumqttc::", "use rumqttc"];
    only_in("Only mqtt/ names rumqttc, so that it can be changed for another:", "crates", &words, &place);
    is_used_in(place[0], &words);
}

#[test]
fn only_port_and_com_ports_name_tokio_serial() {
    let places = ["crates/modem/src/port.rs", "crates/modem/src/com_ports.rs"];
    only_in("Only port.rs and com_ports.rs name tokio-serial:", "crates", &["tokio_serial"], &places);
    places.iter().for_each(|place| is_used_in(place, &["tokio_serial"]));
}

#[test]
fn codec_and_modem_know_no_mqtt_json_or_sqlite() {
    let forbidden = ["rumqttc", "mqtt5", "serde_json", "rusqlite"];
    depends_on_none_of("codec", &forbidden);
    depends_on_none_of("modem", &forbidden);
    depends_on_none_of("modem", &["serde"]);
    // The codec derives it for users who ask for it; its own code works without.
    is_off_by_default("codec", "serde");
}

/// Fails unless only a feature that is not enabled by default brings the dependency.
fn is_off_by_default(krate: &str, name: &str) {
    let manifest = manifest(krate);
    let optional = manifest["dependencies"][name].get("optional").and_then(toml::Value::as_bool);
    let defaults = manifest.get("features").and_then(|features| features.get("default"));
    assert!(
        optional == Some(true) && defaults.is_none(),
        "crates/{krate}: {name} must be optional, and no feature a default: see docs/architecture.md, invariants"
    );
}

#[test]
fn codec_and_modem_do_not_know_each_other() {
    depends_on_none_of("codec", &["smsbridge-modem", "smsbridge-simulator", "tokio"]);
    depends_on_none_of("modem", &["smsbridge-codec", "smsbridge-simulator"]);
}

#[test]
fn codec_has_no_clock() {
    let words = ["SystemTime", "Instant::now", "std::time", "jiff", "chrono"];
    only_in("codec takes times as arguments, it has no clock:", "crates/codec/src", &words, &[]);
    depends_on_none_of("codec", &["jiff", "chrono", "time"]);
}

#[test]
fn no_delete_by_flag() {
    // `AT+CMGD=<slot>,<flag>` deletes what we never read, and outgoing messages of others.
    for folder in ["crates/modem/src", "crates/bridge/src"] {
        let offenders: Vec<String> = code_below(folder)
            .iter()
            .filter(|line| {
                line.code
                    .split("CMGD=")
                    .skip(1)
                    .any(|tail| tail.split('"').next().is_some_and(|t| t.contains(',')))
            })
            .map(|line| format!("  {}:{}: {}", line.file, line.number, line.code.trim()))
            .collect();
        assert!(offenders.is_empty(), "CMGD takes one slot and never a flag:\n{}", offenders.join("\n"));
    }
    is_used_in("crates/modem/src", &["CMGD="]);
}

#[test]
fn only_backoff_names_backoff() {
    let rule = "Delays between tries are made in backoff.rs alone:";
    only_in(
        rule,
        "crates",
        &["backoff::ExponentialBackoff", "ExponentialBackoffBuilder"],
        &["crates/bridge/src/backoff.rs"],
    );
}

#[test]
fn nothing_is_unsafe() {
    let words = ["unsafe {", "unsafe fn", "allow(unsafe_code)"];
    only_in("The workspace forbids unsafe code:", "crates", &words, &[]);
}

/// Longer files are divided; tables are searched, not read.
const MAX_LINES: usize = 500;

/// Tables, which may be longer, and why.
const TABLES: [(&str, &str); 1] =
    [("crates/codec/src/gsm7/tables.rs", "the national alphabets of TS 23.038")];

/// The files of crates/*/src over `MAX_LINES`, tests included, with their lengths.
fn long_files() -> Vec<(String, usize)> {
    let mut long = Vec::new();
    for krate in ["bridge", "codec", "modem", "simulator"] {
        for file in all_files_below(&format!("crates/{krate}/src")) {
            let lines = read(&file).lines().count();
            if lines > MAX_LINES {
                long.push((file, lines));
            }
        }
    }
    long
}

#[test]
fn no_file_is_longer_than_500_lines_but_tables() {
    let long = long_files();
    let allowed = |file: &str| TABLES.iter().any(|(table, _)| *table == file);
    let offenders: Vec<String> = long
        .iter()
        .filter(|(file, _)| !allowed(file))
        .map(|(file, lines)| format!("  {file}: {lines} lines"))
        .collect();
    assert!(offenders.is_empty(), "over {MAX_LINES} lines, to be divided:\n{}", offenders.join("\n"));
    for exception in TABLES.iter().map(|(file, _)| *file) {
        let needed = long.iter().any(|(file, _)| file == exception);
        assert!(needed, "{exception} is not over {MAX_LINES} lines any more: take it from the list");
    }
}
