//! Owns what goes wrong in the month, drawn from a seed; every kind comes up before one comes again.
//!
//! Must never put a message on air, refuse one with a code that says so though it is on air, or say that one was sent
//! which was not: no client could know.

use std::time::Duration;

use smsbridge_simulator::{Domain, Fault, FaultKind, Notice, Options, Sim, Simulator};
use tokio::time::{Instant, sleep};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Misfortune {
    Refused,
    RefusedForAWhile,
    StorageRefused,
    SubmissionRefused,
    /// On air, and answered with a code that does not say so.
    SubmissionInDoubt,
    Late,
    LateForAWhile,
    NoResult,
    NoLines,
    Thrice,
    Behind,
    Swallowed,
    Disturbed,
    RestartsUnnoticed,
    RestartsWhileSubmitting,
    Restarts,
    Hangs,
    HangsWhileSubmitting,
    Vanishes,
    NoticesWrong,
    Full,
    DeletesLie,
    SimSwapped,
    SimOut,
    SimLost,
    RegistrationLost,
    OneDomainLost,
    NetworkSlow,
}

const ALL: [Misfortune; 28] = [
    Misfortune::Refused,
    Misfortune::RefusedForAWhile,
    Misfortune::StorageRefused,
    Misfortune::SubmissionRefused,
    Misfortune::SubmissionInDoubt,
    Misfortune::Late,
    Misfortune::LateForAWhile,
    Misfortune::NoResult,
    Misfortune::NoLines,
    Misfortune::Thrice,
    Misfortune::Behind,
    Misfortune::Swallowed,
    Misfortune::Disturbed,
    Misfortune::RestartsUnnoticed,
    Misfortune::RestartsWhileSubmitting,
    Misfortune::Restarts,
    Misfortune::Hangs,
    Misfortune::HangsWhileSubmitting,
    Misfortune::Vanishes,
    Misfortune::NoticesWrong,
    Misfortune::Full,
    Misfortune::DeletesLie,
    Misfortune::SimSwapped,
    Misfortune::SimOut,
    Misfortune::SimLost,
    Misfortune::RegistrationLost,
    Misfortune::OneDomainLost,
    Misfortune::NetworkSlow,
];

const COMMANDS: [&str; 22] = [
    "AT", "AT", "AT+CMGL", "AT+CMGL", "AT+CMGR", "AT+CMGD", "AT+CMGD", "AT+CPMS", "AT+CNMI", "AT+CMGF",
    "AT+CMGS", "AT+CSCA", "AT+CPIN?", "AT+CREG", "AT+COPS", "AT+CSQ", "AT+CCID", "AT+CIMI", "AT+CSCS",
    "AT+CFUN", "ATZ", "AT+CGMI",
];

/// Until the end; then the modem is as it should be.
pub async fn happen(sim: Simulator, mut random: fastrand::Rng, end: Instant) {
    let mut deck = Vec::new();
    loop {
        sleep(Duration::from_secs(random.u64(60..4 * 3600))).await;
        if Instant::now() >= end {
            break;
        }
        if deck.is_empty() {
            deck.extend(ALL);
            random.shuffle(&mut deck);
        }
        if let Some(next) = deck.pop() {
            strike(next, &sim, &mut random).await;
        }
    }
    sim.clear_faults();
}

