//! The numbers the gateway publishes about itself: what modems did, and how much waits.

/// What a modem did since the gateway started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModemCounters {
    /// Short messages received.
    pub received: u64,
    /// Short messages the network accepted.
    pub sent: u64,
    /// Short messages it did not.
    pub not_sent: u64,
    /// Sessions begun.
    pub sessions: u64,
    /// Times message notifications had to be set again.
    pub announced_again: u64,
    /// Times a silent modem was asked whether it still answers.
    pub probed: u64,
    /// Times each recovery step was taken.
    pub resynchronised: u64,
    /// The port was closed and opened again.
    pub reopened: u64,
    /// The radio was switched off and on.
    pub radio_restarted: u64,
    /// The modem was reset.
    pub reset: u64,
}

/// How much waits in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueDepth {
    /// Events the broker has not acknowledged.
    pub publish: u32,
    /// Messages that wait for a modem.
    pub send: u32,
    /// Events the broker refused for good.
    pub parked: u32,
}
