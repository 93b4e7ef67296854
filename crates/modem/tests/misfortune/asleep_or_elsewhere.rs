//! What wakes a modem that another program left in an odd state, or that sleeps.

use std::time::Duration;

use smsbridge_modem::{dialogue, sms};
use smsbridge_simulator::{LeftBehind, Options, Simulator, VendorProfile};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn whatever_another_program_left_it_comes_up_and_sends() {
    let none = LeftBehind::default();
    let rows = [
        ("ATV0", LeftBehind { numeric_results: true, ..none }),
        ("ATQ1", LeftBehind { no_results: true, ..none }),
        ("ATV0 and ATQ1", LeftBehind { numeric_results: true, no_results: true, ..none }),
        ("text mode", LeftBehind { text_mode: true, ..none }),
        ("UCS2", LeftBehind { ucs2: true, ..none }),
        ("data mode", LeftBehind { data_mode: true, ..none }),
        (
            "all of it",
            LeftBehind {
                numeric_results: true,
                no_results: true,
                text_mode: true,
                ucs2: true,
                data_mode: true,
            },
        ),
    ];
    for (name, left_behind) in rows {
        let sim = Simulator::new(Options { left_behind, ..Options::default() });
        let mut session = connect(&sim);
        let ready = ready(&mut session)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}\n{}", sim.journal().join("\n")));
        sim.deliver("+491234567", "hello").unwrap();
        wait_for_delivery().await;
        assert_eq!(swept(&mut session, &ready).await.len(), 1, "{name}");
        sms::send(&mut session, &hi()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(sim.sent().len(), 1, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_sleeps_and_loses_the_first_command_keeps_its_session() {
    let profile = VendorProfile { sleeps_after: Some(Duration::from_secs(5)), ..VendorProfile::generic() };
    let sim = simulator_of(profile);
    let (mut session, ready) = connected(&sim).await;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        dialogue::probe(&mut session).await.expect("it wakes");
        swept(&mut session, &ready).await;
        sms::send(&mut session, &hi()).await.unwrap();
    }
    assert_eq!(sim.sent().len(), 5);
}
