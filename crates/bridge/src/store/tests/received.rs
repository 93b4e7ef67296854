//! Incoming messages: parts, repetitions, slots.

use super::*;
use crate::pdu_fixtures::{changed, changed_deliver};
use crate::wire;

/// Accepts the parts in this order from slots 1, 2, 3 and gives the one message that came of them.
async fn joined(order: [usize; 3]) -> Value {
    let mut fixture = StoreFixture::new();
    let (pdus, text) = long(7, 'a', T0);
    for (slot, part) in (1..).zip(order) {
        let accepted = fixture.accept(sm(slot), &pdus[part], T0 + i64::from(slot)).await;
        assert_eq!(matches!(accepted, Accepted::Completed(_)), slot == 3, "{order:?}, slot {slot}");
        fixture.reopen();
    }
    let received = fixture.received().await;
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
    let mut fixture = StoreFixture::new();
    let (pdus, text) = long(7, 'a', T0);
    fixture.accept(sm(1), &pdus[0], T0).await;
    assert_eq!(fixture.accept(sm(2), &pdus[0], T0).await, Accepted::Waiting);
    fixture.accept(sm(3), &pdus[1], T0).await;
    assert!(matches!(fixture.accept(sm(4), &pdus[2], T0).await, Accepted::Completed(_)));
    // And once more after the message is complete.
    assert_eq!(fixture.accept(sm(5), &pdus[1], T0).await, Accepted::Waiting);
    let left = fixture.store().publish_incomplete(T0 + DAY, Duration::from_secs(3600)).await.unwrap();
    assert_eq!(left, 0, "the repetition began no message of its own");
    let received = fixture.received().await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["text"], text);
}

/// The part as it comes again: stamped later, with other flags, or through another service centre.
fn sent_again(pdu: &str) -> Vec<String> {
    let stamped = |seconds| {
        changed_deliver(pdu, |deliver| {
            deliver.sent_at = codec::Timestamp::from_unix(T0 / 1000 + seconds, 4);
        })
    };
    vec![
        stamped(6),
        stamped(-40),
        changed_deliver(pdu, |deliver| deliver.sent_at = None),
        changed_deliver(pdu, |deliver| deliver.more_messages = true),
        changed_deliver(pdu, |deliver| deliver.status_report_indication = true),
        changed_deliver(pdu, |deliver| deliver.pid = codec::Pid(0x3F)),
        changed(pdu, |pdu| pdu.service_centre = codec::Address::from_number("+491710760000").ok()),
    ]
}

#[tokio::test]
async fn a_part_sent_again_is_a_repetition_whatever_the_network_changed() {
    let (pdus, text) = long(7, 'a', T0);
    for (n, again) in sent_again(&pdus[1]).iter().enumerate() {
        for place in 1..=3 {
            let mut fixture = StoreFixture::new();
            let mut order = vec![&pdus[0], &pdus[1], &pdus[2]];
            order.insert(if place == 1 { 0 } else { place }, again);
            for (slot, pdu) in (1..).zip(order) {
                fixture.accept(sm(slot), pdu, T0 + MINUTE).await;
            }
            let left = fixture.store().publish_incomplete(T0 + DAY, Duration::from_secs(3600)).await.unwrap();
            assert_eq!(left, 0, "change {n}, place {place}: it began a message of its own");
            let received = fixture.received().await;
            assert_eq!(received.len(), 1, "change {n}, place {place}");
            assert_eq!(received[0]["text"], text, "change {n}, place {place}");
        }
    }
}

#[tokio::test]
async fn a_part_that_came_cut_is_replaced_by_the_whole_one_and_not_the_other_way() {
    let (pdus, text) = long(7, 'a', T0);
    let cut = &pdus[1][..pdus[1].len() - 20];
    for order in [[&pdus[0], cut, &pdus[1], &pdus[2]], [&pdus[0], &pdus[1], cut, &pdus[2]]] {
        let mut fixture = StoreFixture::new();
        for (slot, pdu) in (1..).zip(order) {
            fixture.accept(sm(slot), pdu, T0).await;
        }
        fixture.accept(sm(5), cut, T0).await;
        assert_eq!(fixture.store().publish_incomplete(T0 + DAY, Duration::from_secs(3600)).await.unwrap(), 0);
        let received = fixture.received().await;
        assert_eq!(received.len(), 1);
        assert_eq!((&received[0]["text"], received[0].get("truncated")), (&text.clone().into(), None));
    }
}

