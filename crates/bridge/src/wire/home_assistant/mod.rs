//! What Home Assistant is told of us by its MQTT discovery (docs/contract.md, "Home Assistant").
//!
//! Pure. A retained message a modem and one for the gateway, each a device with its entities. `device` has the ids that
//! never change, `component` the form of an entity, `modem` and `gateway` which there are. Input: the configuration, what
//! is known of a modem, and what was announced before.

mod component;
mod device;
mod gateway;
mod modem;
#[cfg(test)]
mod tests;

use self::device::{Device, device_id};
use super::topic::Topics;
use crate::event::{Announced, Announcement, ModemIdentity};
use crate::message::Name;

/// What is announced to whom, beside what is known of each modem.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    prefix: String,
    retain_last: bool,
    contacts: Vec<String>,
    gone: Vec<Announced>,
}

impl Discovery {
    /// Discovery below `prefix`, with these contacts. The last message of a modem is retained where `retain_last`.
    pub fn new(prefix: &str, retain_last: bool, contacts: Vec<String>) -> Self {
        Discovery { prefix: prefix.to_owned(), retain_last, contacts, gone: Vec::new() }
    }

    /// Takes back what was announced before and is no more.
    pub fn take_back(&mut self, gone: Vec<Announced>) {
        self.gone = gone;
    }

    /// Where Home Assistant says that it has started.
    pub fn birth(&self) -> String {
        format!("{}/status", self.prefix)
    }

    /// The topics of the gateway and these modems.
    pub fn topics(&self, topics: &Topics, modems: &[Name]) -> Vec<String> {
        self.announcements(modems).iter().map(|announcement| self.topic(topics, announcement)).collect()
    }

    /// All entities of the gateway and these modems.
    pub fn announced(&self, topics: &Topics, modems: &[Name]) -> Vec<Announced> {
        let announced = |announcement: &Announcement| {
            let topic = self.topic(topics, announcement);
            let device = self.device(topics, announcement);
            let announced = device.components().map(|(component, platform)| Announced {
                topic: topic.clone(),
                component: component.to_owned(),
                platform: platform.to_owned(),
            });
            announced.collect::<Vec<_>>()
        };
        self.announcements(modems).iter().flat_map(announced).collect()
    }

    /// The topic of an announcement.
    pub fn topic(&self, topics: &Topics, announcement: &Announcement) -> String {
        format!("{}/device/{}/config", self.prefix, id(topics, announcement))
    }

    /// Its payload.
    pub fn payload(&self, topics: &Topics, announcement: &Announcement) -> String {
        let topic = self.topic(topics, announcement);
        let gone = self.gone.iter().filter(|gone| gone.topic == topic);
        self.device(topics, announcement).payload(gone.map(|gone| (&*gone.component, &*gone.platform)))
    }

    fn announcements(&self, modems: &[Name]) -> Vec<Announcement> {
        let modem = |name: &Name| Announcement::Modem(Box::new(ModemIdentity::unknown(name.clone())));
        [Announcement::Gateway].into_iter().chain(modems.iter().map(modem)).collect()
    }

    fn device(&self, topics: &Topics, announcement: &Announcement) -> Device {
        let id = id(topics, announcement);
        match announcement {
            Announcement::Gateway => gateway::device(topics, id, &self.contacts),
            Announcement::Modem(identity) => {
                let last = match self.retain_last {
                    true => topics.last(&identity.modem),
                    false => topics.received(&identity.modem),
                };
                modem::device(topics, id, gateway_id(topics), identity, &last)
            }
        }
    }
}

fn id(topics: &Topics, announcement: &Announcement) -> String {
    match announcement {
        Announcement::Gateway => gateway_id(topics),
        Announcement::Modem(identity) => device_id(topics.prefix(), "modem", &identity.modem),
    }
}

fn gateway_id(topics: &Topics) -> String {
    device_id(topics.prefix(), "gateway", topics.gateway_name())
}

/// Whether Home Assistant's birth message says that it is there.
pub fn is_birth(payload: &[u8]) -> bool {
    payload == b"online"
}
