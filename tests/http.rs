//! What the gateway serves over HTTP: to whom, and what it costs the rest.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::contract;
use crate::harness::gateway::{Config, has_all};
use crate::harness::http::{Answer, ask, connect, say};
use crate::harness::modem::ModemOptions;
use crate::harness::ports::free_port;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::wait::{wait_for, wait_until};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Where the test's gateway listens.
fn local() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port()))
}

fn listening(config: &mut Config, address: SocketAddr) {
    config.set("http", "listen", address.to_string());
    config.set("http", "token", TOKEN);
}

/// A gateway that listens, and where.
fn start(change: impl FnOnce(&mut Config)) -> (Rig, SocketAddr) {
    let address = local();
    let rig = Rig::with(|config| {
        listening(config, address);
        change(config);
    });
    rig.gateway.wait_for_log(&["listening at", &address.to_string()]);
    (rig, address)
}

fn live(address: SocketAddr, headers: &[(&str, &str)]) -> Answer {
    ask(address, "GET", "/health/live", headers)
}

const BEARER: (&str, &str) = ("Authorization", "Bearer 0123456789abcdef0123456789abcdef");

/// The JSON of an answer about health, which is as its schema says.
fn health(answer: &Answer) -> Value {
    let json = answer.json();
    assert_eq!(contract::mistakes("health", &json), Vec::<String>::new(), "{json}");
    json
}

#[test]
fn nothing_listens_until_it_is_asked_for() {
    let rig = Rig::start();
    let pid = rig.gateway.id();
    let inodes: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("the gateway runs")
        .filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
        .filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']').map(str::to_owned))
        .collect();
    let tables = ["tcp", "tcp6"]
        .map(|table| std::fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default());
    // The fourth column is the state, 0A for one that listens; the tenth is the inode.
    let listens = tables.iter().flat_map(|table| table.lines()).any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns.get(3) == Some(&"0A")
            && columns.get(9).is_some_and(|inode| inodes.iter().any(|own| own == inode))
    });
    assert!(!listens, "a TCP socket of the gateway listens");
    assert!(!has_all(&rig.gateway.log(), &["listening at"]), "{}", rig.gateway.log());
}

#[test]
fn health_follows_the_broker_and_the_modem() {
    let (mut rig, address) = start(|_| {});
    let ready = |what: &str, status: u16, words: &str| {
        wait_for(what, || {
            let answer = ask(address, "GET", "/health/ready", &[]);
            let is_it = answer.status == status && answer.body.contains(words);
            is_it.then(|| health(&answer))
        })
    };
    assert_eq!(ready("a ready gateway", 200, "").to_string(), r#"{"ok":true,"problems":[]}"#);
    rig.modem.unplug();
    ready("words about the modem", 503, "modem main: ");
    rig.modem.plug();
    ready("a ready gateway again", 200, "");
    rig.broker.stop();
    let json = ready("words about the broker", 503, "broker: ");
    assert_eq!(json["ok"], false);
    let answer = live(address, &[]);
    assert_eq!(
        (answer.status, health(&answer)["ok"].as_bool()),
        (200, Some(true)),
        "a restart mends no broker"
    );
    assert_eq!(ask(address, "HEAD", "/health/live", &[]).status, 200);
    assert_eq!(ask(address, "GET", "/nowhere", &[]).status, 404);
    assert_eq!(code(rig.gateway.stop()), 0);
}

#[test]
fn a_name_that_was_made_to_lead_here_shows_nothing() {
    let (_rig, address) = start(|_| {});
    for host in ["evil.example", &format!("evil.example:{}", address.port()), "127.0.0.1.evil.example"] {
        for path in ["/health/live", "/nowhere"] {
            let answer = ask(address, "GET", path, &[("Host", host)]);
            assert_eq!(answer.status, 401, "{host} {path}: {answer:?}");
            assert!(!answer.body.contains("problems"), "{answer:?}");
        }
    }
    assert_eq!(live(address, &[("Host", &format!("localhost:{}", address.port()))]).status, 200);
    assert_eq!(live(address, &[("Host", "a.example"), ("Host", "b.example")]).status, 400);
    assert_eq!(say(address, b"GET /health/live HTTP/1.0\r\n\r\n").status, 400);
}

#[test]
fn a_page_of_another_origin_gets_nothing_and_what_is_ours_is_shown_to_nobody_else() {
    let (_rig, address) = start(|_| {});
    let own = format!("http://{address}");
    for origin in ["http://evil.example", "null", &format!("http://127.0.0.1:{}", address.port() ^ 1)] {
        let headers = [("Origin", origin), BEARER];
        for (method, path) in [("GET", "/health/live"), ("POST", "/login"), ("OPTIONS", "/login")] {
            let answer = ask(address, method, path, &headers);
            assert_eq!(answer.status, 403, "{origin} {method} {path}: {answer:?}");
            assert!(answer.headers("access-control-allow-origin").is_empty(), "{answer:?}");
            assert!(answer.headers("set-cookie").is_empty(), "{answer:?}");
        }
    }
    let answer = live(address, &[("Origin", &own)]);
    assert_eq!(answer.status, 200, "{answer:?}");
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "same-origin"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'self'"),
    ] {
        assert_eq!(answer.headers(name), [value], "{answer:?}");
    }
}

