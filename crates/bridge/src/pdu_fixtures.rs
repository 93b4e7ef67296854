//! PDUs for tests, made by the codec.

use smsbridge_codec as codec;

use crate::message::UnixMs;

/// The PDUs of an incoming message as its parts arrive, stamped `sent_at` by the service centre.
pub fn delivers(from: &str, text: &str, reference: u8, sent_at: UnixMs) -> Vec<String> {
    let options = codec::SplitOptions::default().with_reference(codec::Reference::EightBit(reference));
    let parts = codec::split(text, &options).unwrap();
    parts.into_iter().map(|user_data| deliver(from, user_data, sent_at)).collect()
}

/// The same PDU as another service centre, or the same one later, delivers it: what `change` does to the message.
pub fn changed(pdu: &str, change: impl FnOnce(&mut codec::Pdu<'static>)) -> String {
    let mut decoded = codec::Pdu::decode_hex(pdu, codec::Direction::MobileTerminated).unwrap();
    change(&mut decoded);
    decoded.encode().unwrap().hex
}

/// The same PDU with its SMS-DELIVER changed.
pub fn changed_deliver(pdu: &str, change: impl FnOnce(&mut codec::Deliver<'static>)) -> String {
    changed(pdu, |decoded| match &mut decoded.tpdu {
        codec::Tpdu::Deliver(deliver) => change(deliver),
        other => panic!("no SMS-DELIVER: {other:?}"),
    })
}

fn deliver(from: &str, user_data: codec::UserData<'static>, sent_at: UnixMs) -> String {
    let from = codec::Address::from_number(from).or_else(|_| codec::Address::alphanumeric(from)).unwrap();
    let dcs = codec::Dcs::new(user_data.alphabet(), None);
    let stamp = codec::Timestamp::from_unix(sent_at / 1000, 4).unwrap();
    hex(codec::Tpdu::Deliver(codec::Deliver::new(from, dcs, stamp, user_data)))
}

/// A short incoming message.
pub fn short(from: &str, text: &str, sent_at: UnixMs) -> String {
    let [pdu] = <[String; 1]>::try_from(delivers(from, text, 0, sent_at)).unwrap();
    pdu
}

/// A PDU without a service centre address, in hex.
pub fn hex(tpdu: codec::Tpdu<'_>) -> String {
    codec::Pdu { service_centre: None, tpdu }.encode().unwrap().hex
}
