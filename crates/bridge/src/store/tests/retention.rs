//! Finished messages are deleted after a time, a batch at once, and nothing else waits for that.

use super::*;

const KEEP: Duration = Duration::from_secs(30 * 86_400);

/// Deletes all there is to delete; returns the number of batches that took.
async fn delete_old(fixture: &StoreFixture, now: UnixMs) -> u32 {
    let (mut pass, mut batches) = (Some(DeletionPass::default()), 0);
    while let Some(next) = pass {
        pass = fixture.store().delete_old(now, KEEP, next).await.unwrap();
        batches += 1;
    }
    batches
}

fn rows(fixture: &StoreFixture, table: &str) -> i64 {
    fixture.sql(&format!("SELECT count(*) FROM {table}"))
}

/// Stores so many requests in this state, each to as many recipients, a millisecond apart from `at` on.
fn insert(fixture: &StoreFixture, state: &str, requests: u32, recipients: u32, at: UnixMs) {
    let is_final = u8::from(state != "accepted");
    fixture.change(&format!(
        "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
           SELECT i FROM n;
         BEGIN;
         INSERT INTO request (id, fingerprint, body, is_reply, accepted_at)
           SELECT '{state} ' || i, '', '', 0, {at} + i FROM n WHERE i <= {requests};
         INSERT INTO message
           (request_id, recipient, state, final, priority, delivery_report, not_before, reference, parts, result,
            result_at)
           SELECT '{state} ' || r.i, m.i, '{state}', {is_final}, 0, 0, 0, 0, 1, '', {at}
           FROM n r, n m WHERE r.i <= {requests} AND m.i <= {recipients};
         INSERT INTO message_part (message_id, sequence, state)
           SELECT id, 1, 'queued' FROM message WHERE state = '{state}';
         COMMIT;"
    ));
}

#[tokio::test]
async fn finished_requests_are_deleted_and_unpublished_results_are_not() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("done", ALICE), T0).await;
    fixture.send(1, T0).await;
    fixture.admit(request("waits", BOB), T0).await;
    fixture.accept(sm(1), &short(ALICE, "Hello", T0), T0).await;
    assert_eq!(delete_old(&fixture, T0 + 31 * DAY).await, 1);
    assert_eq!(fixture.drain().await.len(), 4, "what is not published yet is kept");
    assert_eq!(fixture.admit(request("done", ALICE), T0 + 31 * DAY).await, Admitted::New);
    assert_eq!(fixture.admit(request("waits", BOB), T0 + 31 * DAY).await, Admitted::Duplicate);
    fixture.close();
    assert_eq!(fixture.sql::<i64>("SELECT count(*) FROM received"), 0);
    assert_eq!(fixture.sql::<i64>("SELECT count(*) FROM message"), 2);
}

#[tokio::test]
async fn old_messages_are_deleted_a_batch_at_a_time() {
    let fixture = StoreFixture::new();
    insert(&fixture, "sent", 1200, 1, 0);
    insert(&fixture, "accepted", 600, 1, 600);
    fixture.change(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
         INSERT INTO received (id, modem, sender, received_at, event) SELECT i, 'main', '', 0, '' FROM n;",
    );
    let mut pass = Some(DeletionPass::default());
    while let Some(next) = pass {
        let before = ["request", "message_part", "received"].map(|table| rows(&fixture, table));
        pass = fixture.store().delete_old(T0, KEEP, next).await.unwrap();
        let after = ["request", "message_part", "received"].map(|table| rows(&fixture, table));
        assert!(
            before.iter().zip(after).all(|(before, after)| before - after <= 500),
            "{before:?} {after:?}"
        );
    }
    let left = ["request", "message", "message_part", "received"].map(|table| rows(&fixture, table));
    assert_eq!(left, [600, 600, 600, 0], "those that wait are kept");
}

#[tokio::test]
async fn a_request_to_many_recipients_is_deleted_a_batch_at_a_time() {
    let fixture = StoreFixture::new();
    insert(&fixture, "sent", 2, 1300, 0);
    let (mut pass, mut left) = (Some(DeletionPass::default()), Vec::new());
    while let Some(next) = pass {
        pass = fixture.store().delete_old(T0, KEEP, next).await.unwrap();
        left.push((rows(&fixture, "request"), rows(&fixture, "message")));
    }
    assert_eq!(left, [(2, 2100), (2, 1600), (1, 1100), (1, 600), (1, 100), (0, 0)]);
}

#[tokio::test]
async fn what_still_waits_hides_nothing_behind_it() {
    let fixture = StoreFixture::new();
    insert(&fixture, "accepted", 1200, 1, 0);
    insert(&fixture, "sent", 10, 1, 2000);
    assert_eq!(delete_old(&fixture, T0).await, 3);
    assert_eq!(rows(&fixture, "request"), 1200);
}

#[tokio::test]
async fn other_work_is_done_between_the_batches() {
    let fixture = StoreFixture::new();
    insert(&fixture, "sent", 5000, 2, 0);
    let batches = std::cell::Cell::new(0);
    let deletion = async {
        let mut pass = Some(DeletionPass::default());
        while let Some(next) = pass {
            pass = fixture.store().delete_old(T0, KEEP, next).await.unwrap();
            batches.set(batches.get() + 1);
        }
    };
    let work = async {
        for n in 0..3 {
            fixture.admit(request(&n.to_string(), ALICE), T0).await;
            let Claimed::Message(claim) =
                fixture.store().claim(named("main"), SIM.to_owned(), T0).await.unwrap()
            else {
                panic!("request {n} waits")
            };
            fixture.send_part(&claim, 1, 1, T0).await;
        }
        batches.get()
    };
    // Operations are carried out in the order they are asked for: each of these waits for a batch or two.
    let ((), batches_before) = tokio::join!(deletion, work);
    assert!(batches_before < batches.get(), "all {batches_before} batches came first");
    assert!(batches.get() >= 20);
    assert_eq!(rows(&fixture, "request"), 3);
}
