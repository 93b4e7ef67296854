//! What rules and hooks make of a message is stored with it, or neither is.

use super::*;
use crate::config::{Event, Hook};
use crate::rules::Rule;

fn meter() -> Rule {
    let pattern = r"(?<account>\d+)\D+(?<reading>\d+)";
    Rule::new("meter".to_owned(), pattern, Some("Got {reading} of {account}"), 2).unwrap()
}

#[tokio::test]
async fn a_reply_goes_out_by_the_modem_the_message_came_by_and_no_more_than_allowed() {
    let mut house = House::with(|rules| rules.rules = vec![meter()]);
    for n in 0..4 {
        house.accept(sm(n), &short(ALICE, &format!("12345, {n}"), T0), T0).await;
    }
    house.reopen();
    assert!(house.claim_for("other", "other", T0).await.is_none());
    for n in 0..2 {
        let reply = house.send(1, T0).await;
        let expected = Outgoing::Text(format!("Got {n} of 12345"));
        assert_eq!((reply.to.as_str(), reply.body.content), (ALICE, expected));
    }
    assert!(house.claim(T0).await.is_none(), "two an hour to one sender");
    assert_eq!(house.received().await.len(), 4);
    house.accept(sm(9), &short(ALICE, "12345, 9", T0), T0 + HOUR).await;
    assert!(house.claim(T0 + HOUR).await.is_some());
}

#[tokio::test]
async fn a_reply_bears_the_id_of_its_message() {
    let mut house = House::with(|rules| rules.rules = vec![meter()]);
    house.accept(sm(1), &short(ALICE, "12345, 678", T0), T0).await;
    let id = house.received().await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(house.send(1, T0).await.request, format!("reply-{id}"));
}

#[tokio::test]
async fn a_hook_is_owed_with_its_message_until_its_program_has_ended_well() {
    let hook =
        Hook { on: Event::Received, command: vec!["/bin/true".to_owned()], timeout: Duration::from_secs(1) };
    let mut house = House::with(|rules| rules.hooks = vec![hook]);
    house.accept(sm(1), &short(ALICE, "Hello", T0), T0).await;
    house.accept(sm(1), &short(ALICE, "Hello", T0), T0).await;
    house.reopen();
    let runs = house.store().due_hook_runs(T0, vec![], 10).await.unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(json(&runs[0].payload)["text"], "Hello");
    house.store().hook_later(runs[0].id, T0 + MINUTE).await.unwrap();
    assert!(house.store().due_hook_runs(T0, vec![], 10).await.unwrap().is_empty());
    assert!(house.store().due_hook_runs(T0 + MINUTE, vec![runs[0].id], 10).await.unwrap().is_empty());
    house.store().hook_done(runs[0].id).await.unwrap();
    assert!(house.store().due_hook_runs(T0 + DAY, vec![], 10).await.unwrap().is_empty());
}
