//! `smsbridge forget`: a number is forgotten while the gateway runs; and what `history` says where there is nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::json;

use crate::harness::broker::is_root;
use crate::harness::gateway::{PROGRAM, has_all, program};
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

const HER: &str = "+4915100000001";

/// The exit code, and what was printed.
fn run(rig: &Rig, arguments: &[&str]) -> (i32, String) {
    let output = rig.gateway.run_command(arguments);
    (code(output.status), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn how_do_i_forget_a_number() {
    let mut rig = Rig::with(|config| config.set("outbound", "default_country", "49"));
    rig.modem.deliver(HER, "her secret");
    rig.wait_for_received("her secret");
    rig.request(&json!({"id": "to-her", "to": HER, "text": "an answer"}));
    rig.client.wait_for_result("to-her", "sent");
    rig.request(&json!({"id": "to-him", "to": "+4915100000009", "text": "to another"}));
    rig.client.wait_for_result("to-him", "sent");
    // Not before the broker has everything.
    wait_until("nothing of hers in the history", || {
        run(&rig, &["forget", "--number", "0151 00000001"]);
        let (_, history) = run(&rig, &["history", "--json"]);
        !history.contains("her secret") && !history.contains("to-her")
    });
    let (_, history) = run(&rig, &["history", "--json"]);
    assert!(history.contains("to another"), "others keep theirs: {history}");
    rig.assert_still_works("after");
    // A message of hers is the last one again.
    wait_until("the hint what the broker keeps", || {
        let (_, said) = run(&rig, &["forget", "--number", HER]);
        has_all(&said, &["forgotten: 1 received", "-r -n -t sms/last/main"])
    });
    rig.gateway.assert_running();
    assert_eq!(crate::harness::process::code(rig.gateway.stop()), 0);
}

#[test]
fn a_message_that_waits_is_not_forgotten() {
    let mut rig = Rig::start();
    rig.broker.kill();
    rig.modem.deliver(HER, "waits for the broker");
    wait_until("the SIM to be emptied", || rig.modem.stored() == 0 && rig.modem.queued() == 0);
    let (code, said) = run(&rig, &["forget", "--number", HER]);
    assert_eq!(code, 1, "{said}");
    assert!(has_all(&said, &["forgotten: 0 received", "left: 1 that wait to be published"]), "{said}");
    rig.broker.restart();
    rig.wait_for_received("waits for the broker");
}

#[test]
fn a_filter_without_hits_is_no_empty_store() {
    let rig = Rig::start();
    let (exit, said) = run(&rig, &["history"]);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("no message yet in"), "{said}");
    rig.assert_still_works("kept");
    for filter in [["--from", "+4900000"], ["--to", "+4900000"], ["--since", "0s"]] {
        let (exit, said) = run(&rig, &["history", filter[0], filter[1]]);
        assert_eq!((exit, said.trim()), (0, "no message matches"), "{filter:?}");
    }
}

#[test]
fn the_store_of_another_user_is_not_an_empty_one() {
    let rig = Rig::start();
    rig.assert_still_works("kept");
    if !is_root() {
        return;
    }
    fs::set_permissions(rig.folder(), Permissions::from_mode(0o755)).expect("our folder");
    fs::set_permissions(rig.gateway.config_path(), Permissions::from_mode(0o644)).expect("our file");
    for arguments in [&["history"][..], &["parked"], &["forget", "--number", HER]] {
        let plain = program(rig.folder());
        let mut stranger = Command::new("setpriv");
        stranger.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(PROGRAM).args(arguments);
        stranger.arg("--config").arg(rig.gateway.config_path()).current_dir(rig.folder()).env_clear();
        stranger.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = stranger.output().expect("setpriv runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(code(output.status), 1, "{arguments:?}: {said}");
        assert!(has_all(&said, &["not readable for you", "sudo"]), "{arguments:?}: {said}");
    }
}
