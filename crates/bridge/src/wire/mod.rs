//! The contract on the wire: topics and JSON, as docs/contract.md has them.
//!
//! Pure. The only place that spells a topic or a payload: events and states are rendered when they are published, and
//! requests are read when they arrive. Never decides whether something may be sent.

pub mod caller;
pub mod event;
mod fields;
mod format;
pub mod health;
pub mod history;
pub mod home_assistant;
pub mod page;
pub mod parked;
pub mod received;
pub mod request;
#[cfg(test)]
mod request_tests;
#[cfg(test)]
mod schema;
pub mod state;
#[cfg(unix)]
pub mod status;
pub mod topic;

pub use format::time;
#[cfg(test)]
pub use schema::words;

use self::home_assistant::Discovery;
use self::topic::Topics;
use crate::config::Config;
use crate::event::{Availability, Event, State, Subject};
use crate::store::Publication;

/// Renders what is published below one prefix.
#[derive(Debug, Clone)]
pub struct Wire {
    /// The topics.
    pub topics: Topics,
    /// Whether received messages carry their PDUs.
    pub include_pdu: bool,
    /// What is announced to Home Assistant, where anything is.
    pub discovery: Discovery,
}

/// A message as the broker takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Its topic.
    pub topic: String,
    /// Its payload, UTF-8.
    pub payload: String,
    /// Whether the broker keeps it.
    pub retain: bool,
    /// MQTT 5 correlation data.
    pub correlation: Option<Vec<u8>>,
}

impl Publish {
    /// An upper bound of the octets its PUBLISH packet takes.
    pub fn max_packet_size(&self) -> usize {
        // Fixed header, lengths, packet identifier and properties take less than 64.
        self.topic.len() + self.payload.len() + self.correlation.as_ref().map_or(0, Vec::len) + 64
    }
}

impl Wire {
    /// As the configuration says.
    pub fn new(config: &Config) -> Wire {
        let contacts = config.contacts.iter().map(|contact| contact.name.clone()).collect();
        let discovery = Discovery::new(&config.home_assistant.prefix, config.mqtt.retain_last, contacts);
        Wire {
            topics: Topics::new(&config.mqtt.prefix, &config.name),
            include_pdu: config.inbound.include_pdu,
            discovery,
        }
    }

    /// A row of the outbox.
    pub fn publication(&self, publication: &Publication) -> Publish {
        let publish = |topic, payload| Publish { topic, payload, retain: false, correlation: None };
        match publication {
            Publication::Event(event) => publish(self.topics.of_event(event), self.event(event)),
            Publication::Last(message) => {
                let payload = received::received(message, self.include_pdu);
                Publish { retain: true, ..publish(self.topics.last(&message.modem), payload) }
            }
            Publication::Reply(result, reply_to) => Publish {
                correlation: reply_to.correlation.clone(),
                ..publish(reply_to.topic.clone(), event::result(result))
            },
            Publication::Clear { topic } => Publish { retain: true, ..publish(topic.clone(), String::new()) },
        }
    }

    /// The payload of an event.
    pub fn event(&self, event: &Event) -> String {
        match event {
            Event::Received(message) => received::received(message, self.include_pdu),
            Event::Result(result) => event::result(result),
            Event::Call(call) => event::call(call),
            Event::Broadcast(broadcast) => event::broadcast(broadcast),
            Event::UssdReply(reply) => event::ussd_reply(reply),
        }
    }

    /// What the broker publishes when it loses the gateway.
    pub fn last_will(&self) -> Publish {
        self.state(&State::Availability(Subject::Gateway, Availability::Offline))
    }

    /// A retained state.
    pub fn state(&self, state: &State) -> Publish {
        let topics = &self.topics;
        let (topic, payload) = match state {
            State::Modem(modem) => (topics.modem(&modem.modem), state::modem(modem)),
            State::Gateway(gateway) => (topics.gateway(), state::gateway(gateway)),
            State::Availability(subject, availability) => {
                (topics.availability(subject), state::availability(*availability).to_owned())
            }
            State::Announcement(announcement) => {
                let payload = self.discovery.payload(topics, announcement);
                (self.discovery.topic(topics, announcement), payload)
            }
        };
        Publish { topic, payload, retain: true, correlation: None }
    }
}
