//! What intake decides of each delivery, on a real store: what is stored, what is answered, what is left to do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clock::now_ms;
use crate::config::{self, Config};
use crate::event::{Event, MessageState, SendResult, UssdReply, UssdState};
use crate::failure::FailureCode;
use crate::intake::{AfterAck, Delivery, Intake, MAX_PAYLOAD};
use crate::message::{Name, UnixMs};
use crate::modem_requests::ModemRequests;
use crate::request::{Origin, ReplyTo, Route};
use crate::store::{Claim, Claimed, Cursor, Publication, Store, StoreConfig};
use crate::ussd_queue::{UssdAction, UssdRequest};

const HOUR: UnixMs = 3_600_000;
pub(crate) const ALICE: &str = "+4915112345678";
pub(crate) const BOB: &str = "+79211234567";

/// An intake for the modems `main` and `attic`, and its store.
pub(crate) struct Fixture {
    intake: Intake,
    store: Store,
    /// What is asked of `main`.
    asked: Arc<ModemRequests>,
    _folder: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Fixture {
        Fixture::with("")
    }

    /// With more in the table `[mqtt]`.
    fn with(mqtt: &str) -> Fixture {
        Fixture::of(&format!("[mqtt]\n{mqtt}\n[outbound]\ndefault_country = \"49\"\ndeny = [\"+7*\"]"))
    }

    /// Of a whole configuration.
    pub(crate) fn of(toml: &str) -> Fixture {
        let config = config::parse("test", toml).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(folder.path(), StoreConfig::from(&config)).unwrap();
        let asked = Arc::default();
        Fixture { intake: intake(&store, &asked, &config), store, asked, _folder: folder }
    }

    /// The gateway starts again with another configuration.
    pub(crate) fn reconfigured(self, toml: &str) -> Fixture {
        let config = config::parse("test", toml).unwrap();
        Fixture { intake: intake(&self.store, &self.asked, &config), ..self }
    }

    pub(crate) async fn take(&self, delivery: Delivery<'_>) -> AfterAck {
        self.intake.take(delivery).await.unwrap()
    }

    /// What was published since the last call.
    async fn publications(&self) -> Vec<Publication> {
        let rows = self.store.pending(Cursor::default(), 100).await.unwrap().0;
        self.store.delete_published(rows.iter().map(|row| row.id).collect()).await.unwrap();
        rows.into_iter().map(|row| row.publication.unwrap()).collect()
    }

    pub(crate) async fn results(&self) -> Vec<SendResult> {
        let result = |publication| match publication {
            Publication::Event(Event::Result(result)) => result,
            other => panic!("{other:?} is no result"),
        };
        self.publications().await.into_iter().map(result).collect()
    }

    /// The recipient, the state and the error code of each new result.
    async fn outcomes(&self) -> Vec<(Option<String>, MessageState, Option<FailureCode>)> {
        let outcome = |result: SendResult| (result.to, result.state, result.fields.error.map(|e| e.code));
        self.results().await.into_iter().map(outcome).collect()
    }

    /// The code of the one rejection that was published.
    async fn rejection(&self) -> FailureCode {
        let outcomes = self.outcomes().await;
        let [(_, MessageState::Rejected, Some(code))] = outcomes[..] else { panic!("{outcomes:?}") };
        code
    }

    pub(crate) async fn claim(&self, modem: &str, now: UnixMs) -> Option<Claim> {
        self.store.process_due(now).await.unwrap();
        match self.store.claim(named(modem), modem.to_owned(), now).await.unwrap() {
            Claimed::Message(claim) => Some(*claim),
            _ => None,
        }
    }

    /// The one reply to a USSD request: why it failed.
    async fn ussd_failure(&self) -> String {
        let publications = self.publications().await;
        let [Publication::Event(Event::UssdReply(UssdReply { text: Some(reason), state, .. }))] =
            &publications[..]
        else {
            panic!("{publications:?}")
        };
        assert_eq!(*state, UssdState::Failed, "{reason}");
        reason.clone()
    }
}

