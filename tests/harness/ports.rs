//! Owns the choice of loopback ports.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range the system takes outgoing connections from (32768 and up), so that a broker which is
/// killed finds its port still free when it comes back.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port nobody listens on. Processes start far apart from each other, so that two tests at once do not
/// pick the same.
pub fn free_port() -> u16 {
    let start = (std::process::id() % u32::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        // 7919 is prime to COUNT: neighbouring process ids walk through different ports.
        let offset = (u32::from(start) * 7919 + u32::from(step) * 13) % u32::from(COUNT);
        let port = FIRST + offset as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port on 127.0.0.1 between {FIRST} and {}", FIRST + COUNT);
}
