//! A new user's walk: types what README and docs/ say, from the demo to a service with a rule and a hook.
//!
//! What differs from the user's machine: ports, the device of the modem, folders, and that nobody is root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use regex::Regex;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::broker::{Broker, Login};
use crate::harness::client::Client;
use crate::harness::documents::{Block, blocks};
use crate::harness::gateway::{PROGRAM, program};
use crate::harness::modem::{Modem, ModemOptions};
use crate::harness::process::{Process, code};
use crate::harness::wait::{WAIT_TIMEOUT, wait_for, wait_until};

const ANNA: &str = "+4915112345678";

/// The blocks of a page with this tag.
fn of(page: &str, tag: &str) -> Vec<Block> {
    blocks().into_iter().filter(|block| block.place.starts_with(page) && block.tag == tag).collect()
}

/// The line of a page's commands that begins so, as one types it who is root already, without its comment.
fn line(page: &str, beginning: &str) -> String {
    let blocks = of(page, "sh");
    let mut lines = blocks.iter().flat_map(|block| block.text.lines());
    let found = lines.find(|line| line.trim_start_matches("sudo ").starts_with(beginning));
    let line = found.unwrap_or_else(|| panic!("{page} says no {beginning:?}")).trim_start_matches("sudo ");
    line.split("  #").next().unwrap_or(line).trim_end().to_owned()
}

/// A folder in which commands are typed, with `smsbridge` in the path.
struct Shell {
    folder: TempDir,
}

