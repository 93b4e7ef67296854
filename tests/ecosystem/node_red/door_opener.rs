//! A door that opens to a code, sent back from the number it went to, and to nothing else.

use super::*;

fn door() -> Flows {
    Flows::shipped(&["door-opener"]).set("SENDERS", ANNA).publishes("Open the door", "test/door")
}

/// A code that is not this one.
fn other(code: &str, n: u32) -> String {
    format!("{:06}", (code.parse::<u32>().expect("digits") + n) % 1_000_000)
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn the_right_code_opens_once() {
    for version in VERSIONS {
        let rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, door());
        let code = ask_for_code(&rig, ANNA);
        rig.modem.deliver(ANNA, &format!(" {code}\n"));
        let opened = wait_for(&watcher, "test/door", "the door to open", |_| true);
        assert_eq!((&opened["open"], &opened["by"]), (&json!(true), &json!(ANNA)), "{opened}");
        wait_for_answer(&rig, ANNA, "Opened.");
        // The same message once more, and the same code in a new one.
        let message = rig.client.wait_for_json("the message", |topic, json| {
            topic.starts_with("sms/received/")
                && json["text"].as_str().is_some_and(|text| text.contains(&code))
        });
        rig.client.publish("sms/received/main", message.to_string());
        rig.modem.deliver(ANNA, &code);
        let next = ask_for_code(&rig, ANNA);
        assert_ne!(next, code, "one in a million");
        assert_eq!(openings(&watcher), 1, "a code opens once");
        rig.modem.deliver(ANNA, &next);
        wait_until("the door to open again", || openings(&watcher) == 2);
        assert_eq!(node_red.complaints(), Vec::<String>::new());
        assert!(!node_red.log().contains(&code), "no code in the log");
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn wrong_and_foreign_codes_open_nothing() {
    for version in VERSIONS {
        let rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, door().set("SENDERS", format!("{ANNA},{BEN}")));
        // Guessed at too often: then the right one is wrong.
        let code = ask_for_code(&rig, ANNA);
        for (n, answer) in [(1, "Tries left: 2"), (2, "Tries left: 1"), (3, "Wrong code. Ask for a new one.")]
        {
            rig.modem.deliver(ANNA, &other(&code, n));
            wait_for_answer(&rig, ANNA, answer);
        }
        rig.modem.deliver(ANNA, &code);
        // Another's, and a stranger's.
        let code = ask_for_code(&rig, ANNA);
        rig.modem.deliver(BEN, &code);
        rig.modem.deliver(STRANGER, &code);
        rig.modem.deliver(STRANGER, "open");
        let forged = with(received("forged", ANNA, &code), "from_type", "alphanumeric".into());
        rig.client.publish("sms/received/main", forged.to_string());
        // What only looks like it.
        for text in ["", "{}", &code, &format!("\"{code}\""), &format!("[{code}]")] {
            rig.client.publish("sms/received/main", text);
        }
        for text in [format!("{code}0"), format!("0{code}"), format!("{code} {code}"), "٣٤٥٦٧٨".to_owned()]
        {
            rig.modem.deliver(ANNA, &text);
            rig.wait_for_received(&text);
        }
        // All of it has gone through once this opens.
        let code = ask_for_code(&rig, BEN);
        rig.modem.deliver(BEN, &code);
        let opened = wait_for(&watcher, "test/door", "the door to open", |_| true);
        assert_eq!((&opened["by"], openings(&watcher)), (&json!(BEN), 1));
        assert_eq!(sent_to(&rig, STRANGER), 0, "a stranger is not answered");
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_late_code_opens_nothing() {
    for version in VERSIONS {
        let rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let flows = door().set("SENDERS", format!("{ANNA},{BEN}")).set("CODE_MINUTES", "0.29");
        let node_red = node_red(version, &rig, flows);
        let code = ask_for_code(&rig, ANNA);
        std::thread::sleep(std::time::Duration::from_secs(18));
        rig.modem.deliver(ANNA, &code);
        wait_for_answer(&rig, ANNA, "This code is too old.");
        // Nor is it there any more.
        rig.modem.deliver(ANNA, &code);
        ask_for_code(&rig, BEN);
        assert_eq!((openings(&watcher), sent_to(&rig, ANNA)), (0, 2));
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn codes_are_few_in_an_hour_and_gone_after_a_restart() {
    for version in VERSIONS {
        let rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let flows = door().set("SENDERS", format!("{ANNA},{BEN}")).set("CODES_PER_HOUR", 2);
        let mut node_red = node_red(version, &rig, flows);
        let first = ask_for_code(&rig, ANNA);
        let second = ask_for_code(&rig, ANNA);
        rig.modem.deliver(ANNA, "open");
        // A new code takes the place of the old one.
        rig.modem.deliver(ANNA, &first);
        wait_for_answer(&rig, ANNA, "Tries left: 2");
        let code = ask_for_code(&rig, BEN);
        assert_eq!(sent_to(&rig, ANNA), 3, "two codes and an answer");
        node_red.stop();
        // What was written meanwhile waits at the broker.
        rig.modem.deliver(BEN, &code);
        rig.wait_for_received(&code);
        node_red.start_again();
        rig.modem.deliver(ANNA, &second);
        let code = ask_for_code(&rig, BEN);
        assert_eq!(openings(&watcher), 0);
        rig.modem.deliver(BEN, &code);
        wait_until("the door to open", || openings(&watcher) == 1);
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}
