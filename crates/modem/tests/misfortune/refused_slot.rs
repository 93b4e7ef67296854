//! A slot of a worn SIM that cannot be deleted, read or listed: everything else goes on, and it is tried again.

use std::time::Duration;

use smsbridge_modem::sms::{self, Deleted};
use smsbridge_modem::{Ability, Storage};
use smsbridge_simulator::{Fault, FaultKind, Status, Storage as SimStorage};

use crate::bench::*;

fn refusals() -> Vec<FaultKind> {
    vec![FaultKind::Cms(500), FaultKind::Cms(320), FaultKind::Cms(314), FaultKind::Cme(100), FaultKind::Error]
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_deleted_stops_neither_the_others_nor_sending() {
    for kind in refusals() {
        let sim = simulator();
        let (mut session, ready) = connected(&sim).await;
        deliver_three(&sim);
        wait_for_delivery().await;
        sim.fault(Fault::on("AT+CMGD=1", kind.clone()).every());
        let mut deleted = Vec::new();
        for message in swept(&mut session, &ready).await {
            deleted.push(sms::delete(&mut session, message.storage, message.slot).await.unwrap());
        }
        assert_eq!(deleted, [Deleted::NotNow, Deleted::Yes, Deleted::Yes], "{kind:?}");
        let refused: Vec<Ability> = session.refused().into_iter().map(|refused| refused.ability).collect();
        assert_eq!(refused, [Ability::Delete(Storage::SM, 1)], "{kind:?}");
        sms::send(&mut session, &hi()).await.unwrap();
        assert_eq!(sim.sent().len(), 1, "{kind:?}");

        // It is not asked again at once, and when it is and works, that is known.
        let asked = count(&sim, "AT+CMGD=1");
        assert_eq!(sms::delete(&mut session, Storage::SM, 1).await.unwrap(), Deleted::NotNow);
        assert_eq!(count(&sim, "AT+CMGD=1"), asked, "{kind:?}");
        sim.clear_faults();
        tokio::time::sleep_until(session.refused_until().expect("it is tried again")).await;
        assert_eq!(sms::delete(&mut session, Storage::SM, 1).await.unwrap(), Deleted::Yes);
        assert!(session.refused().is_empty() && sim.stored().is_empty(), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_read_hides_none_of_the_others() {
    for kind in refusals() {
        let sim = simulator();
        let (mut session, ready) = connected(&sim).await;
        deliver_three(&sim);
        wait_for_delivery().await;
        // Read one by one, since the list is refused too.
        sim.fault(Fault::on("AT+CMGL", FaultKind::Cms(303)).every());
        sim.fault(Fault::on("AT+CMGR=2", kind.clone()).every());
        let found = sms::sweep(&mut session, &ready).await;
        assert_eq!((found.fault, found.pdus.len()), (None, 2), "{kind:?}");
        assert!(!found.storages.contains(&Storage::SM), "{kind:?}: not all of it was read");
        sim.clear_faults();
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(swept(&mut session, &ready).await.len(), 3, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_slot_that_answers_with_any_error_is_no_message() {
    for kind in refusals() {
        let sim = simulator();
        let (mut session, ready) = connected(&sim).await;
        sim.deliver("+491234567", "the only one").unwrap();
        wait_for_delivery().await;
        sim.fault(Fault::on("AT+CMGL", FaultKind::Cms(303)).every());
        for slot in 2..=30 {
            sim.fault(Fault::on(&format!("AT+CMGR={slot}"), kind.clone()).every());
        }
        for _ in 0..3 {
            assert_eq!(swept(&mut session, &ready).await.len(), 1, "{kind:?}");
        }
        let first = &swept(&mut session, &ready).await[0];
        assert_eq!(sms::delete(&mut session, first.storage, first.slot).await.unwrap(), Deleted::Yes);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_the_modem_hung_is_not_thrown_away() {
    let sim = simulator();
    let (mut session, ready) = connected(&sim).await;
    deliver_three(&sim);
    wait_for_delivery().await;
    sim.fault(Fault::on("AT+CMGL", FaultKind::Cms(303)).every());
    sim.fault(Fault::on("AT+CMGR=3", FaultKind::Hang));
    let found = sms::sweep(&mut session, &ready).await;
    assert!(found.fault.is_some_and(|fault| fault.is_fatal()));
    assert_eq!(found.pdus.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_sim_full_of_what_cannot_be_deleted_still_gives_what_it_holds() {
    let sim = simulator();
    let (mut session, ready) = connected(&sim).await;
    for n in 0..30 {
        sim.put(
            SimStorage::Sm,
            Status::Unread,
            &format!("0791947101670000040B919421436587F90000622111807400{n:02X}0141"),
        );
    }
    sim.fault(Fault::on("AT+CMGD", FaultKind::Cms(500)).every());
    for message in swept(&mut session, &ready).await {
        assert_eq!(sms::delete(&mut session, message.storage, message.slot).await.unwrap(), Deleted::NotNow);
    }
    assert_eq!(session.refused().len(), 30);
    sms::send(&mut session, &hi()).await.unwrap();
}
