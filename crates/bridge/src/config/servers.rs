//! The addresses of `[mqtt] url`.

use super::settings::Server;
use super::texts::Texts;

/// Whether TLS is asked for, and the addresses of one cluster. No message holds any of it: where user name
/// and password stand in it, or it is cut short, anything may be the password.
pub(super) fn servers(urls: &Texts) -> Result<(bool, Vec<Server>), String> {
    let addresses = urls.each().into_iter().map(address).collect::<Result<Vec<_>, _>>()?;
    let encrypted = match addresses.first() {
        Some((encrypted, _)) => *encrypted,
        None => return Err("expected at least one address".to_owned()),
    };
    if addresses.iter().any(|(other, _)| *other != encrypted) {
        return Err("the addresses of one cluster are all mqtt:// or all mqtts://".to_owned());
    }
    Ok((encrypted, addresses.into_iter().map(|(_, server)| server).collect()))
}

/// Whether this is the address of a broker; `Err` says what was expected.
#[cfg(feature = "demo")]
pub fn check_url(url: &str) -> Result<(), String> {
    address(url).map(drop)
}

fn address(url: &str) -> Result<(bool, Server), String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    if url.contains('@') {
        return Err(
            "a user name or password stands in it; they have keys of their own: [mqtt] username, and \
                    password_file or password"
                .to_owned(),
        );
    }
    let encrypted = match scheme {
        "mqtt" => false,
        "mqtts" => true,
        _ => return Err("expected mqtt://HOST:PORT or mqtts://HOST:PORT".to_owned()),
    };
    let (host, port) = split_host(rest.trim_end_matches('/'), if encrypted { 8883 } else { 1883 })
        .ok_or("expected a host and a port from 1 to 65535, and nothing behind them")?;
    Ok((encrypted, Server { host, port }))
}

fn split_host(rest: &str, default_port: u16) -> Option<(String, u16)> {
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok().filter(|p| *p > 0)?),
        _ => (rest, default_port),
    };
    // A colon belongs to an address in brackets alone; before one without stands a user name.
    let is_host = !host.is_empty() && !host.contains('/') && (host.starts_with('[') || !host.contains(':'));
    is_host.then(|| (host.to_owned(), port))
}