#[tokio::test]
async fn parts_stamped_nearly_an_hour_apart_are_one_message() {
    let mut fixture = StoreFixture::new();
    let (pdus, text) = long(7, 'a', T0);
    for (slot, (pdu, minutes)) in (1..).zip(pdus.iter().zip([0, 55, 25])) {
        let at = T0 + minutes * MINUTE;
        let pdu = changed_deliver(pdu, |deliver| deliver.sent_at = codec::Timestamp::from_unix(at / 1000, 4));
        fixture.accept(sm(slot), &pdu, at).await;
    }
    let received = fixture.received().await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["text"], text);
}

#[tokio::test]
async fn parts_stamped_further_apart_than_the_reassembly_timeout_are_two_messages() {
    for (timeout, messages) in [(60, 0), (3 * 3600, 1)] {
        let timeout = Duration::from_secs(timeout);
        let mut fixture = StoreFixture::with(|config| config.incoming.inbound.reassembly_timeout = timeout);
        let (first, _) = long(7, 'a', T0);
        let (later, _) = long(7, 'a', T0 + 2 * HOUR);
        for (slot, pdu) in (1..).zip([&first[0], &later[1], &first[2]]) {
            fixture.accept(sm(slot), pdu, T0 + 2 * HOUR).await;
        }
        assert_eq!(fixture.received().await.len(), messages, "{timeout:?}");
    }
}

#[tokio::test]
async fn the_same_long_text_sent_again_minutes_later_under_one_reference_is_another_message() {
    let mut fixture = StoreFixture::new();
    for minutes in [0, 3, 20] {
        let at = T0 + minutes * MINUTE;
        let (pdus, text) = long(0, 'a', at);
        for pdu in &pdus {
            fixture.accept(None, pdu, at).await;
        }
        let received = fixture.received().await;
        assert_eq!(received.len(), 1, "after {minutes} minutes");
        assert_eq!(received[0]["text"], text);
    }
}

#[tokio::test]
async fn a_name_and_a_number_that_look_alike_keep_their_parts_apart() {
    let mut fixture = StoreFixture::new();
    let text = "x".repeat(200);
    let number = delivers("22333", &text, 7, T0);
    let with = |pdu: &str, from: codec::Address| changed_deliver(pdu, |deliver| deliver.from = from);
    let name = codec::Address::alphanumeric("22333").unwrap();
    let national = codec::Address::from_semi_octets(0xA1, 5, &[0x22, 0x33, 0xF3]).unwrap();
    let others = [with(&number[1], name), with(&number[1], national)];
    for (slot, pdu) in (1..).zip([&number[0], &others[0], &others[1]]) {
        assert_eq!(fixture.accept(sm(slot), pdu, T0).await, Accepted::Waiting);
    }
    assert!(matches!(fixture.accept(sm(4), &number[1], T0).await, Accepted::Completed(_)));
    assert_eq!(fixture.received().await.len(), 1);
}

#[tokio::test]
async fn a_reference_used_again_later_by_the_same_sender_makes_another_message() {
    let mut fixture = StoreFixture::new();
    let (old, old_text) = long(7, 'a', T0);
    let (new, new_text) = long(7, 'b', T0 + HOUR);
    for pdu in old.iter().chain(&new) {
        fixture.accept(sm(1), pdu, T0 + HOUR).await;
    }
    let texts: Vec<Value> = fixture.received().await.iter().map(|m| m["text"].clone()).collect();
    assert_eq!(texts, [Value::from(old_text), Value::from(new_text)]);
}

#[tokio::test]
async fn a_sender_whose_reference_never_changes_gets_complete_messages_minutes_apart() {
    let mut fixture = StoreFixture::new();
    let (old, old_text) = long(0, 'a', T0);
    let (new, new_text) = long(0, 'b', T0 + MINUTE);
    for pdu in old.iter().chain(&new) {
        fixture.accept(sm(1), pdu, T0 + MINUTE).await;
    }
    let texts: Vec<Value> = fixture.received().await.iter().map(|m| m["text"].clone()).collect();
    assert_eq!(texts, [Value::from(old_text), Value::from(new_text)]);
}

