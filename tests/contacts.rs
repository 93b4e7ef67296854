//! Contacts: a name in `to` stands for its numbers, and nothing but the way it is written changes by that.

use std::process::Output;

use serde_json::{Value, json};

use crate::harness::gateway::{Config, has_all};
use crate::harness::modem::ModemOptions;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

const ANNA: &str = "+4915100000002";
const BOB: &str = "+4915100000003";
const PREMIUM: &str = "+499001234567";

/// Anna, Bob with a telephone in the office, both of them as `Team`, and a number that is denied.
fn contacts(config: &mut Config) {
    config.set("outbound", "default_country", "49");
    config.set("outbound", "deny", vec!["+49900*"]);
    config.add("contact", "name = \"Anna\"\nnumber = \"0151 00000002\"");
    config.add("contact", &format!("name = \"Bob O'Neil\"\nnumbers = [\"{BOB}\", \"0151/00000004\"]"));
    config.add("contact", &format!("name = \"Team\"\nnumbers = [\"{ANNA}\", \"{BOB}\"]"));
    config.add("contact", &format!("name = \"Dear\"\nnumber = \"{PREMIUM}\""));
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until so many results of a request are final; all that came of it until then, in order.
fn results(rig: &Rig, id: &str, finals: usize) -> Vec<Value> {
    let is_final = |result: &Value| result["id"] == id && result["final"] == true;
    let mut count = 0;
    rig.client.wait_for_json(&format!("{finals} final results of {id}"), |topic, result| {
        count += usize::from(topic == "sms/result" && is_final(result));
        count == finals
    });
    rig.client.results(id)
}

/// Number, contact and state of each.
fn told(results: &[Value]) -> Vec<String> {
    results.iter().map(|r| format!("{} {} {}", r["to"], r["contact"], r["state"]).replace('"', "")).collect()
}

/// Numbers that were reached, in the order of the alphabet.
fn reached(rig: &Rig) -> Vec<String> {
    let mut reached: Vec<String> = rig.modem.submits().into_iter().map(|submit| submit.to).collect();
    reached.sort();
    reached
}

#[test]
fn a_name_reaches_its_numbers_and_every_result_says_whose_they_are() {
    let mut rig = Rig::with(contacts);
    rig.request(&json!({"id": "one", "to": " anna ", "text": "Hello", "delivery_report": true}));
    assert_eq!(
        told(&results(&rig, "one", 1)),
        [ANNA, ANNA, ANNA]
            .iter()
            .zip(["accepted", "sent", "delivered"])
            .map(|(to, s)| format!("{to} Anna {s}"))
            .collect::<Vec<_>>()
    );
    rig.request(&json!({"id": "two", "target": ["TEAM", "Anna", BOB, "+4915100000009"], "text": "Hello"}));
    let mut told = told(&results(&rig, "two", 3));
    told.retain(|line| line.ends_with("sent"));
    told.sort();
    assert_eq!(
        told,
        [format!("{ANNA} Team sent"), format!("{BOB} Team sent"), "+4915100000009 null sent".to_owned()]
    );
    assert_eq!(reached(&rig), [ANNA, ANNA, BOB, "+4915100000009"], "each once");
    rig.gateway.assert_running();
}

#[test]
fn the_lists_judge_the_numbers_behind_a_name() {
    let rig = Rig::with(contacts);
    rig.request(&json!({"id": "dear", "to": ["Dear", "Anna"], "text": "Hello"}));
    let results = results(&rig, "dear", 2);
    let refused = &results[0];
    assert_eq!(
        (&refused["to"], &refused["contact"], &refused["state"], &refused["error"]["code"]),
        (&json!(PREMIUM), &json!("Dear"), &json!("rejected"), &json!("denied")),
        "{refused}"
    );
    assert_eq!(reached(&rig), [ANNA]);
}

#[test]
fn a_name_nobody_has_is_refused_with_the_nearest_and_the_others_are_reached() {
    let rig = Rig::with(contacts);
    for (id, written, words) in [
        ("near", "Ana", "did you mean Anna?"),
        ("curly", "Bob O\u{2019}Neil", "is not a phone number"),
        ("far", "Zacharias", "no [[contact]] has that name"),
        ("number", "4915100000002x", "is not a phone number"),
    ] {
        rig.request(&json!({"id": id, "to": [written, "Anna"], "text": "Hello"}));
        let results = results(&rig, id, 2);
        let refused = results.iter().find(|result| result["state"] == "rejected").expect("a rejection");
        assert_eq!((&refused["to"], &refused["error"]["code"]), (&json!(written), &json!("bad-number")));
        assert!(has_all(refused["error"]["message"].as_str().unwrap_or_default(), &[words]), "{refused}");
        assert!(refused.get("contact").is_none(), "{refused}");
        assert!(results.iter().any(|result| result["contact"] == "Anna" && result["state"] == "sent"));
    }
    assert_eq!(reached(&rig), [ANNA; 4]);
    let log = rig.gateway.log();
    for name in ["Ana", "Anna", "Zacharias"] {
        assert!(!log.contains(name), "{name:?} is in the log:\n{log}");
    }
}

#[test]
fn a_request_accepted_before_a_restart_keeps_its_number_and_its_name() {
    let mut rig = Rig::with(contacts);
    rig.modem.unplug();
    rig.client.wait_for_text("sms/modem/main/availability", "offline");
    let request = json!({"id": "late", "to": "Anna", "text": "Hello"});
    rig.request(&request);
    rig.client.wait_for_result("late", "accepted");
    rig.gateway.kill();
    rig.reconfigure(|config| {
        *config = config.clone().without("contact");
        config.add("contact", "name = \"ANNA\"\nnumber = \"+4915100000008\"");
    });
    rig.modem.plug();
    rig.start_gateway();
    let sent = rig.client.wait_for_result("late", "sent");
    assert_eq!((&sent["to"], &sent["contact"]), (&json!(ANNA), &json!("Anna")), "{sent}");
    rig.client.forget();
    // Repeated, it reaches nobody; by the number it is another request.
    rig.request(&request);
    let again = rig.client.wait_for_result("late", "sent");
    assert_eq!(
        (&again["to"], &again["contact"], &again["duplicate"]),
        (&json!(ANNA), &json!("Anna"), &json!(true))
    );
    rig.request(&json!({"id": "late", "to": ANNA, "text": "Hello"}));
    let other = rig.client.wait_for_result("late", "rejected");
    assert_eq!(
        (&other["error"]["code"], &other["conflict"]),
        (&json!("id-conflict"), &json!(true)),
        "{other}"
    );
    rig.request(&json!({"id": "new", "to": "anna", "text": "Hello"}));
    rig.client.wait_for_result("new", "sent");
    assert_eq!(reached(&rig), [ANNA, "+4915100000008"]);
}

#[test]
fn what_a_contact_sends_and_who_calls_is_named() {
    let rig = Rig::with(contacts);
    let calls = rig.client("calls", &["sms/call/#"]);
    rig.modem.deliver(ANNA, "from Anna");
    assert_eq!(rig.wait_for_received("from Anna")["contact"], "Anna");
    rig.modem.deliver("+4915100000009", "from a stranger");
    assert!(rig.wait_for_received("from a stranger").get("contact").is_none());
    rig.modem.simulator().ring(BOB);
    let call =
        calls.wait_for_json("a call", |topic, call| topic == "sms/call/main" && call["state"] == "ringing");
    assert_eq!((&call["from"], &call["contact"]), (&json!(BOB), &json!("Bob O'Neil")), "{call}");
}

#[test]
fn send_and_history_take_names_and_show_them() {
    let rig = Rig::with(contacts);
    let output = rig.gateway.run_command(&["send", "--to", "team", "--to", "Bob O'Neil", "three of them"]);
    let shown = stdout(&output);
    assert_eq!(code(output.status), 0, "{output:?}");
    let sent: Vec<&str> = shown.lines().filter(|line| line.contains(" sent ")).collect();
    assert_eq!(sent.len(), 3, "it waits for all three: {shown}");
    assert!(sent.iter().any(|line| line.contains(&format!("Team {ANNA}"))), "{shown}");
    assert!(sent.iter().any(|line| line.contains("Bob O'Neil +4915100000004")), "{shown}");

    let output = rig.gateway.run_command(&["send", "--to", "Ana", "nobody"]);
    assert_eq!(code(output.status), 1);
    assert!(has_all(&stdout(&output), &["rejected", "did you mean Anna?"]), "{output:?}");

    rig.modem.deliver("+4915100000004", "from the office");
    rig.wait_for_received("from the office");
    let history = |arguments: &[&str]| stdout(&rig.gateway.run_command(&[&["history"], arguments].concat()));
    let shown = history(&["--to", "ANNA"]);
    assert!(
        shown.lines().count() == 1 && has_all(&shown, &[&format!("Team {ANNA}"), "three of them"]),
        "{shown}"
    );
    let shown = history(&["--from", "bob o'neil", "--json"]);
    let message: Value = serde_json::from_str(shown.trim_end()).expect("one line of JSON");
    assert_eq!((&message["text"], &message["contact"]), (&json!("from the office"), &json!("Bob O'Neil")));
    let shown = history(&["--to", "Team", "--json"]);
    assert_eq!(shown.lines().filter(|line| line.contains(r#""contact":"Team""#)).count(), 2, "{shown}");
    assert_eq!(history(&["--to", "Zacharias"]), "no message matches\n");
    // Not before the broker can no longer deliver the request again.
    wait_until("Anna to be forgotten by number", || {
        code(rig.gateway.run_command(&["forget", "--number", ANNA]).status) == 0
    });
    assert!(!history(&["--json"]).contains(ANNA));
}

#[test]
fn who_sends_without_the_gateways_contacts_still_waits_for_every_number() {
    let rig = Rig::with(contacts);
    let mut elsewhere = rig.config.clone().without("contact");
    elsewhere.set("store", "path", rig.folder().join("elsewhere").display().to_string());
    let file = rig.folder().join("elsewhere.toml");
    std::fs::write(&file, elsewhere.to_toml()).expect("a configuration");
    let file = file.display().to_string();
    let mut command = crate::harness::gateway::program(rig.folder());
    let output = command.args(["send", "--config", &file, "--to", "Team", "--json", "to both"]).output();
    let output = output.expect("the binary runs");
    assert_eq!(code(output.status), 0, "{output:?}");
    let shown = stdout(&output);
    assert_eq!(shown.lines().filter(|line| line.contains(r#""state":"sent""#)).count(), 2, "{shown}");
}

#[test]
fn check_says_which_contacts_cannot_be_reached() {
    let rig = Rig::prepare(&ModemOptions::default(), |config| {
        contacts(config);
        config.set("outbound", "default_country", "");
        config.set("outbound", "short_codes", vec!["10086"]);
        config.add("contact", "name = \"Operator\"\nnumber = \"10086\"");
    });
    let output = rig.gateway.run_command(&["check"]);
    let said = stdout(&output);
    assert_eq!(code(output.status), 1, "{said}");
    for line in [
        "WRONG contact Anna: 015100000002 has no country code",
        "ok    contact Bob O'Neil: messages go to +4915100000003",
        "WRONG contact Bob O'Neil: 015100000004 has no country code",
        "WRONG contact Dear: +499001234567 is on [outbound] deny",
        "ok    contact Operator: messages go to 10086",
    ] {
        assert!(said.lines().any(|said| said.starts_with(line)), "{line:?} is not in:\n{said}");
    }
    let rig = Rig::prepare(&ModemOptions::default(), |config| {
        config.add("contact", "name = \"Anna\"\nnumber = \"015100000002\"");
    });
    let output = rig.gateway.run_command(&["check"]);
    let said = stdout(&output);
    assert_eq!(code(output.status), 0, "without lists nothing is wrong: {said}");
    assert!(said.contains("note  contact Anna: 015100000002 has no country code"), "{said}");
}
