//! What must hold for any input: an encoded PDU decodes to the same, split parts join to the text, `count` agrees with
//! `split`. That decoding never panics is tested in `mutations.rs`.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail a test")]

mod random;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use random::Random;
use smsbridge_codec::{
    Address, Alphabet, Command, CommandType, Content, Dcs, Deliver, DeliverReport, Direction, Encoding,
    FailureCause, LanguageChoice, MessageClass, Parameters, Pdu, Pid, Ports, Reference, ReportRequest,
    SplitOptions, Status, StatusReport, Submit, SubmitOptions, SubmitReport, Timestamp, Tpdu, UserData,
    Validity, count, count_data, gsm7, hex, join, split, split_data, submit, transliterate,
};

fn address() -> impl Strategy<Value = Address> {
    let raw = (any::<u8>(), vec(any::<u8>(), 0..=10), any::<bool>()).prop_map(|(toa, octets, odd)| {
        let length = octets.len() * 2 - usize::from(odd && !octets.is_empty());
        Address::from_semi_octets(toa, length as u8, &octets).unwrap()
    });
    prop_oneof![
        raw,
        r"\+?[0-9*#abc]{1,20}".prop_map(|number| Address::from_number(&number).unwrap()),
        "[A-Za-z0-9 @ÄÖÜ]{1,11}".prop_map(|name| Address::alphanumeric(&name).unwrap()),
    ]
}

/// A service centre address counts whole octets, so only a filler marks an odd number of digits.
fn service_centre() -> impl Strategy<Value = Option<Address>> {
    option::of(r"\+?[0-9*#abc]{1,20}".prop_map(|number| Address::from_number(&number).unwrap()))
}

fn time() -> impl Strategy<Value = Option<Timestamp>> {
    option::of(
        (0..3_155_000_000i64, -79..=79i8)
            .prop_filter_map("within 1970 to 2069", |(seconds, zone)| Timestamp::from_unix(seconds, zone)),
    )
}

fn validity() -> impl Strategy<Value = Option<Validity>> {
    option::of(prop_oneof![
        any::<u8>().prop_map(Validity::Relative),
        any::<[u8; 7]>().prop_map(Validity::Absolute),
        any::<[u8; 7]>().prop_map(Validity::Enhanced),
    ])
}

/// User data with its coding: whatever the decoder makes of random octets, and text.
fn coded() -> impl Strategy<Value = (Dcs, UserData<'static>)> {
    let raw = (any::<u8>(), any::<bool>(), 0..=160u8, vec(any::<u8>(), 140));
    let read = raw.prop_filter_map("reads as user data", |(dcs, header, length, octets)| {
        let first = if header { 0x44 } else { 0x04 };
        let tpdu = [&[first, 0, 0x91, 0, dcs, 0, 0, 0, 0, 0, 0, 0, length][..], &octets].concat();
        match Tpdu::decode(&tpdu, Direction::MobileTerminated) {
            Ok(Tpdu::Deliver(deliver)) => Some((Dcs(dcs), deliver.user_data.into_owned())),
            _ => None,
        }
    });
    let text = vec(any::<char>(), 0..=30).prop_map(|text| {
        let user_data = UserData::from_text(&text.into_iter().collect::<String>()).unwrap();
        (Dcs::new(user_data.alphabet(), None), user_data)
    });
    prop_oneof![read, text]
}

fn parameters() -> impl Strategy<Value = Parameters<'static>> {
    (option::of(any::<u8>()), option::of(coded())).prop_map(|(pid, coded)| {
        let mut parameters = Parameters::default();
        parameters.pid = pid.map(Pid);
        (parameters.dcs, parameters.user_data) = coded.unzip();
        parameters
    })
}

fn cause() -> impl Strategy<Value = Option<FailureCause>> {
    option::of((0x80..=0xFFu8).prop_map(FailureCause))
}

