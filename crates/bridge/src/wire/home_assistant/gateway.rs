//! The gateway as a device of Home Assistant: what is wrong with it, what waits, and whom it can write to.
//!
//! Pure. Whether it is connected is told whatever it is; all else depends on that.

use serde_json::json;

use super::component::{
    Component, DIAGNOSTIC, MEASUREMENT, connection, counter, event, notify, problem, sensor,
};
use super::device::{About, Device, encoded};
use crate::contact;
use crate::event::MessageState;
use crate::wire::topic::Topics;

/// The device, with an entity for each of the `contacts`.
pub(super) fn device(topics: &Topics, id: String, contacts: &[String]) -> Device {
    let name = topics.gateway_name();
    let about = About {
        name: format!("SMS gateway {name}"),
        manufacturer: Some("smsbridge".to_owned()),
        model: Some("SMS gateway".to_owned()),
        sw_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..About::default()
    };
    let mut device = Device::new(id, &format!("sms_gateway_{name}"), about);
    let availability = topics.gateway_availability();
    device.add("connection", connection(&availability));
    for (id, component) in entities(topics) {
        device.add(id, component.available_while(&[&availability]));
    }
    for contact in contacts {
        // Whatever its capitals: two contacts differ in more than those.
        let contact_id = encoded(&contact::key(contact));
        let component = notify(contact, &topics.send(), send_to(contact));
        let component = Component { icon: Some("mdi:message-arrow-right"), ..component };
        let entity = format!("sms_{}", contact::key(contact));
        device.add_as(&format!("notify_{contact_id}"), &entity, component.available_while(&[&availability]));
    }
    device
}

/// The template of a request to a contact: nothing in a contact's name means anything to a template.
fn send_to(contact: &str) -> String {
    format!("{{\"to\":{},\"text\":{{{{ value | tojson }}}}}}", json!(contact))
}

fn entities(topics: &Topics) -> Vec<(&'static str, Component)> {
    let state = topics.gateway();
    let waiting = |icon, name, expression| Component {
        icon: Some(icon),
        state_class: MEASUREMENT,
        ..counter(name, &state, expression)
    };
    let version = Component {
        icon: Some("mdi:tag"),
        entity_category: DIAGNOSTIC,
        ..sensor("Version", &state, "value_json.version")
    };
    // `rejected`, or not given to any modem yet.
    let outgoing = Component {
        icon: Some("mdi:message-arrow-right"),
        event_types: Some(MessageState::ALL.map(MessageState::as_str).to_vec()),
        ..event("Outgoing", &topics.result(), "value_json.state", Some("not value_json.get('modem')"))
    };
    vec![
        ("problem", problem(&state)),
        ("to_publish", waiting("mdi:tray-arrow-up", "To publish", "value_json.queue.publish")),
        ("to_send", waiting("mdi:tray-full", "To send", "value_json.queue.send")),
        ("parked", waiting("mdi:tray-alert", "Parked", "value_json.queue.parked")),
        ("version", version),
        ("outgoing", outgoing),
    ]
}
