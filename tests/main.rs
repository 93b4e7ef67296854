//! End-to-end tests: the gateway and a real mosquitto as processes, simulated modems on PTYs.
//!
//! A file is named after what goes wrong, or after the behaviour it is about.

mod harness;

mod bad_requests;
mod bounds;
mod broker_away;
mod broker_refuses;
mod check_command;
mod clock;
mod cluster;
mod crash_points;
mod delivery_reports;
mod demo;
mod disk_full;
mod field_direct;
mod field_hangs;
mod field_line;
mod field_refusals;
mod field_sending;
mod field_sim;
mod field_slow;
mod field_storage;
mod fuzz_targets;
mod graceful_stop;
mod hidden_characters;
mod history_and_send_commands;
mod hooks;
mod hostile_arguments;
mod hostile_broker;
mod hostile_requests;
mod hundred_modems;
mod import_circles;
mod invariants;
mod killed_at_random;
mod kinds_of_messages;
mod log;
mod modem_detect;
mod modem_faults;
mod modem_gammu;
mod modem_services;
mod modem_unplugged;
mod money;
mod multipart;
mod pdu_command;
mod policy;
mod power_loss;
mod real_pdus_come_out_as_json;
mod request_while_gateway_is_down;
mod rules;
mod security;
mod sending;
mod setup_errors;
mod soak;
mod status_topics;
mod store_moved;
