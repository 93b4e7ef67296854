//! Storages that do not do what a client expects, and notices that are early or wrong.

use std::time::Duration;

use smsbridge_simulator::{Message, Notice, Options, Simulator, Status, Storage, VendorProfile};

use crate::terminal::quiet;

const FROM: &str = "+4915112345678";
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_notice_comes_before_the_message_counts_and_can_be_read() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    t.ask("AT+CNMI=2,1").await;
    sim.set_notice(Notice::Early(Duration::from_millis(1500)));
    sim.deliver(FROM, "hello").unwrap();
    assert_eq!(t.in_the_next(SECOND).await, "\r\n+CMTI: \"SM\",1\r\n");
    assert_eq!(t.ask("AT+CMGL=4").await, ["OK"]);
    assert_eq!(t.ask("AT+CMGR=1").await, ["+CMS ERROR: 321"]);
    assert!(t.ask("AT+CPMS?").await[0].starts_with("+CPMS: \"SM\",0,30"));
    tokio::time::advance(SECOND / 2).await;
    assert_eq!(t.ask("AT+CMGL=4").await.len(), 3);
    assert!(t.ask("AT+CPMS?").await[0].starts_with("+CPMS: \"SM\",1,30"));
    // No slot is used twice meanwhile.
    sim.deliver(FROM, "two").unwrap();
    sim.deliver(FROM, "three").unwrap();
    tokio::time::advance(2 * SECOND).await;
    assert_eq!(sim.stored().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_notice_may_be_wrong_or_missing() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    t.ask("AT+CNMI=2,1").await;
    for line in ["+CMTI: ,-1", "+CMTI: \"SM\",9", "+ SMS FULL"] {
        sim.set_notice(Notice::Instead(line.into()));
        sim.deliver(FROM, "hello").unwrap();
        assert_eq!(t.in_the_next(SECOND).await, format!("\r\n{line}\r\n"));
    }
    sim.set_notice(Notice::Nothing);
    sim.deliver(FROM, "hello").unwrap();
    assert_eq!(t.in_the_next(SECOND).await, "");
    assert_eq!(sim.stored().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_is_not_listed_can_be_chosen() {
    let profile = VendorProfile { unlisted: &[Storage::Me, Storage::Sr], ..VendorProfile::generic() };
    let sim = Simulator::new(Options { profile, ..Options::default() });
    let mut t = quiet(&sim).await;
    assert_eq!(t.ask("AT+CPMS=?").await, ["+CPMS: (\"SM\"),(\"SM\"),(\"SM\")", "OK"]);
    let slot = sim.put(Storage::Me, Status::Unread, "000102").unwrap();
    sim.send_urc(&format!("+CMTI: \"ME\",{slot}"));
    assert_eq!(t.ask("AT+CMGL=4").await, ["+CMTI: \"ME\",1", "OK"]);
    assert_eq!(t.ask("AT+CPMS=\"ME\"").await[0], "+CPMS: 1,50,0,30,0,30");
    assert_eq!(t.ask("AT+CMGL=4").await, ["+CMGL: 1,0,,2", "000102", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn a_sim_without_slots_leaves_messages_in_the_network_until_me_is_chosen() {
    let sim = Simulator::new(Options { slots: 0, ..Options::default() });
    let mut t = quiet(&sim).await;
    sim.deliver(FROM, "hello").unwrap();
    assert_eq!(t.ask("AT+CPMS=\"SM\",\"SM\",\"SM\"").await[0], "+CPMS: 0,0,0,0,0,0");
    assert_eq!((sim.waiting(), sim.stored().len()), (1, 0));
    assert_eq!(t.ask("AT+CPMS=\"ME\",\"ME\",\"ME\"").await[0], "+CPMS: 0,50,0,50,0,50");
    assert_eq!((sim.waiting(), sim.stored().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn three_thousand_messages_are_listed_and_each_is_read() {
    let sim = Simulator::new(Options { slots: 3000, ..Options::default() });
    let mut t = quiet(&sim).await;
    for n in 1..=3000 {
        assert_eq!(sim.put(Storage::Sm, Status::Unread, &format!("00{n:04}")), Some(n));
    }
    assert_eq!(t.ask("AT+CMGL=4").await.len(), 6001);
    assert_eq!(t.ask("AT+CMGR=2999").await, ["+CMGR: 1,,2", "002999", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn old_read_messages_are_there_from_the_start() {
    let sim = Simulator::default();
    let two_years_ago = Message { sent_at: Some(1_700_000_000), ..Message::default() };
    for pdu in sim.parts(FROM, "long ago", &two_years_ago).unwrap() {
        sim.put(Storage::Sm, Status::Read, &pdu).unwrap();
    }
    let lines = quiet(&sim).await.ask("AT+CMGL=4").await;
    assert!(lines[0].starts_with("+CMGL: 1,1,,"), "{lines:?}");
    // 15 November 2023, in swapped semi-octets.
    assert!(lines[1].contains("321151"), "{lines:?}");
}
