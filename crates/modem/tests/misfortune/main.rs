//! The modem crate against the simulator, one file a misfortune, over in-process streams and tokio's
//! paused clock.
//!
//! To reproduce a fault from the field, copy the file nearest to it.

mod alone;
mod bench;

mod any_command;
mod asleep_or_elsewhere;
mod charset_left_behind;
mod cmgl_hangs;
mod cmgl_refused_falls_back;
mod cnmi_refused;
mod command_abandoned;
mod cpms_wants_three;
mod direct_deliveries;
mod domains_disagree;
mod every_vendor_profile;
mod families;
mod hang_in_each_command;
mod late_answer;
mod never_to_a_stranger;
mod not_now;
mod notifications_lost;
#[cfg(unix)]
mod on_a_pty;
mod port_gone_is_zero_octets;
mod prompt_never_comes;
mod recovery_steps;
mod refused_and_over;
mod refused_slot;
mod reset_after_prompt;
mod reset_when_idle;
mod send_refused;
mod sent_all_the_same;
mod service_centre_missing;
mod sim_changed;
mod sim_full;
mod sim_locked;
mod simulated_month;
mod split_octets;
mod starting;
mod status_report;
mod storages_that_deceive;
mod urc_between_list_lines;
mod ussd_texts;
mod wrong_pin_once;
