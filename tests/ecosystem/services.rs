//! The services of examples/ through every misfortune of theirs: nothing is lost, nothing stored or answered twice.
//!
//! One table of behaviours for all three languages. The gateway, mosquitto and the databases are real.

mod setup;

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use crate::harness::gateway::has_all;
use crate::harness::ports::free_port;
use crate::harness::seed::Seed;
use crate::harness::wait::{wait_at_most, wait_until};
use crate::security::Authority;
use setup::{Language, Point, Setup};

/// Each behaviour is a test in each language.
macro_rules! in_each_language {
    ($($behaviour:ident),* $(,)?) => {
        in_each_language!(@ python, Python, $($behaviour),*);
        in_each_language!(@ rust, Rust, $($behaviour),*);
        in_each_language!(@ node, Node, $($behaviour),*);
    };
    (@ $module:ident, $language:ident, $($behaviour:ident),*) => {
        mod $module {
            $(
                #[test]
                #[ignore = "tests/run ecosystem installs what it needs"]
                fn $behaviour() {
                    super::$behaviour(super::Language::$language);
                }
            )*
        }
    };
}

in_each_language!(
    what_people_write_is_stored_and_answered,
    a_burst_of_twenty_is_twenty_rows_and_twenty_answers,
    killed_at_each_point_of_a_message,
    killed_after_the_publish_and_before_the_gateway_accepts,
    killed_at_random_under_load,
    the_database_is_away_for_a_while,
    broker_gateway_and_service_are_restarted,
    it_trusts_the_certificates_of_the_system_and_no_others,
    its_readme_followed_to_the_letter,
);

const ANNA: &str = "+79211234567";
const BORIS: &str = "+4915112345678";

fn what_people_write_is_stored_and_answered(language: Language) {
    let setup = Setup::start(language);
    let thanks =
        |account: u32, reading: u32| Some(format!("Thank you. Account {account}, reading {reading}"));
    let words = |words: &str| Some(words.to_owned());
    let again = || words("Please send the account, a space and the reading as a whole number, nothing else");
    // From whom, what; whether a reading is stored; the answer.
    let table = [
        ("+4915100000001", "20001 678", true, thanks(20001, 678)),
        ("+4915100000002", "Account 20002: 4711!", true, thanks(20002, 4711)),
        ("+79210000003", "Счёт 20003, показание 678", true, words("Принято. Абонент 20003, показание 678")),
        // What the rule captured counts.
        ("+4915100000004", "meter 678 of 20004", true, thanks(20004, 678)),
        // A correction, and the same once more.
        ("+4915100000005", "20001 687", true, words("Corrected. Account 20001, reading 687 instead of 678")),
        ("+4915100000006", "20001 687", true, thanks(20001, 687)),
        (
            "+79210000007",
            "счёт 20003 679",
            true,
            words("Исправлено. Абонент 20003, показание 679 вместо 678"),
        ),
        ("+4915100000008", "0 0", false, words("There is no account 0. Please look at your bill")),
        ("+79210000009", "Счёт 99999 1", false, words("Нет абонента 99999. Проверьте номер на квитанции")),
        ("+4915100000010", "hello", false, again()),
        ("+4915100000011", "20001 678,5", false, again()),
        ("+4915100000012", "20001 678 20002 679", false, again()),
        ("+4915100000013", "20001 12345678901234567890", false, again()),
        ("+4915100000014", "' or 1=1; -- {account} %s $1", false, again()),
        ("+79210000015", "Привет", false, words("Пришлите номер абонента, пробел и показание целым числом")),
        // Nobody can be answered there.
        ("Stadtwerke", "20005 678", true, None),
        ("22333", "20006 678", true, None),
    ];
    let mut answers = table.iter().filter(|(.., answer)| answer.is_some()).count();
    let mut readings = table.iter().filter(|(_, _, is_stored, _)| *is_stored).count();
    let mut messages = table.len();
    for (n, (from, text, _, answer)) in (1..).zip(table) {
        setup.says(from, text);
        match answer {
            Some(answer) => assert_eq!(setup.wait_for_answer(from, 1), answer, "to {text:?}"),
            None => wait_until("the message in the database", || setup.count("messages") == n),
        }
    }
    let current = "select reading from current_readings where account = ";
    assert_eq!(setup.run(&format!("{current}'20001'")), "687", "the correction counts");
    assert_eq!(setup.run(&format!("{current}'20004'")), "678", "the fields of the rule count");

    // Two at once, of one account and of two.
    for (from, text) in [(ANNA, "20007 1"), (BORIS, "20007 2")] {
        setup.rig.modem.deliver(from, text);
    }
    setup.wait_for_answer(ANNA, 1);
    let second = setup.wait_for_answer(BORIS, 1);
    assert_eq!(second, "Corrected. Account 20007, reading 2 instead of 1");
    (messages, readings, answers) = (messages + 2, readings + 2, answers + 2);
    setup.assert_counts(messages, readings, answers);

    the_same_message_again(&setup);
    what_is_no_message(&setup);
    setup.assert_counts(messages, readings, answers);

    // Somebody who writes on and on, or a machine that answers: stored, and not answered any more.
    for n in 0..7 {
        setup.says("+4915100000099", &format!("20008 {n}"));
    }
    setup.assert_counts(messages + 7, readings + 7, answers + 6);
}

