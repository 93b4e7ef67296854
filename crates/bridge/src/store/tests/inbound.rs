//! Incoming messages: parts, repetitions, slots.

use super::*;
use crate::payload;

/// Accepts the parts in this order from slots 1, 2, 3 and gives the one message that came of them.
async fn joined(order: [usize; 3]) -> Value {
    let mut house = House::new();
    let (pdus, text) = long(7, 'a', T0);
    for (slot, part) in (1..).zip(order) {
        let accepted = house.accept(sm(slot), &pdus[part], T0 + i64::from(slot)).await;
        assert_eq!(matches!(accepted, Accepted::Whole(_)), slot == 3, "{order:?}, slot {slot}");
        house.reopen();
    }
    let received = house.received().await;
    assert_eq!(received.len(), 1, "{order:?}");
    assert_eq!(received[0]["text"], text, "{order:?}");
    received[0].clone()
}

#[tokio::test]
async fn parts_in_any_order_make_one_message() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let message = joined(order).await;
        assert_eq!((&message["parts"], &message["complete"]), (&3.into(), &true.into()));
        assert_eq!(message["from"], ALICE);
    }
}

#[tokio::test]
async fn a_part_the_network_repeats_is_counted_once() {
    let mut house = House::new();
    let (pdus, text) = long(7, 'a', T0);
    house.accept(sm(1), &pdus[0], T0).await;
    assert_eq!(house.accept(sm(2), &pdus[0], T0).await, Accepted::Waiting);
    house.accept(sm(3), &pdus[1], T0).await;
    assert!(matches!(house.accept(sm(4), &pdus[2], T0).await, Accepted::Whole(_)));
    // And once more after the message is whole.
    assert_eq!(house.accept(sm(5), &pdus[1], T0).await, Accepted::Waiting);
    let left = house.store().give_out_incomplete(T0 + DAY, Duration::from_secs(3600)).await.unwrap();
    assert_eq!(left, 0, "the repetition began no message of its own");
    let received = house.received().await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["text"], text);
}

#[tokio::test]
async fn a_reference_used_again_later_by_the_same_sender_makes_another_message() {
    let mut house = House::new();
    let (old, old_text) = long(7, 'a', T0);
    let (new, new_text) = long(7, 'b', T0 + HOUR);
    for pdu in old.iter().chain(&new) {
        house.accept(sm(1), pdu, T0 + HOUR).await;
    }
    let texts: Vec<Value> = house.received().await.iter().map(|m| m["text"].clone()).collect();
    assert_eq!(texts, [Value::from(old_text), Value::from(new_text)]);
}

#[tokio::test]
async fn a_sender_whose_reference_never_changes_gets_whole_messages_minutes_apart() {
    let mut house = House::new();
    let (old, old_text) = long(0, 'a', T0);
    let (new, new_text) = long(0, 'b', T0 + MINUTE);
    for pdu in old.iter().chain(&new) {
        house.accept(sm(1), pdu, T0 + MINUTE).await;
    }
    let texts: Vec<Value> = house.received().await.iter().map(|m| m["text"].clone()).collect();
    assert_eq!(texts, [Value::from(old_text), Value::from(new_text)]);
}

#[tokio::test]
async fn of_two_open_messages_with_one_reference_a_part_joins_the_one_stamped_nearest() {
    let mut house = House::new();
    let (old, old_text) = long(0, 'a', T0);
    let (new, new_text) = long(0, 'b', T0 + MINUTE);
    for pdu in [&old[0], &new[0], &old[1], &new[1], &old[2], &new[2]] {
        house.accept(sm(1), pdu, T0 + MINUTE).await;
    }
    let texts: Vec<Value> = house.received().await.iter().map(|m| m["text"].clone()).collect();
    assert_eq!(texts, [Value::from(old_text), Value::from(new_text)]);
}