#[test]
fn the_page_itself_is_for_whoever_asks_for_it_here_and_holds_nothing() {
    let (_rig, address) = start(|_| {});
    let page = ask(address, "GET", "/", &[("Host", "attic.lan")]);
    assert_eq!(
        (page.status, page.headers("content-type")),
        (200, vec!["text/html; charset=utf-8"]),
        "{page:?}"
    );
    let paths = page.body.split('"').filter(|text| text.starts_with("page/")).map(|path| format!("/{path}"));
    let paths: BTreeSet<String> = paths.chain(["/".to_owned(), "/page/words/ru.js".to_owned()]).collect();
    assert!(paths.len() >= 4, "style, script and icon are links of the page: {paths:?}");
    for path in &paths {
        let answer = ask(address, "GET", path, &[("Host", "attic.lan")]);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.headers("cache-control"), ["no-store"], "{path}");
        let [policy] = answer.headers("content-security-policy")[..] else {
            panic!("one policy: {answer:?}")
        };
        let rules = [
            "default-src 'none'",
            "script-src 'self'",
            "require-trusted-types-for 'script'",
            "base-uri 'none'",
        ];
        assert!(has_all(policy, &rules) && !policy.contains("unsafe"), "{policy}");
        for headers in [
            &[("Host", "attic.lan"), ("Origin", "http://evil.example")][..],
            &[("Host", "attic.lan"), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")],
        ] {
            assert_eq!(ask(address, "GET", path, headers).status, 403, "{path} {headers:?}");
        }
        // What asks for no more than the page gets no more by asking otherwise.
        assert_eq!(ask(address, "POST", path, &[("Host", "attic.lan")]).status, 401, "{path}");
    }
    let access = |headers: &[(&str, &str)]| ask(address, "GET", "/api/access", headers).json();
    assert_eq!(access(&[]), json!({"read": true, "send": false, "reason": access(&[])["reason"]}));
    let elsewhere = access(&[("Host", "attic.lan")]);
    assert!(
        elsewhere["read"] == false
            && elsewhere["reason"].as_str().is_some_and(|words| words.contains("token"))
    );
    assert_eq!(access(&[("Host", "attic.lan"), BEARER]), json!({"read": true, "send": true, "reason": null}));
}

