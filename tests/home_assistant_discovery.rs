//! What Home Assistant is told by MQTT discovery, as a broker keeps it: who is announced, when again, and what leaves.
//!
//! What Home Assistant makes of it is in tests/ecosystem.

use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::gateway::Config;
use crate::harness::mqtt_packets::Publish;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::second::Second;
use crate::harness::wait::wait_until;

const MODEM: &str = "homeassistant/device/sms_modem_main/config";
const GATEWAY: &str = "homeassistant/device/sms_gateway_attic/config";

fn announcing(config: &mut Config) {
    config.set("homeassistant", "discovery", true);
}

/// Hears what is announced, as Home Assistant does.
fn home_assistant(rig: &Rig, id: &str) -> Client {
    rig.client(id, &["homeassistant/#"])
}

/// The newest announcement on a topic; none where the topic is empty.
fn announced(client: &Client, topic: &str) -> Option<Value> {
    let payload = client.last_on(topic).filter(|payload| !payload.is_empty())?;
    Some(serde_json::from_str(&payload).unwrap_or_else(|e| panic!("no JSON on {topic}: {e}: {payload}")))
}

fn wait_for_announced(client: &Client, topic: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    wait_until(what, || announced(client, topic).is_some_and(|payload| is_it(&payload)));
    announced(client, topic).expect("it was there")
}

/// What the broker hands to one who comes now, up to the gateway's own state, which is published before and after.
fn retained(rig: &Rig, id: &str) -> Vec<Publish> {
    let late = rig.client(id, &["homeassistant/#"]);
    // The broker answers in order.
    rig.client(&format!("{id}-marker"), &[]).publish("homeassistant/marker", id);
    late.wait_for_text("homeassistant/marker", id);
    late.received().into_iter().filter(|publish| publish.topic.ends_with("/config")).collect()
}

fn topics(publishes: &[Publish]) -> Vec<&str> {
    let mut topics: Vec<&str> = publishes.iter().map(|publish| publish.topic.as_str()).collect();
    topics.sort_unstable();
    topics
}

#[test]
fn a_modem_and_its_gateway_are_announced_for_whoever_comes_later() {
    let rig = Rig::with(announcing);
    let client = home_assistant(&rig, "ha");
    let modem = wait_for_announced(&client, MODEM, "the modem with its IMEI", |payload| {
        payload["device"]["serial_number"] == rig.modem.imei()
    });
    let device = &modem["device"];
    assert_eq!(device["identifiers"], json!(["sms_modem_main"]), "{device}");
    assert_eq!((&device["name"], &device["via_device"]), (&json!("SMS main"), &json!("sms_gateway_attic")));
    for key in ["manufacturer", "model", "sw_version"] {
        assert!(device[key].is_string(), "{key} is missing: {device}");
    }
    assert_eq!(modem["components"]["incoming"]["state_topic"], "sms/received/main");
    let gateway = wait_for_announced(&client, GATEWAY, "the gateway", |_| true);
    assert_eq!(gateway["device"]["name"], "SMS gateway attic");
    assert_eq!(topics(&retained(&rig, "late")), [GATEWAY, MODEM], "nothing else is announced");
    for crossing in rig.published("homeassistant/") {
        assert!(crossing.publish.retain && crossing.publish.qos == 1, "{}", crossing.publish.topic);
    }
}

#[test]
fn a_modem_that_is_not_there_yet_is_announced_and_what_it_says_of_itself_later() {
    let mut rig = Rig::prepare(&Default::default(), announcing);
    rig.modem.unplug();
    rig.launch_gateway(&[]);
    let client = home_assistant(&rig, "ha");
    let unknown = wait_for_announced(&client, MODEM, "the modem", |_| true);
    assert_eq!(unknown["device"].get("serial_number"), None, "{unknown}");
    rig.modem.plug();
    let known = wait_for_announced(&client, MODEM, "the modem with its IMEI", |payload| {
        payload["device"]["serial_number"] == rig.modem.imei()
    });
    assert_eq!(known["components"], unknown["components"]);
}

