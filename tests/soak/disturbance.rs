//! Owns what goes wrong around the gateway: broker, network and modems. The phase kills the gateway itself.

use std::thread::sleep;
use std::time::Duration;

use smsbridge_simulator::{Fault, FaultKind, Notice, Simulator};

use crate::harness::broker::Broker;
use crate::harness::client::Client;
use crate::harness::mqtt_packets::Publish;
use crate::harness::proxy::Proxy;
use crate::harness::seed::Seed;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disturbance {
    BrokerKilled,
    BrokerStopped,
    BrokerPaused,
    /// Killed, and back without sessions, queues and retained messages.
    BrokerForgets,
    NetworkCut,
    /// PUBACKs do not come for a while.
    AcknowledgementsLost,
    /// The broker closes the connection on one topic, for a while.
    TopicForbidden,
    /// It takes no connection, for a while.
    BrokerBusy,
    /// Somebody says that the gateway is offline, as a late last will does.
    SaidOffline,
    ModemUnplugged,
    ModemHangs,
    ModemResets,
    /// The message goes on air and its answer never comes.
    AnswerSwallowed,
    AnswerLate,
    /// After the message went on air, before its answer.
    ResetOnAir,
    /// After Ctrl-Z, before the message went on air.
    ResetBeforeAir,
    /// After the prompt, before the message was typed.
    ResetAtPrompt,
    VanishesOnAir,
    /// The list of messages stays without an answer for a while.
    ListHangs,
    DeleteSwallowed,
    /// A command is refused for some seconds, with a code that says "not now".
    Refused,
    SubmitRefused,
    /// The message goes on air, and the answer is a code that does not say so.
    SubmitInDoubt,
    /// The message goes on air, and `OK` comes without its reference.
    ReferenceMissing,
    CommandLate,
    /// An answer without its final result.
    ResultMissing,
    /// Each final result comes three times, for a while.
    ResultsThrice,
    /// The modem is back in text mode, deaf, with the words of a start or without any.
    RestartsUnnoticed,
    RestartsUnnoticedOnAir,
    RestartsUnnoticedAtPrompt,
    /// Messages are announced too early, in other words or not at all.
    NoticesWrong,
    /// `OK`, and the message is still there.
    DeleteLies,
    StorageRefused,
    RegistrationLost,
    SimGone,
    /// "SIM not inserted", until it has had no power.
    SimLost,
}

const ALL: [Disturbance; 36] = [
    Disturbance::BrokerKilled,
    Disturbance::BrokerStopped,
    Disturbance::BrokerPaused,
    Disturbance::BrokerForgets,
    Disturbance::NetworkCut,
    Disturbance::AcknowledgementsLost,
    Disturbance::TopicForbidden,
    Disturbance::BrokerBusy,
    Disturbance::SaidOffline,
    Disturbance::ModemUnplugged,
    Disturbance::ModemHangs,
    Disturbance::ModemResets,
    Disturbance::AnswerSwallowed,
    Disturbance::AnswerLate,
    Disturbance::ResetOnAir,
    Disturbance::ResetBeforeAir,
    Disturbance::ResetAtPrompt,
    Disturbance::VanishesOnAir,
    Disturbance::ListHangs,
    Disturbance::DeleteSwallowed,
    Disturbance::Refused,
    Disturbance::SubmitRefused,
    Disturbance::SubmitInDoubt,
    Disturbance::ReferenceMissing,
    Disturbance::CommandLate,
    Disturbance::ResultMissing,
    Disturbance::ResultsThrice,
    Disturbance::RestartsUnnoticed,
    Disturbance::RestartsUnnoticedOnAir,
    Disturbance::RestartsUnnoticedAtPrompt,
    Disturbance::NoticesWrong,
    Disturbance::DeleteLies,
    Disturbance::StorageRefused,
    Disturbance::RegistrationLost,
    Disturbance::SimGone,
    Disturbance::SimLost,
];

