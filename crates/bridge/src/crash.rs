//! Named points at which a test may kill the process, compiled in only with the feature `crash-points`.
//!
//! `SMSBRIDGE_CRASH_AT=<name>[:n]` kills with SIGKILL at the n-th pass of that point, as a power cut would.

/// Dies here if a test asks for it.
#[cfg(feature = "crash-points")]
pub fn point(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    static WANTED: LazyLock<Option<(String, AtomicU32)>> = LazyLock::new(|| {
        let text = std::env::var("SMSBRIDGE_CRASH_AT").ok()?;
        let (name, nth) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), AtomicU32::new(nth.parse().ok()?)))
    });
    if let Some((wanted, left)) = WANTED.as_ref()
        && wanted == name
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("crash point {name}\n").as_bytes());
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}

/// Nothing, in every build but the tests'.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub fn point(_name: &str) {}
