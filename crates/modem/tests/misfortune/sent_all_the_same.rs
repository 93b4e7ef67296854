//! The modem says in an odd way that a message was sent, or does not say whether it was.

use std::time::Duration;

use smsbridge_modem::{Class, ModemError, SendError, sms};
use smsbridge_simulator::{Fault, FaultKind};
use tokio::time::Instant;

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn ok_without_a_reference_is_sent_once_and_has_no_reference() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    sim.fault(Fault::on_payload(FaultKind::NoLines).every());
    for n in 1..=3 {
        assert_eq!(sms::send(&mut session, &hi()).await, Ok(None));
        assert_eq!(sim.sent().len(), n);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reference_without_ok_is_sent_once_and_the_next_one_does_not_wait() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    sim.fault(Fault::on_payload(FaultKind::NoResult).every());
    for n in 1..=3 {
        let began_at = Instant::now();
        let reference = sms::send(&mut session, &hi()).await.unwrap();
        assert_eq!(reference, Some(sim.sent()[n - 1].mr));
        assert_eq!(sim.sent().len(), n);
        assert!(n == 1 || began_at.elapsed() < Duration::from_secs(5), "{:?}", began_at.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_three_minutes_is_waited_for() {
    for seconds in [61, 90, 150, 175] {
        let sim = simulator();
        let (mut session, _) = connected(&sim).await;
        sim.fault(Fault::on_payload(FaultKind::Late(Duration::from_secs(seconds))));
        assert!(sms::send(&mut session, &hi()).await.unwrap().is_some(), "{seconds} s");
        assert_eq!(sim.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn after_ctrl_z_a_refusal_that_says_nothing_leaves_it_unknown() {
    let kinds = [
        FaultKind::Cms(332),
        FaultKind::Cms(500),
        FaultKind::Cms(512),
        FaultKind::Cme(100),
        FaultKind::Error,
    ];
    for kind in kinds {
        for on_air in [false, true] {
            let sim = simulator();
            let (mut session, _) = connected(&sim).await;
            let fault = Fault::on_payload(kind.clone());
            sim.fault(if on_air { fault.acted() } else { fault });
            let error = sms::send(&mut session, &hi()).await.unwrap_err();
            assert!(
                matches!(&error, SendError::Unknown(ModemError::Refused { error, .. }) if error.class() == Class::Unknown),
                "{kind:?}: {error}"
            );
            assert_eq!(sim.sent().len(), usize::from(on_air));
            assert!(session.fault().is_none(), "{kind:?}: the answer came in step");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn before_ctrl_z_the_same_refusal_is_one() {
    for kind in [FaultKind::Cms(332), FaultKind::Cms(500), FaultKind::Error] {
        let sim = simulator();
        let (mut session, _) = connected(&sim).await;
        sim.fault(Fault::on("AT+CMGS", kind.clone()).every());
        let error = sms::send(&mut session, &hi()).await.unwrap_err();
        assert!(matches!(error, SendError::Refused(_)), "{kind:?}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_takes_long_is_waited_for() {
    for seconds in [12, 25] {
        let sim = simulator();
        let (mut session, _) = connected(&sim).await;
        sim.fault(Fault::on("AT+CMGS", FaultKind::Late(Duration::from_secs(seconds))).every());
        sms::send(&mut session, &hi()).await.unwrap_or_else(|error| panic!("{seconds} s: {error}"));
        assert_eq!(sim.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_loses_what_comes_right_after_the_prompt_gets_the_whole_message() {
    let profile = smsbridge_simulator::VendorProfile {
        deaf_after_prompt: Duration::from_millis(90),
        ..smsbridge_simulator::VendorProfile::generic()
    };
    let sim = simulator_of(profile);
    let (mut session, _) = connected(&sim).await;
    let sent = sms::send(&mut session, &hi()).await;
    assert!(sent.is_ok(), "{sent:?}\n{}", sim.journal().join("\n"));
    assert_eq!(sim.sent()[0].text.as_deref(), Some("Hi"));
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_takes_one_command_a_line_sends_too() {
    for kind in [FaultKind::Error, FaultKind::Cme(3), FaultKind::Cms(304), FaultKind::Pretend] {
        let sim = simulator();
        let (mut session, _) = connected(&sim).await;
        sim.fault(Fault::on("AT+CMGF=0;", kind.clone()).every());
        for n in 1..=2 {
            sms::send(&mut session, &hi()).await.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
            assert_eq!(sim.sent().len(), n, "{kind:?}");
        }
        assert_eq!(count(&sim, "AT+CMGF=0;+CMGS="), 1, "{kind:?}: it is known after the first time");
    }
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_says_ok_twice_for_each_message_leaves_no_doubt_what_became_of_them() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    sim.fault(Fault::on_payload(FaultKind::Results(2)).every());
    for n in 1..=6 {
        assert!(matches!(sms::send(&mut session, &hi()).await, Ok(Some(_))), "number {n}");
        assert_eq!(sim.sent().len(), n);
    }
    sim.clear_faults();
    for refusal in ["+CMS ERROR: 332", "+CMS ERROR: 500", "ERROR"] {
        sim.fault(Fault::on_payload(FaultKind::Results(2)));
        sms::send(&mut session, &hi()).await.unwrap();
        // On air, refused with a code that does not say so, and one more OK.
        sim.fault(Fault::on_payload(FaultKind::Instead(refusal.into())).acted());
        let on_air = sim.sent().len();
        let error = sms::send(&mut session, &hi()).await.unwrap_err();
        assert!(matches!(error, SendError::Unknown(_)), "{refusal}: {error}");
        assert_eq!(sim.sent().len(), on_air + 1, "{refusal}: it was sent again");
    }
}
