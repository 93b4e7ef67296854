//! Tests of link and pump together, on a real store, against a scripted broker. Each is named after its misfortune.
//!
//! `gateway` is our half, `broker` the script; `caller` is the command line's half. No test waits for time to pass:
//! each waits for what the gateway sends, or for what its store holds. `hold` has neither broker nor pump, and sets the
//! clock itself.

mod broker;
mod caller;
mod connections;
mod failover;
mod gateway;
mod hold;
mod namesakes;
mod publishing;
mod refusals;
mod requests;
