//! Sending: claims, verdicts, budgets, and what a crash leaves behind.

use super::*;
use crate::failure::{Failure, FailureCode};
use crate::verdict::Verdict;

fn busy() -> Failure {
    Failure::transient(FailureCode::Cms(42), "congestion")
}

async fn verdict(
    fixture: &StoreFixture,
    claim: &Claim,
    sequence: u8,
    modem: &str,
    verdict: Verdict,
    now: UnixMs,
) {
    fixture.store().not_submitted(claim.message, sequence, named(modem), verdict, now).await.unwrap();
}

async fn release(fixture: &StoreFixture, modem: &str, now: UnixMs) -> usize {
    fixture.store().release(Some(named(modem)), now).await.unwrap()
}

#[tokio::test]
async fn priority_overtakes_and_equals_keep_their_order() {
    let fixture = StoreFixture::new();
    for (id, priority) in [("first", 0), ("second", 0), ("urgent", 9)] {
        fixture.admit(Request { priority, ..request(id, ALICE) }, T0).await;
    }
    for expected in ["urgent", "first", "second"] {
        assert_eq!(fixture.send(1, T0).await.request, expected);
    }
    assert!(fixture.claim(T0).await.is_none());
}

#[tokio::test]
async fn a_claimed_message_is_nobody_elses() {
    let fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    assert!(fixture.claim(T0).await.is_some());
    assert!(fixture.claim_for("other", "other", T0).await.is_none());
    assert!(fixture.claim(T0).await.is_none());
}

#[tokio::test]
async fn a_message_waits_for_its_time_and_its_modem() {
    let fixture = StoreFixture::new();
    fixture.admit(Request { send_at: Some(T0 + HOUR), ..request("later", ALICE) }, T0).await;
    fixture.admit(Request { modem: Some(named("other")), ..request("theirs", ALICE) }, T0).await;
    assert!(fixture.claim(T0).await.is_none());
    assert_eq!(fixture.claim(T0 + HOUR).await.expect("its time has come").request, "later");
    let theirs = fixture.claim_for("other", "other", T0).await;
    assert_eq!(theirs.expect("its modem asks").request, "theirs");
}

#[tokio::test]
async fn a_message_for_this_modem_and_one_for_any_keep_their_common_order() {
    let fixture = StoreFixture::new();
    for (id, modem, priority) in [("any", None, 0), ("ours", Some("main"), 0), ("any-urgent", None, 5)] {
        let modem = modem.map(named);
        fixture.admit(Request { modem, priority, ..request(id, ALICE) }, T0).await;
    }
    for expected in ["any-urgent", "any", "ours"] {
        assert_eq!(fixture.send(1, T0).await.request, expected);
    }
}

#[tokio::test]
async fn a_message_whose_time_has_come_takes_the_place_of_its_age() {
    let fixture = StoreFixture::new();
    fixture.admit(Request { send_at: Some(T0 + MINUTE), ..request("scheduled", ALICE) }, T0).await;
    fixture.admit(request("younger", ALICE), T0).await;
    assert_eq!(fixture.claim(T0 + MINUTE).await.expect("both are due").request, "scheduled");
}

#[tokio::test]
async fn a_message_that_was_interrupted_three_times_goes_after_all_others_whatever_its_priority() {
    let mut fixture = StoreFixture::new();
    for (id, modem, priority) in
        [("breaks", None, 9), ("other", Some("main"), 0), ("other-urgent", None, 9), ("any", None, 0)]
    {
        fixture.admit(Request { modem: modem.map(named), priority, ..request(id, ALICE) }, T0).await;
    }
    for _ in 0..3 {
        let claim = fixture.claim(T0).await.unwrap();
        assert_eq!(claim.request, "breaks", "until then it keeps its place");
        fixture.submitting(&claim, 1, T0).await;
        verdict(&fixture, &claim, 1, "main", Verdict::Interrupted, T0).await;
        fixture.reopen();
    }
    for expected in ["other-urgent", "other", "any", "breaks"] {
        assert_eq!(fixture.send(1, T0).await.request, expected);
    }
}

#[tokio::test]
async fn what_nobody_sent_in_time_expires() {
    let mut fixture = StoreFixture::new();
    fixture.admit(Request { expires_at: Some(T0 + MINUTE), ..request("a", ALICE) }, T0).await;
    fixture.store().process_due(T0 + MINUTE - 1).await.unwrap();
    assert_eq!(fixture.states().await, ["accepted"]);
    assert!(fixture.claim(T0 + MINUTE).await.is_none(), "a message is not sent after its time");
    fixture.store().process_due(T0 + MINUTE).await.unwrap();
    fixture.reopen();
    let results = fixture.results().await;
    assert_eq!((&results[0]["state"], &results[0]["final"]), (&"expired".into(), &true.into()));
}

