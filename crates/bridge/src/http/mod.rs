//! What is served over HTTP: the gateway's health and its metrics; off unless `[http] listen` says where.
//!
//! `server` accepts connections and bounds them, `routes` says what is where, `guard` decides who may ask (with `client`,
//! who that is, and `token`), `health` judges how the gateway is, `metrics` renders what was counted. Nothing here changes what becomes of a message.

mod client;
mod guard;
#[cfg(test)]
mod guard_tests;
mod health;
mod metrics;
mod routes;
mod server;
mod token;

pub use health::Health;
pub use routes::routes;
pub use server::{run, why_not};
