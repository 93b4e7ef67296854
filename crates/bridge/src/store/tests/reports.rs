//! Status reports: each finds its part, or counts for none.

use super::*;
use crate::pdu_fixtures::changed;

/// A store in which a request with a report was sent as TP-MR 1 at `T0`.
async fn sent() -> StoreFixture {
    let mut fixture = StoreFixture::new();
    fixture.admit(reported("a", ALICE), T0).await;
    fixture.send(1, T0).await;
    assert_eq!(fixture.states().await, ["accepted", "sent"]);
    fixture
}

#[tokio::test]
async fn a_report_ends_its_message() {
    for (status, state) in [(DELIVERED, "delivered"), (GIVEN_UP, "failed")] {
        let mut fixture = sent().await;
        fixture.reopen();
        fixture.report(&status_report(1, ALICE, T0, 4, status), T0 + MINUTE).await;
        let results = fixture.results().await;
        assert_eq!(results.len(), 1);
        assert_eq!((&results[0]["state"], &results[0]["final"]), (&state.into(), &true.into()));
        assert_eq!(results[0].get("delivered_at").is_some(), state == "delivered");
        // The network says it twice.
        fixture.report(&status_report(1, ALICE, T0, 8, status), T0 + MINUTE).await;
        assert!(fixture.results().await.is_empty());
    }
}

#[tokio::test]
async fn a_report_that_the_network_still_tries_ends_nothing() {
    let mut fixture = sent().await;
    fixture.report(&status_report(1, ALICE, T0, 4, STILL_TRYING), T0 + MINUTE).await;
    assert!(fixture.results().await.is_empty());
    fixture.report(&status_report(1, ALICE, T0, 4, DELIVERED), T0 + HOUR).await;
    assert_eq!(fixture.states().await, ["delivered"]);
}

#[tokio::test]
async fn a_report_finds_its_number_in_national_form() {
    let mut fixture = sent().await;
    fixture.report(&status_report(1, "015112345678", T0, 4, DELIVERED), T0 + MINUTE).await;
    assert_eq!(fixture.states().await, ["delivered"]);
}

#[tokio::test]
async fn a_report_on_another_reference_number_or_sim_is_not_ours() {
    let mut fixture = sent().await;
    fixture.report(&status_report(2, ALICE, T0, 4, DELIVERED), T0 + MINUTE).await;
    fixture.report(&status_report(1, BOB, T0, 4, DELIVERED), T0 + MINUTE).await;
    let elsewhere = incoming(None, &status_report(1, ALICE, T0, 4, DELIVERED), T0 + MINUTE);
    fixture.store().accept(IncomingPdu { sim: "another".to_owned(), ..elsewhere }).await.unwrap();
    assert!(fixture.results().await.is_empty());
}

/// The report as a network gives it that leaves the number out.
fn without_number(pdu: &str, type_of_address: u8) -> String {
    changed(pdu, |decoded| match &mut decoded.tpdu {
        codec::Tpdu::StatusReport(report) => {
            report.to = codec::Address::from_semi_octets(type_of_address, 0, &[]).unwrap();
        }
        other => panic!("no report: {other:?}"),
    })
}

#[tokio::test]
async fn a_report_without_a_number_is_about_the_only_part_with_its_reference() {
    for type_of_address in [0x00, 0x81, 0x91, 0xD0] {
        let mut fixture = sent().await;
        // Another message, with another reference.
        fixture.admit(reported("b", BOB), T0).await;
        fixture.send(2, T0).await;
        fixture.drain().await;
        let report = without_number(&status_report(1, ALICE, T0, 4, DELIVERED), type_of_address);
        fixture.report(&report, T0 + MINUTE).await;
        let results = fixture.results().await;
        assert_eq!(results.len(), 1, "{type_of_address:02X}");
        assert_eq!((&results[0]["id"], &results[0]["state"]), (&"a".into(), &"delivered".into()));
    }
}

#[tokio::test]
async fn a_report_without_a_number_counts_for_none_of_two_parts_with_its_reference() {
    let mut fixture = sent().await;
    fixture.admit(reported("b", BOB), T0 + SECOND).await;
    fixture.send(1, T0 + SECOND).await;
    fixture.drain().await;
    fixture.report(&without_number(&status_report(1, ALICE, T0, 4, DELIVERED), 0x91), T0 + MINUTE).await;
    assert!(fixture.results().await.is_empty());
    // With the number it is clear; and then only one part is left.
    fixture.report(&status_report(1, ALICE, T0, 4, DELIVERED), T0 + MINUTE).await;
    fixture.report(&without_number(&status_report(1, BOB, T0, 4, GIVEN_UP), 0x91), T0 + 2 * MINUTE).await;
    let results = fixture.results().await;
    let ended: Vec<_> = results.iter().map(|result| (&result["id"], &result["state"])).collect();
    assert_eq!(ended, [(&"a".into(), &"delivered".into()), (&"b".into(), &"failed".into())]);
}

#[tokio::test]
async fn a_report_without_a_number_ahead_of_the_modems_answer_waits_for_it() {
    let (mut fixture, claim) = being_submitted().await;
    fixture.report(&without_number(&status_report(1, ALICE, T0, 4, DELIVERED), 0x91), T0 + SECOND).await;
    fixture.store().submitted(claim.message, 1, Some(1), T0 + 2 * SECOND).await.unwrap();
    assert_eq!(fixture.states().await, ["sent", "delivered"]);
}

