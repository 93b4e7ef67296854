//! Another program left the modem in UCS-2: names and numbers are hexadecimal digits.

use smsbridge_modem::profile::Overrides;
use smsbridge_modem::{SessionOptions, Urc, bring_up, status, ussd};
use smsbridge_simulator::{Options, Simulator, Ussd};

use crate::bench::*;

/// A session with a modem that keeps the setting over `ATZ`.
fn connect_in_ucs2(options: Options) -> (Simulator, TestSession) {
    let sim = Simulator::new(options);
    let overrides = Overrides::default().with_init(vec!["AT+CSCS=\"UCS2\"".into()]);
    let session = connect_with(&sim, SessionOptions::default().with_overrides(overrides));
    (sim, session)
}

#[tokio::test(start_paused = true)]
async fn operator_number_and_service_centre_are_read() {
    for operator in ["Simulated", "Билайн", "中国移动", "3"] {
        let options = Options { operator: operator.into(), ..Options::default() };
        let (number, service_centre) = (options.number.clone(), options.service_centre.clone());
        let (_, mut session) = connect_in_ucs2(options);
        let ready = ready(&mut session).await.unwrap();
        assert_eq!((ready.number, ready.service_centre), (Some(number), Some(service_centre)));
        let network = status::network(&mut session).await.unwrap();
        assert_eq!(network.operator.as_deref(), Some(operator));
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_centre_is_set_and_read_back() {
    let (_, mut session) = connect_in_ucs2(Options { service_centre: String::new(), ..Options::default() });
    let modem = bring_up::synchronise(&mut session).await.unwrap();
    let ready = modem.configure(Some("+491710760000")).await.unwrap();
    assert_eq!(ready.service_centre.as_deref(), Some("+491710760000"));
}

#[tokio::test(start_paused = true)]
async fn a_balance_is_asked() {
    let (sim, mut session) = connect_in_ucs2(Options::default());
    sim.set_ussd("*100#", Ussd { text: "5 EUR".into(), more: false });
    ready(&mut session).await.unwrap();
    ussd::send(&mut session, "*100#").await.unwrap();
    let text = loop {
        if let Urc::Ussd { text, .. } = session.next_event().await.unwrap() {
            break text;
        }
    };
    assert_eq!(text.as_deref(), Some(&b"5 EUR"[..]));
}
