//! What the Home Assistant app of deploy/ starts, with a Supervisor that answers from here and a real broker.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::broker::Login;
use crate::harness::gateway::PROGRAM;
use crate::harness::http::{Answer as Page, ask, post};
use crate::harness::modem::ModemOptions;
use crate::harness::ports::free_port;
use crate::harness::process::{Process, code};
use crate::harness::rig::{Rig, RigOptions};
use crate::harness::sources::root;
use crate::harness::wait::{WAIT_TIMEOUT, wait_until};

/// The app's folder.
pub const APP: &str = "deploy/home-assistant/app/smsbridge";
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
///
/// Fields end in this order: what runs before the folder it writes in.
struct App {
    process: Option<Process>,
    /// Where the Supervisor's ingress finds the page.
    page: SocketAddr,
    rig: Rig,
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
        App { process: None, page: SocketAddr::from(([127, 0, 0, 1], free_port())), rig }
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
        command.env("APP_PAGE", self.page.to_string()).env("APP_INGRESS", "127.0.0.1");
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

    /// Waits until the gateway of that name has broker and modem.
    fn wait_online(&self, name: &str) {
        self.rig.client.wait_for_text(&format!("sms/gateway/{name}/availability"), "online");
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
    app.wait_online("home");

    app.rig.request(&json!({"id": "a", "to": ["anna", "BOTH OF US", "+499001234"], "text": "from the app"}));
    wait_until("two messages", || app.rig.modem.submits().len() == 2);
    app.rig.client.wait_for_json("a refusal", |_, result| result["error"]["code"] == "denied");
    app.rig.modem.deliver(ANNA, "to the app");
    assert_eq!(app.rig.wait_for_received("to the app")["contact"], "Anna");

    let announced = app.rig.client("home-assistant", &["homeassistant/device/#"]);
    for topic in
        ["homeassistant/device/sms_modem_main/config", "homeassistant/device/sms_gateway_home/config"]
    {
        announced.wait_for_json(topic, |on, _| on == topic);
    }
    let environment = app.environment();
    assert!(environment.contains("SMSBRIDGE_LOG=info"), "{environment:?}");
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

/// Asks for a path of the page as Home Assistant does for whoever is logged in to it.
fn through_ingress(app: &App, path: &str, more: &[(&str, &str)]) -> Page {
    let mut headers = vec![
        ("X-Forwarded-For", "192.168.1.20, 172.30.32.1"),
        ("X-Forwarded-Host", "homeassistant.local:8123"),
        ("X-Forwarded-Proto", "http"),
        ("X-Ingress-Path", "/api/hassio_ingress/abc"),
    ];
    headers.extend(more);
    ask(app.page, "GET", path, &headers)
}

#[test]
fn its_page_is_in_the_sidebar_and_asks_for_a_token_once() {
    let mut app = App::new();
    let supervisor = Supervisor::start(no_broker());
    supervisor.answers(app.broker());
    let options = app.options(json!({}));
    app.start(&options, supervisor.port, Some(TOKEN));
    app.wait_for_log("listening at");
    let token = |app: &App| {
        let log = app.log();
        let (_, rest) = log.split_once("asks once for a token: ").expect("the token is in the log");
        rest.split(',').next().expect("a token").to_owned()
    };
    let made = token(&app);
    assert_eq!(made.len(), 32, "{made}");
    assert_eq!(through_ingress(&app, "/", &[]).status, 200);
    assert_eq!(through_ingress(&app, "/api/status", &[]).status, 401, "it is no program of this machine");
    let bearer = format!("Bearer {made}");
    let own = [("Authorization", &*bearer), ("Origin", "http://homeassistant.local:8123")];
    let login =
        [&own[..], &[("X-Forwarded-Host", "homeassistant.local:8123"), ("X-Forwarded-For", "192.168.1.20")]]
            .concat();
    let given = post(app.page, "/login", &login, "");
    let cookie = given.headers("set-cookie")[0].split(';').next().expect("a cookie").to_owned();
    assert_eq!(through_ingress(&app, "/api/status", &[("Cookie", &cookie)]).status, 200);
    assert_eq!(app.stop(), 0, "{}", app.log());

    // It stays the same, until another one is chosen, and is not said again. One that is no token is not taken.
    app.start(&app.options(json!({"page_token": "too short"})), supervisor.port, Some(TOKEN));
    wait_until("it to listen again", || app.log().matches("listening at").count() == 2);
    assert_eq!(through_ingress(&app, "/api/status", &[("Cookie", &cookie)]).status, 200);
    assert_eq!(app.log().matches(&made).count(), 1, "{}", app.log());
    assert!(
        app.log().contains("page_token: expected 16 to 128") && !app.log().contains("too short"),
        "{}",
        app.log()
    );
    assert_eq!(app.stop(), 0, "{}", app.log());
    let chosen = "chosen-by-somebody";
    app.start(&app.options(json!({"page_token": chosen})), supervisor.port, Some(TOKEN));
    wait_until("it to listen once more", || app.log().matches("listening at").count() == 3);
    assert_eq!(through_ingress(&app, "/api/status", &[("Cookie", &cookie)]).status, 401);
    let bearer = format!("Bearer {}", chosen);
    assert_eq!(through_ingress(&app, "/api/status", &[("Authorization", &bearer)]).status, 200);
    assert!(!app.log().contains(chosen), "a chosen token is in the log: {}", app.log());
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
    app.wait_online("home");
    assert_eq!(supervisor.asked(), 0);
    let environment = app.environment();
    assert!(environment.contains("SMSBRIDGE_LOG=warn"), "{environment:?}");
    app.rig.assert_still_works("own-broker");
    let announced = app.rig.client("home-assistant", &["homeassistant/device/#"]);
    let own = "homeassistant/device/of_the_test/config";
    announced.publish(own, "{}");
    announced.wait_for_text(own, "{}");
    assert_eq!(announced.received().len(), 1, "nothing is announced: {:?}", announced.received());
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
    app.wait_online("gateway");
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
            output.status.success() && toml.starts_with("name = "),
            "{what}: {toml}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        fs::write(app.rig.gateway.config_path(), &toml).expect("a configuration");
        let output = app.rig.gateway.run_command(&["check"]);
        assert_eq!(code(output.status), 0, "{what}:\n{toml}\n{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// A YAML file of the project.
pub fn yaml(path: &str) -> Value {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}
