//! What is announced, held against what Home Assistant takes; and the ids, which never change.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// What Home Assistant knows at the top of a device's message, in `device` and in `origin`: anything else there, and it
/// drops the whole message.
const KNOWN: [(&str, &[&str]); 3] = [
    (
        "",
        &[
            "availability",
            "availability_mode",
            "command_topic",
            "components",
            "device",
            "encoding",
            "origin",
            "qos",
            "state_topic",
        ],
    ),
    (
        "device",
        &[
            "configuration_url",
            "connections",
            "hw_version",
            "identifiers",
            "manufacturer",
            "model",
            "model_id",
            "name",
            "serial_number",
            "suggested_area",
            "sw_version",
            "via_device",
        ],
    ),
    ("origin", &["name", "support_url", "sw_version"]),
];

/// The keys of ours that a component of each kind may have beside those that all have.
const COMMON: [&str; 8] = [
    "availability",
    "availability_mode",
    "default_entity_id",
    "entity_category",
    "icon",
    "name",
    "platform",
    "unique_id",
];
const OWN: [(&str, &[&str]); 5] = [
    (
        "sensor",
        &[
            "device_class",
            "json_attributes_template",
            "json_attributes_topic",
            "options",
            "state_class",
            "state_topic",
            "suggested_display_precision",
            "unit_of_measurement",
            "value_template",
        ],
    ),
    (
        "binary_sensor",
        &[
            "device_class",
            "json_attributes_template",
            "json_attributes_topic",
            "payload_off",
            "payload_on",
            "state_topic",
            "value_template",
        ],
    ),
    ("event", &["event_types", "state_topic", "value_template"]),
    ("button", &["command_topic", "device_class", "payload_press"]),
    ("notify", &["command_template", "command_topic"]),
];

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn topics() -> Topics {
    Topics::new("sms", &name("attic"))
}

fn discovery(contacts: &[&str]) -> Discovery {
    let contacts = contacts.iter().map(|&name| name.to_owned()).collect();
    Discovery::new("homeassistant", true, contacts)
}

fn modem() -> Announcement {
    Announcement::Modem(Box::new(ModemIdentity {
        manufacturer: Some("Quectel".to_owned()),
        model: Some("EC25".to_owned()),
        firmware: Some("EC25EFAR06A06M4G".to_owned()),
        imei: Some("356938035643809".to_owned()),
        ..ModemIdentity::unknown(name("main"))
    }))
}

