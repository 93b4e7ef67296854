//! The flows of deploy/node-red as text: an editor can import them, they do what MQTT 5 offers for nothing to be lost or
//! taken for new, and they carry nobody's secrets. tests/ecosystem/node_red.rs runs them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use regex::Regex;
use serde_json::Value;

use crate::harness::node_red::shipped;
use crate::harness::sources::root;

/// What Node-RED brings along: nobody has to install more.
const PALETTE: [&str; 12] = [
    "tab",
    "comment",
    "mqtt-broker",
    "mqtt in",
    "mqtt out",
    "function",
    "switch",
    "template",
    "inject",
    "debug",
    "link in",
    "link out",
];

/// Node.js has these built in.
const MODULES: [&str; 1] = ["crypto"];

/// Where the flows may listen and ask, of docs/contract.md.
const IN: [&str; 3] = ["sms/received/+", "sms/result", "sms/ussd/main/reply"];
const OUT: [&str; 2] = ["sms/send", "sms/ussd/main"];

fn names() -> Vec<String> {
    let files = fs::read_dir(root().join("deploy/node-red")).expect("deploy/node-red");
    let names = files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    names.sort();
    assert_eq!(names, ["alarm", "door-opener", "receive-and-reply", "ussd-balance"]);
    names
}

fn text<'a>(node: &'a Value, key: &str) -> &'a str {
    node[key].as_str().unwrap_or_default()
}

/// The targets of a node's wires, output by output.
fn wires(node: &Value) -> Vec<Vec<&str>> {
    let outputs = node["wires"].as_array().into_iter().flatten();
    outputs
        .map(|output| output.as_array().into_iter().flatten().filter_map(Value::as_str).collect())
        .collect()
}

/// What would not work, or not be safe, a line each.
fn mistakes(nodes: &[Value]) -> Vec<String> {
    let mut mistakes = Vec::new();
    let mut by_id = BTreeMap::new();
    for node in nodes {
        let id = text(node, "id");
        if id.len() != 16 || !id.bytes().all(|octet| octet.is_ascii_hexdigit()) {
            mistakes.push(format!("{id:?} is no id as the editor makes them"));
        }
        if by_id.insert(id, node).is_some() {
            mistakes.push(format!("two nodes have the id {id}"));
        }
    }
    let tabs: Vec<&Value> = nodes.iter().filter(|node| node["type"] == "tab").collect();
    let [tab] = tabs[..] else {
        mistakes.push(format!("{} tabs instead of one", tabs.len()));
        return mistakes;
    };
    for node in nodes {
        let what = format!("{} {:?}", text(node, "type"), text(node, "name"));
        let mut wrong = |words: &str| mistakes.push(format!("{what}: {words}"));
        if !PALETTE.contains(&text(node, "type")) {
            wrong("not in Node-RED's own palette");
        }
        let is_global = ["tab", "mqtt-broker"].contains(&text(node, "type"));
        if !is_global && node["z"] != tab["id"] {
            wrong("not on the tab");
        }
        for target in wires(node).concat() {
            if by_id.get(target).is_none_or(|target| target["z"] != tab["id"]) {
                wrong("a wire leads nowhere");
            }
        }
        if node.get("outputs").is_some_and(|outputs| *outputs != wires(node).len()) {
            wrong("other outputs than wires");
        }
        // The editor exports logins only when it is told to: then they stand here.
        if ["credentials", "user", "username", "password"].iter().any(|key| node.get(key).is_some()) {
            wrong("has credentials");
        }
        if text(node, "type").starts_with("mqtt ") {
            let broker = by_id.get(text(node, "broker"));
            if broker.is_none_or(|broker| broker["type"] != "mqtt-broker") {
                wrong("no broker");
            }
            if node["qos"] != "1" {
                wrong("QoS is not 1");
            }
        }
        match text(node, "type") {
            // Without `rap` a live retained message would look like a new one.
            "mqtt in" if node["rh"] != "2" || node["rap"] != true => wrong("takes retained messages"),
            "mqtt in" if node["datatype"] != "auto-detect" => wrong("fails on what is no JSON"),
            "mqtt in" if !IN.contains(&text(node, "topic")) => wrong("listens on another topic"),
            "mqtt out" if node["retain"] != "false" => wrong("may retain"),
            "mqtt out" if !OUT.contains(&text(node, "topic")) => wrong("publishes on another topic"),
            "mqtt-broker" if node["protocolVersion"] != "5" => wrong("does not speak MQTT 5"),
            // What comes while Node-RED is down waits only then.
            "mqtt-broker"
                if node["cleansession"] != false
                    || node["autoUnsubscribe"] != false
                    || text(node, "clientid").is_empty()
                    || text(node, "sessionExpiry").parse::<u32>().is_ok_and(|seconds| seconds < 3600) =>
            {
                wrong("its session does not survive a restart");
            }
            "comment" if text(node, "name").is_empty() => wrong("says nothing"),
            "function"
                if node["libs"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|lib| !MODULES.contains(&text(lib, "module"))) =>
            {
                wrong("needs a module from npm");
            }
            _ => {}
        }
    }
    mistakes.extend(unused_settings(nodes, tab));
    mistakes
}

