//! A plain day with each kind of modem: come up, receive, delete, send.

use smsbridge_modem::sms::{self, Reading};
use smsbridge_modem::upkeep::{self, Checked};
use smsbridge_modem::{Urc, status};
use smsbridge_simulator::{Options, Simulator, VendorProfile};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn comes_up_receives_deletes_and_sends() {
    for profile in VendorProfile::all() {
        let name = profile.name;
        let sim = Simulator::new(Options { profile, ..Options::default() });
        let (mut session, mut ready) = connected(&sim).await;
        assert!(ready.cnmi.is_some(), "{name}");
        assert_eq!(ready.iccid.as_deref(), Some(Options::default().iccid.as_str()), "{name}");
        assert_eq!(ready.service_centre, Some(Options::default().service_centre), "{name}");

        sim.deliver("+491234567", "Привет 👋").unwrap();
        let place = loop {
            if let Urc::MessageStored { storage, slot } = session.next_event().await.unwrap() {
                break (storage, slot);
            }
        };
        let messages = swept(&mut session, &ready).await;
        assert_eq!(pdus(&messages), stored(&sim), "{name}");
        assert_eq!((messages[0].storage, messages[0].slot), place, "{name}");
        let Reading::Message(again) = sms::read(&mut session, place.0, place.1).await.unwrap() else {
            panic!("{name}: the slot is empty")
        };
        assert_eq!(again.pdu, messages[0].pdu, "{name}");
        sms::delete(&mut session, place.0, place.1).await.unwrap();
        assert_eq!(swept(&mut session, &ready).await, [], "{name}");
        assert_eq!(sms::read(&mut session, place.0, place.1).await.unwrap(), Reading::Empty, "{name}");
        sms::delete(&mut session, place.0, place.1).await.unwrap();

        let reference = sms::send(&mut session, &hi()).await.unwrap().unwrap();
        let sent = sim.sent();
        assert_eq!((sent.len(), sent[0].mr, sent[0].text.as_deref()), (1, reference, Some("Hi")), "{name}");

        let network = status::network(&mut session).await.unwrap();
        assert!(network.registration.is_registered(), "{name}");
        assert_eq!(network.operator, Some(Options::default().operator), "{name}");
        assert!(network.technology.is_some() && network.signal_dbm.is_some(), "{name}: {network:?}");
        let usage = status::storage_use(&mut session, &ready).await.unwrap();
        assert_eq!(usage.iter().map(|u| u.used).sum::<u16>(), 0, "{name}");
        assert_eq!(upkeep::check(&mut session, &mut ready).await.unwrap(), Checked::AsConfigured, "{name}");
        let deletes =
            sim.commands().iter().filter(|l| l.starts_with("AT+CMGD=") && !l.ends_with('?')).count();
        assert_eq!(deletes, 2, "{name}");
    }
}