fn announced(discovery: &Discovery, announcement: &Announcement) -> Value {
    serde_json::from_str(&discovery.payload(&topics(), announcement)).unwrap()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn home_assistant_knows_every_key() {
    let discovery = discovery(&["Anna"]);
    for announcement in [modem(), Announcement::Gateway] {
        let payload = announced(&discovery, &announcement);
        for (place, known) in KNOWN {
            let object = if place.is_empty() { &payload } else { &payload[place] };
            let unknown: Vec<_> = keys(object).into_iter().filter(|key| !known.contains(key)).collect();
            assert!(unknown.is_empty(), "{place}: {unknown:?}");
        }
        for (id, component) in payload["components"].as_object().unwrap() {
            let platform = component["platform"].as_str().unwrap();
            let (_, own) = OWN.iter().find(|(known, _)| *known == platform).expect("a known platform");
            let is_known = |key: &&str| COMMON.contains(key) || own.contains(key);
            let unknown: Vec<_> = keys(component).into_iter().filter(|key| !is_known(key)).collect();
            assert!(unknown.is_empty(), "{id}: {unknown:?}");
        }
    }
}

#[test]
fn a_modem_is_announced_as_the_contract_has_it() {
    let payload = announced(&discovery(&[]), &modem());
    let device = json!({
        "identifiers": ["sms_modem_main"], "name": "SMS main", "manufacturer": "Quectel", "model": "EC25",
        "sw_version": "EC25EFAR06A06M4G", "serial_number": "356938035643809", "via_device": "sms_gateway_attic",
    });
    assert_eq!(payload["device"], device);
    let components = &payload["components"];
    let expected = [
        "call",
        "connection",
        "incoming",
        "last_message",
        "not_sent",
        "operator",
        "outgoing",
        "problem",
        "received",
        "registration",
        "restart",
        "sent",
        "signal",
        "storage",
        "technology",
    ];
    assert_eq!(keys(components), expected.into());
    let gateway = json!([{"topic": "sms/gateway/attic/availability"}]);
    let both = json!([{"topic": "sms/gateway/attic/availability"}, {"topic": "sms/modem/main/availability"}]);
    let signal = json!({
        "platform": "sensor", "name": "Signal", "unique_id": "sms_modem_main_signal",
        "default_entity_id": "sensor.sms_main_signal", "device_class": "signal_strength",
        "entity_category": "diagnostic", "unit_of_measurement": "dBm", "state_class": "measurement",
        "suggested_display_precision": 0, "state_topic": "sms/modem/main",
        "value_template": "{{ value_json.signal.dbm if value_json is mapping else none }}",
        "json_attributes_topic": "sms/modem/main",
        "json_attributes_template": "{{ ({'percent': value_json.signal.percent, \
            'rsrp_dbm': value_json.signal.rsrp_dbm, 'rsrq_db': value_json.signal.rsrq_db, \
            'sinr_db': value_json.signal.sinr_db} if value_json is mapping else {}) | tojson }}",
        "availability": both, "availability_mode": "all",
    });
    assert_eq!(components["signal"], signal);
    let restart = json!({
        "platform": "button", "name": "Restart", "unique_id": "sms_modem_main_restart",
        "default_entity_id": "button.sms_main_restart", "device_class": "restart", "entity_category": "config",
        "command_topic": "sms/restart/main", "payload_press": "restart", "availability": gateway,
    });
    assert_eq!(
        components["restart"], restart,
        "it is there while the modem is not: that is when it is needed"
    );
    for id in ["connection", "problem", "last_message", "incoming", "outgoing", "call"] {
        assert_eq!(components[id]["availability"], gateway, "{id}");
    }
    for id in ["operator", "technology", "registration", "storage", "received", "sent", "not_sent"] {
        assert_eq!(components[id]["availability"], both, "{id}");
    }
}

#[test]
fn a_gateway_is_announced_as_the_contract_has_it() {
    let payload = announced(&discovery(&["Anna"]), &Announcement::Gateway);
    let components = &payload["components"];
    let expected =
        ["connection", "notify_anna", "outgoing", "parked", "problem", "to_publish", "to_send", "version"];
    assert_eq!(keys(components), expected.into());
    assert_eq!(components["connection"].get("availability"), None, "else it would never say that it is off");
    let anna = json!({
        "platform": "notify", "name": "Anna", "unique_id": "sms_gateway_attic_notify_anna",
        "default_entity_id": "notify.sms_anna", "icon": "mdi:message-arrow-right", "command_topic": "sms/send",
        "command_template": "{\"to\":\"Anna\",\"text\":{{ value | tojson }}}",
        "availability": [{"topic": "sms/gateway/attic/availability"}],
    });
    assert_eq!(components["notify_anna"], anna);
}

#[test]
fn a_modem_of_which_nothing_is_known_has_the_same_entities() {
    let unknown = Announcement::Modem(Box::new(ModemIdentity::unknown(name("main"))));
    let discovery = discovery(&[]);
    let (known, unknown) = (announced(&discovery, &modem()), announced(&discovery, &unknown));
    assert_eq!(unknown["components"], known["components"]);
    assert_eq!(keys(&unknown["device"]), ["identifiers", "name", "via_device"].into());
}

#[test]
fn what_was_announced_before_is_taken_back_on_its_own_topic_alone() {
    let mut discovery = discovery(&["Anna"]);
    let gone = |topic: &str, component: &str, platform: &str| Announced {
        topic: format!("homeassistant/device/{topic}/config"),
        component: component.to_owned(),
        platform: platform.to_owned(),
    };
    discovery.take_back(vec![
        gone("sms_gateway_attic", "notify_bob", "notify"),
        gone("sms_modem_main", "battery", "sensor"),
        gone("sms_modem_other", "x", "sensor"),
    ]);
    let of_gateway = announced(&discovery, &Announcement::Gateway);
    assert_eq!(of_gateway["components"]["notify_bob"], json!({"platform": "notify"}));
    assert_eq!(of_gateway["components"].get("battery"), None);
    let of_modem = announced(&discovery, &modem());
    assert_eq!(of_modem["components"]["battery"], json!({"platform": "sensor"}));
    assert_eq!(of_modem["components"].get("x"), None);
}

/// A key of an event that Home Assistant takes for one of the entity's own.
#[test]
fn no_event_has_a_key_that_overwrites_one_of_home_assistants() {
    let sources = [include_str!("../received.rs"), include_str!("../event.rs")];
    for source in sources {
        for key in ["event_type", "event_types", "device_class"] {
            assert!(!source.contains(&format!(" {key}:")), "a form has the key {key}");
        }
    }
}

fn any_name() -> impl Strategy<Value = Name> {
    "[a-z0-9_-]{1,32}".prop_map(|text| text.parse().expect("a name"))
}

/// Prefixes, among them such as look like what is put behind them.
fn any_prefix() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_/-]{0,6}(_modem_|_gateway_|_6d|/|é)?[a-z_]{0,6}",
        "\\PC{1,12}",
        Just("sms".to_owned()),
        Just("sms_modem".to_owned()),
        Just("sms_modem_a".to_owned()),
    ]
}

