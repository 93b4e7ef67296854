//! Rules: a rule finds fields in a text and answers it, such as a meter reading.

use serde_json::{Value, json};
use smsbridge_simulator::{Fault, FaultKind};

use crate::harness::gateway::Config;
use crate::harness::modem::ModemOptions;
use crate::harness::process::code;
use crate::harness::rig::{self, Rig};
use crate::harness::second::Second;
use crate::harness::wait::wait_until;

const CUSTOMER: &str = "+79211234567";
const READING: &str = "Счёт 12345, показание 678";
const REPLY: &str = "Принято. Абонент 12345, показание 678";

/// The rule of docs/rules-and-hooks.md.
fn meter(config: &mut Config) {
    config.add(
        "rule",
        r#"
        name = "meter"
        match = '(?<account>\d+)\D+(?<reading>\d+)'
        reply = "Принято. Абонент {account}, показание {reading}"
        "#,
    );
}

fn replies_to(rig: &Rig, number: &str, text: &str) -> usize {
    rig.modem.submits().iter().filter(|submit| submit.to == number && submit.text == text).count()
}

/// All final results there were of the one reply, however often they were published.
fn finals_of_the_reply(rig: &Rig) -> Vec<Value> {
    let mut finals: Vec<Value> = Vec::new();
    for crossing in rig.published("sms/result") {
        let result = rig::json(&crossing.publish);
        if result["final"] == true && !finals.contains(&result) {
            finals.push(result);
        }
    }
    finals
}

#[test]
fn a_meter_reading_is_published_with_its_fields_and_answered() {
    let rig = Rig::with(meter);
    rig.modem.deliver(CUSTOMER, READING);
    let message = rig.wait_for_received(READING);
    assert_eq!(message["rule"], "meter", "{message}");
    assert_eq!(message["fields"], json!({"account": "12345", "reading": "678"}), "{message}");
    let id = format!("reply-{}", message["id"].as_str().unwrap_or_default());
    let result = rig.client.wait_for_result(&id, "sent");
    assert_eq!((&result["to"], &result["final"]), (&json!(CUSTOMER), &json!(true)), "{result}");
    assert_eq!(replies_to(&rig, CUSTOMER, REPLY), 1, "{:#?}", rig.modem.submits());

    rig.modem.deliver(CUSTOMER, "Добрый день");
    let other = rig.wait_for_received("Добрый день");
    assert!(other.get("rule").is_none() && other.get("fields").is_none(), "no rule knows it: {other}");
    rig.assert_still_works("x");
    assert_eq!(replies_to(&rig, CUSTOMER, REPLY), 1, "and it is not answered");
}

macro_rules! the_meter_story_with_a_kill_at {
    ($($name:ident)*) => { mod the_meter_story_with_a_kill_at {
        $(#[test]
        fn $name() {
            super::answered_exactly_once_after_a_kill_at(stringify!($name));
        })*
    } };
}

the_meter_story_with_a_kill_at! {
    in_read in_committed in_deleted
    publish_sent publish_acked
    submit_claimed submit_written submit_committed
}

fn answered_exactly_once_after_a_kill_at(point: &str) {
    let mut rig = Rig::prepare(&ModemOptions::default(), meter);
    rig.launch_gateway(&[("SMSBRIDGE_CRASH_AT", point)]);
    rig.wait_online();
    rig.modem.deliver(CUSTOMER, READING);
    assert_ne!(code(rig.gateway.wait_for_end()), 0, "the gateway passes {point} and dies there");
    let on_air = the_story_ends_well(&mut rig, "sent");
    assert_eq!(on_air, 1, "a kill at {point}: the customer gets {on_air} answers");
}

/// Starts again and waits for the end of the story; how many answers went on air.
fn the_story_ends_well(rig: &mut Rig, last_state: &str) -> usize {
    rig.start_gateway();
    let message = rig.wait_for_received(READING);
    assert_eq!(message["rule"], "meter", "{message}");
    let id = format!("reply-{}", message["id"].as_str().unwrap_or_default());
    rig.client.wait_for_json(&format!("the last word on {id}"), |topic, result| {
        topic == "sms/result" && result["id"] == id && result["final"] == true
    });
    rig.assert_still_works("after");
    wait_until("the SIM to be empty", || rig.modem.stored() == 0);
    assert_eq!(code(rig.gateway.stop()), 0);
    assert_eq!(rig.owed(), Vec::<String>::new(), "the store owes nothing");
    for crossing in rig.published("sms/received/") {
        let again = rig::json(&crossing.publish);
        assert!(again["text"] != READING || again["id"] == message["id"], "one id however often: {again}");
    }
    let finals: Vec<Value> =
        finals_of_the_reply(rig).into_iter().filter(|result| result["id"] == id).collect();
    assert_eq!(finals.len(), 1, "exactly one final result: {finals:#?}");
    assert_eq!(finals[0]["state"], last_state, "{finals:#?}");
    replies_to(rig, CUSTOMER, REPLY)
}

/// The answer is on air, `+CMGS` never comes, and the gateway is killed.
fn killed_between_ctrl_z_and_cmgs(on_unknown: &str) -> Rig {
    let mut rig = Rig::with(|config| {
        meter(config);
        config.set("outbound", "on_unknown", on_unknown);
    });
    rig.modem.hang_after_next_submit();
    rig.modem.deliver(CUSTOMER, READING);
    wait_until("the answer to be on air", || replies_to(&rig, CUSTOMER, REPLY) == 1);
    rig.gateway.kill();
    rig.modem.recover();
    rig
}

