//! A modem that takes no `AT+CNMI` is polled.

use smsbridge_modem::upkeep::{self, Checked};
use smsbridge_simulator::{Fault, FaultKind};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn messages_are_found_all_the_same() {
    let sim = simulator();
    sim.fault(Fault::on("AT+CNMI=", FaultKind::Cms(303)).every());
    let (mut session, mut ready) = connected(&sim).await;
    assert_eq!(ready.cnmi, None);
    sim.deliver("+491234567", "quiet").unwrap();
    wait_for_delivery().await;
    assert_eq!(upkeep::check(&mut session, &mut ready).await.unwrap(), Checked::AsConfigured);
    assert_eq!(pdus(&swept(&mut session, &ready).await), stored(&sim));
}

#[tokio::test(start_paused = true)]
async fn the_next_best_is_taken() {
    let sim = simulator();
    sim.fault(Fault::on("AT+CNMI=2,1,0,2", FaultKind::Cms(303)).every());
    let (_, ready) = connected(&sim).await;
    assert_eq!(
        ready.cnmi.map(|cnmi| cnmi.to_string()).as_deref(),
        Some("2,1,0,1,0"),
        "reports come directly"
    );
}
