//! The feature `serde`: what is serialized as JSON, and that it reads back.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail a test")]

use std::fmt::Debug;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value, json, to_value};
use smsbridge_codec::gsm7::Languages;
use smsbridge_codec::{
    Address, Alphabet, CommandType, Concatenation, Content, Dcs, DecodeError, Encoding, LanguageChoice,
    MessageClass, MessageWaiting, Outcome, Pdu, Pid, Ports, Reference, ReportRequest, SplitOptions, Status,
    SubmitOptions, Timestamp, TypeOfNumber, Validity, WaitingKind, cbs, count, join, split, submit,
};

/// Fails unless the value is serialized as expected and reads back.
fn is<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, expected: Value) {
    let serialized = to_value(&value).unwrap();
    assert_eq!(serialized, expected, "{value:?}");
    assert_eq!(from_value::<T>(serialized).unwrap(), value);
}

fn refused<T: DeserializeOwned + Debug>(value: Value) -> String {
    from_value::<T>(value).unwrap_err().to_string()
}

#[test]
fn octets_are_numbers() {
    is(Dcs(0xF0), json!(0xF0));
    is(Pid::INTERNET_MAIL, json!(0x32));
    is(Status(0x46), json!(0x46));
    is(CommandType::DELETE, json!(2));
    is(cbs::CbsDcs(0x11), json!(0x11));
    is(MessageClass::Class1, json!(1));
    assert!(refused::<MessageClass>(json!(4)).contains('4'));
}

#[test]
fn choices_are_their_names() {
    for alphabet in [Alphabet::Gsm7, Alphabet::EightBit, Alphabet::Ucs2] {
        is(alphabet, alphabet.name().into());
    }
    for kind in [WaitingKind::Voicemail, WaitingKind::Fax, WaitingKind::Email, WaitingKind::Other] {
        is(kind, kind.name().into());
    }
    for ton in (0..8).map(|ton| Address::from_semi_octets(ton << 4, 0, &[]).unwrap().ton()) {
        is(ton, ton.name().into());
    }
    for outcome in (0..=255).map(|status| Status(status).outcome()) {
        is(outcome, outcome.name().into());
    }
    is(TypeOfNumber::NetworkSpecific, json!("network"));
    is(Outcome::ServiceCentreSpecific, json!("sc-specific"));
    is(Encoding::Ucs2, json!("ucs2"));
    is(LanguageChoice::Only(1), json!({"only": 1}));
    is(ReportRequest::EachPart, json!("each_part"));
    is(Reference::SixteenBit(300), json!({"sixteen_bit": 300}));
    is(Validity::Relative(0xA7), json!({"relative": 0xA7}));
}

#[test]
fn an_address_is_its_octets_in_hexadecimal() {
    is(Address::from_number("+4915112345678").unwrap(), json!("0D91945111325476F8"));
    is(Address::alphanumeric("Parcel24").unwrap(), json!("0ED0D0B07C5C66CB68"));
    assert!(refused::<Address>(json!("0D9194")).contains("remain"));
    assert!(refused::<Address>(json!("0D91945111325476F800")).contains("after the end"));
    assert!(refused::<Address>(json!("+49")).contains("not a hexadecimal digit"));
}

#[test]
fn a_time_is_rfc_3339() {
    is(Timestamp::from_unix(1_795_331_730, 12).unwrap(), json!("2026-11-22T10:15:30+03:00"));
    is(Timestamp::from_unix(1_795_331_730, -21).unwrap(), json!("2026-11-22T02:00:30-05:15"));
    for time in [
        "2026-02-29T12:00:00+00:00",
        "2026-11-22T10:15:30",
        "2026-11-22T10:15:30+03:05",
        "2026-11-22T10:15:30+99:99",
        "2026-11-22 10:15:30+03:00",
        "2026-11-22T10:15:30é03:00",
        "",
    ] {
        assert!(refused::<Timestamp>(json!(time)).contains("not a time"), "{time}");
    }
}

#[test]
fn fields_results_and_errors_are_objects() {
    let place = Concatenation { reference: 7, total: 3, sequence: 2, wide: false };
    is(place, json!({"reference": 7, "total": 3, "sequence": 2, "wide": false}));
    let waiting = MessageWaiting { kind: WaitingKind::Fax, active: true, store: false };
    is(waiting, json!({"kind": "fax", "active": true, "store": false}));
    is(Languages { locking: 1, single_shift: 0 }, json!({"locking": 1, "single_shift": 0}));
    is(
        count("Pump 3: 5 €", &SplitOptions::default()).unwrap(),
        json!({
            "alphabet": "gsm7", "languages": {"locking": 0, "single_shift": 0},
            "parts": 1, "units": 12, "units_left": 148,
        }),
    );
    is(
        join(&split("Hi", &SplitOptions::default()).unwrap()).unwrap(),
        json!({"content": {"text": "Hi"}, "total": 1, "missing": [], "duplicates": 0}),
    );
    is(Content::Data(vec![1, 2]), json!({"data": [1, 2]}));
    is(
        submit("123", "Hi", &SubmitOptions::default()).unwrap().remove(0),
        json!({"hex": "000100038121F3000002C834", "tpdu_length": 11}),
    );
    is::<DecodeError>(
        Pdu::decode(&[0x00, 0x04], smsbridge_codec::Direction::MobileTerminated).unwrap_err(),
        json!({"field": "originating_address", "octet": 2, "kind": "missing"}),
    );
}

#[test]
fn options_may_be_given_in_part() {
    let options: SubmitOptions =
        from_value(json!({"report": "last_part", "split": {"encoding": "gsm7"}})).unwrap();
    let split = SplitOptions::default().with_encoding(Encoding::Gsm7);
    assert_eq!(options, SubmitOptions::default().with_report(ReportRequest::LastPart).with_split(split));
    let ports = Ports { destination: 2948, source: 9200, wide: true };
    let options = options
        .with_split(split.with_ports(ports).with_reference(Reference::SixteenBit(9)))
        .with_service_centre(Address::from_number("+31624000000").unwrap())
        .with_class(MessageClass::Class0);
    assert_eq!(from_value::<SubmitOptions>(to_value(options).unwrap()).unwrap(), options);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_address_reads_back(toa: u8, octets in prop::collection::vec(any::<u8>(), 0..=10), odd: bool) {
        let length = octets.len() * 2 - usize::from(odd && !octets.is_empty());
        let address = Address::from_semi_octets(toa, length as u8, &octets).unwrap();
        prop_assert_eq!(from_value::<Address>(to_value(address).unwrap()).unwrap(), address);
    }

    #[test]
    fn any_time_reads_back(seconds in 80_000..3_155_000_000i64, quarter_hours in -79..=79i8) {
        let time = Timestamp::from_unix(seconds, quarter_hours).unwrap();
        prop_assert_eq!(from_value::<Timestamp>(to_value(time).unwrap()).unwrap(), time);
    }

    #[test]
    fn any_text_in_place_of_a_time_is_refused_or_read(text in "[0-9T:+-]{0,30}|.{0,30}") {
        let _ = from_value::<Timestamp>(json!(text));
    }
}
