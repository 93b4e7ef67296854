//! Who asks, and by which name: from the connection, the request's head, and what a trusted proxy says of them.
//!
//! Pure. Whatever is missing, doubled or cannot be read makes a client unknown, which opens nothing.

use std::net::IpAddr;

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Uri};
use ipnet::IpNet;

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What proxies add; from somebody who is not trusted it says that the client is another one.
const OF_PROXIES: [HeaderName; 5] = [
    HeaderName::from_static("x-forwarded-for"),
    FORWARDED_HOST,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("via"),
];

/// The client of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Client {
    /// Whether it is a program of this machine, and no proxy's client.
    pub(super) is_here: bool,
    /// The name it calls us by, with the port where it is written.
    pub(super) host: Authority,
    /// Whether it speaks TLS with a trusted proxy.
    pub(super) is_https: bool,
}

impl Client {
    /// The client behind a connection from `peer`; none where the request does not say whom it is for.
    pub(super) fn of(peer: IpAddr, uri: &Uri, headers: &HeaderMap, trusted: &[IpNet]) -> Option<Client> {
        let peer = peer.to_canonical();
        let written = authority(headers, &HOST)?;
        if uri.authority().is_some_and(|other| !is_same(other, &written)) {
            return None;
        }
        if !trusted.iter().any(|network| network.contains(&peer)) {
            let is_forwarded = OF_PROXIES.iter().any(|name| headers.contains_key(name));
            let is_here = peer.is_loopback() && !is_forwarded;
            return Some(Client { is_here, host: written, is_https: false });
        }
        let host = match headers.contains_key(FORWARDED_HOST) {
            true => authority(headers, &FORWARDED_HOST)?,
            false => written,
        };
        let is_https =
            one(headers, &FORWARDED_PROTO).is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
        // Whoever is behind a proxy, it may have been told anything about them.
        Some(Client { is_here: false, host, is_https })
    }

    /// Whether it is a program of this machine that calls us by a name of this machine: a page elsewhere whose name
    /// was made to lead here is called by that name.
    pub(super) fn is_local(&self) -> bool {
        self.is_here && is_local_name(self.host.host())
    }
}

fn is_local_name(host: &str) -> bool {
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || literal.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether two names with ports are the same.
pub(super) fn is_same(one: &Authority, other: &Authority) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

/// The only value of a header.
pub(super) fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn authority(headers: &HeaderMap, name: &HeaderName) -> Option<Authority> {
    let authority: Authority = one(headers, name)?.parse().ok()?;
    (!authority.as_str().contains('@') && !authority.host().is_empty()).then_some(authority)
}
