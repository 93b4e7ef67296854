//! Sending: claims, verdicts, budgets, and what a crash leaves behind.

use super::*;
use crate::message::Failure;
use crate::verdict::Verdict;

fn busy() -> Failure {
    Failure::passing("cms-42", "congestion")
}

async fn verdict(house: &House, claim: &Claim, sequence: u8, modem: &str, verdict: Verdict, now: UnixMs) {
    house.store().not_submitted(claim.message, sequence, named(modem), verdict, now).await.unwrap();
}

async fn release(house: &House, modem: &str, now: UnixMs) -> usize {
    house.store().release(Some(named(modem)), now).await.unwrap()
}

#[tokio::test]
async fn priority_overtakes_and_equals_keep_their_order() {
    let house = House::new();
    for (id, priority) in [("first", 0), ("second", 0), ("urgent", 9)] {
        house.admit(Request { priority, ..request(id, ALICE) }, T0).await;
    }
    for expected in ["urgent", "first", "second"] {
        assert_eq!(house.send(1, T0).await.request, expected);
    }
    assert!(house.claim(T0).await.is_none());
}

#[tokio::test]
async fn a_claimed_message_is_nobody_elses() {
    let house = House::new();
    house.admit(request("a", ALICE), T0).await;
    assert!(house.claim(T0).await.is_some());
    assert!(house.claim_for("other", "other", T0).await.is_none());
    assert!(house.claim(T0).await.is_none());
}

#[tokio::test]
async fn a_message_waits_for_its_time_and_its_modem() {
    let house = House::new();
    house.admit(Request { send_at: Some(T0 + HOUR), ..request("later", ALICE) }, T0).await;
    house.admit(Request { modem: Some(named("other")), ..request("theirs", ALICE) }, T0).await;
    assert!(house.claim(T0).await.is_none());
    assert_eq!(house.claim(T0 + HOUR).await.expect("its time has come").request, "later");
    let theirs = house.claim_for("other", "other", T0).await;
    assert_eq!(theirs.expect("its modem asks").request, "theirs");
}

#[tokio::test]
async fn what_nobody_sent_in_time_expires() {
    let mut house = House::new();
    house.admit(Request { expires_at: Some(T0 + MINUTE), ..request("a", ALICE) }, T0).await;
    house.store().expire(T0 + MINUTE - 1).await.unwrap();
    assert_eq!(house.states().await, ["accepted"]);
    assert!(house.claim(T0 + MINUTE).await.is_none(), "a message is not sent after its time");
    house.store().expire(T0 + MINUTE).await.unwrap();
    house.reopen();
    let results = house.results().await;
    assert_eq!((&results[0]["state"], &results[0]["final"]), (&"expired".into(), &true.into()));
}

#[tokio::test]
async fn a_retry_waits() {
    let mut house = House::new();
    house.admit(request("a", ALICE), T0).await;
    let claim = house.claim(T0).await.unwrap();
    house.submitting(&claim, 1, T0).await;
    verdict(&house, &claim, 1, "main", Verdict::Retry(Duration::from_secs(5), busy()), T0).await;
    house.reopen();
    assert!(house.claim(T0 + 4 * SECOND).await.is_none());
    let again = house.claim(T0 + 5 * SECOND).await.expect("its time has come");
    assert_eq!((again.attempts, again.open_parts), (1, vec![1]));
    assert_eq!(house.states().await, ["accepted"], "a try that may be repeated is no result");
}

#[tokio::test]
async fn parts_that_were_taken_are_not_counted_as_failed_tries() {
    let house = House::new();
    house.admit(Request { parts: 9, ..request("a", ALICE) }, T0).await;
    let claim = house.claim(T0).await.unwrap();
    for sequence in 1..9 {
        house.send_part(&claim, sequence, sequence, T0).await;
    }
    house.submitting(&claim, 9, T0).await;
    verdict(&house, &claim, 9, "main", Verdict::Retry(Duration::ZERO, busy()), T0).await;
    let again = house.claim(T0).await.unwrap();
    assert_eq!((again.attempts, again.open_parts), (1, vec![9]));
}

#[tokio::test]
async fn a_message_given_up_says_why_and_what_went_out() {
    let mut house = House::new();
    house.admit(Request { parts: 2, ..request("a", ALICE) }, T0).await;
    let claim = house.claim(T0).await.unwrap();
    house.send_part(&claim, 1, 1, T0).await;
    house.submitting(&claim, 2, T0).await;
    let why = Failure::permanent("cms-1", "unassigned number");
    verdict(&house, &claim, 2, "main", Verdict::GiveUp(why), T0).await;
    let last = house.results().await.pop().unwrap();
    assert_eq!((&last["state"], &last["final"]), (&"failed".into(), &true.into()));
    assert_eq!((&last["error"]["code"], &last["parts_sent"]), (&"cms-1".into(), &1.into()));
    assert!(house.claim(T0 + DAY).await.is_none());
}

