//! Somebody removes the store's lock, or moves its files, while the gateway runs: no message is lost to it.

use std::fs;
use std::path::PathBuf;

use crate::harness::gateway::{Gateway, has_all};
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

fn store(rig: &Rig) -> PathBuf {
    rig.folder().join("store")
}

#[test]
fn without_its_lock_file_a_second_gateway_is_still_refused() {
    let mut rig = Rig::start();
    fs::remove_file(store(&rig).join("lock")).expect("a lock file");
    let other = rig.folder().join("other");
    fs::create_dir(&other).expect("a folder");
    let mut config = rig.config.clone();
    config.set_root("name", "cellar");
    config.set_modem("port", "/dev/null");
    let mut second = Gateway::prepare(&other, &config);
    second.start();
    assert_eq!(code(second.wait_for_end()), 1, "{}", second.log());
    assert!(has_all(&second.log(), &["another smsbridge has it open"]), "{}", second.log());
    rig.gateway.assert_running();
    rig.assert_still_works("after");
}

/// Brings something about, lets a message arrive, and expects it still with the SIM or the network when the gateway has
/// ended; after `repair` and a start it is published.
fn nothing_is_lost(bring_about: impl FnOnce(&Rig), repair: impl FnOnce(&Rig)) {
    let mut rig = Rig::start();
    rig.assert_still_works("before");
    bring_about(&rig);
    rig.modem.deliver("+4915100000001", "behind the back");
    assert_eq!(code(rig.gateway.wait_for_end()), 1, "it ends by itself");
    rig.gateway
        .wait_for_log(&["moved, replaced or removed while the gateway ran", "start the gateway again"]);
    assert_eq!(rig.modem.stored() + rig.modem.queued(), 1, "nothing was deleted from the SIM");
    repair(&rig);
    rig.start_gateway();
    rig.wait_for_received("behind the back");
    wait_until("the SIM to be empty", || rig.modem.stored() + rig.modem.queued() == 0);
    rig.assert_still_works("after");
}

#[test]
fn a_database_that_is_moved_away() {
    let file = |rig: &Rig| store(rig).join("smsbridge.sqlite");
    let aside = |rig: &Rig| rig.folder().join("aside.sqlite");
    nothing_is_lost(
        |rig| fs::rename(file(rig), aside(rig)).expect("a database"),
        |rig| fs::rename(aside(rig), file(rig)).expect("the database goes back"),
    );
}

#[test]
fn a_folder_that_is_renamed() {
    let aside = |rig: &Rig| rig.folder().join("store.old");
    nothing_is_lost(
        |rig| fs::rename(store(rig), aside(rig)).expect("a folder"),
        |rig| {
            let _ = fs::remove_dir_all(store(rig));
            fs::rename(aside(rig), store(rig)).expect("the folder goes back");
        },
    );
}

#[test]
fn a_write_ahead_log_that_is_removed() {
    nothing_is_lost(
        |rig| fs::remove_file(store(rig).join("smsbridge.sqlite-wal")).expect("a write-ahead log"),
        |_| {},
    );
}
