//! Every block of the documents that can be run is run as it stands there: commands, configurations, payloads, scripts.
//!
//! The tag of a block says what is done with it; docs/testing.md has the list.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use toml::Table;

use crate::harness::broker::{Login, find};
use crate::harness::documents::{Block, blocks, blocks_tagged};
use crate::harness::gateway::{PROGRAM, program};
use crate::harness::process::code;
use crate::harness::rig::{Rig, RigOptions};
use crate::harness::wait::{WAIT_TIMEOUT, wait_for, wait_until};
use smsbridge_simulator::Message;

/// The tags a block may have: what is checked, and what says that it is not.
const TAGS: [&str; 12] = [
    "sh",
    "sh file",
    "python file",
    "toml",
    "json",
    "json request",
    "ini drop-in",
    "console",
    "text",
    "conf",
    "yaml",
    "rust",
];

/// Programs of others that the documents use. What they would do is not tried.
const OTHER_PROGRAMS: [&str; 31] = [
    "apt-get",
    "cargo",
    "chgrp",
    "chmod",
    "chown",
    "curl",
    "datamodel-codegen",
    "date",
    "docker",
    "git",
    "install",
    "journalctl",
    "ls",
    "mkdir",
    "mosquitto_passwd",
    "mv",
    "nano",
    "npm",
    "npx",
    "picocom",
    "pip",
    "sh",
    "socat",
    "sqlite3",
    "systemctl",
    "systemd-run",
    "tar",
    "tee",
    "udevadm",
    "uptime",
    "which",
];

#[test]
fn every_block_says_by_its_tag_what_is_done_with_it() {
    let blocks = blocks();
    assert!(blocks.len() > 60, "only {} blocks were found", blocks.len());
    let odd: Vec<String> = blocks
        .iter()
        .filter(|block| !TAGS.contains(&block.tag.as_str()))
        .map(|block| format!("{}: ```{}", block.place, block.tag))
        .collect();
    assert!(odd.is_empty(), "blocks with no tag of docs/testing.md:\n{}", odd.join("\n"));
}

// --- configuration ---------------------------------------------------------------------------

#[test]
fn every_configuration_is_one_that_check_accepts() {
    let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
    make_certificate(folder.path());
    for (n, block) in blocks_tagged("toml", 10).iter().enumerate() {
        let mut table: Table = toml::from_str(&block.text).unwrap_or_else(|e| panic!("{}: {e}", block.place));
        for (key, value) in &mut table {
            take_own_files(key, value, folder.path());
        }
        let file = folder.path().join(format!("{n}.toml"));
        fs::write(&file, table.to_string()).expect("a configuration file");
        let mut command = program(folder.path());
        command.arg("check").arg("--config").arg(&file);
        command
            .env("STATE_DIRECTORY", folder.path().join("store"))
            .env("CREDENTIALS_DIRECTORY", folder.path());
        let output = command.output().expect("the gateway's binary runs");
        assert_eq!(code(output.status), 0, "{}: {}", block.place, said(&output));
    }
}

/// A PIN has to be short, a token long.
fn secret_of(key: &str) -> &'static str {
    if key == "token_file" { "0123456789abcdef" } else { "1234" }
}

/// Replaces the files a configuration names by ones that are there.
fn take_own_files(key: &str, value: &mut toml::Value, folder: &Path) {
    match value {
        toml::Value::Table(table) => {
            table.iter_mut().for_each(|(key, value)| take_own_files(key, value, folder));
        }
        toml::Value::Array(values) => values.iter_mut().for_each(|value| take_own_files(key, value, folder)),
        toml::Value::String(text) => match key {
            "ca_file" | "client_cert" => *text = folder.join("certificate").display().to_string(),
            "client_key" => *text = folder.join("key").display().to_string(),
            "password_file" | "pin_file" | "token_file" => {
                fs::write(
                    folder.join(Path::new(text.as_str()).file_name().expect("a file name")),
                    secret_of(key),
                )
                .expect("a file with a secret");
                if text.contains('/') {
                    *text = folder
                        .join(Path::new(text.as_str()).file_name().expect("a name"))
                        .display()
                        .to_string();
                }
            }
            "command" if text.starts_with("/usr/local/bin/") => {
                let script = folder.join("script");
                write_script(&script, "#!/bin/sh\n");
                *text = script.display().to_string();
            }
            _ => {}
        },
        _ => {}
    }
}

