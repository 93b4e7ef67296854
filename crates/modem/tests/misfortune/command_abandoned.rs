//! A command future that is dropped before its answer.

use std::time::Duration;

use smsbridge_modem::{Command, LinkFault, ModemError};
use smsbridge_simulator::{Fault, FaultKind};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn the_session_only_returns_errors() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    sim.fault(Fault::on("AT+CSQ", FaultKind::Late(Duration::from_secs(3))));
    let dropped = tokio::time::timeout(Duration::from_secs(1), session.command(Command::new("AT+CSQ"))).await;
    assert!(dropped.is_err());
    let expect = Err(ModemError::Link(LinkFault::Abandoned));
    assert_eq!(session.command(Command::new("AT+CGMM")).await.map(|_| ()), expect);
    assert_eq!(session.next_event().await.map(|_| ()), expect);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_events_may_be_dropped_at_any_time() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    let feeder = sim.clone();
    tokio::spawn(async move {
        for n in 0..10 {
            feeder.deliver("+491234567", &format!("{n}")).unwrap();
            tokio::time::sleep(Duration::from_millis(70)).await;
        }
    });
    let mut announced = 0;
    for _ in 0..1000 {
        if let Ok(event) = tokio::time::timeout(Duration::from_millis(7), session.next_event()).await {
            announced += usize::from(matches!(event.unwrap(), smsbridge_modem::Urc::MessageStored { .. }));
        }
    }
    assert_eq!(announced, 10);
}
