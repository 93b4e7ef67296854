//! One entity as Home Assistant's discovery describes it, and the templates that read our topics for it.
//!
//! Pure. Every template takes what may come on a retained topic, an empty message and what is no JSON included, and says
//! `none` (unknown) or nothing to it: one that fails is a warning in Home Assistant's log for each message.

use serde::Serialize;

/// What the entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Platform {
    BinarySensor,
    Button,
    Event,
    Notify,
    Sensor,
}

impl Platform {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Platform::BinarySensor => "binary_sensor",
            Platform::Button => "button",
            Platform::Event => "event",
            Platform::Notify => "notify",
            Platform::Sensor => "sensor",
        }
    }
}

/// An entity of secondary interest: on the device's page, and not on the dashboard that Home Assistant makes by itself.
pub(super) const DIAGNOSTIC: Option<&str> = Some("diagnostic");

/// An entity that changes how the device works, and not on that dashboard either.
pub(super) const CONFIG: Option<&str> = Some("config");

/// A value that goes up and down.
pub(super) const MEASUREMENT: Option<&str> = Some("measurement");

/// A counter that may begin at 0 again.
pub(super) const TOTAL_INCREASING: Option<&str> = Some("total_increasing");

/// Counts of short messages have this unit, so that Home Assistant draws them as graphs.
pub(super) const MESSAGES: Option<&str> = Some("SMS");

/// A component of a device, with Home Assistant's own keys.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Component {
    pub(super) platform: Platform,
    pub(super) name: String,
    pub(super) unique_id: String,
    pub(super) default_entity_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) icon: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device_class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entity_category: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unit_of_measurement: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state_class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suggested_display_precision: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) options: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event_types: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state_topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value_template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payload_on: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payload_off: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) json_attributes_topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) json_attributes_template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command_topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command_template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payload_press: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) availability: Vec<Topic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) availability_mode: Option<&'static str>,
}

/// A topic that says `online` or `offline`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Topic {
    topic: String,
}

impl Component {
    /// Its ids are set by the device it is added to.
    fn new(platform: Platform, name: &str) -> Self {
        Component {
            platform,
            name: name.to_owned(),
            unique_id: String::new(),
            default_entity_id: String::new(),
            icon: None,
            device_class: None,
            entity_category: None,
            unit_of_measurement: None,
            state_class: None,
            suggested_display_precision: None,
            options: None,
            event_types: None,
            state_topic: None,
            value_template: None,
            payload_on: None,
            payload_off: None,
            json_attributes_topic: None,
            json_attributes_template: None,
            command_topic: None,
            command_template: None,
            payload_press: None,
            availability: Vec::new(),
            availability_mode: None,
        }
    }

    /// There only while all of these topics say `online`.
    pub(super) fn available_while(self, topics: &[&str]) -> Self {
        let availability = topics.iter().map(|topic| Topic { topic: (*topic).to_owned() }).collect();
        Component { availability, availability_mode: (topics.len() > 1).then_some("all"), ..self }
    }

    /// With the object that `expression` makes of the state's JSON as its attributes.
    pub(super) fn with_attributes(self, expression: &str) -> Self {
        let template = format!("{{{{ ({expression} if value_json is mapping else {{}}) | tojson }}}}");
        let json_attributes_topic = self.state_topic.clone();
        Component { json_attributes_topic, json_attributes_template: Some(template), ..self }
    }
}

/// A sensor with the value of an expression over the JSON of `topic`.
pub(super) fn sensor(name: &str, topic: &str, expression: &str) -> Component {
    sensor_by(name, topic, format!("{{{{ {expression} if value_json is mapping else none }}}}"))
}

/// A sensor with a template of its own.
pub(super) fn sensor_by(name: &str, topic: &str, template: String) -> Component {
    Component {
        state_topic: Some(topic.to_owned()),
        value_template: Some(template),
        ..Component::new(Platform::Sensor, name)
    }
}

/// A sensor that counts short messages.
pub(super) fn counter(name: &str, topic: &str, expression: &str) -> Component {
    Component {
        unit_of_measurement: MESSAGES,
        suggested_display_precision: Some(0),
        entity_category: DIAGNOSTIC,
        ..sensor(name, topic, expression)
    }
}

/// Whether `availability` says `online`.
pub(super) fn connection(availability: &str) -> Component {
    Component {
        state_topic: Some(availability.to_owned()),
        payload_on: Some("online"),
        payload_off: Some("offline"),
        device_class: Some("connectivity"),
        entity_category: DIAGNOSTIC,
        ..Component::new(Platform::BinarySensor, "Connection")
    }
}

/// Whether the state on `topic` names a problem; its words as an attribute.
pub(super) fn problem(topic: &str) -> Component {
    let template = "{{ ('ON' if value_json.problem else 'OFF') if value_json is mapping else none }}";
    let component = Component {
        state_topic: Some(topic.to_owned()),
        value_template: Some(template.to_owned()),
        device_class: Some("problem"),
        ..Component::new(Platform::BinarySensor, "Problem")
    };
    component.with_attributes("{'problem': value_json.problem}")
}

/// An event for each message on `topic` for which `condition` holds, of the type that `event_type` tells.
pub(super) fn event(name: &str, topic: &str, event_type: &str, condition: Option<&str>) -> Component {
    let also = condition.map(|condition| format!(" and {condition}")).unwrap_or_default();
    let template = format!(
        "{{{{ dict(value_json, event_type={event_type}) | tojson if value_json is mapping{also} else '' }}}}"
    );
    Component {
        state_topic: Some(topic.to_owned()),
        value_template: Some(template),
        ..Component::new(Platform::Event, name)
    }
}

/// A button that publishes `payload`.
pub(super) fn button(name: &str, topic: &str, payload: &'static str) -> Component {
    Component {
        command_topic: Some(topic.to_owned()),
        payload_press: Some(payload),
        ..Component::new(Platform::Button, name)
    }
}

/// Somebody to notify by a message that `template` makes of `value`, the text.
pub(super) fn notify(name: &str, topic: &str, template: String) -> Component {
    Component {
        command_topic: Some(topic.to_owned()),
        command_template: Some(template),
        ..Component::new(Platform::Notify, name)
    }
}
