//! A full SIM: seen in the storage's use, and emptied one committed slot at a time.

use smsbridge_modem::{sms, status};
use smsbridge_simulator::{Options, Simulator};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn waiting_messages_arrive_when_there_is_room() {
    let sim = Simulator::new(Options { slots: 3, ..Options::default() });
    let (mut session, ready) = connected(&sim).await;
    for n in 0..5 {
        sim.deliver("+491234567", &format!("number {n}")).unwrap();
    }
    wait_for_delivery().await;
    let usage = status::storage_use(&mut session, &ready).await.unwrap();
    let full = usage.iter().find(|u| u.storage == ready.receive_storage).unwrap();
    assert_eq!((full.used, full.total), (3, 3));
    let mut seen = Vec::new();
    for _ in 0..40 {
        for message in swept(&mut session, &ready).await {
            seen.push(message.pdu);
            sms::delete(&mut session, message.storage, message.slot).await.unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    }
    assert_eq!(seen.len(), 5);
    assert!(sim.stored().is_empty());
}
