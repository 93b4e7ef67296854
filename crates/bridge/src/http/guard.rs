//! Who may do what: pure, from a request's head to a verdict.
//!
//! Reading is free for programs of this machine that call it by a name of this machine. All else needs the token, as
//! `Authorization: Bearer` or by the cookie that was given for it. What a page of somebody else's asks for is refused,
//! whatever the browser sends along. docs/security.md says the same in other words.

use std::net::IpAddr;

use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN, REFERER};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use ipnet::IpNet;

use super::client::{Client, is_same, one};
use super::token::Token;
use crate::config::Http;
use crate::message::Name;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// How long a browser keeps the cookie: about the longest that browsers allow.
const COOKIE_SECONDS: u32 = 400 * 24 * 3600;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not say whom it is for, or says it twice.
    NoHost,
    /// A page of somebody else's asks.
    Foreign,
    /// It needs the token, and has none.
    NoToken,
    /// Its token is another one.
    WrongToken,
    /// It needs the token, and no token is configured.
    Closed,
}

impl Refusal {
    /// How HTTP says it.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Refusal::NoHost => StatusCode::BAD_REQUEST,
            Refusal::Foreign | Refusal::Closed => StatusCode::FORBIDDEN,
            Refusal::NoToken | Refusal::WrongToken => StatusCode::UNAUTHORIZED,
        }
    }

    /// What was wrong, and what to try.
    pub(super) fn words(self) -> &'static str {
        match self {
            Refusal::NoHost => "one Host header is needed, with the name or address of the gateway",
            Refusal::Foreign => {
                "this was asked by a page of another origin; behind a reverse proxy, name the proxy in [http] \
                 trusted_proxy and let it pass X-Forwarded-Host"
            }
            Refusal::NoToken => {
                "the token is needed, as Authorization: Bearer TOKEN: without it there is only reading, on this machine, \
                 at 127.0.0.1 or localhost"
            }
            Refusal::WrongToken => "this is not the token of [http] token or token_file",
            Refusal::Closed => {
                "a token is needed, and none is configured: set [http] token_file; without it there is only reading, \
                 on this machine, at 127.0.0.1 or localhost"
            }
        }
    }
}

/// What lies behind a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Something without data of anybody's: the page's own files, without which nobody could log in.
    Public,
    /// Data.
    Private,
}

/// What a request is for. Whatever is not GET or HEAD may change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Read,
    /// A change, and our own page says that it asks for it.
    PageChange,
    /// A change, and nobody says who asks: a browser sends cookies along whoever does.
    Change,
}

/// The head of a request, and who is at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    /// The other end.
    pub(super) peer: IpAddr,
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
}

/// Judges requests.
pub(super) struct Guard {
    token: Option<Token>,
    trusted: Vec<IpNet>,
    /// Of a gateway's own, for browsers keep the cookies of one host together, whatever the port.
    cookie_name: String,
}

impl Guard {
    /// For the gateway of that name.
    pub(super) fn new(config: &Http, name: &Name) -> Guard {
        Guard {
            token: config.token.as_ref().map(Token::new),
            trusted: config.trusted_proxies.clone(),
            cookie_name: format!("smsbridge_{name}"),
        }
    }

    /// Whether a request may be answered.
    pub(super) fn judge(&self, head: Head<'_>, access: Access) -> Result<Client, Refusal> {
        let client = Client::of(head.peer, head.uri, head.headers, &self.trusted).ok_or(Refusal::NoHost)?;
        let has_origin = head.headers.contains_key(ORIGIN);
        if has_origin && !is_own(head.headers, &client.host) || is_foreign_fetch(head.headers) {
            return Err(Refusal::Foreign);
        }
        let asks = if matches!(*head.method, Method::GET | Method::HEAD) {
            Asks::Read
        } else if has_origin {
            Asks::PageChange
        } else {
            Asks::Change
        };
        if access == Access::Public && asks == Asks::Read {
            return Ok(client);
        }
        self.admit(head.headers, &client, asks).map(|()| client)
    }