impl Shell {
    fn new() -> Self {
        Self { folder: TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let bin = Path::new(PROGRAM).parent().expect("the folder of the binary");
        let path = std::env::var("PATH").unwrap_or_default();
        let plain = program(self.folder.path());
        let mut command = Command::new("/bin/bash");
        command.args(["-c", line]).env_clear().current_dir(self.folder.path());
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("PATH", format!("{}:{path}", bin.display()));
        // As systemd sets them: nothing of the machine's is touched.
        command.env("STATE_DIRECTORY", self.path("store")).env("RUNTIME_DIRECTORY", self.path("runtime"));
        command
    }

    /// What a page shows of these words, and what was printed, without what differs from machine to machine.
    fn assert_as_shown(&self, page: &str, words: &str, printed: &str, replaced: &[(&str, &str)]) {
        let mut shown = of(page, "console").into_iter().filter(|block| block.text.contains(words));
        let shown = shown.next().unwrap_or_else(|| panic!("{page} shows no {words:?}"));
        let folder = self.folder.path().display().to_string();
        let store = format!("{folder}/store");
        let ours = [(store.as_str(), "/var/lib/smsbridge"), (folder.as_str(), "/etc/smsbridge")];
        let replaced = replaced.iter().chain(&ours);
        let printed = replaced.fold(printed.to_owned(), |text, (from, to)| text.replace(from, to));
        let (expected, found) = (shape(&shown.text), shape(&printed));
        let is_same = expected.len() == found.len()
            && expected.iter().zip(&found).all(|(expected, found)| match expected.strip_suffix('…') {
                Some(beginning) => found.starts_with(beginning),
                None => found == expected,
            });
        assert!(is_same, "{} shows\n{expected:#?}\nand printed is\n{found:#?}", shown.place);
    }

    /// Types a line; what it printed, after a good end.
    fn type_in(&self, line: &str) -> String {
        let output: Output = self.command(line).output().expect("bash runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(code(output.status), 0, "{line}: {said}");
        said
    }

    /// Types a line that goes on; what it prints is in `name`.
    fn leave_running(&self, name: &str, line: &str) -> Process {
        Process::start(line, &mut self.command(&format!("exec {line}")), &self.path(name))
    }

    fn wait_for_line(&self, name: &str, words: &[&str]) -> String {
        wait_for(&format!("a line with {words:?} in {name}"), || {
            let text = fs::read(self.path(name)).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            text.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        })
    }
}

/// The lines of a text with each number as 0, without storages, builds and the lengths of gaps.
fn shape(text: &str) -> Vec<String> {
    let replace = |text: String, pattern: &str, by: &str| {
        Regex::new(pattern).expect("a regular expression").replace_all(&text, by).into_owned()
    };
    let shaped = |line: &str| {
        let line = replace(line.to_owned(), r"\b(SM|ME|MT|SR) \d+/\d+", "");
        let line = replace(line, r"\([0-9a-f-]+[^)]*\)", "");
        let line = replace(line, r"\d+", "0");
        let line = replace(line, r"up 0[a-z0-9 .]*", "up 0");
        replace(line, r"\s+", " ").trim_end().to_owned()
    };
    text.lines().map(shaped).collect()
}

#[test]
fn the_demo_of_the_readme() {
    let shell = Shell::new();
    let demo = line("README.md", "cargo run -- demo").replace("cargo run --", "smsbridge");
    let mut demo = shell.leave_running("demo", &format!("{demo} --port 0"));
    let address = shell.wait_for_line("demo", &["mqtt://127.0.0.1:"]);
    let (_, rest) = address.split_once("mqtt://127.0.0.1:").expect("the broker's address");
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let here = |line: String| line.replace("-p 1883", &format!("-h 127.0.0.1 -p {port}"));

    let _following = shell.leave_running("follow", &here(line("README.md", "mosquitto_sub -p 1883")));
    shell.wait_for_line("follow", &["sms/gateway/", "online"]);
    shell.type_in(&here(line("README.md", "mosquitto_pub -p 1883")));
    for state in ["accepted", "sent", "delivered"] {
        shell.wait_for_line("follow", &["sms/result", ANNA, &format!("\"state\":\"{state}\"")]);
    }
    shell.wait_for_line("follow", &["sms/received/main"]);
    // The picture of the README, line by line; what comes between its lines differs.
    for line in of("README.md", "console").remove(0).text.lines() {
        let [wanted] = shape(line).try_into().expect("one line");
        wait_until(&format!("the demo to print {line:?}"), || {
            shape(&String::from_utf8_lossy(&fs::read(shell.path("demo")).unwrap_or_default()))
                .contains(&wanted)
        });
    }
    demo.signal(Signal::INT);
    assert_eq!(code(demo.wait_for_end(WAIT_TIMEOUT)), 0);
}

#[test]
fn from_ten_lines_to_a_rule_a_hook_the_history_and_the_status() {
    let shell = Shell::new();
    let application = Login { user: "application".to_owned(), password: "secret".to_owned() };
    let broker = Broker::start(shell.folder.path(), Some(&application));
    let modem = Modem::start(&shell.path("modem"), &ModemOptions::default());
    let client = Client::start(broker.port, "walk", Some(&Login::observer()), &["sms/#"]);

    // "Ten lines, in smsbridge.toml, with the broker's password in the file mqtt-password beside it".
    let ten_lines = of("README.md", "toml").remove(0).text;
    assert_eq!(ten_lines, of("docs/getting-started.md", "toml").remove(0).text, "both pages say the same");
    assert!(ten_lines.lines().filter(|line| !line.is_empty()).count() <= 10, "they are ten lines");
    let device = ten_lines.lines().find(|line| line.starts_with("port = ")).expect("a port");
    let mut config = ten_lines
        .replace("localhost:1883", &format!("127.0.0.1:{}", broker.port))
        .replace(device, &format!("port = {:?}", modem.port()));
    fs::write(shell.path("smsbridge.toml"), &config).expect("the configuration");
    fs::write(shell.path("mqtt-password"), format!("{}\n", Login::gateway().password)).expect("the password");

    let begin = "docs/getting-started.md";
    let own_folder = format!("{}/", shell.folder.path().display());
    let typed = |beginning: &str| line(begin, beginning).replace("/etc/smsbridge/", &own_folder);
    let (address, port) = (format!("127.0.0.1:{}", broker.port), modem.port().to_owned());
    let device = device.trim_start_matches("port = ").trim_matches('"');
    let mut replaced: Vec<(&str, &str)> = vec![(&port, device), (&address, "localhost:1883")];
    replaced.extend([("Simulator, Simulated", "E3131, Example"), ("Simulated, GSM", "Example, LTE")]);

    let said = shell.type_in(&typed("smsbridge check --connect"));
    shell.assert_as_shown(begin, "configuration: ", &said, &replaced);
    let run = typed("smsbridge run");
    let mut gateway = shell.leave_running("log", &run);
    client.wait_for_text("sms/modem/main/availability", "online");

    // The first message out, the first in.
    let said = shell.type_in(&typed("smsbridge send"));
    shell.assert_as_shown(begin, "accepted", &said, &replaced);
    assert_eq!(
        (modem.submits()[0].to.as_str(), modem.submits()[0].text.as_str()),
        (ANNA, "Hello from smsbridge")
    );
    modem.deliver(ANNA, "Hello back");
    client.wait_for_json("the first message in", |topic, json| {
        topic == "sms/received/main" && json["text"] == "Hello back"
    });
    let said = shell.type_in(&typed("smsbridge history"));
    shell.assert_as_shown(begin, "[sent]", &said, &replaced);
    wait_until("what it did to be counted", || {
        let said = shell.type_in(&typed("smsbridge status"));
        said.contains("1 in, 1 out")
    });
    let said = shell.type_in(&typed("smsbridge status"));
    shell.assert_as_shown(begin, "gateway  gateway", &said, &replaced);

    // The rule and the hook of docs/rules-and-hooks.md, after a restart.
    let page = "docs/rules-and-hooks.md";
    let script = of(page, "sh file").remove(0).text;
    fs::write(shell.path("sms-switch"), script).expect("the script");
    let install = line(page, "install -m 755 sms-switch");
    shell.type_in(&install.replace("/usr/local/bin/", &format!("{}/bin-", shell.folder.path().display())));
    let tables = of(page, "toml");
    let table = |words: &str| {
        let found = tables.iter().find(|block| block.text.contains(words));
        found.unwrap_or_else(|| panic!("{page} has no table with {words}")).text.clone()
    };
    let hook =
        table("sms-switch").replace("/usr/local/bin/", &format!("{}/bin-", shell.folder.path().display()));
    let heating = shell.path("heating");
    let hook = hook.replace("/var/lib/smsbridge/heating", &heating.display().to_string());
    config += &format!("\n{}\n{hook}", table("[[rule]]"));
    fs::write(shell.path("smsbridge.toml"), &config).expect("the configuration");
    let said = shell.type_in(&line(page, "smsbridge check --rule"));
    assert!(said.contains("12345") && said.contains("678") && said.contains("Принято"), "{said}");
    gateway.signal(Signal::TERM);
    assert_eq!(code(gateway.wait_for_end(WAIT_TIMEOUT)), 0);
    let _gateway = shell.leave_running("log", &run);

    modem.deliver("+79211234567", "Счёт 12345, показание 678");
    let message = client.wait_for_json("the rule's message", |topic, json| {
        topic == "sms/received/main" && json["rule"] == "meter"
    });
    assert_eq!(message["fields"].to_string(), r#"{"account":"12345","reading":"678"}"#);
    wait_until("the rule's reply", || {
        let sent = modem.submits();
        sent.iter().any(|sms| sms.to == "+79211234567" && sms.text == "Принято. Абонент 12345, показание 678")
    });
    modem.deliver(ANNA, "heating on");
    wait_until("the hook's work", || fs::read_to_string(&heating).is_ok_and(|state| state == "on\n"));
}
