//! Status reports, stored and direct.

use smsbridge_modem::{Urc, sms};
use smsbridge_simulator::{Options, Simulator, VendorProfile};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn they_arrive_as_the_modem_offers() {
    for profile in VendorProfile::all() {
        let name = profile.name;
        let sim = Simulator::new(Options { profile, ..Options::default() });
        let (mut session, ready) = connected(&sim).await;
        sms::send(&mut session, &hi_with_report()).await.unwrap();
        loop {
            match session.next_event().await.unwrap() {
                Urc::Report { pdu, length } => {
                    assert!(ready.cnmi.unwrap().ds == 1 && length.is_some() && !pdu.is_empty(), "{name}");
                    break;
                }
                Urc::ReportStored { storage, slot } => {
                    assert_eq!(ready.cnmi.unwrap().ds, 2, "{name}");
                    let swept = swept(&mut session, &ready).await;
                    assert_eq!(swept.len(), 1, "{name}");
                    assert_eq!((swept[0].storage, swept[0].slot), (storage, slot), "{name}");
                    sms::delete(&mut session, storage, slot).await.unwrap();
                    break;
                }
                _ => {}
            }
        }
        assert!(sim.stored().is_empty(), "{name}");
    }
}
