//! A modem that restarted unnoticed is in text mode, where the length of a PDU is a recipient and its digits are a text.

use std::time::Duration;

use smsbridge_modem::upkeep::{self, Checked};
use smsbridge_modem::{LinkFault, ModemError, sms};
use smsbridge_simulator::{Fault, FaultKind, Moment, Options, Simulator, VendorProfile};

use crate::bench::*;

fn forgetful() -> Simulator {
    let profile = VendorProfile { text_mode: true, ..VendorProfile::generic() };
    Simulator::new(Options { profile, ..Options::default() })
}

/// Faults that restart the modem at each instant of a submission.
fn instants() -> Vec<(String, Fault)> {
    let mut instants = Vec::new();
    for words in [&[] as &[&str], &["RDY"], &["SMS Ready"], &["+CPIN: READY", "Call Ready"]] {
        for moment in [Moment::Before, Moment::Received, Moment::Acted, Moment::Answered] {
            for command in ["AT+CMGF=0", "AT+CMGS"] {
                let fault = Fault { moment, ..Fault::on(command, FaultKind::Restart(words)) };
                instants.push((format!("{command} {moment:?}, {words:?}"), fault));
            }
            let fault = Fault { moment, ..Fault::on_payload(FaultKind::Restart(words)) };
            instants.push((format!("Ctrl-Z {moment:?}, {words:?}"), fault));
        }
        for octet in 1..=HI.len() {
            instants.push((
                format!("octet {octet}, {words:?}"),
                Fault::while_typing(octet, FaultKind::Restart(words)),
            ));
        }
    }
    instants
}

#[tokio::test(start_paused = true)]
async fn a_restart_at_any_instant_of_a_submission_sends_nothing_as_text() {
    for (name, fault) in instants() {
        let sim = forgetful();
        let (mut session, _) = connected(&sim).await;
        sim.fault(fault);
        let first = sms::send(&mut session, &hi()).await;
        wait_for_delivery().await;
        // Whatever became of it, the next one is sent as it should be, in this session or a new one.
        if session.fault().is_some() || sms::send(&mut session, &hi()).await.is_err() {
            drop(session);
            let (mut session, _) = connected(&sim).await;
            sms::send(&mut session, &hi()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert!(sim.sent_as_text().is_empty(), "{name}: {:?}, after {first:?}", sim.sent_as_text());
        assert!(sim.sent().iter().all(|sent| sent.text.as_deref() == Some("Hi")), "{name}");
        assert!(!sim.sent().is_empty(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_between_two_submissions_sends_nothing_as_text() {
    for words in [&[] as &[&str], &["RDY"], &["SMS Ready"], &["+CPIN: READY"]] {
        let sim = forgetful();
        let (mut session, _) = connected(&sim).await;
        sms::send(&mut session, &hi()).await.unwrap();
        sim.restart(words);
        if sms::send(&mut session, &hi()).await.is_err() {
            drop(session);
            let (mut session, _) = connected(&sim).await;
            sms::send(&mut session, &hi()).await.unwrap();
        }
        assert_eq!(
            (sim.sent().len(), sim.sent_as_text().len()),
            (2, 0),
            "{words:?}\n{}",
            sim.journal().join("\n")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn any_word_that_follows_a_start_begins_anew() {
    for words in [
        "RDY",
        "SMS Ready",
        "Call Ready",
        "SMS DONE",
        "PB DONE",
        "+PBREADY",
        "+CPIN: READY",
        "+CPIN: SIM PIN",
        "^SYSSTART",
    ] {
        let sim = forgetful();
        let (mut session, _) = connected(&sim).await;
        sim.send_urc(words);
        let error = loop {
            match session.next_event().await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(matches!(error, ModemError::Link(LinkFault::Restarted { .. })), "{words}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn words_that_follow_a_start_end_the_wait_for_the_answer_to_a_submission() {
    let restart = FaultKind::Restart(&["SMS Ready"]);
    for fault in [
        Fault::on("AT+CMGS", restart.clone()).answered(),
        Fault::while_typing(10, restart.clone()),
        Fault::on_payload(restart.clone()),
        Fault::on_payload(restart.clone()).acted(),
    ] {
        let sim = forgetful();
        let (mut session, _) = connected(&sim).await;
        sim.fault(fault.clone());
        let began_at = tokio::time::Instant::now();
        let error = sms::send(&mut session, &hi()).await.unwrap_err();
        assert!(error.to_string().contains("restarted"), "{fault:?}: {error}");
        assert!(
            began_at.elapsed() < std::time::Duration::from_secs(30),
            "{fault:?}: {:?}",
            began_at.elapsed()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn words_that_its_own_bring_up_leads_to_do_not_end_the_session() {
    let sim = Simulator::new(Options { pin: Some("1234".into()), ..Options::default() });
    let mut session = connect(&sim);
    let mut modem = smsbridge_modem::bring_up::synchronise(&mut session).await.unwrap();
    modem.sim().await.unwrap();
    modem.enter_pin("1234").await.unwrap();
    modem.configure(None).await.unwrap();
    for words in ["+CPIN: READY", "SMS Ready", "Call Ready"] {
        sim.send_urc(words);
    }
    sms::send(&mut session, &hi()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_without_a_word_is_noticed_at_the_next_check() {
    let sim = forgetful();
    let (mut session, mut ready) = connected(&sim).await;
    sim.restart(&[]);
    assert_eq!(upkeep::check(&mut session, &mut ready).await.unwrap(), Checked::SetAgain);
    sim.deliver("+491234567", "hello").unwrap();
    let told = async {
        while !matches!(session.next_event().await.unwrap(), smsbridge_modem::Urc::MessageStored { .. }) {}
    };
    tokio::time::timeout(Duration::from_secs(10), told).await.expect("messages are announced again");
    assert_eq!(swept(&mut session, &ready).await.len(), 1);
}
