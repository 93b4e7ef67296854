//! Owns where the programs are that `tests/run ecosystem` installs.

use std::path::{Path, PathBuf};

/// The folder below which each is installed in one of its own.
const INSTALLED: &str = "SMSBRIDGE_TEST_ECOSYSTEM";

/// Where one of them is, or a file of it.
pub fn installed(path: &str) -> PathBuf {
    let folder = std::env::var_os(INSTALLED)
        .unwrap_or_else(|| panic!("{INSTALLED} names no folder; tests/run ecosystem sets it"));
    let path = Path::new(&folder).join(path);
    assert!(path.exists(), "{} is not there; see tests/ecosystem/install", path.display());
    path
}
