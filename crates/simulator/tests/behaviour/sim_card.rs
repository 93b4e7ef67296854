//! A SIM that is swapped, lost or reset while the modem runs.

use std::time::Duration;

use smsbridge_simulator::{Fault, FaultKind, Options, Sim, Simulator, Status, Storage, VendorProfile};

use crate::terminal::quiet;

const SECOND: Duration = Duration::from_secs(1);

fn other(pin: Option<&str>) -> Sim {
    Sim { pin: pin.map(str::to_owned), ..Sim::of(&Options::numbered(7)) }
}

#[tokio::test(start_paused = true)]
async fn another_sim_has_its_own_identity_and_storage() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    sim.put(Storage::Sm, Status::Read, "000102").unwrap();
    sim.put(Storage::Me, Status::Read, "000103").unwrap();
    let before = t.ask("AT+CCID;+CIMI;+CNUM").await;
    sim.set_sim_present(false);
    assert_eq!(t.ask("AT+CCID").await, ["ERROR"]);
    assert_eq!(t.in_the_next(SECOND).await, "");
    let new = other(None);
    sim.insert_sim(&new);
    let after = t.ask("AT+CCID;+CIMI;+CNUM").await;
    assert_eq!(after[0], format!("+CCID: {}", new.iccid));
    assert_eq!(after[1], new.imsi);
    assert!(after[2].contains(&new.number) && before[..3] != after[..3], "{after:?}");
    assert_eq!(sim.stored().into_iter().map(|stored| stored.storage).collect::<Vec<_>>(), [Storage::Me]);
}

#[tokio::test(start_paused = true)]
async fn a_sim_keeps_its_messages_while_another_is_in_use() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    for pdu in ["000102", "000103"] {
        sim.put(Storage::Sm, Status::Read, pdu).unwrap();
    }
    assert_eq!(t.ask("AT+CPMS=\"SM\";+CMGD=1").await.last().unwrap(), "OK");
    let first = Sim::of(&Options::default());
    sim.insert_sim(&other(None));
    sim.put(Storage::Sm, Status::Read, "000104").unwrap();
    for (card, slot, pdu) in [(first.clone(), 2, "000103"), (other(None), 1, "000104"), (first, 2, "000103")]
    {
        sim.insert_sim(&card);
        let stored: Vec<_> = sim.stored().into_iter().map(|stored| (stored.slot, stored.pdu)).collect();
        assert_eq!(stored, [(slot, pdu.to_owned())]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_swap_may_be_announced_as_the_vendor_does() {
    for (profile, out, back) in [
        (VendorProfile::sim800(), "+CPIN: NOT READY", "+CPIN: SIM PIN"),
        (VendorProfile::huawei(), "^SIMST:255", "^SIMST:1"),
    ] {
        let sim = Simulator::new(Options { profile, ..Options::default() });
        let mut t = quiet(&sim).await;
        t.in_the_next(SECOND).await;
        sim.set_sim_present(false);
        sim.announce_sim();
        assert!(t.in_the_next(SECOND).await.starts_with(&format!("\r\n{out}\r\n")));
        sim.insert_sim(&other(Some("4321")));
        sim.announce_sim();
        let said = t.in_the_next(SECOND).await;
        assert!(said.starts_with(&format!("\r\n{back}\r\n")) && !said.contains("Ready"), "{said:?}");
        assert_eq!(t.ask("AT+CPIN=4321").await.last().unwrap(), "OK");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_sim_asks_its_pin_again_unasked() {
    let sim = Simulator::new(Options { pin: Some("1234".into()), ..Options::default() });
    let mut t = quiet(&sim).await;
    t.ask("AT+CPIN=1234").await;
    t.ask("AT+CREG=1").await;
    sim.reset_sim();
    assert_eq!(t.in_the_next(SECOND).await, "\r\n+CPIN: SIM PIN\r\n\r\n+CREG: 0\r\n");
    assert_eq!(t.ask("AT+CMGL=4").await, ["+CMS ERROR: 311"]);
    assert_eq!(t.ask("AT+CPIN=1234").await.last().unwrap(), "OK");
}

#[tokio::test(start_paused = true)]
async fn a_lost_sim_is_back_once_the_radio_was_off() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    sim.lose_sim();
    t.ask("AT+CMEE=1").await;
    for line in ["AT+CPIN?", "AT+CCID"] {
        assert_eq!(t.ask(line).await, ["+CME ERROR: 10"]);
    }
    assert_eq!(t.ask("AT+CMGL=4").await, ["+CMS ERROR: 310"]);
    for line in ["AT+CFUN=4", "AT+CFUN=1", "AT+CFUN=0"] {
        t.ask(line).await;
        assert_eq!(t.ask("AT+CPIN?").await, ["+CME ERROR: 10"], "{line}");
    }
    t.ask("AT+CFUN=1").await;
    assert_eq!(t.ask("AT+CPIN?").await, ["+CPIN: READY", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn its_identity_is_refused_for_a_while() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    t.ask("AT+CMEE=1").await;
    for command in ["AT+CCID", "AT+CIMI"] {
        sim.fault(Fault::on(command, FaultKind::Cme(14)).lasting(10 * SECOND));
    }
    assert_eq!(t.ask("AT+CCID").await, ["+CME ERROR: 14"]);
    assert_eq!(t.ask("AT+CIMI").await, ["+CME ERROR: 14"]);
    tokio::time::advance(10 * SECOND).await;
    assert_eq!(t.ask("AT+CCID").await.last().unwrap(), "OK");
    assert_eq!(t.ask("AT+CIMI").await.last().unwrap(), "OK");
}
