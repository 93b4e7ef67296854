//! gammu, an independent client, accepts the simulator as a modem: identify, getallsms, sendsms.

use std::process::Command;

use smsbridge_simulator::{Options, Simulator, pty};

#[test]
fn gammu_takes_the_simulator_for_a_modem() {
    if Command::new("gammu").arg("--version").output().is_err() {
        println!("SKIPPED: gammu is not installed (Debian: apt-get install gammu)");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let sim = Simulator::new(Options { loopback: false, ..Options::default() });
    let port = pty::spawn(&sim, folder.path().join("modem")).expect("a pseudo-terminal");
    let rc = folder.path().join("gammurc");
    let device = port.path().display();
    std::fs::write(&rc, format!("[gammu]\ndevice = {device}\nconnection = at115200\n")).expect("a file");
    let gammu = |arguments: &[&str]| {
        let mut command = Command::new("gammu");
        let out =
            command.arg("-c").arg(&rc).args(arguments).env("LC_ALL", "C.UTF-8").output().expect("gammu runs");
        let said =
            format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(out.status.success(), "{arguments:?}: {said}\n{}", sim.journal().join("\n"));
        said
    };
    let said = gammu(&["identify"]);
    assert!(said.contains("Simulator") && said.contains(&Options::default().imei), "{said}");
    sim.deliver("+4915100000001", "for gammu").expect("a text that can be sent");
    let said = gammu(&["getallsms"]);
    assert!(said.contains("for gammu"), "{said}");
    gammu(&["sendsms", "TEXT", "+4915100000002", "-text", "from gammu"]);
    assert_eq!(sim.sent().last().and_then(|sent| sent.text.clone()).as_deref(), Some("from gammu"));
}
