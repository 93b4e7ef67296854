//! What people see of one message, and of what waits.

use std::sync::Arc;

use super::*;
use crate::feed::EventFeed;
use crate::number::NumberPattern;
use crate::pdu::DeliveryStatus;

fn history(fixture: &StoreFixture) -> History {
    History::open(fixture.folder.path()).unwrap()
}

fn life(fixture: &StoreFixture, id: &str) -> RequestLife {
    history(fixture).request(id).unwrap().unwrap_or_else(|| panic!("there is no request {id}"))
}

#[tokio::test]
async fn a_request_is_followed_from_its_acceptance_to_its_report() {
    let fixture = StoreFixture::new();
    fixture.admit(in_parts(2, reported("a", ALICE)), T0).await;
    let message = life(&fixture, "a").messages.remove(0);
    assert!(message.is_untouched() && message.parts.len() == 2, "{message:?}");

    let claim = fixture.claim(T0 + 1).await.unwrap();
    let message = life(&fixture, "a").messages.remove(0);
    assert_eq!(message.claimed_by, Some(named("main")));
    assert!(!message.is_untouched(), "a modem has it");
    fixture.send_part(&claim, 1, 7, T0 + 2).await;
    fixture.submitting(&claim, 2, T0 + 3).await;
    let message = life(&fixture, "a").messages.remove(0);
    let first = &message.parts[0];
    assert_eq!((first.state, first.reference), (PartState::Submitted, Some(7)));
    assert_eq!(
        (message.parts[1].state, message.parts[1].submitted_at),
        (PartState::Submitting, Some(T0 + 3))
    );
    fixture.store().submitted(claim.message, 2, Some(8), T0 + 4).await.unwrap();
    assert_eq!(life(&fixture, "a").messages[0].sent_at, Some(T0 + 4));

    fixture.report(&status_report(7, ALICE, T0, 4, DELIVERED), T0 + MINUTE).await;
    let message = life(&fixture, "a").messages.remove(0);
    assert_eq!(message.parts[0].delivery, Some(DeliveryStatus::Delivered));
    assert!(message.parts[0].discharged_at.is_some() && message.parts[1].delivery.is_none(), "{message:?}");
    assert_eq!(history(&fixture).request("b").unwrap(), None);
}

#[tokio::test]
async fn a_received_message_waits_for_the_broker_until_it_takes_it() {
    let mut fixture = StoreFixture::new();
    fixture.accept(sm(1), &short(BOB, "one", 0), T0).await;
    fixture.accept(sm(2), &short(BOB, "two", 0), T0 + 1).await;
    let id = fixture.sql::<String>("SELECT id FROM received ORDER BY received_at LIMIT 1");
    let (received, has_it) = history(&fixture).received_message(&id).unwrap().unwrap();
    assert_eq!((received.complete_text(), has_it), (Some("one"), Some(false)));
    fixture.drain().await;
    assert_eq!(history(&fixture).received_message(&id).unwrap().unwrap().1, Some(true));
    assert_eq!(history(&fixture).received_message("nobody's").unwrap(), None);
}

#[tokio::test]
async fn a_message_whose_sender_is_denied_is_told_to_those_who_watch_and_never_to_the_broker() {
    let feed = Arc::new(EventFeed::default());
    let fixture = StoreFixture::with(|config| {
        config.incoming.inbound.deny = vec![NumberPattern::of_senders(BOB).unwrap()];
        config.feed = Some(Arc::clone(&feed));
    });
    fixture.accept(sm(1), &short(BOB, "spam", 0), T0).await;
    let id = fixture.sql::<String>("SELECT id FROM received");
    assert_eq!(history(&fixture).received_message(&id).unwrap().unwrap().1, None);
    assert_eq!(feed.since(0, 9).items.len(), 1, "it is told once");
}

#[tokio::test]
async fn what_waits_stands_in_the_order_in_which_it_is_sent() {
    let fixture = StoreFixture::new();
    fixture.admit(Request { priority: 5, ..request("urgent later", BOB) }, T0).await;
    let later = Request { send_at: Some(T0 + HOUR), ..request("at its time", ALICE) };
    fixture.admit(later, T0).await;
    fixture.admit(request("plain", ALICE), T0).await;
    fixture.admit(Request { priority: 9, ..request("first", ALICE) }, T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.admit(Request { priority: 9, ..request("second", ALICE) }, T0).await;
    let queue = history(&fixture).queue().unwrap();
    let ids: Vec<_> = queue.messages.iter().map(|w| w.message.result.id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["first", "second", "urgent later", "plain", "at its time"]);
    assert!(!queue.has_more && queue.messages[0].message.claimed_by.is_some());
    assert_eq!(queue.messages[4].message.not_before, Some(T0 + HOUR));
    fixture.send_part(&claim, 1, 1, T0).await;
    assert_eq!(history(&fixture).queue().unwrap().messages.len(), 4, "what is sent no longer waits");
}
