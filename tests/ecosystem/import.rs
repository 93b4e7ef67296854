//! `smsbridge import` on the example configurations that Debian's packages install, and on every option their manuals have.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use tempfile::TempDir;

use crate::harness::installed::installed;
use crate::harness::process::code;
use crate::import_command::{check, import, stdout};

/// What tests/ecosystem/install/import unpacked.
fn root() -> PathBuf {
    installed("import/root")
}

fn temporary() -> TempDir {
    TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder")
}

fn run(folder: &Path, file: &Path) -> String {
    let output = import(folder, file.to_str().expect("a path in UTF-8"));
    assert_eq!(code(output.status), 0, "{}: {output:?}", file.display());
    stdout(&output)
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn every_example_of_debians_packages_becomes_a_configuration_that_check_accepts() {
    let root = root();
    let mut files = vec![
        root.join("etc/gammu-smsdrc"),
        root.join("usr/share/doc/gammu/examples/config/smsdrc"),
        root.join("usr/share/doc/gammu/examples/config/gammurc"),
    ];
    for folder in ["usr/share/doc/smstools/examples", "usr/share/smstools/conf-templates"] {
        let found = fs::read_dir(root.join(folder)).expect("examples");
        let found = found.map(|entry| entry.expect("a file").path());
        files.extend(found.filter(|path| path.is_file() && path.display().to_string().contains("/smsd.")));
    }
    assert!(files.len() >= 9, "{files:?}");
    let folder = temporary();
    for file in files {
        let made = run(folder.path(), &file);
        assert!(made.contains("\n[mqtt]\n"), "{made}");
        // A line of this machine may be one that not everybody may open.
        let (code, said) = check(folder.path(), &made.replace("\"/dev/tty", "\"/dev/no-tty"));
        assert_eq!(code, 0, "{}: {said}\n{made}", file.display());
        for (n, line) in fs::read_to_string(&file).expect("a text").lines().enumerate() {
            let is_option = line.contains('=') && !line.trim_start().starts_with(['#', ';']);
            assert!(
                !is_option || made.contains(&format!("line {}: ", n + 1)),
                "{}: nothing of {line}",
                file.display()
            );
        }
    }
}

/// The options whose names a pattern finds in a manual.
fn names(manual: &str, pattern: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).expect("a regular expression");
    pattern.captures_iter(manual).map(|found| found[1].to_owned()).collect()
}

fn assert_all_known(made: &str, names: &BTreeSet<String>, at_least: usize) {
    assert!(names.len() >= at_least, "only {} options were found: {names:?}", names.len());
    assert!(!made.contains("no such option"), "{made}");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn every_option_of_the_manual_of_sms_server_tools_is_known() {
    let manual = fs::read(root().join("usr/share/doc/smstools/html/doc/configure.html")).expect("the manual");
    let manual = String::from_utf8_lossy(&manual);
    let global = names(&manual, "href=\"#g_[^\"]*\">&nbsp;(\\w+)&nbsp;");
    let modem = names(&manual, "href=\"#m_[^\"]*\">&nbsp;(\\w+)&nbsp;");
    let folder = temporary();
    let lines =
        |names: &BTreeSet<String>| names.iter().map(|name| format!("{name} = 1\n")).collect::<String>();
    let text = format!("{}devices = GSM1\n[GSM1]\n{}device = /dev/ttyUSB9\n", lines(&global), lines(&modem));
    let file = folder.path().join("smsd.conf");
    fs::write(&file, text).expect("a file");
    let made = run(folder.path(), &file);
    assert_all_known(&made, &global.union(&modem).cloned().collect(), 150);
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn every_option_of_the_manuals_of_gammu_is_known() {
    let page = |name: &str| {
        let packed = root().join("usr/share/man/man5").join(name);
        let output = std::process::Command::new("gzip").arg("-dc").arg(&packed).output().expect("gzip runs");
        assert!(output.status.success(), "{}: {output:?}", packed.display());
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    // An option is a paragraph of its own: its name in bold, alone on a line.
    let pattern = r"(?m)^\.TP\n\.B ([A-Za-z_]+)$";
    let (smsd, gammu) = (page("gammu-smsdrc.5.gz"), page("gammurc.5.gz"));
    // Values of LogFormat, connections and such are in small letters; of those that are options, one is.
    let is_option = |name: &String| {
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.to_uppercase() != *name
            || ["PIN", "PC", "SMSC", "SQL", "PhoneID", "atgen_setCNMI"].contains(&name.as_str())
    };
    let smsd: BTreeSet<String> = names(&smsd, pattern).into_iter().filter(is_option).collect();
    let gammu: BTreeSet<String> = names(&gammu, pattern).into_iter().filter(is_option).collect();
    let lines =
        |names: &BTreeSet<String>| names.iter().map(|name| format!("{name} = 1\n")).collect::<String>();
    let folder = temporary();
    let file = folder.path().join("smsdrc");
    fs::write(&file, format!("[gammu]\n{}[smsd]\n{}", lines(&gammu), lines(&smsd))).expect("a file");
    let made = run(folder.path(), &file);
    assert_all_known(&made, &smsd, 45);
    assert_all_known(&made, &gammu, 12);
}
