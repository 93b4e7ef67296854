//! A device with its components, as one retained message announces it; and the ids by which it stays the same.
//!
//! Pure. Keys of the message itself, of `device` and of `origin` are only those that every Home Assistant with device
//! discovery knows: an unknown one there makes it drop the whole message.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::component::Component;
use crate::message::Name;
use crate::wire::format::json;

/// What a device is known by: `sms_modem_main`, `sms_gateway_attic`. Letters, digits, `_` and `-` alone, and no two
/// devices have the same: the prefix is encoded so that `_` is followed by two hex digits there.
pub(super) fn device_id(prefix: &str, kind: &str, name: &Name) -> String {
    format!("{}_{kind}_{name}", encoded(prefix))
}

/// A text with each octet that is no ASCII letter or digit as `_` and two hex digits.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, octet| {
        if octet.is_ascii_alphanumeric() {
            encoded.push(octet.into());
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "_{octet:02x}");
        }
        encoded
    })
}

/// A device, and what is announced of it.
pub(super) struct Device {
    /// Its id.
    id: String,
    /// What its entity ids begin with.
    entities: String,
    about: About,
    components: BTreeMap<String, Component>,
}

/// What Home Assistant shows of the device itself.
#[derive(Default, Serialize)]
pub(super) struct About {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) manufacturer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sw_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) via_device: Option<String>,
}

#[derive(Serialize)]
struct Payload<'a> {
    device: DeviceForm<'a>,
    origin: Origin,
    qos: u8,
    components: BTreeMap<&'a str, ComponentForm<'a>>,
}

#[derive(Serialize)]
struct DeviceForm<'a> {
    identifiers: [&'a str; 1],
    #[serde(flatten)]
    about: &'a About,
}

/// Who announces it.
#[derive(Serialize)]
struct Origin {
    name: &'static str,
    sw_version: &'static str,
    support_url: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ComponentForm<'a> {
    There(&'a Component),
    Gone { platform: &'a str },
}

impl Device {
    /// A device without components; its entity ids begin with `entities`.
    pub(super) fn new(id: String, entities: &str, about: About) -> Self {
        Device { id, entities: entities.replace('-', "_"), about, components: BTreeMap::new() }
    }

    /// Adds a component under an id that never changes.
    pub(super) fn add(&mut self, id: &str, component: Component) {
        let entity = format!("{}_{id}", self.entities);
        self.add_as(id, &entity, component);
    }

    /// The same with an entity id that does not begin as the others do.
    pub(super) fn add_as(&mut self, id: &str, entity: &str, component: Component) {
        let unique_id = format!("{}_{id}", self.id);
        let default_entity_id = format!("{}.{entity}", component.platform.as_str());
        self.components.insert(id.to_owned(), Component { unique_id, default_entity_id, ..component });
    }

    /// Each component's id and platform.
    pub(super) fn components(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.components.iter().map(|(id, component)| (id.as_str(), component.platform.as_str()))
    }

    /// The message; what is `gone` has an id and a platform, and takes its entity along.
    pub(super) fn payload<'a>(&'a self, gone: impl Iterator<Item = (&'a str, &'a str)>) -> String {
        let gone = gone.map(|(id, platform)| (id, ComponentForm::Gone { platform }));
        let there = self.components.iter().map(|(id, component)| (&**id, ComponentForm::There(component)));
        json(&Payload {
            device: DeviceForm { identifiers: [&self.id], about: &self.about },
            origin: Origin {
                name: "smsbridge",
                sw_version: env!("CARGO_PKG_VERSION"),
                support_url: env!("CARGO_PKG_REPOSITORY"),
            },
            qos: 1,
            components: gone.chain(there).collect(),
        })
    }
}