fn intake(store: &Store, main: &Arc<ModemRequests>, config: &Config) -> Intake {
    let modems = [(named("main"), Arc::clone(main)), (named("attic"), Arc::default())];
    Intake::new(store.clone(), BTreeMap::from(modems), config)
}

fn named(text: &str) -> Name {
    text.parse().unwrap()
}

/// A delivery on `send`, published as it should be.
pub(crate) fn delivery(payload: &[u8]) -> Delivery<'_> {
    Delivery {
        route: Route::Send { modem: None },
        payload,
        size: payload.len(),
        retained: false,
        origin: Origin { packet_id: 1, redelivered: false, session: 1 },
        expiry: None,
        reply_to: None,
        not_shared: None,
        stale: None,
    }
}

fn send_by(modem: &str) -> Route {
    Route::Send { modem: Some(named(modem)) }
}

fn rfc3339(time: UnixMs) -> String {
    jiff::Timestamp::from_millisecond(time).unwrap().to_string()
}

/// A request to Alice with these members besides.
pub(crate) fn request(members: Value) -> Vec<u8> {
    let mut request = json!({"to": ALICE, "text": "Hello"});
    request.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    request.to_string().into_bytes()
}

#[tokio::test]
async fn a_number_written_in_two_ways_gets_one_message_and_each_refused_one_its_own_reason() {
    let fixture = Fixture::new();
    let to = json!({"to": [ALICE, "0151 123 456 78", BOB, "mum"]});
    fixture.take(delivery(&request(to))).await;
    let expected = [
        (ALICE, MessageState::Accepted, None),
        (BOB, MessageState::Rejected, Some(FailureCode::Denied)),
        ("mum", MessageState::Rejected, Some(FailureCode::BadNumber)),
    ];
    assert_eq!(
        fixture.outcomes().await,
        expected.map(|(to, state, code)| (Some(to.to_owned()), state, code))
    );
}

#[tokio::test]
async fn what_cannot_be_sent_at_all_is_refused_for_each_recipient() {
    let fixture = Fixture::new();
    let text = "x".repeat(2000);
    fixture.take(delivery(&request(json!({"to": [ALICE, "+4915100000002"], "text": text})))).await;
    let outcomes = fixture.outcomes().await;
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes.iter().all(|outcome| outcome.2 == Some(FailureCode::TooLong)), "{outcomes:?}");
    assert!(fixture.claim("main", now_ms()).await.is_none());
}

#[tokio::test]
async fn the_topics_modem_sends_and_the_request_may_not_name_another() {
    let fixture = Fixture::new();
    for (route, members, expected) in [
        (send_by("main"), json!({"modem": "attic"}), Some(FailureCode::Malformed)),
        (send_by("mian"), json!({}), Some(FailureCode::UnknownModem)),
        (send_by("attic"), json!({"modem": "attic"}), None),
        (send_by("attic"), json!({}), None),
    ] {
        fixture.take(Delivery { route: route.clone(), ..delivery(&request(members)) }).await;
        let outcomes = fixture.outcomes().await;
        assert_eq!(outcomes[0].2, expected, "{route:?}: {outcomes:?}");
        assert!(fixture.claim("main", now_ms()).await.is_none(), "{route:?}");
        assert_eq!(fixture.claim("attic", now_ms()).await.is_some(), expected.is_none(), "{route:?}");
    }
}

#[tokio::test]
async fn where_another_gateway_would_send_too_only_a_request_to_one_modem_is_taken() {
    let fixture = Fixture::new();
    let payload = request(json!({}));
    let not_shared = || Some("gateway attic is here too".to_owned());
    fixture.take(Delivery { not_shared: not_shared(), ..delivery(&payload) }).await;
    assert_eq!(fixture.rejection().await, FailureCode::NoShare);
    let to_main = Delivery { route: send_by("main"), not_shared: not_shared(), ..delivery(&payload) };
    fixture.take(to_main).await;
    assert_eq!(fixture.outcomes().await[0].1, MessageState::Accepted);
}

