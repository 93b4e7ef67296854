//! The disk is full, or its folder is read-only: nothing is deleted or acknowledged, the gateway reports it, and continues when it can.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::gateway::has_all;
use crate::harness::modem::ModemOptions;
use crate::harness::process::code;
use crate::harness::rig::{self, Rig};
use crate::harness::wait::{wait_at_most, wait_until};

const MESSAGES: usize = 60;
const REQUESTS: usize = 12;
/// The gateway tries again each second, a modem's session after a growing delay.
const RECOVERY: Duration = Duration::from_secs(120);

/// A file system of our own, unmounted at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where we may not mount.
    fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=32m,mode=700", "smsbridge-test"]).arg(folder);
        mount.output().is_ok_and(|done| done.status.success()).then(|| Self(folder.to_owned()))
    }

    fn remount(&self, how: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{how}")]).arg(&self.0);
        mount.output().is_ok_and(|done| done.status.success())
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let mut size = 0;
        for step in [1 << 20, 1 << 14, 1 << 12] {
            loop {
                let bytes = vec![1; size + step];
                if fs::write(self.ballast(), &bytes).is_err() {
                    fs::write(self.ballast(), &bytes[..size]).expect("what fitted before fits again");
                    break;
                }
                size += step;
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a gateway that is just being killed may still hold it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let Some(disk) = SmallDisk::mount(&store(&rig)) else {
        println!(
            "no file system may be mounted here: a_file_size_limit_loses_nothing does as well as it can"
        );
        return;
    };
    rig.start_gateway();
    disk.fill();
    nothing_is_lost_without_room(&mut rig, |_| fs::remove_file(disk.ballast()).expect("the ballast goes"));
    rig.gateway.kill();
}

#[test]
fn a_file_size_limit_loses_nothing() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.gateway.start_limitable();
    rig.wait_online();
    let log = fs::metadata(store(&rig).join("smsbridge.sqlite-wal")).expect("a write-ahead log").len();
    rig.gateway.limit_file_size(Some(log + 6000));
    nothing_is_lost_without_room(&mut rig, |rig| rig.gateway.limit_file_size(None));
}

/// Messages and requests meet a store that cannot grow; then `make_room` is called.
fn nothing_is_lost_without_room(rig: &mut Rig, make_room: impl FnOnce(&Rig)) {
    for n in 0..MESSAGES {
        // All on the SIM at once, so that they come in one commit.
        rig.modem.deliver("+4915100000001", &incoming(n));
    }
    for n in 0..REQUESTS {
        rig.request(&json!({"id": format!("full-{n}"), "to": "+4915100000002", "text": format!("out {n}")}));
    }
    rig.client.wait_for_json("the gateway to say so", |topic, json| {
        topic == "sms/gateway/attic"
            && json["problem"].as_str().is_some_and(|problem| has_all(problem, &["store cannot be written"]))
    });
    rig.gateway.assert_running();
    // What is not on disk is still owed by the SIM and by the broker.
    let taken: HashSet<String> = rig.published("sms/received/").iter().map(text).collect();
    let kept = rig.modem.stored() + rig.modem.queued();
    assert!(taken.len() + kept >= MESSAGES, "{} published, {kept} still with the network", taken.len());
    let acknowledged = rig.proxy.record().to_gateway.iter().filter(|c| c.acknowledged.is_some()).count();
    println!(
        "without room: {} published, {kept} on SIM or in network, {acknowledged} acknowledged",
        taken.len()
    );

    make_room(rig);
    wait_at_most(RECOVERY, "every message", || {
        let published: HashSet<String> = rig.published("sms/received/").iter().map(text).collect();
        (0..MESSAGES).all(|n| published.contains(&incoming(n))).then_some(())
    });
    for n in 0..REQUESTS {
        rig.client.wait_for_result(&format!("full-{n}"), "sent");
    }
    wait_until("the SIM to be empty", || rig.modem.stored() == 0);
    for n in 0..MESSAGES {
        let of_it =
            rig.published("sms/received/").into_iter().filter(|crossing| text(crossing) == incoming(n));
        let ids: HashSet<String> =
            of_it.map(|crossing| rig::json(&crossing.publish)["id"].to_string()).collect();
        assert_eq!(ids.len(), 1, "one id for {}", incoming(n));
    }
    for n in 0..REQUESTS {
        let on_air = rig.modem.submits().iter().filter(|submit| submit.text == format!("out {n}")).count();
        assert_eq!(on_air, 1, "times on air: out {n}");
    }
    let said_well = |topic: &str, json: &Value| topic == "sms/gateway/attic" && json["problem"].is_null();
    rig.client.forget();
    rig.client.wait_for_json("the gateway to say that all is well", said_well);
    rig.assert_still_works("afterwards");
    assert_eq!(code(rig.gateway.stop()), 0);
    assert_eq!(rig.owed(), Vec::<String>::new(), "the store owes nothing");
}

fn store(rig: &Rig) -> PathBuf {
    rig.folder().join("store")
}

fn incoming(n: usize) -> String {
    format!("in {n} {}", "and a good deal more to be written down ".repeat(3)).trim_end().to_owned()
}

fn text(crossing: &crate::harness::proxy::Crossing) -> String {
    rig::json(&crossing.publish)["text"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_read_only_folder_is_named_at_the_start_and_nothing_is_lost() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let Some(disk) = SmallDisk::mount(&store(&rig)) else {
        println!("no file system may be mounted here: skipped");
        return;
    };
    rig.start_gateway();
    rig.assert_still_works("before");
    rig.gateway.kill();
    rig.modem.deliver("+4915100000001", "meanwhile");
    assert!(disk.remount("ro"), "a file system nobody uses becomes read-only");
    rig.launch_gateway(&[]);
    let status = rig.gateway.wait_for_end();
    assert_eq!(code(status), 1, "it does not run without a store");
    rig.gateway.wait_for_log(&["store", &store(&rig).display().to_string(), "read-only"]);
    assert_eq!(rig.modem.stored() + rig.modem.queued(), 1, "the SIM keeps its message");
    assert!(disk.remount("rw"), "and writable again");
    rig.start_gateway();
    rig.wait_for_received("meanwhile");
    rig.gateway.kill();
}

/// A folder taken away from us at run time: what is open stays open, so there is nothing to lose.
#[test]
fn a_folder_that_becomes_read_only_at_run_time_stops_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let rig = Rig::start();
    let mode =
        |mode| fs::set_permissions(store(&rig), fs::Permissions::from_mode(mode)).expect("our own folder");
    mode(0o500);
    rig.assert_still_works("read-only");
    mode(0o700);
}
