//! Requests: each stored once, answered at once, cancelled in time.

use super::*;
use crate::failure::{Failure, FailureCode};

#[tokio::test]
async fn each_recipient_gets_its_first_result() {
    let mut fixture = StoreFixture::new();
    let refused = Failure::permanent(FailureCode::Denied, "not to this number");
    let to =
        vec![recipient(ALICE), Recipient { number: BOB.to_owned(), contact: None, refusal: Some(refused) }];
    assert_eq!(fixture.admit(Request { to, ..request("a", ALICE) }, T0).await, Admitted::New);
    fixture.reopen();
    let results = fixture.results().await;
    assert_eq!(results.len(), 2);
    assert_eq!((&results[0]["to"], &results[0]["state"]), (&ALICE.into(), &"accepted".into()));
    assert_eq!(results[0]["final"], false);
    assert_eq!((&results[1]["to"], &results[1]["state"]), (&BOB.into(), &"rejected".into()));
    assert_eq!((&results[1]["final"], &results[1]["error"]["code"]), (&true.into(), &"denied".into()));
}

#[tokio::test]
async fn a_repeated_id_sends_nothing_and_repeats_the_last_result() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.send(1, T0).await;
    fixture.drain().await;
    fixture.reopen();
    assert_eq!(fixture.admit(request("a", ALICE), T0).await, Admitted::Duplicate);
    let results = fixture.results().await;
    assert_eq!(results.len(), 1);
    assert_eq!((&results[0]["state"], &results[0]["duplicate"]), (&"sent".into(), &true.into()));
    assert!(fixture.claim(T0).await.is_none());
}

#[tokio::test]
async fn an_id_with_other_content_is_a_conflict_and_the_first_request_lives_on() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.drain().await;
    let other = Request { fingerprint: "other".to_owned(), ..request("a", BOB) };
    assert_eq!(fixture.admit(other, T0).await, Admitted::Conflict);
    let results = fixture.results().await;
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["state"], "rejected");
    assert_eq!(results[0]["error"]["code"], "id-conflict");
    assert_eq!((&results[0]["conflict"], &results[0]["final"]), (&true.into(), &false.into()));
    assert_eq!(fixture.claim(T0).await.expect("the first request").to, ALICE);
}

/// A request of which nothing may be sent.
fn refused(id: &str) -> Request {
    let why = Failure::permanent(FailureCode::BadNumber, "no number");
    let to = vec![Recipient { number: "x".to_owned(), contact: None, refusal: Some(why) }];
    Request { to, fingerprint: "to x".to_owned(), ..request(id, "x") }
}

#[tokio::test]
async fn a_request_refused_whole_leaves_its_id_to_others() {
    let mut fixture = StoreFixture::new();
    for _ in 0..2 {
        assert_eq!(fixture.admit(refused("alarm"), T0).await, Admitted::Refused);
        let results = fixture.results().await;
        assert_eq!((&results[0]["state"], &results[0]["final"]), (&"rejected".into(), &true.into()));
        assert_eq!(results[0].get("conflict"), None, "nobody else has the id: {results:?}");
    }
    assert_eq!(fixture.admit(request("alarm", ALICE), T0).await, Admitted::New);
    assert_eq!(fixture.send(1, T0).await.to, ALICE);
    assert_eq!(fixture.states().await, ["accepted", "sent"]);
    // And now the other way round.
    assert_eq!(fixture.admit(refused("alarm"), T0).await, Admitted::Conflict);
    let results = fixture.results().await;
    assert_eq!((&results[0]["conflict"], &results[0]["final"]), (&true.into(), &false.into()));
}

#[tokio::test]
async fn a_refused_request_without_an_id_is_answered_once() {
    let mut fixture = StoreFixture::new();
    let again = Origin { redelivered: true, ..origin(9) };
    for (origin, expected) in [(origin(9), Admitted::New), (again, Admitted::Redelivered)] {
        assert_eq!(fixture.admit(from_broker(refused(""), origin), T0).await, expected);
    }
    assert_eq!(fixture.states().await, ["rejected"]);
}

