//! What a modem hands over without storing it is not said again: no fault, bring-up or flood may lose it.

use std::time::Duration;

use smsbridge_modem::{SessionOptions, Urc, sms, status};
use smsbridge_simulator::{Fault, FaultKind};

use crate::bench::*;

const LINES: [&str; 4] = [
    "+CMT: ,16\r\n0001000D91945111325476F8000002C834",
    "+CDS: 3\r\n00AABBCC",
    "+CBM: 2\r\n0011",
    "+CUSD: 0,\"5 EUR\",15",
];

fn contents(urcs: &[Urc]) -> usize {
    urcs.iter().filter(|urc| urc.has_content()).count()
}

#[tokio::test(start_paused = true)]
async fn a_fault_right_after_it_keeps_it() {
    for kind in
        [FaultKind::Hang, FaultKind::Reset, FaultKind::Vanish(Duration::from_secs(5)), FaultKind::Swallow]
    {
        let sim = simulator();
        let (mut session, _) = connected(&sim).await;
        for line in LINES {
            sim.send_urc(line);
        }
        sim.fault(Fault::on("AT+CREG?", kind.clone()));
        assert!(status::network(&mut session).await.is_err(), "{kind:?}");
        assert_eq!(contents(&session.into_parts().unsolicited), 4, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_behind_the_words_of_a_restart_is_kept_too() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    let said = format!("\r\nRDY\r\n\r\n{}\r\n", LINES.join("\r\n\r\n"));
    sim.fault(Fault::on("AT+CREG?", FaultKind::Junk(said.into_bytes())));
    assert!(status::network(&mut session).await.is_err());
    assert_eq!(contents(&session.into_parts().unsolicited), 4);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_arrives_during_the_bring_up_is_kept() {
    // At whatever command.
    for nth in 1..25 {
        let sim = simulator();
        let told = "\r\n+CDS: 3\r\n00AABBCC\r\n".as_bytes().to_vec();
        sim.fault(Fault::on("AT", FaultKind::Junk(told)).nth(nth));
        let (session, _) = connected(&sim).await;
        assert_eq!(contents(&session.into_parts().unsolicited), 1, "in command {nth}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_in_a_bring_up_that_fails_is_kept() {
    let sim = simulator();
    sim.fault(Fault::on("AT+CGMI", FaultKind::Junk("\r\n+CDS: 3\r\n00AABBCC\r\n".into())));
    sim.fault(Fault::on("AT+CPMS", FaultKind::Hang));
    let mut session = connect_with(&sim, SessionOptions::default());
    ready(&mut session).await.unwrap_err();
    assert_eq!(contents(&session.into_parts().unsolicited), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_other_lines_pushes_none_out() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    sim.send_urc("+CDS: 3\r\n00AABBCC");
    (0..5000).for_each(|_| sim.send_urc("+CREG: 1"));
    sms::send(&mut session, &hi()).await.unwrap();
    assert_eq!(contents(&session.into_parts().unsolicited), 1);
}
