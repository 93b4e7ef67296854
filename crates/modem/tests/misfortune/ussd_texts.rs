//! USSD texts as modems print them: whatever is wrong with one, it ends, and the lines after it are heard.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use smsbridge_modem::{Command, Session, Urc, ussd};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, timeout};

use crate::bench::*;

/// What a session without a command makes of these octets.
async fn heard(said: &[u8]) -> Vec<Urc> {
    let (near, mut far) = tokio::io::duplex(said.len().max(1));
    let mut session = Session::new(near);
    far.write_all(said).await.expect("room in the line");
    let mut urcs = Vec::new();
    while let Ok(urc) = timeout(Duration::from_secs(5), session.next_event()).await {
        urcs.push(urc.expect("a session that goes on"));
    }
    urcs
}

fn is_notice(urc: &Urc) -> bool {
    matches!(urc, Urc::MessageStored { slot: 3, .. })
}

#[tokio::test(start_paused = true)]
async fn a_notice_after_a_text_is_heard_whatever_the_text_lacks() {
    let rows = [
        ("signed scheme", "+CUSD: 0,\"Balance 12.50\",-12", "Balance 12.50"),
        ("hexadecimal scheme", "+CUSD: 0,\"Balance 12.50\",0x0F", "Balance 12.50"),
        ("no scheme", "+CUSD: 0,\"Balance 12.50\"", "Balance 12.50"),
        ("quotes inside", "+CUSD: 0,\"Say \"hi\", now\",15", "Say \"hi\", now"),
        ("ends in a quoted word", "+CUSD: 0,\"Say \"hi\"", "Say \"hi"),
        ("lost closing quote", "+CUSD: 0,\"Balance 12.50", "Balance 12.50"),
        ("lost closing quote, scheme", "+CUSD: 0,\"Balance 12.50,15", "Balance 12.50,15"),
        ("lost opening quote", "+CUSD: 0,Balance 12.50\",15", "Balance 12.50"),
        ("several lines", "+CUSD: 1,\"1 Balance\n2 Bonus\",15", "1 Balance\n2 Bonus"),
        ("several lines, lost closing quote", "+CUSD: 1,\"1 Balance\n2 Bonus", "1 Balance\n2 Bonus"),
    ];
    for (name, line, expect) in rows {
        let urcs = heard(format!("\r\n{line}\r\n\r\n+CMTI: \"SM\",3\r\n").as_bytes()).await;
        let [Urc::Ussd { text: Some(text), .. }, notice] = &urcs[..] else { panic!("{name}: {urcs:?}") };
        assert_eq!((&text[..], is_notice(notice)), (expect.as_bytes(), true), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_without_its_closing_quote_ends_with_a_silence() {
    let began = Instant::now();
    let urcs = heard(b"\r\n+CUSD: 0,\"Balance\n12.50\r\n").await;
    assert!(
        matches!(&urcs[..], [Urc::Ussd { text: Some(text), .. }] if text == b"Balance\n12.50"),
        "{urcs:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_text_without_its_closing_quote_takes_no_answer_and_no_notice() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    ussd::send(&mut session, "*999#").await.unwrap();
    sim.send_urc("+CUSD: 0,\"Balance 12.50");
    let signal = session.command(Command::new("AT+CSQ").answer_prefix("+CSQ:")).await.unwrap();
    assert_eq!(signal.first(), Some("+CSQ: 20,99"));
    sim.send_urc("+CUSD: 0,\"Balance 13.50");
    sim.deliver("+491234567", "hello").unwrap();
    wait_for_delivery().await;
    let (mut texts, mut notices) = (Vec::new(), 0);
    while let Ok(urc) = timeout(Duration::from_secs(5), session.next_event()).await {
        match urc.unwrap() {
            Urc::Ussd { text: Some(text), .. } => texts.push(text),
            Urc::MessageStored { .. } => notices += 1,
            _ => {}
        }
    }
    assert_eq!((texts, notices), (vec![b"Balance 12.50".to_vec(), b"Balance 13.50".to_vec()], 1));
}

#[tokio::test(start_paused = true)]
async fn control_codes_in_a_text_are_its_letters() {
    let rows: &[(&str, &[u8], &[u8])] = &[
        ("escape", b"+CUSD: 0,\"5,00 \x1be\",15", b"5,00 \x1be"),
        ("letters", b"+CUSD: 0,\"cr\x05dit \x00\x7f\",15", b"cr\x05dit \x00\x7f"),
        (
            "on the second line",
            b"+CUSD: 0,\"\x1f\r\n  \x05\x00\n\ncr\x05dit\",15",
            b"\x1f\n  \x05\x00\n\ncr\x05dit",
        ),
        ("not ASCII", b"+CUSD: 0,\"\xe4\xff\",15", b"\xe4\xff"),
        ("junk in front", b"\x00\xff+CUSD: 0,\"\x05\",15", b"\x05"),
    ];
    for (name, line, expect) in rows {
        let urcs = heard(&[b"\r\n", *line, b"\r\n\r\n\x00+CMTI: \"SM\",3\r\n"].concat()).await;
        let [Urc::Ussd { text: Some(text), .. }, notice] = &urcs[..] else { panic!("{name}: {urcs:?}") };
        assert_eq!((&text[..], is_notice(notice)), (*expect, true), "{name}");
    }
    let urcs = heard(b"+CUSD: 0,\"lost \x00\r\n\x00\xff+CMTI: \"SM\",3\r\n").await;
    assert!(matches!(&urcs[..], [Urc::Ussd { .. }, notice] if is_notice(notice)), "{urcs:?}");
}

proptest! {
    #[test]
    fn the_octets_of_a_text_come_as_they_were(text in vec(any::<u8>(), 0..180)) {
        // Line ends, and what ends a text, have tests of their own.
        let text: Vec<u8> = text.into_iter().filter(|octet| !matches!(octet, b'\r' | b'\n' | b'"')).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let urcs = runtime.block_on(heard(&[b"\r\n+CUSD: 0,\"", &text[..], b"\",15\r\n"].concat()));
        prop_assert_eq!(urcs, [Urc::Ussd { state: 0, text: Some(text), dcs: Some(15) }]);
    }

    #[test]
    fn a_notice_is_heard_after_any_text(
        text in prop_oneof![
            vec(any::<u8>(), 0..200),
            "[ -~\r\n]{0,200}".prop_map(String::into_bytes),
            "([\",0-9x\r\n]|OK|\\+CUSD: 1,\"|\",15){0,60}".prop_map(String::into_bytes),
        ],
        end in prop_oneof![Just("\",15"), Just("\""), Just("\",-12"), Just(""), Just(","), Just("\",")],
    ) {
        let said = [b"\r\n+CUSD: 0,\"", &text[..], end.as_bytes(), b"\r\n\r\n+CMTI: \"SM\",3\r\n"].concat();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let urcs = runtime.block_on(heard(&said));
        prop_assert!(urcs.iter().any(is_notice), "{:?}", urcs);
        prop_assert!(urcs.iter().any(|urc| matches!(urc, Urc::Ussd { .. })), "{:?}", urcs);
    }
}
