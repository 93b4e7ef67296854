//! A modem that hangs: what some come back from is not done to those that do not.

use std::time::Duration;

use smsbridge_simulator::{Fault, FaultKind, VendorProfile};

use crate::harness::modem::ModemOptions;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_at_most;

/// A modem that hangs is reset after a minute and a half, where it may be.
const LONG_ENOUGH: Duration = Duration::from_secs(300);

/// It does what it is told and says nothing any more.
fn mute(rig: &Rig) {
    rig.modem.simulator().fault(Fault::on("AT", FaultKind::Swallow).every());
}

fn prepared(profile: VendorProfile) -> Rig {
    Rig::prepare(&ModemOptions { profile, ..ModemOptions::default() }, |_| {})
}

/// With a log that has each failed session.
fn launch_with_failures(rig: &mut Rig) {
    rig.launch_gateway(&[("SMSBRIDGE_LOG", "debug")]);
}

/// Waits until so many sessions in a row have failed, the last of them more than ninety seconds after the first.
fn wait_for_failures(rig: &Rig, since: std::time::Instant) {
    wait_at_most(LONG_ENOUGH, "failures for more than ninety seconds", || {
        let is_late = since.elapsed() > Duration::from_secs(100);
        let failures = rig.gateway.log().lines().filter(|line| line.contains("failures=")).count();
        (is_late && failures >= 6).then_some(())
    });
}

fn assert_never_reset(rig: &Rig) {
    assert_eq!(rig.modem.simulator().resets(), 0);
    assert_eq!(rig.modem.typed("AT+CFUN=1,1"), 0);
}

#[test]
fn a_huawei_that_hangs_is_never_reset() {
    let mut rig = prepared(VendorProfile::huawei());
    launch_with_failures(&mut rig);
    rig.wait_online();
    let since = std::time::Instant::now();
    mute(&rig);
    wait_for_failures(&rig, since);
    assert_never_reset(&rig);
    rig.modem.recover();
    rig.client.wait_for_text("sms/modem/main/availability", "online");
    rig.assert_still_works("again");
}

#[test]
fn a_huawei_that_hangs_is_never_reset_by_a_gateway_that_starts_meanwhile() {
    let mut rig = prepared(VendorProfile::huawei());
    rig.start_gateway();
    mute(&rig);
    rig.gateway.kill();
    let since = std::time::Instant::now();
    launch_with_failures(&mut rig);
    wait_for_failures(&rig, since);
    assert_never_reset(&rig);
    rig.modem.recover();
    rig.wait_online();
    rig.assert_still_works("again");
}

#[test]
fn a_modem_that_is_known_to_come_back_is_reset() {
    let mut rig = prepared(VendorProfile::sim800());
    rig.start_gateway();
    mute(&rig);
    wait_at_most(LONG_ENOUGH, "a reset", || (rig.modem.simulator().resets() > 0).then_some(()));
    rig.modem.recover();
    rig.client.wait_for_text("sms/modem/main/availability", "online");
    rig.assert_still_works("reset");
    assert_eq!(rig.stop_and_count()["reset"], 1);
}
