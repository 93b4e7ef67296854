//! `smsbridge check --connect`: names cause and remedy before the daemon is started.

use std::process::Output;

use crate::harness::gateway::has_all;
use crate::harness::modem::ModemOptions;
use crate::harness::process::code;
use crate::harness::rig::Rig;

fn check(rig: &Rig) -> (i32, String) {
    let Output { status, stdout, stderr } = rig.gateway.run_command(&["check", "--connect"]);
    (code(status), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[test]
fn a_working_setup_exits_0() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let (code, said) = check(&rig);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn no_broker() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.broker.kill();
    let port = rig.broker.port;
    rig.reconfigure(|config| config.set("mqtt", "url", format!("mqtt://127.0.0.1:{port}")));
    let (code, said) = check(&rig);
    assert_eq!(code, 1, "{said}");
    assert!(has_all(&said, &["broker", &port.to_string()]), "{said}");
}

#[test]
fn no_modem() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.modem.unplug();
    let (code, said) = check(&rig);
    assert_eq!(code, 1, "{said}");
    assert!(has_all(&said, &[rig.modem.port()]), "{said}");
}

#[test]
fn the_example_configuration_is_valid() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/smsbridge.toml");
    std::fs::copy(&example, rig.gateway.config_path()).expect("a copy of the example");
    let output = rig.gateway.run_command(&["check"]);
    assert_eq!(code(output.status), 0, "{}", String::from_utf8_lossy(&output.stderr));
}
