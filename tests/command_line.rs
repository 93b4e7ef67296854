//! What every command has in common: help, version, completions, manual pages, and how much is logged.

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::harness::gateway::{has_all, program};
use crate::harness::process::{Process, code};
use crate::harness::rig::Rig;
use crate::harness::terminal::Terminal;
use crate::harness::wait::wait_until;

const COMMANDS: [&str; 11] =
    ["run", "demo", "check", "detect", "import", "pdu", "history", "parked", "send", "completions", "man"];

fn folder() -> TempDir {
    TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder")
}

fn smsbridge(arguments: &[&str]) -> Output {
    program(folder().path()).args(arguments).output().expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_version_tells_the_commit_it_was_built_from() {
    let said = stdout(&smsbridge(&["--version"]));
    let expected = format!("smsbridge {}", env!("CARGO_PKG_VERSION"));
    let rest = said.trim_end().strip_prefix(&expected).unwrap_or_else(|| panic!("{said}"));
    let git =
        Command::new("git").args(["rev-parse", "HEAD"]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let head = git.ok().filter(|git| git.status.success());
    let Some(head) = head.filter(|_| option_env!("BUILD_COMMIT").is_none()) else {
        return assert!(rest.is_empty() || rest.starts_with(" ("), "{said}");
    };
    let commit =
        rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')')).unwrap_or_else(|| panic!("{said}"));
    let head = String::from_utf8_lossy(&head.stdout).into_owned();
    assert!(commit.len() >= 7 && head.starts_with(commit), "{commit} is not {head}");
}

#[test]
fn the_long_help_has_examples_and_the_short_one_is_short() {
    for name in COMMANDS {
        let (short, long) = (smsbridge(&[name, "-h"]), smsbridge(&[name, "--help"]));
        assert_eq!((code(short.status), code(long.status)), (0, 0), "{name}");
        assert!(has_all(&stdout(&long), &["Examples:", "Exit codes:", "smsbridge "]), "{}", stdout(&long));
        assert!(!stdout(&short).contains("Exit codes:"), "{}", stdout(&short));
        assert!(stdout(&short).lines().count() < stdout(&long).lines().count(), "{name}");
    }
    let run = stdout(&smsbridge(&["run", "--help"]));
    assert!(
        has_all(&run, &["./smsbridge.toml", "/etc/smsbridge/smsbridge.toml", "SMSBRIDGE_CONFIG"]),
        "{run}"
    );
}

#[test]
fn a_typing_error_names_the_command_that_was_meant() {
    for (wrong, right) in [("snd", "send"), ("demp", "demo"), ("histroy", "history")] {
        let output = smsbridge(&[wrong]);
        assert_eq!(code(output.status), 2);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(&format!("'{right}'")), "{said}");
    }
}

#[test]
fn completions_complete_the_commands() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = smsbridge(&["completions", shell]);
        assert_eq!(code(script.status), 0, "{shell}");
        for name in COMMANDS {
            assert!(stdout(&script).contains(name), "{shell} does not know {name}");
        }
        fs::write(folder.path().join(shell), &script.stdout).expect("a file");
    }
    // As bash does when somebody types `smsbridge se` and the tabulator.
    let complete = ". ./bash; COMP_WORDS=(smsbridge se); COMP_CWORD=1; _smsbridge smsbridge se smsbridge; echo ${COMPREPLY[@]}";
    let output = Command::new("bash").args(["-c", complete]).current_dir(folder.path()).output();
    let output = output.expect("bash runs");
    assert_eq!(stdout(&output).trim(), "send", "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(code(smsbridge(&["completions", "cmd.exe"]).status), 2);
}

