//! A message stored by another version of this program, which split its text differently.

use super::*;

/// A text of two parts that another version took for so many.
async fn stored_in(parts: u8) -> StoreFixture {
    let fixture = StoreFixture::new();
    fixture.admit(Request { parts, ..in_parts(2, request("a", ALICE)) }, T0).await;
    fixture
}

#[tokio::test]
async fn a_message_of_which_nothing_was_sent_is_split_anew() {
    for parts in [1, 3, 4] {
        let mut fixture = stored_in(parts).await;
        fixture.reopen();
        let claim = fixture.send(1, T0).await;
        assert_eq!(claim.open_parts, [1, 2], "stored in {parts}");
        let results = fixture.results().await;
        assert_eq!((&results[1]["state"], &results[1]["parts"]), (&"sent".into(), &2.into()));
    }
}

#[tokio::test]
async fn a_message_that_was_refused_is_split_anew_as_well() {
    let fixture = StoreFixture::new();
    fixture.admit(in_parts(2, request("a", ALICE)), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.submitting(&claim, 1, T0).await;
    let again = crate::verdict::Verdict::Interrupted;
    fixture.store().not_submitted(claim.message, 1, named("main"), again, T0).await.unwrap();
    fixture.change("UPDATE message SET parts = 1, part_lengths = 'Gsm7 160'; DELETE FROM message_part WHERE sequence = 2");
    assert_eq!(fixture.claim(T0).await.unwrap().open_parts, [1, 2]);
}

#[tokio::test]
async fn a_message_split_into_more_parts_gets_a_reference_of_its_own() {
    let fixture = StoreFixture::new();
    for (id, parts) in [("first", 1), ("second", 2)] {
        fixture.admit(Request { parts, ..in_parts(2, request(id, ALICE)) }, T0).await;
    }
    let (first, second) = (fixture.send(1, T0).await, fixture.send(3, T0).await);
    assert_ne!(first.reference, second.reference);
}

#[tokio::test]
async fn a_message_that_now_takes_more_parts_than_allowed_fails() {
    let mut fixture = StoreFixture::with(|config| config.outbound.max_parts = 2);
    fixture.admit(Request { parts: 2, ..in_parts(3, request("a", ALICE)) }, T0).await;
    fixture.admit(request("b", BOB), T0).await;
    assert_eq!(fixture.claim(T0).await.expect("the next one").request, "b");
    let last = fixture.results().await.pop().unwrap();
    assert_eq!((&last["state"], &last["error"]["code"]), (&"failed".into(), &"too-long".into()));
}

/// A message of two parts after the first was handed over; since then the text is split as `change` says.
async fn begun(is_answered: bool, change: &str) -> StoreFixture {
    let mut fixture = StoreFixture::new();
    fixture.admit(in_parts(2, request("a", ALICE)), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.submitting(&claim, 1, T0).await;
    if is_answered {
        fixture.store().submitted(claim.message, 1, Some(1), T0).await.unwrap();
    }
    fixture.drain().await;
    fixture.close();
    fixture.change(change);
    fixture.reopen();
    assert_eq!(fixture.store().release(None, T0).await.unwrap(), 1);
    fixture
}

#[tokio::test]
async fn a_message_of_which_a_part_was_sent_is_not_continued_with_parts_that_do_not_fit() {
    for change in [
        "UPDATE message SET part_lengths = 'Gsm7 160, Gsm7 160, Gsm7 7', parts = 3;
         INSERT INTO message_part (message_id, sequence, state) SELECT id, 3, 'queued' FROM message",
        // As many parts, cut at another place.
        "UPDATE message SET part_lengths = 'Gsm7 159, Gsm7 161'",
    ] {
        for (is_answered, state, parts_sent) in
            [(true, "failed", serde_json::json!(1)), (false, "unknown", Value::Null)]
        {
            let mut fixture = begun(is_answered, change).await;
            assert!(fixture.claim(T0).await.is_none());
            let results = fixture.results().await;
            assert_eq!(results.len(), 1, "{results:?}");
            assert_eq!((&results[0]["state"], &results[0]["final"]), (&state.into(), &true.into()));
            assert_eq!(
                (&results[0]["error"]["code"], &results[0]["parts_sent"]),
                (&"store".into(), &parts_sent)
            );
            let words = results[0]["error"]["message"].as_str().unwrap();
            assert!(words.contains("send it again with a new id"), "{words}");
        }
    }
}

#[tokio::test]
async fn a_message_of_which_a_part_was_sent_goes_on_where_its_text_is_split_as_before() {
    let fixture = begun(true, "").await;
    assert_eq!(fixture.claim(T0).await.unwrap().open_parts, [2]);
    let fixture = begun(false, "").await;
    assert_eq!(fixture.claim(T0).await.unwrap().open_parts, [1, 2]);
}
