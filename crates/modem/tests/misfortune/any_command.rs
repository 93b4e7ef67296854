//! Each command of a day goes wrong in each way, for a minute or for good: messages come in and go out all the same.

use std::collections::BTreeSet;
use std::time::Duration;

use smsbridge_modem::recovery::{self, Ladder, Step};
use smsbridge_modem::sms::{self, Deleted};
use smsbridge_modem::{ModemError, SendError, SessionOptions, bring_up, status, upkeep};
use smsbridge_simulator::{Fault, FaultKind, Options, Simulator, VendorProfile};
use tokio::time::Instant;

use crate::bench::*;

/// What became of a modem that was used for a while.
#[derive(Debug, Default)]
struct Life {
    received: BTreeSet<String>,
    sent: bool,
    sessions: usize,
    steps: Vec<Step>,
    last_error: Option<String>,
}

/// One session, in service until both messages went their way.
async fn session(
    session: &mut TestSession,
    step: Option<Step>,
    life: &mut Life,
    until: Instant,
) -> Result<(), ModemError> {
    let mut modem = bring_up::synchronise(session).await?;
    if step == Some(Step::RestartRadio) {
        recovery::restart_radio(modem.session()).await?;
    }
    modem.sim().await?;
    let mut ready = modem.configure(None).await?;
    while Instant::now() < until && (life.received.is_empty() || !life.sent) {
        upkeep::check(session, &mut ready).await?;
        let swept = sms::sweep(session, &ready).await;
        for message in swept.pdus {
            life.received.insert(message.pdu);
            // Whether it can be deleted, or is deleted twice, is nothing here.
            let _: Deleted = sms::delete(session, message.storage, message.slot).await?;
        }
        swept.fault.map_or(Ok(()), Err)?;
        status::network(session).await?;
        status::storage_use(session, &ready).await?;
        if !life.sent {
            match sms::send(session, &hi()).await {
                Ok(_) => life.sent = true,
                Err(SendError::NotSubmitted(error) | SendError::Unknown(error)) if error.is_fatal() => {
                    return Err(error);
                }
                Err(other) => life.last_error = Some(other.to_string()),
            }
        }
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    Ok(())
}

/// As the gateway uses a modem, for a quarter of an hour at most.
async fn live(sim: &Simulator) -> Life {
    let (mut life, mut ladder) = (Life::default(), Ladder::default());
    let mut options = SessionOptions::default();
    let until = Instant::now() + Duration::from_secs(15 * 60);
    let mut step = None;
    while Instant::now() < until && (life.received.is_empty() || !life.sent) {
        life.sessions += 1;
        let mut connection = connect_with(sim, options.clone());
        if step == Some(Step::Reset) {
            let _ = recovery::reset(&mut connection).await;
            connection = connect_with(sim, options.clone());
        }
        let ended = session(&mut connection, step.take(), &mut life, until).await;
        options.learned = connection.into_parts().learned;
        let Err(error) = ended else { break };
        life.last_error = Some(error.to_string());
        if error.is_fatal() {
            let next = ladder.on_failure(&error, options.reset_command().is_some(), Instant::now());
            life.steps.push(next);
            step = Some(next);
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    life
}

/// A modem with a message on its SIM.
fn modem(profile: VendorProfile) -> Simulator {
    let sim = Simulator::new(Options { profile, ..Options::default() });
    sim.deliver("+491234567", "hello").expect("a text that can be sent");
    sim
}

/// The beginnings of all commands of a day.
async fn commands(profile: VendorProfile) -> BTreeSet<String> {
    let sim = modem(profile);
    let life = live(&sim).await;
    assert!(life.sent && !life.received.is_empty(), "{life:?}");
    let heads = sim.commands();
    heads.iter().map(|line| line.split_inclusive(['=', '?']).next().unwrap_or(line).to_owned()).collect()
}

fn refusals() -> Vec<FaultKind> {
    let cms = [302, 303, 310, 314, 500].map(FaultKind::Cms);
    let cme = [3, 4, 14, 100].map(FaultKind::Cme);
    cms.into_iter().chain(cme).chain([FaultKind::Error]).collect()
}

fn oddities() -> Vec<FaultKind> {
    vec![
        FaultKind::Late(Duration::from_secs(14)),
        FaultKind::Late(Duration::from_secs(50)),
        FaultKind::Swallow,
        FaultKind::NoResult,
        FaultKind::NoLines,
        FaultKind::Pretend,
        FaultKind::Results(3),
        FaultKind::Junk(b"\xff\x00+CREG: 1\r\n".to_vec()),
    ]
}

/// Commands without which nothing can be read or sent. Everything else may fail for good.
fn is_needed(command: &str) -> bool {
    ["AT", "AT+CPIN?", "AT+CPMS=", "AT+CMGF="].contains(&command)
}

#[tokio::test(start_paused = true)]
async fn refused_for_a_minute_costs_no_message_and_no_recovery_step() {
    for profile in [VendorProfile::generic(), VendorProfile::huawei(), VendorProfile::sim800()] {
        let name = profile.name;
        for command in commands(profile.clone()).await {
            for kind in refusals() {
                let sim = modem(profile.clone());
                sim.fault(Fault::on(&command, kind.clone()).every().lasting(Duration::from_secs(60)));
                let life = live(&sim).await;
                let works = life.sent && !life.received.is_empty();
                assert!(works, "{name}, {command} {kind:?}: {life:?}");
                // `AT` itself is the dialogue: who is refused that has none.
                assert!(life.steps.is_empty() || command == "AT", "{name}, {command} {kind:?}: {life:?}");
                assert_eq!(sim.resets(), 0, "{name}, {command} {kind:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn refused_for_good_costs_only_what_needs_it() {
    let profile = VendorProfile::generic();
    for command in commands(profile.clone()).await.into_iter().filter(|command| !is_needed(command)) {
        for kind in refusals() {
            let sim = modem(profile.clone());
            sim.fault(Fault::on(&command, kind.clone()).every());
            let life = live(&sim).await;
            assert!(life.sent && !life.received.is_empty(), "{command} {kind:?}: {life:?}");
            assert_eq!((life.sessions, life.steps.len()), (1, 0), "{command} {kind:?}: {life:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answered_oddly_for_a_minute_costs_no_message() {
    let profile = VendorProfile::generic();
    for command in commands(profile.clone()).await {
        for kind in oddities() {
            // Each `AT` of a search for the dialogue would be answered that late, one after the other.
            if (command.as_str(), &kind) == ("AT", &FaultKind::Late(Duration::from_secs(50))) {
                continue;
            }
            let sim = modem(profile.clone());
            sim.fault(Fault::on(&command, kind.clone()).every().lasting(Duration::from_secs(60)));
            let life = live(&sim).await;
            assert!(life.sent && !life.received.is_empty(), "{command} {kind:?}: {life:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answered_oddly_for_good_costs_only_what_needs_it() {
    let profile = VendorProfile::generic();
    for command in commands(profile.clone()).await.into_iter().filter(|command| !is_needed(command)) {
        for kind in oddities() {
            let sim = modem(profile.clone());
            sim.fault(Fault::on(&command, kind.clone()).every());
            let life = live(&sim).await;
            assert!(life.sent && !life.received.is_empty(), "{command} {kind:?}: {life:?}");
        }
    }
}
