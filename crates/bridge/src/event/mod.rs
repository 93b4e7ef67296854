//! What the gateway has to say: events (what happened) and states (what is).
//!
//! Events are stored until the broker has acknowledged them, in the versioned form of `stored`. States are never stored:
//! they are true now or not at all. Pure data. Topics and JSON are `wire/`'s, SQL is `store/`'s.

mod announcement;
mod counters;
mod happened;
mod state;
mod stored;

pub use announcement::{Announced, Announcement, ModemIdentity};
pub use counters::{ModemCounters, QueueDepth};
pub use happened::{
    Broadcast, BroadcastContent, BroadcastMessage, Call, CallState, Event, MessageEncoding, MessageKind,
    MessageState, MmsWaiting, Received, ReceivedContent, ReceivedMessage, ResultFields, RuleMatch,
    SendResult, UssdReply, UssdState, Waiting, Warning,
};
pub use state::{
    Availability, GatewayState, ModemConnection, ModemState, Signal, State, StorageUse, Subject,
};