/// Delivered again with its id, after it was dealt with.
fn the_same_message_again(setup: &Setup) {
    let published = setup.rig.published("sms/received/");
    assert!(published.len() > 15, "there is something to repeat");
    for crossing in published {
        setup.rig.client.publish(&crossing.publish.topic, &crossing.publish.payload);
    }
}

/// What cannot be read must not come again for ever, nor hold up what comes behind it.
fn what_is_no_message(setup: &Setup) {
    for payload in [
        "",
        "{",
        "null",
        "[]",
        "17",
        "{}",
        r#"{"text":"20009 1"}"#,
        r#"{"id":17,"modem":"main","from":[],"text":{}}"#,
        r#"{"id":"undecodable","modem":"main","received_at":"2026-11-22T07:15:31.120Z","error":"no","pdus":["00"]}"#,
    ] {
        setup.rig.client.publish("sms/received/main", payload);
        setup.rig.client.publish("sms/result", payload);
    }
    let late = r#"{"id":"late","modem":"main","from":"+4915100000016","from_type":"international","text":"20009 1",
        "sent_at":null,"received_at":"2026-11-22T07:15:31.120Z","complete":false,"late_for":"other"}"#;
    setup.rig.client.publish("sms/received/main", late);
}

fn a_burst_of_twenty_is_twenty_rows_and_twenty_answers(language: Language) {
    let mut setup = Setup::start(language);
    for n in 1..=20 {
        setup.rig.modem.deliver(&number(n), &reading(n));
    }
    for n in 1..=20 {
        assert_eq!(setup.wait_for_answer(&number(n), 1), thanks(n));
    }
    setup.assert_counts(20, 20, 20);
    assert_eq!(setup.count("readings where reading >= 700"), 20, "each with its own reading");

    // All was acknowledged: nothing comes again.
    setup.kill_service();
    setup.start_service();
    setup.assert_counts(20, 20, 20);
    let log = setup.log();
    assert!(!log.contains("known already"), "a message that was dealt with was delivered again:\n{log}");
}

fn killed_at_each_point_of_a_message(language: Language) {
    let mut setup = Setup::start(language);
    for (n, point) in (1..).zip(setup.points()) {
        setup.hold(*point);
        setup.says(&number(n), &reading(n));
        setup.wait_held(*point);
        let stored = usize::from(matches!(point, Point::Publishing | Point::Noting));
        let of_it = format!("messages where sender = '{}'", number(n));
        assert_eq!(setup.count(&of_it), stored, "committed at {point:?}");
        if *point == Point::Noting {
            setup.wait_for_answer(&number(n), 1);
        } else {
            assert_eq!(setup.answers_to(&number(n)), Vec::<String>::new(), "on air at {point:?}");
        }
        setup.kill_service();
        setup.release();
        setup.start_service();
        assert_eq!(setup.wait_for_answer(&number(n), 1), thanks(n), "killed at {point:?}");
        let dealt_with = n as usize;
        setup.assert_counts(dealt_with, dealt_with, dealt_with);
    }
}

fn killed_after_the_publish_and_before_the_gateway_accepts(language: Language) {
    let mut setup = Setup::start(language);
    let requests = setup.rig.client("requests", &["sms/send"]);
    let message = setup.says(&number(1), &reading(1));
    setup.wait_for_answer(&number(1), 1);
    let id = format!("meter-{}", message["id"].as_str().expect("an id"));
    assert_eq!(requests.received().len(), 1, "{id} was accepted at once, and is not repeated");

    // The broker has the request, and the gateway does not answer.
    requests.forget();
    setup.rig.gateway.pause();
    let message = json!({"id": "while-paused", "modem": "main", "from": number(2), "from_type": "international",
        "text": reading(2), "sent_at": null, "received_at": "2026-11-22T07:15:31.120Z", "complete": true});
    setup.rig.client.publish("sms/received/main", message.to_string());
    wait_until("the request of the service", || !requests.received().is_empty());
    setup.kill_service();
    setup.rig.gateway.resume();
    // Its results wait for the service at the broker.
    assert_eq!(setup.wait_for_answer(&number(2), 1), thanks(2));
    assert_eq!(setup.count("outbox where state = 'waiting'"), 1, "nobody has told the service");
    setup.start_service();
    setup.assert_counts(2, 2, 2);
}

