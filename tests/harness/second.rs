//! Owns a second gateway `cellar` with a modem `second` of its own, on the broker of a [`Rig`].

use super::gateway::{Config, Gateway};
use super::modem::{Modem, ModemOptions};
use super::rig::Rig;

pub struct Second {
    pub gateway: Gateway,
    pub modem: Modem,
}

impl Second {
    /// Not yet started.
    pub fn prepare(rig: &Rig, change: impl FnOnce(&mut Config)) -> Self {
        let folder = rig.gateway.folder().join("second");
        std::fs::create_dir_all(&folder).expect("a folder for the second gateway");
        let modem = Modem::start(&folder.join("modem"), &ModemOptions::default());
        let mut config = Config::new(&folder, rig.broker.port, modem.port());
        config.set_root("name", "cellar");
        config.set_modem("name", "second");
        change(&mut config);
        Self { gateway: Gateway::prepare(&folder, &config), modem }
    }

    /// Up and online.
    pub fn start(rig: &Rig, change: impl FnOnce(&mut Config)) -> Self {
        let mut second = Self::prepare(rig, change);
        second.gateway.start();
        for topic in ["sms/gateway/cellar/availability", "sms/modem/second/availability"] {
            rig.client.wait_for_text(topic, "online");
        }
        second
    }
}
