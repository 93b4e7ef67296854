//! Budgets count what went out, whatever becomes of the messages, and are never overshot.

use super::*;
use crate::failure::{Failure, FailureCode};
use crate::verdict::Verdict;

const KEEP: Duration = Duration::from_secs(86_400);

fn limited(per_minute: Option<u32>, per_day: Option<u32>) -> StoreFixture {
    StoreFixture::with(|config| {
        config.outbound.per_minute = per_minute;
        config.outbound.per_day = per_day;
        config.outbound.max_parts = 255;
    })
}

impl StoreFixture {
    /// What the modem `main` is told when it asks for a message.
    async fn ask(&self, now: UnixMs) -> Claimed {
        self.store().process_due(now).await.unwrap();
        self.store().claim(named("main"), SIM.to_owned(), now).await.unwrap()
    }

    async fn assert_waits(&self, now: UnixMs, key: &str) {
        let claimed = self.ask(now).await;
        assert!(matches!(&claimed, Claimed::OverBudget(why) if why.contains(key)), "{key}: {claimed:?}");
    }

    /// As the timer does each hour.
    async fn delete_old(&self, now: UnixMs) {
        let mut pass = Some(DeletionPass::default());
        while let Some(next) = pass {
            pass = self.store().delete_old(now, KEEP, next).await.unwrap();
        }
    }

    /// The submission of the first open part ends so.
    async fn submit(&self, claim: &Claim, verdict: Verdict, now: UnixMs) {
        let sequence = claim.open_parts[0];
        self.submitting(claim, sequence, now).await;
        self.store().not_submitted(claim.message, sequence, named("main"), verdict, now).await.unwrap();
    }
}

fn unknown() -> Verdict {
    Verdict::AskPolicy(Duration::ZERO, Failure::transient(FailureCode::Unknown, "nobody knows"))
}

fn busy(seconds: u64) -> Verdict {
    Verdict::Retry(Duration::from_secs(seconds), Failure::transient(FailureCode::Cms(42), "congestion"))
}

#[tokio::test]
async fn deleting_old_requests_renews_no_budget() {
    let fixture = limited(None, Some(2));
    for id in ["a", "b", "c"] {
        fixture.admit(request(id, ALICE), T0).await;
    }
    // They waited for two days, and were sent just now.
    let now = T0 + 2 * DAY;
    fixture.send(1, now).await;
    fixture.send(2, now).await;
    fixture.delete_old(now).await;
    assert_eq!(fixture.sql::<i64>("SELECT count(*) FROM request"), 3, "none of them ended a day ago");
    fixture.assert_waits(now, "per_day = 2").await;
    // Whatever else deletes them: an operator, a later version.
    fixture.change("PRAGMA foreign_keys = ON; DELETE FROM request WHERE id IN ('a', 'b')");
    fixture.assert_waits(now + DAY - 1, "per_day = 2").await;
    assert_eq!(fixture.send(3, now + DAY).await.request, "c");
}

#[tokio::test]
async fn the_id_of_a_request_that_was_sent_just_now_is_remembered() {
    let fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.send(1, T0 + 9 * DAY).await;
    fixture.delete_old(T0 + 10 * DAY).await;
    assert_eq!(fixture.admit(request("a", ALICE), T0 + 10 * DAY).await, Admitted::Duplicate);
    fixture.delete_old(T0 + 10 * DAY + 1).await;
    assert_eq!(fixture.admit(request("a", ALICE), T0 + 10 * DAY + 1).await, Admitted::New);
}

#[tokio::test]
async fn a_message_waits_until_all_its_parts_fit() {
    let fixture = limited(Some(10), None);
    fixture.admit(in_parts(4, request("a", ALICE)), T0).await;
    fixture.admit(in_parts(7, request("b", BOB)), T0).await;
    fixture.send(1, T0).await;
    fixture.assert_waits(T0 + MINUTE - 1, "per_minute = 10").await;
    assert_eq!(fixture.send(5, T0 + MINUTE).await.request, "b");
}

#[tokio::test]
async fn a_message_larger_than_a_budget_fails_with_its_name_and_lets_the_others_by() {
    for (per_minute, per_day, key) in
        [(Some(10), None, "per_minute = 10"), (Some(30), Some(17), "per_day = 17")]
    {
        let mut fixture = limited(per_minute, per_day);
        // Stored under another configuration.
        fixture.admit(in_parts(18, request("large", ALICE)), T0).await;
        fixture.admit(request("b", BOB), T0).await;
        assert_eq!(fixture.claim(T0).await.expect("the next one").request, "b");
        let last = fixture.results().await.pop().unwrap();
        assert_eq!((&last["state"], &last["error"]["code"]), (&"failed".into(), &"too-long".into()));
        assert!(last["error"]["message"].as_str().unwrap().contains(key), "{last}");
    }
}

