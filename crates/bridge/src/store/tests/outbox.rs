//! The outbox and what the broker keeps: order, depth, rows nobody can read, retained topics.

use std::collections::BTreeSet;

use super::*;
use crate::event::{Announced, Event};

#[tokio::test]
async fn the_depth_is_what_counting_the_rows_gives() {
    let mut fixture = StoreFixture::with(|config| config.retain_last = true);
    for id in ["sent", "cancelled", "expired", "waits"] {
        let expires_at = (id == "expired").then_some(T0 + MINUTE);
        fixture
            .admit(Request { expires_at, priority: u8::from(id == "sent"), ..request(id, ALICE) }, T0)
            .await;
    }
    let depth = fixture.checked_depth().await;
    assert_eq!((depth.send, depth.publish), (4, 4));
    fixture.accept(sm(1), &short(ALICE, "first", T0), T0).await;
    fixture.accept(sm(2), &short(ALICE, "second", T0), T0).await;
    fixture.send(1, T0).await;
    fixture.store().cancel("cancelled".to_owned(), T0).await.unwrap();
    fixture.store().process_due(T0 + HOUR).await.unwrap();
    let rows = fixture.store().pending(Cursor::default(), 2).await.unwrap().0;
    fixture.store().park(rows[0].id, "too large".to_owned(), T0).await.unwrap();
    fixture.store().park(rows[0].id, "still too large".to_owned(), T0).await.unwrap();
    fixture.store().delete_published(vec![rows[1].id]).await.unwrap();
    let depth = fixture.checked_depth().await;
    assert_eq!((depth.send, depth.parked), (1, 1));
    fixture.drain().await;
    fixture.store().delete_old(T0 + 40 * DAY, Duration::ZERO, DeletionPass::default()).await.unwrap();
    fixture.reopen();
    let depth = fixture.checked_depth().await;
    assert_eq!((depth.send, depth.publish), (1, 0));
    // A person may delete what waits.
    fixture.change("PRAGMA foreign_keys = ON; DELETE FROM request WHERE id = 'waits'");
    assert_eq!(fixture.checked_depth().await.send, 0);
}

#[tokio::test]
async fn a_newer_last_message_replaces_one_the_broker_refused() {
    let fixture = StoreFixture::with(|config| config.retain_last = true);
    fixture.accept(sm(1), &short(ALICE, "first", T0), T0).await;
    let rows = fixture.store().pending(Cursor::default(), 16).await.unwrap().0;
    let last = rows.iter().find(|row| matches!(row.publication, Ok(Publication::Last(_)))).unwrap();
    fixture.store().park(last.id, "too large".to_owned(), T0).await.unwrap();
    assert_eq!(fixture.checked_depth().await, QueueDepth { publish: 1, parked: 1, send: 0 });
    fixture.accept(sm(2), &short(ALICE, "second", T0), T0).await;
    assert_eq!(fixture.checked_depth().await, QueueDepth { publish: 3, parked: 0, send: 0 });
}

#[tokio::test]
async fn a_row_nobody_can_read_says_why_and_does_not_hold_up_the_others() {
    let fixture = StoreFixture::new();
    for id in ["a", "damaged", "newer", "b"] {
        fixture.admit(request(id, ALICE), T0).await;
    }
    fixture.change(
        r#"UPDATE outbox SET event = '{' WHERE event LIKE '%damaged%';
           UPDATE outbox SET event = replace(event, '"version":1', '"version":2') WHERE event LIKE '%newer%';"#,
    );
    let rows = fixture.store().pending(Cursor::default(), 16).await.unwrap().0;
    let reasons: Vec<Option<String>> = rows.into_iter().map(|row| row.publication.err()).collect();
    let [None, Some(damaged), Some(newer), None] = &reasons[..] else { panic!("{reasons:?}") };
    assert!(damaged.contains("cannot be read"), "{damaged}");
    assert!(newer.contains("has version 2"), "{newer}");
}

#[tokio::test]
async fn a_row_stored_before_a_restart_is_published_below_the_prefix_of_now() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.reopen();
    let rows = fixture.store().pending(Cursor::default(), 1).await.unwrap().0;
    let moved = Wire {
        topics: Topics::new("home/sms", &named("attic")),
        include_pdu: false,
        discovery: Discovery::default(),
    };
    assert_eq!(moved.publication(rows[0].publication.as_ref().unwrap()).topic, "home/sms/result");
}

