//! An answer that comes late: waited for, and never taken for the next command's.

use std::time::Duration;

use smsbridge_modem::{Command, LinkFault, ModemError, SessionOptions, sms, status};
use smsbridge_simulator::{Fault, FaultKind};

use crate::bench::*;

fn signal() -> Command {
    Command::new("AT+CSQ").answer_prefix("+CSQ:")
}

#[tokio::test(start_paused = true)]
async fn after_its_time_the_session_is_over_and_the_next_one_is_in_step() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    sim.fault(Fault::on("AT+CSQ", FaultKind::Late(Duration::from_secs(15))));
    let error = session.command(signal()).await.unwrap_err();
    assert!(matches!(&error, ModemError::Timeout { command, .. } if command == "AT+CSQ"), "{error}");
    let before = sim.commands().len();
    assert_eq!(session.command(Command::new("AT+CGMM")).await, Err(error.clone()));
    assert_eq!(session.next_event().await, Err(error));
    assert_eq!(sim.commands().len(), before);
    let mut session = connect(&sim);
    let modem = smsbridge_modem::bring_up::synchronise(&mut session).await.unwrap();
    assert_eq!(modem.identity().imei, Some(smsbridge_simulator::Options::default().imei));
}

/// Each of these commands takes this long, each time.
const SLOW: [(&str, u64); 13] = [
    ("AT+CPIN?", 12),
    ("AT+CLIP=1", 8),
    ("AT+CLIP=1", 25),
    ("AT+CMGR", 30),
    ("AT+COPS?", 20),
    ("AT+COPS?", 100),
    ("AT+CMGD", 30),
    ("AT+CMGF=0", 40),
    ("AT+CNMI", 50),
    ("AT+CPMS", 25),
    ("AT+CREG", 60),
    ("AT+CMGL", 60),
    ("AT+CGMI", 30),
];

/// What a session does in service.
async fn day(session: &mut TestSession) -> Result<(), ModemError> {
    let ready = ready(session).await?;
    let swept = sms::sweep(session, &ready).await;
    swept.fault.map_or(Ok(()), Err)?;
    for message in swept.pdus {
        sms::delete(session, message.storage, message.slot).await?;
    }
    status::network(session).await?;
    sms::send(session, &hi()).await.map(drop).map_err(|error| match error {
        smsbridge_modem::SendError::NotSubmitted(error) => error,
        other => panic!("{other}"),
    })
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_is_slow_with_one_command_works_after_a_few_sessions_at_the_latest() {
    for (command, seconds) in SLOW {
        let sim = simulator();
        sim.deliver("+491234567", "hello").unwrap();
        wait_for_delivery().await;
        sim.fault(Fault::on(command, FaultKind::Late(Duration::from_secs(seconds))).every());
        let mut options = SessionOptions::default();
        let mut sessions = 0;
        loop {
            sessions += 1;
            let mut session = connect_with(&sim, options.clone());
            let ended = day(&mut session).await;
            options.learned = session.into_parts().learned;
            match ended {
                Ok(()) => break,
                Err(_) if sessions < 10 => tokio::time::sleep(Duration::from_secs(20)).await,
                Err(error) => panic!("{command} after {seconds} s, session {sessions}: {error}"),
            }
        }
        assert!(sim.stored().is_empty(), "{command}");
        assert_eq!(sim.sent().len(), 1, "{command}");
        // What was learnt holds.
        let mut session = connect_with(&sim, options);
        day(&mut session).await.unwrap_or_else(|error| panic!("{command} after {seconds} s, later: {error}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_nobody_needs_that_is_never_answered_is_left_out() {
    for command in [
        "AT+COPS?",
        "AT+CSQ",
        "AT+CLIP=1",
        "AT+CNUM",
        "AT+CCID",
        "AT+CGMM",
        "AT+CSCA?",
        "AT+CNMI=",
        "AT+CIMI",
    ] {
        let sim = simulator();
        sim.fault(Fault::on(command, FaultKind::Swallow).every());
        let mut options = SessionOptions::default();
        for _ in 0..2 {
            let mut session = connect_with(&sim, options.clone());
            day(&mut session).await.expect_err("it is not known yet");
            options.learned = session.into_parts().learned;
        }
        let mut session = connect_with(&sim, options);
        day(&mut session).await.unwrap_or_else(|error| panic!("{command}: {error}"));
        assert_eq!(sim.sent().len(), 1, "{command}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_belong_to_other_questions_are_noticed() {
    let sim = simulator();
    sim.fault(Fault::on("AT", FaultKind::Behind).every());
    let mut options = SessionOptions::default();
    // As often as it is tried: nothing that was learnt hides it.
    for _ in 0..3 {
        let mut session = connect_with(&sim, options);
        let fault = ready(&mut session).await.unwrap_err();
        assert_eq!(fault, ModemError::Link(LinkFault::OutOfStep), "{}", sim.journal().join("\n"));
        options = SessionOptions::default().with_learned(session.into_parts().learned);
    }
    sim.clear_faults();
    connected(&sim).await;
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_says_ok_three_times_receives_and_sends_all_the_same() {
    let sim = simulator();
    sim.deliver("+491234567", "hello").unwrap();
    wait_for_delivery().await;
    sim.fault(Fault::on("AT", FaultKind::Results(3)).every());
    let mut options = SessionOptions::default();
    for _ in 0..3 {
        let mut session = connect_with(&sim, options);
        let ended = day(&mut session).await;
        options = SessionOptions::default().with_learned(session.into_parts().learned);
        if ended.is_ok() {
            break;
        }
    }
    assert!(sim.stored().is_empty(), "{}", sim.journal().join("\n"));
    assert_eq!(sim.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_says_ok_to_all_it_does_not_know_is_in_step() {
    let sim = simulator();
    sim.deliver("+491234567", "hello").unwrap();
    wait_for_delivery().await;
    for command in [
        "AT+CREG?",
        "AT+CEREG?",
        "AT+CGREG?",
        "AT+C5GREG?",
        "AT+COPS?",
        "AT+CSQ",
        "AT+CESQ",
        "AT+CNMI?",
        "AT+CMGF?",
    ] {
        sim.fault(Fault::on(command, FaultKind::Pretend).every());
    }
    let mut session = connect(&sim);
    day(&mut session).await.unwrap();
    assert_eq!((sim.stored().len(), sim.sent().len()), (0, 1));
}
