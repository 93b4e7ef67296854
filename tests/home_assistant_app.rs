//! The Home Assistant app of deploy/: what it starts, with a Supervisor that answers from here; its files, against the
//! rules of the format.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::broker::Login;
use crate::harness::gateway::PROGRAM;
use crate::harness::modem::ModemOptions;
use crate::harness::process::{Process, code};
use crate::harness::rig::{Rig, RigOptions};
use crate::harness::sources::root;
use crate::harness::wait::{WAIT_TIMEOUT, wait_for, wait_until};

const APP: &str = "deploy/home-assistant/app/smsbridge";
const TOKEN: &str = "the app's token";
const ANNA: &str = "+4915100000002";

/// What a Supervisor says of the broker: a status and a body.
type Answer = (u16, Value);

fn no_broker() -> Answer {
    (400, json!({"result": "error", "message": "Service not enabled"}))
}

/// Stands in for the Supervisor on a loopback port. Ends with its test's process.
struct Supervisor {
    port: u16,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<Mutex<usize>>,
}

impl Supervisor {
    fn start(answer: Answer) -> Supervisor {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (answer, asked) = (Arc::new(Mutex::new(answer)), Arc::<Mutex<usize>>::default());
        let (answers, count) = (Arc::clone(&answer), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n")
                    && reader.read_line(&mut head).is_ok_and(|octets| octets > 0)
                {}
                *count.lock().expect("the count") += 1;
                let (status, body) = if !head.starts_with("GET /services/mqtt ") {
                    (404, json!({"result": "error"}))
                } else if !head.contains(&format!("Authorization: Bearer {TOKEN}\r\n")) {
                    (401, json!({"result": "error", "message": "unauthorized"}))
                } else {
                    answers.lock().expect("the answer").clone()
                };
                let body = body.to_string();
                let _ = write!(
                    reader.get_mut(),
                    "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Supervisor { port, answer, asked }
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().expect("the answer") = answer;
    }

    fn asked(&self) -> usize {
        *self.asked.lock().expect("the count")
    }
}

/// The app in folders of its own, beside a rig whose own gateway is not started.
struct App {
    rig: Rig,
    process: Option<Process>,
}

impl App {
    fn new() -> App {
        App::with(None)
    }

    /// At a broker where this user may do everything too.
    fn with(login: Option<Login>) -> App {
        let rig = Rig::prepare_with(RigOptions { modem: ModemOptions::default(), login }, |_| {});
        for folder in ["data", "config", "ssl"] {
            fs::create_dir(rig.folder().join(folder)).expect("a folder of the app");
        }
        App { rig, process: None }
    }

    /// What the Supervisor says once there is a broker.
    fn broker(&self) -> Answer {
        let Login { user, password } = Login::gateway();
        let data = json!({"host": "127.0.0.1", "port": self.rig.broker.port, "username": user, "password": password,
            "ssl": false, "protocol": "3.1.1", "addon": "core_mosquitto"});
        (200, json!({"result": "ok", "data": data}))
    }

    /// The options of a new installation, with the simulated modem and these besides.
    fn options(&self, more: Value) -> Value {
        let mut options = yaml(&format!("{APP}/config.yaml"))["options"].clone();
        options["modems"] = json!([{"name": "main", "port": self.rig.modem.port()}]);
        for (name, value) in more.as_object().expect("options") {
            options[name] = value.clone();
        }
        options
    }

    fn start(&mut self, options: &Value, supervisor: u16, token: Option<&str>) {
        let folder = self.rig.folder();
        fs::write(folder.join("data/options.json"), options.to_string()).expect("the options");
        let programs = Path::new(PROGRAM).parent().expect("the folder of the program").display();
        let mut command = Command::new("bash");
        command.arg(root().join(APP).join("run")).env_clear().current_dir(folder);
        command.env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap_or_default()));
        command.envs(token.map(|token| ("SUPERVISOR_TOKEN", token)));
        command.env("APP_SUPERVISOR", format!("http://127.0.0.1:{supervisor}")).env("APP_PAUSE_S", "0.2");
        for (variable, place) in [
            ("APP_DATA", "data"),
            ("APP_CONFIG", "config"),
            ("APP_SSL", "ssl"),
            ("APP_ETC", "etc"),
            ("RUNTIME_DIRECTORY", "runtime"),
        ] {
            command.env(variable, folder.join(place));
        }
        self.process = Some(Process::start("the app", &mut command, &self.log_path()));
    }

