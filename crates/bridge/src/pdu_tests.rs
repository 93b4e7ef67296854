//! What is read of PDUs that senders and modems get wrong.

use smsbridge_codec as codec;

use super::*;
use crate::event::{MessageKind, MmsWaiting, Waiting};
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
        assert_eq!(length(&body).unwrap().parts, lengths.len());
    }
}

/// A message of this coding and user data.
fn message(dcs: u8, user_data: codec::UserData<'static>) -> ReceivedMessage {
    joined(&[pdu_of(codec::Pid::PLAIN, dcs, user_data)])
}

fn pdu_of(pid: codec::Pid, dcs: u8, user_data: codec::UserData<'static>) -> String {
    let from = codec::Address::from_number(ALICE).unwrap();
    let stamp = codec::Timestamp::from_unix(T0 / 1000, 4);
    let mut deliver = codec::Deliver::new(from, codec::Dcs(dcs), stamp, user_data);
    deliver.pid = pid;
    hex(codec::Tpdu::Deliver(deliver))
}

fn text(text: &str) -> codec::UserData<'static> {
    codec::UserData::from_text(text).unwrap()
}

fn data(elements: &[(u8, &[u8])], octets: &[u8]) -> codec::UserData<'static> {
    let element = |&(id, data)| codec::Element { id: codec::ElementId(id), data };
    let elements: Vec<_> = elements.iter().map(element).collect();
    codec::UserData::from_data(&elements, octets).unwrap()
}

#[test]
fn a_message_to_be_read_has_no_kind() {
    for dcs in [0x00, 0x10, 0x11, 0xF1] {
        let plain = message(dcs, text("Hello"));
        assert_eq!((plain.kind, plain.replaces, plain.waiting, plain.mms), (None, None, Vec::new(), None));
        assert_eq!(plain.from_type.as_deref(), Some("international"));
    }
    assert_eq!(joined(&[short("InfoBank", "Hello", T0)]).from_type.as_deref(), Some("alphanumeric"));
}

#[test]
fn silent_and_replacing_messages_are_told_by_their_protocol_identifier() {
    for (pid, kind, replaces) in [
        (0x40, Some(MessageKind::Silent), None),
        (0x41, None, Some(1)),
        (0x47, None, Some(7)),
        (0x48, None, None),
        (0x7F, Some(MessageKind::Data), None),
    ] {
        let message = joined(&[pdu_of(codec::Pid(pid), 0x00, text("Hello"))]);
        assert_eq!((message.kind, message.replaces), (kind, replaces), "{pid:02X}");
        assert_eq!(message.text.as_deref(), Some("Hello"));
    }
}

#[test]
fn waiting_voice_mail_is_told_with_its_number() {
    let voicemail = |active, count| vec![Waiting { kind: "voicemail".to_owned(), active, count }];
    for (dcs, elements, waiting) in [
        (0xC8, vec![], voicemail(true, None)),
        (0xD0, vec![], voicemail(false, None)),
        (0x00, vec![(0x01, &[0x80, 3][..])], voicemail(true, Some(3))),
        (0xD8, vec![(0x01, &[0x80, 3][..])], voicemail(true, Some(3))),
        (0x00, vec![(0x01, &[0x00, 0][..])], voicemail(false, Some(0))),
        (0x00, vec![(0x23, &[0x00, 0x04, 0x91, 0x21, 0x43, 5, 0][..])], voicemail(true, Some(5))),
    ] {
        let element = |&(id, data)| codec::Element { id: codec::ElementId(id), data };
        let elements: Vec<_> = elements.iter().map(element).collect();
        let user_data = codec::UserData::from_septets(&elements, b"Voice mail").unwrap();
        let message = message(dcs, user_data);
        assert_eq!((message.kind, message.waiting), (Some(MessageKind::Waiting), waiting), "{dcs:02X}");
    }
}

