//! A SIM without a service centre gets the configured one; a SIM with one keeps it.

use smsbridge_modem::bring_up;
use smsbridge_simulator::{Options, Simulator};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn only_where_there_is_none() {
    for (stored, expect) in [("", "+491710760000"), ("+79210000000", "+79210000000")] {
        let sim = Simulator::new(Options { service_centre: stored.into(), ..Options::default() });
        let mut session = connect(&sim);
        let modem = bring_up::synchronise(&mut session).await.unwrap();
        let ready = modem.configure(Some("+491710760000")).await.unwrap();
        assert_eq!(ready.service_centre.as_deref(), Some(expect));
    }
}
