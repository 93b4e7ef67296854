//! What is served over HTTP: the gateway's health, and later more; off unless `[http] listen` says where.
//!
//! `server` accepts connections and bounds them, `routes` says what is where, `guard` decides who may ask (with `client`,
//! who that is, and `token`), `health` judges how the gateway is. Nothing here changes what becomes of a message.

mod client;
mod guard;
#[cfg(test)]
mod guard_tests;
mod health;
mod routes;
mod server;
mod token;

pub use health::Health;
pub use routes::routes;
pub use server::{run, why_not};
