//! A test of what the process does as a whole, which no other test may disturb.

use std::process::Command;

/// Whether this process runs that test alone. If it does not, the test is run in one that does, and must pass there.
pub fn is_alone(test: &str) -> bool {
    const ALONE: &str = "SMSBRIDGE_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let program = std::env::current_exe().expect("the path of the test program");
    let passed = Command::new(program).args([test, "--exact", "--nocapture"]).env(ALONE, "1").status();
    assert!(passed.expect("the test program runs").success(), "{test}");
    false
}

/// Octets of this process in memory; none where the system does not report it.
pub fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    pages.split_whitespace().nth(1)?.parse::<usize>().ok().map(|pages| pages * 4096)
}
