//! On SIGTERM the gateway publishes `offline` itself; after kill -9 the broker does, by the last will.

use rustix::process::Signal;

use crate::harness::process::code;
use crate::harness::rig::Rig;

const GATEWAY: &str = "sms/gateway/attic/availability";
const MODEM: &str = "sms/modem/main/availability";

#[test]
fn sigterm_publishes_offline_and_exits_0() {
    let mut rig = Rig::start();
    rig.client.wait_for_text(GATEWAY, "online");
    rig.client.wait_for_text(MODEM, "online");
    let status = rig.gateway.stop();
    assert_eq!(code(status), 0);
    rig.client.wait_for_text(MODEM, "offline");
    rig.client.wait_for_text(GATEWAY, "offline");
    let farewell = rig.published(GATEWAY).pop().expect("a farewell");
    assert_eq!(farewell.publish.payload, b"offline", "published by the gateway, not by the last will");
    assert!(farewell.publish.retain);
    assert!(farewell.is_taken_over(), "the gateway waits for the broker to have it");
}

#[test]
fn sigint_is_the_same() {
    let mut rig = Rig::start();
    let status = rig.gateway.stop_by(Signal::INT);
    assert_eq!(code(status), 0);
    rig.client.wait_for_text(GATEWAY, "offline");
}

#[test]
fn sighup_is_the_same_but_for_nohup() {
    let mut rig = Rig::start();
    assert_eq!(code(rig.gateway.stop_by(Signal::HUP)), 0);
    rig.client.wait_for_text(GATEWAY, "offline");
    // An ignored signal stays ignored.
    rig.gateway.start_by(&["/bin/sh", "-c", "trap '' HUP; exec \"$0\" \"$@\""]);
    rig.client.wait_for_text(GATEWAY, "online");
    rig.gateway.signal(Signal::HUP);
    rig.assert_still_works("after");
    rig.gateway.assert_running();
    assert_eq!(code(rig.gateway.stop()), 0);
}

#[test]
fn the_last_will_is_published_after_a_kill() {
    let mut rig = Rig::start();
    rig.client.wait_for_text(GATEWAY, "online");
    rig.gateway.kill();
    rig.client.wait_for_text(GATEWAY, "offline");
    rig.start_gateway();
    rig.client.wait_for_text(GATEWAY, "online");
}

#[test]
fn stops_with_no_broker_and_no_modem() {
    let mut rig = Rig::start();
    rig.modem.unplug();
    rig.broker.kill();
    assert_eq!(code(rig.gateway.stop()), 0);
    rig.broker.restart();
}

#[test]
fn a_submission_in_progress_is_finished_first() {
    let mut rig = Rig::start();
    rig.modem.deliver("+4915100000001", "just in time");
    rig.wait_for_received("just in time");
    assert_eq!(code(rig.gateway.stop()), 0);
    assert_eq!(rig.owed(), Vec::<String>::new());
    assert_eq!(rig.modem.stored(), 0, "the message was taken off the SIM");
}