#[tokio::test]
async fn a_request_lives_as_long_as_it_says_and_no_longer_than_the_broker_would_have_kept_it() {
    let half_a_minute = Some(Duration::from_secs(30));
    for (members, expiry, expected) in [
        (json!({}), None, Some(86_400_000)),
        (json!({"ttl_s": 60}), None, Some(60_000)),
        (json!({"ttl_s": 0}), None, None),
        (json!({"ttl_s": 0}), half_a_minute, Some(30_000)),
        (json!({"ttl_s": 60}), half_a_minute, Some(30_000)),
        (json!({"ttl_s": 10}), half_a_minute, Some(10_000)),
        (json!({"ttl_s": 60, "send_at": rfc3339(now_ms() - HOUR)}), None, Some(60_000)),
    ] {
        let fixture = Fixture::new();
        let before = now_ms();
        fixture.take(Delivery { expiry, ..delivery(&request(members.clone())) }).await;
        let after = now_ms();
        let expires_at = fixture.claim("main", after).await.expect("it is stored").expires_at;
        let is_right = match (expires_at, expected) {
            (Some(at), Some(expected)) => (before + expected..=after + expected).contains(&at),
            (at, expected) => at == expected,
        };
        let lives = expires_at.map(|at| at - before);
        assert!(is_right, "{members} {expiry:?}: {lives:?} ms, not {expected:?}");
    }
}

#[tokio::test]
async fn a_request_for_later_lives_from_then_on() {
    let fixture = Fixture::new();
    let send_at = now_ms() + HOUR;
    fixture.take(delivery(&request(json!({"ttl_s": 60, "send_at": rfc3339(send_at)})))).await;
    assert!(fixture.claim("main", send_at - 1).await.is_none());
    let claim = fixture.claim("main", send_at).await.expect("its time has come");
    assert_eq!(claim.expires_at, Some(send_at + 60_000));
}

#[tokio::test]
async fn a_delivery_that_may_not_be_one_is_rejected_once_and_stores_nothing() {
    let payload = request(json!({}));
    let large = request(json!({"text": "x".repeat(MAX_PAYLOAD)}));
    let many: Vec<String> = (0..101).map(|n| format!("+49151{n:07}")).collect();
    let many = request(json!({"to": many}));
    for (refused, expected) in [
        (Delivery { retained: true, ..delivery(&payload) }, FailureCode::Retained),
        (delivery(&large), FailureCode::TooLarge),
        (delivery(&many), FailureCode::TooMany),
        (delivery(b"Hello"), FailureCode::Malformed),
        (Delivery { route: Route::Cancel, ..delivery(b"{}") }, FailureCode::Malformed),
    ] {
        let fixture = Fixture::new();
        assert_eq!(fixture.take(refused).await, AfterAck::Nothing);
        assert_eq!(fixture.rejection().await, expected);
        assert!(fixture.claim("main", now_ms()).await.is_none(), "{expected}");
    }
}

#[tokio::test]
async fn a_retained_request_taken_off_the_broker_is_not_answered() {
    let fixture = Fixture::new();
    for route in [send_by("main"), Route::Cancel, Route::Ussd { modem: named("main") }] {
        fixture.take(Delivery { route, retained: true, ..delivery(b"") }).await;
    }
    assert!(fixture.publications().await.is_empty());
}

#[tokio::test]
async fn a_rejection_goes_to_the_response_topic_too() {
    let fixture = Fixture::new();
    let reply_to = ReplyTo { topic: "answers/app".to_owned(), correlation: None };
    fixture.take(Delivery { reply_to: Some(reply_to.clone()), ..delivery(b"Hello") }).await;
    let publications = fixture.publications().await;
    let [Publication::Event(Event::Result(ours)), Publication::Reply(theirs, to)] = &publications[..] else {
        panic!("{publications:?}")
    };
    assert_eq!((ours, to), (theirs, &reply_to));
}

