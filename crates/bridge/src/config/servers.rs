//! The addresses of `[mqtt] url`.

use serde::Deserialize;

use super::settings::Server;

/// Addresses of one cluster: an array, or one text with commas between them, as an environment variable has to be.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected \"mqtt://HOST:PORT\", or an array of them")]
pub(super) enum Urls {
    /// One address, or several with commas.
    One(String),
    /// One or several.
    Many(Vec<String>),
}

impl Urls {
    /// Whether the addresses are encrypted, and each as host and port.
    pub(super) fn into_servers(self) -> Result<(bool, Vec<Server>), String> {
        let urls: Vec<&str> = match &self {
            Urls::One(text) => text.split(',').map(str::trim).collect(),
            Urls::Many(texts) => texts.iter().map(String::as_str).collect(),
        };
        let mut servers = Vec::new();
        let mut encrypted = None;
        for url in urls {
            let is_encrypted = match url.split_once("://") {
                Some(("mqtt", _)) => false,
                Some(("mqtts", _)) => true,
                _ => {
                    return Err(format!("mqtt.url: {url:?}: expected mqtt://HOST:PORT or mqtts://HOST:PORT"));
                }
            };
            if *encrypted.get_or_insert(is_encrypted) != is_encrypted {
                return Err(
                    "mqtt.url: the addresses of one cluster are all mqtt:// or all mqtts://".to_owned()
                );
            }
            let rest = url.split_once("://").map_or("", |(_, rest)| rest).trim_end_matches('/');
            let (host, port) = split_host(rest, if is_encrypted { 8883 } else { 1883 })
                .ok_or_else(|| format!("mqtt.url: {url:?}: expected a host and a port from 1 to 65535"))?;
            servers.push(Server { host, port });
        }
        match encrypted {
            Some(encrypted) => Ok((encrypted, servers)),
            None => Err("mqtt.url: expected at least one address".to_owned()),
        }
    }
}

fn split_host(rest: &str, default_port: u16) -> Option<(String, u16)> {
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok().filter(|p| *p > 0)?),
        _ => (rest, default_port),
    };
    (!host.is_empty() && !host.contains(['/', '@'])).then(|| (host.to_owned(), port))
}
