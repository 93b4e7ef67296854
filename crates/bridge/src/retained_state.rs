//! The newest state of the gateway and of each modem, for the broker to retain.
//!
//! Written by the modem tasks and the timer, read by the link to the broker. Only the newest value counts; all values
//! are published again after every connect. Never stored.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::event::{State, Subject};
use crate::log::{ProblemLog, ProblemSubject};

/// The newest states, and which of them the broker does not have yet.
#[derive(Debug, Default)]
pub struct RetainedState {
    entries: Mutex<BTreeMap<Key, Entry>>,
    changed: Notify,
    problems: ProblemLog,
}

/// Which of a subject's states: each is one retained value at the broker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Details(Subject),
    Availability(Subject),
}

impl Key {
    fn of(state: &State) -> Key {
        match state {
            State::Modem(state) => Key::Details(Subject::Modem(state.modem.clone())),
            State::Gateway(_) => Key::Details(Subject::Gateway),
            State::Availability(subject, _) => Key::Availability(subject.clone()),
        }
    }
}

#[derive(Debug)]
struct Entry {
    state: State,
    /// Newer than `state`, and not worth a publish yet.
    newer: Option<State>,
    published: bool,
}

impl RetainedState {
    /// Sets a state. An unchanged one is not published again.
    pub fn set(&self, state: State) {
        let mut entries = self.entries();
        let key = Key::of(&state);
        if let Some(entry) = entries.get_mut(&key).filter(|entry| entry.state == state) {
            entry.newer = None;
            return;
        }
        if let State::Modem(state) = &state {
            let subject = ProblemSubject::of_modem(&state.modem, "state");
            self.problems.set(&subject, state.problem.as_deref());
        }
        entries.insert(key, Entry { state, newer: None, published: false });
        drop(entries);
        self.changed.notify_one();
    }

    /// What is wrong with the modems, as it is logged.
    pub fn problems(&self) -> &ProblemLog {
        &self.problems
    }

    /// What is newer than a state that was set, and need not be published yet: for whoever asks.
    pub fn note(&self, state: State) {
        if let Some(entry) = self.entries().get_mut(&Key::of(&state)) {
            entry.newer = Some(state);
        }
    }

    /// All states there are, each as new as it is known.
    pub fn all(&self) -> Vec<State> {
        self.entries().values().map(|entry| entry.newer.as_ref().unwrap_or(&entry.state).clone()).collect()
    }

    /// Waits for a change, one made before the call included.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes up to `limit` states that were not taken since they changed or since the last connect.
    pub fn take_unpublished(&self, limit: usize) -> Vec<State> {
        let mut entries = self.entries();
        let unpublished = entries.values_mut().filter(|entry| !entry.published).take(limit);
        unpublished
            .map(|entry| {
                entry.published = true;
                entry.state.clone()
            })
            .collect()
    }

    /// Marks all states as not published: a new connection begins.
    pub fn republish_all(&self) {
        self.entries().values_mut().for_each(|entry| entry.published = false);
        self.changed.notify_one();
    }

    /// Marks the gateway's state as not published: somebody else published there.
    pub fn republish_gateway(&self) {
        if let Some(entry) = self.entries().get_mut(&Key::Details(Subject::Gateway)) {
            entry.published = false;
        }
        self.changed.notify_one();
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Availability;

    #[test]
    fn only_the_newest_state_is_published_and_every_state_after_a_connect() {
        let retained = RetainedState::default();
        let main = || Subject::Modem("main".parse().unwrap());
        let online = State::Availability(main(), Availability::Online);
        let gateway = State::Availability(Subject::Gateway, Availability::Online);
        retained.set(State::Availability(main(), Availability::Offline));
        retained.set(online.clone());
        retained.set(gateway.clone());
        assert_eq!(retained.take_unpublished(9), [gateway, online.clone()]);
        retained.set(online);
        assert!(retained.take_unpublished(9).is_empty(), "an unchanged state was published again");
        retained.republish_all();
        assert_eq!(retained.take_unpublished(1).len(), 1);
        assert_eq!(retained.take_unpublished(9).len(), 1);
    }

    #[test]
    fn who_asks_hears_what_is_newer_than_what_was_published() {
        use crate::event::ModemState;
        let retained = RetainedState::default();
        let first = ModemState::new("main".parse().unwrap());
        let newer = ModemState { number: Some("+491".to_owned()), ..first.clone() };
        let shown = |state: &ModemState| [State::Modem(Box::new(state.clone()))];
        retained.set(State::Modem(Box::new(first.clone())));
        retained.take_unpublished(9);
        retained.note(State::Modem(Box::new(newer.clone())));
        assert!(retained.take_unpublished(9).is_empty(), "it need not be published");
        assert_eq!(retained.all(), shown(&newer));
        retained.set(State::Modem(Box::new(first.clone())));
        assert_eq!(retained.all(), shown(&first));
    }
}
