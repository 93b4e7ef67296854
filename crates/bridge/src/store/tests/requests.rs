//! Requests: each stored once, answered at once, withdrawn in time.

use super::*;
use crate::message::{Failure, ResponseTopic};

#[tokio::test]
async fn each_recipient_gets_its_first_result() {
    let mut house = House::new();
    let refused = Failure::permanent("denied", "not to this number");
    let to = vec![(ALICE.to_owned(), None), (BOB.to_owned(), Some(refused))];
    assert_eq!(house.admit(Request { to, ..request("a", ALICE) }, T0).await, Admitted::New);
    house.reopen();
    let results = house.results().await;
    assert_eq!(results.len(), 2);
    assert_eq!((&results[0]["to"], &results[0]["state"]), (&ALICE.into(), &"accepted".into()));
    assert_eq!(results[0]["final"], false);
    assert_eq!((&results[1]["to"], &results[1]["state"]), (&BOB.into(), &"rejected".into()));
    assert_eq!((&results[1]["final"], &results[1]["error"]["code"]), (&true.into(), &"denied".into()));
}

#[tokio::test]
async fn a_repeated_id_sends_nothing_and_repeats_the_last_result() {
    let mut house = House::new();
    house.admit(request("a", ALICE), T0).await;
    house.send(1, T0).await;
    house.drain().await;
    house.reopen();
    assert_eq!(house.admit(request("a", ALICE), T0).await, Admitted::Duplicate);
    let results = house.results().await;
    assert_eq!(results.len(), 1);
    assert_eq!((&results[0]["state"], &results[0]["duplicate"]), (&"sent".into(), &true.into()));
    assert!(house.claim(T0).await.is_none());
}

#[tokio::test]
async fn an_id_with_other_content_is_a_conflict_and_the_first_request_lives_on() {
    let mut house = House::new();
    house.admit(request("a", ALICE), T0).await;
    house.drain().await;
    let other = Request { content: "other".to_owned(), ..request("a", BOB) };
    assert_eq!(house.admit(other, T0).await, Admitted::Conflict);
    let results = house.results().await;
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["state"], "rejected");
    assert_eq!(results[0]["error"]["code"], "id-conflict");
    assert_eq!(house.claim(T0).await.expect("the first request").to, ALICE);
}

#[tokio::test]
async fn a_redelivery_without_an_id_is_known_by_its_packet_id_within_a_session() {
    let mut house = House::new();
    let first = fresh(9);
    let again = Origin { redelivered: true, ..first };
    for (origin, content, expected) in [
        (first, "x", Admitted::New),
        (again, "x", Admitted::Redelivered),
        (again, "y", Admitted::New),
        (Origin { session: 2, ..again }, "y", Admitted::New),
        (Origin { packet_id: 10, ..again }, "x", Admitted::New),
        (fresh(9), "x", Admitted::New),
        (Origin { packet_id: 0, ..again }, "x", Admitted::New),
        // The packet id is used again: only the newest request with it can come again.
        (fresh(9), "z", Admitted::New),
        (again, "x", Admitted::New),
    ] {
        house.reopen();
        let request = Request { content: content.to_owned(), ..request("", ALICE) };
        let admitted = house.store().admit(request, origin, T0).await.unwrap();
        assert_eq!(admitted, expected, "{origin:?} {content}");
    }
    let results = house.results().await;
    assert_eq!(results.len(), 8, "one answer each for what was new, none for the redelivery: {results:?}");
    assert!(results.iter().all(|r| r["id"].as_str().is_some_and(|id| id.len() == 26)));
}

#[tokio::test]
async fn a_redelivery_of_a_request_with_an_id_is_not_answered_again_and_a_repetition_is() {
    let mut house = House::new();
    let admit = |house: &House, origin| {
        let store = house.store().clone();
        async move { store.admit(request("a", ALICE), origin, T0).await.unwrap() }
    };
    assert_eq!(admit(&house, fresh(9)).await, Admitted::New);
    house.reopen();
    assert_eq!(admit(&house, Origin { redelivered: true, ..fresh(9) }).await, Admitted::Redelivered);
    assert_eq!(house.results().await.len(), 1);
    assert_eq!(admit(&house, fresh(10)).await, Admitted::Duplicate);
    assert_eq!(house.results().await.len(), 1);
}

#[tokio::test]
async fn a_result_also_goes_to_the_response_topic_with_its_correlation() {
    let mut house = House::new();
    let respond_to = ResponseTopic { topic: "app/answer".to_owned(), correlation: Some(vec![0, 255]) };
    house.admit(Request { respond_to: Some(respond_to), ..request("a", ALICE) }, T0).await;
    house.send(1, T0).await;
    let rows = house.drain().await;
    let (ours, theirs): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.topic == "sms/result");
    assert_eq!((ours.len(), theirs.len()), (2, 2));
    assert!(theirs.iter().all(|row| row.topic == "app/answer" && row.correlation == Some(vec![0, 255])));
    assert!(ours.iter().zip(theirs).all(|(our, their)| our.payload == their.payload));
}

