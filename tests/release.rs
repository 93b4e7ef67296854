//! A release: RELEASE.md, its workflow and its scripts speak of what there is, and a version that is not everywhere stops
//! it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::process::code;
use crate::harness::sources::{read, root};

const WORKFLOW: &str = ".github/workflows/release.yml";

/// The files that name the version.
const FILES: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "CHANGELOG.md",
    "deploy/debian/changelog",
    "deploy/home-assistant/app/smsbridge/config.yaml",
    "deploy/home-assistant/app/smsbridge/CHANGELOG.md",
];

fn workflow() -> Value {
    serde_saphyr::from_str(&read(WORKFLOW)).unwrap_or_else(|e| panic!("{WORKFLOW}: {e}"))
}

fn jobs(workflow: &Value) -> impl Iterator<Item = (&String, &Value)> {
    workflow["jobs"].as_object().expect("jobs").iter()
}

fn steps(workflow: &Value) -> impl Iterator<Item = (&String, &Value)> {
    jobs(workflow)
        .flat_map(|(job, value)| value["steps"].as_array().into_iter().flatten().map(move |step| (job, step)))
}

/// The version of the workspace.
fn version() -> String {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("TOML");
    manifest["workspace"]["package"]["version"].as_str().expect("a version").to_owned()
}

/// A copy of all that names the version, as it is on the day of a release, with the script that checks it.
struct Copy(TempDir);

impl Copy {
    fn new() -> Copy {
        let copy = Copy(tempfile::tempdir().expect("a folder"));
        for file in FILES.into_iter().chain(["deploy/release/check", "deploy/release/notes"]) {
            let to = copy.path(file);
            fs::create_dir_all(to.parent().expect("a folder")).expect("a folder can be made");
            fs::copy(root().join(file), to).unwrap_or_else(|e| panic!("{file}: {e}"));
        }
        let text =
            format!("# Changelog\n\n## [Unreleased]\n\n## [{}] - 2026-11-27\n\n- What is new.\n", version());
        fs::write(copy.path("CHANGELOG.md"), text).expect("a file can be written");
        copy
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).expect("a text");
        assert!(text.contains(from), "{file} has no {from:?}");
        fs::write(self.path(file), text.replacen(from, to, 1)).expect("a file can be written");
    }

    fn check(&self, tag: &str) -> (i32, String) {
        run(&self.path("deploy/release/check"), tag)
    }
}

