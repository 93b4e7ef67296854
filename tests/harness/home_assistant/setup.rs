//! Owns the files that make a Home Assistant one that was set up already: an owner, a token, and MQTT as its integration.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

use crate::harness::broker::Login;

const LONG_AGO: &str = "2026-01-01T00:00:00+00:00";

/// Ten years, in seconds.
const TOKEN_LIFE: u64 = 315_360_000;

/// Only names and secrets of this one loopback server, which lives as long as its test.
const OWNER: &str = "0123456789abcdef0123456789abcdef";
const SESSION: &str = "fedcba9876543210fedcba9876543210";
const TOKEN_KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// What the integrations that are always on need is there; `default_config` would bring dozens more.
const CONFIGURATION: &str = "\
homeassistant:
  name: test
  latitude: 48.1
  longitude: 11.6
  elevation: 500
  unit_system: metric
  time_zone: Europe/Berlin
  country: DE
  language: en
api:
websocket_api:
config:
logger:
  default: info
  logs:
    homeassistant.components.mqtt.client: debug
  filters:
    homeassistant.components.mqtt.client: ['register write']
automation: !include automations.yaml
script: !include scripts.yaml
";

/// How it reaches the broker.
pub struct Mqtt<'a> {
    pub port: u16,
    pub login: Option<&'a Login>,
    /// The topic prefix it looks for devices on.
    pub prefix: &'a str,
}

/// Writes all of it into the empty `folder`; returns the token for the API.
pub fn write(folder: &Path, http_port: u16, mqtt: &Mqtt) -> String {
    fs::create_dir_all(folder.join(".storage")).expect("a folder for Home Assistant");
    write_store(folder, "auth", (1, 1), &auth());
    write_store(
        folder,
        "onboarding",
        (4, 1),
        &json!({"done": ["user", "core_config", "analytics", "integration"]}),
    );
    write_store(
        folder,
        "core.analytics",
        (1, 1),
        &json!({"onboarded": true, "preferences": {}, "uuid": null}),
    );
    write_store(folder, "core.config_entries", (1, 5), &json!({"entries": entries(mqtt)}));
    write_store(folder, "http", (3, 1), &http(http_port));
    fs::write(folder.join("configuration.yaml"), CONFIGURATION).expect("a configuration");
    fs::write(folder.join("automations.yaml"), "[]\n").expect("a list of automations");
    fs::write(folder.join("scripts.yaml"), "{}\n").expect("a list of scripts");
    token()
}

fn write_store(folder: &Path, key: &str, (version, minor): (u8, u8), data: &Value) {
    let store = json!({"version": version, "minor_version": minor, "key": key, "data": data});
    fs::write(folder.join(".storage").join(key), store.to_string()).expect("a file of Home Assistant's");
}

fn auth() -> Value {
    json!({
        "users": [{
            "id": OWNER, "group_ids": ["system-admin"], "is_owner": true, "is_active": true, "name": "test",
            "system_generated": false, "local_only": false,
        }],
        "groups": [
            {"id": "system-admin", "name": "Administrators"},
            {"id": "system-users", "name": "Users"},
            {"id": "system-read-only", "name": "Read Only"},
        ],
        "credentials": [],
        "refresh_tokens": [{
            "id": SESSION, "user_id": OWNER, "client_id": null, "client_name": "test", "client_icon": null,
            "token_type": "long_lived_access_token", "created_at": LONG_AGO, "access_token_expiration": TOKEN_LIFE as f64,
            "token": TOKEN_KEY, "jwt_key": TOKEN_KEY, "last_used_at": null, "last_used_ip": null,
            "expire_at": null, "credential_id": null, "version": null,
        }],
    })
}

/// A JSON web token as Home Assistant issues it, signed with the key above.
fn token() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    let encode = |json: Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let head = encode(json!({"alg": "HS256", "typ": "JWT"}));
    let claims = encode(json!({"iss": SESSION, "iat": now, "exp": now + TOKEN_LIFE}));
    let signed = format!("{head}.{claims}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, TOKEN_KEY.as_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn entries(mqtt: &Mqtt) -> Vec<Value> {
    let mut data = json!({"broker": "127.0.0.1", "port": mqtt.port, "protocol": "5"});
    if let Some(Login { user, password }) = mqtt.login {
        data["username"] = json!(user);
        data["password"] = json!(password);
    }
    let mut broker = entry("mqtt", (2, 1), "user");
    broker["data"] = data;
    broker["options"] = json!({"discovery": true, "discovery_prefix": mqtt.prefix});
    // Both would look for hosts on the Internet; switched off they are quiet.
    let quiet = ["marketplace", "analytics"].map(|domain| {
        let mut entry = entry(domain, (1, 1), "system");
        entry["disabled_by"] = json!("user");
        entry
    });
    [broker].into_iter().chain(quiet).collect()
}

fn entry(domain: &str, (version, minor): (u8, u8), source: &str) -> Value {
    json!({
        "entry_id": format!("{domain:0<32}"), "domain": domain, "title": domain, "source": source,
        "version": version, "minor_version": minor, "created_at": LONG_AGO, "modified_at": LONG_AGO,
        "data": {}, "options": {}, "discovery_keys": {}, "subentries": [], "unique_id": null, "disabled_by": null,
        "pref_disable_new_entities": false, "pref_disable_polling": false,
    })
}

/// Settings of the web server. In the configuration file they would be on trial for five minutes only.
fn http(port: u16) -> Value {
    json!({
        "stable": {
            "server_host": ["127.0.0.1"], "server_port": port, "cors_allowed_origins": [],
            "login_attempts_threshold": -1, "ip_ban_enabled": false, "ssl_profile": "intermediate_v6",
            "use_x_frame_options": true, "created_at": LONG_AGO, "error": null, "error_message": null,
        },
        "pending": null,
        "yaml_migration_done": true,
    })
}
