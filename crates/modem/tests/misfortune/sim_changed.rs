//! A SIM that is taken out, changed, or found only when its power was off; and answers that mean that it is ready.

use smsbridge_modem::recovery::{self, Taken};
use smsbridge_modem::{ModemError, SimStatus, bring_up, upkeep};
use smsbridge_simulator::{Fault, FaultKind, Options, Sim, VendorProfile};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn another_sim_is_noticed_without_a_word_from_the_modem() {
    let sim = simulator();
    let (mut session, mut ready) = connected(&sim).await;
    sim.set_sim_present(false);
    let error = upkeep::check(&mut session, &mut ready).await.unwrap_err();
    assert_eq!(error, ModemError::Sim(SimStatus::Missing));
    sim.insert_sim(&Sim::of(&Options::numbered(7)));
    let error = upkeep::check(&mut session, &mut ready).await.unwrap_err();
    assert_eq!(error, ModemError::SimChanged);
    let (_, ready) = connected(&sim).await;
    assert_eq!(ready.iccid, Some(Options::numbered(7).iccid));
}

#[tokio::test(start_paused = true)]
async fn a_second_pin_that_is_wanted_keeps_no_message_back() {
    for words in ["+CPIN: SIM PIN2", "+CPIN: SIM PUK2"] {
        let sim = simulator();
        sim.fault(Fault::on("AT+CPIN?", FaultKind::Instead(words.into())).every());
        let mut session = connect(&sim);
        ready(&mut session).await.unwrap_or_else(|error| panic!("{words}: {error}"));
    }
    for code in [17, 18] {
        let sim = simulator();
        sim.fault(Fault::on("AT+CPIN?", FaultKind::Cme(code)).every());
        ready(&mut connect(&sim)).await.unwrap_or_else(|error| panic!("{code}: {error}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_sim_that_is_found_only_after_its_power_was_off_is_found() {
    let sim = simulator();
    sim.lose_sim();
    let mut session = connect(&sim);
    let mut modem = bring_up::synchronise(&mut session).await.unwrap();
    assert_eq!(modem.sim().await.unwrap(), SimStatus::Missing);
    assert_eq!(recovery::restart_sim(modem.session()).await.unwrap(), Taken::Yes);
    assert_eq!(modem.sim().await.unwrap(), SimStatus::Ready);
}

#[tokio::test(start_paused = true)]
async fn a_family_whose_line_goes_with_the_sims_power_is_left_alone() {
    let sim = simulator_of(VendorProfile::m590());
    let mut session = connect(&sim);
    let mut modem = bring_up::synchronise(&mut session).await.unwrap();
    assert_eq!(recovery::restart_sim(modem.session()).await.unwrap(), Taken::No);
    assert_eq!(count(&sim, "AT+CFUN=0"), 0);
}
