//! Owns the packets a broker sends, in valid form.

use super::mqtt_packets::{Publish, packet, publish, put_binary, put_properties};

/// CONNACK: accepted, with every kind of property a broker has.
pub fn connack(session_present: bool) -> Vec<u8> {
    let mut properties =
        vec![0x21, 0, 20, 0x24, 1, 0x25, 1, 0x27, 0, 16, 0, 0, 0x22, 0, 10, 0x28, 1, 0x29, 1, 0x2a, 1];
    properties.extend([0x13, 0, 20]);
    properties.push(0x1f);
    put_binary(&mut properties, b"welcome");
    properties.push(0x26);
    put_binary(&mut properties, b"name");
    put_binary(&mut properties, b"value");
    let mut body = vec![u8::from(session_present), 0];
    put_properties(&mut body, &properties);
    packet(0x20, &body)
}

pub fn suback(packet_id: u16, reasons: &[u8]) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    put_properties(&mut body, &[]);
    body.extend(reasons);
    packet(0x90, &body)
}

pub fn pubrel(packet_id: u16) -> Vec<u8> {
    packet(0x62, &packet_id.to_be_bytes())
}

pub fn pingresp() -> Vec<u8> {
    packet(0xd0, &[])
}

/// One of each kind, to be damaged.
pub fn one_of_each() -> Vec<Vec<u8>> {
    let request = Publish {
        topic: "sms/send".to_owned(),
        payload: br#"{"id":"one","to":"+4915100000002","text":"hello","send_at":"2099-01-01T00:00:00Z"}"#
            .to_vec(),
        qos: 1,
        packet_id: 7,
        response_topic: Some("answers/one".to_owned()),
        correlation_data: Some(vec![0, 255]),
        message_expiry_s: Some(60),
        ..Publish::default()
    };
    let kept = Publish {
        topic: "sms/gateway/cellar".to_owned(),
        payload: br#"{"instance":"smsbridge-b"}"#.to_vec(),
        retain: true,
        ..Publish::default()
    };
    let mut reason_string = vec![0x1f];
    put_binary(&mut reason_string, b"because");
    let with_reason = |first: u8, head: &[u8]| {
        let mut body = head.to_vec();
        put_properties(&mut body, &reason_string);
        packet(first, &body)
    };
    vec![
        connack(true),
        publish(&request),
        publish(&Publish { qos: 2, packet_id: 8, ..request }),
        publish(&kept),
        with_reason(0x40, &[0, 1, 0x87]),
        with_reason(0x50, &[0, 1, 0x10]),
        with_reason(0x62, &[0, 8, 0]),
        with_reason(0x70, &[0, 1, 0]),
        suback(1, &[1, 1, 0x87]),
        packet(0xb0, &[0, 1, 0, 0]),
        pingresp(),
        with_reason(0xe0, &[0x8e]),
        with_reason(0xf0, &[0x18]),
    ]
}