#[test]
fn completions_and_manual_to_a_full_disk_are_a_failure_in_words() {
    for arguments in [&["completions", "bash"][..], &["man"]] {
        let full = fs::File::options().write(true).open("/dev/full").expect("a full disk");
        let output = program(folder().path()).args(arguments).stdout(full).output().expect("the binary runs");
        assert_eq!(code(output.status), 1, "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            has_all(&said, &["standard output cannot be written"]) && !said.contains("panicked"),
            "{said}"
        );
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let folder = folder();
    let pages = folder.path().join("share/man/man1");
    let output = program(folder.path()).arg("man").arg(&pages).output().expect("the binary runs");
    assert_eq!(code(output.status), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let mut names = vec!["smsbridge".to_owned(), "smsbridge-pdu-decode".to_owned()];
    names.extend(COMMANDS.map(|command| format!("smsbridge-{command}")));
    for name in names {
        let page =
            fs::read_to_string(pages.join(format!("{name}.1"))).unwrap_or_else(|e| panic!("{name}: {e}"));
        for section in
            ["\n.TH ", "\n.SH NAME\n", "\n.SH SYNOPSIS\n", "\n.SH EXAMPLES\n", "\n.SH \"EXIT CODES\"\n"]
        {
            assert!(page.contains(section), "{section:?} is not in the page of {name}:\n{page}");
        }
    }
    let one = stdout(&smsbridge(&["man"]));
    assert_eq!(one, fs::read_to_string(pages.join("smsbridge.1")).expect("the page"));
    let output = program(folder.path()).args(["man", "/dev/null/x"]).output().expect("the binary runs");
    assert_eq!(code(output.status), 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("/dev/null/x"), "{output:?}");
}

#[test]
fn more_and_less_is_logged_as_asked() {
    let rig = Rig::prepare(&Default::default(), |_| {});
    let log_with = |arguments: &[&str], name: &str, wait: &dyn Fn(&str) -> bool| {
        let mut command = program(rig.gateway.folder());
        command
            .env_remove("SMSBRIDGE_LOG")
            .arg("run")
            .args(arguments)
            .arg("--config")
            .arg(rig.gateway.config_path());
        let path = rig.folder().join(name);
        let mut process = Process::start("smsbridge", &mut command, &path);
        let log = || fs::read_to_string(&path).unwrap_or_default();
        wait_until(&format!("what {arguments:?} logs"), || wait(&log()));
        process.signal(rustix::process::Signal::TERM);
        assert_eq!(code(process.wait_for_end(std::time::Duration::from_secs(60))), 0);
        log()
    };
    let plain = log_with(&[], "plain.log", &|log| log.contains("INFO"));
    assert!(!plain.contains("DEBUG"), "{plain}");
    log_with(&["-v"], "more.log", &|log| log.contains("DEBUG"));
    let seen = rig.client.received().len();
    let quiet = log_with(&["-q"], "less.log", &|_| {
        rig.client.received()[seen..].iter().any(|publish| publish.payload == b"online")
    });
    assert!(!quiet.contains("INFO"), "{quiet}");
}

#[test]
fn at_a_terminal_pdu_says_what_it_waits_for() {
    let folder = folder();
    let mut terminal = Terminal::start(folder.path(), &["pdu", "decode", "--json"], &[]);
    terminal.wait_for("one PDU in hex a line; Ctrl-D ends");
    terminal.press("00040B911346610089F600002080629173144800\n");
    terminal.wait_for("\"display\":\"+31641600986\"");
    terminal.press("\x04");
    assert_eq!(code(terminal.wait_for_end()), 0);
    let mut terminal = Terminal::start(folder.path(), &["pdu", "encode"], &[]);
    terminal.wait_for("one request a line");
    terminal.press("\x04");
    assert_eq!(code(terminal.wait_for_end()), 0);
    let arguments = ["pdu", "decode", "00040B911346610089F600002080629173144800"];
    let mut terminal = Terminal::start(folder.path(), &arguments, &[]);
    assert_eq!(code(terminal.wait_for_end()), 0);
    assert!(!terminal.shown().contains("Ctrl-D"), "{}", terminal.shown());
}

#[test]
fn a_configuration_from_variables_alone_is_enough_to_send() {
    let rig = Rig::start();
    let mut command = program(&rig.folder().join("broker"));
    command.env("SMSBRIDGE_MQTT__URL", format!("mqtt://127.0.0.1:{}", rig.broker.port));
    command.env("SMSBRIDGE_MQTT__USERNAME", "smsbridge").env("SMSBRIDGE_MQTT__PASSWORD", "the gateway's");
    let output =
        command.args(["send", "--to", "+4915100000002", "no file"]).output().expect("the binary runs");
    assert_eq!(code(output.status), 0, "{output:?}");
    assert_eq!(rig.modem.submits()[0].text, "no file");
}
