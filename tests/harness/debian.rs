//! Owns a Debian in a folder that chroot takes for the whole machine, and our package for it. `tests/run ecosystem`
//! installs what both are made of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::broker::is_root;
use super::installed::installed;
use super::process::code;
use super::sources::root;

/// What tests/ecosystem/install/packages made.
fn tools() -> PathBuf {
    let tools = installed("packages");
    assert!(tools.join("installed").exists(), "tests/ecosystem/install/packages did not end");
    tools
}

/// Runs a command; its exit code and all it says.
pub fn run(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (code(output.status), said.concat())
}

pub fn succeeds(command: &mut Command) -> String {
    let (code, said) = run(command);
    assert_eq!(code, 0, "{command:?} ended with {code}:\n{said}");
    said
}

/// A command that runs as root, with sudo where we are not: dpkg and chroot need it.
pub fn as_root(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

/// A program that calls cargo, without what `cargo test` tells of this crate: that would have everything compiled anew.
pub fn build_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars() {
        if name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// The package, built once for all tests.
pub fn package() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let mut command = build_command(&root().join("deploy/debian/build"));
        let path = std::env::var("PATH").expect("PATH");
        command.env("PATH", format!("{}:{path}", tools().join("bin").display()));
        let output = command.output().expect("deploy/debian/build runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "deploy/debian/build failed:\n{said}");
        let printed = String::from_utf8(output.stdout).expect("a path in UTF-8");
        let package = PathBuf::from(printed.lines().next_back().expect("the path of the package"));
        assert!(package.exists(), "{printed:?} names no package:\n{said}");
        package
    })
}

/// A Debian in a folder, gone in the end.
pub struct Debian {
    pub folder: TempDir,
}

impl Debian {
    pub fn new() -> Debian {
        let folder = TempDir::with_prefix("smsbridge-debian-").expect("a temporary folder");
        let debian = Debian { folder };
        let archive = tools().join("debian.tar");
        fs::create_dir(debian.path("")).expect("a folder");
        succeeds(as_root("tar").arg("-xf").arg(archive).arg("-C").arg(debian.path("")));
        debian
    }

    /// Where a file of it is for us.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("root").join(path.trim_start_matches('/'))
    }

    /// Runs a line of a shell, with this folder as the whole machine; its exit code and all it says.
    pub fn run(&self, line: &str) -> (i32, String) {
        let mut command = as_root("chroot");
        command.arg(self.path("")).args(["/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
        run(command.args(["LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", line]))
    }

    pub fn succeeds(&self, line: &str) -> String {
        let (code, said) = self.run(line);
        assert_eq!(code, 0, "`{line}` ended with {code}:\n{said}");
        said
    }

    /// As a user does it, asked nothing: a configuration that was changed is kept.
    pub fn install(&self, package: &Path) -> String {
        succeeds(as_root("cp").arg(package).arg(self.path("/tmp/package.deb")));
        let options = "--yes --no-install-recommends -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef \
                       -o Dpkg::Options::=--force-confold";
        self.succeeds(&format!("cd /tmp && apt-get install {options} ./package.deb </dev/null"))
    }

    pub fn has(&self, path: &str) -> bool {
        self.run(&format!("test -e {path}")).0 == 0
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        let _ = run(as_root("rm").args(["-rf", "--one-file-system"]).arg(self.path("")));
    }
}
