//! The broker, over MQTT 5. Only this folder names `rumqttc` (docs/architecture.md, "The rumqttc seam").
//!
//! Transport only; another broker would be a folder beside this one. `pump` owns the socket and reconnects; `link`
//! decides the order of events on a connection, with `publisher` for what goes out and `inbox` for what comes in;
//! `connect` makes both halves. The others are their small parts, each with a first line that says which. What a
//! request means is decided in `crate::intake`; topics and JSON are in `crate::wire`.

mod access;
mod apart;
mod blame;
mod call;
mod caller;
mod client;
mod connack;
mod connect;
mod gate;
mod inbox;
mod link;
mod link_state;
#[cfg(test)]
mod link_tests;
mod neighbours;
mod options;
mod publisher;
mod pump;
mod reason;
mod servers;
mod subscriptions;
mod tls;
mod trial;
mod window;

pub use access::{Access, Plan, Right};
pub use call::{Call, Heard};
pub use caller::{Caller, CallerError};
pub use connect::prepare;
pub use link::Link;
pub use link_state::LinkState;
pub use subscriptions::Subscriptions;
pub use tls::tls_mistakes;
pub use trial::{Trial, try_each};
