//! A modem that takes only three storage names: reading another storage must not move the one
//! messages are received into.

use smsbridge_modem::{Storage, Urc};
use smsbridge_simulator::{Options, Simulator, Status, VendorProfile};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn the_receiving_storage_is_put_back() {
    let profile = VendorProfile { cpms_needs_three: true, ..VendorProfile::generic() };
    let sim = Simulator::new(Options { profile, ..Options::default() });
    let (mut session, ready) = connected(&sim).await;
    assert!(ready.storages.len() > 1, "{:?}", ready.storages);
    sim.put(smsbridge_simulator::Storage::Me, Status::Unread, "00040C9194511132547600006211221415300002C834");
    for _ in 0..2 {
        assert_eq!(swept(&mut session, &ready).await.len(), 1);
    }
    sim.deliver("+491234567", "to the SIM").unwrap();
    loop {
        if let Urc::MessageStored { storage, .. } = session.next_event().await.unwrap() {
            assert_eq!(storage, Storage::SM);
            break;
        }
    }
    assert_eq!(swept(&mut session, &ready).await.len(), 2);
}