#[tokio::test]
async fn of_two_open_messages_with_one_reference_a_part_joins_the_one_stamped_nearest() {
    let mut fixture = StoreFixture::new();
    let (old, old_text) = long(0, 'a', T0);
    let (new, new_text) = long(0, 'b', T0 + MINUTE);
    for pdu in [&old[0], &new[0], &old[1], &new[1], &old[2], &new[2]] {
        fixture.accept(sm(1), pdu, T0 + MINUTE).await;
    }
    let texts: Vec<Value> = fixture.received().await.iter().map(|m| m["text"].clone()).collect();
    assert_eq!(texts, [Value::from(old_text), Value::from(new_text)]);
}

#[tokio::test]
async fn the_same_reference_of_two_senders_keeps_their_messages_apart() {
    let mut fixture = StoreFixture::new();
    let text = "x".repeat(200);
    let (ours, theirs) = (delivers(ALICE, &text, 7, T0), delivers(BOB, &text, 7, T0));
    for pdu in [&ours[0], &theirs[0], &theirs[1], &ours[1]] {
        fixture.accept(sm(1), pdu, T0).await;
    }
    let from: Vec<Value> = fixture.received().await.iter().map(|m| m["from"].clone()).collect();
    assert_eq!(from, [BOB, ALICE]);
}

#[tokio::test]
async fn an_incomplete_message_is_given_out_after_the_timeout_and_names_what_is_missing() {
    let mut fixture = StoreFixture::new();
    let (pdus, _) = long(7, 'a', T0);
    fixture.accept(sm(1), &pdus[2], T0).await;
    fixture.accept(sm(2), &pdus[0], T0 + MINUTE).await;
    fixture.reopen();
    let timeout = Duration::from_secs(3600);
    let early = fixture.store().publish_incomplete(T0 + HOUR, timeout).await.unwrap();
    assert_eq!(early, 0, "the timeout counts from the last part");
    let given = fixture.store().publish_incomplete(T0 + HOUR + MINUTE, timeout).await.unwrap();
    assert_eq!(given, 1);
    let received = fixture.received().await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["complete"], false);
    assert_eq!(received[0]["missing"], serde_json::json!([2]));
    assert_eq!(received[0]["received_at"], wire::time(T0 + MINUTE), "when the last part was read");
    assert_eq!(fixture.store().publish_incomplete(T0 + DAY, timeout).await.unwrap(), 0);
    assert!(fixture.received().await.is_empty());
}

#[tokio::test]
async fn a_late_part_names_the_message_it_is_late_for() {
    let mut fixture = StoreFixture::new();
    let (pdus, _) = long(7, 'a', T0);
    fixture.accept(sm(1), &pdus[0], T0).await;
    fixture.accept(sm(2), &pdus[2], T0).await;
    fixture.store().publish_incomplete(T0 + DAY, Duration::from_secs(3600)).await.unwrap();
    let incomplete = fixture.received().await[0]["id"].clone();
    fixture.reopen();
    assert!(matches!(fixture.accept(sm(3), &pdus[1], T0 + DAY).await, Accepted::Completed(_)));
    let late = fixture.received().await;
    assert_eq!(late.len(), 1);
    assert_eq!(late[0]["late_for"], incomplete);
    assert_ne!(late[0]["id"], incomplete);
    // The network may repeat that one too.
    fixture.accept(sm(4), &pdus[1], T0 + DAY).await;
    assert!(fixture.received().await.is_empty());
}

#[tokio::test]
async fn equal_pdus_in_two_storages_of_one_sweep_are_one_message() {
    let mut fixture = StoreFixture::new();
    let pdu = short(ALICE, "Hello", T0);
    assert!(matches!(fixture.accept(sm(1), &pdu, T0).await, Accepted::Completed(_)));
    assert_eq!(fixture.accept(me(4), &pdu, T0).await, Accepted::Known { was_deleted: false });
    assert_eq!(fixture.received().await.len(), 1);
}