#[tokio::test]
async fn a_request_is_withdrawn_before_it_is_on_air() {
    let mut house = House::new();
    house.admit(request("a", ALICE), T0).await;
    house.store().cancel("a".to_owned(), T0).await.unwrap();
    house.reopen();
    assert_eq!(house.states().await, ["accepted", "cancelled"]);
    assert!(house.claim(T0).await.is_none());
}

#[tokio::test]
async fn once_claimed_it_is_too_late_to_withdraw_a_request() {
    let mut house = House::new();
    house.admit(request("a", ALICE), T0).await;
    let claim = house.claim(T0).await.unwrap();
    house.drain().await;
    house.store().cancel("a".to_owned(), T0).await.unwrap();
    let results = house.results().await;
    assert_eq!((&results[0]["state"], &results[0]["final"]), (&"accepted".into(), &false.into()));
    assert_eq!(results[0]["error"]["code"], "too-late");
    house.send_part(&claim, 1, 1, T0).await;
    assert_eq!(house.states().await, ["sent"]);
}

#[tokio::test]
async fn after_its_end_a_withdrawal_changes_nothing() {
    let mut house = House::new();
    house.admit(request("a", ALICE), T0).await;
    house.send(1, T0).await;
    house.drain().await;
    house.store().cancel("a".to_owned(), T0).await.unwrap();
    house.store().cancel("somebody-elses".to_owned(), T0).await.unwrap();
    let results = house.results().await;
    assert_eq!(results.len(), 1);
    assert_eq!((&results[0]["error"]["code"], &results[0]["final"]), (&"too-late".into(), &false.into()));
    house.admit(request("a", ALICE), T0).await;
    assert_eq!(house.states().await, ["sent"], "the last result is still the true one");
}

#[tokio::test]
async fn finished_requests_are_forgotten_and_owed_ones_are_not() {
    let mut house = House::new();
    house.admit(request("done", ALICE), T0).await;
    house.send(1, T0).await;
    house.admit(request("waits", BOB), T0).await;
    house.accept(sm(1), &short(ALICE, "Hello", T0), T0).await;
    house.store().forget(T0 + 31 * DAY, Duration::from_secs(30 * 86_400)).await.unwrap();
    assert_eq!(house.drain().await.len(), 4, "what is owed to the broker is not forgotten");
    assert_eq!(house.admit(request("done", ALICE), T0 + 31 * DAY).await, Admitted::New);
    assert_eq!(house.admit(request("waits", BOB), T0 + 31 * DAY).await, Admitted::Duplicate);
    house.close();
    assert_eq!(house.sql::<i64>("SELECT count(*) FROM received"), 0);
    assert_eq!(house.sql::<i64>("SELECT count(*) FROM message"), 2);
}

#[tokio::test]
async fn a_verb_that_is_refused_takes_none_of_its_group_with_it() {
    let mut house = House::new();
    let twice = vec![(ALICE.to_owned(), None), (ALICE.to_owned(), None)];
    let broken = Request { to: twice, ..request("broken", ALICE) };
    let store = house.store().clone();
    let admitted = futures_util::future::join_all((0..40).map(|n| match n {
        20 => store.admit(broken.clone(), fresh(0), T0),
        _ => store.admit(request(&format!("r{n}"), ALICE), fresh(0), T0),
    }))
    .await;
    drop(store);
    assert_eq!(admitted.iter().filter(|a| matches!(a, Ok(Admitted::New))).count(), 39);
    assert!(matches!(admitted[20], Err(StoreError::Refused(_))), "{:?}", admitted[20]);
    house.reopen();
    assert_eq!(house.results().await.len(), 39);
}

#[tokio::test]
async fn a_parked_row_is_kept_and_not_offered_again() {
    let mut house = House::new();
    house.admit(request("a", ALICE), T0).await;
    let rows = house.store().owed(0, 16).await.unwrap();
    house.store().park(rows[0].id, "packet too large".to_owned()).await.unwrap();
    house.reopen();
    assert!(house.drain().await.is_empty());
    assert_eq!(house.store().depth().await.unwrap().parked, 1);
}

#[tokio::test]
async fn a_packet_id_the_broker_has_let_go_of_names_no_old_request() {
    let house = House::new();
    let again = Origin { redelivered: true, ..fresh(9) };
    let store = house.store();
    assert_eq!(store.admit(request("", ALICE), fresh(9), T0).await.unwrap(), Admitted::New);
    let newest = store.packet_ids_settled(0).await.unwrap();
    assert_eq!(store.admit(request("", ALICE), again, T0).await.unwrap(), Admitted::Redelivered);
    store.packet_ids_settled(newest).await.unwrap();
    assert_eq!(store.admit(request("", ALICE), again, T0).await.unwrap(), Admitted::New);
}
