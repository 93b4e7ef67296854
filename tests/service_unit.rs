//! deploy/smsbridge.service as systemd reads it: shut in, and opened by the lines that docs/rules-and-hooks.md names.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::harness::documents::blocks_tagged;
use crate::harness::sources::read;

/// Exposure as `systemd-analyze security` counts it, in tenths: 0 is shut in, 100 is as root.
const MAX_EXPOSURE: &str = "20";

/// What `systemd-analyze` says and whether it is content; nothing where systemd is not installed. Of the unit, with more
/// lines in it.
fn analyzed(arguments: &[&str], lines: &[String]) -> Option<(bool, String)> {
    let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
    let unit = folder.path().join("smsbridge.service");
    // The program need not be installed here.
    let service = read("deploy/smsbridge.service").replace("/usr/bin/smsbridge", "/bin/true");
    assert!(service.contains("/bin/true"), "the unit runs another program");
    fs::write(&unit, service.replace("\n[Install]", &format!("\n{}\n[Install]", lines.join("\n"))))
        .expect("a unit file");
    let mut command = Command::new("systemd-analyze");
    let output = match command.args(arguments).arg(&unit).output() {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            eprintln!("skipped: there is no systemd-analyze here");
            return None;
        }
        output => output.expect("systemd-analyze runs"),
    };
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    Some((output.status.success(), said.concat().replace(&shown(folder.path()), "")))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn the_service_is_shut_in() {
    let arguments = ["security", "--offline=true", "--no-pager", "--threshold", MAX_EXPOSURE];
    let Some((is_below, said)) = analyzed(&arguments, &[]) else { return };
    assert!(is_below, "the exposure is above {MAX_EXPOSURE} tenths:\n{said}");
    let opened =
        ["CapabilityBoundingSet=CAP_SYS_ADMIN", "ProtectSystem=no", "PrivateTmp=no", "SystemCallFilter="];
    let (is_below, said) =
        analyzed(&arguments, &opened.map(str::to_owned)).expect("it was there a moment ago");
    assert!(!is_below, "what is wide open is not told apart:\n{said}");
}

/// `Key=value` in the last column of the table of the sandbox.
fn opening_lines() -> Vec<String> {
    let page = read("docs/rules-and-hooks.md");
    let (_, table) =
        page.split_once("\n| a hook | because of | to open it |\n").expect("the table of the sandbox");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next());
    let code = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    code.filter(|code| code.contains('=')).map(str::to_owned).collect()
}

#[test]
fn systemd_understands_the_unit_and_every_line_that_opens_it() {
    let verify = ["verify", "--man=no"];
    let Some((_, said)) = analyzed(&verify, &[]) else { return };
    assert_eq!(said, "", "of the unit itself");
    let mut lines = opening_lines();
    assert!(lines.len() >= 10, "the table was not read: {lines:?}");
    for block in blocks_tagged("ini drop-in", 3) {
        lines.extend(block.text.lines().filter(|line| line.contains('=')).map(str::to_owned));
    }
    for line in lines {
        let (_, said) = analyzed(&verify, std::slice::from_ref(&line)).expect("it was there a moment ago");
        assert_eq!(said, "", "of the line {line}");
    }
    let (_, said) =
        analyzed(&verify, &["ProtectHome=perhaps".to_owned()]).expect("it was there a moment ago");
    assert!(said.contains("perhaps"), "a value that systemd does not know goes unseen: {said:?}");
}