    fn log_path(&self) -> PathBuf {
        self.rig.folder().join("app.log")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn wait_for_log(&self, words: &str) {
        wait_until(&format!("{words:?} in the app's log"), || self.log().contains(words));
    }

    /// Waits until the gateway has broker and modem.
    fn wait_online(&self) {
        self.rig.client.wait_for_text("sms/gateway/gateway/availability", "online");
        self.rig.client.wait_for_text("sms/modem/main/availability", "online");
    }

    /// The environment of what runs now.
    fn environment(&self) -> BTreeSet<String> {
        let id = self.process.as_ref().expect("the app was started").id();
        let octets = fs::read(format!("/proc/{id}/environ")).expect("it runs");
        octets.split(|octet| *octet == 0).map(|entry| String::from_utf8_lossy(entry).into_owned()).collect()
    }

    /// SIGTERM, as the Supervisor stops it; the exit code.
    fn stop(&mut self) -> i32 {
        let mut process = self.process.take().expect("the app was started");
        process.signal(Signal::TERM);
        code(process.wait_for_end(WAIT_TIMEOUT))
    }
}

#[test]
fn it_waits_for_a_broker_says_so_once_and_becomes_the_gateway() {
    let mut app = App::new();
    let supervisor = Supervisor::start(no_broker());
    let contacts = json!([{"name": "Anna", "numbers": ANNA}, {"name": "Both \"of\" us", "numbers": "0151 00000002; +4915100000003"}]);
    let options = app
        .options(json!({"contacts": contacts, "default_country": "49", "deny": ["+49900*"], "per_day": 0}));
    // Without quotes in a name the gateway would take it.
    let mut options = options;
    options["contacts"][1]["name"] = json!("Both of us");
    app.start(&options, supervisor.port, Some(TOKEN));
    app.wait_for_log("Home Assistant has no broker yet");
    wait_until("it to ask again", || supervisor.asked() > 3);
    assert_eq!(app.log().matches("has no broker yet").count(), 1, "{}", app.log());
    supervisor.answers((500, json!("broken")));
    app.wait_for_log("answer about the broker cannot be used (500)");
    supervisor.answers(app.broker());
    app.wait_online();

    app.rig.request(&json!({"id": "a", "to": ["anna", "BOTH OF US", "+499001234"], "text": "from the app"}));
    wait_until("two messages", || app.rig.modem.submits().len() == 2);
    app.rig.client.wait_for_json("a refusal", |_, result| result["error"]["code"] == "denied");
    app.rig.modem.deliver(ANNA, "to the app");
    assert_eq!(app.rig.wait_for_received("to the app")["contact"], "Anna");

    let environment = app.environment();
    for variable in ["SMSBRIDGE_HOMEASSISTANT__DISCOVERY=true", "SMSBRIDGE_LOG=info"] {
        assert!(environment.contains(variable), "{variable} is not in {environment:?}");
    }
    let shown =
        environment.iter().find(|entry| entry.contains(TOKEN) || entry.contains(&Login::gateway().password));
    assert_eq!(shown, None, "the gateway has no secret in its environment");
    for file in ["etc/mqtt-password", "etc/smsbridge.toml"] {
        let mode = fs::metadata(app.rig.folder().join(file)).expect(file).permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file} may be read by others");
    }
    assert!(
        app.rig.folder().join("data/store/smsbridge.sqlite").exists(),
        "the store is in the folder that is kept"
    );
    assert!(!app.log().contains(&Login::gateway().password) && !app.log().contains(TOKEN), "{}", app.log());
    assert_eq!(app.stop(), 0, "{}", app.log());
}

