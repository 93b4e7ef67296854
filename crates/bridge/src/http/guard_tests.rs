//! The guard: what opens, and that nothing else does, whatever a client sends.

use std::net::IpAddr;

use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use proptest::collection::vec;
use proptest::prelude::*;

use super::client::Client;
use super::guard::{Access, Guard, Head, Refusal};
use crate::config::Http;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const LOCAL: &str = "127.0.0.1:9142";

fn guard(token: Option<&str>, trusted: &[&str]) -> Guard {
    let config = Http {
        listen: LOCAL.parse().unwrap(),
        token: token.map(|token| token.to_owned().into()),
        trusted_proxies: trusted.iter().map(|network| network.parse().unwrap()).collect(),
    };
    Guard::new(&config, &"attic".parse().unwrap())
}

/// A request under construction: by default a read of this machine.
#[derive(Debug, Clone)]
struct Asked {
    peer: IpAddr,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

fn read() -> Asked {
    let asked = Asked {
        peer: "127.0.0.1".parse().unwrap(),
        method: Method::GET,
        uri: "/health/live".parse().unwrap(),
        headers: HeaderMap::new(),
    };
    asked.with("host", LOCAL)
}

fn change() -> Asked {
    Asked { method: Method::POST, ..read() }
}

impl Asked {
    fn from(self, peer: &str) -> Asked {
        Asked { peer: peer.parse().unwrap(), ..self }
    }

