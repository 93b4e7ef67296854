//! The gateway among the programs of its users: Home Assistant, Node-RED, services. Run by `tests/run ecosystem`, which
//! installs them.

mod blueprints;
mod home_assistant;
