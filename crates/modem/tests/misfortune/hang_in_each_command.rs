//! A hang in any command of a day: the session ends in bounded time, and the next one works.

use std::time::Duration;

use smsbridge_modem::{ModemError, sms, status, upkeep};
use smsbridge_simulator::{Fault, FaultKind, Simulator};

use crate::bench::*;

async fn day(session: &mut TestSession) -> Result<(), ModemError> {
    let mut ready = ready(session).await?;
    let swept = sms::sweep(session, &ready).await;
    swept.fault.map_or(Ok(()), Err)?;
    for message in swept.pdus {
        sms::delete(session, message.storage, message.slot).await?;
    }
    status::network(session).await?;
    status::storage_use(session, &ready).await?;
    upkeep::check(session, &mut ready).await?;
    Ok(())
}

async fn with_fault_in_command(nth: u32, kind: FaultKind) -> (Simulator, Result<(), ModemError>) {
    let sim = simulator();
    sim.deliver("+491234567", "hello").expect("a text that can be encoded");
    wait_for_delivery().await;
    sim.fault(Fault::on("AT", kind).nth(nth));
    let mut session = connect(&sim);
    let day = tokio::time::timeout(Duration::from_secs(120), day(&mut session));
    let result = day.await.unwrap_or_else(|_| panic!("no end\n{}", sim.journal().join("\n")));
    (sim, result)
}

#[tokio::test(start_paused = true)]
async fn ends_in_bounded_time_and_is_recovered_from() {
    let (sim, result) = with_fault_in_command(10_000, FaultKind::Hang).await;
    result.unwrap();
    let commands = u32::try_from(sim.commands().len()).unwrap();
    assert!(commands > 20);
    for nth in 1..=commands {
        for kind in
            [FaultKind::Hang, FaultKind::Reset, FaultKind::Vanish(Duration::from_secs(1)), FaultKind::Swallow]
        {
            let (sim, _) = with_fault_in_command(nth, kind.clone()).await;
            sim.clear_faults();
            wait_for_delivery().await;
            let mut session = connect(&sim);
            if let Err(error) = day(&mut session).await {
                panic!("{kind:?} in command {nth}: {error}\n{}", sim.journal().join("\n"));
            }
            assert!(sim.stored().is_empty(), "{kind:?} in command {nth}");
        }
    }
}
