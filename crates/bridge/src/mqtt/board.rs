//! State for the broker: the newest value of each retained topic, published again after every connect.
//!
//! Written by modem tasks and the app, read by the link. State is never stored: it is true now or not at all.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The newest value of each retained topic of ours.
#[derive(Debug, Default)]
pub struct Board {
    entries: Mutex<BTreeMap<String, Entry>>,
    changed: Notify,
}

#[derive(Debug, Clone)]
struct Entry {
    payload: String,
    version: u64,
    /// The version last handed to the broker on this connection.
    shown: u64,
}

impl Board {
    /// Puts up a value; the same one again changes nothing. An empty one takes the topic from the broker.
    pub fn put(&self, topic: String, payload: String) {
        let mut entries = self.entries();
        match entries.get_mut(&topic) {
            Some(entry) if entry.payload == payload => return,
            Some(entry) => {
                entry.payload = payload;
                entry.version += 1;
            }
            None => {
                entries.insert(topic, Entry { payload, version: 1, shown: 0 });
            }
        }
        drop(entries);
        self.changed.notify_one();
    }

    /// Waits for a change. A change while nobody waited is not missed.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes up to `limit` values not shown since the last connect: topic, payload, version.
    pub(super) fn take_unshown(&self, limit: usize) -> Vec<(String, String, u64)> {
        let mut entries = self.entries();
        let unshown = entries.iter_mut().filter(|(_, entry)| entry.shown < entry.version).take(limit);
        unshown
            .map(|(topic, entry)| {
                entry.shown = entry.version;
                (topic.clone(), entry.payload.clone(), entry.version)
            })
            .collect()
    }

    /// A new connection: all is to be shown again.
    pub(super) fn show_all(&self) {
        self.entries().values_mut().for_each(|entry| entry.shown = 0);
        self.changed.notify_one();
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_value_is_shown_and_all_of_them_after_a_connect() {
        let board = Board::default();
        board.put("a".into(), "1".into());
        board.put("a".into(), "2".into());
        board.put("b".into(), "x".into());
        let shown = board.take_unshown(9);
        assert_eq!(shown, [("a".into(), "2".into(), 2), ("b".into(), "x".into(), 1)]);
        board.put("b".into(), "x".into());
        assert!(board.take_unshown(9).is_empty(), "an unchanged value was shown again");
        board.show_all();
        assert_eq!(board.take_unshown(1).len(), 1);
        assert_eq!(board.take_unshown(9).len(), 1);
    }
}