    fn with(mut self, name: &str, value: &str) -> Asked {
        let name: HeaderName = name.parse().unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    fn host(mut self, host: &str) -> Asked {
        self.headers.remove(HOST);
        self.with("host", host)
    }

    fn bearer(self) -> Asked {
        self.with("authorization", &format!("Bearer {TOKEN}"))
    }

    fn cookie(self, guard: &Guard) -> Asked {
        self.with("cookie", &cookie(guard))
    }

    fn judged_by(&self, guard: &Guard) -> Result<Client, Refusal> {
        guard.judge(self.head(), Access::Private)
    }

    fn head(&self) -> Head<'_> {
        Head { peer: self.peer, method: &self.method, uri: &self.uri, headers: &self.headers }
    }
}

/// What a browser sends back.
fn cookie(guard: &Guard) -> String {
    let client = read().judged_by(guard).unwrap();
    guard.cookie(&client).unwrap().split(';').next().unwrap().to_owned()
}

fn refused(asked: &Asked, guard: &Guard) -> Option<Refusal> {
    asked.judged_by(guard).err()
}

#[test]
fn a_program_of_this_machine_reads_freely_by_every_name_of_this_machine() {
    for guard in [guard(None, &[]), guard(Some(TOKEN), &[])] {
        for (peer, host) in [
            ("127.0.0.1", LOCAL),
            ("127.0.0.1", "localhost:9142"),
            ("127.0.0.1", "LocalHost"),
            ("127.8.8.8", "127.8.8.8:9142"),
            ("::1", "[::1]:9142"),
            ("::ffff:127.0.0.1", LOCAL),
        ] {
            assert_eq!(refused(&read().from(peer).host(host), &guard), None, "{peer} {host}");
        }
    }
}

#[test]
fn a_name_that_was_made_to_lead_here_opens_nothing() {
    let guard = guard(Some(TOKEN), &[]);
    for host in [
        "evil.example:9142",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "0.0.0.0:9142",
        "localhost.",
    ] {
        let asked = read().host(host);
        assert_eq!(refused(&asked, &guard), Some(Refusal::NoToken), "{host}");
        // Nor does its page: the browser has no cookie for that name, and asks for it by that name.
        let of_page = change().host(host).with("origin", &format!("http://{host}"));
        assert_eq!(refused(&of_page, &guard), Some(Refusal::NoToken), "{host}");
    }
    assert_eq!(refused(&read().host("evil.example"), &self::guard(None, &[])), Some(Refusal::Closed));
}

#[test]
fn what_shows_no_data_is_open_to_whoever_asks_for_it_here_and_to_no_other_page() {
    let public = |asked: &Asked, guard: &Guard| guard.judge(asked.head(), Access::Public).err();
    for guard in [guard(None, &[]), guard(Some(TOKEN), &[])] {
        let elsewhere = read().from("192.168.1.7").host("attic.lan:9142");
        for asked in [
            read(),
            elsewhere.clone(),
            elsewhere.clone().with("origin", "http://attic.lan:9142"),
            elsewhere.clone().with("authorization", "Bearer wrong"),
            elsewhere.clone().with("cookie", "smsbridge_attic=wrong"),
            Asked { method: Method::HEAD, ..elsewhere.clone() },
        ] {
            assert_eq!(public(&asked, &guard), None, "{asked:?}");
        }
        let foreign = elsewhere.clone().with("origin", "http://evil.example");
        assert_eq!(public(&foreign, &guard), Some(Refusal::Foreign));
        let fetched =
            elsewhere.clone().with("sec-fetch-site", "cross-site").with("sec-fetch-mode", "no-cors");
        assert_eq!(public(&fetched, &guard), Some(Refusal::Foreign));
        assert_eq!(public(&elsewhere.clone().with("host", "b.example"), &guard), Some(Refusal::NoHost));
        // It is open for reading: whatever else is asked there needs what it needs elsewhere.
        let post = Asked { method: Method::POST, ..elsewhere };
        assert_eq!(public(&post, &guard), refused(&post, &guard));
        assert!(public(&post, &guard).is_some());
    }
}

#[test]
fn a_page_is_told_what_it_may_do_and_that_is_what_it_may() {
    let (open, closed) = (guard(Some(TOKEN), &[]), guard(None, &[]));
    let elsewhere = read().from("192.168.1.7").host("attic.lan:9142");
    let wrong = "smsbridge_attic=wrong";
    for (guard, asked, reads, sends) in [
        (&open, read(), true, false),
        (&open, elsewhere.clone(), false, false),
        (&open, elsewhere.clone().with("cookie", wrong), false, false),
        (&open, read().cookie(&open), true, true),
        (&open, elsewhere.clone().cookie(&open), true, true),
        (&open, elsewhere.clone().bearer(), true, true),
        (&closed, read(), true, false),
        (&closed, elsewhere.cookie(&open), false, false),
    ] {
        let client = guard.judge(asked.head(), Access::Public).unwrap();
        let may = (guard.may_read(&asked.headers, &client), guard.may_change(&asked.headers, &client));
        assert_eq!((may.0.is_ok(), may.1.is_ok()), (reads, sends), "{asked:?}");
        let host = asked.headers[HOST].to_str().unwrap().to_owned();
        let post = Asked { method: Method::POST, ..asked.clone() }.with("origin", &format!("http://{host}"));
        assert_eq!(may, (asked.judged_by(guard).map(drop), post.judged_by(guard).map(drop)), "{asked:?}");
    }
}

#[test]
fn from_elsewhere_and_for_a_change_the_token_is_needed() {
    let guard = guard(Some(TOKEN), &[]);
    for asked in [read().from("192.168.1.7").host("192.168.1.2:9142"), read().from("192.168.1.7"), change()] {
        assert_eq!(refused(&asked, &guard), Some(Refusal::NoToken), "{asked:?}");
        assert_eq!(refused(&asked.clone().bearer(), &guard), None, "{asked:?}");
        let wrong = asked.clone().with("authorization", "Bearer 0123456789abcdef0123456789abcdeX");
        assert_eq!(refused(&wrong, &guard), Some(Refusal::WrongToken), "{asked:?}");
        assert_eq!(refused(&wrong.bearer(), &guard), Some(Refusal::WrongToken), "one of two is wrong");
        assert_eq!(refused(&asked, &self::guard(None, &[])), Some(Refusal::Closed), "{asked:?}");
        assert_eq!(refused(&asked.bearer(), &self::guard(None, &[])), Some(Refusal::Closed));
    }
    let wrong = read().with("authorization", "Bearer wrong");
    assert_eq!(
        refused(&wrong, &guard),
        Some(Refusal::WrongToken),
        "a mistake is told, where it would not matter too"
    );
    assert_eq!(refused(&read().with("authorization", "Basic d2hvOndoYXQ="), &guard), None, "a proxy's own");
}

#[test]
fn a_cookie_stands_for_the_token_on_our_own_pages_alone() {
    let guard = guard(Some(TOKEN), &[]);
    let away = |asked: Asked| asked.from("192.168.1.7").host("attic.lan:9142").cookie(&guard);
    assert_eq!(refused(&away(read()), &guard), None);
    assert_eq!(refused(&away(change()).with("origin", "http://attic.lan:9142"), &guard), None);
    assert_eq!(refused(&away(change()), &guard), Some(Refusal::NoToken), "a browser would say who asks");
    for origin in
        ["http://evil.example", "http://attic.lan:8080", "http://attic.lan", "null", "", "attic.lan:9142"]
    {
        for asked in [read(), change()] {
            let asked = away(asked).with("origin", origin);
            assert_eq!(refused(&asked, &guard), Some(Refusal::Foreign), "{origin:?}");
            assert_eq!(refused(&asked.bearer(), &guard), Some(Refusal::Foreign), "{origin:?}");
        }
    }
    let twice =
        away(change()).with("origin", "http://attic.lan:9142").with("origin", "http://attic.lan:9142");
    assert_eq!(refused(&twice, &guard), Some(Refusal::Foreign));
    let other = self::guard(Some("fedcba9876543210"), &[]);
    assert_eq!(refused(&away(read()), &other), Some(Refusal::NoToken), "the token was changed");
    let among =
        read().host("attic.lan").with("cookie", &format!("a=b; smsbridge_other=x; {}; c", cookie(&guard)));
    assert_eq!(refused(&among, &guard), None);
}

#[test]
fn the_cookie_is_strict_and_no_script_sees_it() {
    let guard = guard(Some(TOKEN), &["10.0.0.1/32"]);
    let given = |asked: Asked| guard.cookie(&asked.judged_by(&guard).unwrap()).unwrap();
    let plain = given(read());
    assert!(
        plain.starts_with("smsbridge_attic=") && plain.ends_with("; SameSite=Strict; HttpOnly"),
        "{plain}"
    );
    assert!(!plain.contains(TOKEN) && !plain.contains("Path"), "{plain}");
    let proxied = read().from("10.0.0.1").with("x-forwarded-proto", "https").bearer();
    assert!(given(proxied).ends_with("; HttpOnly; Secure"));
    let client = read().judged_by(&guard).unwrap();
    assert!(guard.no_cookie(&client).starts_with("smsbridge_attic=; Max-Age=0;"));
}

#[test]
fn another_page_that_makes_a_browser_read_is_refused_and_a_link_from_it_is_not() {
    let guard = guard(Some(TOKEN), &[]);
    for site in ["cross-site", "same-site", "whatever"] {
        let asked = read().with("sec-fetch-site", site);
        assert_eq!(refused(&asked.clone().with("sec-fetch-mode", "no-cors"), &guard), Some(Refusal::Foreign));
        assert_eq!(refused(&asked.with("sec-fetch-mode", "navigate"), &guard), None);
    }
    for site in ["same-origin", "none"] {
        assert_eq!(refused(&read().with("sec-fetch-site", site), &guard), None);
    }
}

#[test]
fn a_trusted_proxy_says_whom_it_asks_for_and_nobody_else_does() {
    let guard = guard(Some(TOKEN), &["10.0.0.0/24", "127.0.0.1/32"]);
    let client = |asked: Asked| asked.bearer().judged_by(&guard).unwrap();
    let by_proxy = read().from("10.0.0.5").host("upstream:9142").with("x-forwarded-host", "sms.example");
    for name in ["sms.example", "localhost", "127.0.0.1:9142"] {
        for chain in ["192.168.1.7", "127.0.0.1", "127.0.0.1, 10.0.0.9", "unknown", ""] {
            let asked = read().from("10.0.0.5").host("upstream:9142").with("x-forwarded-for", chain);
            let asked = asked.with("x-forwarded-host", name);
            assert_eq!(refused(&asked, &guard), Some(Refusal::NoToken), "{name} {chain:?}: it reads freely");
            assert_eq!(client(asked).host.as_str(), name);
        }
        assert_eq!(refused(&read().with("x-forwarded-host", name), &guard), Some(Refusal::NoToken), "{name}");
    }
    let page = by_proxy.with("origin", "https://sms.example").with("x-forwarded-for", "192.168.1.7");
    let page = Asked { method: Method::POST, ..page }.cookie(&guard_of_browser());
    assert_eq!(refused(&page, &guard), None);
    // Without trust it is one who pretends, or a proxy nobody named: neither reads freely.
    let untrusting = self::guard(Some(TOKEN), &[]);
    for header in ["x-forwarded-for", "forwarded", "x-real-ip", "via", "x-forwarded-host"] {
        let asked = read().with(header, "127.0.0.1");
        assert_eq!(refused(&asked, &untrusting), Some(Refusal::NoToken), "{header}");
    }
    let pretended = read().from("192.168.1.7").with("x-forwarded-for", "127.0.0.1");
    assert_eq!(refused(&pretended, &guard), Some(Refusal::NoToken));
}

#[test]
fn a_page_that_a_proxy_nobody_named_shows_to_others_reads_nothing() {
    let guard = guard(Some(TOKEN), &[]);
    for referer in ["https://sms.example/", "http://127.0.0.1/", "http://localhost:9142/", "nonsense", ""] {
        assert_eq!(refused(&read().with("referer", referer), &guard), Some(Refusal::NoToken), "{referer:?}");
    }
    assert_eq!(refused(&read().with("referer", &format!("http://{LOCAL}/")), &guard), None);
}

fn guard_of_browser() -> Guard {
    guard(Some(TOKEN), &[])
}

#[test]
fn a_request_that_does_not_say_whom_it_is_for_is_refused() {
    let guard = guard(Some(TOKEN), &[]);
    let mut nobody = read();
    nobody.headers.remove(HOST);
    for asked in [
        nobody,
        read().with("host", LOCAL),
        read().host(""),
        read().host("me@127.0.0.1"),
        read().host("127.0.0.1/x"),
        Asked { uri: "http://evil.example/health".parse().unwrap(), ..read() },
    ] {
        assert_eq!(refused(&asked.clone().bearer(), &guard), Some(Refusal::NoHost), "{asked:?}");
    }
    let absolute = Asked { uri: format!("http://{LOCAL}/health").parse().unwrap(), ..read() };
    assert_eq!(refused(&absolute, &guard), None);
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        Just("127.0.0.1".parse().unwrap()),
        Just("10.0.0.5".parse().unwrap()),
        Just("::1".parse().unwrap()),
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
    ]
}

