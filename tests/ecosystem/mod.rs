//! The gateway among the programs of its users: Home Assistant, Node-RED, services. Run by `tests/run ecosystem`, which
//! installs them.

mod blueprints;
mod container;
mod first_hour;
mod home;
mod home_assistant;
mod home_assistant_changes;
mod home_assistant_faults;
mod import;
mod node_red;
mod package;
mod page;
mod prometheus;
mod schema;
mod services;