fn tpdu() -> impl Strategy<Value = Tpdu<'static>> {
    let flags = any::<[bool; 4]>();
    prop_oneof![
        (flags, address(), any::<u8>(), time(), coded()).prop_map(
            |(flags, from, pid, sent_at, (dcs, user_data))| {
                let mut deliver = Deliver::new(from, dcs, sent_at, user_data);
                deliver.more_messages = flags[0];
                deliver.loop_prevention = flags[1];
                deliver.reply_path = flags[2];
                deliver.status_report_indication = flags[3];
                deliver.pid = Pid(pid);
                Tpdu::Deliver(deliver)
            }
        ),
        (flags, any::<(u8, u8)>(), address(), validity(), coded()).prop_map(
            |(flags, (reference, pid), to, validity, (dcs, user_data))| {
                let mut submit = Submit::new(to, dcs, user_data);
                submit.reject_duplicates = flags[0];
                submit.status_report_request = flags[1];
                submit.reply_path = flags[2];
                submit.reference = reference;
                submit.pid = Pid(pid);
                submit.validity = validity;
                Tpdu::Submit(submit)
            }
        ),
        (flags, any::<(u8, u8)>(), address(), (time(), time()), option::of(parameters())).prop_map(
            |(flags, (reference, status), to, (sent_at, discharged_at), parameters)| {
                let mut report = StatusReport::new(reference, to, sent_at, discharged_at, Status(status));
                report.more_messages = flags[0];
                report.loop_prevention = flags[1];
                report.for_command = flags[2];
                report.parameters = parameters;
                Tpdu::StatusReport(report)
            }
        ),
        (flags, any::<[u8; 4]>(), address(), vec(any::<u8>(), 0..=157)).prop_map(
            |(flags, octets, to, data)| {
                let mut command = Command::new(CommandType(octets[2]), octets[3], to);
                command.status_report_request = flags[0];
                command.has_header = flags[1];
                command.reference = octets[0];
                command.pid = Pid(octets[1]);
                command.data = data.into();
                Tpdu::Command(command)
            }
        ),
        (cause(), parameters()).prop_map(|(cause, parameters)| {
            let mut report = DeliverReport::default();
            (report.cause, report.parameters) = (cause, parameters);
            Tpdu::DeliverReport(report)
        }),
        (cause(), time(), parameters()).prop_map(|(cause, sent_at, parameters)| {
            let mut report = SubmitReport::default();
            (report.cause, report.sent_at, report.parameters) = (cause, sent_at, parameters);
            Tpdu::SubmitReport(report)
        }),
    ]
}

/// Text of all kinds: any Unicode, plain 7-bit, one script, emoji of several code points.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(any::<char>(), 0..700).prop_map(String::from_iter),
        "[ -~€\n]{0,900}",
        "[а-яА-Я ]{0,500}",
        vec(prop_oneof![Just("👨‍👩‍👧"), Just("🇩🇪"), Just("e\u{301}"), Just("x"), Just("{")], 0..200)
            .prop_map(|pieces| pieces.concat()),
        "[a-zğüşıöçİŞĞ€ ]{0,400}",
        "[अ-ह ]{0,400}",
    ]
}