fn any_value() -> impl Strategy<Value = HeaderValue> {
    let known = [
        "127.0.0.1",
        LOCAL,
        "localhost",
        "[::1]",
        "http://127.0.0.1:9142",
        "http://localhost",
        "null",
        "Bearer ",
        "Bearer 0123456789abcdef",
        "smsbridge_attic=",
        "smsbridge_attic=AAAA",
        "same-origin",
        "navigate",
        "https",
        "10.0.0.5",
    ];
    let visible = |text: &Vec<u8>| HeaderValue::from_bytes(text).is_ok();
    prop_oneof![
        proptest::sample::select(known.map(HeaderValue::from_static).to_vec()),
        vec(any::<u8>(), 0..40)
            .prop_filter("a header value", visible)
            .prop_map(|text| HeaderValue::from_bytes(&text).unwrap()),
    ]
}

fn any_headers() -> impl Strategy<Value = HeaderMap> {
    let names = [
        "host",
        "host",
        "host",
        "origin",
        "authorization",
        "cookie",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "forwarded",
        "via",
        "x-real-ip",
        "sec-fetch-site",
        "sec-fetch-mode",
    ];
    let name = proptest::sample::select(names.map(HeaderName::from_static).to_vec());
    vec((name, any_value()), 0..8).prop_map(|pairs| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    })
}

