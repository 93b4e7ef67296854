//! Ports that come and go, as files and links in a folder of the test's own.

use std::fs::{self, create_dir_all, remove_dir_all, remove_file};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use futures_util::FutureExt as _;
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;

/// The longest wait for something that does happen.
const LONG: Duration = Duration::from_secs(30);

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn watch(path: &Path) -> PortWatch {
    PortWatch::new(&PortSpec::Serial(path.display().to_string()), Scope::Named)
}

/// That nothing is heard now, and what then happens is.
async fn hears(watch: &mut PortWatch, happening: impl FnOnce()) {
    assert!(watch.appeared().now_or_never().is_none(), "heard too early");
    happening();
    assert!(timeout(LONG, watch.appeared()).await.expect("it is heard"), "the named one");
}

#[tokio::test]
async fn a_port_that_is_plugged_in_is_heard() {
    let folder = folder();
    let port = folder.path().join("ttyUSB2");
    let mut watch = watch(&port);
    hears(&mut watch, || fs::write(&port, "").unwrap()).await;
    let is_told = matches!(watch.source, Source::Kernel(_));
    assert_eq!(is_told, cfg!(target_os = "linux"), "from the kernel, not by looking");
}

#[tokio::test]
async fn a_port_that_leaves_and_comes_back_under_its_name_is_heard() {
    let folder = folder();
    let port = folder.path().join("ttyUSB2");
    fs::write(&port, "").unwrap();
    let mut watch = watch(&port);
    hears(&mut watch, || {
        remove_file(&port).unwrap();
        fs::write(&port, "").unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_port_that_came_back_while_nobody_listened_is_heard() {
    let folder = folder();
    let port = folder.path().join("ttyUSB2");
    let mut watch = watch(&port);
    fs::write(&port, "").unwrap();
    watch.appeared().now_or_never().expect("at once");
    assert!(watch.appeared().now_or_never().is_none(), "and once");
}

#[tokio::test]
async fn a_link_is_heard_though_its_folder_was_removed_when_it_became_empty() {
    let folder = folder();
    let by_id = folder.path().join("serial/by-id");
    let port = by_id.join("usb-HUAWEI-if02");
    let device = folder.path().join("ttyUSB5");
    fs::write(&device, "").unwrap();
    let plug = || {
        create_dir_all(&by_id).unwrap();
        symlink("../../ttyUSB5", &port).unwrap();
    };
    let mut watch = watch(&port);
    hears(&mut watch, plug).await;
    hears(&mut watch, || {
        remove_dir_all(folder.path().join("serial")).unwrap();
        plug();
    })
    .await;
}

#[tokio::test]
async fn a_link_that_leads_to_another_device_is_heard() {
    let folder = folder();
    let port = folder.path().join("modem");
    for device in ["ttyUSB2", "ttyUSB3"] {
        fs::write(folder.path().join(device), "").unwrap();
    }
    symlink("ttyUSB2", &port).unwrap();
    let mut watch = watch(&port);
    hears(&mut watch, || {
        remove_file(&port).unwrap();
        symlink("ttyUSB3", &port).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_link_whose_device_comes_later_is_heard_then() {
    let (folder, devices) = (folder(), folder());
    let port = folder.path().join("modem");
    let device = devices.path().join("ttyUSB2");
    symlink(&device, &port).unwrap();
    let mut watch = watch(&port);
    hears(&mut watch, || fs::write(&device, "").unwrap()).await;
}

#[tokio::test]
async fn a_port_that_is_given_other_rights_is_heard() {
    let folder = folder();
    let port = folder.path().join("ttyUSB2");
    fs::write(&port, "").unwrap();
    let mut watch = watch(&port);
    hears(&mut watch, || fs::set_permissions(&port, fs::Permissions::from_mode(0o660)).unwrap()).await;
}

#[tokio::test]
async fn what_happens_to_other_ports_and_what_is_written_to_this_one_is_not() {
    let folder = folder();
    let port = folder.path().join("ttyUSB2");
    symlink("/dev/ptmx", &port).unwrap();
    let mut watch = watch(&port);
    assert!(watch.appeared().now_or_never().is_none());
    fs::write(folder.path().join("ttyUSB7"), "").unwrap();
    assert!(timeout(Duration::from_millis(50), watch.appeared()).await.is_err());
    remove_file(&port).unwrap();
    assert!(timeout(Duration::from_millis(50), watch.appeared()).await.is_err(), "it left");
}

#[tokio::test]
async fn where_the_kernel_tells_nothing_it_is_looked_for() {
    let folder = folder();
    let port = folder.path().join("ttyUSB2");
    let mut watch = watch(&port);
    watch.source = Source::Nowhere;
    hears(&mut watch, || fs::write(&port, "").unwrap()).await;
}

#[tokio::test]
async fn a_tcp_port_has_nothing_to_be_heard_of() {
    let port = PortSpec::Tcp { host: "127.0.0.1".into(), port: 1 };
    let mut watch = PortWatch::new(&port, Scope::AnyModem);
    assert!(timeout(Duration::from_millis(20), watch.appeared()).await.is_err());
}
