//! Owns what goes wrong around the gateway: broker, network and modems. The phase kills the gateway itself.

use std::thread::sleep;
use std::time::Duration;

use smsbridge_simulator::{Fault, FaultKind, Simulator};

use crate::harness::broker::Broker;
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

const ALL: [Disturbance; 16] = [
    Disturbance::BrokerKilled,
    Disturbance::BrokerStopped,
    Disturbance::BrokerPaused,
    Disturbance::BrokerForgets,
    Disturbance::NetworkCut,
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
    pub fn happen(self, seed: &mut Seed, broker: &mut Broker, proxy: &Proxy, modem: &Simulator) {
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
        }
    }

    /// How soon the next may come: one that only waits for a command takes no time of its own.
    pub fn pause(seed: &mut Seed) -> Duration {
        seed.millis(50..900)
    }
}
