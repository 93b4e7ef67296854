//! A read of 0 octets is a port that is gone, at once and in every call.

use smsbridge_modem::{LinkFault, ModemError, SendError, sms};
use smsbridge_simulator::{Fault, FaultKind};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn idle_and_in_a_command() {
    let gone = ModemError::Link(LinkFault::Gone);
    let sim = simulator();
    let (mut session, ready) = connected(&sim).await;
    sim.unplug();
    assert_eq!(session.next_event().await, Err(gone.clone()));
    assert_eq!(session.next_event().await, Err(gone.clone()));
    assert!(sms::sweep(&mut session, &ready).await.fault.is_some_and(|error| error.is_fatal()));
    sim.plug();
    wait_for_delivery().await;
    connected(&sim).await;
}

#[tokio::test(start_paused = true)]
async fn after_ctrl_z_it_is_unknown() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    sim.fault(Fault::on_payload(FaultKind::Vanish(std::time::Duration::from_secs(3))).acted());
    let error = sms::send(&mut session, &hi()).await.unwrap_err();
    assert_eq!(error, SendError::Unknown(ModemError::Link(LinkFault::Gone)));
    assert_eq!(sim.sent().len(), 1);
}