/// Topics of the gateway's.
const TOPICS: [&str; 5] =
    ["sms/received/main", "sms/last/main", "sms/result", "sms/modem/main", "sms/gateway/attic"];

const COMMANDS: [&str; 16] = [
    "AT", "AT+CMGL", "AT+CMGR", "AT+CMGD", "AT+CPMS", "AT+CNMI", "AT+CMGF", "AT+CMGS", "AT+CSCA", "AT+CPIN?",
    "AT+CREG", "AT+CSQ", "AT+CCID", "AT+CIMI", "AT+CFUN", "AT+CGMI",
];

/// A deck of all of them, in an order of the seed's.
pub fn deck(seed: &mut Seed, broker_forgets: bool) -> Vec<Disturbance> {
    let mut deck: Vec<Disturbance> =
        ALL.into_iter().filter(|m| broker_forgets || *m != Disturbance::BrokerForgets).collect();
    seed.shuffle(&mut deck);
    deck
}

impl Disturbance {
    /// Happens, and is over when this returns; faults of a modem wait for their command.
    pub fn happen(
        self,
        seed: &mut Seed,
        broker: &mut Broker,
        proxy: &Proxy,
        client: &Client,
        modem: &Simulator,
    ) {
        let outage = seed.millis(20..900);
        match self {
            Disturbance::BrokerKilled => {
                broker.kill();
                sleep(outage);
                broker.restart();
            }
            Disturbance::BrokerStopped => {
                broker.stop();
                sleep(outage);
                broker.restart();
            }
            Disturbance::BrokerPaused => {
                broker.pause();
                sleep(outage * 2);
                broker.resume();
            }
            Disturbance::BrokerForgets => {
                broker.kill();
                broker.forget_everything();
                sleep(outage);
                broker.restart();
            }
            Disturbance::NetworkCut => proxy.cut(),
            Disturbance::AcknowledgementsLost => {
                proxy.lose_acknowledgements(true);
                sleep(outage);
                proxy.lose_acknowledgements(false);
                // Else nothing were published for the minute after which the gateway gives them up.
                if seed.below(8) != 0 {
                    proxy.cut();
                }
            }
            Disturbance::TopicForbidden => {
                proxy.forbid(Some(one_of(seed, &TOPICS)));
                sleep(outage * 6);
                proxy.forbid(None);
            }
            Disturbance::BrokerBusy => {
                proxy.be_busy(true);
                proxy.cut();
                sleep(outage * 2);
                proxy.be_busy(false);
            }
            Disturbance::SaidOffline => client.publish_with(Publish {
                topic: "sms/gateway/attic/availability".to_owned(),
                payload: b"offline".to_vec(),
                qos: 1,
                retain: true,
                ..Publish::default()
            }),
            Disturbance::ModemUnplugged => {
                modem.unplug();
                sleep(outage);
                modem.plug();
            }
            Disturbance::ModemHangs => {
                modem.hang();
                sleep(outage * 2);
                modem.clear_faults();
            }
            Disturbance::ModemResets => modem.reset(),
            Disturbance::AnswerSwallowed => modem.fault(Fault::on_payload(FaultKind::Swallow)),
            Disturbance::AnswerLate => modem.fault(Fault::on_payload(FaultKind::Late(outage * 2))),
            Disturbance::ResetOnAir => modem.fault(Fault::on_payload(FaultKind::Reset).acted()),
            Disturbance::ResetBeforeAir => modem.fault(Fault::on_payload(FaultKind::Reset)),
            Disturbance::ResetAtPrompt => modem.fault(Fault::on("AT+CMGS", FaultKind::Reset).answered()),
            Disturbance::VanishesOnAir => modem.fault(Fault::on_payload(FaultKind::Vanish(outage)).acted()),
            Disturbance::ListHangs => modem.fault(Fault::on("AT+CMGL", FaultKind::HangFor(outage))),
            Disturbance::DeleteSwallowed => modem.fault(Fault::on("AT+CMGD", FaultKind::Swallow)),
            Disturbance::Refused => {
                let fault = Fault::on(one_of(seed, &COMMANDS), not_now(seed));
                modem.fault(fault.lasting(outage * 6));
            }
            Disturbance::SubmitRefused => {
                let code = one_of(seed, &[38, 41, 42, 47, 302, 331]);
                modem.fault(Fault::on_payload(FaultKind::Cms(code)));
            }
            Disturbance::SubmitInDoubt => {
                let kinds = [FaultKind::Cms(332), FaultKind::Cms(500), FaultKind::Error];
                modem.fault(Fault::on_payload(one_of(seed, &kinds)).acted());
            }
            Disturbance::ReferenceMissing => modem.fault(Fault::on_payload(FaultKind::NoLines).acted()),
            Disturbance::CommandLate => {
                modem.fault(Fault::on(one_of(seed, &COMMANDS), FaultKind::Late(outage * 2)));
            }
            Disturbance::ResultMissing => match seed.below(2) {
                0 => modem.fault(Fault::on_payload(FaultKind::NoResult).acted()),
                _ => modem.fault(Fault::on(one_of(seed, &COMMANDS), FaultKind::NoResult)),
            },
            Disturbance::ResultsThrice => {
                modem.fault(Fault::on("AT", FaultKind::Results(3)).lasting(outage * 2));
            }
            Disturbance::RestartsUnnoticed => modem.restart(words(seed)),
            Disturbance::RestartsUnnoticedOnAir => {
                modem.fault(Fault::on_payload(FaultKind::Restart(words(seed))).acted());
            }
            Disturbance::RestartsUnnoticedAtPrompt => {
                let fault = Fault::on("AT+CMGS", FaultKind::Restart(words(seed)));
                modem.fault(if seed.below(2) == 0 { fault.before() } else { fault.answered() });
            }
            Disturbance::NoticesWrong => {
                modem.set_notice(match seed.below(3) {
                    0 => Notice::Early(outage),
                    1 => Notice::Instead("+CMTI: ,-1".into()),
                    _ => Notice::Nothing,
                });
                sleep(outage * 2);
                modem.set_notice(Notice::Right);
            }
            Disturbance::DeleteLies => {
                modem.fault(Fault::on("AT+CMGD=", FaultKind::Pretend).lasting(outage * 2));
            }
            Disturbance::StorageRefused => {
                let storage = one_of(seed, &["AT+CPMS=\"SM\"", "AT+CPMS=\"ME\"", "AT+CPMS="]);
                modem.fault(Fault::on(storage, not_now(seed)).lasting(outage * 4));
            }
            Disturbance::RegistrationLost => {
                modem.set_registration(one_of(seed, &[0, 2, 3]));
                sleep(outage * 2);
                modem.set_registration(1);
            }
            Disturbance::SimGone => {
                modem.set_sim_present(false);
                modem.announce_sim();
                sleep(outage * 2);
                modem.set_sim_present(true);
                modem.announce_sim();
            }
            Disturbance::SimLost => {
                modem.lose_sim();
                sleep(outage * 2);
                modem.set_sim_present(true);
            }
        }
    }

    /// How soon the next may come: one that only waits for a command takes no time of its own.
    pub fn pause(seed: &mut Seed) -> Duration {
        seed.millis(50..900)
    }
}

fn one_of<T: Clone>(seed: &mut Seed, items: &[T]) -> T {
    items[seed.below(items.len() as u64) as usize].clone()
}

fn not_now(seed: &mut Seed) -> FaultKind {
    let codes = [302, 310, 314, 500].map(FaultKind::Cms);
    let others = [FaultKind::Cme(14), FaultKind::Error];
    one_of(seed, &[codes.as_slice(), &others].concat())
}

fn words(seed: &mut Seed) -> &'static [&'static str] {
    const WORDS: [&[&str]; 4] = [&[], &["SMS Ready"], &["+CPIN: READY"], &["RDY"]];
    one_of(seed, &WORDS)
}