fn make_certificate(folder: &Path) {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["req", "-x509", "-days", "3650", "-subj", "/CN=documents", "-nodes"]);
    command.args([
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-keyout",
        "key",
        "-out",
        "certificate",
    ]);
    let output = command.output().expect("openssl runs");
    assert!(output.status.success(), "{}", said(&output));
}

// --- payloads --------------------------------------------------------------------------------

/// The values of a block: one after the other, each over as many lines as it likes.
fn values(block: &Block) -> Vec<Value> {
    let values = serde_json::Deserializer::from_str(&block.text).into_iter();
    values.collect::<Result<_, _>>().unwrap_or_else(|e| panic!("{}: no JSON: {e}", block.place))
}

#[test]
fn every_payload_is_json() {
    for block in blocks_tagged("json", 10) {
        assert!(!values(&block).is_empty(), "{}: nothing in it", block.place);
    }
}

#[test]
fn every_request_is_accepted() {
    let rig = Rig::start();
    let blocks = blocks_tagged("json request", 4);
    let requests = blocks.iter().flat_map(|block| values(block).into_iter().map(move |value| (block, value)));
    for (n, (block, mut request)) in requests.enumerate() {
        // Two pages may name their examples alike.
        let id = format!("{}-{n}", request["id"].as_str().unwrap_or("example"));
        request["id"] = Value::from(id.clone());
        rig.request(&request);
        let what = format!("the first result of a request of {}: {request}", block.place);
        let first =
            rig.client.wait_for_json(&what, |topic, json| topic == "sms/result" && json["id"] == id.as_str());
        assert_eq!(first["state"], "accepted", "{}: {request} was answered with {first}", block.place);
    }
}

// --- commands --------------------------------------------------------------------------------

/// Runs blocks of commands with nothing in the path but stand-ins. Ours note what they were called with, those of
/// mosquitto ask the broker of the test, others do nothing.
struct Shell {
    folder: TempDir,
}