#[test]
fn nothing_is_announced_and_nothing_heard_where_discovery_is_off() {
    let rig = Rig::start();
    let client = home_assistant(&rig, "ha");
    client.publish("homeassistant/status", "online");
    rig.assert_still_works("off");
    assert_eq!(rig.published("homeassistant/").len(), 0);
    assert_eq!(topics(&retained(&rig, "late")), Vec::<&str>::new());
    let log = std::fs::read_to_string(rig.broker.log()).expect("the broker's log");
    assert!(!log.contains("homeassistant/status (QoS 0)"), "it subscribes to what it does not need: {log}");
}

#[test]
fn when_home_assistant_starts_states_and_devices_are_published_again_and_no_message_is() {
    let rig = Rig::with(announcing);
    let client = home_assistant(&rig, "ha");
    rig.modem.deliver("+4915100000001", "before");
    rig.client.wait_for_json("the last message", |topic, _| topic == "sms/last/main");
    let last = rig.published("sms/last/").len();
    // Home Assistant empties the topic of a device that was deleted there.
    client.publish_with(Publish { topic: MODEM.to_owned(), qos: 1, retain: true, ..Publish::default() });
    client.wait_for_text(MODEM, "");
    for not_born in ["offline", "", "ONLINE"] {
        client.publish("homeassistant/status", not_born);
    }
    rig.assert_still_works("deaf");
    assert_eq!(announced(&client, MODEM), None, "nobody said that Home Assistant is there");
    client.forget();
    rig.client.forget();
    client.publish("homeassistant/status", "online");
    for topic in [MODEM, GATEWAY] {
        wait_for_announced(&client, topic, topic, |payload| payload["device"].is_object());
    }
    for topic in ["sms/modem/main/availability", "sms/gateway/attic/availability"] {
        rig.client.wait_for_text(topic, "online");
    }
    rig.client.wait_for_json("the modem's state", |topic, _| topic == "sms/modem/main");
    rig.client.wait_for_json("the gateway's state", |topic, _| topic == "sms/gateway/attic");
    // One more message came in by `assert_still_works`.
    assert_eq!(rig.published("sms/last/").len(), last + 1, "a live subscriber would take it for new");
}

#[test]
fn a_broker_that_lost_its_retained_messages_is_told_again() {
    let mut rig = Rig::with(announcing);
    wait_for_announced(&home_assistant(&rig, "ha"), MODEM, "the modem", |_| true);
    rig.broker.kill();
    rig.broker.forget_everything();
    rig.broker.restart();
    let client = home_assistant(&rig, "later");
    for topic in [GATEWAY, MODEM] {
        wait_for_announced(&client, topic, topic, |payload| payload["device"].is_object());
    }
}

fn contact(config: &mut Config, name: &str) {
    config.add("contact", &format!("name = {name:?}\nnumber = \"+4915112345678\""));
}

/// A configuration without the contacts of the last one.
fn without_contacts(rig: &Rig) -> Config {
    let mut config = Config::new(rig.folder(), rig.proxy.port, rig.modem.port());
    announcing(&mut config);
    config
}

/// Starts the gateway anew with another configuration.
fn restart(rig: &mut Rig, config: Config) {
    assert_eq!(code(rig.gateway.stop()), 0);
    rig.reconfigure(|old| *old = config);
    rig.start_gateway();
}

