//! Modems that wait for something to send, and which of them a message wakes: one that may send it, the longest idle first.
//!
//! Pure memory. No wake-up is lost: a modem becomes idle in the very operation of the store that found nothing for it, so
//! that each message stored later finds it here. One that stops waiting for another reason passes its wake-up on.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::message::{Name, Sim};

/// A message that may be sent now, as far as it matters to whom to wake.
#[derive(Debug, Clone)]
pub(super) struct Sendable {
    /// The only modem that may send it.
    pub(super) modem: Option<Name>,
    /// The only SIM by which it may go.
    pub(super) sim: Option<Sim>,
    /// The modems that may not try it yet, see [`is_in`].
    pub(super) avoided_by: String,
}

/// Whether a modem is among these, whose names are separated by spaces.
pub(super) fn is_in(modems: &str, modem: &Name) -> bool {
    modems.split(' ').any(|name| name == modem.as_str())
}

/// All idle modems, the longest idle first.
#[derive(Debug, Default)]
pub(super) struct IdleModems(Mutex<Vec<IdleModem>>);

#[derive(Debug)]
struct IdleModem {
    modem: Name,
    sim: Sim,
    /// The message it is woken for.
    woken_for: Option<Sendable>,
    wake: Arc<Notify>,
}

impl IdleModem {
    fn may_send(&self, message: &Sendable) -> bool {
        message.modem.as_ref().is_none_or(|only| *only == self.modem)
            && message.sim.as_ref().is_none_or(|only| *only == self.sim)
            && !is_in(&message.avoided_by, &self.modem)
    }
}

impl IdleModems {
    pub(super) fn enter(idle_modems: &Arc<IdleModems>, modem: &Name, sim: &Sim) -> Idle {
        let wake = Arc::new(Notify::new());
        let entry =
            IdleModem { modem: modem.clone(), sim: sim.clone(), woken_for: None, wake: Arc::clone(&wake) };
        idle_modems.with(|modems| modems.push(entry));
        Idle { idle_modems: Arc::clone(idle_modems), wake }
    }

    /// Wakes one modem for each message, as long as there are any that may send it.
    pub(super) fn wake(&self, messages: impl IntoIterator<Item = Sendable>) {
        self.with(|modems| {
            for message in messages {
                let fits = |modem: &&mut IdleModem| modem.woken_for.is_none() && modem.may_send(&message);
                if let Some(modem) = modems.iter_mut().find(fits) {
                    modem.wake.notify_one();
                    modem.woken_for = Some(message);
                }
            }
        });
    }

    fn with<T>(&self, run: impl FnOnce(&mut Vec<IdleModem>) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A modem is idle as long as this lives.
#[derive(Debug)]
pub struct Idle {
    idle_modems: Arc<IdleModems>,
    wake: Arc<Notify>,
}

impl Idle {
    /// Waits until there is something to claim. Dropped before that, it passes the wake-up on.
    pub async fn woken(self) {
        self.wake.notified().await;
        self.leave();
    }

    /// Ends the wait; returns the message it was woken for.
    fn leave(&self) -> Option<Sendable> {
        self.idle_modems.with(|modems| {
            let at = modems.iter().position(|modem| Arc::ptr_eq(&modem.wake, &self.wake))?;
            modems.remove(at).woken_for
        })
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        let missed = self.leave();
        self.idle_modems.wake(missed);
    }
}