impl Shell {
    fn new(broker: u16, passwords: &[(&str, &str)]) -> Self {
        let shell = Self { folder: TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder") };
        // What is piped to a stand-in has to be read, or its writer fails.
        let read = "if [ -p /dev/stdin ]; then /bin/cat >/dev/null; fi";
        let note = format!("{{ printf '%s\\0' \"$@\"; printf '\\1\\0'; }} >>'{}'", shell.calls().display());
        let bin = shell.bin();
        fs::create_dir(&bin).expect("a folder for programs");
        for name in OTHER_PROGRAMS {
            write_script(&bin.join(name), &format!("#!/bin/sh\n{read}\n"));
        }
        write_script(&bin.join("smsbridge"), &format!("#!/bin/sh\n{note}\n{read}\n"));
        write_script(&bin.join("sudo"), "#!/bin/sh\nexec \"$@\"\n");
        let of_demo = format!("#!/bin/sh\n[ \"$1 $2\" = 'run --' ] || exit 0\nshift 2\n{note}\n");
        write_script(&bin.join("cargo"), &of_demo);
        let cases: String =
            passwords.iter().map(|(user, word)| format!("    {user}) p=\"{word}\" ;;\n")).collect();
        for (name, options) in [("mosquitto_pub", ""), ("mosquitto_sub", "-E")] {
            let real = find(name).display().to_string();
            let script = format!(
                "#!/bin/sh\nu=observer\nlast=\nfor word in \"$@\"; do [ \"$last\" = -u ] && u=$word; last=$word; done\n\
                 case $u in\n{cases}esac\n\
                 exec '{real}' \"$@\" -V mqttv5 -h 127.0.0.1 -p {broker} -u \"$u\" -P \"$p\" {options}\n"
            );
            write_script(&bin.join(name), &script);
        }
        shell
    }

    fn run(&self, block: &Block) -> Output {
        let script = format!(
            "set -euo pipefail\n\
             command_not_found_handle() {{ echo \"$1 is none of the programs that documents use\" >&2; return 127; }}\n\
             cd() {{ :; }}\ntests/run() {{ :; }}\ndeploy/debian/build() {{ :; }}\n{}\nwait\n",
            block.text
        );
        let mut command = Command::new("/bin/bash");
        command.args(["-c", &script]).env_clear().env("PATH", self.bin()).current_dir(self.folder.path());
        command.output().expect("bash runs")
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    fn calls(&self) -> PathBuf {
        self.folder.path().join("calls")
    }

    /// The arguments of each call of `smsbridge` since the last time, for which it was called.
    fn take_calls(&self) -> Vec<Vec<String>> {
        let text = fs::read_to_string(self.calls()).unwrap_or_default();
        fs::write(self.calls(), "").expect("a file of calls");
        let calls = text.split_terminator("\u{1}\0");
        calls.map(|call| call.split_terminator('\0').map(str::to_owned).collect()).collect()
    }
}

#[test]
fn every_command_is_one_that_there_is() {
    let application = Login { user: "application".to_owned(), password: "secret".to_owned() };
    let options = RigOptions { login: Some(application.clone()), ..RigOptions::default() };
    let mut rig = Rig::prepare_with(options, |_| {});
    rig.start_gateway();
    let logins = [Login::gateway(), Login::observer(), application];
    let passwords: Vec<_> =
        logins.iter().map(|login| (login.user.as_str(), login.password.as_str())).collect();
    let shell = Shell::new(rig.broker.port, &passwords);
    let (mut calls, mut requests) = (0, 0);
    for block in blocks_tagged("sh", 25) {
        let writes = block.text.replace("> /dev/null", "");
        assert!(!writes.contains("> /"), "{}: a test must not write there", block.place);
        let output = shell.run(&block);
        let words = said(&output);
        assert_eq!(code(output.status), 0, "{}: {words}", block.place);
        assert!(!words.contains("Warning") && !words.contains("not authorised"), "{}: {words}", block.place);
        requests += block.text.matches("-t sms/send").count();
        for arguments in shell.take_calls() {
            calls += 1;
            if let Err(words) = is_accepted(&arguments) {
                panic!("{}: smsbridge {arguments:?}: {words}", block.place);
            }
        }
    }
    assert!(calls >= 30, "smsbridge was called {calls} times only");
    assert!(requests >= 3, "only {requests} requests were published");
    let ids = |state: &str| -> BTreeSet<String> {
        let results = rig.client.received().into_iter().filter(|publish| publish.topic == "sms/result");
        let results = results.filter_map(|publish| serde_json::from_slice::<Value>(&publish.payload).ok());
        results.filter(|result| result["state"] == state).map(|result| result["id"].to_string()).collect()
    };
    wait_until("every request to be accepted", || ids("accepted").len() + ids("rejected").len() >= requests);
    assert_eq!(ids("rejected"), BTreeSet::new(), "ids of requests that were published and rejected");
}

/// Whether the command line is understood as far as its options go: with `--help`, nothing is carried out.
fn is_accepted(arguments: &[String]) -> Result<(), String> {
    let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let mut command = Command::new(PROGRAM);
    command.args(&arguments[..end]).arg("--help");
    let output = command.output().expect("the gateway's binary runs");
    if output.status.success() { Ok(()) } else { Err(said(&output)) }
}

// --- scripts ---------------------------------------------------------------------------------

const ANNA: &str = "+4915112345678";
const STRANGER: &str = "+4915100000001";

fn the_script(tag: &str, name: &str) -> String {
    let mut blocks = blocks_tagged(tag, 1);
    blocks.retain(|block| block.text.contains(&format!("usage: {name} ")));
    assert_eq!(blocks.len(), 1, "one block ```{tag} is {name}");
    blocks.remove(0).text
}

fn runs_owed(rig: &Rig) -> i64 {
    let store =
        rusqlite::Connection::open(rig.folder().join("store/smsbridge.sqlite")).expect("the store opens");
    store.query_row("SELECT count(*) FROM hook_run", [], |row| row.get(0)).expect("a table of runs")
}

#[test]
fn the_shell_script_switches_for_those_who_may_and_for_nobody_else() {
    let mut rig = Rig::prepare(&Default::default(), |_| {});
    let (script, state) = (rig.folder().join("sms-switch"), rig.folder().join("heating"));
    write_script(&script, &the_script("sh file", "sms-switch"));
    rig.reconfigure(|config| {
        config.add("hook", &format!("on = \"received\"\ncommand = [{script:?}, {state:?}]"));
    });
    rig.start_gateway();
    let state = || fs::read_to_string(&state).unwrap_or_default();

    rig.modem.deliver(ANNA, "heating on");
    wait_until("the heating to be on", || state() == "on\n");

    rig.modem.deliver(STRANGER, "heating off");
    rig.modem.deliver(ANNA, "heating off; touch never");
    rig.modem.deliver(ANNA, "$(touch never)");
    let two_hours_ago = Timestamp::now().as_second() - 7200;
    let old = Message { sent_at: Some(two_hours_ago), ..Message::default() };
    for pdu in rig.modem.simulator().parts(ANNA, "heating off", &old).expect("a text that can be sent") {
        rig.modem.deliver_pdu(&pdu);
    }
    wait_until("five messages", || rig.published("sms/received/").len() == 5);
    wait_until("their hooks", || runs_owed(&rig) == 0);
    assert_eq!(state(), "on\n", "a stranger, a text that is none, and an old one switch nothing");
    assert!(!rig.folder().join("never").exists(), "a text is never evaluated");
    rig.gateway.wait_for_log(&["sms-switch says: a text that is no command"]);

    rig.modem.deliver(ANNA, "heating off");
    wait_until("the heating to be off", || state() == "off\n");
}

/// Takes one request, answers it with `status`; its header lines and its body.
fn serve_one(listener: &TcpListener, status: &str) -> (String, Vec<u8>) {
    let mut stream = wait_for("the script's request", || listener.accept().ok()).0;
    stream.set_nonblocking(false).expect("a stream that waits");
    stream.set_read_timeout(Some(WAIT_TIMEOUT)).expect("a limit");
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut chunk).expect("a request");
        assert!(count > 0, "the request ends early: {}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&chunk[..count]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        if bytes.len() >= end + 4 + length.trim().parse::<usize>().expect("a number") {
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).expect("an answer");
            return (head, bytes[end + 4..].to_vec());
        }
    }
}