#[test]
fn a_kill_between_ctrl_z_and_cmgs_doubles_the_answer_or_not_as_configured() {
    let mut rig = killed_between_ctrl_z_and_cmgs("resend");
    assert_eq!(the_story_ends_well(&mut rig, "sent"), 2, "resend: once before the kill, once after");
    let mut rig = killed_between_ctrl_z_and_cmgs("report");
    assert_eq!(the_story_ends_well(&mut rig, "unknown"), 1, "report: it is not sent a second time");
}

#[test]
fn a_kill_between_ctrl_z_and_the_network_may_send_none_or_one_but_says_so() {
    // The text never reached the network: "report" ends with none on air and says that nobody knows.
    let mut rig = Rig::with(|config| {
        meter(config);
        config.set("outbound", "on_unknown", "report");
    });
    rig.modem.simulator().fault(Fault::on_payload(FaultKind::Hang));
    rig.modem.deliver(CUSTOMER, READING);
    wait_until("the text to be typed", || rig.modem.commands().iter().any(|line| line.ends_with("^Z")));
    rig.gateway.kill();
    rig.modem.recover();
    assert_eq!(the_story_ends_well(&mut rig, "unknown"), 0);
}

#[test]
fn two_gateways_that_answer_each_other_stop() {
    const OURS: &str = "+79210000001";
    const THEIRS: &str = "+79210000002";
    let answering_machine = |config: &mut Config| {
        config.add("rule", "name = \"any\"\nmatch = '.'\nreply = \"I am away\"\nreplies_per_hour = 3");
    };
    let rig = Rig::with(answering_machine);
    let second = Second::start(&rig, answering_machine);
    rig.modem.deliver(THEIRS, "I am away");
    // The network between the two: what one sends the other receives.
    let (mut carried_there, mut carried_back) = (0, 0);
    let received = |modem: &str| {
        let topic = format!("sms/received/{modem}");
        rig.client.received().iter().filter(|publish| publish.topic == topic).count()
    };
    wait_until("the fourth message, which nobody answers", || {
        for _ in rig.modem.submits().iter().skip(carried_there) {
            carried_there += 1;
            second.modem.deliver(OURS, "I am away");
        }
        for _ in second.modem.submits().iter().skip(carried_back) {
            carried_back += 1;
            rig.modem.deliver(THEIRS, "I am away");
        }
        received("main") >= 4
    });
    // Whoever else writes is answered, so the rule is alive; the two have stopped.
    rig.modem.deliver(CUSTOMER, "hello");
    wait_until("an answer to somebody else", || replies_to(&rig, CUSTOMER, "I am away") == 1);
    assert_eq!(replies_to(&rig, THEIRS, "I am away"), 3, "replies_per_hour to one sender");
    assert_eq!(second.modem.submits().len(), 3, "and the other way round");
    assert_eq!((received("main"), received("second")), (5, 3), "all of it is published");
}

#[test]
fn names_and_short_numbers_are_published_and_never_answered() {
    let rig = Rig::with(meter);
    for sender in ["InfoBank", "22333"] {
        rig.modem.deliver(sender, &format!("{sender}: 12345 678"));
        let message = rig.wait_for_received(&format!("{sender}: 12345 678"));
        assert_eq!((&message["from"], &message["rule"]), (&json!(sender), &json!("meter")), "{message}");
    }
    rig.modem.deliver(CUSTOMER, READING);
    wait_until("the answer to the customer", || replies_to(&rig, CUSTOMER, REPLY) == 1);
    assert_eq!(rig.modem.submits().len(), 1, "{:#?}", rig.modem.submits());
}

#[test]
fn answers_obey_deny_and_the_budget() {
    let mut rig = Rig::with(|config| {
        meter(config);
        config.set("outbound", "deny", vec!["+7900*"]);
        config.set("outbound", "per_day", 1);
    });
    rig.modem.deliver("+79001111111", READING);
    let denied = rig.client.wait_for_json("the result for the denied number", |topic, result| {
        topic == "sms/result" && result["to"] == "+79001111111"
    });
    assert_eq!(
        (&denied["state"], &denied["error"]["code"]),
        (&json!("rejected"), &json!("denied")),
        "{denied}"
    );
    rig.modem.deliver(CUSTOMER, READING);
    rig.modem.deliver(CUSTOMER, "Счёт 12345, показание 679");
    rig.client.wait_for_json("a word on the budget", |topic, state| {
        topic == "sms/modem/main"
            && state["problem"].as_str().is_some_and(|words| words.contains("per_day = 1"))
    });
    assert_eq!(rig.modem.submits().len(), 1, "answers count");
    assert_eq!(code(rig.gateway.stop()), 0);
    rig.reconfigure(|config| config.set("outbound", "per_day", 0));
    rig.start_gateway();
    wait_until("the answer that waited", || rig.modem.submits().len() == 2);
}

#[test]
fn an_incomplete_message_is_not_answered() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |config| {
        meter(config);
        config.set("inbound", "reassembly_timeout_s", 1);
    });
    rig.start_gateway();
    let parts = rig.modem.parts(CUSTOMER, &format!("{READING} {}", "и ещё ".repeat(30)), 7);
    rig.modem.deliver_pdu(&parts[0]);
    let half = rig.client.wait_for_json("the half message", |topic, message| {
        topic == "sms/received/main" && message["complete"] == false
    });
    assert!(half.get("rule").is_none(), "{half}");
    rig.assert_still_works("x");
    assert_eq!(replies_to(&rig, CUSTOMER, REPLY), 0);
}
