//! `smsbridge history`, beside a running gateway.

use serde_json::Value;

use crate::harness::process::code;
use crate::harness::rig::Rig;

fn lines_of_json(output: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("not a JSON line: {e}: {line}")))
        .collect()
}

#[test]
fn history_shows_both_directions_while_the_gateway_runs() {
    let mut rig = Rig::start();
    rig.assert_still_works("kept");
    let output = rig.gateway.run_command(&["history", "--json"]);
    assert_eq!(code(output.status), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let lines = lines_of_json(&output.stdout);
    assert!(
        lines.iter().any(|line| line["text"] == "kept in" && line["from"] == "+4915100000001"),
        "{lines:?}"
    );
    assert!(
        lines.iter().any(|line| line["text"] == "still here" && line["to"] == "+4915100000002"),
        "{lines:?}"
    );
    rig.gateway.assert_running();
}

#[test]
fn history_can_be_narrowed() {
    let rig = Rig::start();
    rig.assert_still_works("kept");
    rig.modem.deliver("+4915100000009", "other sender");
    rig.wait_for_received("other sender");
    let output = rig.gateway.run_command(&["history", "--json", "--from", "+4915100000009"]);
    let lines = lines_of_json(&output.stdout);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["text"], "other sender");
}

#[test]
fn a_number_is_found_however_it_is_written() {
    let rig = Rig::with(|config| config.set("outbound", "default_country", "49"));
    rig.assert_still_works("kept");
    for (option, written, expected) in [
        ("--from", "0151 00000001", 1),
        ("--from", "+49 (0)151 00000001", 1),
        ("--to", "015100000002", 1),
        ("--to", "015100000003", 0),
        ("--from", "00000001", 0),
    ] {
        let output = rig.gateway.run_command(&["history", "--json", option, written]);
        assert_eq!(lines_of_json(&output.stdout).len(), expected, "{option} {written}");
    }
}

#[test]
fn history_for_people_shows_the_text() {
    let rig = Rig::start();
    rig.assert_still_works("kept");
    let output = rig.gateway.run_command(&["history"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("kept in") && text.contains("+4915100000001"), "{text}");
}