#[tokio::test]
async fn whatever_is_refused_under_a_known_id_is_not_that_requests_end() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("order-1", ALICE), T0).await;
    fixture.drain().await;
    for (id, is_known) in [(Some("order-1"), true), (Some("order-2"), false), (None, false)] {
        let result = crate::event::SendResult {
            id: id.map(str::to_owned),
            to: None,
            contact: None,
            state: crate::event::MessageState::Rejected,
            is_final: true,
            at: T0,
            fields: crate::event::ResultFields::default(),
        };
        fixture.store().publish_results(vec![result], None).await.unwrap();
        let result = fixture.results().await.remove(0);
        assert_eq!(result["final"], !is_known, "{result}");
        assert_eq!(result["conflict"] == true, is_known, "{result}");
    }
}

#[tokio::test]
async fn a_redelivery_without_an_id_is_known_by_its_packet_id_within_a_session() {
    let mut fixture = StoreFixture::new();
    let first = origin(9);
    let again = Origin { redelivered: true, ..first };
    for (origin, content, expected) in [
        (first, "x", Admitted::New),
        (again, "x", Admitted::Redelivered),
        (again, "y", Admitted::New),
        (Origin { session: 2, ..again }, "y", Admitted::New),
        (Origin { packet_id: 10, ..again }, "x", Admitted::New),
        (origin(9), "x", Admitted::New),
        (Origin { packet_id: 0, ..again }, "x", Admitted::New),
        // The packet id is used again: only the newest request with it can come again.
        (origin(9), "z", Admitted::New),
        (again, "x", Admitted::New),
    ] {
        fixture.reopen();
        let request = Request { fingerprint: content.to_owned(), ..request("", ALICE) };
        let admitted = fixture.admit(from_broker(request, origin), T0).await;
        assert_eq!(admitted, expected, "{origin:?} {content}");
    }
    let results = fixture.results().await;
    assert_eq!(results.len(), 8, "one answer each for what was new, none for the redelivery: {results:?}");
    assert!(results.iter().all(|r| r["id"].as_str().is_some_and(|id| id.len() == 26)));
}

#[tokio::test]
async fn a_redelivery_of_a_request_with_an_id_is_not_answered_again_and_a_repetition_is() {
    let mut fixture = StoreFixture::new();
    let admit = |fixture: &StoreFixture, origin| {
        let store = fixture.store().clone();
        async move { store.admit(from_broker(request("a", ALICE), origin), T0).await.unwrap() }
    };
    assert_eq!(admit(&fixture, origin(9)).await, Admitted::New);
    fixture.reopen();
    assert_eq!(admit(&fixture, Origin { redelivered: true, ..origin(9) }).await, Admitted::Redelivered);
    assert_eq!(fixture.results().await.len(), 1);
    assert_eq!(admit(&fixture, origin(10)).await, Admitted::Duplicate);
    assert_eq!(fixture.results().await.len(), 1);
}

#[tokio::test]
async fn a_result_also_goes_to_the_response_topic_with_its_correlation() {
    let mut fixture = StoreFixture::new();
    let reply_to = ReplyTo { topic: "answers/app".to_owned(), correlation: Some(vec![0, 255]) };
    fixture.admit(Request { reply_to: Some(reply_to), ..request("a", ALICE) }, T0).await;
    fixture.send(1, T0).await;
    let rows = fixture.drain().await;
    let (ours, theirs): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.topic == "sms/result");
    assert_eq!((ours.len(), theirs.len()), (2, 2));
    assert!(theirs.iter().all(|row| row.topic == "answers/app" && row.correlation == Some(vec![0, 255])));
    assert!(ours.iter().zip(theirs).all(|(our, their)| our.payload == their.payload));
}

#[tokio::test]
async fn a_request_is_cancelled_before_it_is_claimed() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.store().cancel("a".to_owned(), T0).await.unwrap();
    fixture.reopen();
    assert_eq!(fixture.states().await, ["accepted", "cancelled"]);
    assert!(fixture.claim(T0).await.is_none());
}

#[tokio::test]
async fn once_claimed_it_is_too_late_to_cancel_a_request() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.drain().await;
    fixture.store().cancel("a".to_owned(), T0).await.unwrap();
    let results = fixture.results().await;
    assert_eq!((&results[0]["state"], &results[0]["final"]), (&"accepted".into(), &false.into()));
    assert_eq!(results[0]["error"]["code"], "too-late");
    fixture.send_part(&claim, 1, 1, T0).await;
    assert_eq!(fixture.states().await, ["sent"]);
}