#[tokio::test]
async fn a_retry_waits() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.submitting(&claim, 1, T0).await;
    verdict(&fixture, &claim, 1, "main", Verdict::Retry(Duration::from_secs(5), busy()), T0).await;
    fixture.reopen();
    assert!(fixture.claim(T0 + 4 * SECOND).await.is_none());
    let again = fixture.claim(T0 + 5 * SECOND).await.expect("its time has come");
    assert_eq!((again.attempts, again.open_parts), (1, vec![1]));
    assert_eq!(fixture.states().await, ["accepted"], "a try that may be repeated is no result");
}

#[tokio::test]
async fn parts_that_were_taken_are_not_counted_as_failed_tries() {
    let fixture = StoreFixture::new();
    fixture.admit(in_parts(9, request("a", ALICE)), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    for sequence in 1..9 {
        fixture.send_part(&claim, sequence, sequence, T0).await;
    }
    fixture.submitting(&claim, 9, T0).await;
    verdict(&fixture, &claim, 9, "main", Verdict::Retry(Duration::ZERO, busy()), T0).await;
    let again = fixture.claim(T0).await.unwrap();
    assert_eq!((again.attempts, again.open_parts), (1, vec![9]));
}

#[tokio::test]
async fn a_message_given_up_says_why_and_what_went_out() {
    let mut fixture = StoreFixture::new();
    fixture.admit(in_parts(2, request("a", ALICE)), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.send_part(&claim, 1, 1, T0).await;
    fixture.submitting(&claim, 2, T0).await;
    let why = Failure::permanent(FailureCode::Cms(1), "unassigned number");
    verdict(&fixture, &claim, 2, "main", Verdict::GiveUp(why), T0).await;
    let last = fixture.results().await.pop().unwrap();
    assert_eq!((&last["state"], &last["final"]), (&"failed".into(), &true.into()));
    assert_eq!((&last["error"]["code"], &last["parts_sent"]), (&"cms-1".into(), &1.into()));
    assert!(fixture.claim(T0 + DAY).await.is_none());
}

#[tokio::test]
async fn a_reroute_keeps_one_modem_away_and_not_another() {
    let fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.submitting(&claim, 1, T0).await;
    verdict(&fixture, &claim, 1, "main", Verdict::Reroute(Duration::from_secs(60), busy()), T0).await;
    assert!(fixture.claim(T0 + MINUTE - 1).await.is_none());
    assert!(fixture.claim_for("other", "other", T0).await.is_some());
}

#[tokio::test]
async fn after_a_reroute_the_same_modem_may_try_again_later() {
    let fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.submitting(&claim, 1, T0).await;
    verdict(&fixture, &claim, 1, "main", Verdict::Reroute(Duration::from_secs(60), busy()), T0).await;
    assert!(fixture.claim(T0 + MINUTE).await.is_some());
}

#[tokio::test]
async fn two_modems_that_both_cannot_do_not_pass_a_message_back_and_forth() {
    let fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    for (modem, sim) in [("main", SIM), ("other", "other")] {
        let claim = fixture.claim_for(modem, sim, T0).await.expect(modem);
        fixture.store().submitting(claim.message, 1, named(modem), sim.to_owned(), T0).await.unwrap();
        verdict(&fixture, &claim, 1, modem, Verdict::Reroute(Duration::from_secs(60), busy()), T0).await;
    }
    assert!(fixture.claim(T0 + SECOND).await.is_none(), "this one could not a second ago");
    assert!(fixture.claim_for("other", "other", T0 + SECOND).await.is_none());
    assert!(fixture.claim_for("third", "third", T0 + SECOND).await.is_some());
}

#[tokio::test]
async fn a_message_of_which_parts_went_out_stays_with_its_sim() {
    let mut fixture = StoreFixture::new();
    fixture.admit(in_parts(2, request("a", ALICE)), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.send_part(&claim, 1, 1, T0).await;
    fixture.store().give_back(claim.message).await.unwrap();
    fixture.reopen();
    assert!(fixture.claim_for("other", "other", T0).await.is_none(), "no phone would join its parts");
    // The SIM has moved to another modem.
    let rest = fixture.claim_for("other", SIM, T0).await.expect("the same SIM");
    assert_eq!((rest.open_parts, rest.reference), (vec![2], claim.reference));
}

#[tokio::test]
async fn a_first_part_that_was_refused_pins_nothing() {
    let fixture = StoreFixture::new();
    fixture.admit(in_parts(2, request("a", ALICE)), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.submitting(&claim, 1, T0).await;
    verdict(&fixture, &claim, 1, "main", Verdict::Reroute(Duration::from_secs(60), busy()), T0).await;
    let other = fixture.claim_for("other", "other", T0).await;
    assert_eq!(other.expect("nothing went out by the first").open_parts, [1, 2]);
}

#[tokio::test]
async fn a_claim_of_an_earlier_session_waits_again() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.claim(T0).await.unwrap();
    fixture.reopen();
    assert!(fixture.claim(T0).await.is_none());
    assert_eq!(release(&fixture, "other", T0).await, 0);
    assert_eq!(release(&fixture, "main", T0).await, 1);
    assert!(fixture.claim(T0).await.is_some());
}

#[tokio::test]
async fn a_claim_of_a_modem_that_left_the_configuration_is_freed_at_the_next_start() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.claim(T0).await.unwrap();
    fixture.reopen();
    assert_eq!(fixture.store().release(None, T0).await.unwrap(), 1);
    assert!(fixture.claim_for("other", "other", T0).await.is_some());
}

/// A gateway that was killed between Ctrl-Z and +CMGS, and is up again.
async fn killed_while_submitting(on_unknown: OnUnknown) -> StoreFixture {
    let mut fixture = StoreFixture::with(|config| config.outbound.on_unknown = on_unknown);
    fixture.admit(request("a", ALICE), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.submitting(&claim, 1, T0).await;
    fixture.drain().await;
    fixture.reopen();
    assert_eq!(release(&fixture, "main", T0).await, 1);
    fixture
}

#[tokio::test]
async fn a_part_being_submitted_at_a_crash_is_sent_again_where_that_is_wanted() {
    let mut fixture = killed_while_submitting(OnUnknown::Resend).await;
    assert!(fixture.states().await.is_empty());
    fixture.send(1, T0).await;
    assert_eq!(fixture.states().await, ["sent"]);
}

#[tokio::test]
async fn a_part_being_submitted_at_a_crash_is_reported_where_that_is_wanted() {
    let mut fixture = killed_while_submitting(OnUnknown::Report).await;
    let results = fixture.results().await;
    assert_eq!((&results[0]["state"], &results[0]["final"]), (&"unknown".into(), &true.into()));
    assert!(fixture.claim(T0 + DAY).await.is_none());
    assert_eq!(release(&fixture, "main", T0).await, 0);
}

#[tokio::test]
async fn a_part_unknown_twice_is_not_sent_a_third_time() {
    let mut fixture = killed_while_submitting(OnUnknown::Resend).await;
    let claim = fixture.claim(T0).await.expect("the second try");
    fixture.submitting(&claim, 1, T0).await;
    verdict(&fixture, &claim, 1, "main", Verdict::AskPolicy(Duration::ZERO, busy()), T0).await;
    assert!(fixture.claim(T0 + DAY).await.is_none(), "one or two SMS are promised");
    let results = fixture.results().await;
    assert_eq!(results.len(), 1);
    assert_eq!((&results[0]["state"], &results[0]["final"]), (&"unknown".into(), &true.into()));
}

#[tokio::test]
async fn what_can_never_be_made_into_pdus_fails() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    let why = Failure::permanent(FailureCode::Unencodable, "no such character");
    fixture.store().fail(claim.message, why, T0).await.unwrap();
    assert_eq!(fixture.states().await, ["accepted", "failed"]);
}

#[tokio::test]
async fn a_modem_sends_no_more_a_minute_than_allowed() {
    let mut fixture = StoreFixture::with(|config| config.outbound.per_minute = Some(2));
    for id in ["a", "b", "c"] {
        fixture.admit(request(id, ALICE), T0).await;
    }
    fixture.send(1, T0).await;
    fixture.send(2, T0 + SECOND).await;
    fixture.reopen();
    let third = fixture.store().claim(named("main"), SIM.to_owned(), T0 + 59 * SECOND).await.unwrap();
    assert!(matches!(&third, Claimed::OverBudget(why) if why.contains("per_minute = 2")), "{third:?}");
    // Its own budget, and the minute rolls on.
    let other = fixture.claim_for("other", "other", T0).await.expect("the budget is each modem's own");
    fixture.store().give_back(other.message).await.unwrap();
    assert!(fixture.claim(T0 + MINUTE).await.is_some());
}

#[tokio::test]
async fn with_nothing_to_send_a_used_up_budget_is_no_problem() {
    let fixture = StoreFixture::with(|config| config.outbound.per_day = Some(1));
    fixture.admit(request("a", ALICE), T0).await;
    fixture.send(1, T0).await;
    assert!(fixture.claim(T0 + HOUR).await.is_none());
}

#[tokio::test]
async fn a_request_nobody_can_read_any_longer_fails_and_lets_the_others_by() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("spoilt", ALICE), T0).await;
    fixture.admit(request("b", ALICE), T0).await;
    fixture.close();
    fixture.change("UPDATE request SET body = '{}' WHERE id = 'spoilt'");
    fixture.reopen();
    fixture.drain().await;
    assert_eq!(fixture.claim(T0).await.expect("the next one").request, "b");
    assert_eq!(fixture.states().await, ["failed"]);
}