fn any_asked() -> impl Strategy<Value = Asked> {
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::DELETE, Method::OPTIONS, Method::PUT];
    let method = proptest::sample::select(methods.to_vec());
    let uri =
        proptest::sample::select(vec!["/health/live", "http://127.0.0.1:9142/", "http://evil.example/", "*"]);
    (any_address(), method, uri, any_headers()).prop_map(|(peer, method, uri, headers)| Asked {
        peer,
        method,
        uri: uri.parse().unwrap(),
        headers,
    })
}

proptest! {
    #[test]
    fn who_does_not_know_the_token_only_reads_and_only_on_this_machine(asked in any_asked()) {
        for guard in [guard(Some(TOKEN), &["10.0.0.0/24"]), guard(None, &["10.0.0.0/24"])] {
            if let Ok(client) = asked.judged_by(&guard) {
                prop_assert!(matches!(asked.method, Method::GET | Method::HEAD), "{asked:?}");
                prop_assert!(client.is_local(), "{asked:?}: {client:?}");
                prop_assert!(asked.peer.to_canonical().is_loopback(), "{asked:?}");
            }
        }
    }

    #[test]
    fn a_page_of_another_origin_gets_nothing_whatever_it_knows(asked in any_asked(), port in 1..9000_u16) {
        let guard = guard(Some(TOKEN), &["10.0.0.0/24"]);
        let mut asked = asked;
        asked.headers.remove(AUTHORIZATION);
        let asked = asked.bearer().cookie(&guard).with("origin", &format!("http://evil{port}.example"));
        prop_assert!(asked.judged_by(&guard).is_err(), "{asked:?}");
    }

    #[test]
    fn the_token_opens_whoever_asks_from_wherever(asked in any_asked(), host in "[a-z]{1,9}(:[1-9][0-9]{0,3})?") {
        let mut asked = asked.host(&host);
        asked.uri = "/".parse().unwrap();
        for name in ["authorization", "origin", "sec-fetch-site", "x-forwarded-host"] {
            asked.headers.remove(name);
        }
        let guard = guard(Some(TOKEN), &["10.0.0.0/24"]);
        prop_assert_eq!(asked.clone().bearer().judged_by(&guard).err(), None);
        let page = asked.cookie(&guard).with("origin", &format!("http://{host}"));
        prop_assert_eq!(page.judged_by(&guard).err(), None);
    }
}
