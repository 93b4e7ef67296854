//! What rules and hooks make of a message is stored with it, or neither is.

use super::*;
use crate::config::{Hook, HookEvent};
use crate::event::Event;
use crate::rules::{ReplyLimits, Rule};

fn meter() -> Rule {
    let pattern = r"(?<account>\d+)\D+(?<reading>\d+)";
    let limits = ReplyLimits { per_hour: 2, max_age: None };
    Rule::new("meter".to_owned(), pattern, Some("Got {reading} of {account}"), limits).unwrap()
}

#[tokio::test]
async fn a_reply_goes_out_by_the_modem_the_message_came_by_and_no_more_than_allowed() {
    let mut fixture = StoreFixture::with(|config| config.incoming.rules = vec![meter()]);
    for n in 0..4 {
        fixture.accept(sm(n), &short(ALICE, &format!("12345, {n}"), T0), T0).await;
    }
    fixture.reopen();
    assert!(fixture.claim_for("other", "other", T0).await.is_none());
    for n in 0..2 {
        let reply = fixture.send(1, T0).await;
        let expected = Content::Text(format!("Got {n} of 12345"));
        assert_eq!((reply.to.as_str(), reply.body.content), (ALICE, expected));
    }
    assert!(fixture.claim(T0).await.is_none(), "two an hour to one sender");
    assert_eq!(fixture.received().await.len(), 4);
    fixture.accept(sm(9), &short(ALICE, "12345, 9", T0), T0 + HOUR).await;
    assert!(fixture.claim(T0 + HOUR).await.is_some());
}

#[tokio::test]
async fn a_phone_in_several_spellings_gets_no_more_replies_than_in_one() {
    let fixture = StoreFixture::with(|config| config.incoming.rules = vec![meter()]);
    let mut replies = 0;
    for (n, from) in (0..).zip(["+4915112345678", "004915112345678", "015112345678", "15112345678"].repeat(2))
    {
        fixture.accept(sm(n), &short(from, &format!("12345, {n}"), T0), T0).await;
        while fixture.claim(T0).await.is_some() {
            replies += 1;
        }
    }
    assert_eq!(replies, 2, "two an hour to one sender");
}

#[tokio::test]
async fn a_reply_bears_the_id_of_its_message() {
    let mut fixture = StoreFixture::with(|config| config.incoming.rules = vec![meter()]);
    fixture.accept(sm(1), &short(ALICE, "12345, 678", T0), T0).await;
    let id = fixture.received().await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(fixture.send(1, T0).await.request, format!("reply-{id}"));
}

#[tokio::test]
async fn a_hook_run_is_stored_with_its_message_until_its_program_has_succeeded() {
    let hook = Hook {
        on: HookEvent::Received,
        command: vec!["/bin/true".to_owned()],
        timeout: Duration::from_secs(1),
    };
    let mut fixture = StoreFixture::with(|config| config.hooks = vec![hook]);
    fixture.accept(sm(1), &short(ALICE, "Hello", T0), T0).await;
    fixture.accept(sm(1), &short(ALICE, "Hello", T0), T0).await;
    fixture.reopen();
    let runs = fixture.store().due_hook_runs(T0, vec![], 10).await.unwrap();
    assert_eq!(runs.len(), 1);
    let Ok(Event::Received(received)) = &runs[0].event else { panic!("{:?}", runs[0].event) };
    assert_eq!(received.complete_text(), Some("Hello"));
    fixture.store().retry_hook_run(runs[0].id, T0 + MINUTE).await.unwrap();
    assert!(fixture.store().due_hook_runs(T0, vec![], 10).await.unwrap().is_empty());
    assert!(fixture.store().due_hook_runs(T0 + MINUTE, vec![runs[0].id], 10).await.unwrap().is_empty());
    fixture.store().delete_hook_run(runs[0].id).await.unwrap();
    assert!(fixture.store().due_hook_runs(T0 + DAY, vec![], 10).await.unwrap().is_empty());
}
