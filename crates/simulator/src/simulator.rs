//! The handle to a simulated modem: everything a test, a demo or a person can do with it.
//!
//! Cheap to clone, may be used from any thread and without a runtime; only the `async` methods need
//! one. Everything here also works while no terminal is connected: a modem runs on with nobody
//! at its port.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use smsbridge_codec::EncodeError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::fault::Fault;
use crate::modem::registration::Domain;
use crate::modem::{Status, Storage, Stored};
use crate::network::{Sent, SentAsText, Ussd};
use crate::now::Now;
use crate::options::{Options, Reports};
use crate::pdu::{self, Message};
use crate::simulation::Simulation;

/// A simulated modem with its SIM and its network.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
}

struct Shared {
    simulation: Mutex<Simulation>,
    wake: watch::Sender<u64>,
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

impl Simulator {
    /// A modem with power, a SIM and a network; plug it in with [`serve`](Self::serve), `pty` or `tcp`.
    pub fn new(options: Options) -> Self {
        let simulation = Mutex::new(Simulation::new(&options));
        Self { shared: Arc::new(Shared { simulation, wake: watch::Sender::new(0) }) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Simulation> {
        // A panic in another test's thread says nothing about this value.
        self.shared.simulation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `act` at the present time, and wakes those who wait if anything changed.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Simulation, Now) -> R) -> R {
        let mut simulation = self.lock();
        let now = simulation.now();
        let version = simulation.version;
        simulation.advance(now);
        let result = act(&mut simulation, now);
        simulation.advance(now);
        if simulation.version != version {
            self.shared.wake.send_replace(simulation.version);
        }
        result
    }

    /// As [`with`](Self::with), for what always concerns the connection.
    fn change<R>(&self, act: impl FnOnce(&mut Simulation, Now) -> R) -> R {
        self.with(|simulation, now| {
            simulation.version += 1;
            act(simulation, now)
        })
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.shared.wake.subscribe()
    }

    // ---- messages to the modem ----

    /// Somebody sends this SIM a text; a long one comes in parts. The number of parts.
    ///
    /// `from` is a number with or without `+`, or a name of up to 11 characters. With the modem
    /// off or its storage full the parts wait in the network.
    pub fn deliver(&self, from: &str, text: &str) -> Result<usize, EncodeError> {
        let reference = self.change(|simulation, _| simulation.next_reference());
        let parts = self.parts(from, text, &Message { reference, ..Message::default() })?;
        let count = parts.len();
        self.change(|simulation, now| {
            for part in parts {
                simulation.network.queue(part, now.elapsed);
            }
        });
        Ok(count)
    }

    /// The PDUs a text from `from` would come in, to be given to [`deliver_pdu`](Self::deliver_pdu)
    /// in any order, twice, or not at all.
    pub fn parts(&self, from: &str, text: &str, message: &Message) -> Result<Vec<String>, EncodeError> {
        self.with(|simulation, now| pdu::deliver(simulation.network.centre(), from, text, message, now))
    }

    /// The network delivers this PDU, given as on the AT line (service centre address and TPDU in
    /// hex); whether its octets make sense is not looked at.
    pub fn deliver_pdu(&self, pdu: &str) {
        let pdu = pdu.trim().to_ascii_uppercase();
        self.change(|simulation, now| simulation.network.queue(pdu, now.elapsed));
    }

    /// As [`deliver_pdu`](Self::deliver_pdu), after a time.
    pub fn deliver_pdu_in(&self, delay: Duration, pdu: &str) {
        let pdu = pdu.trim().to_ascii_uppercase();
        self.change(|simulation, now| simulation.network.queue(pdu, now.elapsed + delay));
    }

    /// Puts a PDU straight into a slot, without an unsolicited line; the slot's number, or `None`
    /// if there is no room.
    pub fn put(&self, storage: Storage, status: Status, pdu: &str) -> Option<usize> {
        self.change(|simulation, _| simulation.modem.storages.store(storage, status, pdu))
    }

    /// A cell broadcast page (hex); whether the modem passes it to the terminal.
    pub fn broadcast(&self, page: &str) -> bool {
        self.change(|simulation, _| simulation.modem.broadcast(page))
    }

    /// All stored messages, of all storages.
    pub fn stored(&self) -> Vec<Stored> {
        let all = [Storage::Sm, Storage::Me, Storage::Sr];
        self.with(|simulation, _| {
            all.iter().flat_map(|s| simulation.modem.storages.list(*s)).map(|(_, stored)| stored).collect()
        })
    }

    /// Free slots of a storage.
    pub fn free(&self, storage: Storage) -> usize {
        let (used, all) = self.with(|simulation, _| simulation.modem.storages.usage(storage));
        all - used
    }

    /// PDUs the network still holds for this SIM.
    pub fn waiting(&self) -> usize {
        self.with(|simulation, _| simulation.network.waiting())
    }

    /// Received messages find no room, whatever is free, until this is set back.
    pub fn set_full(&self, full: bool) {
        self.change(|simulation, _| simulation.modem.storages.full = full);
    }

    // ---- messages from the modem ----

    /// Every message the network accepted, in order, also those whose answer was lost.
    pub fn sent(&self) -> Vec<Sent> {
        self.with(|simulation, _| simulation.network.sent.clone())
    }

    /// Every text that was sent while the modem was in text mode; they are not in [`sent`](Self::sent).
    pub fn sent_as_text(&self) -> Vec<SentAsText> {
        self.with(|simulation, _| simulation.network.sent_as_text.clone())
    }

    /// What happens to status reports from now on.
    pub fn set_reports(&self, reports: Reports) {
        self.change(|simulation, _| simulation.network.reports = reports);
    }

    /// Time from a message to its report, from now on.
    pub fn set_report_delay(&self, delay: Duration) {
        self.change(|simulation, _| simulation.network.report_delay = delay);
    }

    /// Time from Ctrl-Z to the network's answer, from now on.
    pub fn set_submit_delay(&self, delay: Duration) {
        self.change(|simulation, _| simulation.network.set_submit_delay(delay));
    }

    /// Sends the reports that [`Reports::Held`] keeps, with this TP-Status; how many.
    pub fn release_reports(&self, status: u8) -> usize {
        self.change(|simulation, now| simulation.network.release_reports(status, now))
    }

    /// A status report nothing was sent for: for reference `mr`, sent to `to`, with this TP-Status.
    pub fn report(&self, mr: u8, to: &str, status: u8) -> Result<(), EncodeError> {
        self.change(|simulation, now| {
            let pdu = pdu::report(simulation.network.centre(), mr, to, status, now.unix, now)?;
            simulation.network.queue(pdu, now.elapsed);
            Ok(())
        })
    }

    /// What the network answers to a USSD code (or to a reply within a menu).
    pub fn set_ussd(&self, code: &str, answer: Ussd) {
        self.change(|simulation, _| simulation.network.ussd.insert(code.into(), answer));
    }

    // ---- SIM, network and calls ----

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

    // ---- faults ----

    /// Adds a fault to the plan; several may be set, the first that applies happens.
    pub fn fault(&self, fault: Fault) {
        self.change(|simulation, now| simulation.add_fault(fault, now));
    }

    /// No more faults; a hung modem answers again.
    pub fn clear_faults(&self) {
        self.change(|simulation, _| simulation.clear_faults());
    }

    /// The modem answers nothing from now on, until [`clear_faults`](Self::clear_faults),
    /// [`reset`](Self::reset) or a new plugging in.
    pub fn hang(&self) {
        self.change(|simulation, now| simulation.hang(now));
    }

    /// The modem restarts, as with `AT+CFUN=1,1`.
    pub fn reset(&self) {
        self.change(|simulation, now| simulation.restart(now));
    }

    /// Unplugs the modem: every connection ends, settings are lost; messages wait in the network.
    pub fn unplug(&self) {
        self.change(|simulation, now| {
            simulation.unplug(now, None);
            simulation.cut();
        });
    }

    /// Plugs it in again.
    pub fn plug(&self) {
        self.change(|simulation, now| simulation.plug(now));
    }

    /// Whether it is plugged in.
    pub fn is_plugged(&self) -> bool {
        self.with(|simulation, _| simulation.is_plugged())
    }

    // ---- what happened ----

    /// All that was typed, in order, over all connections: command lines as typed, a text after a
    /// prompt followed by `^Z`, an escape as `^[`.
    pub fn commands(&self) -> Vec<String> {
        self.with(|simulation, _| simulation.commands.clone())
    }

    /// Everything that happened, a line an event with seconds since the start: print it when a test fails.
    pub fn journal(&self) -> Vec<String> {
        self.journal_from(0).0
    }

    /// The journal from its n-th line on, and the number of the line that will be next.
    pub fn journal_from(&self, n: u64) -> (Vec<String>, u64) {
        self.with(|simulation, _| simulation.journal_from(n))
    }

    /// Waits until `condition` holds or the time is up; whether it holds.
    pub async fn wait_for(&self, time: Duration, mut condition: impl FnMut(&Self) -> bool) -> bool {
        let end = Instant::now() + time;
        let mut watch = self.watch();
        loop {
            watch.borrow_and_update();
            if condition(self) {
                return true;
            }
            let wake = self.deadline().map_or(end, |at| at.min(end));
            tokio::select! {
                _ = watch.changed() => {}
                () = sleep_until(wake) => if wake == end { return condition(self) },
            }
        }
    }

    /// The next time something happens by itself.
    fn deadline(&self) -> Option<Instant> {
        self.with(|simulation, now| {
            let at = simulation.deadline(now)?;
            Some(simulation.instant(at))
        })
    }

    /// Waits until the modem is plugged in (`true`) or not (`false`).
    pub(crate) async fn until_plugged(&self, plugged: bool) {
        let forever = Duration::from_secs(3600);
        while !self.wait_for(forever, |sim| sim.is_plugged() == plugged).await {}
    }

    pub(crate) fn gone() -> io::Error {
        io::Error::new(io::ErrorKind::NotConnected, "the modem is not plugged in")
    }
}