#[test]
fn each_reason_to_wait_is_told_apart_and_a_stop_ends_it() {
    let mut app = App::new();
    let supervisor = Supervisor::start(no_broker());
    let options = app.options(json!({}));
    app.start(&options, supervisor.port, Some("another token"));
    app.wait_for_log("does not let this app ask for the broker (401)");
    assert_eq!(app.stop(), 128 + 15);
    app.start(&options, supervisor.port, None);
    wait_until("it to ask without a token", || supervisor.asked() > 3);
    assert_eq!(app.stop(), 128 + 15);
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = nobody.local_addr().expect("its address").port();
    drop(nobody);
    app.start(&options, port, Some(TOKEN));
    app.wait_for_log("the Supervisor does not answer");
    assert_eq!(app.stop(), 128 + 15);
}

#[test]
fn with_an_own_broker_nobody_is_asked_and_any_password_is_taken() {
    let login = Login {
        user: "o'w\"n $USER".to_owned(),
        password: r#" "quoted" \n $(id) `id` 'x' ü€🔑 "#.to_owned(),
    };
    let mut app = App::with(Some(login.clone()));
    let supervisor = Supervisor::start(no_broker());
    let options = app.options(json!({
        "mqtt_url": format!("mqtt://127.0.0.1:{}", app.rig.broker.port),
        "mqtt_username": login.user,
        "mqtt_password": login.password,
        "discovery": false,
        "log_level": "warn",
    }));
    app.start(&options, supervisor.port, Some(TOKEN));
    app.wait_online();
    assert_eq!(supervisor.asked(), 0);
    let environment = app.environment();
    for variable in ["SMSBRIDGE_HOMEASSISTANT__DISCOVERY=false", "SMSBRIDGE_LOG=warn"] {
        assert!(environment.contains(variable), "{variable} is not in {environment:?}");
    }
    assert_eq!(app.stop(), 0, "{}", app.log());
}

#[test]
fn the_certificate_of_an_own_broker_is_looked_for_in_the_folder_ssl() {
    let mut app = App::new();
    let options = app.options(json!({"mqtt_url": "mqtts://127.0.0.1:1", "mqtt_ca_file": "own/ca.pem"}));
    app.start(&options, 1, Some(TOKEN));
    let file = app.rig.folder().join("ssl/own/ca.pem").display().to_string();
    app.wait_for_log(&file);
}

#[test]
fn an_own_configuration_takes_the_place_of_the_form_but_not_of_the_broker() {
    let mut app = App::new();
    let supervisor = Supervisor::start(no_broker());
    supervisor.answers(app.broker());
    let own = format!(
        "[[modem]]\nname = \"main\"\nport = {:?}\n[[contact]]\nname = \"Own\"\nnumber = \"{ANNA}\"\n",
        app.rig.modem.port()
    );
    fs::write(app.rig.folder().join("config/smsbridge.toml"), own).expect("a configuration");
    let mut options = app.options(json!({"contacts": [{"name": "Form", "numbers": ANNA}]}));
    options["modems"] = json!([{"name": "nowhere", "port": "/dev/null"}]);
    app.start(&options, supervisor.port, Some(TOKEN));
    app.wait_online();
    app.rig.request(&json!({"id": "own", "to": ["Own", "Form"], "text": "Hello"}));
    assert_eq!(app.rig.client.wait_for_result("own", "sent")["contact"], "Own");
    let refused = app.rig.client.wait_for_result("own", "rejected");
    assert_eq!(refused["to"], "Form", "{refused}");
    assert!(
        app.rig.folder().join("data/store/smsbridge.sqlite").exists(),
        "the store is in the folder that is kept"
    );
    assert_eq!(app.stop(), 0, "{}", app.log());
}