#[tokio::test]
async fn a_request_whose_response_topic_is_none_of_ours_is_carried_out_without_it() {
    let fixture = Fixture::new();
    for topic in ["sms/result", "homeassistant/switch/door/config", &format!("answers/{}", "/".repeat(300))] {
        let reply_to = Some(ReplyTo { topic: topic.to_owned(), correlation: None });
        for (payload, state) in
            [(request(json!({})), MessageState::Accepted), (b"Hello".to_vec(), MessageState::Rejected)]
        {
            fixture.take(Delivery { reply_to: reply_to.clone(), ..delivery(&payload) }).await;
            let publications = fixture.publications().await;
            let [Publication::Event(Event::Result(result))] = &publications[..] else {
                panic!("{topic}: {publications:?}")
            };
            assert_eq!((result.state, result.fields.response_refused), (state, true), "{topic}");
        }
    }
}

#[tokio::test]
async fn a_request_another_gateway_may_have_sent_is_rejected_unless_it_is_to_be_sent_all_the_same() {
    let stale = || Some("another gateway ran".to_owned());
    let payload = request(json!({}));
    let fixture = Fixture::new();
    assert_eq!(fixture.take(Delivery { stale: stale(), ..delivery(&payload) }).await, AfterAck::Stale);
    assert_eq!(fixture.rejection().await, FailureCode::Stale);
    let ussd = Delivery {
        route: Route::Ussd { modem: named("main") },
        stale: stale(),
        ..delivery(br#"{"code":"*100#"}"#)
    };
    assert_eq!(fixture.take(ussd).await, AfterAck::Nothing);
    assert!(fixture.ussd_failure().await.contains("another gateway ran"));
    let fixture = Fixture::with("on_stale = \"send\"");
    assert_eq!(fixture.take(Delivery { stale: stale(), ..delivery(&payload) }).await, AfterAck::Nothing);
    assert!(fixture.claim("main", now_ms()).await.is_some());
}

#[tokio::test]
async fn a_ussd_request_that_is_refused_unread_is_told_why_under_its_id() {
    let fixture = Fixture::new();
    let large = json!({"id": "u1", "code": "1".repeat(MAX_PAYLOAD)}).to_string().into_bytes();
    let good = br#"{"id":"u1","code":"*100#"}"#;
    let ussd = |payload| Delivery { route: Route::Ussd { modem: named("main") }, ..delivery(payload) };
    // Of what is too large the inbox keeps only what its rejection quotes.
    let kept = crate::wire::request::shortened(&large);
    for (refused, words) in [
        (ussd(&large), "262144 are allowed"),
        (Delivery { size: large.len(), ..ussd(&kept) }, "262144 are allowed"),
        (Delivery { stale: Some("another gateway ran".to_owned()), ..ussd(&kept) }, "another gateway ran"),
        (Delivery { retained: true, ..ussd(good) }, "retain"),
        (Delivery { retained: true, ..ussd(b"*100#") }, "retain"),
    ] {
        assert_eq!(fixture.take(refused).await, AfterAck::Nothing, "{words}");
        let publications = fixture.publications().await;
        let [Publication::Event(Event::UssdReply(reply))] = &publications[..] else {
            panic!("{publications:?}")
        };
        let text = reply.text.as_deref().unwrap_or_default();
        assert!(text.contains(words) && !text.contains("field"), "{words:?} is not in: {text}");
    }
}

#[tokio::test]
async fn whatever_a_request_says_its_answer_is_short() {
    let fixture = Fixture::new();
    let long = "x".repeat(200_000);
    for payload in [
        json!({"id": "a", "to": long, "text": "x"}),
        json!({"id": "a", "to": "+4915112345678", "text": "x", long.clone(): 1}),
        json!({"id": "a", "to": "+4915112345678", "text": "x", "modem": long}),
        json!({"id": "a", "to": "+4915112345678", "text": "x", "send_at": long}),
        json!({"to": [long], "text": "x", "dry_run": true}),
    ] {
        fixture.take(delivery(payload.to_string().as_bytes())).await;
        let results = fixture.results().await;
        let [result] = &results[..] else { panic!("{results:?}") };
        let octets = crate::wire::event::result(result).len();
        assert!(octets < 2500, "{octets} octets");
    }
}

#[tokio::test]
async fn a_dry_run_tells_the_parts_of_what_may_be_sent_and_stores_nothing() {
    let fixture = Fixture::new();
    fixture.take(delivery(&request(json!({"to": [ALICE, BOB], "dry_run": true})))).await;
    let results = fixture.results().await;
    let [sent, refused] = &results[..] else { panic!("{results:?}") };
    assert_eq!((sent.state, sent.is_final, sent.fields.parts), (MessageState::Accepted, true, Some(1)));
    assert!(sent.fields.dry_run.is_some());
    assert_eq!((refused.state, refused.fields.parts), (MessageState::Rejected, None));
    assert!(fixture.claim("main", now_ms()).await.is_none());
}

#[tokio::test]
async fn a_ussd_request_is_handed_over_only_when_it_is_certain_to_come_once() {
    let fixture = Fixture::new();
    let to = |modem: &str| Delivery {
        route: Route::Ussd { modem: named(modem) },
        ..delivery(br#"{"code":"*100#"}"#)
    };
    let request = UssdRequest { id: None, action: UssdAction::Code("*100#".to_owned()) };
    assert_eq!(fixture.take(to("main")).await, AfterAck::Ussd(named("main"), request.clone()));
    assert!(fixture.publications().await.is_empty(), "its modem answers");
    let again = Origin { packet_id: 1, redelivered: true, session: 1 };
    for (refused, words) in [
        (Delivery { retained: true, ..to("main") }, "retained"),
        (Delivery { origin: again, ..to("main") }, "a second time"),
        (to("mian"), "there is no modem mian here, only attic, main"),
        (Delivery { payload: b"{}", ..to("main") }, "expected one of"),
    ] {
        assert_eq!(fixture.take(refused).await, AfterAck::Nothing, "{words}");
        let reason = fixture.ussd_failure().await;
        assert!(reason.contains(words), "{words:?} is not in: {reason}");
    }
    // The queue of a modem that is away fills up, and only the one too many is answered.
    while fixture.store.pending(Cursor::default(), 1).await.unwrap().0.is_empty() {
        fixture.intake.send_ussd(named("main"), request.clone()).await.unwrap();
    }
    assert!(fixture.ussd_failure().await.contains("too many"));
}

fn restart(payload: &[u8]) -> Delivery<'_> {
    Delivery { route: Route::Restart { modem: named("main") }, ..delivery(payload) }
}

#[tokio::test]
async fn a_restart_is_handed_over_once_it_is_acknowledged_and_nobody_is_answered() {
    let fixture = Fixture::new();
    for payload in [&b"restart"[..], b"{}", b" {\"id\": \"button-1\"} ", b"{\"id\":null}"] {
        assert_eq!(fixture.take(restart(payload)).await, AfterAck::Restart(named("main")));
    }
    assert!(!fixture.asked.restart.take(), "it is not acknowledged yet");
    fixture.intake.restart(&named("main"));
    fixture.intake.restart(&named("other"));
    assert!(fixture.asked.restart.take());
    assert!(fixture.publications().await.is_empty());
}

#[tokio::test]
async fn a_restart_that_may_not_be_one_is_not_carried_out() {
    let fixture = Fixture::new();
    let refused = [
        Delivery { retained: true, ..restart(b"restart") },
        Delivery { size: MAX_PAYLOAD + 1, ..restart(b"restart") },
        Delivery { route: Route::Restart { modem: named("other") }, ..restart(b"restart") },
        Delivery { origin: Origin { redelivered: true, ..restart(b"").origin }, ..restart(b"restart") },
        Delivery { stale: Some("another ran".to_owned()), ..restart(b"restart") },
        Delivery { retained: true, ..restart(b"") },
        restart(b""),
        restart(b"reset"),
        restart(b"restart\n"),
        restart(b"[]"),
        restart(b"{\"id\":\"\"}"),
        restart(b"{\"modem\":\"main\"}"),
    ];
    for delivery in refused {
        let shown = format!("{delivery:?}");
        assert_eq!(fixture.take(delivery).await, AfterAck::Nothing, "{shown}");
    }
    assert!(!fixture.asked.restart.take() && fixture.publications().await.is_empty());
}