fn run(script: &Path, argument: &str) -> (i32, String) {
    let output = Command::new(script).arg(argument).output().expect("the script runs");
    let said = [output.stdout, output.stderr].concat();
    (code(output.status), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn every_place_names_one_version() {
    let (_, said) = run(&root().join("deploy/release/check"), &format!("v{}", version()));
    // Between two releases CHANGELOG.md is ahead of all others.
    let others: Vec<&str> = said.lines().filter(|line| !line.starts_with("CHANGELOG.md: ")).collect();
    assert_eq!(others, [""; 0], "{said}");
}

#[test]
fn a_version_that_is_not_everywhere_stops_a_release() {
    let (version, other) = (version(), "98.7.6");
    let tag = format!("v{version}");
    let fine = Copy::new();
    assert_eq!(fine.check(&tag), (0, String::new()));
    for tag in [&version, "v1", "latest", "v1.2.3; true", ""] {
        let (code, said) = fine.check(tag);
        assert!(code != 0 && said.contains("v1.2.3"), "{tag:?} is taken for a tag: {code} {said}");
    }
    for (file, from, to) in [
        (
            "Cargo.toml",
            format!("version = \"{version}\"\nedition"),
            format!("version = \"{other}\"\nedition"),
        ),
        (
            "Cargo.toml",
            format!("\"crates/modem\", version = \"{version}\""),
            format!("\"x\", version = \"{other}\""),
        ),
        (
            "Cargo.lock",
            format!("name = \"smsbridge\"\nversion = \"{version}\""),
            format!("name = \"smsbridge\"\nversion = \"{other}\""),
        ),
        ("deploy/debian/changelog", format!("({version}-"), format!("({other}-")),
        (FILES[4], format!("version: {version}"), format!("version: {other}")),
        (FILES[5], format!("## {version}"), format!("## {other}")),
        ("CHANGELOG.md", format!("[{version}] - 2026"), format!("[{other}] - 2026")),
        ("CHANGELOG.md", format!("[{version}] - 2026-11-27"), format!("[{version}]")),
        ("CHANGELOG.md", "[Unreleased]\n".to_owned(), "[Unreleased]\n\n- Forgotten.\n".to_owned()),
    ] {
        let copy = Copy::new();
        copy.edit(file, &from, &to);
        let (code, said) = copy.check(&tag);
        assert!(
            code == 1 && said.lines().all(|line| line.starts_with(&format!("{file}: "))),
            "{file}, {to}: {said}"
        );
        assert!(!said.is_empty(), "{file}, {to}: nothing is said");
    }
}

#[test]
fn the_text_of_a_release_is_its_section_of_the_changelog() {
    let copy = Copy::new();
    let notes = |version: &str| run(&copy.path("deploy/release/notes"), version);
    let (code, said) = notes(&version());
    assert_eq!((code, said.trim()), (0, "- What is new."));
    assert_eq!(notes("Unreleased").0, 1, "an empty section is no text");
    assert_eq!(notes("9.9.9").0, 1, "there is no such version");
}

/// Crates of the workspace that the manifest of `krate` names, those for its tests among them.
fn own_dependencies(krate: &str) -> BTreeSet<String> {
    let folder = krate.strip_prefix("smsbridge-").unwrap_or("bridge");
    let manifest: toml::Table = read(&format!("crates/{folder}/Cargo.toml")).parse().expect("TOML");
    let tables =
        ["dependencies", "dev-dependencies"].into_iter().filter_map(|name| manifest.get(name)?.as_table());
    let names = tables.flat_map(|table| table.keys());
    names.filter(|name| name.starts_with("smsbridge") && *name != krate).cloned().collect()
}

#[test]
fn crates_are_published_after_what_they_need() {
    let pattern = Regex::new(r"(?m)^cargo publish .*-p (\S+)$").expect("a regular expression");
    let text = read("RELEASE.md");
    let order: Vec<&str> =
        pattern.captures_iter(&text).map(|found| found.get(1).expect("a crate").as_str()).collect();
    let crates = fs::read_dir(root().join("crates")).expect("crates").count();
    assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), crates, "each crate once: {order:?}");
    for (at, krate) in order.iter().enumerate() {
        let before: BTreeSet<String> = order[..at].iter().map(ToString::to_string).collect();
        let missing: Vec<_> = own_dependencies(krate).difference(&before).cloned().collect();
        assert_eq!(missing, [""; 0], "RELEASE.md publishes {krate} before what it needs");
    }
}

#[test]
fn the_workflow_names_files_that_there_are() {
    let pattern =
        Regex::new(r"(?:^|[\s/(])((?:deploy|tests|crates)/[A-Za-z0-9_./-]*[A-Za-z0-9])").expect("a pattern");
    let mut named = BTreeSet::new();
    for (job, step) in steps(&workflow()) {
        for found in pattern.captures_iter(step["run"].as_str().unwrap_or_default()) {
            let path = &found[1];
            // Made in the step before.
            if path.ends_with(".cdx.json") {
                continue;
            }
            assert!(root().join(path).exists(), "{WORKFLOW}, job {job}: there is no {path}");
            named.insert(path.to_owned());
        }
    }
    for path in [
        "deploy/release/check",
        "deploy/release/notes",
        "deploy/debian/build",
        "deploy/Dockerfile",
        "tests/run",
    ] {
        assert!(named.contains(path), "{WORKFLOW} does not use {path}: {named:?}");
    }
}