#[tokio::test]
async fn a_reroute_keeps_one_modem_away_and_not_another() {
    let house = House::new();
    house.admit(request("a", ALICE), T0).await;
    let claim = house.claim(T0).await.unwrap();
    house.submitting(&claim, 1, T0).await;
    verdict(&house, &claim, 1, "main", Verdict::Reroute(Duration::from_secs(60), busy()), T0).await;
    assert!(house.claim(T0 + MINUTE - 1).await.is_none());
    assert!(house.claim_for("other", "other", T0).await.is_some());
}

#[tokio::test]
async fn after_a_reroute_the_same_modem_may_try_again_later() {
    let house = House::new();
    house.admit(request("a", ALICE), T0).await;
    let claim = house.claim(T0).await.unwrap();
    house.submitting(&claim, 1, T0).await;
    verdict(&house, &claim, 1, "main", Verdict::Reroute(Duration::from_secs(60), busy()), T0).await;
    assert!(house.claim(T0 + MINUTE).await.is_some());
}

#[tokio::test]
async fn two_modems_that_both_cannot_do_not_pass_a_message_back_and_forth() {
    let house = House::new();
    house.admit(request("a", ALICE), T0).await;
    for (modem, sim) in [("main", SIM), ("other", "other")] {
        let claim = house.claim_for(modem, sim, T0).await.expect(modem);
        house.store().submitting(claim.message, 1, named(modem), sim.to_owned(), T0).await.unwrap();
        verdict(&house, &claim, 1, modem, Verdict::Reroute(Duration::from_secs(60), busy()), T0).await;
    }
    assert!(house.claim(T0 + SECOND).await.is_none(), "this one could not a second ago");
    assert!(house.claim_for("other", "other", T0 + SECOND).await.is_none());
    assert!(house.claim_for("third", "third", T0 + SECOND).await.is_some());
}

#[tokio::test]
async fn a_message_of_which_parts_went_out_stays_with_its_sim() {
    let mut house = House::new();
    house.admit(Request { parts: 2, ..request("a", ALICE) }, T0).await;
    let claim = house.claim(T0).await.unwrap();
    house.send_part(&claim, 1, 1, T0).await;
    house.store().give_back(claim.message, None, T0).await.unwrap();
    house.reopen();
    assert!(house.claim_for("other", "other", T0).await.is_none(), "no phone would join its parts");
    // The SIM has moved to another modem.
    let rest = house.claim_for("other", SIM, T0).await.expect("the same SIM");
    assert_eq!((rest.open_parts, rest.reference), (vec![2], claim.reference));
}

#[tokio::test]
async fn a_first_part_that_was_refused_pins_nothing() {
    let house = House::new();
    house.admit(Request { parts: 2, ..request("a", ALICE) }, T0).await;
    let claim = house.claim(T0).await.unwrap();
    house.submitting(&claim, 1, T0).await;
    verdict(&house, &claim, 1, "main", Verdict::Reroute(Duration::from_secs(60), busy()), T0).await;
    let other = house.claim_for("other", "other", T0).await;
    assert_eq!(other.expect("nothing went out by the first").open_parts, [1, 2]);
}

#[tokio::test]
async fn a_claim_of_an_earlier_session_waits_again() {
    let mut house = House::new();
    house.admit(request("a", ALICE), T0).await;
    house.claim(T0).await.unwrap();
    house.reopen();
    assert!(house.claim(T0).await.is_none());
    assert_eq!(release(&house, "other", T0).await, 0);
    assert_eq!(release(&house, "main", T0).await, 1);
    assert!(house.claim(T0).await.is_some());
}

#[tokio::test]
async fn a_claim_of_a_modem_that_left_the_configuration_is_freed_at_the_next_start() {
    let mut house = House::new();
    house.admit(request("a", ALICE), T0).await;
    house.claim(T0).await.unwrap();
    house.reopen();
    assert_eq!(house.store().release(None, T0).await.unwrap(), 1);
    assert!(house.claim_for("other", "other", T0).await.is_some());
}

/// A gateway that was killed between Ctrl-Z and +CMGS, and is up again.
async fn killed_while_submitting(on_unknown: OnUnknown) -> House {
    let mut house = House::with(|rules| rules.outbound.on_unknown = on_unknown);
    house.admit(request("a", ALICE), T0).await;
    let claim = house.claim(T0).await.unwrap();
    house.submitting(&claim, 1, T0).await;
    house.drain().await;
    house.reopen();
    assert_eq!(release(&house, "main", T0).await, 1);
    house
}

#[tokio::test]
async fn a_part_in_the_air_at_a_crash_is_sent_again_where_that_is_wanted() {
    let mut house = killed_while_submitting(OnUnknown::Resend).await;
    assert!(house.states().await.is_empty());
    house.send(1, T0).await;
    assert_eq!(house.states().await, ["sent"]);
}

