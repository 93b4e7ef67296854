//! What was refused and needs no second try: it must not be waited for, or the modem would be looked at without a pause.

use std::time::Duration;

use smsbridge_modem::sms::{self, Deleted};
use smsbridge_modem::{Command, Session};
use smsbridge_simulator::{Fault, FaultKind};
use tokio::time::{Instant, sleep};

use crate::bench::*;

/// Past the longest first pause.
const LATER: Duration = Duration::from_secs(400);

/// Whether something is due to be tried again that nobody will try.
fn is_overdue<P>(session: &Session<P>) -> bool {
    session.refused_until().is_some_and(|at| at <= Instant::now())
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_could_not_be_deleted_and_is_empty_now_is_forgotten() {
    for refusal in [FaultKind::Cms(500), FaultKind::Cms(303), FaultKind::Error, FaultKind::Cms(302)] {
        let sim = simulator();
        let (mut session, ready) = connected(&sim).await;
        sim.deliver("+491234567", "one").unwrap();
        let message = swept(&mut session, &ready).await.remove(0);
        sim.fault(Fault::on("AT+CMGD", refusal));
        assert_eq!(sms::delete(&mut session, message.storage, message.slot).await, Ok(Deleted::NotNow));
        assert_eq!(session.refused().len(), 1);
        // Somebody else has deleted it.
        session.command(Command::new(format!("AT+CMGD={}", message.slot))).await.unwrap();
        sleep(LATER).await;
        assert_eq!(swept(&mut session, &ready).await, []);
        assert_eq!((session.refused(), session.refused_until()), (vec![], None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_could_not_be_read_is_forgotten_once_all_are_listed() {
    let sim = simulator();
    let (mut session, ready) = connected(&sim).await;
    sim.deliver("+491234567", "one").unwrap();
    sim.fault(Fault::on("AT+CMGL", FaultKind::Cms(500)));
    sim.fault(Fault::on("AT+CMGR=1", FaultKind::Cms(500)));
    swept(&mut session, &ready).await;
    assert!(!session.refused().is_empty());
    sleep(LATER).await;
    assert_eq!(swept(&mut session, &ready).await.len(), 1);
    assert_eq!((session.refused(), session.refused_until()), (vec![], None));
}

#[tokio::test(start_paused = true)]
async fn what_only_the_check_tries_again_is_not_waited_for_by_sweeps() {
    for command in ["AT+CNMI=", "AT+CSCA"] {
        let sim = simulator();
        sim.fault(Fault::on(command, FaultKind::Cms(500)).every());
        let (mut session, ready) = connected(&sim).await;
        assert!(session.refused_until().is_some(), "{command}");
        sleep(LATER).await;
        swept(&mut session, &ready).await;
        assert!(!is_overdue(&session), "{command}: {:?}", session.refused());
    }
}

/// A sweep as a gateway makes it that has written the message down and was told that it is deleted.
async fn sweep_again(session: &mut TestSession, ready: &smsbridge_modem::Ready) {
    for message in swept(session, ready).await {
        sms::deletion_had_no_effect(session, message.storage, message.slot);
        sms::delete(session, message.storage, message.slot).await.expect("a deletion");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_without_effect_is_tried_again_after_pauses_that_grow() {
    let sim = simulator();
    let (mut session, ready) = connected(&sim).await;
    sim.deliver("+491234567", "one").unwrap();
    sim.fault(Fault::on("AT+CMGD=1", FaultKind::Pretend).lasting(Duration::from_secs(3600)));
    let message = swept(&mut session, &ready).await.remove(0);
    assert_eq!(sms::delete(&mut session, message.storage, message.slot).await, Ok(Deleted::Yes));
    for _ in 0..3600 / 5 {
        sleep(Duration::from_secs(5)).await;
        sweep_again(&mut session, &ready).await;
    }
    let tries = count(&sim, "AT+CMGD=1");
    assert!((6..20).contains(&tries), "{tries} tries in an hour");
    assert_eq!(session.refused().len(), 1);
    sleep(Duration::from_secs(600)).await;
    sweep_again(&mut session, &ready).await;
    assert_eq!(swept(&mut session, &ready).await, []);
    assert_eq!(session.refused(), []);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_had_no_effect_before_the_session_is_tried_in_it() {
    let sim = simulator();
    let (mut session, ready) = connected(&sim).await;
    sim.deliver("+491234567", "one").unwrap();
    for _ in 0..3 {
        sweep_again(&mut session, &ready).await;
        sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(swept(&mut session, &ready).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_message_in_a_slot_whose_deletion_was_a_pretence_before_does_not_wait() {
    let sim = simulator();
    let (mut session, ready) = connected(&sim).await;
    sim.fault(Fault::on("AT+CMGD=1", FaultKind::Pretend));
    for n in 0..9 {
        sim.deliver("+491234567", &format!("number {n}")).unwrap();
        sleep(Duration::from_secs(2)).await;
        // As a gateway that finds another message in the slot each time.
        for message in swept(&mut session, &ready).await {
            sms::deletion_had_effect(&mut session, message.storage, message.slot);
            let deleted = sms::delete(&mut session, message.storage, message.slot).await.unwrap();
            if n == 0 {
                sms::deletion_had_no_effect(&mut session, message.storage, message.slot);
            } else {
                assert_eq!(deleted, Deleted::Yes, "number {n}");
            }
        }
    }
    assert_eq!(swept(&mut session, &ready).await, []);
}
