//! The outbox and what the broker keeps: order, depth, rows nobody can read, retained topics.

use super::*;

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
    let moved = Wire { topics: Topics::new("home/sms", &named("attic")), include_pdu: false };
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