#[tokio::test]
async fn all_parts_must_be_delivered_and_one_failure_fails_the_message() {
    for (statuses, state) in [([DELIVERED, DELIVERED], "delivered"), ([DELIVERED, GIVEN_UP], "failed")] {
        let mut fixture = StoreFixture::new();
        fixture.admit(in_parts(2, reported("a", ALICE)), T0).await;
        fixture.send(1, T0).await;
        fixture.drain().await;
        fixture.report(&status_report(1, ALICE, T0, 4, statuses[0]), T0 + MINUTE).await;
        assert!(fixture.results().await.is_empty());
        fixture.reopen();
        fixture.report(&status_report(2, ALICE, T0, 4, statuses[1]), T0 + MINUTE).await;
        assert_eq!(fixture.states().await, [state]);
    }
}

/// A message whose one part is with the modem, the answer still out.
async fn being_submitted() -> (StoreFixture, Claim) {
    let mut fixture = StoreFixture::new();
    fixture.admit(reported("a", ALICE), T0).await;
    let claim = fixture.claim(T0).await.unwrap();
    fixture.submitting(&claim, 1, T0).await;
    fixture.drain().await;
    (fixture, claim)
}

#[tokio::test]
async fn a_report_ahead_of_the_modems_answer_waits_for_it() {
    let (mut fixture, claim) = being_submitted().await;
    fixture.report(&status_report(1, ALICE, T0, 4, DELIVERED), T0 + SECOND).await;
    fixture.reopen();
    fixture.store().submitted(claim.message, 1, Some(1), T0 + 2 * SECOND).await.unwrap();
    assert_eq!(fixture.states().await, ["sent", "delivered"]);
}

#[tokio::test]
async fn a_pending_report_ahead_of_the_answer_does_not_hide_the_delivered_one() {
    let (mut fixture, claim) = being_submitted().await;
    fixture.report(&status_report(1, ALICE, T0, 4, STILL_TRYING), T0 + SECOND).await;
    fixture.report(&status_report(1, ALICE, T0, 4, DELIVERED), T0 + 2 * SECOND).await;
    fixture.store().submitted(claim.message, 1, Some(1), T0 + 3 * SECOND).await.unwrap();
    assert_eq!(fixture.states().await, ["sent", "delivered"]);
}

#[tokio::test]
async fn a_report_older_than_the_part_is_about_another() {
    let mut fixture = StoreFixture::new();
    fixture.report(&status_report(1, ALICE, T0, 4, DELIVERED), T0).await;
    fixture.admit(reported("a", ALICE), T0 + SECOND).await;
    fixture.send(1, T0 + SECOND).await;
    assert_eq!(fixture.states().await, ["accepted", "sent"]);
}

/// Two messages to one number that the modem gave the same TP-MR, sent 100 s apart.
async fn two_with_one_mr() -> StoreFixture {
    let mut fixture = StoreFixture::new();
    for (id, at) in [("a", T0), ("b", T0 + 100 * SECOND)] {
        fixture.admit(reported(id, ALICE), at).await;
        fixture.send(1, at).await;
    }
    fixture.drain().await;
    fixture
}

#[tokio::test]
async fn of_two_with_one_reference_the_time_decides_whatever_the_zone() {
    for quarter_hours in [-20, 0, 4, 23] {
        for (id, at) in [("a", T0 + 2 * SECOND), ("b", T0 + 98 * SECOND)] {
            let mut fixture = two_with_one_mr().await;
            // The service centre's clock is right and its zone is wrong: the instant is off by quarter hours.
            let stamp = at + i64::from(quarter_hours) * 15 * MINUTE;
            fixture.report(&status_report(1, ALICE, stamp, 0, DELIVERED), T0 + HOUR).await;
            let results = fixture.results().await;
            assert_eq!(results.len(), 1);
            assert_eq!((&results[0]["id"], &results[0]["state"]), (&id.into(), &"delivered".into()));
        }
    }
}

#[tokio::test]
async fn a_report_that_fits_two_equally_counts_for_neither() {
    let mut fixture = two_with_one_mr().await;
    fixture.report(&status_report(1, ALICE, T0 + 50 * SECOND, 0, DELIVERED), T0 + HOUR).await;
    assert!(fixture.results().await.is_empty());
}

#[tokio::test]
async fn a_report_that_never_came_leaves_sent_and_says_so() {
    let mut fixture = sent().await;
    fixture.store().process_due(T0 + DAY - 1).await.unwrap();
    assert!(fixture.results().await.is_empty());
    fixture.store().process_due(T0 + DAY).await.unwrap();
    let results = fixture.results().await;
    assert_eq!((&results[0]["state"], &results[0]["final"]), (&"sent".into(), &true.into()));
    assert_eq!(results[0]["report"], "missing");
    fixture.report(&status_report(1, ALICE, T0, 4, DELIVERED), T0 + DAY).await;
    assert!(fixture.results().await.is_empty(), "there is one final result");
}

#[tokio::test]
async fn a_clock_set_back_does_not_lose_a_report() {
    let mut fixture = sent().await;
    fixture.report(&status_report(1, ALICE, T0, 4, DELIVERED), T0 - MINUTE).await;
    assert_eq!(fixture.states().await, ["delivered"]);
}
