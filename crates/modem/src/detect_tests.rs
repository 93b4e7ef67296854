//! Ports in a made-up /sys, and the choice among answers.

use super::*;

#[cfg(unix)]
#[test]
fn only_modems_are_opened_unless_all_are_wanted() {
    use std::fs::{create_dir_all, write};
    use std::os::unix::fs::symlink;

    let root = std::env::temp_dir().join(format!("smsbridge-detect-{}", std::process::id()));
    let add = |tty: &str, usb: &str, vendor: &str, driver: &str, interface: &str| {
        let device = root.join(format!("sys/devices/{usb}/{usb}:1.{interface}/{tty}"));
        create_dir_all(&device).unwrap();
        write(root.join(format!("sys/devices/{usb}/idVendor")), format!("{vendor}\n")).unwrap();
        write(root.join(format!("sys/devices/{usb}/idProduct")), "1506\n").unwrap();
        write(root.join(format!("sys/devices/{usb}/product")), "Mobile\n").unwrap();
        write(root.join(format!("sys/devices/{usb}/{usb}:1.{interface}/bInterfaceNumber")), interface)
            .unwrap();
        let driver = root.join("sys/drivers").join(driver);
        create_dir_all(&driver).unwrap();
        symlink(&driver, device.join("driver")).unwrap();
        let class = root.join("sys/class/tty").join(tty);
        create_dir_all(&class).unwrap();
        symlink(&device, class.join("device")).unwrap();
        create_dir_all(root.join("dev/serial/by-id")).unwrap();
        write(root.join("dev").join(tty), "").unwrap();
    };
    add("ttyUSB10", "1-2", "12d1", "option1", "02");
    add("ttyUSB9", "1-2", "12d1", "option1", "00");
    add("ttyUSB1", "1-3", "10c4", "cp210x", "00");
    add("ttyACM0", "1-4", "1199", "cdc_acm", "00");
    add("ttyACM1", "1-5", "2341", "cdc_acm", "00");
    create_dir_all(root.join("sys/class/tty/tty0")).unwrap();
    symlink("../../ttyUSB10", root.join("dev/serial/by-id/usb-HUAWEI-if02")).unwrap();

    let names = |all| -> Vec<String> {
        let ports = candidates_in(&root, all);
        ports.iter().map(|c| c.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names(false), ["ttyACM0", "ttyUSB9", "ttyUSB10"]);
    assert_eq!(names(true), ["ttyACM0", "ttyACM1", "ttyUSB1", "ttyUSB9", "ttyUSB10"]);
    let last = candidates_in(&root, false).pop().unwrap();
    assert_eq!((last.vendor_id, last.product_id, last.interface), (Some(0x12d1), Some(0x1506), Some(2)));
    assert_eq!(last.driver.as_deref(), Some("option1"));
    assert!(last.by_id.unwrap().ends_with("usb-HUAWEI-if02"));
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn a_machine_without_serial_ports_has_none() {
    assert_eq!(candidates_in(Path::new("/no/such/root"), true), []);
}

#[test]
fn the_right_port_of_the_right_modem() {
    let report = |port: &str, imei: Option<&str>, profile, interface| ProbeReport {
        port: port.into(),
        answered: true,
        interface: Some(interface),
        identity: Some(Identity {
            manufacturer: None,
            model: None,
            firmware: None,
            imei: imei.map(str::to_string),
            profile,
        }),
        ..ProbeReport::default()
    };
    let huawei = [report("/dev/a", Some("1"), "huawei", 0), report("/dev/b", Some("1"), "huawei", 2)];
    assert_eq!(choose(&huawei, None), Ok("/dev/b".into()));
    let two = [report("/dev/a", Some("1"), "generic", 0), report("/dev/b", Some("2"), "generic", 0)];
    assert_eq!(choose(&two, None), Err(PortError::Several(vec!["1".into(), "2".into()])));
    assert_eq!(choose(&two, Some("2")), Ok("/dev/b".into()));
    assert!(matches!(choose(&two, Some("3")), Err(PortError::NoModem(_))));
    let silent =
        [ProbeReport { port: "/dev/a".into(), advice: Some("busy".into()), ..ProbeReport::default() }];
    assert_eq!(choose(&silent, None), Err(PortError::NoModem("/dev/a: busy".into())));
}
