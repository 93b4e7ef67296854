//! What Prometheus makes of the gateway's metrics and of the alert rules in deploy/: as its own promtool says.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::harness::installed::installed;
use crate::harness::sources::root;
use crate::http_metrics::{busy_gateway, metrics};

/// What tests/ecosystem/install/prometheus unpacked.
fn promtool() -> PathBuf {
    installed("prometheus/promtool")
}

fn assert_success(output: &Output) {
    let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    assert!(output.status.success() && !said.contains("FAILED"), "promtool: {said}");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn metrics_are_named_by_the_conventions_of_prometheus() {
    let (_rig, address) = busy_gateway();
    let text = metrics(address);
    let mut command = Command::new(promtool());
    command.args(["check", "metrics", "--extended"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("promtool runs");
    child.stdin.take().expect("its input").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("promtool ends");
    assert_success(&output);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("smsbridge_results_total"), "it saw no metrics: {said}");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn each_alert_comes_when_it_should_and_not_before() {
    let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
    for file in ["deploy/prometheus/smsbridge.rules.yml", "tests/ecosystem/prometheus/rules.test.yml"] {
        let name = Path::new(file).file_name().expect("a file name");
        fs::copy(root().join(file), folder.path().join(name)).unwrap_or_else(|e| panic!("{file}: {e}"));
    }
    for arguments in [["check", "rules", "smsbridge.rules.yml"], ["test", "rules", "rules.test.yml"]] {
        let mut command = Command::new(promtool());
        assert_success(&command.args(arguments).current_dir(folder.path()).output().expect("promtool runs"));
    }
    // The test can fail.
    let rules = fs::read_to_string(folder.path().join("smsbridge.rules.yml")).expect("the rules");
    fs::write(folder.path().join("smsbridge.rules.yml"), rules.replace("for: 2m", "for: 30m"))
        .expect("a file");
    let mut command = Command::new(promtool());
    let output = command.args(["test", "rules", "rules.test.yml"]).current_dir(folder.path()).output();
    assert!(!output.expect("promtool runs").status.success(), "an alert that comes too late was not found");
}
