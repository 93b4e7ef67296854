//! What happened lately, for those who watch: a bounded memory that each of them reads from where it left off.
//!
//! Nobody who watches slowly holds up what happens: it misses something, and is told so. Begins empty with the gateway.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::event::Event;

/// The most of one kind that is kept, in octets as [`Weight`] has them.
const MAX_OCTETS: usize = 256 * 1024;

/// The most of one kind that is kept.
const MAX_ITEMS: usize = 256;

/// How much memory something takes, about.
pub trait Weight {
    /// In octets.
    fn weight(&self) -> usize;
}

/// The events that were published lately.
pub type EventFeed = Feed<Arc<Event>>;

impl Weight for Arc<Event> {
    fn weight(&self) -> usize {
        // What has no text of any length takes a few hundred octets.
        const OTHERS: usize = 512;
        let Event::Received(received) = &**self else { return OTHERS };
        let text = received.message().and_then(|message| message.text.as_ref()).map_or(0, String::len);
        OTHERS + text + received.pdus.iter().map(String::len).sum::<usize>()
    }
}

/// What happened lately, each with a number that ascends by one from 1.
#[derive(Debug)]
pub struct Feed<T> {
    recent: Mutex<Recent<T>>,
    newest: watch::Sender<u64>,
}

#[derive(Debug)]
struct Recent<T> {
    items: VecDeque<T>,
    octets: usize,
    /// The number of the last one.
    newest: u64,
}

/// What came behind a number.
#[derive(Debug, PartialEq, Eq)]
pub struct Since<T> {
    /// In order, each with its number.
    pub items: Vec<(u64, T)>,
    /// Something between that number and the first item is no longer known.
    pub is_gap: bool,
}

impl<T> Default for Feed<T> {
    fn default() -> Self {
        let recent = Recent { items: VecDeque::new(), octets: 0, newest: 0 };
        Feed { recent: Mutex::new(recent), newest: watch::Sender::new(0) }
    }
}

impl<T: Weight + Clone> Feed<T> {
    /// This happened.
    pub fn push(&self, item: T) {
        let mut recent = self.lock();
        recent.octets += item.weight();
        recent.items.push_back(item);
        recent.newest += 1;
        while recent.items.len() > MAX_ITEMS || recent.octets > MAX_OCTETS && recent.items.len() > 1 {
            let Some(oldest) = recent.items.pop_front() else { break };
            recent.octets -= oldest.weight();
        }
        let newest = recent.newest;
        drop(recent);
        self.newest.send_replace(newest);
    }

    /// The number of what came last; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.lock().newest
    }

    /// What came behind `number`, at most so many at once, so that nobody holds all of it. A number that is yet to come
    /// is of another run: all is told, and that there is a gap.
    pub fn since(&self, number: u64, limit: usize) -> Since<T> {
        let recent = self.lock();
        let first = recent.newest + 1 - recent.items.len() as u64;
        let is_gap = number > recent.newest || number + 1 < first;
        let from = if is_gap { first } else { number + 1 };
        let skipped = usize::try_from(from - first).unwrap_or(usize::MAX);
        let items = (from..).zip(recent.items.iter().skip(skipped).take(limit).cloned()).collect();
        Since { items, is_gap }
    }

    /// Waits until something came behind `number`.
    pub async fn behind(&self, number: u64) {
        // The sender is ours, so it does not end before us.
        let _ = self.newest.subscribe().wait_for(|newest| *newest > number).await;
    }

    fn lock(&self) -> MutexGuard<'_, Recent<T>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    impl Weight for usize {
        fn weight(&self) -> usize {
            *self
        }
    }

    #[test]
    fn who_comes_back_gets_what_it_missed() {
        let feed = Feed::default();
        assert_eq!(feed.since(0, MAX_ITEMS), Since { items: Vec::new(), is_gap: false });
        (10..15).for_each(|item: usize| feed.push(item));
        assert_eq!(feed.since(3, MAX_ITEMS), Since { items: vec![(4, 13), (5, 14)], is_gap: false });
        assert_eq!(feed.since(5, MAX_ITEMS), Since { items: Vec::new(), is_gap: false });
        assert_eq!(feed.since(1, 2).items, [(2, 11), (3, 12)]);
        assert!(feed.behind(5).now_or_never().is_none());
        assert!(feed.behind(4).now_or_never().is_some());
    }

    #[test]
    fn who_was_away_too_long_is_told_so() {
        let feed = Feed::default();
        (0..MAX_ITEMS + 2).for_each(|_| feed.push(1_usize));
        assert!(!feed.since(2, MAX_ITEMS).is_gap, "nothing is missing");
        let since = feed.since(1, MAX_ITEMS);
        assert!(since.is_gap && since.items.len() == MAX_ITEMS && since.items[0].0 == 3, "{since:?}");
        assert!(feed.since(MAX_ITEMS as u64 + 3, MAX_ITEMS).is_gap, "the number is of another run");
    }

    #[test]
    fn long_messages_take_no_more_memory_than_short_ones() {
        let feed = Feed::default();
        (0..8).for_each(|_| feed.push(MAX_OCTETS / 4));
        assert_eq!(feed.since(4, MAX_ITEMS).items.len(), 4);
        feed.push(MAX_OCTETS * 2);
        assert_eq!(feed.since(8, MAX_ITEMS), Since { items: vec![(9, MAX_OCTETS * 2)], is_gap: false });
    }
}
