//! Unsolicited codes cut into a list: neither loses a line.

use smsbridge_modem::Urc;
use smsbridge_simulator::{Fault, FaultKind, Options, Simulator, VendorProfile};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn unsolicited_lines_between_all_lines_of_every_answer() {
    for profile in VendorProfile::all() {
        let name = profile.name;
        let sim = Simulator::new(Options { profile, ..Options::default() });
        sim.fault(Fault::on("AT", FaultKind::Noise).every());
        let (mut session, ready) = connected(&sim).await;
        for n in 0..5 {
            sim.deliver("+491234567", &format!("number {n}")).unwrap();
        }
        wait_for_delivery().await;
        let messages = swept(&mut session, &ready).await;
        assert_eq!((pdus(&messages).len(), pdus(&messages)), (5, stored(&sim)), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_notification_inside_a_list_is_not_lost() {
    let sim = simulator();
    let (mut session, ready) = connected(&sim).await;
    sim.deliver("+491234567", "first").unwrap();
    wait_for_delivery().await;
    sim.fault(Fault::on("AT+CMGL", FaultKind::Split(std::time::Duration::from_millis(20))));
    let late = sim.clone();
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        late.deliver("+491234567", "second").unwrap();
    });
    let seen = swept(&mut session, &ready).await;
    assert!(!seen.is_empty());
    let mut announced = 0;
    while let Ok(Ok(urc)) =
        tokio::time::timeout(std::time::Duration::from_secs(5), session.next_event()).await
    {
        announced += usize::from(matches!(urc, Urc::MessageStored { .. }));
    }
    assert_eq!(announced, 2);
    assert_eq!(pdus(&swept(&mut session, &ready).await), stored(&sim));
}
