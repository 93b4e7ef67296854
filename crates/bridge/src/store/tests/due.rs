//! What time alone brings about, in batches.

use super::*;

/// Reports of somebody else's messages, or of messages deleted long ago.
async fn receive_reports(fixture: &StoreFixture, count: u8) {
    for mr in 0..count {
        fixture.report(&status_report(mr, ALICE, T0, 4, DELIVERED), T0).await;
    }
}

#[tokio::test]
async fn reports_on_nothing_we_sent_are_forgotten_though_nothing_is_sent() {
    let fixture = StoreFixture::new();
    receive_reports(&fixture, 3).await;
    let kept = || fixture.sql::<i64>("SELECT count(*) FROM early_report");
    fixture.store().process_due(T0 + 2 * MINUTE).await.unwrap();
    assert_eq!(kept(), 3, "the modem's answer may still come");
    fixture.store().process_due(T0 + 2 * MINUTE + 1).await.unwrap();
    assert_eq!(kept(), 0);
}

#[tokio::test]
async fn many_reports_on_nothing_we_sent_are_forgotten_in_batches() {
    let fixture = StoreFixture::new();
    fixture.change(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
         INSERT INTO early_report (sim, mr, number, delivery_status, tp_status, at)
           SELECT '', 0, '', 'delivered', 0, 0 FROM n",
    );
    let mut left = Vec::new();
    while fixture.sql::<i64>("SELECT count(*) FROM early_report") > 0 {
        let all = fixture.store().process_due(T0).await.unwrap();
        left.push((fixture.sql::<i64>("SELECT count(*) FROM early_report"), all));
    }
    assert_eq!(left, [(700, false), (200, false), (0, true)]);
}

#[tokio::test]
async fn a_message_may_be_tried_again_by_the_modem_whose_time_is_over_and_by_no_other() {
    let fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.change(&format!(
        "INSERT INTO avoid SELECT id, 'attic', {} FROM message;
         INSERT INTO avoid SELECT id, 'main', {} FROM message;
         UPDATE message SET avoided_by = 'attic main'",
        T0 + HOUR,
        T0 + MINUTE
    ));
    assert!(fixture.claim(T0).await.is_none());
    assert!(fixture.claim_for("attic", "attic", T0 + MINUTE).await.is_none());
    assert!(fixture.claim(T0 + MINUTE).await.is_some());
    assert_eq!(fixture.sql::<String>("SELECT avoided_by FROM message"), "attic");
}
