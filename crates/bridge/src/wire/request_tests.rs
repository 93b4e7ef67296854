//! What is read of requests, and the words for what cannot be.

use proptest::prelude::*;

use super::request::*;
use crate::request::{Content, SendRequest};
use crate::ussd_queue::UssdAction;

fn read(text: &str) -> SendRequest {
    read_send(text.as_bytes()).unwrap_or_else(|e| panic!("{text} was rejected: {e:?}"))
}

#[test]
fn aliases_of_other_gateways_are_accepted() {
    for text in [
        r#"{"to":"+491","text":"x"}"#,
        r#"{"number":"+491","message":"x"}"#,
        r#"{"target":["+491"],"body":"x"}"#,
    ] {
        let request = read(text);
        assert_eq!(request.to, ["+491"]);
        assert_eq!(request.body.content, Content::Text("x".to_owned()));
    }
}

/// A request with one more member, or another value of one.
fn with(key: &str, value: &str) -> String {
    let good = [("id", r#""a1""#), ("to", r#""+491""#), ("text", r#""x""#)];
    let others = good.iter().filter(|(name, _)| *name != key);
    let member = (key, value);
    let members = others.chain([&member]).map(|(name, value)| format!(r#""{name}":{value}"#));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn words(text: &str) -> String {
    let rejection = read_send(text.as_bytes()).expect_err(text);
    let message = rejection.failure.message;
    for english in ["invalid type", "invalid value", "expected a ", "EOF", "at line 1 column"] {
        assert!(!message.contains(english), "{text}: a parser's English: {message}");
    }
    message
}

#[test]
fn a_field_of_another_type_or_range_is_named_with_what_was_expected_and_what_came() {
    for (key, value, expected) in [
        ("delivery_report", r#""true""#, r#"delivery_report: true or false, not "true""#),
        ("delivery_report", "1", "delivery_report: true or false, not 1"),
        ("flash", r#""yes""#, r#"flash: true or false, not "yes""#),
        ("transliterate", "[]", "transliterate: true or false, not []"),
        ("dry_run", "0", "dry_run: true or false, not 0"),
        ("ttl_s", "-1", "ttl_s: a whole number from 0 to 4294967295, not -1"),
        ("ttl_s", "1.5", "ttl_s: a whole number from 0 to 4294967295, not 1.5"),
        ("ttl_s", "4294967296", "ttl_s: a whole number from 0 to 4294967295, not 4294967296"),
        ("ttl_s", r#""60""#, r#"ttl_s: a whole number from 0 to 4294967295, not "60""#),
        ("priority", "10", "priority: a whole number from 0 to 9, not 10"),
        ("class", "4", "class: a whole number from 0 to 3, not 4"),
        ("destination_port", "70000", "destination_port: a whole number from 0 to 65535, not 70000"),
        ("encoding", r#""utf8""#, r#"encoding: "auto", "gsm7" or "ucs2", not "utf8""#),
        ("encoding", "7", r#"encoding: "auto", "gsm7" or "ucs2", not 7"#),
        ("send_at", r#""tomorrow""#, "send_at: a time with its zone"),
        ("send_at", r#""2026-11-22 10:00""#, r#"not "2026-11-22 10:00""#),
        ("send_at", "1700000000", "send_at: a time with its zone"),
        ("modem", r#""Main""#, "modem: a modem's name, 1 to 32 of a-z 0-9 _ -"),
        ("modem", "5", "modem: a modem's name"),
        ("text", "5", "text: a text of at least one character, not 5"),
        ("text", r#""""#, r#"text: a text of at least one character, not """#),
        ("text", r#"{"a":1}"#, "text: a text of at least one character, not an object"),
        ("data", r#""§""#, r#"data: at least one octet as base64, not "§""#),
        ("to", "4915112345678", "to: a phone number in quotes such as \"+4915112345678\""),
        ("to", "[]", "or an array of them, not []"),
        ("to", r#"["+491",5]"#, "to[1]: a phone number in quotes"),
        ("to", r#"["+491",["+492"]]"#, "not an array"),
        ("to", r#"{"number":"+491"}"#, "to: a phone number in quotes"),
    ] {
        let message = words(&with(key, value));
        assert!(message.contains(expected), "{key} {value}: {message}");
    }
    let message = words(r#"{"number":"+491","message":""}"#);
    assert!(message.starts_with("message: a text of at least one character"), "{message}");
    let message = words(r#"{"number":5,"message":"x"}"#);
    assert!(message.starts_with("number: a phone number"), "{message}");
}

#[test]
fn an_id_that_cannot_be_is_named_too() {
    for id in ["17", r#""a b""#, r#""""#, "[]"] {
        let message = words(&with("id", id));
        assert!(message.starts_with("id: 1 to 64 of A-Z"), "{id}: {message}");
    }
}

#[test]
fn null_says_that_a_field_is_not_given() {
    let keys = [
        "id",
        "data",
        "destination_port",
        "modem",
        "delivery_report",
        "ttl_s",
        "send_at",
        "priority",
        "class",
        "flash",
        "encoding",
        "transliterate",
        "dry_run",
        "message",
        "number",
    ];
    for key in keys {
        read(&with(key, "null"));
    }
    assert!(words(&with("to", "null")).starts_with("to: it is missing"));
    assert!(words(&with("text", "null")).starts_with("text: it is missing"));
}

#[test]
fn a_blank_is_a_text() {
    assert_eq!(read(&with("text", r#"" ""#)).body.content, Content::Text(" ".to_owned()));
}

#[test]
fn a_rejection_says_what_is_wrong_and_keeps_the_id() {
    for (text, id, expected) in [
        (
            r#"{"id":"a1","to":"+491","text":"x","ttl":5}"#,
            Some("a1"),
            "ttl: there is no such field; did you mean `ttl_s`",
        ),
        (r#"{"id":"a1","to":"+491","txt":"x"}"#, Some("a1"), "did you mean `text`"),
        (
            r#"{"id":"a1","to":"+491","text":"x","qqq":5}"#,
            Some("a1"),
            "qqq: there is no such field; there are id, to",
        ),
        (r#"{"id":"a1","to":"+491"}"#, Some("a1"), "text: it is missing"),
        (r#"{"id":"a 1","to":"+491","text":"x"}"#, None, "id: "),
        (r#"{"text":"x"}"#, None, "to: it is missing"),
        (r#"{"to":"1","number":"1","text":"x"}"#, None, "`to` and `number` mean the same: give one of them"),
        (r#"{"to":"1","body":"x","message":"x"}"#, None, "`body` and `message` mean the same"),
        (r#"{"to":"1","to":"2","text":"x"}"#, None, "to: it stands there twice"),
        (
            r#"{"to":"1","text":"x","data":"AA==","destination_port":1}"#,
            None,
            "data: it stands beside `text`",
        ),
        (r#"{"to":"1","text":"x","destination_port":1}"#, None, "destination_port: it goes with `data`"),
        (r#"{"to":"1","data":"AA=="}"#, None, "destination_port: it is missing"),
        (r#"{"to":"1","text":"x","class":2,"flash":true}"#, None, "flash: true means class 0"),
    ] {
        let message = words(text);
        assert!(message.contains(expected), "{text}: {message}");
        let rejection = read_send(text.as_bytes()).expect_err(text);
        assert_eq!(rejection.id.as_deref(), id, "{text}");
        assert_eq!(rejection.payload.is_some(), id.is_none(), "{text}");
    }
}

#[test]
fn a_payload_that_is_no_json_object_is_told_where_and_how() {
    for (payload, expected) in [
        ("Hello, mother", "not JSON but a plain text"),
        ("[1]", "not a JSON object but an array"),
        (r#""Hello""#, "not a JSON object but a text in quotes"),
        ("17", "not a JSON object but a number"),
        ("null", "not a JSON object but null"),
        ("", "the payload is empty"),
        ("  \n ", "the payload is empty"),
        ("\u{feff}{}", "a byte order mark"),
        (r#"{"to":"1","text":"x"#, "it ends too early, at line 1, column 19"),
        ("{\"to\":\"1\",\n\"text\":\"x\",}", "line 2, column 12: there is a comma too many"),
        ("{\"to\":\"1\",\n'text':'x'}", "line 2, column 1: a field's name stands in double quotes"),
        ("{\"text\":\"a\nb\"}", r"a line break stands inside a text: write \n"),
        (r#"{"to":"1"} {"to":"2"}"#, "something follows after the end"),
        (r#"{"to":"1" "text":"x"}"#, "line 1, column 11: a quote, comma, colon or bracket"),
        (r#"{"text":"\x41"}"#, "there is no such escape"),
        (r#"{"ttl_s":1e999}"#, "this number cannot be"),
        (r#"{"ttl_s":007}"#, "this number cannot be"),
        (r#"{"text":"\ud800"}"#, "line 1, column"),
        (&format!("{{\"a\":{}", "[".repeat(1000)), "nested too deeply"),
    ] {
        let message = words(payload);
        assert!(message.contains(expected), "{payload}: {message}");
    }
    let rejection = read_send(b"{\"to\":\"\xff\"}").expect_err("not UTF-8");
    assert!(rejection.failure.message.starts_with("not UTF-8 (octet 8)"), "{rejection:?}");
}

#[test]
fn a_request_of_many_members_costs_no_more_than_its_length() {
    let members = |member: &str, n: usize| format!("{{{}\"text\":\"x\"}}", member.repeat(n));
    let begun = std::time::Instant::now();
    for payload in [
        members("\"to\":null,", 23_000),
        members("\"to\":\"1\",", 23_000),
        members("\"x\":1,", 40_000),
        members(&format!("\"{}\":1,", "x".repeat(250_000)), 1),
    ] {
        assert!(read_send(payload.as_bytes()).is_err());
    }
    // A quarter of a second here; a payload's length squared would take minutes.
    let took = begun.elapsed();
    assert!(took < std::time::Duration::from_secs(20), "{took:?}");
}

#[test]
fn what_is_wrong_with_a_cancel_is_named() {
    assert_eq!(read_cancel(br#"{"id":"a1"}"#).unwrap(), "a1");
    for (payload, expected) in [
        ("{}", "id: it is missing"),
        (r#"{"id":5}"#, "id: 1 to 64 of A-Z a-z 0-9 . _ ~ : - in quotes, not 5"),
        (r#"{"id":"a b"}"#, "id: 1 to 64 of"),
        (r#"{"ids":"a"}"#, "ids: there is no such field; did you mean `id`?"),
        ("a1", r#"not JSON but a plain text; expected JSON such as {"id":"#),
    ] {
        let rejection = read_cancel(payload.as_bytes()).expect_err(payload);
        assert!(rejection.failure.message.starts_with(expected), "{payload}: {rejection:?}");
        assert_eq!(rejection.id, None, "that request has results of its own");
    }
}

#[test]
fn what_is_wrong_with_a_ussd_request_is_named() {
    for (payload, id, expected) in [
        (r#"{"id":"u1","code":100}"#, Some("u1"), "code: 1 to 182 characters in quotes"),
        (r#"{"id":"u1","cancel":"yes"}"#, Some("u1"), "cancel: true or false, not \"yes\""),
        (r#"{"id":"u1","codes":"*100#"}"#, Some("u1"), "codes: there is no such field; did you mean `code`?"),
        (r#"{"id":"u1"}"#, Some("u1"), "code: it is missing: expected one of `code`, `reply` and `cancel`"),
        (r#"{"id":7,"code":"*100#"}"#, None, "id: 1 to 64"),
        ("*100#", None, r#"not JSON but a plain text; expected JSON such as {"code":"*100#"}"#),
    ] {
        let rejection = read_ussd(payload.as_bytes()).expect_err(payload);
        assert!(rejection.mistake.to_string().starts_with(expected), "{payload}: {rejection:?}");
        assert_eq!(rejection.id.as_deref(), id);
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_answered_in_few_words(payload in proptest::collection::vec(any::<u8>(), 0..300)) {
        let rejection = read_send(&payload).expect_err("noise was accepted");
        prop_assert!(rejection.failure.message.chars().count() <= 401);
    }

    #[test]
    fn any_value_of_any_field_is_taken_or_named(
        at in 0_usize..16,
        value in prop_oneof![Just("null"), Just("-0"), Just("1e300"), Just("\"\\u0000\""), Just("[[]]"), Just("{}")],
    ) {
        let keys = [
            "id", "to", "number", "text", "body", "data", "destination_port", "modem", "delivery_report", "ttl_s",
            "send_at", "priority", "class", "flash", "encoding", "dry_run",
        ];
        let text = with(keys[at], value);
        if let Err(rejection) = read_send(text.as_bytes()) {
            let message = &rejection.failure.message;
            prop_assert!(keys.iter().any(|key| message.starts_with(key)), "{text}: {message}");
        }
    }
}

#[test]
fn hostile_payloads_are_rejected_and_shown_in_part() {
    let deep = "[".repeat(100_000);
    let invalid = [b'{', 0xff, 0xfe, 0];
    for payload in [deep.as_bytes(), &invalid, b"", b"\0"] {
        let rejection = read_send(payload).expect_err("a hostile payload was accepted");
        assert!(rejection.payload.is_some_and(|shown| shown.len() <= 600));
    }
}

#[test]
fn a_ussd_string_that_would_end_the_modems_line_is_rejected() {
    for text in
        [r#"{"code":""}"#, r#"{"code":"*1\u001a"}"#, r#"{"code":"*1\""}"#, r#"{"code":"1","cancel":true}"#]
    {
        read_ussd(text.as_bytes()).expect_err(text);
    }
    let request = read_ussd(br#"{"id":"u1","code":"*100#"}"#).unwrap();
    assert_eq!(request.action, UssdAction::Code("*100#".to_owned()));
    let rejection = read_ussd(br#"{"id":"u1"}"#).unwrap_err();
    assert_eq!(rejection.id.as_deref(), Some("u1"));
}
