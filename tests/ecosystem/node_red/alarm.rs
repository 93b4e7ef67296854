//! Alarms that do not rest until a phone confirms one.

use super::*;

fn alarming(recipients: &str) -> Flows {
    Flows::shipped(&["alarm"])
        .set("RECIPIENTS", recipients)
        .set("REPEAT_S", 5)
        .takes("test/raise", "Raise an alarm")
        .publishes("What became of it", "test/outcome")
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_alarm_is_repeated_until_a_gateway_takes_it_and_sent_once() {
    for version in VERSIONS {
        // The broker keeps nothing for a gateway that was never there.
        let mut rig = prepare(ModemOptions::default(), |_| {});
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, alarming(ANNA));
        node_red.press("Try it");
        wait_until("the request to be repeated", || node_red.published("sms/send").len() >= 2);
        rig.start_gateway();
        let told = outcome(&watcher, "This is a test of the alarm.");
        assert_eq!((&told["outcome"], &told["by"]), (&json!("delivered"), &json!(ANNA)), "{told}");
        let requests = node_red.published("sms/send");
        assert_eq!(ids(&requests).len(), 1, "always the same id: {requests:?}");
        assert_eq!(sent_to(&rig, ANNA), 1);

        // For one that was there it keeps every repetition.
        rig.gateway.kill();
        rig.client.publish("test/raise", "Water in the cellar");
        wait_until("the request to be repeated", || {
            node_red.published("sms/send").len() >= requests.len() + 3
        });
        rig.start_gateway();
        let told = outcome(&watcher, "Water in the cellar");
        assert_eq!(told["outcome"], "delivered", "{told}");
        let id = told["tried"][0]["id"].as_str().expect("an id");
        rig.client.wait_for_json("a duplicate", |_, json| json["id"] == id && json["duplicate"] == true);
        assert_eq!(sent_to(&rig, ANNA), 2, "one SMS for each alarm");
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn the_next_recipient_is_told_where_the_first_is_not_reached() {
    for version in VERSIONS {
        let report_delay = std::time::Duration::ZERO;
        let modem = ModemOptions { report_delay, ..ModemOptions::default() };
        let mut rig = prepare(modem, |config| config.set("outbound", "deny", vec![STRANGER]));
        rig.start_gateway();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let mut node_red = node_red(version, &rig, alarming(&format!("{STRANGER}, {ANNA},{BEN}")));
        // The gateway rejects the first; the network has no use for the second, at once or with its report.
        for (n, reports) in
            [(1, None), (2, Some(Reports::After(0x46))), (3, Some(Reports::BeforeAnswer(0x46)))]
        {
            let sim = rig.modem.simulator();
            match reports {
                None => sim.fault(Fault::on_payload(FaultKind::Cms(1))),
                Some(reports) => sim.set_reports(reports),
            }
            let text = format!("Alarm {n}");
            rig.client.publish("test/raise", &text);
            let failed = |_: &str, json: &Value| json["to"] == ANNA && json["state"] == "failed";
            rig.client.wait_for_json("the failure", failed);
            sim.set_reports(Reports::After(0));
            rig.client.forget();
            let told = outcome(&watcher, &text);
            let tried: Vec<&Value> = told["tried"].as_array().expect("a list").iter().collect();
            assert_eq!(told["outcome"], "delivered", "{told}");
            assert_eq!(
                (&tried[0]["state"], &tried[0]["error"]),
                (&json!("rejected"), &json!("denied")),
                "{told}"
            );
            assert_eq!((&tried[1]["to"], &tried[1]["state"]), (&json!(ANNA), &json!("failed")), "{told}");
        }
        // Nobody is reached: each is tried twice, then it says so.
        rig.modem.simulator().set_reports(Reports::After(0x46));
        let before = (sent_to(&rig, ANNA), sent_to(&rig, BEN));
        rig.client.publish("test/raise", "Nobody");
        let told = outcome(&watcher, "Nobody");
        assert_eq!(
            (&told["outcome"], told["tried"].as_array().map(Vec::len)),
            (&json!("unconfirmed"), Some(6)),
            "{told}"
        );
        assert_eq!((sent_to(&rig, ANNA), sent_to(&rig, BEN)), (before.0 + 2, before.1 + 2));
        assert_eq!(node_red.complaints(), Vec::<String>::new());
        node_red.stop();
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_phone_that_is_off_does_not_hold_up_an_alarm() {
    for version in VERSIONS {
        let modem = ModemOptions { reports: Reports::Held, ..ModemOptions::default() };
        let mut rig = prepare(modem, |_| {});
        rig.start_gateway();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let flows = alarming(&format!("{ANNA},{BEN}")).set("CONFIRM_S", 10);
        let node_red = node_red(version, &rig, flows);
        rig.client.publish("test/raise", "Fire");
        // A sensor repeats itself.
        rig.client.publish("test/raise", "Fire");
        wait_until("the next recipient to be told", || sent_to(&rig, BEN) == 1);
        assert_eq!(sent_to(&rig, ANNA), 1);
        // The first phone is on again and confirms first.
        rig.modem.simulator().release_reports(0);
        let told = outcome(&watcher, "Fire");
        assert_eq!(told["outcome"], "delivered", "{told}");
        assert_eq!(node_red.complaints(), Vec::<String>::new());
        // That has ended: the same words are a new alarm.
        rig.modem.simulator().set_reports(Reports::After(0));
        watcher.forget();
        rig.client.publish("test/raise", "Fire");
        let again = outcome(&watcher, "Fire");
        assert_eq!(again["outcome"], "delivered", "{again}");
        assert_ne!(again["id"], told["id"]);
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_alarm_no_gateway_takes_in_time_is_not_sent_later() {
    for version in VERSIONS {
        let mut rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, alarming(ANNA).set("GIVE_UP_S", 12));
        rig.gateway.kill();
        rig.client.publish("test/raise", "Too late");
        let told = outcome(&watcher, "Too late");
        assert_eq!(told["outcome"], "not-accepted", "{told}");
        assert!(node_red.published("sms/send").len() >= 2);
        std::thread::sleep(std::time::Duration::from_secs(5));
        rig.start_gateway();
        rig.assert_still_works("after");
        assert_eq!(sent_to(&rig, ANNA), 0, "what was given up expires at the broker");
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_alarm_without_a_text_or_recipient_is_refused_in_the_log() {
    for version in VERSIONS {
        let rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, alarming(""));
        for payload in ["", "  ", "{\"text\":\"x\"}", "[1]", "17"] {
            rig.client.publish("test/raise", payload);
        }
        rig.client.publish("test/raise", "To nobody");
        assert_eq!(outcome(&watcher, "To nobody")["outcome"], "no-recipients");
        let complaints = node_red.complaints();
        let count = |words: &str| complaints.iter().filter(|line| line.contains(words)).count();
        assert_eq!((count("has to be its text"), count("set RECIPIENTS")), (5, 1), "{complaints:#?}");
        assert_eq!(node_red.published("sms/send"), Vec::<Value>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_alarm_in_progress_survives_a_restart_of_node_red() {
    for (version, results_are_lost) in
        VERSIONS.iter().flat_map(|version| [(*version, false), (*version, true)])
    {
        println!("Node-RED {version}, results are lost: {results_are_lost}");
        let mut rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let flows = alarming(ANNA);
        let port = rig.broker.port;
        let mut node_red = NodeRed::start_lasting(version, rig.folder(), port, &application(), flows);
        rig.gateway.kill();
        rig.client.publish("test/raise", "Burglars");
        wait_until("a request", || node_red.published("sms/send").len() == 1);
        node_red.stop();
        node_red.start_again();
        wait_until("the request to be repeated", || node_red.published("sms/send").len() >= 2);
        node_red.stop();
        // What the gateway says meanwhile waits at the broker.
        rig.start_gateway();
        rig.client.wait_for_json("the delivery", |_, json| json["state"] == "delivered");
        if results_are_lost {
            // It takes Node-RED's session over, and what waits in it.
            let thief = rig.client(CLIENT_ID, &[]);
            thief.wait_for_json("the delivery", |_, json| json["state"] == "delivered");
        }
        node_red.start_again();
        assert_eq!(outcome(&watcher, "Burglars")["outcome"], "delivered");
        assert_eq!(ids(&node_red.published("sms/send")).len(), 1);
        assert_eq!(sent_to(&rig, ANNA), 1);
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}