#[tokio::test]
async fn a_retained_topic_that_is_no_longer_ours_is_cleared_and_one_that_returns_is_not() {
    let mut fixture = StoreFixture::new();
    let set = |fixture: &StoreFixture, topics: &[&str]| {
        let (store, topics) =
            (fixture.store().clone(), topics.iter().map(|&topic| topic.to_owned()).collect());
        async move { store.set_retained_topics(topics).await.unwrap() }
    };
    set(&fixture, &["sms/modem/main", "sms/modem/attic"]).await;
    assert!(fixture.drain().await.is_empty());
    set(&fixture, &["sms/modem/main"]).await;
    set(&fixture, &["sms/modem/main", "sms/modem/attic"]).await;
    assert!(fixture.drain().await.is_empty(), "it came back before the broker was told");
    set(&fixture, &["sms/modem/attic"]).await;
    fixture.reopen();
    let cleared = fixture.drain().await;
    let [clear] = &cleared[..] else { panic!("{cleared:?}") };
    assert_eq!((clear.topic.as_str(), clear.payload.as_str(), clear.retain), ("sms/modem/main", "", true));
}

#[tokio::test]
async fn what_was_announced_and_is_no_more_is_remembered_as_long_as_its_topic_is_ours() {
    let mut fixture = StoreFixture::new();
    let entity = |topic: &str, component: &str| Announced {
        topic: topic.to_owned(),
        component: component.to_owned(),
        platform: "notify".to_owned(),
    };
    let (anna, bob, modem) =
        (entity("ha/gateway", "anna"), entity("ha/gateway", "bob"), entity("ha/modem", "anna"));
    async fn set(fixture: &StoreFixture, ours: &[&Announced]) -> Vec<Announced> {
        fixture.store().set_announced(ours.iter().map(|&own| own.clone()).collect()).await.unwrap()
    }
    assert_eq!(set(&fixture, &[&anna, &bob, &modem]).await, []);
    assert_eq!(set(&fixture, &[&anna, &modem]).await, std::slice::from_ref(&bob));
    fixture.reopen();
    assert_eq!(
        set(&fixture, &[&anna, &modem]).await,
        std::slice::from_ref(&bob),
        "it is told again to whoever connects later"
    );
    assert_eq!(set(&fixture, &[&bob, &modem]).await, std::slice::from_ref(&anna), "one came back");
    assert_eq!(
        set(&fixture, &[&bob]).await,
        std::slice::from_ref(&anna),
        "the other topic is emptied, and all of it gone"
    );
    assert_eq!(set(&fixture, &[&modem]).await, []);
    assert_eq!(set(&fixture, &[]).await, []);
    assert_eq!(set(&fixture, &[&bob]).await, [], "nothing of it is there any more");
}

