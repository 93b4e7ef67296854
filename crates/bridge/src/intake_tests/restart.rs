//! Requests to restart a modem.

use super::*;

fn restart(payload: &[u8]) -> Delivery<'_> {
    Delivery { route: Route::Restart { modem: named("main") }, ..delivery(payload) }
}

#[tokio::test]
async fn a_restart_is_handed_over_once_it_is_acknowledged_and_nobody_is_answered() {
    let fixture = Fixture::new();
    for payload in [&b"restart"[..], b"{}", b" {\"id\": \"button-1\"} ", b"{\"id\":null}"] {
        assert_eq!(fixture.take(restart(payload)).await, AfterAck::Restart(named("main")));
    }
    assert!(!fixture.asked.restart.take(), "it is not acknowledged yet");
    fixture.intake.restart(&named("main"));
    fixture.intake.restart(&named("other"));
    assert!(fixture.asked.restart.take());
    assert!(fixture.publications().await.is_empty());
}

#[tokio::test]
async fn a_restart_that_may_not_be_one_is_not_carried_out() {
    let fixture = Fixture::new();
    let refused = [
        Delivery { retained: true, ..restart(b"restart") },
        Delivery { size: MAX_PAYLOAD + 1, ..restart(b"restart") },
        Delivery { route: Route::Restart { modem: named("other") }, ..restart(b"restart") },
        Delivery { origin: Origin { redelivered: true, ..restart(b"").origin }, ..restart(b"restart") },
        Delivery { stale: Some("another ran".to_owned()), ..restart(b"restart") },
        Delivery { retained: true, ..restart(b"") },
        restart(b""),
        restart(b"reset"),
        restart(b"restart\n"),
        restart(b"[]"),
        restart(b"{\"id\":\"\"}"),
        restart(b"{\"modem\":\"main\"}"),
    ];
    for delivery in refused {
        let shown = format!("{delivery:?}");
        assert_eq!(fixture.take(delivery).await, AfterAck::Nothing, "{shown}");
    }
    assert!(!fixture.asked.restart.take() && fixture.publications().await.is_empty());
}
