//! Owns what goes wrong around the gateway: broker, network and modems. The gateway's own deaths are the phase's.

use std::thread::sleep;
use std::time::Duration;

use smsbridge_simulator::{Fault, FaultKind, Simulator};

use crate::harness::broker::Broker;
use crate::harness::proxy::Proxy;
use crate::harness::seed::Seed;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misfortune {
    BrokerKilled,
    BrokerStopped,
    BrokerPaused,
    /// Killed, and back without sessions, queues and retained messages.
    BrokerForgets,
    NetworkCut,
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
}

const ALL: [Misfortune; 16] = [
    Misfortune::BrokerKilled,
    Misfortune::BrokerStopped,
    Misfortune::BrokerPaused,
    Misfortune::BrokerForgets,
    Misfortune::NetworkCut,
    Misfortune::ModemUnplugged,
    Misfortune::ModemHangs,
    Misfortune::ModemResets,
    Misfortune::AnswerSwallowed,
    Misfortune::AnswerLate,
    Misfortune::ResetOnAir,
    Misfortune::ResetBeforeAir,
    Misfortune::ResetAtPrompt,
    Misfortune::VanishesOnAir,
    Misfortune::ListHangs,
    Misfortune::DeleteSwallowed,
];

/// A deck of all of them, in an order of the seed's.
pub fn deck(seed: &mut Seed, broker_forgets: bool) -> Vec<Misfortune> {
    let mut deck: Vec<Misfortune> =
        ALL.into_iter().filter(|m| broker_forgets || *m != Misfortune::BrokerForgets).collect();
    seed.shuffle(&mut deck);
    deck
}

impl Misfortune {
    /// Happens, and is over when this returns; faults of a modem wait for their command.
    pub fn happen(self, seed: &mut Seed, broker: &mut Broker, proxy: &Proxy, modem: &Simulator) {
        let outage = seed.millis(20..900);
        match self {
            Misfortune::BrokerKilled => {
                broker.kill();
                sleep(outage);
                broker.restart();
            }
            Misfortune::BrokerStopped => {
                broker.stop();
                sleep(outage);
                broker.restart();
            }
            Misfortune::BrokerPaused => {
                broker.pause();
                sleep(outage * 2);
                broker.resume();
            }
            Misfortune::BrokerForgets => {
                broker.kill();
                broker.forget_everything();
                sleep(outage);
                broker.restart();
            }
            Misfortune::NetworkCut => proxy.cut(),
            Misfortune::ModemUnplugged => {
                modem.unplug();
                sleep(outage);
                modem.plug();
            }
            Misfortune::ModemHangs => {
                modem.hang();
                sleep(outage * 2);
                modem.clear_faults();
            }
            Misfortune::ModemResets => modem.reset(),
            Misfortune::AnswerSwallowed => modem.fault(Fault::on_payload(FaultKind::Swallow)),
            Misfortune::AnswerLate => modem.fault(Fault::on_payload(FaultKind::Late(outage * 2))),
            Misfortune::ResetOnAir => modem.fault(Fault::on_payload(FaultKind::Reset).acted()),
            Misfortune::ResetBeforeAir => modem.fault(Fault::on_payload(FaultKind::Reset)),
            Misfortune::ResetAtPrompt => modem.fault(Fault::on("AT+CMGS", FaultKind::Reset).answered()),
            Misfortune::VanishesOnAir => modem.fault(Fault::on_payload(FaultKind::Vanish(outage)).acted()),
            Misfortune::ListHangs => modem.fault(Fault::on("AT+CMGL", FaultKind::HangFor(outage))),
            Misfortune::DeleteSwallowed => modem.fault(Fault::on("AT+CMGD", FaultKind::Swallow)),
        }
    }

    /// How soon the next may come: one that only waits for a command takes no time of its own.
    pub fn pause(seed: &mut Seed) -> Duration {
        seed.millis(50..900)
    }
}
