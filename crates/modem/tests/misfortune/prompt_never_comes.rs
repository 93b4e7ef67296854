//! `AT+CMGS` and silence: nothing was submitted, and the modem is not left waiting for a PDU.

use smsbridge_modem::{SendError, sms};
use smsbridge_simulator::{Fault, FaultKind};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn a_lost_prompt_is_escaped() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    sim.fault(Fault::on("AT+CMGS", FaultKind::Swallow));
    let error = sms::send(&mut session, &hi()).await.unwrap_err();
    assert!(matches!(error, SendError::NotSubmitted(_)), "{error}");
    drop(session);
    wait_for_delivery().await;
    let (mut session, _) = connected(&sim).await;
    assert_eq!(sim.sent(), []);
    sms::send(&mut session, &hi()).await.unwrap();
    assert_eq!(sim.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_prompt_left_open_by_a_killed_process_is_escaped() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    // As a process killed between prompt and Ctrl-Z leaves it.
    let mut port = {
        use tokio::io::AsyncWriteExt;
        let _ = session.command(smsbridge_modem::Command::new("AT")).await;
        let mut port = session.into_parts().port;
        port.write_all(b"AT+CMGS=16\r").await.unwrap();
        wait_for_delivery().await;
        port.write_all(b"0001000D91").await.unwrap();
        port
    };
    wait_for_delivery().await;
    let _ = tokio::io::AsyncWriteExt::flush(&mut port).await;
    drop(port);
    let (mut session, _) = connected(&sim).await;
    assert_eq!(sim.sent(), []);
    sms::send(&mut session, &hi()).await.unwrap();
}
