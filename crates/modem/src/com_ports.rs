//! The COM ports of Windows, from its own list of devices (the classes *Ports* and *Modem*, and `SERIALCOMM` in the
//! registry).
//!
//! Opens no port. With `port.rs` the only file that names tokio-serial.

#[cfg(feature = "serial")]
use tokio_serial::{SerialPortInfo, SerialPortType};

/// A COM port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ComPort {
    /// `COM6`.
    pub name: String,
    /// Vendor and product, where it is of a USB device.
    pub usb: Option<(u16, u16)>,
}

/// The COM ports there are; none where the list cannot be read.
#[cfg(all(windows, feature = "serial"))]
pub(crate) fn list() -> Vec<ComPort> {
    tokio_serial::available_ports().unwrap_or_default().into_iter().map(com_port).collect()
}

#[cfg(all(windows, not(feature = "serial")))]
pub(crate) fn list() -> Vec<ComPort> {
    Vec::new()
}

#[cfg(feature = "serial")]
fn com_port(info: SerialPortInfo) -> ComPort {
    let usb = match info.port_type {
        SerialPortType::UsbPort(usb) => Some((usb.vid, usb.pid)),
        _ => None,
    };
    ComPort { name: info.port_name, usb }
}

/// Whether two names are of one port: `com6` and `\\.\COM6` are COM6.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    let bare = |name: &str| name.strip_prefix(r"\\.\").unwrap_or(name).to_ascii_uppercase();
    bare(one) == bare(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_has_several_names() {
        for (one, other, expect) in [
            ("COM6", "COM6", true),
            ("com6", "COM6", true),
            (r"\\.\COM16", "COM16", true),
            ("COM1", "COM16", false),
            ("/dev/ttyUSB0", "COM1", false),
        ] {
            assert_eq!(is_same(one, other), expect, "{one} and {other}");
        }
    }

    #[cfg(feature = "serial")]
    #[test]
    fn what_is_usb_has_vendor_and_product() {
        let usb = tokio_serial::UsbPortInfo {
            vid: 0x12d1,
            pid: 0x1506,
            serial_number: None,
            manufacturer: None,
            product: None,
        };
        for (port_type, expect) in [
            (SerialPortType::UsbPort(usb), Some((0x12d1, 0x1506))),
            (SerialPortType::BluetoothPort, None),
            (SerialPortType::Unknown, None),
        ] {
            let found = com_port(SerialPortInfo { port_name: "COM6".into(), port_type });
            assert_eq!(found, ComPort { name: "COM6".into(), usb: expect });
        }
    }
}