#[test]
fn the_token_is_given_once_and_the_cookie_kept_over_a_restart() {
    let (mut rig, address) = start(|_| {});
    let own = format!("http://{address}");
    for (status, headers) in [
        (401, vec![("Origin", own.as_str())]),
        (401, vec![("Origin", own.as_str()), ("Authorization", "Bearer 0123456789abcdef0123456789abcdeX")]),
    ] {
        let answer = ask(address, "POST", "/login", &headers);
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.headers("www-authenticate"), ["Bearer realm=\"smsbridge\""]);
        assert!(answer.headers("set-cookie").is_empty(), "{answer:?}");
    }
    let answer = ask(address, "POST", "/login", &[("Origin", &own), BEARER]);
    assert_eq!(answer.status, 204, "{answer:?}");
    let [set] = answer.headers("set-cookie")[..] else { panic!("one cookie: {answer:?}") };
    assert!(
        has_all(set, &["smsbridge_attic=", "SameSite=Strict", "HttpOnly"]) && !set.contains(TOKEN),
        "{set}"
    );
    let cookie = set.split(';').next().expect("a cookie");
    let elsewhere = [("Host", "attic.lan"), ("Cookie", cookie)];
    assert_eq!(live(address, &elsewhere).status, 200);
    assert_eq!(live(address, &elsewhere[..1]).status, 401);
    let change =
        |origin: &[(&str, &str)]| ask(address, "POST", "/login", &[&elsewhere[..], origin].concat()).status;
    assert_eq!(change(&[("Origin", "http://attic.lan")]), 204);
    assert_eq!(change(&[]), 401, "a browser says which page asks");
    assert_eq!(change(&[("Origin", "http://evil.example")]), 403);
    let out = ask(address, "POST", "/logout", &[&elsewhere[..], &[("Origin", "http://attic.lan")]].concat());
    assert!(has_all(out.headers("set-cookie")[0], &["smsbridge_attic=;", "Max-Age=0"]), "{out:?}");

    assert_eq!(code(rig.gateway.stop()), 0);
    rig.start_gateway();
    wait_until("the cookie to open after a restart", || {
        TcpStream::connect(address).is_ok() && live(address, &elsewhere).status == 200
    });
    assert_eq!(code(rig.gateway.stop()), 0);
    rig.reconfigure(|config| config.set("http", "token", "another token is another token".replace(' ', "-")));
    rig.start_gateway();
    wait_until("the cookie to be nothing after a change of the token", || {
        TcpStream::connect(address).is_ok() && live(address, &elsewhere).status == 401
    });
    for secret in [TOKEN, cookie] {
        assert!(!rig.gateway.log().contains(secret), "a secret is in the log:\n{}", rig.gateway.log());
    }
}

#[test]
fn without_a_token_there_is_only_reading_on_this_machine() {
    let address = local();
    let rig = Rig::with(|config| config.set("http", "listen", address.to_string()));
    rig.gateway.wait_for_log(&["listening at", &address.to_string()]);
    assert_eq!(live(address, &[]).status, 200);
    for answer in [
        live(address, &[("Host", "attic.lan")]),
        live(address, &[("Host", "attic.lan"), ("Authorization", "Bearer ")]),
        ask(address, "POST", "/login", &[BEARER]),
    ] {
        assert_eq!(answer.status, 403, "{answer:?}");
        assert!(has_all(&answer.body, &["token_file", "none is configured"]), "{answer:?}");
    }
}

#[test]
fn a_trusted_proxy_asks_for_others_and_one_that_is_not_trusted_for_nobody() {
    let forwarded = |client: &'static str| [("X-Forwarded-For", client), ("X-Forwarded-Host", "sms.example")];
    let (_rig, address) = start(|config| config.set("http", "trusted_proxy", vec!["127.0.0.1"]));
    assert_eq!(live(address, &forwarded("192.168.1.7")).status, 401);
    assert_eq!(live(address, &forwarded("127.0.0.1, 192.168.1.7")).status, 401, "the proxy adds at the end");
    assert_eq!(live(address, &[]).status, 401, "it may ask for anybody");
    let headers = [&forwarded("192.168.1.7")[..], &[BEARER]].concat();
    assert_eq!(live(address, &headers).status, 200);
    let page = [&headers[..], &[("Origin", "https://sms.example"), ("X-Forwarded-Proto", "https")]].concat();
    let answer = ask(address, "POST", "/login", &page);
    assert!(answer.status == 204 && answer.headers("set-cookie")[0].contains("; Secure"), "{answer:?}");

    let (_rig, untrusting) = start(|_| {});
    for headers in [&forwarded("127.0.0.1")[..], &[("Via", "1.1 nginx")], &[("Forwarded", "for=127.0.0.1")]] {
        assert_eq!(live(untrusting, headers).status, 401, "{headers:?}");
    }
    let origin = [&forwarded("127.0.0.1")[..], &[("Origin", "https://sms.example")]].concat();
    assert_eq!(live(untrusting, &origin).status, 403, "its word on our name is not taken");
}

