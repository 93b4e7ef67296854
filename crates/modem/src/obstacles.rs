//! What keeps a modem from showing a usable port: sticks without ports, and other programs.
//!
//! Opens nothing. Input is `/sys/bus/usb/devices` and `/proc`.

use std::path::{Path, PathBuf};

use crate::serial_ports::{entries, read_hex, read_word};

/// A USB device that is a modem and shows no port as it is: vendor, product or none for all, what it is, what to do.
const NO_PORT: &[(u16, &[u16], &str, &str)] = &[
    (
        0x12d1,
        &[0x1446, 0x14fe, 0x1f01, 0x1c0b, 0x1505, 0x1520, 0x1521],
        "a Huawei stick in its CD-ROM mode",
        "install usb-modeswitch and plug it in again",
    ),
    (
        0x12d1,
        &[0x14db, 0x14dc, 0x1f1e],
        "a Huawei stick in HiLink mode: it is a network card with a web page (http://192.168.8.1) and takes no AT commands",
        "usb_modeswitch (HuaweiAltMode) or a stick firmware give it ports; else use another stick",
    ),
    (
        0x19d2,
        &[0x2000, 0x0083, 0x0103, 0x0166, 0x1007, 0x1225],
        "a ZTE stick in its CD-ROM mode",
        "install usb-modeswitch and plug it in again",
    ),
    (
        0x19d2,
        &[0x1405, 0x1403],
        "a ZTE stick as a network card with a web page: it takes no AT commands",
        "its AT mode, if it has one, is set on that page; else use another stick",
    ),
    (
        0x1bbb,
        &[0xf000, 0x0195],
        "an Alcatel stick without ports",
        "install usb-modeswitch and plug it in again",
    ),
    (
        0x1c9e,
        &[0xf000, 0x9800],
        "a Longcheer stick in its CD-ROM mode",
        "install usb-modeswitch and plug it in again",
    ),
];

/// What keeps a modem from showing a usable port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// A USB device that is a modem and shows no port as it is.
    NoPort {
        /// USB vendor.
        vendor_id: u16,
        /// USB product.
        product_id: u16,
        /// What it is.
        what: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },
    /// ModemManager runs and opens modems.
    ModemManager,
}

/// Looks for what is in the way.
pub fn obstacles() -> Vec<Obstacle> {
    obstacles_in(Path::new("/"))
}

fn obstacles_in(root: &Path) -> Vec<Obstacle> {
    let mut out = Vec::new();
    for device in entries(&root.join("sys/bus/usb/devices")) {
        let ids = (read_hex(&device.join("idVendor")), read_hex(&device.join("idProduct")));
        let (Some(vendor_id), Some(product_id)) = ids else { continue };
        let row = NO_PORT.iter().find(|row| row.0 == vendor_id && row.1.contains(&product_id));
        if let Some((_, _, what, remedy)) = row {
            out.push(Obstacle::NoPort { vendor_id, product_id, what, remedy });
        }
    }
    let is_manager = |process: &PathBuf| read_word(&process.join("comm")).as_deref() == Some("ModemManager");
    if entries(&root.join("proc")).iter().any(is_manager) {
        out.push(Obstacle::ModemManager);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn sticks_without_ports_and_modem_manager_are_found() {
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
        let mut found = obstacles_in(&root);
        assert_eq!(found.pop(), Some(Obstacle::ModemManager));
        let sticks: Vec<(u16, u16)> = found
            .iter()
            .filter_map(|obstacle| match obstacle {
                Obstacle::NoPort { vendor_id, product_id, .. } => Some((*vendor_id, *product_id)),
                Obstacle::ModemManager => None,
            })
            .collect();
        assert_eq!(sticks, [(0x12d1, 0x1446), (0x12d1, 0x14dc)]);
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(obstacles_in(&root), []);
    }
}
