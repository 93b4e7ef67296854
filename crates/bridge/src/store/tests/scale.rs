//! What is done again and again takes as many steps with thousands of messages waiting as with a few.
//!
//! Steps are those of SQLite's virtual machine, counted in all statements of the store: no clock decides.

use rusqlite::StatementStatus;

use super::query_plans::statements;
use super::*;
use crate::store::engine::Tx;

/// More than one claim ends of those that have expired.
const FEW: u32 = 300;
const MANY: u32 = 3_000;

/// The steps of a claim that ends no messages.
const USUAL_STEPS: i64 = 300;

/// Stores messages that go before all others, with these values in other columns than usual.
fn insert(fixture: &StoreFixture, count: u32, columns: &str, values: &str) {
    let body = serde_json::to_string(&request("", ALICE).body).unwrap();
    fixture.change(&format!(
        "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
           SELECT i FROM n;
         BEGIN;
         INSERT INTO request (id, fingerprint, body, is_reply, accepted_at) SELECT i, '', '{body}', 0, {T0} FROM n;
         INSERT INTO message
           (request_id, recipient, state, priority, delivery_report, reference, parts, result, result_at, {columns})
           SELECT i, '{ALICE}', 'accepted', 9, 0, 0, 1, '', 0, {values} FROM n;
         INSERT INTO message_part (message_id, sequence, state) SELECT id, 1, 'queued' FROM message;
         COMMIT;"
    ));
}

/// The steps all statements of the store have taken so far.
async fn steps_so_far(fixture: &StoreFixture) -> i64 {
    let statements = statements();
    let count = move |tx: &Tx<'_>| {
        let steps = |(_, sql): &(String, String)| -> i64 {
            tx.sql.prepare_cached(sql).unwrap().get_status(StatementStatus::VmStep).into()
        };
        Ok(statements.iter().map(steps).sum())
    };
    fixture.store().write(count).await.unwrap()
}

async fn steps_of_a_claim(fixture: &StoreFixture) -> (i64, Claimed) {
    let before = steps_so_far(fixture).await;
    let claimed = fixture.store().claim(named("main"), SIM.to_owned(), T0).await.unwrap();
    (steps_so_far(fixture).await - before, claimed)
}

/// The steps of two claims of the modem `main`, one after the other, while so many messages wait and one it may send.
async fn steps(limit: Option<u32>, count: u32, columns: &str, values: &str) -> [i64; 2] {
    let fixture = StoreFixture::with(|config| config.outbound.per_minute = limit);
    insert(&fixture, count, columns, values);
    fixture.change(&format!("INSERT INTO submission (modem, kind, at) VALUES ('main', 'part', {T0})"));
    fixture.admit(request("mine", ALICE), T0).await;
    let (first, claimed) = steps_of_a_claim(&fixture).await;
    let is_expected = match (&claimed, limit) {
        (Claimed::Message(_), None) | (Claimed::OverBudget(_), Some(_)) => true,
        _ => columns.contains("expires_at"),
    };
    assert!(is_expected, "{columns} {values}: {claimed:?}");
    [first, steps_of_a_claim(&fixture).await.0]
}

#[tokio::test]
async fn a_claim_takes_the_same_steps_however_many_messages_wait() {
    let (later, expired) = (format!("{}", T0 + HOUR), format!("0, {T0}"));
    for (what, columns, values) in [
        ("any modem", "not_before", "0"),
        ("its time", "not_before", &later),
        ("another modem", "not_before, modem", "0, 'other'"),
        ("another SIM", "not_before, sim", "0, 'other'"),
        ("this modem and another SIM", "not_before, modem, sim", "0, 'main', 'other'"),
        ("a modem that does not avoid it", "not_before, avoided_by", "0, 'main'"),
        ("one of several", "not_before, avoided_by", "0, iif(i % 2, 'cellar main', 'main other')"),
        ("the timer that ends it", "not_before, expires_at", &expired),
    ] {
        // With a budget that is not limited, and with one that is used up.
        for limit in [None, Some(1)] {
            let few = steps(limit, FEW, columns, values).await;
            let many = steps(limit, MANY, columns, values).await;
            assert_eq!(few, many, "waiting for {what}, at most {limit:?} a minute");
            let most = *many.iter().max().unwrap();
            assert!(most < USUAL_STEPS || columns.contains("expires_at"), "waiting for {what}: {most} steps");
        }
    }
}

/// The steps of what the gateway does each second or for each request, while so many messages wait.
async fn steps_of_the_rest(count: u32, columns: &str, values: &str) -> [i64; 3] {
    let fixture = StoreFixture::new();
    insert(&fixture, count, columns, values);
    let store = fixture.store();
    let mut steps = vec![steps_so_far(&fixture).await];
    assert!(store.process_due(T0).await.unwrap());
    steps.push(steps_so_far(&fixture).await);
    fixture.admit(in_parts(2, request("mine", BOB)), T0).await;
    steps.push(steps_so_far(&fixture).await);
    store.cancel("mine".to_owned(), T0).await.unwrap();
    steps.push(steps_so_far(&fixture).await);
    std::array::from_fn(|n| steps[n + 1] - steps[n])
}

#[tokio::test]
async fn the_timer_and_a_request_take_the_same_steps_however_many_messages_wait() {
    let later = format!("{}", T0 + HOUR);
    for (columns, values) in [
        ("not_before", "0"),
        ("not_before", &later),
        ("not_before, expires_at", &format!("0, {later}")),
        ("not_before, avoided_by", "0, 'main'"),
    ] {
        let few = steps_of_the_rest(FEW, columns, values).await;
        assert_eq!(few, steps_of_the_rest(MANY, columns, values).await, "{columns}: {values}");
        assert!(few.iter().all(|steps| (1..1000).contains(steps)), "{few:?}");
    }
}