#[tokio::test]
async fn the_same_reference_of_two_senders_keeps_their_messages_apart() {
    let mut house = House::new();
    let text = "x".repeat(200);
    let (ours, theirs) = (delivers(ALICE, &text, 7, T0), delivers(BOB, &text, 7, T0));
    for pdu in [&ours[0], &theirs[0], &theirs[1], &ours[1]] {
        house.accept(sm(1), pdu, T0).await;
    }
    let from: Vec<Value> = house.received().await.iter().map(|m| m["from"].clone()).collect();
    assert_eq!(from, [BOB, ALICE]);
}

#[tokio::test]
async fn an_incomplete_message_is_given_out_after_the_timeout_and_names_what_is_missing() {
    let mut house = House::new();
    let (pdus, _) = long(7, 'a', T0);
    house.accept(sm(1), &pdus[2], T0).await;
    house.accept(sm(2), &pdus[0], T0 + MINUTE).await;
    house.reopen();
    let timeout = Duration::from_secs(3600);
    let early = house.store().give_out_incomplete(T0 + HOUR, timeout).await.unwrap();
    assert_eq!(early, 0, "the timeout counts from the last part");
    let given = house.store().give_out_incomplete(T0 + HOUR + MINUTE, timeout).await.unwrap();
    assert_eq!(given, 1);
    let received = house.received().await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["complete"], false);
    assert_eq!(received[0]["missing"], serde_json::json!([2]));
    assert_eq!(received[0]["received_at"], payload::time(T0 + MINUTE), "when the last part was read");
    assert_eq!(house.store().give_out_incomplete(T0 + DAY, timeout).await.unwrap(), 0);
    assert!(house.received().await.is_empty());
}

#[tokio::test]
async fn a_late_part_names_the_message_it_is_late_for() {
    let mut house = House::new();
    let (pdus, _) = long(7, 'a', T0);
    house.accept(sm(1), &pdus[0], T0).await;
    house.accept(sm(2), &pdus[2], T0).await;
    house.store().give_out_incomplete(T0 + DAY, Duration::from_secs(3600)).await.unwrap();
    let incomplete = house.received().await[0]["id"].clone();
    house.reopen();
    assert!(matches!(house.accept(sm(3), &pdus[1], T0 + DAY).await, Accepted::Whole(_)));
    let late = house.received().await;
    assert_eq!(late.len(), 1);
    assert_eq!(late[0]["late_for"], incomplete);
    assert_ne!(late[0]["id"], incomplete);
    // The network may repeat that one too.
    house.accept(sm(4), &pdus[1], T0 + DAY).await;
    assert!(house.received().await.is_empty());
}

#[tokio::test]
async fn equal_pdus_in_two_storages_of_one_sweep_are_one_message() {
    let mut house = House::new();
    let pdu = short(ALICE, "Hello", T0);
    assert!(matches!(house.accept(sm(1), &pdu, T0).await, Accepted::Whole(_)));
    assert_eq!(house.accept(me(4), &pdu, T0).await, Accepted::Known);
    assert_eq!(house.received().await.len(), 1);
}

#[tokio::test]
async fn equal_pdus_in_two_slots_of_one_storage_are_two_messages() {
    let mut house = House::new();
    let pdu = short(ALICE, "Hello", T0);
    assert!(matches!(house.accept(sm(1), &pdu, T0).await, Accepted::Whole(_)));
    assert!(matches!(house.accept(sm(2), &pdu, T0).await, Accepted::Whole(_)));
    assert_eq!(house.received().await.len(), 2);
}

#[tokio::test]
async fn a_pdu_found_again_after_a_kill_before_its_deletion_is_known() {
    let mut house = House::new();
    let pdu = short(ALICE, "Hello", T0);
    house.accept(sm(1), &pdu, T0).await;
    house.reopen();
    swept(&house, vec![sm(1).unwrap()]).await;
    assert_eq!(house.accept(sm(1), &pdu, T0).await, Accepted::Known);
    assert_eq!(house.received().await.len(), 1);
}

#[tokio::test]
async fn a_slot_used_again_by_another_pdu_is_another_message() {
    let mut house = House::new();
    house.accept(sm(1), &short(ALICE, "first", T0), T0).await;
    // Deleted in the modem, killed before that was written down, and filled again.
    house.reopen();
    swept(&house, vec![sm(1).unwrap()]).await;
    let accepted = house.accept(sm(1), &short(ALICE, "second", T0), T0).await;
    assert!(matches!(accepted, Accepted::Whole(_)));
    assert_eq!(house.received().await.len(), 2);
}

