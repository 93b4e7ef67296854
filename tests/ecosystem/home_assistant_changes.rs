//! What stays in Home Assistant, and what leaves it, when the configuration, the modem or its user changes something.

use serde_json::json;
use smsbridge_simulator::VendorProfile;

use super::home::{Home, contact};
use crate::harness::modem::{Modem, ModemOptions};
use crate::harness::process::code;
use crate::harness::wait::wait_until;

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_contact_and_a_modem_that_leave_the_configuration_take_their_entities_along() {
    let mut home = Home::start(|_| {});
    let before = home.rig.config.clone();
    assert_eq!(code(home.rig.gateway.stop()), 0);
    home.rig.reconfigure(|config| {
        contact(config, "Bert", &["+4915100000021"]);
        config.add_modem("second", "/dev/null");
    });
    home.rig.start_gateway();
    home.wait_for_state("notify.sms_bert", "unknown");
    home.wait_for_state("binary_sensor.sms_second_problem", "on");
    wait_until("the second device", || home.device("sms_modem_second").is_some());

    assert_eq!(code(home.rig.gateway.stop()), 0);
    home.rig.reconfigure(|config| *config = before);
    home.rig.start_gateway();
    home.wait_until_gone("notify.sms_bert");
    home.wait_until_gone("binary_sensor.sms_second_problem");
    wait_until("the second device to go", || home.device("sms_modem_second").is_none());
    assert_eq!(home.registered_entity("notify.sms_bert"), None);
    home.wait_until_shown();
    home.wait_for_state("notify.sms_anna", "unknown");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_rename_by_the_user_survives_a_new_firmware_and_restarts() {
    let mut home = Home::start(|_| {});
    home.rename("sensor.sms_main_signal", "sensor.cellar_reception", "Reception");
    home.rename("notify.sms_anna", "notify.my_sister", "My sister");
    home.wait_for_state("sensor.cellar_reception", "-73");
    let before = home.registered_entity("sensor.cellar_reception").expect("the renamed one");

    // Another modem in its place: all it says of itself is new.
    let profile = VendorProfile { revision: "99.1", ..VendorProfile::ec25() };
    let options = ModemOptions { profile, imei: "490154203237518".to_owned(), ..ModemOptions::default() };
    let other = Modem::start(&home.rig.folder().join("other-modem"), &options);
    assert_eq!(code(home.rig.gateway.stop()), 0);
    home.rig.reconfigure(|config| config.set_modem("port", other.port()));
    home.rig.start_gateway();
    wait_until("the new firmware", || {
        home.device("sms_modem_main").is_some_and(|device| device["sw_version"] == "99.1")
    });
    let modem = home.device("sms_modem_main").expect("the modem's device");
    assert_eq!(modem["serial_number"], "490154203237518", "{modem}");
    home.ha.restart();
    home.wait_until_shown();
    home.wait_for_state("sensor.cellar_reception", "-73");
    assert_eq!(home.state("sensor.sms_main_signal"), None, "it is not there twice");
    let after = home.registered_entity("sensor.cellar_reception").expect("the renamed one");
    for key in ["id", "name", "unique_id", "device_id"] {
        assert_eq!(before[key], after[key], "{key}");
    }
    home.call("notify.send_message", &json!({"entity_id": "notify.my_sister", "message": "hello"}));
    wait_until("the SMS", || other.submits().len() == 1);
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_device_that_was_deleted_there_returns_when_home_assistant_starts_again() {
    let mut home = Home::start(|_| {});
    // It empties the topic of the device, once for each entity, and complains about all but the first.
    home.ha.expect_complaint("No device components to cleanup for sms_modem_main");
    let device = home.device("sms_modem_main").expect("the modem's device");
    home.command(&json!({"type": "config/device_registry/remove", "device_id": device["id"]}));
    home.wait_until_gone("sensor.sms_main_signal");
    home.ha.restart();
    home.wait_until_shown();
    home.wait_for_state("sensor.sms_main_signal", "-73");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn discovery_switched_off_leaves_nothing_there_and_switched_on_again_all() {
    let mut home = Home::start(|_| {});
    assert_eq!(code(home.rig.gateway.stop()), 0);
    home.rig.reconfigure(|config| config.set("homeassistant", "discovery", false));
    home.rig.start_gateway();
    home.wait_until_gone("sensor.sms_main_signal");
    wait_until("every entity to go", || home.registered_entities().is_empty());
    wait_until("both devices to go", || {
        home.device("sms_modem_main").is_none() && home.device("sms_gateway_attic").is_none()
    });
    assert_eq!(code(home.rig.gateway.stop()), 0);
    home.rig.reconfigure(|config| config.set("homeassistant", "discovery", true));
    home.rig.start_gateway();
    home.wait_until_shown();
    home.wait_for_state("notify.sms_anna", "unknown");
}
