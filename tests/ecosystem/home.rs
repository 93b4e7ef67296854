//! Owns what most tests with Home Assistant run on: a rig that announces itself, and a Home Assistant at its broker, which
//! logs in as the shipped access list has it and, when the test ends, has nothing to complain about.

use std::collections::BTreeSet;
use std::ops::Deref;

use serde_json::Value;

use crate::harness::broker::Login;
use crate::harness::gateway::Config;
use crate::harness::home_assistant::HomeAssistant;
use crate::harness::home_assistant::api::Api;
use crate::harness::home_assistant::setup::Mqtt;
use crate::harness::home_assistant::websocket::Connection;
use crate::harness::modem::ModemOptions;
use crate::harness::rig::{Rig, RigOptions};
use crate::harness::wait::wait_for;

pub const ANNA: &str = "+4915112345678";

/// Fields end in this order.
pub struct Home {
    pub ha: HomeAssistant,
    pub rig: Rig,
}

impl Home {
    /// All its entities are there and its events heard when this returns.
    pub fn start(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_modem(ModemOptions::default(), change)
    }

    /// The same with another modem.
    pub fn with_modem(modem: ModemOptions, change: impl FnOnce(&mut Config)) -> Self {
        let login = Login { user: "homeassistant".to_owned(), password: "of the house".to_owned() };
        let options = RigOptions { modem, login: Some(login.clone()) };
        let mut rig = Rig::prepare_with(options, |config| {
            config.set("homeassistant", "discovery", true);
            contact(config, "Anna", &[ANNA]);
            change(config);
        });
        rig.start_gateway();
        let mqtt = Mqtt { port: rig.broker.port, login: Some(&login), prefix: "homeassistant" };
        let mut ha = HomeAssistant::prepare(&mqtt);
        ha.start();
        let home = Self { ha, rig };
        home.wait_until_shown();
        home
    }

    /// Waits until it shows the modem as online, and hears what is not retained.
    pub fn wait_until_shown(&self) {
        self.wait_for_state("sensor.sms_main_registration", "home");
        self.wait_for_state("binary_sensor.sms_main_connection", "on");
        for topic in ["sms/received/main", "sms/result", "sms/call/main"] {
            self.ha.wait_until_subscribed(topic);
        }
    }

    /// Hears from now on what its events fire.
    pub fn hear(&self) -> Fired {
        Fired { connection: self.ha.api.events("state_changed") }
    }
}

/// What people do there is what most tests are about.
impl Deref for Home {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.ha.api
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.ha.assert_no_complaints();
        }
    }
}

/// Adds a contact with one number or several.
pub fn contact(config: &mut Config, name: &str, numbers: &[&str]) {
    config.add("contact", &format!("name = {name:?}\nnumbers = {numbers:?}"));
}

/// The events that fired, of all entities. Home Assistant waits for it when it stops: drop it before.
pub struct Fired {
    connection: Connection,
}

impl Fired {
    /// The attributes of each event that this entity fired, in order.
    pub fn of(&mut self, entity: &str) -> Vec<Value> {
        // An event is a state with another time; the same one again is an entity that came back.
        let mut times = BTreeSet::new();
        let mut fired = Vec::new();
        for event in self.connection.events() {
            let (old, new) = (&event["data"]["old_state"], &event["data"]["new_state"]);
            if event["data"]["entity_id"] != entity {
                continue;
            }
            times.insert(old["state"].to_string());
            if times.insert(new["state"].to_string()) && new["attributes"]["event_type"].is_string() {
                fired.push(new["attributes"].clone());
            }
        }
        fired
    }

    /// Waits until one fired that satisfies `is_it`; its attributes.
    pub fn wait_for(&mut self, entity: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        wait_for(&format!("{what} on {entity}"), || self.of(entity).into_iter().find(&is_it))
    }
}
