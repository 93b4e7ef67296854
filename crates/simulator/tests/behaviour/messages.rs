//! Messages both ways: storages, indications, acknowledgement, prompt, reports.

use std::time::Duration;

use smsbridge_codec::{Direction, Pdu, ReportRequest, SubmitOptions, Tpdu, submit};
use smsbridge_simulator::{Message, Options, Reports, Simulator, Status, Storage, VendorProfile};

use crate::terminal::{Terminal, quiet};

const FROM: &str = "+4915112345678";

async fn send_text(t: &mut Terminal, to: &str, text: &str, report: bool) -> Vec<String> {
    let report = if report { ReportRequest::EachPart } else { ReportRequest::None };
    let options = SubmitOptions::default().with_report(report);
    let pdu = &submit(to, text, &options).unwrap()[0];
    t.send(&pdu.hex, pdu.tpdu_length).await
}

fn report_in(lines: &str) -> (u8, u8) {
    let hex = lines.split_whitespace().rfind(|word| word.len() > 20).unwrap();
    let pdu = Pdu::decode_hex(hex, Direction::MobileTerminated).unwrap();
    let Tpdu::StatusReport(report) = pdu.tpdu else { panic!("not a report: {lines}") };
    (report.reference, report.status.0)
}

#[tokio::test(start_paused = true)]
async fn a_message_is_stored_announced_listed_and_deleted() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    t.ask("AT+CMGF=0;+CNMI=2,1,0,0,0").await;
    sim.deliver(FROM, "hello").unwrap();
    assert_eq!(t.until("\"SM\",1\r\n").await, "\r\n+CMTI: \"SM\",1\r\n");
    let listed = t.ask("AT+CMGL=4").await;
    assert_eq!(listed[0], format!("+CMGL: 1,0,,{}", listed[1].len() / 2 - 8));
    let pdu = Pdu::decode_hex(&listed[1], Direction::MobileTerminated).unwrap();
    let Tpdu::Deliver(deliver) = pdu.tpdu else { panic!() };
    assert_eq!(deliver.from.to_string(), FROM);
    assert_eq!(deliver.user_data.text().as_deref(), Some("hello"));
    // Listing marked it read.
    assert_eq!(t.ask("AT+CMGL=0").await, ["OK"]);
    assert!(t.ask("AT+CMGR=1").await[0].starts_with("+CMGR: 1,,"));
    assert_eq!(t.ask("AT+CMGD=1").await, ["OK"]);
    assert_eq!(t.ask("AT+CMGL=4").await, ["OK"]);
    assert_eq!(t.ask("AT+CMGR=1").await, ["+CMS ERROR: 321"]);
    assert_eq!(t.ask("AT+CMGD=31").await, ["+CMS ERROR: 321"]);
}

