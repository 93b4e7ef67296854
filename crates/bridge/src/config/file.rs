//! The configuration as it is written: one struct per table, with its defaults. What the keys mean is in `keys.rs`.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::settings::{HookEvent, MessageExpiry, OnStale, OnUnknown};
use super::texts::Texts;

#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) trace: String,
    pub(super) trace_unmasked: bool,
    pub(super) mqtt: MqttTable,
    pub(super) modem: Vec<ModemTable>,
    pub(super) store: StoreTable,
    pub(super) inbound: InboundTable,
    pub(super) outbound: OutboundTable,
    pub(super) contact: Vec<ContactTable>,
    pub(super) ussd: UssdTable,
    pub(super) homeassistant: HomeAssistantTable,
    pub(super) http: HttpTable,
    pub(super) rule: Vec<RuleTable>,
    pub(super) hook: Vec<HookTable>,
}

impl Default for File {
    fn default() -> Self {
        File {
            name: "gateway".to_owned(),
            trace: String::new(),
            trace_unmasked: false,
            mqtt: MqttTable::default(),
            modem: Vec::new(),
            store: StoreTable::default(),
            inbound: InboundTable::default(),
            outbound: OutboundTable::default(),
            contact: Vec::new(),
            ussd: UssdTable::default(),
            homeassistant: HomeAssistantTable::default(),
            http: HttpTable::default(),
            rule: Vec::new(),
            hook: Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MqttTable {
    pub(super) url: Texts,
    pub(super) username: Option<String>,
    #[serde(skip_serializing)]
    pub(super) password: Option<SecretString>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) client_cert: Option<PathBuf>,
    pub(super) client_key: Option<PathBuf>,
    pub(super) prefix: String,
    pub(super) share: String,
    pub(super) retain_last: bool,
    pub(super) response_prefix: String,
    pub(super) on_stale: OnStale,
}

impl Default for MqttTable {
    fn default() -> Self {
        MqttTable {
            url: Texts::One("mqtt://localhost:1883".to_owned()),
            username: None,
            password: None,
            password_file: None,
            ca_file: None,
            client_cert: None,
            client_key: None,
            prefix: "sms".to_owned(),
            share: String::new(),
            retain_last: true,
            response_prefix: "answers/".to_owned(),
            on_stale: OnStale::Reject,
        }
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ModemTable {
    pub(super) name: String,
    pub(super) port: String,
    pub(super) baud: u32,
    #[serde(skip_serializing)]
    pub(super) pin: Option<SecretString>,
    pub(super) pin_file: Option<PathBuf>,
    pub(super) imei: String,
    pub(super) service_center: String,
    pub(super) profile: String,
    pub(super) init: Vec<String>,
    pub(super) reset: Option<String>,
    pub(super) hang_up: bool,
    pub(super) broadcast: Vec<String>,
}

impl Default for ModemTable {
    fn default() -> Self {
        ModemTable {
            name: "main".to_owned(),
            port: "auto".to_owned(),
            baud: 115_200,
            pin: None,
            pin_file: None,
            imei: String::new(),
            service_center: String::new(),
            profile: String::new(),
            init: Vec::new(),
            reset: None,
            hang_up: false,
            broadcast: Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StoreTable {
    pub(super) path: String,
    pub(super) keep_days: u32,
}

impl Default for StoreTable {
    fn default() -> Self {
        StoreTable { path: String::new(), keep_days: 30 }
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct InboundTable {
    pub(super) reassembly_timeout_s: u32,
    pub(super) include_pdu: bool,
    pub(super) deny: Vec<String>,
}

impl Default for InboundTable {
    fn default() -> Self {
        InboundTable { reassembly_timeout_s: 3600, include_pdu: false, deny: Vec::new() }
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OutboundTable {
    pub(super) delivery_report: bool,
    pub(super) report_timeout_s: u32,
    pub(super) ttl_s: u32,
    pub(super) on_unknown: OnUnknown,
    pub(super) default_country: String,
    pub(super) allow: Vec<String>,
    pub(super) deny: Vec<String>,
    pub(super) short_codes: Vec<String>,
    pub(super) max_parts: u8,
    pub(super) max_recipients: u32,
    pub(super) message_expiry: MessageExpiry,
    pub(super) per_minute: u32,
    pub(super) per_day: u32,
}

impl Default for OutboundTable {
    fn default() -> Self {
        OutboundTable {
            delivery_report: false,
            report_timeout_s: 86_400,
            ttl_s: 86_400,
            on_unknown: OnUnknown::Resend,
            default_country: String::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            short_codes: Vec::new(),
            max_parts: 10,
            max_recipients: 100,
            message_expiry: MessageExpiry::Honour,
            per_minute: 30,
            per_day: 1000,
        }
    }
}

/// A name has to be given, and either a number or several.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ContactTable {
    pub(super) name: Option<String>,
    pub(super) number: Option<String>,
    pub(super) numbers: Option<Vec<String>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct UssdTable {
    pub(super) allow: Vec<String>,
    pub(super) per_day: u32,
}

impl Default for UssdTable {
    fn default() -> Self {
        UssdTable { allow: Vec::new(), per_day: 50 }
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HomeAssistantTable {
    pub(super) discovery: bool,
    pub(super) prefix: String,
}

impl Default for HomeAssistantTable {
    fn default() -> Self {
        HomeAssistantTable { discovery: false, prefix: "homeassistant".to_owned() }
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HttpTable {
    pub(super) listen: String,
    #[serde(skip_serializing)]
    pub(super) token: Option<SecretString>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) trusted_proxy: Texts,
}

/// A name and a match have to be given.
#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RuleTable {
    pub(super) name: Option<String>,
    pub(super) r#match: Option<String>,
    pub(super) reply: Option<String>,
    pub(super) replies_per_hour: u32,
    pub(super) reply_max_age_h: u32,
}

impl Default for RuleTable {
    fn default() -> Self {
        RuleTable { name: None, r#match: None, reply: None, replies_per_hour: 6, reply_max_age_h: 24 }
    }
}

/// An event and a command have to be given.
#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HookTable {
    pub(super) on: Option<HookEvent>,
    pub(super) command: Option<Vec<String>>,
    pub(super) timeout_s: u32,
}

impl Default for HookTable {
    fn default() -> Self {
        HookTable { on: None, command: None, timeout_s: 60 }
    }
}
