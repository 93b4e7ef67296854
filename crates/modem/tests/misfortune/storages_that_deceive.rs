//! Storages without slots, lists that leave messages out, notices that are early, wrong or about an unlisted storage.

use std::time::Duration;

use smsbridge_modem::{Storage, Urc, sms};
use smsbridge_simulator::{
    Fault, FaultKind, Notice, Options, Simulator, Status, Storage as SimStorage, VendorProfile,
};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn a_sim_without_slots_is_not_chosen_where_the_modem_has_some() {
    let sim = Simulator::new(Options { slots: 0, ..Options::default() });
    let (mut session, ready) = connected(&sim).await;
    assert_eq!(ready.receive_storage, Storage::ME);
    sim.deliver("+491234567", "hello").unwrap();
    wait_for_delivery().await;
    assert_eq!(swept(&mut session, &ready).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn where_no_storage_has_slots_the_first_one_is_chosen_all_the_same() {
    let sim = Simulator::new(Options { slots: 0, me_slots: 0, ..Options::default() });
    let (_, ready) = connected(&sim).await;
    assert_eq!(ready.receive_storage, Storage::SM);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_leaves_out_what_is_counted_is_not_believed() {
    let sim = simulator();
    let (mut session, ready) = connected(&sim).await;
    deliver_three(&sim);
    wait_for_delivery().await;
    sim.fault(Fault::on("AT+CMGL", FaultKind::Pretend).every());
    assert_eq!(swept(&mut session, &ready).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_only_a_notice_names_is_read() {
    for notice in ["+CMTI", "+CDSI"] {
        let profile =
            VendorProfile { unlisted: &[SimStorage::Me, SimStorage::Sr], ..VendorProfile::generic() };
        let sim = simulator_of(profile);
        let (mut session, ready) = connected(&sim).await;
        assert!(!ready.storages.contains(&Storage::ME));
        let slot = sim
            .put(SimStorage::Me, Status::Unread, "0791947101670000040B919421436587F900006221118074000001C8")
            .unwrap();
        sim.send_urc(&format!("{notice}: \"ME\",{slot}"));
        session.next_event().await.unwrap();
        let found = swept(&mut session, &ready).await;
        assert_eq!(found.len(), 1, "{notice}");
        assert_eq!((found[0].storage, usize::from(found[0].slot)), (Storage::ME, slot), "{notice}");
        // It stays known.
        assert_eq!(swept(&mut session, &ready).await.len(), 1, "{notice}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_cannot_be_understood_is_a_hint_to_look() {
    for line in [
        "+CMTI: ,-1",
        "+CMTI: \"SM\"",
        "+CMTI:",
        "+ SMS FULL",
        "+SMSFULL",
        "+CIEV: \"SMSFULL\",1",
        "^SMMEMFULL: \"SM\"",
        "+CDSI: x",
    ] {
        let sim = simulator();
        let (mut session, _) = connected(&sim).await;
        sim.set_notice(Notice::Instead(line.into()));
        sim.deliver("+491234567", "hello").unwrap();
        let hint = async {
            loop {
                if session.next_event().await.unwrap() == Urc::SweepHint {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), hint)
            .await
            .unwrap_or_else(|_| panic!("{line} says nothing"));
    }
}

#[tokio::test(start_paused = true)]
async fn three_thousand_messages_are_all_read() {
    let sim = Simulator::new(Options { slots: 3000, ..Options::default() });
    let (mut session, ready) = connected(&sim).await;
    for n in 0..3000 {
        let pdu = format!("0791947101670000040B919421436587F9000062211180740000{:02X}{:04X}", 2, n);
        sim.put(SimStorage::Sm, Status::Unread, &pdu);
    }
    let (mut read, mut sweeps) = (0, 0);
    loop {
        let found = sms::sweep(&mut session, &ready).await;
        assert_eq!(found.fault, None);
        assert_eq!(found.storages.contains(&Storage::SM), !found.has_more, "what was cut is not complete");
        sweeps += 1;
        read += found.pdus.len();
        for message in found.pdus {
            sms::delete(&mut session, message.storage, message.slot).await.unwrap();
        }
        if !found.has_more {
            break;
        }
    }
    assert_eq!((read, sweeps), (3000, 2));
    assert!(sim.stored().is_empty());
}