#[test]
fn a_port_that_another_program_has_is_told_and_taken_when_it_is_free() {
    let address = local();
    let other = TcpListener::bind(address).expect("a free port");
    let mut rig = Rig::prepare(&ModemOptions::default(), |config| listening(config, address));
    let output = rig.gateway.run_command(&["check"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(has_all(&said, &["note", &format!("http {address}"), "somebody listens there"]), "{said}");
    rig.start_gateway();
    rig.gateway.wait_for_log(&[
        "[http] listen",
        &address.to_string(),
        "another program has this port",
        "tried again",
    ]);
    rig.assert_still_works("meanwhile");
    drop(other);
    rig.gateway.wait_for_log(&["listening at", &address.to_string()]);
    assert_eq!(live(address, &[]).status, 200);
    let output = rig.gateway.run_command(&["check"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(has_all(&said, &["note", &format!("http {address}")]), "{said}");
    let log = rig.gateway.log();
    assert_eq!(log.matches("another program has this port").count(), 1, "it is said once:\n{log}");
}

#[test]
fn an_address_of_another_machine_is_found_by_check() {
    let rig = Rig::prepare(&ModemOptions::default(), |config| {
        listening(config, SocketAddr::from(([192, 0, 2, 1], 9142)));
    });
    let output = rig.gateway.run_command(&["check"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(has_all(&said, &["WRONG", "http 192.0.2.1:9142", "no such address"]), "{said}");
    assert_eq!(code(output.status), 1);
}

/// Fails where somebody else is kept waiting for a client's time limit.
fn assert_prompt(address: SocketAddr, what: &str) {
    let began = Instant::now();
    assert_eq!(live(address, &[]).status, 200, "{what}");
    assert!(began.elapsed() < Duration::from_secs(8), "{what}: it took {:?}", began.elapsed());
}

#[test]
fn clients_that_are_slow_keep_nobody_waiting() {
    let (rig, address) = start(|_| {});
    let before = rig.gateway.memory();
    let mut slow = Vec::new();
    for n in 0..400 {
        let mut stream = connect(address);
        // Silent, within the first line, within the headers, within a body, and not reading.
        let begin: &[u8] = match n % 5 {
            0 => b"",
            1 => b"GET /health",
            2 => b"GET /health/live HTTP/1.1\r\nHost: loc",
            3 => b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx",
            _ => b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n",
        };
        let _ = stream.write_all(begin);
        slow.push(stream);
        if n % 100 == 99 {
            assert_prompt(address, &format!("among {} slow clients", n + 1));
        }
    }
    rig.assert_still_works("among-slow-clients");
    let grown = rig.gateway.memory().saturating_sub(before);
    assert!(grown < 16 << 20, "slow clients took {} KiB", grown / 1024);
    // Those that were let in are sent away when their time is over.
    for mut stream in slow {
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
        let mut rest = Vec::new();
        let end = stream.read_to_end(&mut rest);
        let is_over = end.as_ref().map_err(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
        assert!(matches!(is_over, Ok(_) | Err(true)), "a slow client was not sent away: {end:?}");
    }
}

#[test]
fn requests_that_are_too_large_or_none_at_all_are_refused() {
    let (rig, address) = start(|_| {});
    let long = "x".repeat(64 * 1024);
    let many: String = (0..500).map(|n| format!("x{n}: y\r\n")).collect();
    for (what, octets) in [
        ("a long line", format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        ("a long header", format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n")),
        ("many headers", format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n")),
        ("no HTTP", "\u{16}\u{3}\u{1}hello\r\n\r\n".to_owned()),
        ("a broken length", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n".to_owned()),
    ] {
        let answer = say(address, octets.as_bytes());
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
    }
    // A body nobody reads: the answer comes before it.
    let mut stream = connect(address);
    let head = format!(
        "POST /login HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nContent-Length: 100000000\r\n\r\n",
        BEARER.1
    );
    stream.write_all(head.as_bytes()).expect("the gateway reads");
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).expect("an answer");
    assert_eq!(&begin, b"HTTP/1.1 204");
    assert_prompt(address, "after all these");
    rig.assert_still_works("after-all-these");
}

#[test]
fn a_stop_waits_for_no_client() {
    let (mut rig, address) = start(|_| {});
    let mut idle: Vec<TcpStream> = (0..10).map(|_| connect(address)).collect();
    for stream in &mut idle {
        stream.write_all(b"GET /health/live HTTP/1.1\r\n").expect("the gateway reads");
    }
    assert_prompt(address, "before the stop");
    let began = Instant::now();
    assert_eq!(code(rig.gateway.stop()), 0);
    let log = rig.gateway.log();
    assert!(began.elapsed() < Duration::from_secs(30), "it took {:?}:\n{log}", began.elapsed());
}
