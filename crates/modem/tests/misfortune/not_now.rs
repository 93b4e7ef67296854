//! What a modem refuses for a while is not taken for what it can never do.

use std::time::Duration;

use smsbridge_modem::upkeep::{self, Checked};
use smsbridge_modem::{Ability, bring_up, sms};
use smsbridge_simulator::{Fault, FaultKind};

use crate::bench::*;

fn for_seconds(command: &str, kind: FaultKind, seconds: u64) -> Fault {
    Fault::on(command, kind).every().lasting(Duration::from_secs(seconds))
}

#[tokio::test(start_paused = true)]
async fn a_storage_refused_for_some_seconds_is_read_again() {
    for kind in
        [FaultKind::Cms(310), FaultKind::Cms(302), FaultKind::Cms(500), FaultKind::Cme(14), FaultKind::Error]
    {
        let sim = simulator();
        let (mut session, ready) = connected(&sim).await;
        sim.fault(for_seconds("AT+CPMS", kind.clone(), 5));
        assert!(swept(&mut session, &ready).await.is_empty());
        assert!(!session.refused().is_empty(), "{kind:?}: nobody is told");
        sim.deliver("+491234567", "hello").unwrap();
        let mut found = 0;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            found = swept(&mut session, &ready).await.len();
            if found > 0 {
                break;
            }
        }
        assert_eq!(found, 1, "{kind:?}");
        assert!(session.refused().is_empty(), "{kind:?}: {:?}", session.refused());
    }
}

#[tokio::test(start_paused = true)]
async fn announcements_refused_while_it_starts_are_switched_on_later() {
    for kind in [FaultKind::Cms(500), FaultKind::Cms(302), FaultKind::Error, FaultKind::Cme(100)] {
        let sim = simulator();
        sim.fault(for_seconds("AT+CNMI=", kind.clone(), 12));
        let (mut session, mut ready) = connected(&sim).await;
        assert_eq!(ready.cnmi, None);
        assert_eq!(session.refused()[0].ability, Ability::Announce);
        for _ in 0..6 {
            tokio::time::sleep(Duration::from_secs(10)).await;
            assert_eq!(upkeep::check(&mut session, &mut ready).await.unwrap(), Checked::AsConfigured);
        }
        assert!(ready.cnmi.is_some(), "{kind:?}");
        sim.deliver("+491234567", "hello").unwrap();
        let told = async {
            while !matches!(session.next_event().await.unwrap(), smsbridge_modem::Urc::MessageStored { .. }) {
            }
        };
        tokio::time::timeout(Duration::from_secs(10), told).await.expect("messages are announced");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_centre_that_cannot_be_read_yet_is_not_replaced() {
    let sim = simulator();
    sim.fault(for_seconds("AT+CSCA?", FaultKind::Cme(14), 12));
    let mut session = connect(&sim);
    let modem = bring_up::synchronise(&mut session).await.unwrap();
    let mut ready = modem.configure(Some("+10000000")).await.unwrap();
    assert_eq!(ready.service_centre, None);
    assert_eq!(count(&sim, "AT+CSCA="), 0, "the SIM's own number was overwritten");
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        upkeep::check(&mut session, &mut ready).await.unwrap();
    }
    assert_eq!(ready.service_centre, Some(smsbridge_simulator::Options::default().service_centre));
    assert_eq!(count(&sim, "AT+CSCA="), 0);
}

#[tokio::test(start_paused = true)]
async fn a_sim_whose_number_cannot_be_read_yet_is_known_later() {
    for kind in [FaultKind::Cme(14), FaultKind::Error, FaultKind::Cme(100)] {
        let sim = simulator();
        sim.fault(for_seconds("AT+CCID", kind.clone(), 40));
        sim.fault(for_seconds("AT+ICCID", kind.clone(), 40));
        sim.fault(for_seconds("AT+QCCID", kind.clone(), 40));
        sim.fault(for_seconds("AT^ICCID", kind.clone(), 40));
        sim.fault(for_seconds("AT+CRSM", kind.clone(), 40));
        let (mut session, mut ready) = connected(&sim).await;
        assert_eq!(ready.iccid, None);
        assert_eq!(ready.imsi, Some(smsbridge_simulator::Options::default().imsi));
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(60)).await;
            upkeep::check(&mut session, &mut ready).await.unwrap();
        }
        assert_eq!(ready.iccid, Some(smsbridge_simulator::Options::default().iccid), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_optional_command_refused_at_first_is_asked_again_and_an_unknown_one_rarely() {
    let sim = simulator();
    sim.fault(for_seconds("AT+CSQ", FaultKind::Error, 30));
    sim.fault(Fault::on("AT+CESQ", FaultKind::Cme(4)).every());
    let (mut session, _) = connected(&sim).await;
    for _ in 0..40 {
        smsbridge_modem::status::network(&mut session).await.unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    let network = smsbridge_modem::status::network(&mut session).await.unwrap();
    assert!(network.signal_dbm.is_some());
    assert!(count(&sim, "AT+CESQ") <= 4, "{} times in 20 minutes", count(&sim, "AT+CESQ"));
    assert!(session.refused().is_empty(), "nobody misses what a modem does not have");
    sms::send(&mut session, &hi()).await.unwrap();
}