#[test]
fn the_python_script_posts_each_event_until_it_is_taken() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.set_nonblocking(true).expect("a listener that can be asked");
    let url = format!("http://{}/sms", listener.local_addr().expect("its address"));
    let mut rig = Rig::prepare(&Default::default(), |_| {});
    let script = rig.folder().join("sms-to-web");
    write_script(&script, &the_script("python file", "sms-to-web"));
    rig.reconfigure(|config| {
        config.add("hook", &format!("on = \"received\"\ncommand = [{script:?}, {url:?}]"));
    });
    rig.start_gateway();
    rig.modem.deliver(ANNA, "Grüße 👋");
    let message = rig.wait_for_received("Grüße 👋");

    let key = |head: &str| head.lines().find(|line| line.starts_with("idempotency-key: ")).map(str::to_owned);
    let (refused, _) = serve_one(&listener, "503 Service Unavailable");
    let (taken, body) = serve_one(&listener, "204 No Content");
    assert!(taken.starts_with("post /sms ") && taken.contains("content-type: application/json"), "{taken}");
    assert_eq!(serde_json::from_slice::<Value>(&body).expect("JSON"), message, "the event, as published");
    assert!(
        key(&taken).is_some() && key(&taken) == key(&refused),
        "the second try has the same key: {taken}"
    );
    wait_until("the run to be done", || runs_owed(&rig) == 0);
    let line = rig.gateway.wait_for_log(&["sms-to-web says: not taken", "503"]);
    assert!(!line.contains("Grüße") && !line.contains(ANNA), "{line}");
}

fn write_script(path: &Path, text: &str) {
    fs::write(path, text).expect("a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its permissions");
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}
