//! The newest state of the gateway and of each modem, for the broker to retain.
//!
//! Written by the modem tasks and the timer, read by the link to the broker. Only the newest value counts; all values
//! are published again after every connect. Never stored.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::event::{Announcement, State, Subject};
use crate::log::{ProblemLog, ProblemSubject};

/// The newest states, and which of them the broker does not have yet.
#[derive(Debug, Default)]
pub struct RetainedState {
    entries: Mutex<BTreeMap<Key, Entry>>,
    changed: Notify,
    problems: ProblemLog,
    /// Whether devices are announced to Home Assistant.
    announces: bool,
}

/// Which of a subject's states: each is one retained value at the broker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Details(Subject),
    Availability(Subject),
    /// Behind the others: who hears of a device finds its states there, and of a modem knows its gateway.
    Announcement(Subject),
}

impl Key {
    fn of(state: &State) -> Key {
        match state {
            State::Modem(state) => Key::Details(Subject::Modem(state.modem.clone())),
            State::Gateway(_) => Key::Details(Subject::Gateway),
            State::Availability(subject, _) => Key::Availability(subject.clone()),
            State::Announcement(Announcement::Gateway) => Key::Announcement(Subject::Gateway),
            State::Announcement(Announcement::Modem(identity)) => {
                Key::Announcement(Subject::Modem(identity.modem.clone()))
            }
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
    /// With an announcement to Home Assistant of the gateway, and of each modem whose state is set.
    pub fn announcing() -> Self {
        let retained = RetainedState { announces: true, ..RetainedState::default() };
        retained.set(State::Announcement(Announcement::Gateway));
        retained
    }

    /// Sets a state. An unchanged one is not published again.
    pub fn set(&self, state: State) {
        if let State::Modem(modem) = &state {
            let subject = ProblemSubject::of_modem(&modem.modem, "state");
            self.problems.set(&subject, modem.problem.as_deref());
        }
        let announcement = match &state {
            State::Modem(modem) if self.announces => Some(Announcement::Modem(Box::new(modem.identity()))),
            _ => None,
        };
        let mut entries = self.entries();
        let mut is_changed = replace(&mut entries, state);
        if let Some(announcement) = announcement {
            is_changed |= replace(&mut entries, State::Announcement(announcement));
        }
        drop(entries);
        if is_changed {
            self.changed.notify_one();
        }
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

/// Whether it is another state than there was.
fn replace(entries: &mut BTreeMap<Key, Entry>, state: State) -> bool {
    let key = Key::of(&state);
    if let Some(entry) = entries.get_mut(&key).filter(|entry| entry.state == state) {
        entry.newer = None;
        return false;
    }
    entries.insert(key, Entry { state, newer: None, published: false });
    true
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
    fn a_device_is_announced_behind_its_states_and_again_when_it_says_who_it_is() {
        use crate::event::ModemState;
        let retained = RetainedState::announcing();
        let modem = ModemState::new("main".parse().unwrap());
        let known = ModemState { imei: Some("490154203237518".to_owned()), ..modem.clone() };
        let announced =
            |modem: &ModemState| State::Announcement(Announcement::Modem(Box::new(modem.identity())));
        let gateway = State::Announcement(Announcement::Gateway);
        retained.set(State::Modem(Box::new(modem.clone())));
        let first = [State::Modem(Box::new(modem.clone())), gateway.clone(), announced(&modem)];
        assert_eq!(retained.take_unpublished(9), first, "a modem names its gateway");
        let online = ModemState { operator: Some("Example".to_owned()), ..modem };
        retained.set(State::Modem(Box::new(online.clone())));
        assert_eq!(retained.take_unpublished(9), [State::Modem(Box::new(online))]);
        retained.set(State::Modem(Box::new(known.clone())));
        let second = [State::Modem(Box::new(known.clone())), announced(&known)];
        assert_eq!(retained.take_unpublished(9), second);
        retained.republish_all();
        assert_eq!(retained.take_unpublished(9), [second[0].clone(), gateway, second[1].clone()]);
    }

    #[test]
    fn nothing_is_announced_unless_it_is_asked_for() {
        use crate::event::ModemState;
        let retained = RetainedState::default();
        retained.set(State::Modem(Box::new(ModemState::new("main".parse().unwrap()))));
        assert!(matches!(&retained.take_unpublished(9)[..], [State::Modem(_)]));
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
