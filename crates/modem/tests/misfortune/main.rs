//! The modem crate against the simulator, one file a misfortune, over in-process streams and tokio's
//! paused clock.
//!
//! To reproduce a fault from the field, copy the file nearest to it.

mod alone;
mod bench;

mod charset_left_behind;
mod cmgl_hangs;
mod cmgl_refused_falls_back;
mod cnmi_refused;
mod command_abandoned;
mod cpms_wants_three;
mod domains_disagree;
mod every_vendor_profile;
mod families;
mod hang_in_each_command;
mod late_answer;
mod notifications_lost;
#[cfg(unix)]
mod on_a_pty;
mod port_gone_is_zero_octets;
mod prompt_never_comes;
mod recovery_steps;
mod refused_and_over;
mod reset_after_prompt;
mod reset_when_idle;
mod send_refused;
mod service_centre_missing;
mod sim_full;
mod sim_locked;
mod simulated_month;
mod split_octets;
mod status_report;
mod urc_between_list_lines;
mod ussd_texts;
mod wrong_pin_once;
