//! A wrong PIN costs one try, never two.

use smsbridge_modem::SimStatus;
use smsbridge_modem::bring_up::{self, PinOutcome};
use smsbridge_simulator::{Options, Simulator, VendorProfile};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn a_wrong_pin_is_tried_once_and_the_right_one_opens() {
    for profile in VendorProfile::all() {
        let name = profile.name;
        let sim = Simulator::new(Options { profile, pin: Some("1234".into()), ..Options::default() });
        let mut session = connect(&sim);
        let mut modem = bring_up::synchronise(&mut session).await.unwrap();
        let status = modem.sim().await.unwrap();
        assert!(matches!(status, SimStatus::PinRequired { .. }), "{name}: {status:?}");
        let outcome = modem.enter_pin("9999").await.unwrap();
        assert_eq!((sim.pin_tries_left(), count(&sim, "AT+CPIN=")), (2, 1), "{name}");
        assert_eq!(outcome, PinOutcome::Wrong { tries_left: Some(2) }, "{name}");
        assert_eq!(modem.enter_pin("1234").await.unwrap(), PinOutcome::Accepted, "{name}");
        modem.configure(None).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_a_pin_is_not_tried() {
    let sim = Simulator::new(Options { pin: Some("1234".into()), ..Options::default() });
    let mut session = connect(&sim);
    let mut modem = bring_up::synchronise(&mut session).await.unwrap();
    for pin in ["", "123", "123456789", "12a4", "1234\""] {
        let error = modem.enter_pin(pin).await.unwrap_err();
        assert!(!error.is_fatal() && !error.to_string().contains("12a4"), "{error}");
    }
    assert_eq!((sim.pin_tries_left(), count(&sim, "AT+CPIN=")), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_pin_is_not_in_the_error() {
    use smsbridge_simulator::{Fault, FaultKind};
    let sim = Simulator::new(Options { pin: Some("1234".into()), ..Options::default() });
    let mut session = connect(&sim);
    let mut modem = bring_up::synchronise(&mut session).await.unwrap();
    sim.fault(Fault::on("AT+CPIN=", FaultKind::Hang));
    let error = modem.enter_pin("1234").await.unwrap_err();
    assert!(error.is_fatal());
    assert!(!error.to_string().contains("1234") && !format!("{error:?}").contains("1234"), "{error:?}");
    assert_eq!(count(&sim, "AT+CPIN="), 1);
}