#[tokio::test]
async fn equal_pdus_in_two_slots_of_one_storage_are_two_messages() {
    let mut fixture = StoreFixture::new();
    let pdu = short(ALICE, "Hello", T0);
    assert!(matches!(fixture.accept(sm(1), &pdu, T0).await, Accepted::Completed(_)));
    assert!(matches!(fixture.accept(sm(2), &pdu, T0).await, Accepted::Completed(_)));
    assert_eq!(fixture.received().await.len(), 2);
}

#[tokio::test]
async fn a_pdu_found_again_after_a_kill_before_its_deletion_is_known() {
    let mut fixture = StoreFixture::new();
    let pdu = short(ALICE, "Hello", T0);
    fixture.accept(sm(1), &pdu, T0).await;
    fixture.reopen();
    swept(&fixture, vec![sm(1).unwrap()]).await;
    assert_eq!(fixture.accept(sm(1), &pdu, T0).await, Accepted::Known { was_deleted: false });
    assert_eq!(fixture.received().await.len(), 1);
}

#[tokio::test]
async fn a_slot_used_again_by_another_pdu_is_another_message() {
    let mut fixture = StoreFixture::new();
    fixture.accept(sm(1), &short(ALICE, "first", T0), T0).await;
    // Deleted in the modem, killed before that was written down, and filled again.
    fixture.reopen();
    swept(&fixture, vec![sm(1).unwrap()]).await;
    let accepted = fixture.accept(sm(1), &short(ALICE, "second", T0), T0).await;
    assert!(matches!(accepted, Accepted::Completed(_)));
    assert_eq!(fixture.received().await.len(), 2);
}

#[tokio::test]
async fn an_equal_pdu_in_a_slot_that_was_found_empty_between_is_another_message() {
    let mut fixture = StoreFixture::new();
    let pdu = short(ALICE, "Hello", T0);
    for empty in [true, false] {
        assert!(matches!(fixture.accept(sm(1), &pdu, T0).await, Accepted::Completed(_)));
        match empty {
            true => swept(&fixture, vec![]).await,
            false => fixture.store().slots_deleted(SIM.to_owned(), vec![sm(1).unwrap()]).await.unwrap(),
        }
    }
    assert!(matches!(fixture.accept(sm(1), &pdu, T0).await, Accepted::Completed(_)));
    assert_eq!(fixture.received().await.len(), 3);
}

#[tokio::test]
async fn equal_messages_in_a_slot_that_is_emptied_each_time_are_as_many_messages() {
    let mut fixture = StoreFixture::new();
    let pdu = short(ALICE, "Alarm", T0);
    for n in 1..=4 {
        let accepted = fixture.accept(sm(1), &pdu, T0).await;
        assert!(matches!(accepted, Accepted::Completed(_)), "number {n}: {accepted:?}");
        fixture.store().slots_deleted(SIM.to_owned(), vec![sm(1).unwrap()]).await.unwrap();
    }
    assert_eq!(fixture.received().await.len(), 4);
}

#[tokio::test]
async fn a_message_the_modem_only_says_it_deletes_is_published_once_or_twice() {
    for is_unread in [false, true] {
        let mut fixture = StoreFixture::new();
        let again = || IncomingPdu { is_unread, ..incoming(sm(1), &short(ALICE, "Hello", T0), T0) };
        fixture.store().accept(again()).await.unwrap();
        fixture.store().slots_deleted(SIM.to_owned(), vec![sm(1).unwrap()]).await.unwrap();
        assert_eq!(fixture.store().doubtful_slots(SIM.to_owned()).await.unwrap(), []);
        // It was said to be deleted, and is there at each sweep; the second time it is found out.
        for _ in 0..9 {
            fixture.store().accept(again()).await.unwrap();
            swept(&fixture, vec![sm(1).unwrap()]).await;
        }
        let doubtful = fixture.store().doubtful_slots(SIM.to_owned()).await.unwrap();
        assert_eq!(doubtful, if is_unread { vec![sm(1).unwrap()] } else { vec![] });
        assert_eq!(fixture.received().await.len(), 1 + usize::from(is_unread));
    }
}

