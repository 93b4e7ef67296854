//! A modem that takes long to start: it is waited for, and told apart from one that is dead.

use std::time::Duration;

use smsbridge_modem::recovery::{Ladder, Step};
use smsbridge_modem::{ModemError, Ready, SessionOptions, SimStatus};
use smsbridge_simulator::{Fault, FaultKind, Options, Simulator, VendorProfile};
use tokio::time::Instant;

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn until_its_messages_work_it_says_that_it_is_starting() {
    for profile in [VendorProfile::sim900(), VendorProfile::ec25(), VendorProfile::generic()] {
        let name = profile.name;
        let sms_time = Duration::from_secs(45);
        let sim = Simulator::new(Options { profile, sms_time, ..Options::default() });
        let began_at = Instant::now();
        let mut options = SessionOptions::default();
        loop {
            let mut session = connect_with(&sim, options.clone());
            match ready(&mut session).await {
                Ok(_) => break,
                Err(ModemError::Starting { .. }) => {}
                Err(other) => panic!("{name}: {other}"),
            }
            options.learned = session.into_parts().learned;
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        let took = began_at.elapsed();
        assert!(took < sms_time + Duration::from_secs(20), "{name}: {took:?}");
        assert_eq!((count(&sim, "AT+CFUN="), sim.resets()), (0, 0), "{name}: it was harmed");
    }
}

async fn bring_up(session: &mut TestSession) -> Result<Ready, ModemError> {
    let mut modem = smsbridge_modem::bring_up::synchronise(session).await?;
    match modem.sim().await? {
        SimStatus::Ready => modem.configure(None).await,
        status => Err(ModemError::Sim(status)),
    }
}

#[tokio::test(start_paused = true)]
async fn any_command_it_needs_may_be_refused_while_it_starts() {
    let refusals = [
        FaultKind::Cms(302),
        FaultKind::Cms(500),
        FaultKind::Cms(314),
        FaultKind::Cme(14),
        FaultKind::Cme(515),
    ];
    for command in ["AT+CMGF=0", "AT+CPMS=", "AT+CPIN?"] {
        for kind in refusals.clone() {
            let sim = simulator();
            sim.fault(Fault::on(command, kind.clone()).every().lasting(Duration::from_secs(60)));
            let ended = bring_up(&mut connect(&sim)).await;
            assert!(
                matches!(ended, Err(ModemError::Starting { .. } | ModemError::Sim(_))),
                "{command} {kind:?}: {ended:?}"
            );
            tokio::time::sleep(Duration::from_secs(60)).await;
            connected(&sim).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_silent_for_a_minute_while_it_boots_is_not_reset() {
    let sim = Simulator::new(Options {
        profile: VendorProfile::sim800(),
        boot_time: Duration::from_secs(60),
        ..Options::default()
    });
    let (session, _) = connected(&sim).await;
    let mut options = SessionOptions::default().with_learned(session.into_parts().learned);
    let mut ladder = Ladder::default();
    sim.reset();
    let resets = sim.resets();
    loop {
        let mut session = connect_with(&sim, options.clone());
        let Err(error) = ready(&mut session).await else { break };
        options.learned = session.into_parts().learned;
        let step = ladder.on_failure(&error, options.reset_command().is_some(), Instant::now());
        assert_ne!(step, Step::Reset, "after {} failures", ladder.failures());
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert_eq!(sim.resets(), resets);
}