#[tokio::test]
async fn a_message_to_a_number_that_is_denied_meanwhile_is_not_sent() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.admit(request("b", BOB), T0).await;
    fixture.config.outbound.deny = vec![crate::number::NumberPattern::of_numbers("+4915*", "").unwrap()];
    fixture.reopen();
    assert_eq!(fixture.claim(T0).await.expect("the next one").request, "b");
    let last = fixture.results().await.pop().unwrap();
    assert_eq!((&last["state"], &last["error"]["code"]), (&"failed".into(), &"denied".into()));
}

#[tokio::test]
async fn what_may_be_on_air_twice_counts_twice() {
    let fixture = limited(None, Some(2));
    fixture.admit(request("a", ALICE), T0).await;
    fixture.admit(request("b", BOB), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.submit(&claim, unknown(), T0).await;
    assert_eq!(fixture.send(1, T0 + SECOND).await.request, "a");
    fixture.assert_waits(T0 + SECOND, "per_day = 2").await;
}

#[tokio::test]
async fn what_the_modem_refused_uses_up_no_budget() {
    let fixture = limited(None, Some(1));
    fixture.admit(request("a", ALICE), T0).await;
    for again in 0..3 {
        let now = T0 + again * MINUTE;
        let claim = fixture.claim(now).await.unwrap();
        fixture.submit(&claim, busy(1), now).await;
    }
    let claim = fixture.claim(T0 + HOUR).await.unwrap();
    fixture.submit(&claim, Verdict::Interrupted, T0 + HOUR).await;
    assert_eq!(fixture.send(1, T0 + HOUR).await.request, "a");
}

#[tokio::test]
async fn a_cancelled_or_expired_rest_gives_back_what_did_not_go_out_and_nothing_else() {
    let fixture = limited(None, Some(4));
    let begun = Request { expires_at: Some(T0 + MINUTE), ..in_parts(3, request("begun", ALICE)) };
    fixture.admit(begun, T0).await;
    fixture.admit(in_parts(3, request("b", BOB)), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.send_part(&claim, 1, 1, T0).await;
    fixture.submit(&Claim { open_parts: vec![2, 3], ..claim }, busy(30), T0).await;
    fixture.assert_waits(T0, "per_day = 4").await;
    // One is on air, two are not.
    assert_eq!(fixture.send(2, T0 + MINUTE).await.request, "b");
    fixture.admit(request("c", ALICE), T0 + MINUTE).await;
    fixture.assert_waits(T0 + MINUTE, "per_day = 4").await;
}

#[tokio::test]
async fn a_message_that_is_begun_is_finished_before_others_use_up_the_day() {
    let mut fixture = limited(None, Some(4));
    fixture.admit(in_parts(3, request("begun", ALICE)), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.send_part(&claim, 1, 1, T0).await;
    // The network has no time for the second, then the gateway is killed.
    fixture.submit(&Claim { open_parts: vec![2, 3], ..claim }, busy(60), T0).await;
    fixture.reopen();
    fixture.admit(Request { priority: 9, ..request("fits", BOB) }, T0).await;
    fixture.admit(Request { priority: 9, ..request("does not", BOB) }, T0).await;
    assert_eq!(fixture.send(2, T0).await.request, "fits", "beside what is kept for the other two parts");
    fixture.assert_waits(T0 + SECOND, "per_day = 4").await;
    let rest = fixture.send(3, T0 + MINUTE).await;
    assert_eq!((rest.request.as_str(), rest.open_parts), ("begun", vec![2, 3]));
    fixture.assert_waits(T0 + MINUTE, "per_day = 4").await;
}

#[tokio::test]
async fn a_clock_that_is_put_back_neither_renews_a_budget_nor_keeps_it_used_up() {
    let fixture = limited(None, Some(1));
    fixture.admit(request("a", ALICE), T0).await;
    fixture.admit(request("b", BOB), T0).await;
    fixture.send(1, T0 + 20 * DAY).await;
    fixture.assert_waits(T0, "per_day = 1").await;
    fixture.assert_waits(T0 + DAY - 1, "per_day = 1").await;
    assert_eq!(fixture.send(2, T0 + DAY).await.request, "b");
}

#[tokio::test]
async fn what_no_longer_counts_is_deleted() {
    let fixture = limited(None, None);
    for n in 0..30 {
        fixture.admit(request(&n.to_string(), ALICE), T0).await;
        fixture.send(1, T0 + n * HOUR).await;
    }
    assert_eq!(fixture.sql::<i64>("SELECT count(*) FROM submission"), 24);
}
