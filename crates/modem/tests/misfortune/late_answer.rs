//! An answer that comes after its time must not be taken for the next command's.

use std::time::Duration;

use smsbridge_modem::{Command, ModemError};
use smsbridge_simulator::{Fault, FaultKind};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn the_session_is_over_and_the_next_one_is_in_step() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    sim.fault(Fault::on("AT+CSQ", FaultKind::Late(Duration::from_secs(8))));
    let error = session.command(Command::new("AT+CSQ").answer_prefix("+CSQ:")).await.unwrap_err();
    assert!(matches!(&error, ModemError::Timeout { command, .. } if command == "AT+CSQ"), "{error}");
    let before = sim.commands().len();
    assert_eq!(session.command(Command::new("AT+CGMM")).await, Err(error.clone()));
    assert_eq!(session.next_event().await, Err(error));
    assert_eq!(sim.commands().len(), before);
    let mut session = connect(&sim);
    let modem = smsbridge_modem::bring_up::synchronise(&mut session).await.unwrap();
    assert_eq!(modem.identity().imei, Some(smsbridge_simulator::Options::default().imei));
}
