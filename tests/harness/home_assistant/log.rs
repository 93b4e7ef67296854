//! Reads the log of Home Assistant: its records, and those that complain.

/// What it says on a machine without programs for pictures, with all modules installed before, and on a busy one.
const ITS_OWN: [&str; 7] = [
    "[homeassistant.bootstrap] Skipping pip installation",
    "[aiohttp_fast_zlib] zlib_ng and isal are not available",
    "[haffmpeg.",
    "[homeassistant.components.camera.img_util] Error loading libturbojpeg",
    "is taking over 10 seconds",
    "[homeassistant.bootstrap] Waiting for integrations to complete setup",
    "took longer than the scheduled update interval",
];

/// Records at level WARNING and above, without what it says on any machine.
pub fn complaints(log: &str) -> Vec<String> {
    let complains = |record: &String| {
        let level = record.split_whitespace().nth(2).unwrap_or_default();
        matches!(level, "WARNING" | "ERROR" | "CRITICAL" | "FATAL")
    };
    let is_its_own = |record: &String| ITS_OWN.iter().any(|words| record.contains(words));
    records(log).into_iter().filter(complains).filter(|record| !is_its_own(record)).collect()
}

/// Whether it has subscribed to this filter since it was last connected to the broker.
pub fn subscribes(log: &str, filter: &str) -> bool {
    let since = log.rsplit("Connected to MQTT server").next().unwrap_or_default();
    let names = [format!(" to topic {filter} "), format!("('{filter}', ")];
    let subscriptions = since.lines().filter(|line| line.contains("] Subscribing with mid: "));
    subscriptions.into_iter().any(|line| names.iter().any(|name| line.contains(name)))
}

/// A record begins with its date; a line that does not is part of the one before.
fn records(log: &str) -> Vec<String> {
    let mut records: Vec<String> = Vec::new();
    for line in log.lines() {
        let is_date = |byte: (usize, u8)| match byte.0 {
            4 | 7 => byte.1 == b'-',
            _ => byte.1.is_ascii_digit(),
        };
        let begins = line.len() > 10 && line.bytes().take(10).enumerate().all(is_date);
        match records.last_mut() {
            Some(record) if !begins => *record = format!("{record}\n{line}"),
            _ => records.push(line.to_owned()),
        }
    }
    records
}

#[test]
fn a_warning_is_a_complaint_with_all_its_lines_and_what_is_said_anyway_is_none() {
    let log = "\
---- Home Assistant starts
2026-11-27 13:04:08.044+00:00 WARNING (MainThread) [homeassistant.bootstrap] Skipping pip installation of required modules
2026-11-27 13:04:09.001+00:00 INFO (MainThread) [homeassistant.components.mqtt.client] an ERROR that is said in passing
2026-11-27 13:04:09.002+00:00 ERROR (MainThread) [homeassistant.helpers.template] Template failed
Traceback (most recent call last):
  ValueError: no number
2026-11-27 13:04:09.003+00:00 INFO (MainThread) [homeassistant.core] on
2026-11-27 13:04:09.004+00:00 WARNING (MainThread) [homeassistant.components.mqtt.mixins] Can't decode payload
";
    let complaints = complaints(log);
    assert_eq!(complaints.len(), 2, "{complaints:#?}");
    assert!(complaints[0].ends_with("ValueError: no number"), "{}", complaints[0]);
    assert!(complaints[1].ends_with("Can't decode payload"), "{}", complaints[1]);
}

#[test]
fn a_subscription_counts_until_the_connection_is_lost() {
    let subscribed = "\
2026-11-27 13:04:09 DEBUG (MainThread) [mqtt.client] Connected to MQTT server 127.0.0.1:1883 (Success)
2026-11-27 13:04:09 DEBUG (MainThread) [mqtt.client] Subscribing with mid: 66 to topic sms/call/# with qos: 0 and properties: []
2026-11-27 13:04:09 DEBUG (MainThread) [mqtt.client] Subscribing with mid: 67 to topics with qos: [('sms/result', 0), ('sms/x', 1)]
";
    for filter in ["sms/call/#", "sms/result", "sms/x"] {
        assert!(subscribes(subscribed, filter), "{filter}");
    }
    assert!(!subscribes(subscribed, "sms/call"));
    let again = format!(
        "{subscribed}2026-11-27 13:05:00 DEBUG [mqtt.client] Connected to MQTT server 127.0.0.1:1883 (Success)\n"
    );
    assert!(!subscribes(&again, "sms/result"));
}