#[test]
fn a_multimedia_message_is_told_with_sender_size_and_place() {
    // Of an English operator; see crates/codec/tests/vectors/mms.json.
    let parts = [
        "0791447758100650400E80885810000000810004016082415464408C0C08049F8E020105040B8423F00106226170706C69636174696F6E2F766E642E7761702E6D6D732D6D65737361676500AF848C82984E4F4B3543694B636F544D595347344D4253774141734B7631344655484141414141414141008D908919802B3434373738353334323734392F545950453D504C4D4E008A808E0274008805810301194083687474703A2F",
        "0791447758100650440E8088581000000081000401608241547440440C08049F8E020205040B8423F02F70726F6D6D732F736572766C6574732F4E4F4B3543694B636F544D595347344D4253774141734B763134465548414141414141414100",
    ]
    .map(str::to_owned);
    let whole = joined(&parts);
    assert_eq!(whole.kind, Some(MessageKind::Mms));
    let expected = MmsWaiting {
        from: Some("+447785342749".to_owned()),
        subject: None,
        size: Some(29_696),
        location: Some("http://promms/servlets/NOK5CiKcoTMYSG4MBSwAAsKv14FUHAAAAAAAA".to_owned()),
    };
    assert_eq!(whole.mms, Some(expected));
    assert!(whole.data.is_some() && whole.text.is_none());
    // Half of it would give half a place.
    for part in parts {
        let half = joined(&[part]);
        assert_eq!((half.kind, half.mms), (Some(MessageKind::Data), None));
    }
}

#[test]
fn data_that_is_a_printable_text_is_given_as_both() {
    for (octets, expected) in [
        (&b"12345 678"[..], Some("12345 678")),
        ("Счёт 12345".as_bytes(), Some("Счёт 12345")),
        (b"Zaehler 5\r\n\0\0", Some("Zaehler 5\r\n")),
        (b"Stra\xDFe 5", Some("Straße 5")),
        (b"\xDF\xE4\xFF\xC0 1", None),
        (b"\x01\x02\x03abc", None),
        (b"\0\0", None),
        (b"", None),
    ] {
        let message = message(0x04, data(&[], octets));
        assert_eq!((message.text.as_deref(), message.data.as_deref()), (expected, Some(octets)));
        assert_eq!(message.kind, expected.is_none().then_some(MessageKind::Data), "{octets:02X?}");
    }
    // What is for an application stays so.
    let card = message(0x04, data(&[(0x05, &[0x23, 0xF4, 0, 0])], b"BEGIN:VCARD"));
    assert_eq!((card.kind, card.text.as_deref()), (Some(MessageKind::Data), Some("BEGIN:VCARD")));
    // Compressed text is no text until somebody expands it.
    let compressed = pdu_of(codec::Pid::PLAIN, 0x00, text("Hello")).replacen("F80000", "F80020", 1);
    assert_eq!(joined(&[compressed]).text, None);
}

#[test]
fn damaged_pdus_are_read_or_refused_and_never_end_the_program() {
    let mut rng = fastrand::Rng::with_seed(23);
    let mms = "0791447758100650400E80885810000000810004016082415464408C0C08049F8E020105040B8423F00106226170706C69636174696F6E2F766E642E7761702E6D6D732D6D65737361676500AF848C82984E4F4B3543694B636F544D595347344D4253774141734B7631344655484141414141414141008D908919802B3434373738353334323734392F545950453D504C4D4E008A808E0274008805810301194083687474703A2F";
    let mut originals = delivers(ALICE, &"Счёт ".repeat(40), 7, T0);
    originals.extend([
        mms.to_owned(),
        status_report(7),
        short("InfoBank", "{€}", T0),
        ucs2(&[0xFF, 0xFE, 0x1F, 0x04]),
    ]);
    originals.push(pdu_of(codec::Pid::TYPE_0, 0x04, data(&[(0x01, &[0, 3])], b"12345 678")));
    for _ in 0..20_000 {
        let mut pdus: Vec<String> =
            (0..rng.usize(1..4)).map(|_| rng.choice(&originals).unwrap().clone()).collect();
        for pdu in &mut pdus {
            for _ in 0..rng.usize(..4) {
                let at = rng.usize(..pdu.len());
                match rng.u8(..3) {
                    0 => pdu.truncate(at.max(1)),
                    1 => pdu.insert_str(at, &format!("{:X}", rng.u8(..16))),
                    _ => pdu.replace_range(at..=at, &format!("{:X}", rng.u8(..16))),
                }
            }
            let _ = (read(pdu), is_submit(pdu), with_service_centre(pdu.clone(), Some(rng.u16(..200))));
        }
        let _ = (part_texts(&pdus), is_same_user_data(&pdus[0], &pdus[pdus.len() - 1]));
        if let Ok(message) = join(&pdus) {
            assert!(message.text.is_some() || message.data.is_some());
            assert!(message.mms.is_none() || (message.missing.is_empty() && !message.truncated));
        }
    }
}
