//! What is read of PDUs that senders and modems get wrong.

use smsbridge_codec as codec;

use super::*;
use crate::pdu_fixtures::{changed_deliver, delivers, hex, short};

const ALICE: &str = "+4915112345678";
const T0: i64 = 1_795_331_735_000;

fn joined(pdus: &[String]) -> ReceivedMessage {
    join(pdus).expect("it can be read")
}

/// A message in UCS-2 of these octets.
fn ucs2(octets: &[u8]) -> String {
    let head = "00040D91945111325476F8000862112270515340";
    format!("{head}{:02X}{}", octets.len(), codec::hex::encode(octets))
}

#[test]
fn of_a_message_that_is_cut_the_text_that_came_is_read() {
    let whole = short(ALICE, "Hello, world", T0);
    assert!(!joined(std::slice::from_ref(&whole)).truncated);
    for (missing, text) in [(1, "Hello, worl"), (2, "Hello, worl"), (8, "Hello, w"), (22, "")] {
        let cut = whole[..whole.len() - missing].to_owned();
        assert!(matches!(read(&cut), Reading::Part(_)), "{cut}");
        let message = joined(&[cut]);
        assert_eq!((message.from.as_str(), message.text.as_deref()), (ALICE, Some(text)));
        assert!(message.truncated && message.sent_at.is_some());
    }
    // Without the whole time stamp there is nothing to tell.
    assert!(matches!(read(&whole[..36]), Reading::Undecodable(_)));
}

#[test]
fn a_long_message_with_a_cut_part_is_truncated() {
    let mut parts = delivers(ALICE, &"a".repeat(200), 7, T0);
    let last = parts.last_mut().unwrap();
    last.truncate(last.len() - 10);
    let message = joined(&parts);
    assert!(message.truncated && message.missing.is_empty());
    let length = message.text.unwrap().len();
    assert!((190..200).contains(&length), "{length} characters");
}

#[test]
fn marks_and_zeros_around_a_text_are_no_part_of_it() {
    for (octets, text) in [
        (&[0xFE, 0xFF, 0x04, 0x1F, 0x04, 0x30][..], "Па"),
        (&[0xFF, 0xFE, 0x1F, 0x04, 0x30, 0x04], "Па"),
        (&[0x04, 0x1F, 0x04, 0x30, 0x00, 0x00, 0x00, 0x00], "Па"),
        (&[0xFF, 0xFE, 0x1F, 0x04, 0x00, 0x00], "П"),
        (&[0x04, 0x1F, 0x00, 0x00, 0x04, 0x30], "П\0а"),
    ] {
        let message = joined(&[ucs2(octets)]);
        assert_eq!((message.text.as_deref(), message.truncated), (Some(text), false), "{octets:02X?}");
    }
}

#[test]
fn a_service_centre_without_digits_is_none() {
    let tpdu = short(ALICE, "Hello", T0)[2..].to_owned();
    for (address, expected) in
        [("00", None), ("0100", None), ("0191", None), ("0291FF", None), ("039121F4", Some("+124"))]
    {
        assert_eq!(joined(&[format!("{address}{tpdu}")]).service_center.as_deref(), expected, "{address}");
    }
}

fn status_report(mr: u8) -> String {
    let to = codec::Address::from_number(ALICE).unwrap();
    let stamp = codec::Timestamp::from_unix(T0 / 1000, 4);
    hex(codec::Tpdu::StatusReport(codec::StatusReport::new(mr, to, stamp, stamp, codec::Status(0))))
}

#[test]
fn a_pdu_without_service_centre_address_is_known_by_its_length() {
    // A reference that looks like the type of an address as well.
    for whole in [short(ALICE, "Hello", T0), status_report(7), status_report(0x91)] {
        let bare = whole[2..].to_owned();
        let octets = u16::try_from(bare.len() / 2).unwrap();
        assert_eq!(with_service_centre(bare.clone(), Some(octets)), whole);
        for length in [None, Some(octets - 1), Some(octets + 1)] {
            assert_eq!(with_service_centre(bare.clone(), length), bare, "{length:?}");
        }
    }
}

#[test]
fn a_length_that_counts_the_service_centre_address_changes_nothing() {
    for address in ["00", "0791947106004034"] {
        for tpdu in [short(ALICE, "Hello", T0), status_report(7)] {
            let pdu = format!("{address}{}", &tpdu[2..]);
            let length = u16::try_from(pdu.len() / 2).unwrap();
            assert_eq!(with_service_centre(pdu.clone(), Some(length)), pdu);
            assert_eq!(with_service_centre(pdu.clone(), Some(length - address.len() as u16 / 2)), pdu);
        }
    }
}

#[test]
fn a_message_to_be_sent_is_told_from_one_received() {
    for text in ["Hi", "A longer text that somebody has kept on the SIM for later."] {
        let submits = codec::submit(ALICE, text, &codec::SubmitOptions::default()).unwrap();
        assert!(is_submit(&submits[0].hex), "{text}");
        assert!(!is_submit(&short(ALICE, text, T0)), "{text}");
    }
    assert!(!is_submit(&status_report(7)) && !is_submit("0791") && !is_submit(""));
}

#[test]
fn the_same_user_data_is_told_whatever_is_around_it() {
    let [one, other] = [short(ALICE, "Hello", T0), short("+491", "Hello", T0 + 6000)];
    assert!(is_same_user_data(&one, &other));
    let moved = changed_deliver(&one, |deliver| deliver.more_messages = true);
    assert!(is_same_user_data(&one, &moved) && !is_same_user_data(&one, &short(ALICE, "Hullo", T0)));
    assert!(is_same_user_data("0791", "0791") && !is_same_user_data("0791", "0792"));
}

#[test]
fn a_message_has_as_many_pdus_as_lengths() {
    let body = |content: Content| Body {
        content,
        class: None,
        encoding: codec::Encoding::Auto,
        transliterate: false,
    };
    let data = Content::Data { octets: vec![0; 300], destination_port: 2948 };
    for (content, expected) in [
        (Content::Text("Hello".to_owned()), vec!["Gsm7 5"]),
        (Content::Text("x".repeat(200)), vec!["Gsm7 160", "Gsm7 54"]),
        (Content::Text("ж".repeat(100)), vec!["Ucs2 140", "Ucs2 72"]),
        (data, vec!["EightBit 140", "EightBit 140", "EightBit 56"]),
    ] {
        let body = body(content);
        let lengths = part_lengths(&body).unwrap();
        assert_eq!(lengths, expected);
        assert_eq!(build("+4915112345678", &body, 7, true, None).unwrap().len(), lengths.len());
        assert_eq!(count(&body).unwrap().1, lengths.len());
    }
}