#[test]
fn a_contact_that_leaves_takes_its_entity_along_and_one_that_returns_is_the_same() {
    let mut rig = Rig::with(|config| {
        announcing(config);
        contact(config, "Anna");
        contact(config, "O'Brien Søn");
    });
    let client = home_assistant(&rig, "ha");
    let first = wait_for_announced(&client, GATEWAY, "the gateway", |_| true)["components"].clone();
    let anna = &first["notify_anna"];
    assert_eq!((&anna["name"], &anna["command_topic"]), (&json!("Anna"), &json!("sms/send")), "{anna}");
    assert_eq!(anna["default_entity_id"], "notify.sms_anna");
    let other = &first["notify_o_27brien_20s_c3_b8n"];
    assert_eq!(other["name"], "O'Brien Søn", "{first}");
    assert_eq!(other["command_template"], r#"{"to":"O'Brien Søn","text":{{ value | tojson }}}"#);

    let mut config = without_contacts(&rig);
    contact(&mut config, "ANNA");
    restart(&mut rig, config);
    let gone = json!({"platform": "notify"});
    let second = wait_for_announced(&client, GATEWAY, "the one without", |payload| {
        payload["components"]["notify_o_27brien_20s_c3_b8n"] == gone
    });
    let anna_again = &second["components"]["notify_anna"];
    assert_eq!(anna_again["unique_id"], anna["unique_id"], "other capitals are no other contact");
    assert_eq!(anna_again["name"], "ANNA");

    // Who was away all the time hears of it later.
    let config = without_contacts(&rig);
    restart(&mut rig, config);
    wait_for_announced(&client, GATEWAY, "nobody", |payload| {
        payload["components"]["notify_o_27brien_20s_c3_b8n"] == gone
            && payload["components"]["notify_anna"] == gone
    });

    let mut config = without_contacts(&rig);
    contact(&mut config, "O'Brien Søn");
    restart(&mut rig, config);
    let last = wait_for_announced(&client, GATEWAY, "him again", |payload| {
        payload["components"]["notify_o_27brien_20s_c3_b8n"]["name"] == "O'Brien Søn"
    });
    assert_eq!(&last["components"]["notify_o_27brien_20s_c3_b8n"], other);
    assert_eq!(last["components"]["notify_anna"], gone);
}

#[test]
fn a_modem_that_leaves_takes_its_device_along_before_its_states() {
    let mut rig = Rig::with(|config| {
        announcing(config);
        config.add_modem("old", "/dev/null");
    });
    let topic = "homeassistant/device/sms_modem_old/config";
    let client = rig.client("ha", &["homeassistant/#", "sms/modem/#"]);
    wait_for_announced(&client, topic, "the old modem", |_| true);
    client.forget();
    let config = without_contacts(&rig);
    restart(&mut rig, config);
    client.wait_for_text("sms/modem/old", "");
    let emptied = client.received().into_iter().filter(|publish| publish.payload.is_empty());
    let emptied: Vec<String> = emptied.map(|publish| publish.topic).collect();
    assert_eq!(emptied.first().map(String::as_str), Some(topic), "{emptied:?}");
    assert_eq!(topics(&retained(&rig, "late")), [GATEWAY, MODEM]);
}

#[test]
fn discovery_that_is_switched_off_leaves_nothing_behind_but_the_states() {
    let mut rig = Rig::with(|config| {
        announcing(config);
        contact(config, "Anna");
    });
    let client = home_assistant(&rig, "ha");
    wait_for_announced(&client, MODEM, "the modem", |_| true);
    assert_eq!(code(rig.gateway.stop()), 0);
    rig.reconfigure(|config| config.set("homeassistant", "discovery", false));
    rig.start_gateway();
    client.wait_for_text(MODEM, "");
    client.wait_for_text(GATEWAY, "");
    assert_eq!(topics(&retained(&rig, "late")), Vec::<&str>::new());
    rig.assert_still_works("off");

    // What left while it was off is gone with the device: nothing of it is announced.
    let config = without_contacts(&rig);
    restart(&mut rig, config);
    let gateway = wait_for_announced(&client, GATEWAY, "the gateway", |_| true);
    assert_eq!(gateway["components"].get("notify_anna"), None, "{gateway}");
}

#[test]
fn another_discovery_prefix_or_prefix_of_ours_empties_what_was_there_before() {
    let mut rig = Rig::with(announcing);
    let client = rig.client("ha", &["homeassistant/#", "ha-test/#"]);
    wait_for_announced(&client, MODEM, "the modem", |_| true);
    assert_eq!(code(rig.gateway.stop()), 0);
    // The shipped access list has the usual prefixes alone.
    let login = crate::harness::broker::Login::observer();
    rig.reconfigure(|config| {
        config.set("homeassistant", "prefix", "ha-test");
        config.set("mqtt", "prefix", "house/sms_1");
        config.set("mqtt", "username", login.user);
        config.set("mqtt", "password", login.password);
    });
    rig.launch_gateway(&[]);
    client.wait_for_text(MODEM, "");
    client.wait_for_text(GATEWAY, "");
    let topic = "ha-test/device/house_2fsms_5f1_modem_main/config";
    let modem = wait_for_announced(&client, topic, "the modem", |_| true);
    assert_eq!(modem["components"]["call"]["state_topic"], "house/sms_1/call/main");
    client.forget();
    client.publish("ha-test/status", "online");
    wait_for_announced(&client, topic, "the modem again", |_| true);
}

#[test]
fn two_gateways_on_one_prefix_announce_their_own_and_leave_each_others_alone() {
    let rig = Rig::with(announcing);
    let mut second = Second::start(&rig, announcing);
    let client = home_assistant(&rig, "ha");
    let theirs =
        ["homeassistant/device/sms_gateway_cellar/config", "homeassistant/device/sms_modem_second/config"];
    let modem = wait_for_announced(&client, theirs[1], "the second modem", |_| true);
    assert_eq!(modem["device"]["via_device"], "sms_gateway_cellar");
    assert_eq!(topics(&retained(&rig, "late")), [GATEWAY, theirs[0], MODEM, theirs[1]]);
    let availability = &modem["components"]["problem"]["availability"];
    assert_eq!(availability, &json!([{"topic": "sms/gateway/cellar/availability"}]));
    assert_eq!(code(second.gateway.stop()), 0);
    assert_eq!(
        topics(&retained(&rig, "later")),
        [GATEWAY, theirs[0], MODEM, theirs[1]],
        "a stop takes nothing back"
    );
}

#[test]
fn where_no_last_message_is_kept_it_is_shown_as_it_comes() {
    let rig = Rig::with(|config| {
        announcing(config);
        config.set("mqtt", "retain_last", false);
    });
    let client = home_assistant(&rig, "ha");
    let modem = wait_for_announced(&client, MODEM, "the modem", |_| true);
    let last = &modem["components"]["last_message"];
    assert_eq!(last["state_topic"], "sms/received/main", "{last}");
    assert_eq!(last["json_attributes_topic"], "sms/received/main", "{last}");
}

#[test]
fn what_the_entity_of_a_contact_publishes_reaches_the_contact() {
    let rig = Rig::with(|config| {
        announcing(config);
        contact(config, "Anna");
    });
    let gateway = wait_for_announced(&home_assistant(&rig, "ha"), GATEWAY, "the gateway", |_| true);
    let anna = &gateway["components"]["notify_anna"];
    let template = anna["command_template"].as_str().expect("a template");
    let text = "Say \"hello\" \\ and\nnothing else 👋";
    // As Home Assistant renders it.
    let payload = template.replace("{{ value | tojson }}", &json!(text).to_string());
    rig.client.publish(anna["command_topic"].as_str().expect("a topic"), payload);
    let sent = rig
        .client
        .wait_for_json("the result", |topic, json| topic == "sms/result" && json["state"] == "sent");
    assert_eq!((&sent["to"], &sent["contact"]), (&json!("+4915112345678"), &json!("Anna")), "{sent}");
    let submits = rig.modem.submits();
    assert_eq!((submits.len(), submits[0].text.as_str()), (1, text));
}
