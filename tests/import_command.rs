//! `smsbridge import`: what is made of another gateway's configuration is one that `check` accepts and a gateway runs with.
//!
//! The files below tests/import/ have every option there is; beside each stands what is made of it. Run with
//! SMSBRIDGE_TEST_WRITE=1, the test writes these.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};

use tempfile::TempDir;
use toml::{Table, Value};

use crate::harness::broker::Login;
use crate::harness::documents::blocks_tagged;
use crate::harness::gateway::{has_all, program};
use crate::harness::modem::ModemOptions;
use crate::harness::process::code;
use crate::harness::rig::{Rig, json};
use crate::harness::sources::root;
use crate::harness::wait::wait_until;

/// The configurations, and the words by which an output says that an option is not known.
const FILES: [&str; 4] = ["smsdrc", "smsd.conf", "sms2mqtt.env", "docker-compose.yml"];
const UNKNOWN: [&str; 3] = ["no such option", "no such section", "Not a variable of"];

pub fn import(folder: &Path, file: &str) -> Output {
    program(folder).args(["import", file]).output().expect("the gateway's binary runs")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn temporary() -> TempDir {
    TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder")
}

/// Exit code and words of `check` for a configuration.
pub fn check(folder: &Path, text: &str) -> (i32, String) {
    fs::write(folder.join("smsbridge.toml"), text).expect("a configuration file");
    let mut command = program(folder);
    command.args(["check", "--config", "smsbridge.toml"]).env("STATE_DIRECTORY", folder.join("store"));
    let output = command.output().expect("the gateway's binary runs");
    (code(output.status), stdout(&output) + &stderr(&output))
}

/// The files of tests/import/ in a folder, with programs that are there.
fn copy_of_files(folder: &Path) {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).expect("a folder for programs");
    for name in ["on-sms", "on-sent", "on-failure", "on-call"] {
        let path = bin.join(name);
        let log = folder.join(format!("{name}.log"));
        // Read by a test while it is written: whole lines only.
        let script =
            format!("#!/bin/sh\nprintf '%s\\n' \"$PHONE_ID $SMS_1_NUMBER $*\" >>'{}'\n", log.display());
        fs::write(&path, script).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its permissions");
    }
    for entry in fs::read_dir(root().join("tests/import")).expect("tests/import") {
        let path = entry.expect("a file").path();
        let text = fs::read_to_string(&path).expect("a text");
        let text = text.replace("/usr/local/bin", &bin.display().to_string());
        fs::write(folder.join(path.file_name().expect("a name")), text).expect("a copy");
    }
}

#[test]
fn of_every_option_there_is_it_is_known_what_becomes_of_it() {
    let from = root();
    for name in FILES {
        let file = format!("tests/import/{name}");
        let output = import(&from, &file);
        assert_eq!(code(output.status), 0, "{name}: {}", stderr(&output));
        let made = stdout(&output);
        let unknown: Vec<&str> = UNKNOWN.into_iter().filter(|words| made.contains(words)).collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?} in\n{made}");
        let expected = from.join(format!("{file}.toml"));
        if std::env::var_os("SMSBRIDGE_TEST_WRITE").is_some() {
            fs::write(&expected, &made).expect("the expected output");
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(made, expected, "{name}: if that is right, run this test with SMSBRIDGE_TEST_WRITE=1");
    }
}

#[test]
fn each_line_with_an_option_is_in_the_output_by_its_number() {
    for name in FILES {
        let text = fs::read_to_string(root().join("tests/import").join(name)).expect("a file");
        let made = stdout(&import(&root(), &format!("tests/import/{name}")));
        let is_compose = name.ends_with(".yml");
        for (n, line) in text.lines().enumerate() {
            let line = line.trim();
            let is_option = match is_compose {
                true => line.starts_with("- "),
                false => line.contains('=') && !line.starts_with(['#', ';', '[']),
            };
            assert!(
                !is_option || made.contains(&format!("line {}: ", n + 1)),
                "{name}: nothing of line {}: {line}",
                n + 1
            );
        }
    }
}

#[test]
fn what_is_made_is_a_configuration_that_check_accepts() {
    let folder = temporary();
    copy_of_files(folder.path());
    for name in FILES {
        let made = stdout(&import(folder.path(), name));
        let (code, said) = check(folder.path(), &made);
        assert_eq!(code, 0, "{name}: {said}\n{made}");
    }
}