#[tokio::test]
async fn a_part_in_the_air_at_a_crash_is_reported_where_that_is_wanted() {
    let mut house = killed_while_submitting(OnUnknown::Report).await;
    let results = house.results().await;
    assert_eq!((&results[0]["state"], &results[0]["final"]), (&"unknown".into(), &true.into()));
    assert!(house.claim(T0 + DAY).await.is_none());
    assert_eq!(release(&house, "main", T0).await, 0);
}

#[tokio::test]
async fn a_part_unknown_twice_is_not_sent_a_third_time() {
    let mut house = killed_while_submitting(OnUnknown::Resend).await;
    let claim = house.claim(T0).await.expect("the second try");
    house.submitting(&claim, 1, T0).await;
    verdict(&house, &claim, 1, "main", Verdict::AskPolicy(busy()), T0).await;
    assert!(house.claim(T0 + DAY).await.is_none(), "one or two SMS are promised");
    let results = house.results().await;
    assert_eq!(results.len(), 1);
    assert_eq!((&results[0]["state"], &results[0]["final"]), (&"unknown".into(), &true.into()));
}

#[tokio::test]
async fn what_can_never_be_made_into_pdus_fails() {
    let mut house = House::new();
    house.admit(request("a", ALICE), T0).await;
    let claim = house.claim(T0).await.unwrap();
    let why = Failure::permanent("unencodable", "no such character");
    house.store().give_back(claim.message, Some(why), T0).await.unwrap();
    assert_eq!(house.states().await, ["accepted", "failed"]);
}

#[tokio::test]
async fn a_modem_sends_no_more_a_minute_than_allowed() {
    let mut house = House::with(|rules| rules.outbound.per_minute = Some(2));
    for id in ["a", "b", "c"] {
        house.admit(request(id, ALICE), T0).await;
    }
    house.send(1, T0).await;
    house.send(2, T0 + SECOND).await;
    house.reopen();
    let third = house.store().claim(named("main"), SIM.to_owned(), T0 + 59 * SECOND).await.unwrap();
    assert!(matches!(&third, Claimed::OverBudget(why) if why.contains("per_minute = 2")), "{third:?}");
    // Its own budget, and the minute rolls on.
    let other = house.claim_for("other", "other", T0).await.expect("the budget is each modem's own");
    house.store().give_back(other.message, None, T0).await.unwrap();
    assert!(house.claim(T0 + MINUTE).await.is_some());
}

#[tokio::test]
async fn with_nothing_to_send_a_used_up_budget_is_no_problem() {
    let house = House::with(|rules| rules.outbound.per_day = Some(1));
    house.admit(request("a", ALICE), T0).await;
    house.send(1, T0).await;
    assert!(house.claim(T0 + HOUR).await.is_none());
}

#[tokio::test]
async fn references_of_messages_to_one_recipient_differ() {
    let house = House::new();
    let mut seen = std::collections::HashSet::new();
    for n in 0..20 {
        house.admit(Request { parts: 2, ..request(&format!("r{n}"), ALICE) }, T0).await;
        assert!(seen.insert(house.send(1, T0).await.reference));
    }
}

#[tokio::test]
async fn a_request_nobody_can_read_any_longer_fails_and_lets_the_others_by() {
    let mut house = House::new();
    house.admit(request("spoilt", ALICE), T0).await;
    house.admit(request("b", ALICE), T0).await;
    house.close();
    let file = Connection::open(house.folder.path().join(FILE)).unwrap();
    file.execute("UPDATE request SET body = '{}' WHERE id = 'spoilt'", []).unwrap();
    drop(file);
    house.reopen();
    house.drain().await;
    assert!(house.claim(T0).await.is_none());
    assert_eq!(house.states().await, ["failed"]);
    assert_eq!(house.claim(T0).await.expect("the next one").request, "b");
}

#[tokio::test]
async fn what_may_be_on_air_cannot_be_withdrawn() {
    let mut house = killed_while_submitting(OnUnknown::Resend).await;
    house.store().cancel("a".to_owned(), T0).await.unwrap();
    let results = house.results().await;
    assert_eq!((&results[0]["error"]["code"], &results[0]["final"]), (&"too-late".into(), &false.into()));
    assert!(house.claim(T0).await.is_some());
}

#[tokio::test]
async fn what_may_have_been_sent_is_unknown_when_its_time_is_over() {
    let mut house = House::new();
    house.admit(Request { expires_at: Some(T0 + MINUTE), ..request("a", ALICE) }, T0).await;
    let claim = house.claim(T0).await.unwrap();
    house.submitting(&claim, 1, T0).await;
    release(&house, "main", T0).await;
    house.drain().await;
    house.store().expire(T0 + HOUR).await.unwrap();
    let results = house.results().await;
    assert_eq!((&results[0]["state"], &results[0]["final"]), (&"unknown".into(), &true.into()));
}
