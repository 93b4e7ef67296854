//! What another program left a modem in, and modems that are hard of hearing.

use std::time::Duration;

use smsbridge_simulator::{LeftBehind, Options, Simulator, VendorProfile};

use crate::terminal::{connect, quiet};

const PDU: &str = "0001000B916407281553F800000AE8329BFD4697D9EC37";
const SECOND: Duration = Duration::from_secs(1);

fn left(left_behind: LeftBehind) -> Simulator {
    Simulator::new(Options { left_behind, ..Options::default() })
}

#[tokio::test(start_paused = true)]
async fn results_are_numbers_or_nothing_until_set_back() {
    let sim = left(LeftBehind { numeric_results: true, ..LeftBehind::default() });
    let mut t = connect(&sim);
    t.write(b"ATE0\rAT+CSQ\rAT+NONE\rAT+CMGS=22\r").await;
    assert_eq!(t.in_the_next(SECOND).await, "ATE0\r0\r+CSQ: 20,99\r\n0\r4\r\r\n> ");
    t.write(b"\x1bATV1\r").await;
    assert_eq!(t.in_the_next(SECOND).await, "0\r\r\nOK\r\n");

    let sim = left(LeftBehind { no_results: true, ..LeftBehind::default() });
    let mut t = connect(&sim);
    t.write(b"ATE0\rAT+CSQ\rAT+NONE\r").await;
    assert_eq!(t.in_the_next(SECOND).await, "ATE0\r\r\n+CSQ: 20,99\r\n");
    assert_eq!(t.ask("ATQ0V1E1").await, ["OK"]);
    // A restart puts all back, too.
    t.ask("ATE0").await;
    t.write(b"ATV0\rATQ1\r").await;
    assert_eq!(t.in_the_next(SECOND).await, "0\r");
    sim.reset();
    assert_eq!(t.ask("AT").await.last().unwrap(), "OK");
}

#[tokio::test(start_paused = true)]
async fn text_mode_and_ucs2_are_left() {
    let sim = left(LeftBehind { text_mode: true, ucs2: true, ..LeftBehind::default() });
    let mut t = quiet(&sim).await;
    assert_eq!(t.ask("AT+CMGF?;+CSCS?").await, ["+CMGF: 1", "+CSCS: \"UCS2\"", "OK"]);
    let plus_seven = "002B0037";
    assert!(t.ask("AT+CSCA?").await[0].starts_with(&format!("+CSCA: \"{plus_seven}")));
    assert!(t.ask("AT+CNUM").await[0].contains(plus_seven));
    assert!(t.ask("AT+COPS?").await[0].contains("\"00530069006D"));
    assert_eq!(t.ask("AT+CSCA=\"002B0031\"").await, ["OK"]);
    assert_eq!(t.ask("AT+CSCS=\"GSM\";+CMGF=0").await, ["OK"]);
    assert_eq!(t.ask("AT+CSCA?").await, ["+CSCA: \"+1\",145", "OK"]);
    assert_eq!(t.ask("AT+COPS?").await, ["+COPS: 0,0,\"Simulated\",0", "OK"]);
    assert_eq!(t.ask("AT+CMGF?").await, ["+CMGF: 0", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn data_mode_ends_with_three_plus_signs_between_silences_only() {
    let sim = left(LeftBehind { data_mode: true, ..LeftBehind::default() });
    let mut t = connect(&sim);
    for typed in ["AT\r", "+++", "\x1b"] {
        t.write(typed.as_bytes()).await;
        assert_eq!(t.in_the_next(SECOND / 2).await, "", "{typed:?}");
    }
    tokio::time::advance(SECOND).await;
    // No silence behind it.
    t.write(b"+++").await;
    assert_eq!(t.in_the_next(SECOND / 2).await, "");
    t.write(b"AT\r").await;
    assert_eq!(t.in_the_next(2 * SECOND).await, "");
    // Something before it, and too many.
    for typed in ["x+++", "++++"] {
        t.write(typed.as_bytes()).await;
        assert_eq!(t.in_the_next(2 * SECOND).await, "", "{typed}");
    }
    t.write(b"+").await;
    t.write(b"++").await;
    assert_eq!(t.in_the_next(2 * SECOND).await, "\r\nOK\r\n");
    assert!(sim.commands().is_empty());
    assert_eq!(t.ask("ATE0").await.last().unwrap(), "OK");
}

#[tokio::test(start_paused = true)]
async fn a_modem_asleep_loses_the_command_that_wakes_it() {
    let profile = VendorProfile { sleeps_after: Some(5 * SECOND), ..VendorProfile::generic() };
    let sim = Simulator::new(Options { profile, submit_delay: 20 * SECOND, ..Options::default() });
    let mut t = quiet(&sim).await;
    for _ in 0..2 {
        assert_eq!(t.in_the_next(5 * SECOND).await, "");
        t.write(b"AT+CSQ\r").await;
        assert_eq!(t.in_the_next(SECOND).await, "");
        assert_eq!(t.ask("AT+CPIN?").await, ["+CPIN: READY", "OK"]);
    }
    // It does not sleep while it waits for a text.
    t.write(b"AT+CMGS=22\r").await;
    assert_eq!(t.in_the_next(10 * SECOND).await, "\r\n> ");
    t.write(format!("{PDU}\x1a").as_bytes()).await;
    assert_eq!(t.result().await, ["+CMGS: 0", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn a_pdu_typed_too_early_behind_the_prompt_is_lost() {
    let profile = VendorProfile { deaf_after_prompt: Duration::from_millis(100), ..VendorProfile::generic() };
    let sim = Simulator::new(Options { profile, ..Options::default() });
    let mut t = quiet(&sim).await;
    t.write(b"AT+CMGS=22\r").await;
    t.until("\r\n> ").await;
    t.write(format!("{PDU}\x1a").as_bytes()).await;
    assert_eq!(t.in_the_next(SECOND).await, "");
    t.write(b"\x1b").await;
    assert_eq!(t.result().await, ["OK"]);
    t.write(b"AT+CMGS=22\r").await;
    t.until("\r\n> ").await;
    tokio::time::advance(Duration::from_millis(100)).await;
    t.write(format!("{PDU}\x1a").as_bytes()).await;
    assert_eq!(t.result().await, ["+CMGS: 0", "OK"]);
}