fn split_options() -> impl Strategy<Value = SplitOptions> {
    let encoding = prop_oneof![Just(Encoding::Auto), Just(Encoding::Gsm7), Just(Encoding::Ucs2)];
    let reference =
        prop_oneof![any::<u8>().prop_map(Reference::EightBit), any::<u16>().prop_map(Reference::SixteenBit)];
    let ports = option::of(any::<(u16, u16, bool)>().prop_map(|(destination, source, wide)| {
        let wide = wide || destination > 255 || source > 255;
        Ports { destination, source, wide }
    }));
    let languages = prop_oneof![
        4 => Just(LanguageChoice::None),
        2 => (1..=13u8).prop_map(LanguageChoice::Only),
        1 => Just(LanguageChoice::Any),
    ];
    (encoding, reference, ports, languages, any::<bool>()).prop_map(
        |(encoding, reference, ports, languages, keep_graphemes)| {
            SplitOptions::default()
                .with_encoding(encoding)
                .with_reference(reference)
                .with_ports(ports)
                .with_languages(languages)
                .with_keep_graphemes(keep_graphemes)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_encoded_pdu_decodes_to_the_same(service_centre in service_centre(), tpdu in tpdu()) {
        let direction = tpdu.direction();
        let pdu = Pdu { service_centre, tpdu };
        let written = pdu.encode().unwrap();
        let octets = hex::decode(&written.hex).unwrap();
        let read = Pdu::decode(&octets, direction).unwrap();
        prop_assert_eq!(&read, &pdu);
        let before = service_centre.map_or(1, |address| address.octets().len() + 2);
        prop_assert_eq!(written.tpdu_length, octets.len() - before);
    }

    #[test]
    fn parts_in_any_order_join_to_the_text(
        text in text(),
        options in split_options(),
        (order, again) in any::<(u64, prop::sample::Index)>(),
    ) {
        let Ok(parts) = split(&text, &options) else {
            // A text of this size only fails in a requested alphabet.
            prop_assert_eq!(options.encoding, Encoding::Gsm7);
            return Ok(());
        };
        // Encoded and decoded, as parts arrive.
        let wire: Vec<Vec<u8>> = parts.iter().map(|part| {
            let dcs = Dcs::new(part.alphabet(), None);
            let mut octets = Vec::new();
            let from = Address::from_number("+49151").unwrap();
            let sent_at = Timestamp::from_unix(0, 0).unwrap();
            Tpdu::Deliver(Deliver::new(from, dcs, sent_at, part.clone())).encode_into(&mut octets).unwrap();
            octets
        }).collect();
        let mut tpdus: Vec<Tpdu<'_>> =
            wire.iter().map(|octets| Tpdu::decode(octets, Direction::MobileTerminated).unwrap()).collect();
        let twice = tpdus[again.index(tpdus.len())].clone();
        tpdus.push(twice);
        shuffle(&mut tpdus, order);
        let joined = join(tpdus.iter().filter_map(Tpdu::user_data)).unwrap();
        prop_assert!(joined.is_complete());
        prop_assert_eq!(joined.duplicates, 1);
        prop_assert_eq!(usize::from(joined.total), parts.len());
        prop_assert_eq!(joined.content, Content::Text(text));
        for tpdu in &tpdus {
            prop_assert_eq!(tpdu.user_data().and_then(UserData::ports), options.ports);
        }
    }

    #[test]
    fn count_agrees_with_split(text in text(), options in split_options()) {
        match (count(&text, &options), split(&text, &options)) {
            (Ok(count), Ok(parts)) => {
                prop_assert_eq!(count.parts, parts.len());
                prop_assert!(parts.iter().all(|part| part.alphabet() == count.alphabet));
                prop_assert_eq!(parts[0].languages().unwrap_or_default(), count.languages);
                let units = |part: &UserData<'_>| part.septets().unwrap_or(part.data().len() / 2);
                prop_assert_eq!(count.units, parts.iter().map(units).sum::<usize>());
                let last = parts.last().unwrap();
                let free = 140 - last.octets().len();
                let left = if last.septets().is_some() {
                    160 - usize::from(last.length())
                } else {
                    free / 2
                };
                prop_assert_eq!(count.units_left, left);
            }
            (Err(count), Err(split)) => prop_assert_eq!(count, split),
            (count, split) => prop_assert!(false, "count {count:?}, split {split:?}"),
        }
    }

    #[test]
    fn no_part_but_the_last_has_room_for_the_next_character(text in text(), options in split_options()) {
        let options = options.with_keep_graphemes(false);
        let Ok(parts) = split(&text, &options) else { return Ok(()) };
        for pair in parts.windows(2) {
            let next = pair[1].text().unwrap().chars().next().unwrap();
            let (free, needed) = match pair[0].septets() {
                Some(_) => (160 - usize::from(pair[0].length()), 2),
                None => ((140 - pair[0].octets().len()) / 2, next.len_utf16()),
            };
            prop_assert!(free < needed, "{free} units free before {next:?}");
        }
    }

    #[test]
    fn keeping_graphemes_takes_no_further_part(text in text(), options in split_options()) {
        let counts = [false, true].map(|keep_graphemes| {
            count(&text, &options.with_keep_graphemes(keep_graphemes)).map(|count| count.parts)
        });
        prop_assert_eq!(counts[0], counts[1]);
    }

    #[test]
    fn split_data_joins_to_the_data(data in vec(any::<u8>(), 0..1000), options in split_options()) {
        let parts = split_data(&data, &options).unwrap();
        let count = count_data(&data, &options).unwrap();
        prop_assert_eq!(count.parts, parts.len());
        prop_assert_eq!(count.units, data.len());
        prop_assert_eq!(count.units_left, 140 - parts.last().unwrap().octets().len());
        prop_assert_eq!(join(&parts).unwrap().content, Content::Data(data));
    }

    #[test]
    fn submitted_pdus_have_the_number_and_the_options(
        number in r"\+?[0-9]{1,20}",
        text in text(),
        split in split_options(),
        (message_reference, class, report) in (any::<u8>(), 0..5u8, 0..3u8),
        validity in validity(),
    ) {
        let report = [ReportRequest::None, ReportRequest::EachPart, ReportRequest::LastPart][usize::from(report)];
        let class = MessageClass::try_from(class).ok();
        let options = SubmitOptions::default()
            .with_split(split)
            .with_message_reference(message_reference)
            .with_report(report)
            .with_validity(validity)
            .with_class(class);
        let Ok(pdus) = submit(&number, &text, &options) else { return Ok(()) };
        for (index, pdu) in pdus.iter().enumerate() {
            let read = Pdu::decode_hex(&pdu.hex, Direction::MobileOriginated).unwrap();
            let Tpdu::Submit(submit) = read.tpdu else { panic!("{read:?}") };
            prop_assert_eq!(submit.to.to_string(), &number[..]);
            prop_assert_eq!(submit.reference, message_reference.wrapping_add(index as u8));
            prop_assert_eq!(submit.validity, validity);
            prop_assert_eq!(submit.dcs.class(), class);
            let reported = report == ReportRequest::EachPart
                || report == ReportRequest::LastPart && index + 1 == pdus.len();
            prop_assert_eq!(submit.status_report_request, reported);
            prop_assert!(submit.user_data.alphabet() != Alphabet::EightBit);
        }
    }

    #[test]
    fn transliterated_text_fits_the_alphabet_or_is_unchanged(text in text()) {
        let transliterated = transliterate(&text);
        prop_assert!(gsm7::is_encodable(&transliterated) || transliterated == text);
    }
}

fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut random = Random(seed);
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last + 1));
    }
}