#[tokio::test(start_paused = true)]
async fn a_long_text_comes_in_parts() {
    let sim = Simulator::default();
    assert_eq!(sim.deliver("Bank", &"Счёт 12345. ".repeat(20)).unwrap(), 4);
    assert_eq!(sim.stored().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn full_sim_makes_the_network_wait() {
    let sim = Simulator::new(Options { slots: 2, ..Options::default() });
    let mut t = quiet(&sim).await;
    t.ask("AT+CNMI=2,1,0,0,0").await;
    for text in ["one", "two", "three", "four"] {
        sim.deliver(FROM, text).unwrap();
    }
    assert_eq!((sim.stored().len(), sim.waiting(), sim.free(Storage::Sm)), (2, 2, 0));
    t.until("+CMTI: \"SM\",2\r\n").await;
    t.ask("AT+CMGD=1").await;
    t.until("+CMTI: \"SM\",1\r\n").await;
    assert_eq!((sim.stored().len(), sim.waiting()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn unplugged_or_without_radio_the_network_waits() {
    let sim = Simulator::default();
    sim.unplug();
    sim.deliver(FROM, "one").unwrap();
    assert_eq!((sim.stored().len(), sim.waiting()), (0, 1));
    sim.plug();
    assert_eq!((sim.stored().len(), sim.waiting()), (1, 0));
    let mut t = quiet(&sim).await;
    t.ask("AT+CFUN=4").await;
    sim.deliver(FROM, "two").unwrap();
    assert_eq!((sim.stored().len(), sim.waiting()), (1, 1));
    t.ask("AT+CFUN=1").await;
    assert_eq!((sim.stored().len(), sim.waiting()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn the_third_memory_receives_and_slots_count_from_zero() {
    let sim = Simulator::new(Options { profile: VendorProfile::huawei(), ..Options::default() });
    let mut t = quiet(&sim).await;
    t.ask("AT+CNMI=2,1,0,0,0").await;
    assert_eq!(t.ask("AT+CPMS=\"SM\",\"SM\",\"ME\"").await, ["+CPMS: 0,30,0,30,0,50", "OK"]);
    sim.deliver(FROM, "hello").unwrap();
    t.until("+CMTI: \"ME\",0\r\n").await;
    assert_eq!(t.ask("AT+CMGL=4").await, ["OK"]);
    t.ask("AT+CPMS=\"ME\"").await;
    assert!(t.ask("AT+CMGL=4").await[0].starts_with("+CMGL: 0,0,,"));
    assert_eq!(t.ask("AT+CPMS=\"SR\"").await, ["+CMS ERROR: 302"]);
}

#[tokio::test(start_paused = true)]
async fn direct_messages_need_no_slot() {
    let sim = Simulator::new(Options { slots: 0, ..Options::default() });
    let mut t = quiet(&sim).await;
    t.ask("AT+CNMI=2,2,0,0,0").await;
    let pdu = sim.parts(FROM, "hello", &Message::default()).unwrap().remove(0);
    sim.deliver_pdu(&pdu);
    t.until(&format!("\r\n+CMT: ,{}\r\n{pdu}\r\n", pdu.len() / 2 - 8)).await;
    assert_eq!(sim.waiting(), 0);
    // Class 2 belongs on the SIM whatever mt says; there is no room.
    let class = Message { class: Some(2), ..Message::default() };
    sim.deliver_pdu(&sim.parts(FROM, "hello", &class).unwrap()[0]);
    assert_eq!(sim.waiting(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unacknowledged_direct_message_comes_again_and_the_modem_goes_deaf() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    t.ask("AT+CSMS=1;+CNMI=2,2,0,1,0").await;
    sim.deliver(FROM, "one").unwrap();
    sim.deliver(FROM, "two").unwrap();
    t.until("+CMT: ").await;
    // The second waits for the acknowledgement of the first.
    assert!(!t.in_the_next(Duration::from_secs(1)).await.contains("+CMT"));
    assert_eq!(t.ask("AT+CNMA").await, ["OK"]);
    t.until("+CMT: ").await;
    tokio::time::sleep(Duration::from_secs(16)).await;
    t.in_the_next(Duration::from_secs(1)).await;
    assert_eq!(t.ask("AT+CNMI?").await, ["+CNMI: 2,0,0,0,0", "OK"]);
    assert_eq!(t.ask("AT+CNMA").await, ["+CMS ERROR: 340"]);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((sim.stored().len(), sim.waiting()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn mode_0_keeps_indications_until_they_are_wanted() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    t.ask("AT+CNMI=0,1,0,0,0").await;
    sim.deliver(FROM, "one").unwrap();
    assert_eq!(t.in_the_next(Duration::from_secs(1)).await, "");
    t.ask("AT+CNMI=2,1,0,0,0").await;
    t.until("+CMTI: \"SM\",1\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn flags_delete_by_status() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    for status in [Status::Unread, Status::Read, Status::Unsent, Status::Sent] {
        sim.put(Storage::Sm, status, "000102").unwrap();
    }
    assert_eq!(t.ask("AT+CMGD=?").await, ["+CMGD: (1,2,3,4),(0-4)", "OK"]);
    for (flag, left) in [(1, 3), (2, 2), (3, 1), (4, 0)] {
        t.ask(&format!("AT+CMGD=1,{flag}")).await;
        assert_eq!(sim.stored().len(), left, "flag {flag}");
    }
}

#[tokio::test(start_paused = true)]
async fn prompt_then_ctrl_z_sends() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    assert_eq!(send_text(&mut t, FROM, "hello", false).await, ["+CMGS: 0", "OK"]);
    assert_eq!(send_text(&mut t, FROM, "again", false).await, ["+CMGS: 1", "OK"]);
    let sent = sim.sent();
    assert_eq!((sent[0].to.as_str(), sent[0].text.as_deref(), sent[0].mr), (FROM, Some("hello"), 0));
    assert_eq!(sent[1].mr, 1);
}

#[tokio::test(start_paused = true)]
async fn escape_at_the_prompt_sends_nothing() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    t.write(b"AT+CMGS=20\r").await;
    t.until("> ").await;
    t.write(b"0011\x1b").await;
    assert_eq!(t.result().await, ["OK"]);
    assert_eq!(t.ask("AT").await, ["OK"]);
    assert!(sim.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_length_that_does_not_match_is_refused() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    for (pdu, length) in [("0001000B916407281553F800000AE8329BFD4697D9EC37", 21), ("00ZZ", 1), ("", 7)] {
        assert_eq!(t.send(pdu, length).await, ["+CMS ERROR: 304"], "{pdu}");
    }
    // The length is right, but the user data is cut short.
    assert_eq!(t.send("0001000B916407281553F800000AE832", 15).await, ["+CMS ERROR: 304"]);
    assert!(sim.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_network_or_service_centre_nothing_is_sent() {
    let sim = Simulator::new(Options { service_centre: String::new(), ..Options::default() });
    let mut t = quiet(&sim).await;
    assert_eq!(send_text(&mut t, FROM, "hello", false).await, ["+CMS ERROR: 330"]);
    t.ask("AT+CSCA=\"+79210000000\",145").await;
    sim.set_registration(2);
    assert_eq!(send_text(&mut t, FROM, "hello", false).await, ["+CMS ERROR: 331"]);
    sim.set_registration(5);
    assert_eq!(send_text(&mut t, FROM, "hello", false).await, ["+CMGS: 0", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn urcs_wait_for_the_end_of_a_prompt() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    t.ask("AT+CNMI=2,1,0,0,0").await;
    t.write(b"AT+CMGS=20\r").await;
    t.until("> ").await;
    sim.deliver(FROM, "hello").unwrap();
    assert_eq!(t.in_the_next(Duration::from_secs(1)).await, "");
    t.write(b"\x1b").await;
    t.until("OK\r\n").await;
    t.until("+CMTI: \"SM\",1\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn a_report_goes_where_cnmi_says() {
    let sim = Simulator::new(Options { report_delay: Duration::from_secs(2), ..Options::default() });
    let mut t = quiet(&sim).await;
    t.ask("AT+CNMI=2,1,0,1,0").await;
    send_text(&mut t, FROM, "no report", false).await;
    send_text(&mut t, FROM, "direct", true).await;
    t.until("+CDS: ").await;
    let lines = t.until("\r\n").await + &t.until("\r\n").await;
    assert_eq!(report_in(&lines), (1, 0));

    t.ask("AT+CNMI=2,1,0,2,0").await;
    sim.set_reports(Reports::After(0x46));
    send_text(&mut t, FROM, "stored", true).await;
    t.until("\r\n+CDSI: \"SR\",1\r\n").await;
    t.ask("AT+CPMS=\"SR\"").await;
    assert_eq!(report_in(&t.ask("AT+CMGR=1").await.join(" ")), (2, 0x46));
}

#[tokio::test(start_paused = true)]
async fn without_a_report_storage_reports_take_slots_of_the_sim() {
    let mut profile = VendorProfile::huawei();
    profile.storages = &[Storage::Sm];
    let sim = Simulator::new(Options { profile, ..Options::default() });
    let mut t = quiet(&sim).await;
    t.ask("AT+CNMI=2,1,0,2,0").await;
    send_text(&mut t, FROM, "hello", true).await;
    t.until("\r\n+CDSI: \"SM\",0\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn a_report_can_come_before_the_answer_or_when_released() {
    let sim = Simulator::new(Options { reports: Reports::BeforeAnswer(0), ..Options::default() });
    let mut t = quiet(&sim).await;
    t.ask("AT+CNMI=2,1,0,2,0").await;
    assert_eq!(send_text(&mut t, FROM, "hello", true).await, ["+CDSI: \"SR\",1", "+CMGS: 0", "OK"]);
    sim.set_reports(Reports::Held);
    send_text(&mut t, FROM, "hello", true).await;
    assert_eq!(t.in_the_next(Duration::from_secs(60)).await, "");
    assert_eq!(sim.release_reports(0), 1);
    t.until("+CDSI: \"SR\",2\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn the_network_takes_its_time_and_typing_waits_for_it() {
    let sim = Simulator::new(Options { submit_delay: Duration::from_secs(3), ..Options::default() });
    let mut t = quiet(&sim).await;
    t.ask("AT+CNMI=2,1,0,0,0").await;
    t.write(b"AT+CMGS=22\r").await;
    t.until("> ").await;
    t.write(b"0001000B916407281553F800000AE8329BFD4697D9EC37\x1aAT+CSQ\r").await;
    assert_eq!(t.in_the_next(Duration::from_secs(2)).await, "");
    // Unasked lines may come in between.
    sim.deliver(FROM, "hello").unwrap();
    assert_eq!(t.result().await, ["+CMTI: \"SM\",1", "+CMGS: 0", "OK"]);
    assert_eq!(t.result().await, ["+CSQ: 20,99", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_to_the_own_number_comes_back() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    let number = Options::default().number;
    send_text(&mut t, &number, "Привет", false).await;
    let stored = sim.stored();
    let pdu = Pdu::decode_hex(&stored[0].pdu, Direction::MobileTerminated).unwrap();
    let Tpdu::Deliver(deliver) = pdu.tpdu else { panic!() };
    assert_eq!((deliver.from.to_string(), deliver.user_data.text()), (number, Some("Привет".into())));
}

#[tokio::test(start_paused = true)]
async fn a_written_message_is_sent_from_its_slot() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    t.write(b"AT+CMGW=22\r").await;
    t.until("> ").await;
    t.write(b"0001000B916407281553F800000AE8329BFD4697D9EC37\x1a").await;
    assert_eq!(t.result().await, ["+CMGW: 1", "OK"]);
    assert_eq!(sim.stored()[0].status, Status::Unsent);
    assert_eq!(t.ask("AT+CMSS=1").await, ["+CMSS: 0", "OK"]);
    assert_eq!(sim.stored()[0].status, Status::Sent);
    assert_eq!(sim.sent()[0].text.as_deref(), Some("hellohello"));
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_is_shown_only_when_asked_for() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    assert!(!sim.broadcast("00010002"));
    t.ask("AT+CNMI=2,1,2,0,0").await;
    assert!(sim.broadcast("00010002"));
    t.until("\r\n+CBM: 4\r\n00010002\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn nonsense_is_delivered_as_it_is() {
    let sim = Simulator::default();
    sim.deliver_pdu("07FF");
    sim.deliver_pdu("XYZ");
    assert_eq!(sim.stored().len(), 2);
    let mut t = quiet(&sim).await;
    assert_eq!(t.ask("AT+CMGL=4").await, ["+CMGL: 1,0,,0", "07FF", "+CMGL: 2,0,,0", "XYZ", "OK"]);
}