#[test]
fn a_file_as_windows_or_an_old_editor_writes_it_is_the_same_file() {
    let folder = temporary();
    let text = fs::read_to_string(root().join("tests/import/smsdrc")).expect("a file");
    let text = text.replace("Lottery", "Lotterie \u{e4}");
    let utf16: Vec<u8> = [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let latin1: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    let kinds = [
        text.clone().into_bytes(),
        format!("\u{feff}{text}").replace('\n', "\r\n").into_bytes(),
        text.replace('\n', "\r").into_bytes(),
        utf16,
        latin1,
    ];
    let made = kinds.map(|octets| {
        fs::write(folder.path().join("smsdrc"), octets).expect("a file");
        let output = import(folder.path(), "smsdrc");
        assert_eq!(code(output.status), 0, "{}", stderr(&output));
        stdout(&output)
    });
    assert!(made[4].contains("read as Latin-1"), "{}", made[4]);
    let without_that =
        |text: &String| text.lines().filter(|line| !line.contains("Latin-1")).collect::<Vec<_>>().join("\n");
    for (n, one) in made.iter().enumerate() {
        assert_eq!(without_that(one), without_that(&made[0]), "number {n}");
    }
}

#[test]
fn standard_input_is_read_and_from_says_whose_it_is() {
    let folder = temporary();
    let read = |arguments: &[&str], input: &str| {
        let mut command = program(folder.path());
        command
            .arg("import")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the gateway's binary runs");
        child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
        child.wait_with_output().expect("its end")
    };
    let output = read(&["-"], "PIN=1234\nHOST=192.0.2.1\n");
    assert_eq!(code(output.status), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("url = \"mqtt://192.0.2.1:1883\""), "{}", stdout(&output));
    assert!(
        has_all(&stderr(&output), &["standard input: from SMS2MQTT", "2 lines taken over"]),
        "{}",
        stderr(&output)
    );

    // A variable that only `docker exec … env` shows among others.
    let output = read(&["--from", "sms2mqtt", "-"], "PATH=/bin\nPORT=1885\n");
    assert!(stdout(&output).contains("mqtt://localhost:1885"), "{}", stdout(&output));
    assert_eq!(code(read(&["--from", "smsd", "-"], "").status), 2);
}

#[test]
fn a_file_that_is_none_of_these_is_named_and_exits_1() {
    let folder = temporary();
    fs::write(folder.path().join("other"), "[mqtt]\nurl = \"mqtt://localhost\"\n").expect("a file");
    fs::write(folder.path().join("large"), vec![b'#'; (1 << 20) + 1]).expect("a file");
    for (name, words) in [
        ("other", "not recognised"),
        ("large", "larger than 1 MiB"),
        ("missing", "cannot be read"),
        (".", "cannot be read"),
    ] {
        let output = import(folder.path(), name);
        assert_eq!(code(output.status), 1, "{name}");
        assert!(has_all(&stderr(&output), &[&format!("smsbridge: {name}: "), words]), "{}", stderr(&output));
        assert_eq!(stdout(&output), "", "{name}");
    }
    assert_eq!(code(program(folder.path()).arg("import").output().expect("it runs").status), 2);
}

#[test]
fn a_list_that_is_no_file_keeps_nobody_waiting() {
    let folder = temporary();
    let fifo = folder.path().join("list");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).expect("a pipe");
    fs::write(folder.path().join("smsd.conf"), "devices = A\nwhitelist = list\n[A]\ndevice = /dev/ttyS0\n")
        .expect("a file");
    let output = import(folder.path(), "smsd.conf");
    assert!(has_all(&stdout(&output), &["To fill in:", "it is no file"]), "{}", stdout(&output));
}

// --- a gateway that runs with it --------------------------------------------------------------

/// A rig whose gateway has what was imported, but for its broker, its first modem's port, and other modems.
fn with_imported(name: &str, pin: &str) -> (Rig, String) {
    let options = ModemOptions { pin: Some(pin.to_owned()), ..ModemOptions::default() };
    let rig = Rig::prepare(&options, |_| {});
    copy_of_files(rig.folder());
    let made = stdout(&import(rig.folder(), name));
    let mut table: Table = toml::from_str(&made).unwrap_or_else(|e| panic!("{name}: {e}\n{made}"));
    let mqtt = table["mqtt"].as_table_mut().expect("a table");
    // One that may use any prefix.
    let Login { user, password } = Login::observer();
    mqtt.insert("url".to_owned(), format!("mqtt://127.0.0.1:{}", rig.proxy.port).into());
    mqtt.insert("username".to_owned(), user.into());
    mqtt.insert("password".to_owned(), password.into());
    let modems = table["modem"].as_array_mut().expect("modems");
    modems.truncate(1);
    modems[0].as_table_mut().expect("a table").insert("port".to_owned(), rig.modem.port().into());
    let modem = modems[0]["name"].as_str().expect("its name").to_owned();
    table.insert("name".to_owned(), "attic".into());
    let store = rig.folder().join("store").display().to_string();
    table.insert("store".to_owned(), Value::Table([("path".to_owned(), store.into())].into_iter().collect()));
    fs::write(rig.gateway.config_path(), table.to_string()).expect("a configuration");
    (rig, modem)
}