#[tokio::test]
async fn a_storage_that_could_not_be_listed_keeps_its_slots() {
    let mut fixture = StoreFixture::new();
    let pdu = short(ALICE, "Hello", T0);
    fixture.accept(me(1), &pdu, T0).await;
    // Its deletion failed, and this sweep could not select ME.
    fixture.store().swept(SIM.to_owned(), vec!["SM".to_owned()], vec![]).await.unwrap();
    assert_eq!(fixture.accept(me(1), &pdu, T0).await, Accepted::Known { was_deleted: false });
    assert_eq!(fixture.received().await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_decoded_is_published_with_its_error() {
    let mut fixture = StoreFixture::new();
    for (slot, pdu) in [(1, "0791"), (2, "ZZ"), (3, "")] {
        assert!(matches!(fixture.accept(sm(slot), pdu, T0).await, Accepted::Completed(_)), "{pdu:?}");
        let received = fixture.received().await;
        assert_eq!(received.len(), 1, "{pdu:?}");
        assert!(received[0]["error"].as_str().is_some_and(|why| !why.is_empty()), "{pdu:?}");
        assert_eq!(received[0]["pdus"], serde_json::json!([pdu]));
    }
}

#[tokio::test]
async fn a_directly_delivered_pdu_that_the_network_repeats_is_one_message() {
    let mut fixture = StoreFixture::new();
    let pdu = short(ALICE, "Hello", T0);
    assert!(matches!(fixture.accept(None, &pdu, T0).await, Accepted::Completed(_)));
    fixture.reopen();
    // The same; now with another message that waits behind it; and through another service centre.
    let again = changed_deliver(&pdu, |deliver| deliver.more_messages = !deliver.more_messages);
    let elsewhere =
        changed(&pdu, |pdu| pdu.service_centre = codec::Address::from_number("+491710760000").ok());
    for pdu in [&pdu, &again, &elsewhere] {
        assert_eq!(fixture.accept(None, pdu, T0 + MINUTE).await, Accepted::Known { was_deleted: false });
    }
    assert_eq!(fixture.received().await.len(), 1);
    let sent_twice =
        changed_deliver(&pdu, |deliver| deliver.sent_at = codec::Timestamp::from_unix(T0 / 1000 + 6, 4));
    assert!(matches!(fixture.accept(None, &sent_twice, T0 + MINUTE).await, Accepted::Completed(_)));
}

#[tokio::test]
async fn a_denied_sender_is_kept_for_history_and_not_published() {
    let mut fixture = StoreFixture::with(|config| {
        config.incoming.inbound.deny = vec![crate::number::NumberPattern::of_senders("+4915*").unwrap()]
    });
    fixture.accept(sm(1), &short(ALICE, "Hello", T0), T0).await;
    assert!(fixture.drain().await.is_empty());
    let entries = History::open(fixture.folder.path()).unwrap().entries(&HistoryFilter::default()).unwrap();
    let [Entry::Received(received)] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(received.sender(), ALICE);
}

#[tokio::test]
async fn of_the_last_message_only_the_newest_is_published() {
    let mut fixture = StoreFixture::with(|config| config.retain_last = true);
    fixture.accept(sm(1), &short(ALICE, "first", T0), T0).await;
    let in_flight = fixture.store().pending(Cursor::default(), 16).await.unwrap().0;
    fixture.accept(sm(2), &short(ALICE, "second", T0), T0).await;
    // The PUBACK of a row that a newer one has replaced in the meantime.
    fixture.store().delete_published(in_flight.iter().map(|row| row.id).collect()).await.unwrap();
    fixture.accept(sm(3), &short(ALICE, "third", T0), T0).await;
    let rows = fixture.drain().await;
    let last: Vec<_> = rows.iter().filter(|row| row.topic == "sms/last/main").collect();
    assert_eq!(last.len(), 1);
    assert!(last[0].retain && last[0].payload.contains("third"));
    assert_eq!(rows.len(), 3);
}

/// A sweep that could list all storages found these.
async fn swept(fixture: &StoreFixture, found: Vec<Slot>) {
    let listed = vec!["SM".to_owned(), "ME".to_owned()];
    fixture.store().swept(SIM.to_owned(), listed, found).await.unwrap();
}