#[tokio::test]
async fn after_its_end_a_cancellation_changes_nothing() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.send(1, T0).await;
    fixture.drain().await;
    fixture.store().cancel("a".to_owned(), T0).await.unwrap();
    fixture.store().cancel("somebody-elses".to_owned(), T0).await.unwrap();
    let results = fixture.results().await;
    assert_eq!(results.len(), 1);
    assert_eq!((&results[0]["error"]["code"], &results[0]["final"]), (&"too-late".into(), &false.into()));
    fixture.admit(request("a", ALICE), T0).await;
    assert_eq!(fixture.states().await, ["sent"], "the last result is still the true one");
}

#[tokio::test]
async fn an_operation_that_is_refused_takes_none_of_its_group_with_it() {
    let mut fixture = StoreFixture::new();
    let twice = vec![recipient(ALICE), recipient(ALICE)];
    let broken = Request { to: twice, ..request("broken", ALICE) };
    let store = fixture.store().clone();
    let admitted = futures_util::future::join_all((0..40).map(|n| match n {
        20 => store.admit(broken.clone(), T0),
        _ => store.admit(request(&format!("r{n}"), ALICE), T0),
    }))
    .await;
    drop(store);
    assert_eq!(admitted.iter().filter(|a| matches!(a, Ok(Admitted::New))).count(), 39);
    assert!(matches!(admitted[20], Err(StoreError::Refused(_))), "{:?}", admitted[20]);
    fixture.reopen();
    assert_eq!(fixture.results().await.len(), 39);
}

#[tokio::test]
async fn a_parked_row_is_kept_and_not_offered_again() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    let rows = fixture.store().pending(Cursor::default(), 16).await.unwrap().0;
    fixture.store().park(rows[0].id, "packet too large".to_owned(), T0).await.unwrap();
    fixture.reopen();
    assert!(fixture.drain().await.is_empty());
    assert_eq!(fixture.store().depth().await.unwrap().parked, 1);
}

#[tokio::test]
async fn a_packet_id_the_broker_may_use_again_names_no_old_request() {
    let fixture = StoreFixture::new();
    let again = Origin { redelivered: true, ..origin(9) };
    let store = fixture.store();
    assert_eq!(store.admit(from_broker(request("", ALICE), origin(9)), T0).await.unwrap(), Admitted::New);
    let newest = store.settle_packet_ids(0).await.unwrap();
    assert_eq!(store.admit(from_broker(request("", ALICE), again), T0).await.unwrap(), Admitted::Redelivered);
    store.settle_packet_ids(newest).await.unwrap();
    assert_eq!(store.admit(from_broker(request("", ALICE), again), T0).await.unwrap(), Admitted::New);
}

#[tokio::test]
async fn every_result_has_the_contact_also_after_a_restart_and_when_it_is_repeated_or_refused() {
    let mut fixture = StoreFixture::new();
    let to_anna = |id: &str| {
        let to = vec![Recipient { contact: Some("Anna".to_owned()), ..recipient(ALICE) }, recipient(BOB)];
        Request { to, delivery_report: true, ..request(id, ALICE) }
    };
    fixture.admit(to_anna("a"), T0).await;
    fixture.reopen();
    fixture.send(1, T0 + SECOND).await;
    fixture.reopen();
    fixture.report(&status_report(1, ALICE, T0, 0, DELIVERED), T0 + 2 * SECOND).await;
    assert_eq!(fixture.admit(to_anna("a"), T0 + 3 * SECOND).await, Admitted::Duplicate);
    let other = Request { fingerprint: "another".to_owned(), ..to_anna("a") };
    assert_eq!(fixture.admit(other, T0 + 4 * SECOND).await, Admitted::Conflict);
    fixture.store().cancel("a".to_owned(), T0 + 5 * SECOND).await.unwrap();
    let mut states = Vec::new();
    for result in fixture.results().await {
        let expected = if result["to"] == ALICE { json("\"Anna\"") } else { Value::Null };
        assert_eq!(result["contact"], expected, "{result}");
        if result["to"] == ALICE {
            states.push(result["state"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(states, ["accepted", "sent", "delivered", "delivered", "rejected", "delivered"]);
}
