//! A modem that takes long to start.

use std::time::Duration;

use smsbridge_simulator::{Fault, FaultKind, Options, Simulator, VendorProfile};

use crate::terminal::{connect, quiet};

const SECOND: Duration = Duration::from_secs(1);

fn slow(pin: Option<&str>) -> Simulator {
    Simulator::new(Options {
        profile: VendorProfile::sim800(),
        pin: pin.map(str::to_owned),
        sim_time: 8 * SECOND,
        sms_time: 30 * SECOND,
        ..Options::default()
    })
}

#[tokio::test(start_paused = true)]
async fn first_the_sim_is_busy_then_messages_are_refused_then_it_says_ready() {
    let sim = slow(None);
    sim.deliver("+4915112345678", "hello").unwrap();
    let mut t = quiet(&sim).await;
    t.ask("AT+CMEE=1").await;
    assert_eq!(t.ask("AT+CPIN?").await, ["+CME ERROR: 14"]);
    assert_eq!(t.ask("AT+CCID").await, ["+CME ERROR: 14"]);
    assert_eq!(t.ask("AT+CPMS=\"SM\"").await, ["+CMS ERROR: 314"]);
    assert_eq!(t.ask("AT+CREG?").await, ["+CREG: 0,0", "OK"]);
    assert_eq!(t.in_the_next(9 * SECOND).await, "\r\n+CPIN: READY\r\n");
    assert_eq!(t.ask("AT+CPIN?").await, ["+CPIN: READY", "OK"]);
    assert_eq!(t.ask("AT+CREG?").await, ["+CREG: 0,1", "OK"]);
    for line in ["AT+CPMS=\"SM\"", "AT+CMGL=4", "AT+CNMI=2,1", "AT+CMGS=22", "AT+CSCA?"] {
        assert_eq!(t.ask(line).await, ["+CMS ERROR: 302"], "{line}");
    }
    assert_eq!(t.ask("AT+CMGF=0").await, ["OK"]);
    assert_eq!(sim.waiting(), 1);
    assert_eq!(t.in_the_next(30 * SECOND).await, "\r\nCall Ready\r\n\r\nSMS Ready\r\n");
    assert_eq!(t.ask("AT+CMGL=4").await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_messages_begins_with_the_pin_and_anew_with_each_restart() {
    let sim = slow(Some("1234"));
    let mut t = quiet(&sim).await;
    for _ in 0..2 {
        assert!(t.in_the_next(60 * SECOND).await.contains("+CPIN: SIM PIN"));
        assert_eq!(t.ask("AT+CPIN=1234").await.last().unwrap(), "OK");
        assert_eq!(t.in_the_next(29 * SECOND).await, "");
        assert_eq!(t.ask("AT+CMGL=4").await.last().unwrap(), "+CMS ERROR: 302");
        assert!(t.in_the_next(2 * SECOND).await.contains("\r\nSMS Ready\r\n"));
        assert_eq!(t.ask("AT+CMGL=4").await.last().unwrap(), "OK");
        sim.reset();
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_nobody_noticed_starts_as_slowly_and_says_less() {
    let sim = slow(None);
    let mut t = quiet(&sim).await;
    t.in_the_next(60 * SECOND).await;
    sim.fault(Fault::on("AT+CSQ", FaultKind::Restart(&["Call Ready"])));
    t.write(b"AT+CSQ\r").await;
    assert_eq!(t.in_the_next(20 * SECOND).await, "\r\nCall Ready\r\n");
    assert_eq!(t.ask("ATE0+CMGL=4").await[1..], ["+CMS ERROR: 302"]);
    assert_eq!(t.in_the_next(20 * SECOND).await, "");
    assert_eq!(t.ask("AT+CMGL=4").await, ["OK"]);
}

#[tokio::test(start_paused = true)]
async fn a_port_may_be_open_a_minute_before_the_modem_answers() {
    let sim = Simulator::new(Options { boot_time: 60 * SECOND, ..Options::default() });
    sim.reset();
    let mut t = connect(&sim);
    t.write(b"AT\r").await;
    assert_eq!(t.in_the_next(59 * SECOND).await, "");
    tokio::time::advance(SECOND).await;
    assert_eq!(t.ask("ATE0").await.last().unwrap(), "OK");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_waits_for_a_lost_sim_takes_no_time_of_its_own() {
    let sim = Simulator::new(Options { sms_time: Duration::from_secs(5), ..Options::default() });
    sim.restart(&[]);
    assert!(!sim.wait_for(Duration::from_secs(1), |_| false).await);
    sim.lose_sim();
    let mut looks = 0;
    let is_looked_at_for_ever = sim
        .wait_for(Duration::from_secs(60), |_| {
            looks += 1;
            looks > 1000
        })
        .await;
    assert!(!is_looked_at_for_ever);
}