fn ids(prefix: &str, name: &Name) -> [String; 2] {
    [device_id(prefix, "modem", name), device_id(prefix, "gateway", name)]
}

proptest! {
    #[test]
    fn no_two_devices_have_one_id(
        one in any_prefix(), other in any_prefix(), a in any_name(), b in any_name(),
    ) {
        let [modem, gateway] = ids(&one, &a);
        prop_assert_ne!(&modem, &gateway);
        for (n, id) in ids(&other, &b).into_iter().enumerate() {
            let is_same = (&one, &a) == (&other, &b);
            prop_assert_eq!(id == modem, is_same && n == 0, "{} {} {} {}", one, a, other, b);
            prop_assert_eq!(id == gateway, is_same && n == 1, "{} {} {} {}", one, a, other, b);
        }
    }

    #[test]
    fn a_topic_consists_of_what_home_assistant_takes(prefix in any_prefix(), own in any_name(), other in any_name()) {
        let topics = Topics::new(&prefix, &own);
        for topic in discovery(&[]).topics(&topics, &[other]) {
            let id = topic.strip_prefix("homeassistant/device/").and_then(|rest| rest.strip_suffix("/config"));
            let is_legal = |id: &str| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            prop_assert!(id.is_some_and(is_legal), "{}", topic);
        }
    }

    /// Whatever a contact is called, its template is the JSON of a request once the text is put in.
    #[test]
    fn a_contacts_name_means_nothing_to_a_template(
        names in prop::collection::btree_set("\\p{L}[\\p{L}\\p{N} ._'-]{0,20}[\\p{L}\\p{N}]", 1..4),
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let payload = announced(&discovery(&names), &Announcement::Gateway);
        let keys: BTreeSet<String> = names.iter().map(|name| crate::contact::key(name)).collect();
        let notify = payload["components"].as_object().unwrap().iter().filter(|(id, _)| id.starts_with("notify_"));
        let mut count = 0;
        for (id, component) in notify {
            count += 1;
            let is_legal = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            prop_assert!(is_legal, "{}", id);
            let template = component["command_template"].as_str().unwrap();
            let (before, after) = template.split_once("{{ value | tojson }}").unwrap();
            let has_sign = |text: &str| ["{{", "{%", "{#"].iter().any(|sign| text.contains(sign));
            prop_assert!(!has_sign(before) && !has_sign(after));
            let request: Value = serde_json::from_str(&format!("{before}\"hello\"{after}")).unwrap();
            prop_assert_eq!(&request["to"], &component["name"]);
        }
        prop_assert_eq!(count, keys.len(), "each has an entity of its own");
    }
}
