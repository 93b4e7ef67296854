//! The Debian package, built as deploy/debian/build builds it, in a Debian of its own: a folder that dpkg and the scripts
//! of the package take for the whole machine.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::debian::{Debian, package, succeeds};
use crate::harness::sources::root;

const CONFIGURATION: &str = "/etc/smsbridge/smsbridge.toml";

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
        "/usr/share/doc/smsbridge/notices.gz",
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

/// The libraries that the program of this machine is linked with or made by, name and version.
fn libraries() -> BTreeSet<String> {
    let mut command = Command::new("cargo");
    command.args(["tree", "--locked", "--package", "smsbridge", "--edges", "normal", "--prefix", "none"]);
    let tree = succeeds(command.current_dir(root()));
    let lines = tree.lines().filter(|line| !line.contains(&format!("({}", root().display())));
    let libraries = lines.filter_map(|line| {
        let mut words = line.split(' ');
        Some(format!("{} {}", words.next()?, words.next()?.strip_prefix('v')?))
    });
    libraries.collect()
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn the_licence_of_each_library_is_in_the_package() {
    let folder = tempfile::tempdir().expect("a folder");
    succeeds(Command::new("dpkg-deb").arg("--extract").arg(package()).arg(folder.path()));
    let notices =
        succeeds(Command::new("zcat").arg(folder.path().join("usr/share/doc/smsbridge/notices.gz")));
    let libraries = libraries();
    assert!(libraries.len() > 100, "{libraries:?}");
    for library in &libraries {
        let named = notices.lines().any(|line| {
            line.strip_prefix(library.as_str()).is_some_and(|rest| rest.starts_with(": ") && rest.len() > 4)
        });
        assert!(named, "{library} is not named with its licence");
        let has_none = format!("{library} brings no text");
        let has_text = notices.lines().any(|line| line == library || line.starts_with(&has_none));
        assert!(has_text, "{library} has no text of its licence");
    }
    for words in ["Permission is hereby granted, free of charge", "Apache License", "Mozilla Public License"]
    {
        assert!(notices.contains(words), "no text has {words:?}");
    }
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
