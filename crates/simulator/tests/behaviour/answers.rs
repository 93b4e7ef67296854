//! Answers that are refused for a while, cut, late or out of step.

use std::time::Duration;

use smsbridge_simulator::{Fault, FaultKind, Options, Simulator, Status, Storage, VendorProfile};
use tokio::time::Instant;

use crate::terminal::{Terminal, quiet};

const PDU: &str = "0001000B916407281553F800000AE8329BFD4697D9EC37";
const SECOND: Duration = Duration::from_secs(1);

async fn terminal() -> (Simulator, Terminal) {
    let sim = Simulator::default();
    let terminal = quiet(&sim).await;
    (sim, terminal)
}

#[tokio::test(start_paused = true)]
async fn a_command_is_refused_for_a_while_and_its_slot_only() {
    let (sim, mut t) = terminal().await;
    sim.put(Storage::Sm, Status::Read, "000102").unwrap();
    for (kind, words) in
        [(FaultKind::Cms(500), "+CMS ERROR: 500"), (FaultKind::Cme(14), "ERROR"), (FaultKind::Error, "ERROR")]
    {
        sim.fault(Fault::on("AT+CMGD=1", kind).lasting(10 * SECOND));
        tokio::time::advance(9 * SECOND).await;
        assert_eq!(t.ask("AT+CMGD=1").await, [words]);
        assert_eq!(t.ask("AT+CMGD=11").await, ["OK"]);
        assert_eq!(sim.stored().len(), 1);
        tokio::time::advance(SECOND).await;
    }
    assert_eq!(t.ask("AT+CMGD=1").await, ["OK"]);
    assert_eq!(sim.stored().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_command_behind_others_on_its_line_is_refused_too() {
    let (sim, mut t) = terminal().await;
    sim.fault(Fault::on("AT+CMGS", FaultKind::Cms(302)).every());
    assert_eq!(t.ask("AT+CMGF=0;+CMGS=22").await, ["+CMS ERROR: 302"]);
}

#[tokio::test(start_paused = true)]
async fn prompts_and_payloads_are_late_every_time() {
    let (sim, mut t) = terminal().await;
    sim.fault(Fault::on("AT+CMGS", FaultKind::Late(12 * SECOND)).every());
    sim.fault(Fault::on_payload(FaultKind::Late(90 * SECOND)).every());
    for mr in 0..3 {
        let start = Instant::now();
        assert_eq!(t.send(PDU, 22).await, [format!("+CMGS: {mr}"), "OK".into()]);
        let took = start.elapsed();
        assert!(took >= 102 * SECOND && took < 103 * SECOND, "{took:?}");
    }
    assert_eq!(sim.sent().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_lacks_its_result_or_its_lines() {
    let (sim, mut t) = terminal().await;
    sim.fault(Fault::on("AT+CPIN?", FaultKind::NoResult));
    t.write(b"AT+CPIN?\r").await;
    assert_eq!(t.in_the_next(60 * SECOND).await, "\r\n+CPIN: READY\r\n");
    sim.fault(Fault::on("AT+CPIN?", FaultKind::NoLines));
    assert_eq!(t.ask("AT+CPIN?").await, ["OK"]);
    sim.fault(Fault::on_payload(FaultKind::NoLines));
    assert_eq!(t.send(PDU, 22).await, ["OK"]);
    sim.fault(Fault::on_payload(FaultKind::NoResult));
    t.write(b"AT+CMGS=22\r").await;
    t.until("\r\n> ").await;
    t.write(format!("{PDU}\x1a").as_bytes()).await;
    assert_eq!(t.in_the_next(60 * SECOND).await, "\r\n+CMGS: 1\r\n");
    assert_eq!(sim.sent().len(), 2);
    assert_eq!(t.ask("AT").await, ["OK"]);
}

#[tokio::test(start_paused = true)]
async fn answers_are_one_command_behind_until_cleared() {
    let (sim, mut t) = terminal().await;
    sim.fault(Fault::on("AT", FaultKind::Behind).every());
    t.write(b"AT+CSQ\r").await;
    assert_eq!(t.in_the_next(SECOND).await, "");
    assert_eq!(t.ask("AT+CPIN?").await, ["+CSQ: 20,99", "OK"]);
    assert_eq!(t.ask("AT").await, ["+CPIN: READY", "OK"]);
    sim.clear_faults();
    assert_eq!(t.ask("AT+CSQ").await, ["+CSQ: 20,99", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn each_command_gets_three_results() {
    let (sim, mut t) = terminal().await;
    sim.fault(Fault::on("AT", FaultKind::Results(3)).every());
    t.write(b"AT+CSQ\r").await;
    assert_eq!(t.in_the_next(SECOND).await, "\r\n+CSQ: 20,99\r\n\r\nOK\r\n\r\nOK\r\n\r\nOK\r\n");
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_another_one_or_a_pretence() {
    let (sim, mut t) = terminal().await;
    sim.put(Storage::Sm, Status::Unread, "000102").unwrap();
    for state in ["SIM PIN2", "SIM PUK2"] {
        sim.fault(Fault::on("AT+CPIN?", FaultKind::Instead(format!("+CPIN: {state}"))));
        assert_eq!(t.ask("AT+CPIN?").await, [format!("+CPIN: {state}"), "OK".into()]);
    }
    sim.fault(Fault::on("AT+CMGD", FaultKind::Pretend).every());
    assert_eq!(t.ask("AT+CMGD=1").await, ["OK"]);
    assert_eq!(sim.stored().len(), 1);
    sim.fault(Fault::on_payload(FaultKind::Pretend));
    assert_eq!(t.send(PDU, 22).await, ["OK"]);
    assert_eq!(sim.sent().len(), 0);
    // A bare OK to the list, while the message counts and can be read.
    sim.fault(Fault::on("AT+CMGL", FaultKind::Pretend).every());
    assert_eq!(t.ask("AT+CMGL=4").await, ["OK"]);
    assert!(t.ask("AT+CPMS?").await[0].starts_with("+CPMS: \"SM\",1,30,"));
    assert_eq!(t.ask("AT+CMGR=1").await, ["+CMGR: 0,,2", "000102", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn direct_deliveries_come_after_the_prompt_and_within_an_answer() {
    let (sim, mut t) = terminal().await;
    let delivery = b"\r\n+CMT: ,2\r\n000102\r\n".to_vec();
    sim.fault(Fault::on("AT+CMGS", FaultKind::Junk(delivery.clone())).answered());
    t.write(b"AT+CMGS=22\r").await;
    assert_eq!(t.in_the_next(SECOND).await, "\r\n> \r\n+CMT: ,2\r\n000102\r\n");
    t.write(format!("{PDU}\x1a").as_bytes()).await;
    assert_eq!(t.result().await, ["+CMGS: 0", "OK"]);
    sim.fault(Fault::on("AT+CSQ", FaultKind::Inside(delivery)));
    assert_eq!(t.ask("AT+CSQ").await, ["+CSQ: 20,99", "+CMT: ,2", "000102", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_on_air_may_be_refused_all_the_same() {
    let (sim, mut t) = terminal().await;
    for code in [332, 500] {
        sim.fault(Fault::on_payload(FaultKind::Cms(code)).acted());
        assert_eq!(t.send(PDU, 22).await, [format!("+CMS ERROR: {code}")]);
    }
    assert_eq!(sim.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stick_restarts_at_each_moment_of_a_submit_and_stays_on_the_bus() {
    for (fault, answered) in [
        (Fault::on("AT+CMGS", FaultKind::Restart(&["SMS Ready"])).before(), true),
        (Fault::on("AT+CMGS", FaultKind::Restart(&["SMS Ready"])), false),
        (Fault::on("AT+CMGS", FaultKind::Restart(&["SMS Ready"])).answered(), true),
        (Fault::while_typing(20, FaultKind::Restart(&["SMS Ready"])), true),
    ] {
        let sim = Simulator::new(Options { profile: VendorProfile::ec25(), ..Options::default() });
        let mut t = quiet(&sim).await;
        t.ask("AT+CNMI=2,1").await;
        sim.fault(fault.clone());
        t.write(b"AT+CMGS=22\r").await;
        let mut seen = t.in_the_next(SECOND).await;
        assert_eq!(seen.contains("\r\n> "), answered, "{fault:?} {seen:?}");
        t.write(format!("{PDU}\x1a").as_bytes()).await;
        seen += &t.in_the_next(SECOND).await;
        assert_eq!(seen.matches("\r\nSMS Ready\r\n").count(), 1, "{fault:?} {seen:?}");
        assert!(!seen.contains("RDY"), "{seen:?}");
        assert!(sim.is_plugged());
        assert_eq!(sim.sent().len(), usize::from(fault.moment == smsbridge_simulator::Moment::Before));
        assert_eq!(t.ask("AT+CNMI?").await[1..], ["+CNMI: 0,0,0,0,0", "OK"], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_may_say_nothing() {
    let (sim, mut t) = terminal().await;
    t.ask("AT+CNMI=2,1").await;
    sim.fault(Fault::on("AT+CSQ", FaultKind::Restart(&[])).answered());
    t.write(b"AT+CSQ\r").await;
    assert_eq!(t.in_the_next(SECOND).await, "\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
    assert_eq!(t.ask("AT+CNMI?").await[1..], ["+CNMI: 0,0,0,0,0", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_gone_and_the_journal_counts_on() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    let (lines, next) = sim.journal_from(0);
    assert!(!lines.is_empty() && !sim.commands().is_empty());
    sim.forget_past();
    assert_eq!((sim.commands(), sim.journal_from(next)), (vec![], (vec![], next)));
    t.ask("AT").await;
    assert_eq!(sim.commands(), ["AT"]);
    assert_eq!(sim.journal_from(next).0, sim.journal());
}