#[test]
fn what_is_wrong_with_the_options_is_in_the_log() {
    let mut app = App::new();
    let supervisor = Supervisor::start(no_broker());
    supervisor.answers(app.broker());
    let contacts = json!([{"name": "4\u{7f}\"\\7", "numbers": "nobody"}, {"name": "Anna", "numbers": " , "}]);
    let options = app.options(json!({"contacts": contacts}));
    app.start(&options, supervisor.port, Some(TOKEN));
    let process = app.process.as_mut().expect("the app was started");
    assert_eq!(code(process.wait_for_end(WAIT_TIMEOUT)), 2);
    let log = app.log();
    for words in [
        "contact.name: \"4",
        "contact.numbers: \"nobody\" is not a phone number",
        "contact.numbers: it is empty",
    ] {
        assert!(log.contains(words), "{words:?} is not in:\n{log}");
    }
}

#[test]
fn every_shape_of_the_options_is_a_configuration_that_check_accepts() {
    let app = App::new();
    for (what, options) in [
        ("as installed", yaml(&format!("{APP}/config.yaml"))["options"].clone()),
        ("nothing at all", json!({})),
        (
            "nulls and empty texts",
            json!({"modems": null, "contacts": [], "allow": [], "deny": [], "default_country": "", "per_day": null}),
        ),
        (
            "all of it",
            json!({
                "modems": [
                    {"name": "main", "port": "/dev/serial/by-id/usb-A_B-if00-port0", "pin": "0000"},
                    {"name": "attic", "imei": "490154203237518"},
                ],
                "contacts": [{"name": "Jörg O'Neil", "numbers": "0151/1234567"}, {"name": "All", "numbers": "+491511234567,+491511234568 ;+491511234569"}],
                "default_country": "49", "allow": ["+49*"], "deny": ["+49900*", "0180*"], "per_day": 5,
            }),
        ),
    ] {
        fs::write(app.rig.folder().join("data/options.json"), options.to_string()).expect("the options");
        // The script without its end: only what the options mean.
        let script = format!(
            "source <(sed '/^# Where `smsbridge status` finds/,$d' {}); configuration",
            root().join(APP).join("run").display()
        );
        let mut command = Command::new("bash");
        let output = command
            .args(["-c", &script])
            .env("APP_DATA", app.rig.folder().join("data"))
            .output()
            .expect("bash runs");
        let toml = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(
            output.status.success() && toml.starts_with("[store]"),
            "{what}: {toml}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        fs::write(app.rig.gateway.config_path(), &toml).expect("a configuration");
        let output = app.rig.gateway.run_command(&["check"]);
        assert_eq!(code(output.status), 0, "{what}:\n{toml}\n{}", String::from_utf8_lossy(&output.stdout));
    }
}

// --- The files ---

fn yaml(path: &str) -> Value {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(APP).join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("a mapping").keys().map(String::as_str).collect()
}

#[test]
fn the_configuration_has_the_keys_the_format_wants_and_none_that_it_refuses() {
    let config = yaml(&format!("{APP}/config.yaml"));
    for key in ["name", "version", "slug", "description", "arch"] {
        assert!(!config[key].is_null(), "{key} is missing");
    }
    assert_eq!(config["version"], env!("CARGO_PKG_VERSION"), "the app has the program's version");
    assert_eq!(config["arch"], json!(["aarch64", "amd64"]), "others are no longer supported");
    assert_eq!(config["slug"], "smsbridge");
    // All that the linter knows of what stands here, and its defaults: a key at its default is an error.
    let defaults = json!({
        "startup": "application", "boot": "auto", "init": true, "stage": "stable", "host_network": false, "timeout": 10,
        "backup": "hot", "ingress": false, "uart": false, "usb": false, "udev": false, "full_access": false, "apparmor": true,
        "hassio_api": false, "homeassistant_api": false, "auth_api": false, "stdin": false, "legacy": false, "tmpfs": false,
    });
    for (key, default) in defaults.as_object().expect("a mapping") {
        assert_ne!(&config[key], default, "{key} stands there with its default");
    }
    let known = [
        "name",
        "version",
        "slug",
        "description",
        "url",
        "arch",
        "services",
        "uart",
        "map",
        "timeout",
        "backup",
        "options",
        "schema",
    ];
    for key in keys(&config) {
        assert!(
            known.contains(&key),
            "{key}: is it a key of the format, and does the linter take it? Then add it here"
        );
    }
    assert_eq!(config["services"], json!(["mqtt:want"]));
    for map in config["map"].as_array().expect("a list") {
        assert_eq!(keys(map), BTreeSet::from(["type"]), "{map}: read-only is the default");
    }
    let repository = yaml("deploy/home-assistant/app/repository.yaml");
    assert!(repository["name"].is_string(), "{repository}");
}

/// Whether an option's type means that it may be missing.
fn is_optional(kind: &Value) -> bool {
    kind.as_str().is_some_and(|kind| kind.ends_with('?'))
}

#[test]
fn every_option_has_a_type_a_default_or_a_question_mark_and_words_in_both_languages() {
    let config = yaml(&format!("{APP}/config.yaml"));
    let (schema, options) = (&config["schema"], &config["options"]);
    let is_type = regex::Regex::new(
        r"^(str(\(\d*,\d*\))?|bool|int(\(\d*,\d*\))?|password|port|url|match\(.+\)|list\([^()]+\)|device(\([a-z]+=[a-z]+\))?)\??$",
    );
    let is_type = is_type.expect("a regular expression");
    let assert_type = |name: &str, kind: &Value| {
        assert!(
            kind.as_str().is_some_and(|kind| is_type.is_match(kind)),
            "{name}: {kind} is no type of the format"
        );
    };
    for (name, kind) in schema.as_object().expect("a mapping") {
        match kind {
            Value::Array(kinds) => {
                let [kind] = &kinds[..] else { panic!("{name}: a list has one type") };
                match kind {
                    Value::Object(fields) => {
                        fields.iter().for_each(|(field, kind)| assert_type(&format!("{name}.{field}"), kind))
                    }
                    kind => assert_type(name, kind),
                }
                assert_eq!(options[name], json!([]), "{name}: a list has a default");
            }
            kind => {
                assert_type(name, kind);
                assert_eq!(
                    options[name].is_null(),
                    is_optional(kind),
                    "{name}: a default, or a question mark, and not both"
                );
            }
        }
    }
    for name in keys(options) {
        assert!(!schema[name].is_null(), "{name} has a default and no type");
    }
    for language in ["en", "de"] {
        let words = yaml(&format!("{APP}/translations/{language}.yaml"))["configuration"].clone();
        assert_eq!(keys(&words), keys(schema), "{language}: each option has its words");
        for (name, kind) in schema.as_object().expect("a mapping") {
            let mut told = vec![(name.clone(), words[name].clone())];
            if let Some(fields) = kind[0].as_object() {
                assert_eq!(keys(&words[name]["fields"]), keys(&kind[0]), "{language}, {name}");
                told.extend(
                    fields
                        .keys()
                        .map(|field| (format!("{name}.{field}"), words[name]["fields"][field].clone())),
                );
            }
            for (name, words) in told {
                for key in ["name", "description"] {
                    let has_words = words[key].as_str().is_some_and(|words| !words.trim().is_empty());
                    assert!(has_words, "{language}, {name}: no {key}");
                }
            }
        }
    }
    // What the script reads is an option, and every option is read.
    let script = text("run");
    let read = regex::Regex::new(r"option ([a-z_]+)|\(?\.([a-z_]+) (?:\||//)").expect("a regular expression");
    let fields = ["name", "port", "pin", "imei", "numbers", "data"];
    let read: BTreeSet<&str> = read
        .captures_iter(&script)
        .filter_map(|found| found.get(1).or_else(|| found.get(2)).map(|found| found.as_str()))
        .filter(|name| !fields.contains(name))
        .collect();
    assert_eq!(read, keys(schema), "the options the script reads");
}

#[test]
fn the_folder_is_whole_and_nothing_else_in_the_repository_looks_like_an_app() {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("a folder entry")) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().expect("its type").is_dir() {
                if !["target", ".git", "node_modules"].contains(&name.as_str()) {
                    folders.push(entry.path());
                }
            } else if ["config.yaml", "config.yml", "config.json"].contains(&name.as_str()) {
                found.push(entry.path().strip_prefix(root()).expect("below the root").display().to_string());
            }
        }
    }
    assert_eq!(found, [format!("{APP}/config.yaml")], "the Supervisor takes every such file for an app");
    for (file, expected) in [("icon.png", (128, 128)), ("logo.png", (250, 100))] {
        let octets = fs::read(root().join(APP).join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(&octets[..8], b"\x89PNG\r\n\x1a\n", "{file} is a PNG file");
        let number = |at: usize| u32::from_be_bytes(octets[at..at + 4].try_into().expect("four octets"));
        assert_eq!((number(16), number(20)), expected, "{file}: width and height");
    }
    for file in ["DOCS.md", "README.md"] {
        assert!(text(file).starts_with("# smsbridge\n"), "{file}");
    }
    let version = format!("## {}", env!("CARGO_PKG_VERSION"));
    assert!(text("CHANGELOG.md").lines().any(|line| line == version), "CHANGELOG.md has no {version}");
    let profile =
        format!("profile {} ", yaml(&format!("{APP}/config.yaml"))["slug"].as_str().expect("a slug"));
    assert!(text("apparmor.txt").contains(&profile), "the profile has the slug's name");
}

