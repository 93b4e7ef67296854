//! A modem as a device of Home Assistant: its entities, straight on the modem's topics.
//!
//! Pure. What tells that something is wrong, what mends it and what stays true depends on the gateway's availability
//! alone; what is only known of a modem that is online on both.

use smsbridge_modem::registration::Registration;

use super::component::{
    CONFIG, Component, DIAGNOSTIC, MEASUREMENT, TOTAL_INCREASING, button, connection, counter, event,
    problem, sensor, sensor_by,
};
use super::device::{About, Device};
use crate::event::{MessageState, ModemIdentity};
use crate::wire::request::RESTART;
use crate::wire::topic::Topics;

/// Percent of the fullest storage; unknown before one is known.
const FULLEST_STORAGE: &str = "{% set found = namespace(percent=none) %}\
    {% for storage in value_json.storage if storage.total %}\
    {% set percent = (100 * storage.used / storage.total) | round | int %}\
    {% if found.percent is none or percent > found.percent %}{% set found.percent = percent %}{% endif %}\
    {% endfor %}{{ found.percent }}";

/// Each storage by its name.
const STORAGES: &str = "dict(zip(value_json.storage | map(attribute='name'), value_json.storage))";

/// A message's text as far as a state may be long; unknown where it has none.
const TEXT: &str = "(value_json.text[:255] if value_json.text is string else none)";

/// The device, with all that is there of it; `last` is the topic of the last message.
pub(super) fn device(
    topics: &Topics,
    id: String,
    gateway: String,
    identity: &ModemIdentity,
    last: &str,
) -> Device {
    let modem = &identity.modem;
    let about = About {
        name: format!("SMS {modem}"),
        manufacturer: identity.manufacturer.clone(),
        model: identity.model.clone(),
        sw_version: identity.firmware.clone(),
        serial_number: identity.imei.clone(),
        via_device: Some(gateway),
    };
    let mut device = Device::new(id, &format!("sms_{modem}"), about);
    let (gateway, availability) = (topics.gateway_availability(), topics.modem_availability(modem));
    for (id, component) in of_gateway(topics, identity, last) {
        device.add(id, component.available_while(&[&gateway]));
    }
    for (id, component) in of_both(&topics.modem(modem)) {
        device.add(id, component.available_while(&[&gateway, &availability]));
    }
    device
}

fn of_gateway(topics: &Topics, identity: &ModemIdentity, last: &str) -> Vec<(&'static str, Component)> {
    let modem = &identity.modem;
    let last_message = Component { icon: Some("mdi:message-text"), ..sensor("Last message", last, TEXT) };
    let incoming = Component {
        icon: Some("mdi:message-arrow-left"),
        event_types: Some(vec!["received"]),
        ..event("Incoming", &topics.received(modem), "'received'", None)
    };
    let is_own = format!("value_json.get('modem') == '{modem}'");
    let outgoing = Component {
        icon: Some("mdi:message-arrow-right"),
        event_types: Some(MessageState::ALL.map(MessageState::as_str).to_vec()),
        ..event("Outgoing", &topics.result(), "value_json.state", Some(&is_own))
    };
    let call = Component {
        icon: Some("mdi:phone-incoming"),
        event_types: Some(vec!["ringing", "missed"]),
        ..event("Call", &topics.call(modem), "value_json.state", None)
    };
    let restart = Component {
        device_class: Some("restart"),
        entity_category: CONFIG,
        ..button("Restart", &topics.restart(modem), RESTART)
    };
    vec![
        ("connection", connection(&topics.modem_availability(modem))),
        ("problem", problem(&topics.modem(modem))),
        ("last_message", last_message.with_attributes("value_json")),
        ("incoming", incoming),
        ("outgoing", outgoing),
        ("call", call),
        ("restart", restart),
    ]
}

fn of_both(state: &str) -> Vec<(&'static str, Component)> {
    let signal = Component {
        device_class: Some("signal_strength"),
        unit_of_measurement: Some("dBm"),
        state_class: MEASUREMENT,
        suggested_display_precision: Some(0),
        entity_category: DIAGNOSTIC,
        ..sensor("Signal", state, "value_json.signal.dbm")
    };
    let signal = signal.with_attributes(
        "{'percent': value_json.signal.percent, 'rsrp_dbm': value_json.signal.rsrp_dbm, \
         'rsrq_db': value_json.signal.rsrq_db, 'sinr_db': value_json.signal.sinr_db}",
    );
    let operator = Component {
        icon: Some("mdi:radio-tower"),
        entity_category: DIAGNOSTIC,
        ..sensor("Operator", state, "value_json.operator")
    };
    let technology = Component {
        icon: Some("mdi:antenna"),
        entity_category: DIAGNOSTIC,
        ..sensor("Technology", state, "value_json.technology")
    };
    let registration = Component {
        icon: Some("mdi:sim"),
        device_class: Some("enum"),
        options: Some(Registration::ALL.map(Registration::words).to_vec()),
        entity_category: DIAGNOSTIC,
        ..sensor("Registration", state, "value_json.registration")
    };
    let fullest =
        format!("{{% if value_json is mapping %}}{FULLEST_STORAGE}{{% else %}}{{{{ none }}}}{{% endif %}}");
    let storage = Component {
        icon: Some("mdi:sim-outline"),
        unit_of_measurement: Some("%"),
        state_class: MEASUREMENT,
        suggested_display_precision: Some(0),
        entity_category: DIAGNOSTIC,
        ..sensor_by("Storage", state, fullest)
    };
    let counted = |icon, name, expression| Component {
        icon: Some(icon),
        state_class: TOTAL_INCREASING,
        ..counter(name, state, expression)
    };
    vec![
        ("signal", signal),
        ("operator", operator),
        ("technology", technology),
        ("registration", registration.with_attributes("{'cause': value_json.registration_cause}")),
        ("storage", storage.with_attributes(STORAGES)),
        ("received", counted("mdi:message-arrow-left-outline", "Received", "value_json.counters.received")),
        ("sent", counted("mdi:message-arrow-right-outline", "Sent", "value_json.counters.sent")),
        ("not_sent", counted("mdi:message-alert-outline", "Not sent", "value_json.counters.not_sent")),
    ]
}
