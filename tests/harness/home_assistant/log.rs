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
