//! Which serial ports there are, with what the kernel knows of them, and who has one open.
//!
//! Opens no port. Input is `/sys/class/tty`, `/dev/serial/by-id` and `/proc`, any of which may be missing; on Windows
//! the list of `com_ports.rs`.

#[cfg(not(windows))]
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

#[cfg(any(windows, test))]
use crate::com_ports::ComPort;
#[cfg(windows)]
use crate::com_ports::{is_same, list};

/// Drivers that only modems have. The kernel calls the `option` driver `option1`.
const MODEM_DRIVERS: [&str; 6] = ["option", "option1", "qcserial", "sierra", "hso", "ipw"];

/// Vendors of modems, for drivers that others use too.
const MODEM_VENDORS: [(u16, &str); 20] = [
    (0x12d1, "Huawei"),
    (0x19d2, "ZTE"),
    (0x2c7c, "Quectel"),
    (0x1e0e, "SIMCom"),
    (0x1199, "Sierra"),
    (0x1bc7, "Telit"),
    (0x1546, "u-blox"),
    (0x0bdb, "Ericsson"),
    (0x413c, "Dell"),
    (0x05c6, "Qualcomm"),
    (0x2cb7, "Fibocom"),
    (0x1c9e, "Longcheer"),
    (0x1bbb, "Alcatel"),
    (0x0af0, "Option"),
    (0x1410, "Novatel"),
    (0x16d8, "CMOTECH"),
    (0x1e2d, "Cinterion"),
    (0x0681, "Siemens"),
    (0x0489, "Foxconn"),
    (0x1782, "Unisoc"),
];

/// A serial port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// Its device.
    pub path: PathBuf,
    /// A name that stays the same when it is plugged in again.
    pub by_id: Option<PathBuf>,
    /// USB vendor.
    pub vendor_id: Option<u16>,
    /// USB product.
    pub product_id: Option<u16>,
    /// USB interface: one modem has several ports.
    pub interface: Option<u8>,
    /// The kernel's driver.
    pub driver: Option<String>,
}

impl Candidate {
    /// A port named by a person.
    pub fn from_path(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    fn is_modem_like(&self) -> bool {
        let is_of_modem_vendor = || MODEM_VENDORS.iter().any(|row| Some(row.0) == self.vendor_id);
        match self.driver.as_deref() {
            Some(driver) if MODEM_DRIVERS.contains(&driver) => true,
            Some(driver) => driver.starts_with("cdc_acm") && is_of_modem_vendor(),
            // Windows tells no driver.
            None => is_of_modem_vendor(),
        }
    }

    /// A name that stays the same when the modem is plugged in again, where there is one.
    pub fn stable_name(&self) -> PathBuf {
        self.by_id.clone().unwrap_or_else(|| self.path.clone())
    }
}

/// The serial ports: those of modems, or all.
#[cfg(not(windows))]
pub fn candidates(all: bool) -> Vec<Candidate> {
    candidates_in(Path::new("/"), all)
}

/// The serial ports: those of modems, or all.
#[cfg(windows)]
pub fn candidates(all: bool) -> Vec<Candidate> {
    among(list(), all)
}

/// Whether there is such a port. It is not opened.
#[cfg(not(windows))]
pub fn is_there(path: &Path) -> bool {
    path.exists()
}

/// Whether there is such a port. It is not opened, as asking for it as a file would.
#[cfg(windows)]
pub fn is_there(path: &Path) -> bool {
    let name = path.to_string_lossy();
    list().iter().any(|port| is_same(&port.name, &name))
}

#[cfg(any(windows, test))]
fn among(ports: Vec<ComPort>, all: bool) -> Vec<Candidate> {
    let candidate = |port: ComPort| {
        let (vendor_id, product_id) = port.usb.unzip();
        Candidate { vendor_id, product_id, ..Candidate::from_path(port.name) }
    };
    let candidates = ports.into_iter().map(candidate);
    in_order(candidates.filter(|candidate| all || candidate.is_modem_like()).collect())
}

/// ttyUSB10 after ttyUSB9.
fn in_order(mut ports: Vec<Candidate>) -> Vec<Candidate> {
    ports.sort_by_key(|c| (c.path.as_os_str().len(), c.path.clone()));
    ports
}

#[cfg(not(windows))]
pub(crate) fn candidates_in(root: &Path, all: bool) -> Vec<Candidate> {
    let mut names = BTreeMap::new();
    for link in entries(&root.join("dev/serial/by-id")) {
        if let Ok(device) = link.canonicalize() {
            names.entry(device).or_insert(link);
        }
    }
    let found = entries(&root.join("sys/class/tty"));
    let found = found.iter().filter_map(|tty| candidate(root, tty, &names));
    in_order(found.filter(|candidate| all || candidate.is_modem_like()).collect())
}

pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut out: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    out.sort();
    out
}

