//! Text mode, which a modem is in after a restart that nobody noticed.

use std::time::Duration;

use smsbridge_simulator::{Fault, FaultKind, Options, Simulator, VendorProfile};

use crate::terminal::{Terminal, quiet};

const PDU: &str = "0001000B916407281553F800000AE8329BFD4697D9EC37";
const SECOND: Duration = Duration::from_secs(1);

async fn terminal() -> (Simulator, Terminal) {
    let profile = VendorProfile { text_mode: true, ..VendorProfile::generic() };
    let sim = Simulator::new(Options { profile, ..Options::default() });
    let terminal = quiet(&sim).await;
    (sim, terminal)
}

#[tokio::test(start_paused = true)]
async fn a_pdu_goes_as_text_to_the_number_that_is_its_length() {
    let (sim, mut t) = terminal().await;
    assert_eq!(t.ask("AT+CMGF=0").await, ["OK"]);
    sim.fault(Fault::on("AT+CMGS", FaultKind::Restart(&[])).before());
    assert_eq!(t.send(PDU, 22).await.last().unwrap(), "OK");
    assert!(sim.sent().is_empty());
    let sent: Vec<_> = sim.sent_as_text().into_iter().map(|sent| (sent.to, sent.text)).collect();
    assert_eq!(sent, [("22".to_string(), PDU.to_string())]);
    // Each line that sets PDU mode itself is safe from that.
    sim.fault(Fault::on("AT+CMGF=0", FaultKind::Restart(&["RDY"])).before());
    t.write(b"ATE0\rAT+CMGF=0;+CMGS=22\r").await;
    t.until("RDY").await;
    t.until("\r\n> ").await;
    t.write(format!("{PDU}\x1a").as_bytes()).await;
    t.until("OK\r\n").await;
    assert_eq!((sim.sent().len(), sim.sent_as_text().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn stored_messages_are_shown_as_text_and_a_numbered_list_is_refused() {
    let (sim, mut t) = terminal().await;
    sim.deliver("+4915112345678", "hello").unwrap();
    assert_eq!(t.ask("AT+CMGL=4").await, ["+CMS ERROR: 305"]);
    let head = "\"REC UNREAD\",\"+4915112345678\",,\"26/11/22,07:15:30+12\"";
    assert_eq!(t.ask("AT+CMGL=\"ALL\"").await, [&format!("+CMGL: 1,{head}"), "hello", "OK"]);
    assert_eq!(
        t.ask("AT+CMGR=1").await,
        [&format!("+CMGR: {}", head.replace("UNREAD", "READ")), "hello", "OK"]
    );
    assert_eq!(t.ask("AT+CMGW=22").await, ["+CMS ERROR: 305"]);
    assert_eq!(t.ask("AT+CMGF=0;+CMGF?").await, ["+CMGF: 0", "OK"]);
    assert!(t.ask("AT+CMGL=4").await[0].starts_with("+CMGL: 1,1,,"));
}

#[tokio::test(start_paused = true)]
async fn a_restart_during_the_pdu_leaves_the_rest_to_the_command_line() {
    let (sim, mut t) = terminal().await;
    t.ask("AT+CMGF=0").await;
    sim.fault(Fault::while_typing(10, FaultKind::Restart(&[])));
    t.write(b"AT+CMGS=22\r").await;
    t.until("\r\n> ").await;
    t.write(&PDU.as_bytes()[..10]).await;
    assert_eq!(t.in_the_next(SECOND).await, "");
    // Now as after power-up: it echoes, and Ctrl-Z ends nothing.
    t.write(format!("{}\x1a", &PDU[10..]).as_bytes()).await;
    assert_eq!(t.in_the_next(SECOND).await, format!("{}\x1a", &PDU[10..]));
    assert!(sim.sent().is_empty() && sim.sent_as_text().is_empty());
    t.write(b"\r").await;
    assert_eq!(t.ask("ATE0+CMGF?").await[1..], ["+CMGF: 1", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_before_the_payload_leaves_no_prompt() {
    let (sim, mut t) = terminal().await;
    t.ask("AT+CMGF=0").await;
    sim.fault(Fault::on_payload(FaultKind::Restart(&["RDY"])).before());
    t.write(b"AT+CMGS=22\r").await;
    t.until("\r\n> ").await;
    t.write(format!("{PDU}\x1a").as_bytes()).await;
    assert_eq!(t.in_the_next(SECOND).await, "\r\nRDY\r\n");
    assert!(sim.sent().is_empty() && sim.sent_as_text().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_text_mode_it_is_refused() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    assert_eq!(t.ask("AT+CMGF=?").await, ["+CMGF: (0)", "OK"]);
    assert_eq!(t.ask("AT+CMGF=1").await, ["+CMS ERROR: 303"]);
    assert_eq!(t.ask("AT+CMGF?").await, ["+CMGF: 0", "OK"]);
}
