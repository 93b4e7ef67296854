//! tests/packages names the Debian packages that the tests need, and nothing else does.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::harness::broker::find;
use crate::harness::process::code;
use crate::harness::sources::{read, root};

/// Each package with its parts.
fn listed() -> BTreeMap<String, Vec<String>> {
    let text = read("tests/packages");
    let list = text.split('\'').nth(1).expect("a list in quotes");
    let mut listed = BTreeMap::<String, Vec<String>>::new();
    for line in list.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase())) {
        let [part, package, _, ..] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("{line:?} has no three columns")
        };
        listed.entry(package.to_owned()).or_default().push(part.to_owned());
    }
    assert!(listed.len() > 20, "{listed:?}");
    listed
}

/// The scripts that need packages, with their texts.
fn scripts() -> Vec<(String, String)> {
    let install = fs::read_dir(root().join("tests/ecosystem/install")).expect("a folder");
    let install = install.map(|entry| entry.expect("a script").file_name().to_string_lossy().into_owned());
    let install = install.map(|name| format!("tests/ecosystem/install/{name}"));
    let others = ["tests/run", "tests/newer-mosquitto", "tests/unpack-debian", ".ci/run"].map(str::to_owned);
    install.chain(others).map(|script| (script.clone(), read(&script))).collect()
}

#[test]
fn what_a_script_needs_is_in_the_list_and_installed_for_it() {
    let listed = listed();
    let need = regex::Regex::new(r#"/packages"? need ([a-z0-9+ -]+)"#).expect("a regular expression");
    let mut needed = 0;
    for (script, text) in scripts() {
        assert!(!text.contains("apt-get install"), "{script} names packages itself");
        for package in
            need.captures_iter(&text).flat_map(|found| found.extract::<1>().1[0].split_whitespace())
        {
            let parts =
                listed.get(package).unwrap_or_else(|| panic!("tests/packages has no {package}: {script}"));
            let part = if script == "tests/run" { "cluster" } else { "ecosystem" };
            let is_installed = parts.iter().any(|listed| listed == part || listed == "tests");
            assert!(is_installed, "{script} needs {package}, which is of {parts:?} alone");
            needed += 1;
        }
    }
    assert!(needed > 15, "only {needed} were found");
    assert!(read(".ci/run").contains("packages\" install tests ecosystem "), "CI installs both");
    let contributing = read("CONTRIBUTING.md");
    for package in
        listed.iter().filter(|(_, parts)| parts.contains(&"tests".to_owned())).map(|(name, _)| name)
    {
        assert!(contributing.contains(package), "CONTRIBUTING.md does not name {package}");
    }
}

#[test]
fn what_is_missing_is_named_with_the_line_to_type() {
    let folder = tempfile::tempdir().expect("a folder");
    // Nothing else can be found, nor apt-get.
    for program in ["bash", "grep", "awk", "paste", "id"] {
        symlink(find(program), folder.path().join(program)).expect("a program");
    }
    let run = |arguments: &[&str]| {
        let mut command = Command::new(find("bash"));
        command.arg(root().join("tests/packages")).args(arguments).env_clear().env("PATH", folder.path());
        let output = command.output().expect("bash runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (code(output.status), said)
    };
    let line = "packages are missing. Type: sudo apt-get install --no-install-recommends npm jq\n";
    assert_eq!(run(&["need", "npm", "jq", "npm"]), (1, line.to_owned()));
    let (code, said) = run(&["need", "npm", "no-such-package"]);
    assert!(code == 2 && said.contains("no-such-package is not in its list"), "{code}: {said}");
    let (code, said) = run(&["install", "tests"]);
    assert!(code == 2 && said.contains(" jq"), "{code}: {said}");
    symlink("/bin/true", folder.path().join("jq")).expect("a program");
    assert_eq!(run(&["need", "jq"]), (0, String::new()));
    assert_eq!(run(&["need"]).0, 2);
}
