//! The broker, over MQTT 5. Only this folder names `rumqttc` (docs/architecture.md, "The rumqttc seam").
//!
//! Transport alone: `pump` owns the socket and the reconnecting; `link` the order of things on a connection, with
//! `publisher` (what goes out) and `inbox` (what comes in); `gate`, `window`, `quarantine` and `neighbours` are their
//! small parts. What requests mean is `crate::intake`'s, topics and JSON are `crate::wire`'s. `caller` is the client of
//! `smsbridge send` and `check`.

mod caller;
mod client;
mod connect;
mod gate;
mod inbox;
mod link;
#[cfg(test)]
mod link_tests;
mod neighbours;
mod options;
mod publisher;
mod pump;
mod quarantine;
mod status;
mod subscriptions;
mod window;

pub use caller::Caller;
pub use connect::prepare;
pub use link::Link;
pub use status::LinkStatus;
pub use subscriptions::Subscriptions;
