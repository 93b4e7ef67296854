//! Faults: what the terminal sees, and what is true afterwards.

use std::time::Duration;

use smsbridge_simulator::{End, Fault, FaultKind, Options, Simulator, VendorProfile};
use tokio::time::Instant;

use crate::terminal::{Terminal, connect, quiet};

const PDU: &str = "0001000B916407281553F800000AE8329BFD4697D9EC37";
const SECOND: Duration = Duration::from_secs(1);

async fn at_prompt(t: &mut Terminal) {
    t.write(b"AT+CMGS=22\r").await;
    t.until("> ").await;
}

#[tokio::test(start_paused = true)]
async fn a_hang_lasts_until_it_is_plugged_in_again() {
    let sim = Simulator::default();
    sim.fault(Fault::on("AT+CMGL", FaultKind::Hang));
    let mut t = quiet(&sim).await;
    t.write(b"AT+CMGL=4\r").await;
    t.write(b"AT\r").await;
    assert_eq!(t.in_the_next(60 * SECOND).await, "");
    // The radio lives on.
    sim.deliver("+4915112345678", "hello").unwrap();
    assert_eq!(sim.stored().len(), 1);
    sim.unplug();
    assert!(t.is_closed().await);
    assert_eq!(t.served.await.unwrap().unwrap(), End::Unplugged);
    sim.plug();
    assert_eq!(quiet(&sim).await.ask("AT+CMGL=4").await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn clearing_faults_wakes_a_hung_modem() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    sim.hang();
    t.write(b"AT\r").await;
    assert_eq!(t.in_the_next(SECOND).await, "");
    sim.clear_faults();
    assert_eq!(t.ask("AT+CSQ").await, ["+CSQ: 20,99", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_short_hang_all_is_answered() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    sim.fault(Fault::on("AT+CSQ", FaultKind::HangFor(5 * SECOND)));
    t.write(b"AT+CSQ\rAT+CPIN?\r").await;
    assert!(sim.wait_for(SECOND, |sim| sim.commands().len() == 2).await);
    sim.send_urc("NOISE");
    assert_eq!(t.in_the_next(4 * SECOND).await, "");
    assert_eq!(t.result().await, ["+CSQ: 20,99", "OK"]);
    assert_eq!(t.result().await, ["+CPIN: READY", "OK"]);
    t.until("NOISE").await;
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_belongs_to_its_own_command_and_urcs_do_not_wait() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    sim.fault(Fault::on("AT+CSQ", FaultKind::Late(5 * SECOND)));
    let start = Instant::now();
    t.write(b"AT+CSQ\r").await;
    sim.send_urc("NOISE");
    t.until("NOISE\r\n").await;
    assert!(start.elapsed() < SECOND);
    t.write(b"AT+CPIN?\r").await;
    assert_eq!(t.result().await, ["+CSQ: 20,99", "OK"]);
    assert!(start.elapsed() >= 5 * SECOND);
    assert_eq!(t.result().await, ["+CPIN: READY", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn the_moment_of_a_reset_decides_whether_the_message_is_on_air() {
    for (fault, on_air) in [
        (Fault::on("AT+CMGS", FaultKind::Reset).answered(), 0),
        (Fault::on_payload(FaultKind::Reset), 0),
        (Fault::on_payload(FaultKind::Reset).acted(), 1),
        (Fault::on_payload(FaultKind::Reset).answered(), 1),
        (Fault::on_payload(FaultKind::Swallow), 1),
        (Fault::on_payload(FaultKind::Cms(38)), 0),
        (Fault::on_payload(FaultKind::Cms(38)).acted(), 1),
    ] {
        let sim = Simulator::new(Options { profile: VendorProfile::sim800(), ..Options::default() });
        let mut t = quiet(&sim).await;
        sim.fault(fault.clone());
        at_prompt(&mut t).await;
        t.write(format!("{PDU}\x1a").as_bytes()).await;
        let seen = t.in_the_next(SECOND).await;
        assert_eq!(sim.sent().len(), on_air, "{fault:?}");
        assert_eq!(seen.contains("RDY"), fault.kind == FaultKind::Reset, "{fault:?} {seen:?}");
        let answered = fault == Fault::on_payload(FaultKind::Reset).answered();
        assert_eq!(seen.contains("+CMGS: 0"), answered, "{fault:?} {seen:?}");
        assert_eq!(seen.contains("+CMS ERROR: 38"), fault.kind == FaultKind::Cms(38), "{fault:?} {seen:?}");
        t.write(b"ATE0\r").await;
        t.until("OK\r\n").await;
        assert_eq!(t.send(PDU, 22).await.last().unwrap(), "OK", "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_vanished_modem_comes_back_by_itself() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    sim.fault(Fault::on("AT+CMGS", FaultKind::Vanish(5 * SECOND)).answered());
    at_prompt(&mut t).await;
    assert!(t.is_closed().await);
    assert!(!sim.is_plugged());
    assert!(sim.serve(tokio::io::duplex(10).0).await.is_err());
    assert!(sim.wait_for(6 * SECOND, Simulator::is_plugged).await);
    assert_eq!(quiet(&sim).await.ask("AT").await, ["OK"]);
}

#[tokio::test(start_paused = true)]
async fn answers_may_come_byte_by_byte_or_among_noise() {
    let sim = Simulator::new(Options { profile: VendorProfile::huawei(), ..Options::default() });
    let mut t = quiet(&sim).await;
    sim.put(smsbridge_simulator::Storage::Sm, smsbridge_simulator::Status::Read, "000102").unwrap();
    sim.fault(Fault::on("AT+CMGL", FaultKind::Split(Duration::from_millis(10))));
    let start = Instant::now();
    t.write(b"AT+CMGL=4\r").await;
    assert!(sim.wait_for(SECOND, |sim| sim.commands().len() == 2).await);
    sim.send_urc("NOISE");
    assert_eq!(t.until("NOISE").await, "\r\n+CMGL: 0,1,,2\r\n000102\r\n\r\nOK\r\n\r\nNOISE");
    assert!(start.elapsed() >= Duration::from_millis(300));
    sim.fault(Fault::on("AT+CMGL", FaultKind::Noise));
    let lines = t.ask("AT+CMGL=4").await;
    let answer: Vec<_> = lines.iter().filter(|l| !l.starts_with('^')).collect();
    assert_eq!(answer, ["+CMGL: 0,1,,2", "000102", "OK"]);
    assert_eq!(lines.len(), 6);
    sim.fault(Fault::on("AT", FaultKind::Junk(vec![0xFF, 0x00, 0x7E])));
    assert!(t.ask("AT").await[0].contains('~'));
}

#[tokio::test(start_paused = true)]
async fn errors_strike_as_often_as_planned() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    sim.fault(Fault::on("AT+CNMI=", FaultKind::Cms(303)).every());
    for _ in 0..3 {
        assert_eq!(t.ask("AT+CNMI=2,1").await, ["+CMS ERROR: 303"]);
    }
    sim.clear_faults();
    assert_eq!(t.ask("AT+CNMI=2,1").await, ["OK"]);
    sim.fault(Fault::on("AT+CSQ", FaultKind::Cme(100)).nth(2));
    assert_eq!(t.ask("AT+CSQ").await.len(), 2);
    assert_eq!(t.ask("AT+CSQ").await, ["ERROR"]);
    assert_eq!(t.ask("AT+CSQ").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_full_sim_takes_nothing_until_it_may() {
    let sim = Simulator::default();
    sim.set_full(true);
    sim.deliver("+4915112345678", "hello").unwrap();
    assert_eq!(sim.waiting(), 1);
    sim.set_full(false);
    assert_eq!(sim.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn half_typed_input_waits_for_the_next_terminal() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    at_prompt(&mut t).await;
    drop(t);
    let mut t = connect(&sim);
    // Still the prompt: the line is taken as message text.
    t.write(b"AT\r").await;
    assert_eq!(t.in_the_next(SECOND).await, "");
    t.write(b"\x1b").await;
    t.until("OK\r\n").await;
    assert_eq!(t.ask("AT").await, ["OK"]);
}
