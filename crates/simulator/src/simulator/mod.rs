//! The handle to a simulated modem: everything a test, a demo or a person can do with it.
//!
//! `messages.rs` has what goes through the network, `conditions.rs` what the modem finds around it, this file faults, power
//! and what happened.
//!
//! Cheap to clone, may be used from any thread and without a runtime; only the `async` methods need
//! one. Everything here also works while no terminal is connected: a modem runs on with nobody
//! at its port.

mod conditions;
mod messages;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::fault::Fault;
use crate::now::Now;
use crate::options::Options;
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

    /// The modem restarts, is back at once and sends these lines instead of its banner: a restart nobody notices.
    pub fn restart(&self, words: &[&str]) {
        self.change(|simulation, now| simulation.restart_saying(words, now));
    }

    /// The modem prints this line again and again, even while it hangs, until [`clear_faults`](Self::clear_faults).
    pub fn repeat_urc(&self, line: &str, every: Duration) {
        self.change(|simulation, now| simulation.repeat(line, every, now));
    }

    /// How often a command (such as `AT+CFUN=1,1`) made the modem restart.
    pub fn resets(&self) -> u64 {
        self.with(|simulation, _| simulation.resets)
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

    /// Forgets what was typed and what happened so far, for a test that runs for long: [`commands`](Self::commands)
    /// begins anew, and the journal has only lines that follow, with numbers that go on.
    pub fn forget_past(&self) {
        self.with(|simulation, _| simulation.forget_past());
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
    #[cfg(unix)]
    pub(crate) async fn until_plugged(&self, plugged: bool) {
        let forever = Duration::from_secs(3600);
        while !self.wait_for(forever, |sim| sim.is_plugged() == plugged).await {}
    }

    pub(crate) fn gone() -> io::Error {
        io::Error::new(io::ErrorKind::NotConnected, "the modem is not plugged in")
    }
}
