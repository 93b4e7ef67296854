//! Any octets into everything that decodes octets: PDUs of both directions, joining, cell broadcast, MMS notifications.

use smsbridge_codec::{Direction, Pdu, Tpdu, UserData, cbs, join, mms};

pub fn run(octets: &[u8]) {
    for direction in [Direction::MobileTerminated, Direction::MobileOriginated] {
        let _ = Pdu::decode(octets, direction);
        let Ok(tpdu) = Tpdu::decode(octets, direction) else { continue };
        if let Some(user_data) = tpdu.user_data() {
            let _ = user_data.text();
            user_data.elements().for_each(|element| _ = element.information());
            // The second half is decoded as another message, so that different messages are joined as well.
            let half = octets.len() / 2;
            let second = Tpdu::decode(&octets[half..], direction).ok();
            let parts = [Some(user_data), second.as_ref().and_then(Tpdu::user_data)];
            let _ = join(parts.into_iter().flatten().collect::<Vec<&UserData<'_>>>());
        }
        let mut written = Vec::new();
        tpdu.encode_into(&mut written).expect("a decoded TPDU can be encoded");
        let again = Tpdu::decode(&written, direction).expect("an encoded TPDU can be decoded");
        assert_eq!(again.user_data(), tpdu.user_data());
    }
    let _ = mms::MmsNotification::decode(octets);
    if let Ok(page) = cbs::Page::decode(octets) {
        let _ = (page.text(), page.language());
        cbs::join([&page, &page]).expect("a page belongs to its own message");
    }
    if let Ok(pages) = cbs::decode_umts(octets) {
        cbs::join(&pages).expect("pages of one message belong together");
    }
    if let Ok(cbs::Received::Pages(pages)) = cbs::decode(octets) {
        cbs::join(&pages).expect("what one line holds belongs together");
    }
}
