//! Every answer comes octet by octet.

use std::time::Duration;

use smsbridge_modem::sms;
use smsbridge_simulator::{Fault, FaultKind};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn nothing_changes() {
    for pause in [Duration::ZERO, Duration::from_millis(3)] {
        let sim = simulator();
        sim.fault(Fault::on("AT", FaultKind::Split(pause)).every());
        sim.fault(Fault::on_payload(FaultKind::Split(pause)).every());
        let (mut session, ready) = connected(&sim).await;
        sim.deliver("+491234567", &"long ".repeat(60)).unwrap();
        wait_for_delivery().await;
        let messages = swept(&mut session, &ready).await;
        assert_eq!((messages.len(), pdus(&messages)), (2, stored(&sim)));
        sms::send(&mut session, &hi()).await.unwrap();
    }
}