fn lines_of(rig: &Rig, name: &str) -> Vec<String> {
    let text = fs::read_to_string(rig.folder().join(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_gateway_runs_with_what_gammu_smsd_had() {
    let (mut rig, modem) = with_imported("smsdrc", "4321");
    rig.launch_gateway(&[]);
    rig.client.wait_for_text(&format!("sms/modem/{modem}/availability"), "online");
    rig.wait_subscribed();

    rig.modem.deliver("+49900777777", "you have won");
    rig.modem.deliver("+4915112345678", "hello");
    rig.wait_for_received("hello");
    wait_until("RunOnReceive", || !lines_of(&rig, "on-sms.log").is_empty());
    assert_eq!(lines_of(&rig, "on-sms.log"), ["cellar1 +4915112345678 --from-smsd"]);
    let published = rig.published("sms/received/");
    assert!(
        published.iter().all(|one| json(&one.publish)["from"] != "+49900777777"),
        "it is excluded: {published:?}"
    );

    rig.request(&serde_json::json!({"id": "order-1", "number": "+4915112345679", "text": "hi"}));
    rig.client.wait_for_result("order-1", "sent");
    wait_until("RunOnSent", || lines_of(&rig, "on-sent.log") == ["  order-1"]);
    assert!(rig.modem.submits()[0].report_requested, "DeliveryReport = log");
    rig.request(&serde_json::json!({"id": "order-2", "number": "none", "text": "hi"}));
    wait_until("RunOnFailure", || lines_of(&rig, "on-failure.log") == ["  order-2"]);
    assert_eq!(lines_of(&rig, "on-sent.log").len(), 1, "once, whatever other steps there were");
}

#[test]
fn a_gateway_runs_with_what_sms_server_tools_had() {
    let (mut rig, modem) = with_imported("smsd.conf", "1234");
    rig.launch_gateway(&[]);
    rig.client.wait_for_text(&format!("sms/modem/{modem}/availability"), "online");
    rig.wait_subscribed();
    assert!(rig.modem.typed("AT^CURC=0") > 0, "init: {:?}", rig.modem.commands());

    rig.modem.deliver("+4915112345678", "hello");
    rig.wait_for_received("hello");
    let to = ["+358401234567", "+358600123456", "+33123456789", "+447911123456"];
    rig.request(&serde_json::json!({"id": "order-1", "to": to, "text": "hi"}));
    wait_until("a final word for each", || {
        let results = rig.client.results("order-1");
        to.iter().all(|to| results.iter().any(|result| result["to"] == *to && result["state"] != "accepted"))
    });
    let denied: Vec<String> = rig
        .client
        .results("order-1")
        .iter()
        .filter(|result| result["error"]["code"] == "denied")
        .map(|result| result["to"].to_string())
        .collect();
    assert_eq!(denied, ["\"+358600123456\"", "\"+33123456789\""], "blacklist, and not on the whitelist");
}

#[test]
fn a_gateway_runs_with_what_sms2mqtt_had() {
    let (mut rig, modem) = with_imported("sms2mqtt.env", "1234");
    let client = rig.client("sms2mqtt-user", &["home/sms/#"]);
    rig.launch_gateway(&[]);
    client.wait_for_text(&format!("home/sms/modem/{modem}/availability"), "online");
    rig.wait_subscribed();
    rig.modem.deliver("+4915112345678", "hello");
    client.wait_for_json("the message", |topic, message| {
        topic == "home/sms/received/main" && message["text"] == "hello"
    });
    client.publish("home/sms/send", r#"{"number":"+33612345678", "text":"This is a test message"}"#);
    client
        .wait_for_json("the result", |topic, result| topic == "home/sms/result" && result["state"] == "sent");
}

#[test]
fn the_script_of_the_guide_gives_an_eventhandler_the_file_it_knows() {
    let blocks = blocks_tagged("sh file", 1);
    let script =
        blocks.iter().find(|block| block.text.contains("# usage: sms-received-file ")).expect("the script");
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let path = |name: &str| rig.folder().join(name).display().to_string();
    let (wrapper, handler, seen) = (path("sms-received-file"), path("smsevent"), path("seen"));
    // As an eventhandler reads it: the first argument, headers, an empty line, the text.
    let reads = format!(
        "#!/bin/sh\n{{ echo \"$1\"; sed -n 's/^From: //p' \"$2\"; sed '1,/^$/d' \"$2\"; }} >{seen}.new && mv {seen}.new {seen}\n"
    );
    for (file, text) in [(&wrapper, &script.text), (&handler, &reads)] {
        fs::write(file, text).expect("a script");
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("its permissions");
    }
    rig.reconfigure(|config| {
        config.add("hook", &format!("on = \"received\"\ncommand = [{wrapper:?}, {handler:?}]"));
    });
    rig.start_gateway();
    rig.modem.deliver("+4915112345678", "Grüße: $(reboot)\nzwei");
    wait_until("the eventhandler", || Path::new(&seen).exists());
    let read = fs::read_to_string(&seen).expect("what it read");
    assert_eq!(read, "RECEIVED\n4915112345678\nGrüße: $(reboot)\nzwei\n");
}