#[tokio::test]
async fn what_may_have_been_sent_cannot_be_cancelled() {
    let mut fixture = killed_while_submitting(OnUnknown::Resend).await;
    fixture.store().cancel("a".to_owned(), T0).await.unwrap();
    let results = fixture.results().await;
    assert_eq!((&results[0]["error"]["code"], &results[0]["final"]), (&"too-late".into(), &false.into()));
    assert!(fixture.claim(T0).await.is_some());
}

#[tokio::test]
async fn what_may_have_been_sent_is_unknown_when_its_time_is_over() {
    let mut fixture = StoreFixture::new();
    fixture.admit(Request { expires_at: Some(T0 + MINUTE), ..request("a", ALICE) }, T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.submitting(&claim, 1, T0).await;
    release(&fixture, "main", T0).await;
    fixture.drain().await;
    fixture.store().process_due(T0 + HOUR).await.unwrap();
    let results = fixture.results().await;
    assert_eq!((&results[0]["state"], &results[0]["final"]), (&"unknown".into(), &true.into()));
}

#[tokio::test]
async fn a_backlog_that_expires_at_once_ends_in_batches() {
    let mut fixture = StoreFixture::new();
    fixture.admit(Request { expires_at: Some(T0 + MINUTE), ..request("0", ALICE) }, T0).await;
    let others =
        (1..600).map(|n| Request { expires_at: Some(T0 + MINUTE), ..request(&n.to_string(), ALICE) });
    futures_util::future::join_all(others.map(|request| fixture.admit(request, T0))).await;
    fixture.drain().await;
    assert!(!fixture.store().process_due(T0 + HOUR).await.unwrap(), "600 in one transaction");
    assert!(fixture.store().process_due(T0 + HOUR).await.unwrap());
    assert_eq!(fixture.states().await, vec!["expired"; 600]);
}

#[tokio::test]
async fn a_backlog_that_is_due_at_once_is_claimable_in_batches() {
    let fixture = StoreFixture::new();
    let at = |n: i64| Request { send_at: Some(T0 + n), ..request(&n.to_string(), ALICE) };
    futures_util::future::join_all((1..=600).rev().map(|n| fixture.admit(at(n), T0))).await;
    let scheduled = || fixture.sql::<i64>("SELECT count(*) FROM message WHERE not_before > 0");
    assert!(!fixture.store().process_due(T0 + HOUR).await.unwrap(), "600 in one transaction");
    assert_eq!(scheduled(), 100);
    assert!(fixture.store().process_due(T0 + HOUR).await.unwrap());
    assert_eq!(scheduled(), 0);
}

#[tokio::test]
async fn a_claim_passes_over_a_backlog_that_expired_in_batches_too() {
    let mut fixture = StoreFixture::new();
    let expires = |n: i64| Request { expires_at: Some(T0 + n), ..request(&n.to_string(), ALICE) };
    futures_util::future::join_all((1..=150).map(|n| fixture.admit(expires(n), T0))).await;
    fixture.admit(request("alive", ALICE), T0).await;
    fixture.drain().await;
    let claim = || fixture.store().claim(named("main"), SIM.to_owned(), T0 + HOUR);
    let Claimed::Nothing(idle) = claim().await.unwrap() else { panic!("150 ended in one transaction") };
    idle.woken().await;
    let Claimed::Message(alive) = claim().await.unwrap() else { panic!("the last one is alive") };
    assert_eq!(alive.request, "alive");
    assert_eq!(fixture.states().await, vec!["expired"; 150]);
}