fn killed_at_random_under_load(language: Language) {
    let mut seed = Seed::from_environment();
    let mut setup = Setup::start(language);
    let count = 48;
    let mut delivered = 0;
    while delivered < count {
        for _ in 0..4 {
            delivered += 1;
            setup.rig.modem.deliver(&number(delivered), &reading(delivered));
        }
        sleep(seed.millis(20..700));
        setup.kill_service();
        setup.launch_service();
    }
    wait_at_most(Duration::from_secs(180), "every answer", || {
        (1..=count).all(|n| !setup.answers_to(&number(n)).is_empty()).then_some(())
    });
    for n in 1..=count {
        assert_eq!(setup.answers_to(&number(n)), [thanks(n)], "{}", number(n));
    }
    let count = count as usize;
    setup.assert_counts(count, count, count);
}

fn the_database_is_away_for_a_while(language: Language) {
    let mut setup = Setup::start(language);
    setup.says(&number(1), &reading(1));
    setup.wait_for_answer(&number(1), 1);
    let lock = setup.take_database_away();
    for n in 2..=5 {
        setup.says(&number(n), &reading(n));
    }
    wait_until("the service to notice", || setup.log().contains("starting over"));
    setup.bring_database_back(lock);
    for n in 2..=5 {
        assert_eq!(setup.wait_for_answer(&number(n), 1), thanks(n));
    }
    setup.assert_counts(5, 5, 5);
}

fn broker_gateway_and_service_are_restarted(language: Language) {
    let mut setup = Setup::start(language);
    for n in 1..=5 {
        setup.rig.modem.deliver(&number(n), &reading(n));
    }
    // In the middle of it, orderly: a broker that is killed may forget what it acknowledged.
    let before = setup.connections();
    setup.rig.broker.stop();
    for n in 6..=10 {
        setup.rig.modem.deliver(&number(n), &reading(n));
    }
    wait_until("the service to notice", || setup.log().contains("starting over"));
    setup.rig.broker.restart();
    setup.wait_connected(before);
    for n in 1..=10 {
        assert_eq!(setup.wait_for_answer(&number(n), 1), thanks(n), "through a restart of the broker");
    }

    for n in 11..=15 {
        setup.rig.modem.deliver(&number(n), &reading(n));
    }
    setup.rig.gateway.stop();
    setup.rig.start_gateway();
    for n in 1..=15 {
        assert_eq!(setup.wait_for_answer(&number(n), 1), thanks(n), "through a restart of the gateway");
    }

    // The broker keeps what comes meanwhile.
    setup.kill_service();
    for n in 16..=20 {
        setup.says(&number(n), &reading(n));
    }
    setup.start_service();
    for n in 16..=20 {
        assert_eq!(setup.wait_for_answer(&number(n), 1), thanks(n), "through an absence of the service");
    }
    setup.assert_counts(20, 20, 20);
}

fn it_trusts_the_certificates_of_the_system_and_no_others(language: Language) {
    let mut setup = Setup::prepare(language);
    let authority = Authority::new(setup.rig.folder(), "authority");
    authority.certify("server", "subjectAltName=IP:127.0.0.1");
    setup.rig.gateway.stop();
    let port = free_port();
    let (certificate, key) = (authority.file("server.crt"), authority.file("server.key"));
    let listener =
        format!("persistence true\nlistener {port} 127.0.0.1\ncertfile {certificate}\nkeyfile {key}");
    setup.rig.broker.restart_with(("persistence true", &listener), ("", ""));
    setup.rig.start_gateway();
    setup.set("MQTT_TLS", "yes");
    setup.set("MQTT_PORT", &port.to_string());

    setup.launch_service();
    wait_until("the service to refuse an unknown authority", || {
        has_all(&setup.log(), &["starting over", "certif"])
    });
    assert_eq!(setup.connections(), 0, "it must not connect to whom it does not trust");
    setup.kill_service();

    // As if the system knew it.
    let ca = authority.file("ca.crt");
    setup.set("SSL_CERT_FILE", &ca);
    setup.set("NODE_EXTRA_CA_CERTS", &ca);
    setup.start_service();
    setup.says(&number(1), &reading(1));
    assert_eq!(setup.wait_for_answer(&number(1), 1), thanks(1));
}

fn its_readme_followed_to_the_letter(language: Language) {
    let mut setup = Setup::prepare(language);
    setup.follow_readme();
    setup.says(ANNA, "Счёт 12345, показание 678");
    assert_eq!(setup.wait_for_answer(ANNA, 1), "Принято. Абонент 12345, показание 678");
    setup.says(BORIS, "Account 12347: 678");
    assert_eq!(setup.wait_for_answer(BORIS, 1), "There is no account 12347. Please look at your bill");
}

fn number(n: u32) -> String {
    format!("+49151000010{n:02}")
}

/// Every other one in Cyrillic.
fn reading(n: u32) -> String {
    let (account, reading) = (20000 + n, 700 + n);
    if n.is_multiple_of(2) {
        format!("Счёт {account}, показание {reading}")
    } else {
        format!("{account} {reading}")
    }
}

fn thanks(n: u32) -> String {
    let (account, reading) = (20000 + n, 700 + n);
    if n.is_multiple_of(2) {
        format!("Принято. Абонент {account}, показание {reading}")
    } else {
        format!("Thank you. Account {account}, reading {reading}")
    }
}
