//! The balance of a prepaid SIM, from what networks write.

use super::*;

fn balance() -> Flows {
    Flows::shipped(&["ussd-balance"])
        .publishes("Balance", "test/balance")
        .publishes("Balance is low", "test/low")
        .publishes("No balance", "test/none")
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn the_amount_is_found_in_what_operators_write() {
    for version in VERSIONS {
        let rig = start_with_ussd();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, balance());
        for (text, amount) in [
            ("Balance: 12.34", 12.34),
            ("Ihr Guthaben betraegt 7,50 EUR. Gueltig bis 27.11.2026", 7.5),
            ("On 27.11.2026 08:15 you have 1.234,50 EUR", 1234.5),
            ("Баланс:1 234,05 р.", 1234.05),
            ("Saldo CHF 1'250.00", 1250.0),
            ("Rs.99 left until 2027-01-31", 99.0),
            ("Account -3.20", -3.2),
            ("0.00", 0.0),
            ("3 new offers! Balance 15,9 zl", 15.9),
            ("$1,000", 1000.0),
        ] {
            rig.modem.simulator().set_ussd("*100#", Ussd { text: text.into(), more: false });
            let told = ask_for_balance(&node_red, &watcher, "test/balance");
            assert_eq!((told["balance"].as_f64(), &told["text"]), (Some(amount), &json!(text)), "{told}");
        }
        rig.modem.simulator().set_ussd("*100#", Ussd { text: "Try again later".into(), more: false });
        let told = ask_for_balance(&node_red, &watcher, "test/none");
        assert_eq!(told["problem"], "no amount in the answer", "{told}");
        assert_eq!(told["text"], "Try again later");
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_low_balance_is_told_once_until_it_was_above_the_limit() {
    for version in VERSIONS {
        let rig = start_with_ussd();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, balance().set("WARN", ANNA));
        let mut told = Vec::new();
        for (text, is_low) in [("4.99", true), ("4.50", true), ("5.00", false), ("1.00", true)] {
            rig.modem.simulator().set_ussd("*100#", Ussd { text: text.into(), more: false });
            told = vec![ask_for_balance(&node_red, &watcher, "test/balance")];
            assert_eq!(told[0]["low"], is_low, "{text}");
        }
        assert_eq!(told[0]["limit"], 5);
        wait_until("two warnings by SMS", || sent_to(&rig, ANNA) == 2);
        let warnings = ["The balance is 4.99, less than 5.", "The balance is 1, less than 5."];
        wait_until("two warnings", || on_topic(&watcher, "test/low").len() == 2);
        assert_eq!(on_topic(&watcher, "test/low"), warnings);
        assert_eq!(
            rig.modem.submits().iter().map(|submit| submit.text.as_str()).collect::<Vec<_>>(),
            warnings
        );
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_menu_is_answered_or_cancelled() {
    for version in VERSIONS {
        let rig = start_with_ussd();
        let watcher = rig.client("watcher", &["test/#", "sms/ussd/main/reply"]);
        let sim = rig.modem.simulator();
        sim.set_ussd("*100#", Ussd { text: "1 Offers\n2 My account".into(), more: true });
        sim.set_ussd("2", Ussd { text: "1 Balance\n2 PIN".into(), more: true });
        sim.set_ussd("1", Ussd { text: "Balance: 8.15".into(), more: false });
        let mut answering = node_red(version, &rig, balance().set("MENU", "2, 1"));
        assert_eq!(ask_for_balance(&answering, &watcher, "test/balance")["balance"], 8.15);
        let requests = answering.published("sms/ussd/main");
        assert_eq!(
            requests.iter().map(|request| &request["reply"]).collect::<Vec<_>>(),
            [&Value::Null, &json!("2"), &json!("1")]
        );
        assert_eq!(ids(&requests).len(), 1, "one session");
        answering.stop();

        // An answer too few: the last menu is cancelled, and another request gets through at once. Its numbers are
        // no amounts.
        let mut cancelling = node_red(version, &rig, balance().set("MENU", "2"));
        let told = ask_for_balance(&cancelling, &watcher, "test/none");
        assert_eq!(told["text"], "1 Balance\n2 PIN", "{told}");
        let is_cancelled = |request: &Value| request["cancel"] == true;
        wait_until("a cancel", || cancelling.published("sms/ussd/main").iter().any(is_cancelled));
        let id = cancelling.published("sms/ussd/main")[0]["id"].clone();
        wait_for(&watcher, "sms/ussd/main/reply", "the end of the session", |json| {
            json["id"] == id && json["state"] == "done"
        });
        // A menu that shows the balance as it is left.
        sim.set_ussd("2", Ussd { text: "You have 7.40\n1 Top up".into(), more: true });
        assert_eq!(ask_for_balance(&cancelling, &watcher, "test/balance")["balance"], 7.4);
        sim.set_ussd("*100#", Ussd { text: "Balance: 9.99".into(), more: false });
        assert_eq!(ask_for_balance(&cancelling, &watcher, "test/balance")["balance"], 9.99);
        cancelling.stop();
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_refusal_is_tried_again_and_then_told() {
    for version in VERSIONS {
        let rig = start_with_ussd();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, balance().set("RETRY_S", 1).set("TRIES", 2));
        let sim = rig.modem.simulator();
        sim.fault(Fault::on("AT+CUSD=1", FaultKind::Cme(30)));
        assert_eq!(ask_for_balance(&node_red, &watcher, "test/balance")["balance"], 12.34, "the second time");
        sim.fault(Fault::on("AT+CUSD=1", FaultKind::Cme(30)).every());
        let told = ask_for_balance(&node_red, &watcher, "test/none");
        assert_eq!(told["problem"], "the network refused", "{told}");
        sim.clear_faults();
        // Not JSON, and not ours.
        for payload in ["", "done", "[]", "null", "{\"id\":null,\"state\":\"done\",\"text\":\"1.00\"}"] {
            rig.client.publish("sms/ussd/main/reply", payload);
        }
        assert_eq!(ask_for_balance(&node_red, &watcher, "test/balance")["balance"], 12.34);
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_balance_nobody_answers_is_asked_again_and_then_told() {
    for version in VERSIONS {
        let mut rig = start_with_ussd();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let flows = balance().set("WAIT_S", 4).set("RETRY_S", 1).set("TRIES", 2);
        let node_red = node_red(version, &rig, flows);
        rig.gateway.kill();
        node_red.press("Ask now");
        // Pressed again, it waits for what it has asked.
        let told = ask_for_balance(&node_red, &watcher, "test/none");
        assert_eq!(told["problem"], "no answer", "{told}");
        let codes =
            node_red.published("sms/ussd/main").into_iter().filter(|request| request["code"] == "*100#");
        assert_eq!(ids(&codes.collect::<Vec<_>>()).len(), 2, "two tries");
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}
