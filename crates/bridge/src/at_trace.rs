//! The AT dialogue of a modem as it happens, masked, for those who watch.

use std::sync::Arc;

use smsbridge_modem::trace::{Line, Transcript};

use crate::clock::now_ms;
use crate::feed::{Feed, Weight};
use crate::message::UnixMs;

/// The last lines of one modem's dialogue.
pub type TraceFeed = Feed<Arc<TraceLine>>;

/// A line of the dialogue.
#[derive(Debug, PartialEq, Eq)]
pub struct TraceLine {
    /// When.
    pub at: UnixMs,
    /// Whether it went to the modem.
    pub is_sent: bool,
    /// Without PINs, PDUs, numbers and texts.
    pub text: String,
}

impl Weight for Arc<TraceLine> {
    fn weight(&self) -> usize {
        size_of::<TraceLine>() + self.text.len()
    }
}

/// Tells those who watch.
#[derive(Debug)]
pub struct Watched(pub Arc<TraceFeed>);

impl Transcript for Watched {
    fn line(&mut self, line: Line<'_>) {
        let text = line.text.to_owned();
        self.0.push(Arc::new(TraceLine { at: now_ms(), is_sent: line.is_sent, text }));
    }
}
