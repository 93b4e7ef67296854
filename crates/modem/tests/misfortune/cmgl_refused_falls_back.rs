//! A modem that does not list is read slot by slot.

use smsbridge_simulator::{Fault, FaultKind, Options, Simulator, VendorProfile};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn all_messages_are_found_and_listing_is_not_tried_again() {
    for profile in VendorProfile::all() {
        let name = profile.name;
        let sim = Simulator::new(Options { profile, ..Options::default() });
        sim.fault(Fault::on("AT+CMGL", FaultKind::Cms(302)).every());
        let (mut session, ready) = connected(&sim).await;
        for n in 0..3 {
            sim.deliver("+491234567", &format!("number {n}")).unwrap();
        }
        wait_for_delivery().await;
        for _ in 0..2 {
            let messages = swept(&mut session, &ready).await;
            assert_eq!((messages.len(), pdus(&messages)), (3, stored(&sim)), "{name}");
        }
        // Once in each storage.
        assert_eq!(count(&sim, "AT+CMGL"), ready.storages.len(), "{name}");
    }
}
