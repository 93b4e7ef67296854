//! Domains of the network that do not agree.

use smsbridge_simulator::{Domain, Fault, FaultKind, Simulator};

use crate::terminal::quiet;

const PDU: &str = "0001000B916407281553F800000AE8329BFD4697D9EC37";

#[tokio::test(start_paused = true)]
async fn one_domain_is_denied_unasked_and_another_carries_the_messages() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    t.ask("AT+CREG=1;+CGREG=1;+CEREG=2").await;
    sim.set_registration_of(Domain::Cs, 3);
    assert_eq!(t.ask("AT").await, ["+CREG: 3", "OK"]);
    assert_eq!(t.ask("AT+CREG?").await, ["+CREG: 1,3", "OK"]);
    assert_eq!(t.ask("AT+CGREG?").await, ["+CGREG: 1,1", "OK"]);
    assert_eq!(t.ask("AT+CEREG?").await, ["+CEREG: 2,1,\"1A2B\",\"01C3D4E5\",0", "OK"]);
    assert_eq!(t.send(PDU, 22).await.last().unwrap(), "OK");
    sim.set_registration_of(Domain::Ps, 0);
    sim.set_registration_of(Domain::Eps, 2);
    assert_eq!(t.ask("AT").await, ["+CGREG: 0", "+CEREG: 2", "OK"]);
    assert_eq!(t.send(PDU, 22).await, ["+CMS ERROR: 331"]);
    sim.set_registration(5);
    assert_eq!(t.ask("AT+CREG?;+CGREG?").await[3..], ["+CREG: 1,5", "+CGREG: 1,5", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn only_5g_says_registered() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    assert_eq!(t.ask("AT+C5GREG?").await, ["ERROR"]);
    sim.set_registration(2);
    sim.set_registration_of(Domain::FiveG, 1);
    assert_eq!(t.ask("AT+C5GREG=1").await, ["OK"]);
    assert_eq!(t.ask("AT+C5GREG?;+CEREG?").await, ["+C5GREG: 1,1", "+CEREG: 0,2", "OK"]);
    assert_eq!(t.send(PDU, 22).await.last().unwrap(), "OK");
    sim.set_registration(0);
    assert_eq!(t.ask("AT").await, ["+C5GREG: 0", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn it_says_home_and_sends_nothing() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    sim.fault(Fault::on_payload(FaultKind::Cms(331)).every());
    for _ in 0..2 {
        assert_eq!(t.send(PDU, 22).await, ["+CMS ERROR: 331"]);
        assert_eq!(t.ask("AT+CREG?").await, ["+CREG: 0,1", "OK"]);
    }
    assert!(sim.sent().is_empty());
}
