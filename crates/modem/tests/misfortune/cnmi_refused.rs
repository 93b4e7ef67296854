//! A modem that takes no `AT+CNMI` is polled.

use smsbridge_modem::sms;
use smsbridge_simulator::{Fault, FaultKind};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn messages_are_found_all_the_same() {
    let sim = simulator();
    sim.fault(Fault::on("AT+CNMI=", FaultKind::Cms(303)).every());
    let (mut session, ready) = up(&sim).await;
    assert_eq!(ready.cnmi, "");
    sim.deliver("+491234567", "quiet").unwrap();
    settle().await;
    assert!(!sms::check_cnmi(&mut session, &ready).await.unwrap());
    assert_eq!(pdus(&sms::sweep(&mut session, &ready).await.unwrap().pdus), stored(&sim));
}

#[tokio::test(start_paused = true)]
async fn the_next_best_is_taken() {
    let sim = simulator();
    sim.fault(Fault::on("AT+CNMI=2,1,0,2", FaultKind::Cms(303)).every());
    let (_, ready) = up(&sim).await;
    assert_eq!(ready.cnmi, "2,1,0,1,0");
    assert!(ready.direct_reports);
}