/// Returns when it is over; a fault waits for its command, and ends by itself.
async fn strike(misfortune: Misfortune, sim: &Simulator, random: &mut fastrand::Rng) {
    let command = COMMANDS[random.usize(..COMMANDS.len())];
    let mut seconds = |range| Duration::from_secs(random.u64(range));
    let (short, while_) = (seconds(1..300), seconds(10..1800));
    let on = |kind| Fault::on(command, kind);
    match misfortune {
        Misfortune::Refused => sim.fault(on(refusal(random))),
        Misfortune::RefusedForAWhile => sim.fault(on(refusal(random)).lasting(while_)),
        Misfortune::StorageRefused => {
            let storage = ["AT+CPMS=\"SM\"", "AT+CPMS=\"ME\"", "AT+CPMS"][random.usize(..3)];
            sim.fault(
                Fault::on(storage, FaultKind::Cms([302, 310, 314, 500][random.usize(..4)])).lasting(while_),
            );
        }
        Misfortune::SubmissionRefused => {
            let fault = Fault::on_payload(refusal(random));
            sim.fault(if random.bool() { fault } else { fault.lasting(short) });
        }
        Misfortune::SubmissionInDoubt => {
            let kind =
                [FaultKind::Cms(332), FaultKind::Cms(500), FaultKind::Error][random.usize(..3)].clone();
            sim.fault(Fault::on_payload(kind).acted());
        }
        Misfortune::Late => {
            let fault = if random.bool() { Fault::on_payload } else { |kind| Fault::on("AT", kind) };
            sim.fault(fault(FaultKind::Late(short)));
        }
        Misfortune::LateForAWhile => sim.fault(on(FaultKind::Late(short / 20)).lasting(while_)),
        Misfortune::NoResult => sim.fault(once_or_for(command, FaultKind::NoResult, short, random)),
        Misfortune::NoLines => sim.fault(once_or_for(command, FaultKind::NoLines, short, random)),
        Misfortune::Thrice => sim.fault(once_or_for(command, FaultKind::Results(3), short, random)),
        Misfortune::Behind => sim.fault(Fault::on("AT", FaultKind::Behind).lasting(short)),
        Misfortune::Swallowed => {
            let fault = if random.bool() { Fault::on_payload } else { |kind| Fault::on("AT", kind) };
            sim.fault(fault(FaultKind::Swallow));
        }
        Misfortune::Disturbed => {
            let kind = match random.u8(..4) {
                0 => FaultKind::Noise,
                1 => FaultKind::Split(Duration::from_millis(2)),
                2 => FaultKind::Junk(b"\xff\x00\xfe".to_vec()),
                _ => FaultKind::Inside(b"\r\n+CREG: 1\r\n".to_vec()),
            };
            sim.fault(Fault::on("AT", kind).lasting(short));
        }
        Misfortune::RestartsUnnoticed => sim.restart(words(random)),
        Misfortune::RestartsWhileSubmitting => {
            let kind = FaultKind::Restart(words(random));
            sim.fault(submission(kind, random));
        }
        Misfortune::Restarts => match random.bool() {
            true => sim.reset(),
            false => sim.fault(submission(FaultKind::Reset, random)),
        },
        Misfortune::Hangs => {
            sim.hang();
            sleep(while_).await;
            sim.clear_faults();
        }
        Misfortune::HangsWhileSubmitting => sim.fault(submission(FaultKind::HangFor(short), random)),
        Misfortune::Vanishes => {
            let fault = submission(FaultKind::Vanish(short), random);
            sim.fault(if random.bool() { fault } else { Fault::on("AT", FaultKind::Vanish(short)) });
        }
        Misfortune::NoticesWrong => {
            sim.set_notice(match random.u8(..4) {
                0 => Notice::Early(Duration::from_millis(random.u64(100..12_000))),
                1 => Notice::Instead("+CMTI: ,-1".into()),
                2 => Notice::Instead("+ SMS FULL".into()),
                _ => Notice::Nothing,
            });
            sleep(2 * while_).await;
            sim.set_notice(Notice::Right);
        }
        Misfortune::Full => {
            sim.set_full(true);
            sleep(while_).await;
            sim.set_full(false);
        }
        Misfortune::DeletesLie => sim.fault(Fault::on("AT+CMGD=", FaultKind::Pretend).lasting(2 * while_)),
        Misfortune::SimSwapped => {
            for (card, time) in [(Options::numbered(7), while_), (Options::default(), Duration::ZERO)] {
                sim.set_sim_present(false);
                announce(sim, random);
                sleep(short).await;
                sim.insert_sim(&Sim::of(&card));
                announce(sim, random);
                sleep(time).await;
            }
        }
        Misfortune::SimOut => {
            sim.set_sim_present(false);
            announce(sim, random);
            sleep(while_).await;
            sim.set_sim_present(true);
            announce(sim, random);
        }
        Misfortune::SimLost => sim.lose_sim(),
        Misfortune::RegistrationLost => {
            sim.set_registration([0, 2, 3][random.usize(..3)]);
            sleep(while_).await;
            sim.set_registration([1, 5][random.usize(..2)]);
        }
        Misfortune::OneDomainLost => {
            let domain = [Domain::Cs, Domain::Ps, Domain::Eps][random.usize(..3)];
            sim.set_registration_of(domain, [0, 2, 3][random.usize(..3)]);
            sleep(while_).await;
            sim.set_registration_of(domain, 1);
        }
        Misfortune::NetworkSlow => {
            sim.set_submit_delay(short / 3);
            sleep(while_).await;
            sim.set_submit_delay(Duration::from_secs(2));
        }
    }
}

fn refusal(random: &mut fastrand::Rng) -> FaultKind {
    const CMS: [u16; 13] = [8, 38, 42, 302, 303, 310, 314, 321, 322, 331, 332, 500, 515];
    const CME: [u16; 8] = [3, 4, 10, 13, 14, 30, 50, 100];
    match random.u8(..5) {
        0 => FaultKind::Error,
        1 | 2 => FaultKind::Cme(CME[random.usize(..CME.len())]),
        _ => FaultKind::Cms(CMS[random.usize(..CMS.len())]),
    }
}

fn once_or_for(command: &str, kind: FaultKind, time: Duration, random: &mut fastrand::Rng) -> Fault {
    let fault = Fault::on(command, kind);
    if random.bool() { fault.lasting(time) } else { fault }
}

/// At any moment of a submission.
fn submission(kind: FaultKind, random: &mut fastrand::Rng) -> Fault {
    match random.u8(..6) {
        0 => Fault::on("AT+CMGS", kind).before(),
        1 => Fault::on("AT+CMGS", kind),
        2 => Fault::on("AT+CMGS", kind).answered(),
        3 => Fault::while_typing(random.usize(1..30), kind),
        4 => Fault::on_payload(kind),
        _ => Fault::on_payload(kind).acted(),
    }
}

fn words(random: &mut fastrand::Rng) -> &'static [&'static str] {
    const WORDS: [&[&str]; 5] =
        [&[], &["SMS Ready"], &["Call Ready", "SMS Ready"], &["+CPIN: READY"], &["RDY"]];
    WORDS[random.usize(..WORDS.len())]
}

fn announce(sim: &Simulator, random: &mut fastrand::Rng) {
    if random.bool() {
        sim.announce_sim();
    }
}