/// Settings of a tab that no function reads or no comment explains, and those that are read and not there.
fn unused_settings(nodes: &[Value], tab: &Value) -> Vec<String> {
    let read = Regex::new(r#"(?:env\.get|seconds|ms)\("([A-Z_]+)"\)"#).expect("a pattern");
    let code: String = nodes.iter().map(|node| text(node, "func")).collect();
    let comments: String = nodes.iter().map(|node| text(node, "info")).collect();
    let read: BTreeSet<&str> =
        read.captures_iter(&code).filter_map(|found| Some(found.get(1)?.as_str())).collect();
    let there: BTreeSet<&str> =
        tab["env"].as_array().into_iter().flatten().map(|variable| text(variable, "name")).collect();
    let differ = read.symmetric_difference(&there).map(|name| format!("{name} is not both set and read"));
    let unexplained = there.iter().filter(|name| !comments.contains(&format!("`{name}`")));
    differ.chain(unexplained.map(|name| format!("no comment explains {name}"))).collect()
}

#[test]
fn each_flow_can_be_imported_and_keeps_to_what_is_safe() {
    for name in names() {
        assert_eq!(mistakes(&shipped(&name)), Vec::<String>::new(), "deploy/node-red/{name}.json");
    }
}

#[test]
fn several_flows_share_one_broker_node_and_nothing_else() {
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    let mut brokers = BTreeSet::new();
    for name in names() {
        for node in shipped(&name) {
            let id = text(&node, "id").to_owned();
            if node["type"] == "mqtt-broker" {
                brokers.insert(node.to_string());
            } else {
                assert_eq!(seen.insert(id, node), None, "{name}.json has a node of another file");
            }
        }
    }
    assert_eq!(brokers.len(), 1, "the same broker node in every file: {brokers:#?}");
}

#[test]
fn a_sender_is_judged_by_the_same_code_in_every_flow_that_obeys() {
    let judges: BTreeSet<String> = names()
        .iter()
        .flat_map(|name| shipped(name))
        .filter(|node| text(node, "func").contains("\"SENDERS\""))
        .map(|node| text(&node, "func").to_owned())
        .collect();
    assert_eq!(judges.len(), 1, "the copies differ");
}

#[test]
fn no_two_nodes_lie_on_each_other() {
    for name in names() {
        let nodes = shipped(&name);
        let places: Vec<(f64, f64, &Value)> = nodes
            .iter()
            .filter_map(|node| Some((node["x"].as_f64()?, node["y"].as_f64()?, &node["name"])))
            .collect();
        for (n, (x, y, node)) in places.iter().enumerate() {
            for (other_x, other_y, other) in &places[..n] {
                let is_clear = (x - other_x).abs() >= 120.0 || (y - other_y).abs() >= 40.0;
                assert!(is_clear, "{name}.json: {node} lies on {other}");
            }
        }
    }
}

/// An imported flow obeys nobody and writes to nobody until its user says whom: a number in an example may be someone's.
#[test]
fn no_flow_knows_a_number() {
    let number = Regex::new(r"\+?[0-9]{7,}").expect("a pattern");
    for name in names() {
        for variable in shipped(&name)[0]["env"].as_array().expect("variables") {
            assert!(!number.is_match(text(variable, "value")), "{name}.json: {variable}");
        }
    }
}

#[test]
fn the_document_names_every_setting_with_its_default() {
    let document = fs::read_to_string(root().join("docs/node-red.md")).expect("docs/node-red.md");
    for name in names() {
        for variable in shipped(&name)[0]["env"].as_array().expect("variables") {
            let (variable, default) = (text(variable, "name"), text(variable, "value"));
            let row = document.lines().find(|line| {
                line.starts_with("| `") && line.contains(&format!("`{variable}`")) && line.contains(default)
            });
            assert!(row.is_some(), "docs/node-red.md has no row with {variable} and its default {default:?}");
        }
    }
}

/// The checks above see what they are for.
#[test]
fn each_damage_is_seen() {
    let damages: [(&str, &str, &str, Value); 10] = [
        ("mqtt in", "rh", "takes retained messages", 0.into()),
        ("mqtt in", "topic", "listens on another topic", "sms/last/+".into()),
        ("mqtt in", "qos", "QoS is not 1", "0".into()),
        ("mqtt in", "broker", "no broker", "".into()),
        ("mqtt out", "retain", "may retain", "".into()),
        ("mqtt-broker", "protocolVersion", "does not speak MQTT 5", "4".into()),
        ("mqtt-broker", "cleansession", "does not survive a restart", true.into()),
        ("mqtt-broker", "credentials", "has credentials", serde_json::json!({"user": "anna"})),
        ("function", "wires", "a wire leads nowhere", serde_json::json!([["0123456789abcdef"]])),
        ("function", "z", "not on the tab", "".into()),
    ];
    for name in names() {
        for (kind, key, words, value) in &damages {
            let mut nodes = shipped(&name);
            let node = nodes.iter_mut().find(|node| node["type"] == *kind).expect(kind);
            node[*key] = value.clone();
            let mistakes = mistakes(&nodes);
            assert!(mistakes.iter().any(|mistake| mistake.contains(words)), "{key} of {kind}: {mistakes:?}");
        }
        let mut doubled = shipped(&name);
        doubled.push(doubled[1].clone());
        assert!(mistakes(&doubled).iter().any(|mistake| mistake.contains("two nodes have the id")));
    }
}