#[cfg(not(windows))]
fn candidate(root: &Path, tty: &Path, names: &BTreeMap<PathBuf, PathBuf>) -> Option<Candidate> {
    // Consoles and pseudo terminals have no device; a ttyS of type 0 has no chip behind it.
    let device = tty.join("device").canonicalize().ok()?;
    if read_word(&tty.join("type")).as_deref() == Some("0") {
        return None;
    }
    let path = root.join("dev").join(tty.file_name()?);
    if !path.exists() {
        return None;
    }
    let driver = device.join("driver").canonicalize().ok();
    let mut out = Candidate {
        by_id: path.canonicalize().ok().and_then(|device| names.get(&device).cloned()),
        driver: driver.and_then(|d| d.file_name().map(|name| name.to_string_lossy().into_owned())),
        path,
        ..Candidate::default()
    };
    // No string of the device: reading one waits while the kernel is busy with it.
    for folder in device.ancestors().take(6) {
        if out.interface.is_none() {
            out.interface = read_hex(&folder.join("bInterfaceNumber")).and_then(|n| n.try_into().ok());
        }
        if let Some(vendor) = read_hex(&folder.join("idVendor")) {
            out.vendor_id = Some(vendor);
            out.product_id = read_hex(&folder.join("idProduct"));
            break;
        }
    }
    Some(out)
}

pub(crate) fn read_word(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    Some(text.trim().to_string()).filter(|text| !text.is_empty())
}

pub(crate) fn read_hex(file: &Path) -> Option<u16> {
    u16::from_str_radix(&read_word(file)?, 16).ok()
}

/// A process that has a device open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its name.
    pub name: String,
    /// Its number.
    pub pid: u32,
}

impl Holder {
    /// This very process.
    #[cfg(feature = "serial")]
    pub(crate) fn this_process() -> Self {
        Holder { name: "this program".into(), pid: std::process::id() }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name, self.pid)
    }
}

/// Who has a device open. Only what this user may see: another user's process is found by root
/// alone.
pub fn holder(path: &Path) -> Option<Holder> {
    let device = path.canonicalize().ok()?;
    let own = std::process::id();
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if pid == own {
            continue;
        }
        let Ok(files) = std::fs::read_dir(entry.path().join("fd")) else { continue };
        let holds = |file: PathBuf| std::fs::read_link(file).is_ok_and(|target| target == device);
        if files.flatten().any(|file| holds(file.path())) {
            let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            return Some(Holder { name: name.trim().to_string(), pid });
        }
    }
    None
}

/// The name of the group a device belongs to.
#[cfg(feature = "serial")]
pub(crate) fn group_of(path: &Path) -> Option<String> {
    #[cfg(unix)]
    {
        let gid = std::os::unix::fs::MetadataExt::gid(&path.metadata().ok()?).to_string();
        let groups = std::fs::read_to_string("/etc/group").ok()?;
        let row = groups.lines().map(|line| line.split(':')).find(|row| row.clone().nth(2) == Some(&gid));
        row?.next().map(str::to_string)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_com_ports_only_those_of_modem_vendors_are_opened_unless_all_are_wanted() {
        let port = |name: &str, usb| ComPort { name: name.to_owned(), usb };
        let ports = vec![
            port("COM10", Some((0x12d1, 0x1506))),
            port("COM9", Some((0x12d1, 0x1506))),
            port("COM4", Some((0x10c4, 0xea60))),
            port("COM1", None),
        ];
        let names = |all| -> Vec<String> {
            among(ports.clone(), all).iter().map(|c| c.path.display().to_string()).collect()
        };
        assert_eq!(names(false), ["COM9", "COM10"]);
        assert_eq!(names(true), ["COM1", "COM4", "COM9", "COM10"]);
        let first = among(ports.clone(), false).remove(0);
        assert_eq!((first.vendor_id, first.product_id), (Some(0x12d1), Some(0x1506)));
    }

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
}
