//! The steps of the ladder, each against a modem that needs it, and a modem no step may be taken with.

use std::time::Duration;

use smsbridge_modem::profile::Overrides;
use smsbridge_modem::recovery::{self, Taken};
use smsbridge_modem::{SessionOptions, dialogue, status};
use smsbridge_simulator::{Fault, FaultKind, VendorProfile};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn the_radio_goes_off_and_on_and_the_modem_stays_up() {
    let sim = simulator();
    let (mut session, ready) = connected(&sim).await;
    assert_eq!(recovery::restart_radio(&mut session).await.unwrap(), Taken::Yes);
    assert_eq!((count(&sim, "AT+CFUN=4"), count(&sim, "AT+CFUN=1")), (1, 1));
    wait_for_delivery().await;
    assert!(status::network(&mut session).await.unwrap().registration.is_registered());
    status::storage_use(&mut session, &ready).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_reset_command_is_the_familys_and_the_next_session_comes_up() {
    for (profile, command) in [
        (VendorProfile::sim800(), "AT+CFUN=1,1"),
        (VendorProfile::sim7600(), "AT+CRESET"),
        (VendorProfile::mc7455(), "AT!RESET"),
    ] {
        let name = profile.name;
        let sim = simulator_of(profile);
        let (session, _) = connected(&sim).await;
        let learned = session.into_parts().learned;
        let mut session = connect_with(&sim, SessionOptions::default().with_learned(learned));
        assert_eq!(recovery::reset(&mut session).await.unwrap(), Taken::Yes, "{name}");
        assert_eq!(count(&sim, command), 1, "{name}: {:?}", sim.commands());
        drop(session);
        wait_for_delivery().await;
        connected(&sim).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stick_that_would_become_a_cd_rom_is_never_reset() {
    for profile in [VendorProfile::huawei(), VendorProfile::e3372(), VendorProfile::zte()] {
        let name = profile.name;
        let sim = simulator_of(profile);
        let (session, _) = connected(&sim).await;
        let learned = session.into_parts().learned;
        sim.hang();
        // Neither by the session that knows it, nor by one that does not.
        for options in [SessionOptions::default().with_learned(learned), SessionOptions::default()] {
            let mut session = connect_with(&sim, options);
            assert_eq!(recovery::reset(&mut session).await.unwrap(), Taken::No, "{name}");
        }
        assert_eq!(count(&sim, "AT+CFUN=1,1"), 0, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_never_said_who_it_is_is_not_reset() {
    let sim = simulator_of(VendorProfile::sim800());
    let mut session = connect(&sim);
    assert_eq!(recovery::reset(&mut session).await.unwrap(), Taken::No);
    assert_eq!(count(&sim, "AT+CFUN"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_users_reset_overrides_the_familys() {
    for (own, typed) in [("AT+CRESET", 1), ("", 0)] {
        let sim = simulator();
        let overrides = Overrides::default().with_reset(own.to_string());
        let mut session = connect_with(&sim, SessionOptions::default().with_overrides(overrides));
        assert_eq!(recovery::reset(&mut session).await.unwrap() == Taken::Yes, typed == 1);
        assert_eq!((count(&sim, "AT+CRESET"), count(&sim, "AT+CFUN")), (typed, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_hangs_is_still_sent_the_reset_command() {
    let sim = simulator_of(VendorProfile::sim800());
    let (session, _) = connected(&sim).await;
    let learned = session.into_parts().learned;
    sim.fault(Fault::on("AT", FaultKind::Swallow).every());
    let mut session = connect_with(&sim, SessionOptions::default().with_learned(learned));
    let _ = recovery::reset(&mut session).await;
    assert_eq!(count(&sim, "AT+CFUN=1,1"), 1, "{:?}", sim.commands());
}

#[tokio::test(start_paused = true)]
async fn a_silent_modem_is_asked_twice_and_then_the_session_ends() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(session.silent_for() >= Duration::from_secs(30));
    dialogue::probe(&mut session).await.unwrap();
    assert!(session.silent_for() < Duration::from_secs(1));

    // The first AT after a long sleep vanishes.
    sim.fault(Fault::on("AT", FaultKind::Swallow));
    dialogue::probe(&mut session).await.unwrap();
    sms_goes_out(&mut session).await;

    // Its answer comes late: it is not taken for the next command's.
    sim.fault(Fault::on("AT", FaultKind::Late(Duration::from_millis(3050))));
    dialogue::probe(&mut session).await.unwrap();
    sms_goes_out(&mut session).await;

    sim.hang();
    let began = tokio::time::Instant::now();
    let error = dialogue::probe(&mut session).await.unwrap_err();
    assert!(error.is_fatal() && began.elapsed() < Duration::from_secs(15), "{error}");
}

async fn sms_goes_out(session: &mut TestSession) {
    smsbridge_modem::sms::send(session, &hi()).await.expect("a message that goes out");
}
