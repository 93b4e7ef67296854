//! The Debian package, built as deploy/debian/build builds it, in a Debian of its own: a folder that dpkg and the scripts
//! of the package take for the whole machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::harness::installed::installed;
use crate::harness::process::code;
use crate::harness::sources::root;

const CONFIGURATION: &str = "/etc/smsbridge/smsbridge.toml";

/// What tests/ecosystem/install/packages made.
fn tools() -> PathBuf {
    let tools = installed("packages");
    assert!(tools.join("installed").exists(), "tests/ecosystem/install/packages did not end");
    tools
}

/// Runs a command; its exit code and all it says.
fn run(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (code(output.status), said.concat())
}

fn succeeds(command: &mut Command) -> String {
    let (code, said) = run(command);
    assert_eq!(code, 0, "{command:?} ended with {code}:\n{said}");
    said
}

/// A command that runs as root, with sudo where we are not: dpkg and chroot need it.
fn as_root(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

/// The package, built once for all tests.
fn package() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let mut command = Command::new(root().join("deploy/debian/build"));
        let path = std::env::var("PATH").expect("PATH");
        command.env("PATH", format!("{}:{path}", tools().join("bin").display()));
        // What `cargo test` tells of this crate would have everything compiled anew.
        for (name, _) in std::env::vars() {
            if name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(name);
            }
        }
        let output = command.output().expect("deploy/debian/build runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "deploy/debian/build failed:\n{said}");
        let printed = String::from_utf8(output.stdout).expect("a path in UTF-8");
        let package = PathBuf::from(printed.lines().next_back().expect("the path of the package"));
        assert!(package.exists(), "{printed:?} names no package:\n{said}");
        package
    })
}

/// The package as a later version would be, with another configuration in it.
fn later_package(folder: &Path) -> PathBuf {
    let files = folder.join("later");
    succeeds(Command::new("dpkg-deb").arg("--raw-extract").arg(package()).arg(&files));
    let edit = |file: &str, from: &str, to: &str| {
        let path = files.join(file);
        let text = fs::read_to_string(&path).expect("a text");
        assert!(text.contains(from), "{file} has no {from:?}:\n{text}");
        fs::write(path, text.replace(from, to)).expect("a file that can be written");
    };
    edit("DEBIAN/control", "\nVersion: ", "\nVersion: 9:");
    edit(&CONFIGURATION[1..], "[mqtt]", "# Of a later version.\n[mqtt]");
    let later = folder.join("later.deb");
    succeeds(Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(&files).arg(&later));
    later
}

/// A Debian in a folder, gone in the end.
struct Debian {
    folder: TempDir,
}

impl Debian {
    fn new() -> Debian {
        let folder = TempDir::with_prefix("smsbridge-debian-").expect("a temporary folder");
        let debian = Debian { folder };
        let archive = tools().join("debian.tar");
        fs::create_dir(debian.path("")).expect("a folder");
        succeeds(as_root("tar").arg("-xf").arg(archive).arg("-C").arg(debian.path("")));
        debian
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("root").join(path.trim_start_matches('/'))
    }