#[test]
fn the_image_is_made_of_fixed_versions_and_what_it_copies_is_there() {
    let dockerfile = text("Dockerfile");
    let mut images = 0;
    for line in dockerfile.lines() {
        if let Some(image) = line.strip_prefix("FROM ") {
            let tag =
                image.split(' ').next().and_then(|image| image.split_once(':')).map_or("", |(_, tag)| tag);
            assert!(tag.chars().any(|c| c.is_ascii_digit()), "{line}: an image has the version in its tag");
            images += 1;
        }
        if let Some(files) = line.strip_prefix("COPY ").filter(|files| !files.starts_with("--from")) {
            let file = files.split(' ').next().unwrap_or_default();
            assert!(root().join(APP).join(file).exists(), "{line}: there is no {file}");
        }
    }
    assert_eq!(images, 2, "{dockerfile}");
    for label in ["io.hass.type=\"app\"", "io.hass.version=", "io.hass.arch="] {
        assert!(dockerfile.contains(label), "no label {label}");
    }
    let rust = fs::read_to_string(root().join("deploy/Dockerfile")).expect("the other Dockerfile");
    let first = |text: &str| text.lines().find(|line| line.starts_with("FROM rust:")).map(str::to_owned);
    assert_eq!(first(&dockerfile), first(&rust), "both images are built by one compiler");
}

#[test]
fn the_example_of_the_documentation_is_of_the_schema() {
    let docs = text("DOCS.md");
    let example =
        docs.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let example: Value = serde_saphyr::from_str(example).expect("YAML");
    let schema = &yaml(&format!("{APP}/config.yaml"))["schema"];
    for (name, value) in example.as_object().expect("a mapping") {
        assert!(!schema[name].is_null(), "{name} is no option");
        for entry in value.as_array().into_iter().flatten().filter(|entry| entry.is_object()) {
            assert!(keys(entry).is_subset(&keys(&schema[name][0])), "{name}: {entry}");
        }
    }
    // Long enough for what may be in a modem's hands when the app is stopped.
    let timeout = wait_for("a number", || yaml(&format!("{APP}/config.yaml"))["timeout"].as_u64());
    assert!(Duration::from_secs(timeout) >= Duration::from_secs(30));
}
