//! The domains of the network disagree: one that is registered suffices.

use smsbridge_modem::registration::{Registration, Registrations};
use smsbridge_modem::{Urc, sms, status};
use smsbridge_simulator::Domain;

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn each_domain_is_asked_and_the_registered_one_counts() {
    let rows = [
        ("denied by CREG, home on LTE", vec![(Domain::Cs, 3)], Registration::Home),
        (
            "roaming in GPRS alone",
            vec![(Domain::Cs, 2), (Domain::Eps, 0), (Domain::Ps, 5)],
            Registration::Roaming,
        ),
        (
            "5G alone",
            vec![(Domain::Cs, 0), (Domain::Eps, 0), (Domain::Ps, 0), (Domain::FiveG, 1)],
            Registration::Home,
        ),
        (
            "denied by one, none registered",
            vec![(Domain::Cs, 2), (Domain::Ps, 2), (Domain::Eps, 3)],
            Registration::Denied,
        ),
    ];
    for (name, stats, expect) in rows {
        let sim = simulator();
        stats.into_iter().for_each(|(domain, stat)| sim.set_registration_of(domain, stat));
        let (mut session, _) = connected(&sim).await;
        assert_eq!(status::network(&mut session).await.unwrap().registration, expect, "{name}");
        let sent = sms::send(&mut session, &hi()).await;
        assert_eq!(sent.is_ok(), expect.is_registered(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_is_lost_leaves_the_others_as_they_are() {
    let sim = simulator();
    sim.set_registration_of(Domain::FiveG, 0);
    let (mut session, _) = connected(&sim).await;
    let mut known: Registrations = status::network(&mut session).await.unwrap().registrations;
    let best = |known: &Registrations| known.best().unwrap().state;
    for (domain, stat, expect) in [
        (Domain::Cs, 3, Registration::Home),
        (Domain::Ps, 2, Registration::Home),
        (Domain::Eps, 5, Registration::Roaming),
        (Domain::Eps, 0, Registration::Denied),
        (Domain::FiveG, 1, Registration::Home),
    ] {
        sim.set_registration_of(domain, stat);
        let Urc::Registration(report) = session.next_event().await.unwrap() else { panic!("{domain:?}") };
        known.update(report);
        assert_eq!(best(&known), expect, "{domain:?} {stat}");
    }
    // What is asked is what was announced.
    assert_eq!(status::network(&mut session).await.unwrap().registrations.best(), known.best());
}

#[tokio::test(start_paused = true)]
async fn a_modem_without_5g_is_not_asked_for_it_again() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    for _ in 0..5 {
        status::network(&mut session).await.unwrap();
    }
    assert_eq!(count(&sim, "AT+C5GREG?"), 1);
    let (mut session, _) = connected(&sim).await;
    status::network(&mut session).await.unwrap();
    assert_eq!(count(&sim, "AT+C5GREG?"), 2, "remembered beyond the session");
}