#[tokio::test]
async fn an_equal_pdu_in_a_slot_that_was_found_empty_between_is_another_message() {
    let mut house = House::new();
    let pdu = short(ALICE, "Hello", T0);
    for empty in [true, false] {
        assert!(matches!(house.accept(sm(1), &pdu, T0).await, Accepted::Whole(_)));
        match empty {
            true => swept(&house, vec![]).await,
            false => house.store().slots_cleared(SIM.to_owned(), vec![sm(1).unwrap()]).await.unwrap(),
        }
    }
    assert!(matches!(house.accept(sm(1), &pdu, T0).await, Accepted::Whole(_)));
    assert_eq!(house.received().await.len(), 3);
}

#[tokio::test]
async fn a_storage_that_could_not_be_listed_keeps_its_slots() {
    let mut house = House::new();
    let pdu = short(ALICE, "Hello", T0);
    house.accept(me(1), &pdu, T0).await;
    // Its deletion failed, and this sweep could not select ME.
    house.store().swept(SIM.to_owned(), vec!["SM".to_owned()], vec![]).await.unwrap();
    assert_eq!(house.accept(me(1), &pdu, T0).await, Accepted::Known);
    assert_eq!(house.received().await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_decoded_is_published_with_its_error() {
    let mut house = House::new();
    for (slot, pdu) in [(1, "0791"), (2, "ZZ"), (3, "")] {
        assert!(matches!(house.accept(sm(slot), pdu, T0).await, Accepted::Whole(_)), "{pdu:?}");
        let received = house.received().await;
        assert_eq!(received.len(), 1, "{pdu:?}");
        assert!(received[0]["error"].as_str().is_some_and(|why| !why.is_empty()), "{pdu:?}");
        assert_eq!(received[0]["pdus"], serde_json::json!([pdu]));
    }
}

#[tokio::test]
async fn a_directly_delivered_pdu_that_the_network_repeats_is_one_message() {
    let mut house = House::new();
    let pdu = short(ALICE, "Hello", T0);
    assert!(matches!(house.accept(None, &pdu, T0).await, Accepted::Whole(_)));
    house.reopen();
    assert_eq!(house.accept(None, &pdu, T0 + MINUTE).await, Accepted::Known);
    assert_eq!(house.received().await.len(), 1);
}

#[tokio::test]
async fn a_denied_sender_is_kept_for_history_and_not_published() {
    let mut house = House::with(|rules| rules.inbound.deny = vec!["+4915*".parse().unwrap()]);
    house.accept(sm(1), &short(ALICE, "Hello", T0), T0).await;
    assert!(house.drain().await.is_empty());
    let entries = History::open(house.folder.path()).unwrap().entries(&Wanted::default()).unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].incoming, entries[0].number.as_str()), (true, ALICE));
}

#[tokio::test]
async fn of_the_last_message_only_the_newest_is_owed() {
    let mut house = House::with(|rules| rules.retain_last = true);
    house.accept(sm(1), &short(ALICE, "first", T0), T0).await;
    let in_flight = house.store().owed(0, 16).await.unwrap();
    house.accept(sm(2), &short(ALICE, "second", T0), T0).await;
    // The PUBACK of a row that a newer one has replaced in the meantime.
    house.store().published(in_flight.iter().map(|row| row.id).collect()).await.unwrap();
    house.accept(sm(3), &short(ALICE, "third", T0), T0).await;
    let rows = house.drain().await;
    let last: Vec<_> = rows.iter().filter(|row| row.topic == "sms/last/main").collect();
    assert_eq!(last.len(), 1);
    assert!(last[0].retain && last[0].payload.contains("third"));
    assert_eq!(rows.len(), 3);
}

/// A sweep that could list all storages found these.
async fn swept(house: &House, found: Vec<Slot>) {
    let listed = vec!["SM".to_owned(), "ME".to_owned()];
    house.store().swept(SIM.to_owned(), listed, found).await.unwrap();
}