#[test]
fn the_workflow_runs_for_a_tag_alone_and_takes_no_more_rights_than_it_needs() {
    let workflow = workflow();
    let on = workflow["on"].as_object().expect("what starts it");
    assert_eq!(on.keys().collect::<Vec<_>>(), ["push"]);
    assert_eq!(on["push"].as_object().expect("push").keys().collect::<Vec<_>>(), ["tags"]);
    assert_eq!(workflow["permissions"], serde_json::json!({}), "none but those of each job");
    for (job, value) in jobs(&workflow) {
        let rights = value["permissions"].as_object().unwrap_or_else(|| panic!("{job}: permissions"));
        let writes: BTreeSet<&str> =
            rights.iter().filter(|(_, right)| *right == "write").map(|(what, _)| what.as_str()).collect();
        let expect: &[&str] = match job.as_str() {
            "draft" => &["contents", "packages"],
            "image" => &["packages"],
            _ => &[],
        };
        assert_eq!(writes, expect.iter().copied().collect(), "{job} writes");
        assert!(value["timeout-minutes"].is_u64(), "{job} may run for ever");
        if job != "check" {
            assert!(
                value["needs"].is_string() || value["needs"].is_array(),
                "{job} does not wait for the tests"
            );
        }
    }
    let last = workflow["jobs"]["draft"]["needs"].to_string();
    assert!(last.contains("deb") && last.contains("image"), "the draft has all: {last}");
}

#[test]
fn the_workflow_uses_actions_of_fixed_commits_and_puts_no_text_of_others_into_a_shell() {
    let fixed = Regex::new(r"^actions/[a-z-]+@[0-9a-f]{40}$").expect("a regular expression");
    let mut commits = BTreeSet::new();
    for (job, step) in steps(&workflow()) {
        if let Some(action) = step["uses"].as_str() {
            assert!(fixed.is_match(action), "{job}: {action} may become another");
            commits.insert(action.to_owned());
        }
        let shell = step["run"].as_str().unwrap_or_default();
        assert!(
            !shell.contains("${{"),
            "{job}: a shell reads a variable of its environment instead: {shell}"
        );
    }
    let actions: BTreeSet<&str> = commits.iter().filter_map(|commit| commit.split('@').next()).collect();
    assert_eq!(commits.len(), actions.len(), "one commit of each action: {commits:?}");
    for line in read(WORKFLOW).lines().filter(|line| line.contains("uses: ")) {
        assert!(line.contains(" # v"), "{line}: say which version that is");
    }
}

#[test]
fn the_workflow_builds_with_the_rust_of_the_workspace_a_package_for_each_architecture() {
    let workflow = workflow();
    let manifest: toml::Table = read("Cargo.toml").parse().expect("TOML");
    let rust = manifest["workspace"]["package"]["rust-version"].as_str().expect("a version").to_owned();
    let image = format!("rust:{rust}-bookworm");
    for job in ["check", "deb"] {
        let container = &workflow["jobs"][job]["container"];
        assert_eq!(container["image"].as_str().or(container.as_str()), Some(image.as_str()), "{job}");
    }
    let toolchains =
        Regex::new(r"(?:rustup toolchain install |cargo \+)([0-9.]+)").expect("a regular expression");
    for (job, step) in steps(&workflow) {
        for found in toolchains.captures_iter(step["run"].as_str().unwrap_or_default()) {
            assert_eq!(found[1], rust, "{job}");
        }
    }
    let matrix =
        workflow["jobs"]["deb"]["strategy"]["matrix"]["include"].as_array().expect("a matrix").clone();
    let built: Vec<&str> = matrix.iter().filter_map(|row| row["architecture"].as_str()).collect();
    assert_eq!(built, ["amd64", "arm64", "armhf"]);
    let building = read("docs/building.md");
    for row in matrix.iter().filter(|row| row["architecture"] != "amd64") {
        let target = row["target"].as_str().expect("a target");
        assert!(building.contains(target), "docs/building.md does not say how to build for {target}");
    }
}
