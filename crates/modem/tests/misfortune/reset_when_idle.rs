//! The modem restarts while nothing is asked of it.

use smsbridge_modem::{LinkFault, ModemError};
use smsbridge_simulator::{Options, Simulator, VendorProfile};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn the_boot_banner_ends_the_session_and_the_next_one_comes_up() {
    let sim = Simulator::new(Options { profile: VendorProfile::sim800(), ..Options::default() });
    let (mut session, _) = connected(&sim).await;
    sim.reset();
    let error = loop {
        match session.next_event().await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(error, ModemError::Link(LinkFault::Restarted { .. })), "{error}");
    drop(session);
    connected(&sim).await;
}
