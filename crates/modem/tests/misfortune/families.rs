//! What each family does otherwise, one test a peculiarity.

use smsbridge_modem::profile::{self, Overrides};
use smsbridge_modem::registration::Registration;
use smsbridge_modem::{SessionOptions, Urc, bring_up, sms, status};
use smsbridge_simulator::{Fault, FaultKind, Options, Simulator, Status, Storage, VendorProfile};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn each_vendor_is_known_by_its_own_words() {
    let rows = [
        (VendorProfile::generic(), "generic"),
        (VendorProfile::huawei(), "huawei"),
        (VendorProfile::e3372(), "huawei"),
        (VendorProfile::zte(), "zte"),
        (VendorProfile::sim800(), "simcom"),
        (VendorProfile::sim900(), "simcom"),
        (VendorProfile::sim7600(), "simcom-lte"),
        (VendorProfile::a7670(), "simcom-lte"),
        (VendorProfile::ec25(), "quectel"),
        (VendorProfile::ec21(), "quectel"),
        (VendorProfile::mc7455(), "sierra"),
        (VendorProfile::mc75i(), "cinterion"),
        (VendorProfile::m590(), "neoway"),
    ];
    for (profile, expect) in rows {
        let name = profile.name;
        let sim = simulator_of(profile);
        let mut session = connect(&sim);
        assert_eq!(bring_up::synchronise(&mut session).await.unwrap().identity().profile, expect, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_vendors_modem_reports_the_number_of_its_own_card() {
    for profile in VendorProfile::all() {
        let name = profile.name;
        let options = Options { profile, ..Options::numbered(7) };
        let expect = options.iccid.clone();
        let mut session = connect(&Simulator::new(options));
        let iccid = bring_up::synchronise(&mut session).await.unwrap().iccid().await.unwrap();
        assert_eq!(iccid, Some(expect), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_users_profile_overrides_the_modems_identification() {
    let sim = simulator();
    let overrides = Overrides::default()
        .with_profile(profile::named("huawei"))
        .with_init(vec!["AT+CSCS=\"UCS2\"".into()]);
    let mut session = connect_with(&sim, SessionOptions::default().with_overrides(overrides));
    assert_eq!(bring_up::synchronise(&mut session).await.unwrap().identity().profile, "huawei");
    let typed = sim.commands();
    let place = |head: &str| typed.iter().position(|line| line.starts_with(head)).unwrap();
    assert!(place("AT^CURC=0") < place("AT+CSCS=\"UCS2\""), "{typed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_listed_twice_is_one() {
    let sim = simulator_of(VendorProfile::m590());
    let (mut session, ready) = connected(&sim).await;
    sim.deliver("+491234567", "once").unwrap();
    wait_for_delivery().await;
    assert_eq!(pdus(&swept(&mut session, &ready).await), stored(&sim));
}

#[tokio::test(start_paused = true)]
async fn all_storages_are_swept_whichever_is_named() {
    let sim = simulator_of(VendorProfile::ec25());
    let (mut session, ready) = connected(&sim).await;
    let pdu = &sim.parts("+491234567", "lost one", &Default::default()).unwrap()[0];
    for storage in [Storage::Me, Storage::Sm] {
        sim.put(storage, Status::Unread, pdu).unwrap();
    }
    let swept = swept(&mut session, &ready).await;
    assert_eq!(pdus(&swept), stored(&sim));
    for message in swept {
        sms::delete(&mut session, message.storage, message.slot).await.unwrap();
    }
    assert!(sim.stored().is_empty());
}

#[tokio::test(start_paused = true)]
async fn slot_zero_is_a_slot() {
    let sim = simulator_of(VendorProfile::huawei());
    let (mut session, ready) = connected(&sim).await;
    sim.deliver("+491234567", "in slot 0").unwrap();
    let slot = loop {
        if let Urc::MessageStored { slot, .. } = session.next_event().await.unwrap() {
            break slot;
        }
    };
    assert_eq!(slot, 0);
    let swept = swept(&mut session, &ready).await;
    assert_eq!((swept.len(), swept[0].slot), (1, 0));
    sms::delete(&mut session, swept[0].storage, 0).await.unwrap();
    assert!(sim.stored().is_empty());
}

#[tokio::test(start_paused = true)]
async fn busy_is_waited_for_and_is_no_fault() {
    let sim = simulator();
    for command in ["AT+CMGF", "AT+CPMS=\"", "AT+CPIN?"] {
        sim.fault(Fault::on(command, FaultKind::Cme(515)));
    }
    connected(&sim).await;
    assert!(count(&sim, "AT+CMGF") > 1);
}

#[tokio::test(start_paused = true)]
async fn ok_between_prompt_and_result_is_not_the_end() {
    let sim = simulator_of(VendorProfile::mc7455());
    let (mut session, _) = connected(&sim).await;
    let reference = sms::send(&mut session, &hi()).await.unwrap().unwrap();
    assert_eq!(sim.sent()[0].mr, reference);
}

#[tokio::test(start_paused = true)]
async fn lte_signal_details_are_reported() {
    for profile in [VendorProfile::e3372(), VendorProfile::sim7600(), VendorProfile::ec25()] {
        let name = profile.name;
        let sim = simulator_of(profile);
        let (mut session, _) = connected(&sim).await;
        let lte = status::network(&mut session).await.unwrap().lte.unwrap_or_else(|| panic!("{name}"));
        assert_eq!(lte.rsrp_dbm, Some(-89), "{name}");
        assert!(lte.rsrq_db.is_some() && lte.sinr_db.is_some(), "{name}: {lte:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsolicited_signal_is_used() {
    let sim = simulator_of(VendorProfile::e3372());
    let (mut session, _) = connected(&sim).await;
    sim.send_urc("^HCSQ:\"LTE\",60,52,121,20");
    match session.next_event().await.unwrap() {
        Urc::Signal(signal) => assert_eq!(signal.dbm, Some(-61)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn denied_registration_has_its_cause_and_roaming_is_reported() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    sim.set_registration(5);
    let network = status::network(&mut session).await.unwrap();
    assert_eq!(network.registration, Registration::Roaming);
    sim.set_registration(3);
    sim.send_urc("+CREG: 3,,,,0,11");
    let report = loop {
        match session.next_event().await.unwrap() {
            Urc::Registration(report) if report.cause.is_some() => break report,
            _ => {}
        }
    };
    assert_eq!((report.state, report.cause), (Registration::Denied, Some(11)));
}

#[tokio::test(start_paused = true)]
async fn a_family_that_is_known_is_kept_when_the_modem_does_not_say_who_it_is() {
    let not_said =
        [FaultKind::Error, FaultKind::Cme(100), FaultKind::Cme(14), FaultKind::NoLines, FaultKind::Behind];
    for kind in not_said {
        let sim = simulator_of(VendorProfile::huawei());
        let (session, _) = connected(&sim).await;
        let learned = session.into_parts().learned;
        sim.fault(Fault::on("AT+CGM", kind.clone()).every());
        let mut session = connect_with(&sim, SessionOptions::default().with_learned(learned));
        let _ = ready(&mut session).await;
        assert_eq!(session.profile().name, "huawei", "{kind:?}");
        let options = SessionOptions::default().with_learned(session.into_parts().learned);
        assert_eq!(options.reset_command(), None, "{kind:?}: it would become a CD-ROM drive");
    }
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_never_said_who_it_is_has_no_reset() {
    let sim = simulator_of(VendorProfile::huawei());
    sim.fault(Fault::on("AT+CGMI", FaultKind::Error).every());
    let (session, _) = connected(&sim).await;
    let options = SessionOptions::default().with_learned(session.into_parts().learned);
    assert_eq!(options.reset_command(), None);
}
