//! What a broker says of itself in its CONNACK (MQTT 5, 3.2.2.3): its limits, and what it does not have. Pure.

use rumqttc::v5::mqttbytes::v5::ConnAck;

/// A broker's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// PUBLISHes it takes at once, at least 1.
    pub(super) receive_maximum: u16,
    /// The largest packet it takes, in octets.
    pub(super) max_packet: Option<u32>,
    /// The highest QoS it takes, where that is not 2.
    pub(super) max_qos: Option<u8>,
    /// It keeps retained messages.
    pub(super) has_retain: bool,
    /// It has shared subscriptions.
    pub(super) has_shared: bool,
    /// It has subscriptions with wildcards.
    pub(super) has_wildcards: bool,
}

impl Limits {
    /// Reads them; `Err`: no gateway can work with this broker, in words.
    pub(super) fn read(connack: &ConnAck) -> Result<Limits, String> {
        let properties = connack.properties.as_ref();
        let (receive_maximum, max_packet) =
            (properties.and_then(|p| p.receive_max), properties.and_then(|p| p.max_packet_size));
        let forbidden = match (receive_maximum, max_packet) {
            (Some(0), _) => Some("Receive Maximum"),
            (_, Some(0)) => Some("Maximum Packet Size"),
            _ => None,
        };
        if let Some(what) = forbidden {
            return Err(format!(
                "its CONNACK has {what} 0, which MQTT 5 forbids: this broker cannot be used"
            ));
        }
        if properties.and_then(|p| p.max_qos) == Some(0) {
            let words = "it takes QoS 0 only, so nobody would know what it has: allow QoS 1 in the broker";
            return Err(words.to_owned());
        }
        let has = |flag: Option<u8>| flag != Some(0);
        Ok(Limits {
            receive_maximum: receive_maximum.unwrap_or(u16::MAX),
            max_packet,
            max_qos: properties.and_then(|p| p.max_qos),
            has_retain: has(properties.and_then(|p| p.retain_available)),
            has_shared: has(properties.and_then(|p| p.shared_subscription_available)),
            has_wildcards: has(properties.and_then(|p| p.wildcard_subscription_available)),
        })
    }

    /// What it lacks of what a gateway needs, and what follows, in words. `is_shared`: `[mqtt] share` is set.
    pub(super) fn missing(&self, is_shared: bool) -> Option<String> {
        let retain = "it keeps no retained messages, so nobody who subscribes later sees states and availability: \
                      turn them on in the broker";
        let shared = "it has no shared subscriptions, so no request for any modem comes: turn them on in the broker, \
                      or leave [mqtt] share empty";
        let wildcards = "it has no subscriptions with wildcards, so other gateways on this prefix are not noticed: \
                         turn them on in the broker";
        let all = [
            (!self.has_retain).then_some(retain),
            (is_shared && !self.has_shared).then_some(shared),
            (!self.has_wildcards).then_some(wildcards),
        ];
        let words: Vec<&str> = all.into_iter().flatten().collect();
        (!words.is_empty()).then(|| format!("the broker lacks something: {}", words.join("; ")))
    }
}