#[tokio::test]
async fn received_messages_go_before_results_however_many_wait() {
    let fixture = StoreFixture::new();
    for n in 0..20 {
        fixture.admit(request(&format!("r{n}"), ALICE), T0).await;
    }
    fixture.accept(sm(1), &short(ALICE, "first", T0), T0).await;
    let (rows, cursor) = fixture.store().pending(Cursor::default(), 4).await.unwrap();
    let is_received = |row: &OutboxRow| matches!(row.publication, Ok(Publication::Event(Event::Received(_))));
    assert_eq!(rows.iter().filter(|row| is_received(row)).count(), 1);
    assert!(is_received(&rows[0]) && rows.len() == 4);
    // One that comes while results are read goes next, and no row is read twice.
    fixture.accept(sm(2), &short(ALICE, "second", T0), T0).await;
    let (more, cursor) = fixture.store().pending(cursor, 100).await.unwrap();
    assert!(is_received(&more[0]) && more.len() == 18);
    let ids: BTreeSet<i64> = rows.iter().chain(&more).map(|row| row.id).collect();
    assert_eq!(ids.len(), 22);
    assert!(fixture.store().pending(cursor, 100).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn a_row_on_which_connections_break_goes_after_the_others_and_is_parked_in_the_end() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.admit(request("b", ALICE), T0).await;
    let rows = fixture.store().pending(Cursor::default(), 16).await.unwrap().0;
    let count = |fixture: &StoreFixture, limit| {
        let (store, id) = (fixture.store().clone(), rows[0].id);
        async move { store.count_break(id, "it breaks".to_owned(), limit, T0).await.unwrap() }
    };
    assert_eq!(count(&fixture, MAX_BREAKS).await, 1);
    fixture.reopen();
    let waiting = fixture.store().pending(Cursor::default(), 16).await.unwrap().0;
    assert_eq!(waiting.iter().map(|row| row.id).collect::<Vec<_>>(), [rows[1].id]);
    assert_eq!(fixture.store().broken().await.unwrap().map(|row| row.id), Some(rows[0].id));
    assert_eq!(count(&fixture, MAX_BREAKS).await, 2);
    assert_eq!(count(&fixture, u32::MAX).await, 3, "nothing shows that the broker takes others");
    assert_eq!(fixture.checked_depth().await.parked, 0);
    assert_eq!(count(&fixture, MAX_BREAKS).await, 4);
    assert_eq!(fixture.checked_depth().await.parked, 1);
    assert_eq!(fixture.store().broken().await.unwrap(), None);
    // The next start offers it once more: after the others, and one break parks it again.
    fixture.reopen();
    fixture.store().offer_parked().await.unwrap();
    assert_eq!(fixture.store().broken().await.unwrap().map(|row| row.id), Some(rows[0].id));
    assert_eq!(count(&fixture, MAX_BREAKS).await, MAX_BREAKS);
    assert_eq!(fixture.checked_depth().await.parked, 1);
}

#[tokio::test]
async fn parked_results_are_forgotten_and_a_parked_received_message_is_not() {
    let fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.accept(sm(1), &short(ALICE, "first", T0), T0).await;
    for row in fixture.store().pending(Cursor::default(), 16).await.unwrap().0 {
        fixture.store().park(row.id, "refused".to_owned(), T0).await.unwrap();
        fixture.store().park(row.id, "refused again".to_owned(), T0 + 5 * DAY).await.unwrap();
    }
    assert_eq!(fixture.checked_depth().await.parked, 2);
    fixture
        .store()
        .delete_old(T0 + 2 * DAY, Duration::from_secs(86_400), DeletionPass::default())
        .await
        .unwrap();
    assert_eq!(fixture.checked_depth().await.parked, 1, "since it was parked first");
    let row = fixture.store().next_parked(0).await.unwrap().expect("the received message");
    assert!(matches!(row.publication, Ok(Publication::Event(Event::Received(_)))));
}

#[tokio::test]
async fn where_a_caller_may_not_be_answered_none_of_its_copies_is_published_and_no_other_is_touched() {
    let mut fixture = StoreFixture::new();
    let there = |topic: &str| Some(ReplyTo { topic: topic.to_owned(), correlation: Some(vec![7]) });
    fixture.admit(Request { reply_to: there("answers/a"), ..request("a", ALICE) }, T0).await;
    fixture.admit(Request { reply_to: there("answers/b"), ..request("b", ALICE) }, T0).await;
    assert_eq!(fixture.sql::<u32>("SELECT count(*) FROM response"), 2, "once a request");
    let rows = fixture.store().pending(Cursor::default(), 16).await.unwrap().0;
    let copy = rows
        .iter()
        .find(|row| matches!(&row.publication, Ok(Publication::Reply(_, to)) if to.topic == "answers/a"));
    fixture.store().drop_response(copy.unwrap().id).await.unwrap();
    fixture.checked_depth().await;
    fixture.send(1, T0).await;
    fixture.send(2, T0).await;
    let topics: Vec<String> = fixture.drain().await.into_iter().map(|publish| publish.topic).collect();
    let to = |topic: &str| topics.iter().filter(|other| *other == topic).count();
    assert_eq!((to("answers/a"), to("answers/b"), to("sms/result")), (0, 2, 4));
    // With the request its place is forgotten too.
    fixture
        .store()
        .delete_old(T0 + 40 * DAY, Duration::from_secs(86_400), DeletionPass::default())
        .await
        .unwrap();
    assert_eq!(fixture.sql::<u32>("SELECT count(*) FROM response"), 0);
}

#[tokio::test]
async fn cancelling_what_cannot_be_cancelled_is_answered_once_however_many_recipients() {
    let mut fixture = StoreFixture::new();
    let to = (0..50)
        .map(|n| Recipient { number: format!("+4915100{n:05}"), contact: None, refusal: None })
        .collect();
    fixture.admit(Request { to, ..request("many", ALICE) }, T0).await;
    fixture.results().await;
    fixture.store().cancel("many".to_owned(), T0).await.unwrap();
    assert_eq!(fixture.results().await.len(), 50, "each ends once");
    for _ in 0..3 {
        fixture.store().cancel("many".to_owned(), T0).await.unwrap();
        let results = fixture.results().await;
        let [result] = &results[..] else { panic!("{} results", results.len()) };
        assert_eq!((&result["error"]["code"], &result["final"]), (&"too-late".into(), &false.into()));
        assert!(result.get("to").is_none());
    }
}