    /// Whether whoever asks this, which was let pass, may read.
    pub(super) fn may_read(&self, headers: &HeaderMap, client: &Client) -> Result<(), Refusal> {
        self.admit(headers, client, Asks::Read)
    }

    /// Whether whoever asks this, which was let pass, may change something by our page.
    pub(super) fn may_change(&self, headers: &HeaderMap, client: &Client) -> Result<(), Refusal> {
        self.admit(headers, client, Asks::PageChange)
    }

    /// Whether who asks for data has what it takes.
    fn admit(&self, headers: &HeaderMap, client: &Client, asks: Asks) -> Result<(), Refusal> {
        let is_free = asks == Asks::Read && client.is_local() && !is_from_elsewhere(headers, &client.host);
        let Some(token) = &self.token else {
            return if is_free { Ok(()) } else { Err(Refusal::Closed) };
        };
        // Another scheme is between the client and its proxy.
        let bearers: Vec<&[u8]> =
            headers.get_all(AUTHORIZATION).iter().filter_map(|value| bearer(value.as_bytes())).collect();
        if !bearers.is_empty() {
            let are_right =
                bearers.iter().all(|text| std::str::from_utf8(text).is_ok_and(|text| token.is(text)));
            return if are_right { Ok(()) } else { Err(Refusal::WrongToken) };
        }
        let is_known = asks != Asks::Change && self.has_cookie(token, headers);
        if is_known || is_free { Ok(()) } else { Err(Refusal::NoToken) }
    }

    /// The header that gives a client the cookie; none without a token.
    pub(super) fn cookie(&self, client: &Client) -> Option<String> {
        self.token.as_ref().map(|token| self.set_cookie(client, &token.cookie(), COOKIE_SECONDS))
    }

    /// The header that takes the cookie away.
    pub(super) fn no_cookie(&self, client: &Client) -> String {
        self.set_cookie(client, "", 0)
    }

    /// Without a path: below the address of the page, which behind a proxy is not the top.
    fn set_cookie(&self, client: &Client, value: &str, seconds: u32) -> String {
        let secure = if client.is_https { "; Secure" } else { "" };
        format!("{}={value}; Max-Age={seconds}; SameSite=Strict; HttpOnly{secure}", self.cookie_name)
    }

    fn has_cookie(&self, token: &Token, headers: &HeaderMap) -> bool {
        let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        lines.flat_map(|line| line.split(';')).any(|pair| {
            pair.trim()
                .split_once('=')
                .is_some_and(|(name, value)| name == self.cookie_name && token.is_cookie(value))
        })
    }
}

/// Whether the page that asks is one of ours.
fn is_own(headers: &HeaderMap, host: &Authority) -> bool {
    let Some(origin) = one(headers, &ORIGIN) else { return false };
    let origin = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    origin.and_then(|origin| origin.parse().ok()).is_some_and(|origin| is_same(&origin, host))
}

/// Whether a browser says that another page asks. To follow a link from there is no harm: it shows nothing to that page.
fn is_foreign_fetch(headers: &HeaderMap) -> bool {
    headers.contains_key(FETCH_SITE)
        && !one(headers, &FETCH_SITE).is_some_and(|site| matches!(site, "same-origin" | "none"))
        && one(headers, &FETCH_MODE) != Some("navigate")
}

/// Whether a page that is shown under another name asks: of a proxy on this machine that does not say that it is one.
fn is_from_elsewhere(headers: &HeaderMap, host: &Authority) -> bool {
    if !headers.contains_key(REFERER) {
        return false;
    }
    let page = one(headers, &REFERER).and_then(|page| page.parse::<Uri>().ok());
    !page.is_some_and(|page| page.authority().is_some_and(|page| is_same(page, host)))
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}
