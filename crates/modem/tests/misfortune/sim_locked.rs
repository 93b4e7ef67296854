//! A SIM that wants its PUK, and none at all.

use smsbridge_modem::SimStatus;
use smsbridge_modem::bring_up;
use smsbridge_simulator::{Options, Simulator};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn the_puk_is_reported_and_never_entered() {
    let sim = Simulator::new(Options { pin: Some("1234".into()), ..Options::default() });
    let mut session = connect(&sim);
    let mut modem = bring_up::synchronise(&mut session).await.unwrap();
    for _ in 0..3 {
        modem.enter_pin("0000").await.unwrap();
    }
    assert_eq!(modem.sim().await.unwrap(), SimStatus::PukRequired);
    let error = modem.configure(None).await.unwrap_err();
    assert!(error.to_string().contains("PUK"), "{error}");
    assert!(session.fault().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_missing_sim_is_reported() {
    let sim = simulator();
    sim.set_sim_present(false);
    let mut session = connect(&sim);
    let mut modem = bring_up::synchronise(&mut session).await.unwrap();
    assert_eq!(modem.sim().await.unwrap(), SimStatus::Missing);
}

#[tokio::test(start_paused = true)]
async fn a_sim_that_is_busy_at_first_is_waited_for() {
    use smsbridge_simulator::{Fault, FaultKind};
    let sim = simulator();
    let mut session = connect(&sim);
    let mut modem = bring_up::synchronise(&mut session).await.unwrap();
    for _ in 0..5 {
        sim.fault(Fault::on("AT+CPIN?", FaultKind::Cme(14)));
    }
    assert_eq!(modem.sim().await.unwrap(), SimStatus::Ready);
    for _ in 0..3 {
        sim.fault(Fault::on("AT+CMGF", FaultKind::Cms(314)));
        sim.fault(Fault::on("AT+CPMS=\"", FaultKind::Cms(314)));
    }
    modem.configure(None).await.unwrap();
}
