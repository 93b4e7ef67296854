//! What the modem finds around it: the SIM, the network, calls.

use super::Simulator;
use crate::modem::registration::Domain;
use crate::options::Sim;

impl Simulator {
    /// `<stat>` of `+CREG` while radio and SIM are on: 1 home, 5 roaming, 2 searching, 3 denied, 0 none.
    pub fn set_registration(&self, stat: u8) {
        self.change(|simulation, _| simulation.modem.set_registration(None, stat));
    }

    /// As [`set_registration`](Self::set_registration) for one domain; messages pass while any is 1 or 5.
    pub fn set_registration_of(&self, domain: Domain, stat: u8) {
        self.change(|simulation, _| simulation.modem.set_registration(Some(domain), stat));
    }

    /// `<rssi>` of `+CSQ`: 0 to 31, 99 unknown.
    pub fn set_signal(&self, rssi: u8) {
        self.change(|simulation, _| simulation.modem.signal = rssi);
    }

    /// Takes the SIM card out, or puts it back (the PIN is asked again).
    pub fn set_sim_present(&self, present: bool) {
        self.change(|simulation, _| {
            simulation.modem.sim.present = present;
            simulation.modem.sim.power_up();
        });
    }

    /// Puts in another SIM, with the messages that were on it when it was taken out; the PIN is asked if it has one.
    pub fn insert_sim(&self, sim: &Sim) {
        self.change(|simulation, _| {
            simulation.modem.insert_sim(sim);
            simulation.network.set_number(&sim.number);
        });
    }

    /// The modem says that a SIM was taken out or put in, in the words of its profile.
    pub fn announce_sim(&self) {
        self.change(|simulation, _| simulation.modem.announce_sim());
    }

    /// The SIM is reset: the PIN is asked again, and `+CPIN: SIM PIN` (or `READY`) comes unasked.
    pub fn reset_sim(&self) {
        self.change(|simulation, _| simulation.modem.reset_sim());
    }

    /// The modem says "SIM not inserted" until its radio was off (`AT+CFUN=0`, then `1`) or it restarts.
    pub fn lose_sim(&self) {
        self.change(|simulation, _| simulation.modem.sim.lost = true);
    }

    /// PIN tries left.
    pub fn pin_tries_left(&self) -> u8 {
        self.with(|simulation, _| simulation.modem.sim.tries)
    }

    /// Somebody calls: `RING` at once and every 5 s until [`stop_ringing`](Self::stop_ringing).
    pub fn ring(&self, from: &str) {
        self.change(|simulation, now| simulation.ring(from, now));
    }

    /// The caller gives up: `NO CARRIER`.
    pub fn stop_ringing(&self) {
        self.change(|simulation, _| simulation.stop_ringing());
    }

    /// The modem sends this unsolicited line (URC).
    pub fn send_urc(&self, line: &str) {
        self.change(|simulation, _| simulation.modem.send_urc(line));
    }

    /// The modem sends the next unsolicited line of its vendor profile.
    pub fn noise(&self) {
        self.change(|simulation, _| {
            let line = simulation.modem.next_noise();
            simulation.modem.send_urc(line);
        });
    }
}
