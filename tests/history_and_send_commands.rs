//! `smsbridge history` and `smsbridge send`, beside a running gateway.

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
fn history_for_people_shows_the_text() {
    let rig = Rig::start();
    rig.assert_still_works("kept");
    let output = rig.gateway.run_command(&["history"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("kept in") && text.contains("+4915100000001"), "{text}");
}

#[test]
fn send_waits_for_the_final_result() {
    let rig = Rig::start();
    let output = rig.gateway.run_command(&["send", "--to", "+4915100000002", "Привет из терминала"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(code(output.status), 0, "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("sent"), "{said}");
    let submits = rig.modem.submits();
    assert_eq!(submits.len(), 1);
    assert_eq!((submits[0].to.as_str(), submits[0].text.as_str()), ("+4915100000002", "Привет из терминала"));
}

#[test]
fn send_fails_when_the_network_refuses() {
    let rig = Rig::start();
    // 3GPP TS 27.005 3.2.5: 28, unidentified subscriber: permanent.
    rig.modem.refuse_submits(28);
    let output = rig.gateway.run_command(&["send", "--to", "+4915100000002", "no such number"]);
    assert_eq!(code(output.status), 1);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.contains("failed") && said.contains("cms-28"), "{said}");
}

#[test]
fn send_gives_up_after_its_timeout() {
    let rig = Rig::start();
    rig.modem.unplug();
    rig.client.wait_for_text("sms/modem/main/availability", "offline");
    let output =
        rig.gateway.run_command(&["send", "--to", "+4915100000002", "--timeout", "2", "nobody home"]);
    assert_eq!(code(output.status), 1);
}

#[test]
fn send_without_a_number_is_a_usage_error() {
    let rig = Rig::prepare(&Default::default(), |_| {});
    let output = rig.gateway.run_command(&["send", "text only"]);
    assert_eq!(code(output.status), 2);
    assert!(String::from_utf8_lossy(&output.stderr).contains("--to"));
}
