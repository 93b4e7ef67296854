//! The modem restarts while a message is handed over: before Ctrl-Z nothing is lost, after it the
//! outcome is unknown.

use smsbridge_modem::{LinkFault, ModemError, SendError, sms};
use smsbridge_simulator::{Fault, FaultKind};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn before_the_prompt_it_is_not_submitted() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    sim.fault(Fault::on("AT+CMGS", FaultKind::Reset));
    let error = sms::send(&mut session, &hi()).await.unwrap_err();
    assert!(matches!(error, SendError::NotSubmitted(_)), "{error}");
    assert_eq!(sim.sent(), []);
    assert!(session.fault().is_some());
}

#[tokio::test(start_paused = true)]
async fn after_ctrl_z_it_is_unknown_whether_it_is_on_air_or_not() {
    for on_air in [false, true] {
        let sim = simulator();
        let (mut session, _) = connected(&sim).await;
        let fault = Fault::on_payload(FaultKind::Reset);
        sim.fault(if on_air { fault.acted() } else { fault });
        let error = sms::send(&mut session, &hi()).await.unwrap_err();
        assert!(
            matches!(error, SendError::Unknown(ModemError::Link(_) | ModemError::Timeout { .. })),
            "{error}"
        );
        assert_eq!(sim.sent().len(), usize::from(on_air));
        // The session is spent, and says so again without touching the modem.
        let before = sim.commands().len();
        let again = sms::send(&mut session, &hi()).await.unwrap_err();
        assert!(matches!(again, SendError::NotSubmitted(_)), "{again}");
        assert_eq!(sim.commands().len(), before);
        // A new one begins over the same line.
        drop(session);
        let (mut session, _) = connected(&sim).await;
        sms::send(&mut session, &hi()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_restarts_right_after_its_prompt_is_not_given_the_message() {
    let sim = smsbridge_simulator::Simulator::new(smsbridge_simulator::Options {
        profile: smsbridge_simulator::VendorProfile::sim800(),
        ..Default::default()
    });
    let (mut session, _) = connected(&sim).await;
    sim.fault(Fault::on("AT+CMGS", FaultKind::Reset).answered());
    match sms::send(&mut session, &hi()).await {
        Err(SendError::NotSubmitted(ModemError::Link(LinkFault::Restarted { banner }))) => {
            assert_eq!(banner, "RDY");
        }
        other => panic!("{other:?}\n{}", sim.journal().join("\n")),
    }
    assert_eq!(sim.sent(), []);
}

#[tokio::test(start_paused = true)]
async fn an_answer_swallowed_after_ctrl_z_is_unknown_and_never_repeated() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    sim.fault(Fault::on_payload(FaultKind::Swallow));
    let error = sms::send(&mut session, &hi()).await.unwrap_err();
    assert!(matches!(error, SendError::Unknown(ModemError::Timeout { .. })), "{error}");
    assert_eq!(sim.sent().len(), 1);
}