    /// Runs a line of a shell, with this folder as the whole machine; its exit code and all it says.
    fn run(&self, line: &str) -> (i32, String) {
        let mut command = as_root("chroot");
        command.arg(self.path("")).args(["/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
        run(command.args(["LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", line]))
    }

    fn succeeds(&self, line: &str) -> String {
        let (code, said) = self.run(line);
        assert_eq!(code, 0, "`{line}` ended with {code}:\n{said}");
        said
    }

    /// As apt does it, which never overwrites a configuration that was changed without being asked.
    fn install(&self, package: &Path) -> String {
        succeeds(as_root("cp").arg(package).arg(self.path("/tmp/package.deb")));
        self.succeeds("dpkg --force-confdef --force-confold --install /tmp/package.deb </dev/null")
    }

    fn has(&self, path: &str) -> bool {
        self.run(&format!("test -e {path}")).0 == 0
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        let _ = run(as_root("rm").args(["-rf", "--one-file-system"]).arg(self.path("")));
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_installed_package_is_ready_to_be_configured_and_starts_nothing() {
    let debian = Debian::new();
    debian.install(package());
    let version = succeeds(Command::new("dpkg-deb").arg("--field").arg(package()).arg("Version"));
    let (upstream, _) = version.trim().rsplit_once('-').expect("a Debian version");
    let said = debian.succeeds("smsbridge --version");
    assert!(said.starts_with(&format!("smsbridge {upstream}")), "{version} is {said}");

    let user = debian.succeeds("getent passwd smsbridge");
    assert!(user.ends_with(":/var/lib/smsbridge:/usr/sbin/nologin\n"), "{user}");
    let modes = debian.succeeds("stat -c '%A %U %G %n' /etc/smsbridge /etc/smsbridge/* /usr/bin/smsbridge");
    assert_eq!(
        modes,
        "drwxr-x--- root smsbridge /etc/smsbridge\n\
         -rw-r--r-- root root /etc/smsbridge/smsbridge.toml\n\
         -rwxr-xr-x root root /usr/bin/smsbridge\n"
    );
    for file in [
        "/usr/lib/systemd/system/smsbridge.service",
        "/usr/lib/udev/rules.d/78-smsbridge-modems.rules",
        "/usr/share/doc/smsbridge/copyright",
        "/usr/share/doc/smsbridge/changelog.gz",
        "/usr/share/doc/smsbridge/changelog.Debian.gz",
        "/usr/share/doc/smsbridge/examples/smsbridge.toml",
        "/usr/share/doc/smsbridge/examples/mosquitto.conf",
        "/usr/share/doc/smsbridge/examples/mosquitto/acl",
        "/usr/share/man/man1/smsbridge.1.gz",
        "/usr/share/man/man1/smsbridge-check.1.gz",
        "/usr/share/zsh/vendor-completions/_smsbridge",
        "/usr/share/fish/vendor_completions.d/smsbridge.fish",
    ] {
        assert!(debian.has(file), "{file} is not in the package");
    }
    debian.succeeds("bash -ec '. /usr/share/bash-completion/completions/smsbridge; complete -p smsbridge'");
    debian.succeeds("systemd-analyze verify /usr/lib/systemd/system/smsbridge.service");

    // As the service: with what only its group may read.
    debian.succeeds("install -m 640 -g smsbridge /dev/null /etc/smsbridge/mqtt-password");
    debian.succeeds("echo secret >/etc/smsbridge/mqtt-password");
    debian.succeeds(&format!("sed -i 's/^#\\(username\\|password_file\\)/\\1/' {CONFIGURATION}"));
    let check = format!("env STATE_DIRECTORY=/tmp/store smsbridge check --config {CONFIGURATION}");
    let said =
        debian.succeeds(&format!("setpriv --reuid smsbridge --regid smsbridge --clear-groups {check}"));
    assert!(said.contains("mqtt.password_file /etc/smsbridge/mqtt-password: can be read"), "{said}");
    let (code, said) = debian.run(&format!("setpriv --reuid nobody --regid nogroup --clear-groups {check}"));
    assert_eq!(code, 2, "a stranger may read the configuration: {said}");

    let (_, enabled) = debian.run("systemctl is-enabled smsbridge");
    assert_eq!(enabled, "disabled\n", "nobody has configured it yet");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_upgrade_keeps_a_configuration_that_was_changed() {
    let debian = Debian::new();
    let later = later_package(debian.folder.path());
    debian.install(package());
    debian.succeeds(&format!("sed -i 's/localhost/broker.example/' {CONFIGURATION}"));
    debian.succeeds("chmod 700 /etc/smsbridge && systemctl enable smsbridge");
    debian.install(&later);
    let configuration = debian.succeeds(&format!("cat {CONFIGURATION}"));
    assert!(configuration.contains("broker.example"), "the change is lost:\n{configuration}");
    assert!(!configuration.contains("later version"), "{configuration}");
    assert!(debian.has(&format!("{CONFIGURATION}.dpkg-dist")), "the new one is nowhere to be seen");
    assert_eq!(debian.succeeds("stat -c %a /etc/smsbridge"), "700\n", "its owner shut it");
    assert_eq!(debian.succeeds("systemctl is-enabled smsbridge"), "enabled\n");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_upgrade_replaces_a_configuration_that_nobody_changed() {
    let debian = Debian::new();
    let later = later_package(debian.folder.path());
    debian.install(package());
    debian.install(&later);
    let configuration = debian.succeeds(&format!("cat {CONFIGURATION}"));
    assert!(configuration.contains("later version"), "{configuration}");
    assert_eq!(debian.succeeds("dpkg --verify smsbridge"), "");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_removed_package_keeps_messages_and_configuration_and_a_purged_one_only_what_others_made() {
    let debian = Debian::new();
    debian.install(package());
    // What systemd makes of StateDirectory= with DynamicUser=.
    debian.succeeds("install -d -o smsbridge -m 700 /var/lib/private/smsbridge");
    debian.succeeds("ln -s private/smsbridge /var/lib/smsbridge");
    debian.succeeds("touch /var/lib/smsbridge/smsbridge.sqlite /etc/smsbridge/ca.pem");
    debian.succeeds(&format!("sed -i 's/localhost/broker.example/' {CONFIGURATION}"));
    debian.succeeds("systemctl enable smsbridge");
    let number = debian.succeeds("id -u smsbridge");

    debian.succeeds("dpkg --remove smsbridge");
    assert!(!debian.has("/usr/bin/smsbridge"), "the program is still there");
    assert!(debian.has("/var/lib/smsbridge/smsbridge.sqlite"), "the messages are lost");
    assert!(debian.succeeds(&format!("cat {CONFIGURATION}")).contains("broker.example"));

    debian.install(package());
    assert!(debian.succeeds(&format!("cat {CONFIGURATION}")).contains("broker.example"));
    assert_eq!(debian.succeeds("systemctl is-enabled smsbridge"), "enabled\n", "as it was before");

    let said = debian.succeeds("dpkg --purge smsbridge 2>&1");
    assert!(said.contains("'/etc/smsbridge' not empty"), "what is left is not named: {said}");
    let left = debian.succeeds(
        "find / -xdev -name '*smsbridge*' -not -path '/tmp/*' -not -path '/proc/*' -o -path '/etc/smsbridge/*'",
    );
    assert_eq!(left, "/etc/smsbridge\n/etc/smsbridge/ca.pem\n");
    assert_eq!(debian.succeeds("id -u smsbridge"), number, "its number may be given to somebody else");

    debian.install(package());
    assert!(debian.succeeds(&format!("cat {CONFIGURATION}")).contains("localhost"));
    assert_eq!(debian.run("systemctl is-enabled smsbridge").1, "disabled\n");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn lintian_finds_nothing_to_complain_about() {
    let mut command = Command::new("lintian");
    // It asks for the bug of Debian's own list with which a package is announced there.
    command.args(["--suppress-tags", "initial-upload-closes-no-bugs", "--fail-on", "error,warning"]);
    command.args(["--allow-root", "--info", "--no-cfg"]).arg(package());
    succeeds(&mut command);
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn the_changelog_of_the_package_has_its_version() {
    let mut command = Command::new("dpkg-parsechangelog");
    command.args(["--show-field", "Version", "--file"]).arg(root().join("deploy/debian/changelog"));
    let version = succeeds(Command::new("dpkg-deb").arg("--field").arg(package()).arg("Version"));
    assert_eq!(succeeds(&mut command), version);
}
