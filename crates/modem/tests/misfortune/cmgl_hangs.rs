//! A modem that never returns from a list: the next session reads slot by slot.

use smsbridge_modem::{SessionOptions, sms};
use smsbridge_simulator::{Fault, FaultKind};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn the_timeout_makes_the_next_session_read_by_slot() {
    let sim = simulator();
    let (mut session, ready_before) = connected(&sim).await;
    sim.deliver("+491234567", "still there").unwrap();
    wait_for_delivery().await;
    sim.fault(Fault::on("AT+CMGL", FaultKind::Hang).every());
    let error = sms::sweep(&mut session, &ready_before).await.fault.unwrap();
    assert!(error.is_fatal(), "{error}");
    let learned = session.into_parts().learned;
    assert!(learned.prefer_cmgr);

    sim.reset();
    wait_for_delivery().await;
    let mut session = connect_with(&sim, SessionOptions::default().with_learned(learned));
    let ready = ready(&mut session).await.unwrap();
    assert_eq!(pdus(&swept(&mut session, &ready).await), stored(&sim));
    assert_eq!(count(&sim, "AT+CMGL"), 1);
}
