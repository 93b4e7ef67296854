//! What is served over HTTP: the gateway's health, its metrics and a page; off unless `[http] listen` says where.
//!
//! `server` accepts connections and bounds them, `routes` says what is where, `guard` decides who may ask (with
//! `client`, who that is, and `token`), `health` judges how the gateway is, `metrics` renders what was counted, `page`
//! has the files that a browser gets, `api` is for them. What the page asks for goes the way of all requests: nothing
//! here changes what becomes of a message.

mod api;
mod client;
mod guard;
#[cfg(test)]
mod guard_tests;
mod health;
mod json;
mod metrics;
mod page;
mod routes;
mod server;
mod signal_log;
mod token;

pub use api::Api;
pub use health::Health;
pub use routes::routes;
pub use server::{run, why_not};
pub use signal_log::SignalLog;
