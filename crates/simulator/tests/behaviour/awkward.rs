//! Lines at awkward moments, and resets that should not have been sent.

use std::time::Duration;

use smsbridge_simulator::{End, Fault, FaultKind, Options, Simulator, VendorProfile};

use crate::terminal::{connect, quiet};

const PDU: &str = "0001000B916407281553F800000AE8329BFD4697D9EC37";
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_line_that_says_nothing_comes_again_and_again_while_a_command_gets_no_answer() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    sim.repeat_urc("^X: 1", 2 * SECOND);
    sim.hang();
    t.write(b"AT+CSQ\r").await;
    assert_eq!(t.in_the_next(11 * SECOND).await, "\r\n^X: 1\r\n".repeat(5));
    sim.clear_faults();
    assert_eq!(t.ask("AT+CSQ").await, ["+CSQ: 20,99", "OK"]);
    // Deaf to one command only.
    sim.fault(Fault::on("AT+CSQ", FaultKind::Swallow).every());
    sim.repeat_urc("^X: 2", 2 * SECOND);
    t.write(b"AT+CSQ\r").await;
    assert_eq!(t.in_the_next(3 * SECOND).await, "\r\n^X: 2\r\n");
    sim.clear_faults();
    assert_eq!(t.in_the_next(10 * SECOND).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_text_of_the_network_looks_like_a_result_during_a_submit() {
    let sim = Simulator::new(Options { submit_delay: 5 * SECOND, ..Options::default() });
    let mut t = quiet(&sim).await;
    for line in ["ERROR", "+CMS ERROR: 38"] {
        let push = format!("\r\n+CUSD: 1,\"one\r\n{line}\r\nthree\",15\r\n");
        sim.fault(Fault::on_payload(FaultKind::Junk(push.clone().into_bytes())).before());
        t.write(b"AT+CMGS=22\r").await;
        t.until("> ").await;
        t.write(format!("{PDU}\x1a").as_bytes()).await;
        assert_eq!(t.in_the_next(4 * SECOND).await, push);
        assert!(t.in_the_next(4 * SECOND).await.ends_with("\r\n\r\nOK\r\n"));
    }
    assert_eq!(sim.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stick_that_becomes_a_cd_drive_is_gone_until_plugged_in_again() {
    let profile = VendorProfile { gone_after_reset: true, ..VendorProfile::huawei() };
    let sim = Simulator::new(Options { profile, ..Options::default() });
    let mut t = quiet(&sim).await;
    assert_eq!(sim.resets(), 0);
    t.write(b"AT+CFUN=1,1\r").await;
    t.until("OK\r\n").await;
    assert!(t.is_closed().await);
    assert_eq!(t.served.await.unwrap().unwrap(), End::Unplugged);
    assert!(!sim.wait_for(3600 * SECOND, Simulator::is_plugged).await);
    assert_eq!(sim.resets(), 1);
    sim.plug();
    assert_eq!(connect(&sim).ask("AT").await.last().unwrap(), "OK");
}

#[tokio::test(start_paused = true)]
async fn resets_are_counted_where_the_modem_comes_back_too() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    t.ask("AT+CFUN=1,1").await;
    t.ask("ATE0").await;
    t.ask("AT+CRESET").await;
    sim.reset();
    assert_eq!(sim.resets(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_idle_modem_restarts_and_says_what_it_likes() {
    let sim = Simulator::default();
    for words in [vec![], vec!["RDY"], vec!["Call Ready", "SMS Ready"]] {
        let mut t = quiet(&sim).await;
        t.ask("AT+CNMI=2,1").await;
        sim.restart(&words);
        let said: String = words.iter().map(|word| format!("\r\n{word}\r\n")).collect();
        assert_eq!(t.in_the_next(SECOND).await, said);
        assert_eq!(t.ask("ATE0+CNMI?").await[1..], ["+CNMI: 0,0,0,0,0", "OK"]);
    }
}
