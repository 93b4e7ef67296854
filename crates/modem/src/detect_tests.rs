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
    let mut heard = huawei.clone();
    heard[0].gives_urcs = true;
    assert_eq!(
        choose(&heard, None),
        Ok("/dev/a".into()),
        "what was heard counts for more than what is known"
    );
    assert_eq!(best_ports(&heard), [PathBuf::from("/dev/a")]);
    let two = [report("/dev/a", Some("1"), "generic", 0), report("/dev/b", Some("2"), "generic", 0)];
    assert_eq!(choose(&two, None), Err(PortError::Several(vec!["1".into(), "2".into()])));
    assert_eq!(choose(&two, Some("2")), Ok("/dev/b".into()));
    assert!(matches!(choose(&two, Some("3")), Err(PortError::NoModem(_))));
    let silent =
        [ProbeReport { port: "/dev/a".into(), advice: Some("busy".into()), ..ProbeReport::default() }];
    assert_eq!(choose(&silent, None), Err(PortError::NoModem("/dev/a: busy".into())));
}

#[cfg(unix)]
#[test]
fn what_stands_in_the_way_is_named() {
    use std::fs::{create_dir_all, write};

    let root = std::env::temp_dir().join(format!("smsbridge-obstacles-{}", std::process::id()));
    let usb = |name: &str, vendor: &str, product: &str| {
        let device = root.join("sys/bus/usb/devices").join(name);
        create_dir_all(&device).unwrap();
        write(device.join("idVendor"), format!("{vendor}\n")).unwrap();
        write(device.join("idProduct"), format!("{product}\n")).unwrap();
    };
    usb("1-1", "12d1", "1446");
    usb("1-2", "12d1", "14dc");
    usb("1-3", "046d", "c52b");
    create_dir_all(root.join("proc/77")).unwrap();
    write(root.join("proc/77/comm"), "ModemManager\n").unwrap();
    let quectel = Candidate { vendor_id: Some(0x2c7c), product_id: Some(0x0125), ..Candidate::default() };
    let said = obstacles_in(&root, &[quectel.clone(), quectel]).join("\n");
    for words in ["12d1:1446", "CD-ROM", "12d1:14dc", "HiLink", "ModemManager runs"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(said.matches("ENV{ID_MM_DEVICE_IGNORE}=\"1\"").count(), 1, "{said}");
    assert!(said.contains("ATTR{idVendor}==\"2c7c\"") && !said.contains("046d"), "{said}");
    std::fs::remove_dir_all(&root).unwrap();
    assert_eq!(obstacles_in(&root, &[]), [""; 0]);
}
