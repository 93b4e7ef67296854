//! What the store remembers of the broker: our client id, the session, and what the broker keeps for us.

use super::engine::Store;
use super::error::StoreError;
use super::{facts, outbox};
use crate::event::Announced;
use crate::message::new_id;

const CLIENT_ID: &str = "client_id";
const SESSION: &str = "mqtt_session";
const FILTERS: &str = "mqtt_filters";
const RETAINED_TOPICS: &str = "retained_topics";
const STALE: &str = "stale";
const ANNOUNCED: &str = "announced";

impl Store {
    /// The MQTT client id: `smsbridge-` and 12 random characters, made once. It is in the store because the broker's
    /// session and the store belong together.
    pub async fn client_id(&self) -> Result<String, StoreError> {
        let fresh = format!("smsbridge-{}", new_id()[14..].to_ascii_lowercase());
        self.write(move |tx| match facts::read(tx, CLIENT_ID)? {
            Some(id) => Ok(id),
            None => {
                facts::write(tx, CLIENT_ID, &fresh)?;
                Ok(fresh.clone())
            }
        })
        .await
    }

    /// The number of the present MQTT session; `present` says whether the broker still has the last one. Packet ids
    /// mean the same message only within one session.
    pub async fn mqtt_session(&self, present: bool) -> Result<i64, StoreError> {
        self.write(move |tx| {
            let last: i64 = facts::read(tx, SESSION)?.and_then(|n| n.parse().ok()).unwrap_or(0);
            if present && last > 0 {
                return Ok(last);
            }
            facts::write(tx, SESSION, &(last + 1).to_string())?;
            Ok(last + 1)
        })
        .await
    }

    /// The instance of another gateway of our name that may have sent what waits for us at the broker, if one ran.
    pub async fn stale(&self) -> Result<Option<String>, StoreError> {
        self.write(|tx| Ok(facts::read(tx, STALE)?.filter(|instance| !instance.is_empty()))).await
    }

    /// Sets it, until all that had waited has come: a connection may break before.
    pub async fn set_stale(&self, instance: Option<String>) -> Result<(), StoreError> {
        self.write(move |tx| facts::write(tx, STALE, instance.as_deref().unwrap_or_default())).await
    }

    /// All topic filters the broker may have subscribed for us.
    pub async fn subscribed_filters(&self) -> Result<Vec<String>, StoreError> {
        self.write(|tx| {
            Ok(facts::read(tx, FILTERS)?.unwrap_or_default().lines().map(str::to_owned).collect())
        })
        .await
    }

    /// Replaces that list.
    pub async fn set_subscribed_filters(&self, filters: Vec<String>) -> Result<(), StoreError> {
        self.write(move |tx| facts::write(tx, FILTERS, &filters.join("\n"))).await
    }

    /// The list of our retained topics.
    #[cfg(feature = "demo")]
    pub async fn retained_topics(&self) -> Result<Vec<String>, StoreError> {
        self.write(|tx| {
            Ok(facts::read(tx, RETAINED_TOPICS)?.unwrap_or_default().lines().map(str::to_owned).collect())
        })
        .await
    }

    /// Sets the list of our retained topics, and clears at the broker those of the last run that are no longer ours.
    pub async fn set_retained_topics(&self, ours: Vec<String>) -> Result<(), StoreError> {
        self.write(move |tx| {
            for topic in &ours {
                outbox::keep(tx, topic)?;
            }
            let before = facts::read(tx, RETAINED_TOPICS)?.unwrap_or_default();
            for gone in before.lines().filter(|old| !ours.iter().any(|topic| topic == old)) {
                outbox::clear(tx, gone)?;
            }
            facts::write(tx, RETAINED_TOPICS, &ours.join("\n"))
        })
        .await
    }
    /// Sets the list of what is announced to Home Assistant; what of it was announced before on the same topics and is
    /// not any more. That stays on the list: who was away hears of it later.
    pub async fn set_announced(&self, ours: Vec<Announced>) -> Result<Vec<Announced>, StoreError> {
        self.write(move |tx| {
            let before = facts::read(tx, ANNOUNCED)?.unwrap_or_default();
            let has_topic = |topic: &str| ours.iter().any(|own| own.topic == topic);
            let has = |old: &Announced| {
                ours.iter().any(|own| (&own.topic, &own.component) == (&old.topic, &old.component))
            };
            let gone: Vec<Announced> = before
                .lines()
                .filter_map(read_announced)
                .filter(|old| has_topic(&old.topic) && !has(old))
                .collect();
            let lines: Vec<String> = ours.iter().chain(&gone).map(announced_line).collect();
            facts::write(tx, ANNOUNCED, &lines.join("\n"))?;
            Ok(gone)
        })
        .await
    }
}

/// No topic, and no name of an entity, has a control character.
fn announced_line(announced: &Announced) -> String {
    let Announced { topic, component, platform } = announced;
    format!("{topic}\t{component}\t{platform}")
}

fn read_announced(line: &str) -> Option<Announced> {
    let mut fields = line.split('\t').map(str::to_owned);
    let (topic, component, platform) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Announced { topic, component, platform })
}
