//! TLS, the access list of the example broker, and what is never logged or published.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::broker::{Login, find, is_root};
use crate::harness::client::Client;
use crate::harness::gateway::{Config, Gateway, has_all};
use crate::harness::modem::{Modem, ModemOptions};
use crate::harness::mqtt_packets::Publish;
use crate::harness::ports::free_port;
use crate::harness::process::{Process, code};
use crate::harness::rig::{Rig, RigOptions};
use crate::harness::wait::wait_until;

const ANNA: &str = "+4915100000002";
const SECRET_TEXT: &str = "One-time password 770913";

/// A mosquitto with settings of the test's own.
struct OwnBroker {
    _process: Process,
}

impl OwnBroker {
    /// Listens when this returns; `settings` are lines of mosquitto.conf, `port` one of its listeners.
    fn start(folder: &Path, port: u16, settings: &[String]) -> Self {
        let mut lines = settings.to_vec();
        lines.push("log_dest stderr".to_owned());
        lines.push("log_type all".to_owned());
        if is_root() {
            lines.push("user root".to_owned());
        }
        let config = folder.join("mosquitto.conf");
        fs::write(&config, lines.join("\n") + "\n").expect("a broker's configuration");
        let mut command = Command::new(find("mosquitto"));
        command.arg("-c").arg(config);
        let mut process = Process::start("mosquitto", &mut command, &folder.join("broker.log"));
        wait_until("mosquitto to listen", || {
            assert_eq!(process.ended(), None, "mosquitto takes its configuration");
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self { _process: process }
    }
}

fn run(command: &mut Command) {
    let output =
        command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; tests/run names the packages"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An authority with certificates for a server and a client, made by openssl.
pub struct Authority {
    folder: PathBuf,
}

impl Authority {
    pub fn new(folder: &Path, name: &str) -> Self {
        let folder = folder.join(name);
        fs::create_dir(&folder).expect("a folder for certificates");
        let authority = Self { folder };
        let mut command = authority.openssl(&["req", "-x509", "-days", "3650", "-subj"]);
        command.arg(format!("/CN={name}")).args(["-keyout", "ca.key", "-out", "ca.crt"]);
        run(command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]));
        authority
    }

    /// A certificate `name`.crt with its key; `extensions` are lines of openssl's.
    pub fn certify(&self, name: &str, extensions: &str) {
        let mut request = self.openssl(&["req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt"]);
        request.args(["ec_paramgen_curve:prime256v1", "-subj", &format!("/CN={name}")]);
        run(request.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.csr")]));
        fs::write(self.folder.join("extensions"), extensions).expect("a file of extensions");
        let mut sign = self.openssl(&["x509", "-req", "-days", "3650", "-CA", "ca.crt", "-CAkey", "ca.key"]);
        sign.args(["-CAcreateserial", "-extfile", "extensions"]);
        run(sign.args(["-in", &format!("{name}.csr"), "-out", &format!("{name}.crt")]));
    }

    pub fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn openssl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("openssl");
        command.current_dir(&self.folder).args(arguments);
        command
    }
}

/// A broker that lets in who shows a certificate, and a gateway not yet started.
struct TlsRig {
    gateway: Gateway,
    config: Config,
    modem: Modem,
    client: Client,
    _broker: OwnBroker,
    ca: Authority,
    folder: TempDir,
}

impl TlsRig {
    fn new(server_names: &str) -> Self {
        let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
        let ca = Authority::new(folder.path(), "rig");
        ca.certify("server", &format!("subjectAltName={server_names}"));
        ca.certify("smsbridge", "extendedKeyUsage=clientAuth");
        let (plain, tls) = (free_port(), free_port());
        let broker = OwnBroker::start(
            folder.path(),
            plain,
            &[
                "per_listener_settings true".to_owned(),
                format!("listener {plain} 127.0.0.1"),
                "allow_anonymous true".to_owned(),
                format!("listener {tls} 127.0.0.1"),
                format!("cafile {}", ca.file("ca.crt")),
                format!("certfile {}", ca.file("server.crt")),
                format!("keyfile {}", ca.file("server.key")),
                "require_certificate true".to_owned(),
                "use_identity_as_username true".to_owned(),
            ],
        );
        let client = Client::start(plain, "e2e-client", None, &["sms/#"]);
        let modem = Modem::start(&folder.path().join("modem"), &ModemOptions::default());
        let mut config = Config::new(folder.path(), tls, modem.port());
        config.set("mqtt", "url", format!("mqtts://127.0.0.1:{tls}"));
        config.set("mqtt", "ca_file", ca.file("ca.crt"));
        config.set("mqtt", "client_cert", ca.file("smsbridge.crt"));
        config.set("mqtt", "client_key", ca.file("smsbridge.key"));
        let gateway = Gateway::prepare(folder.path(), &config);
        Self { gateway, config, modem, client, _broker: broker, ca, folder }
    }

    fn start(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        self.gateway.configure(&self.config);
        self.gateway.start();
    }

    /// The gateway says what is wrong, in the log and by `check --connect`, and stays.
    fn assert_refused(&mut self, words: &[&str]) {
        let line = self.gateway.wait_for_log(words);
        assert!(line.contains("tried again"), "it goes on trying: {line}");
        self.gateway.assert_running();
        self.gateway.kill();
        let output = self.gateway.run_command(&["check", "--connect"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(has_all(&said, words), "check --connect says it too: {said}");
    }
}

#[test]
fn tls_with_a_private_authority_and_a_client_certificate() {
    let mut rig = TlsRig::new("DNS:localhost,IP:127.0.0.1");
    rig.start(|_| {});
    rig.client.wait_for_text("sms/gateway/attic/availability", "online");
    rig.modem.deliver(ANNA, "encrypted");
    rig.client.wait_for_json("the message", |topic, message| {
        topic == "sms/received/main" && message["text"] == "encrypted"
    });
    rig.client.publish("sms/send", json!({"id": "tls", "to": ANNA, "text": "t"}).to_string());
    rig.client.wait_for_result("tls", "sent");
    // Its other commands use the same certificates.
    let output = rig.gateway.run_command(&["send", "--to", ANNA, "by command"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(code(rig.gateway.stop()), 0);
    let output = rig.gateway.run_command(&["check", "--connect"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_broker_with_an_untrusted_authority_is_reported_clearly() {
    let mut rig = TlsRig::new("DNS:localhost,IP:127.0.0.1");
    let other = Authority::new(rig.folder.path(), "other");
    rig.start(|config| config.set("mqtt", "ca_file", other.file("ca.crt")));
    rig.assert_refused(&["certificate", "ca_file"]);
}

#[test]
fn a_broker_with_another_name_in_its_certificate_is_reported_clearly() {
    let mut rig = TlsRig::new("DNS:broker.example");
    rig.start(|_| {});
    rig.assert_refused(&["certificate", "name"]);
}

#[test]
fn a_broker_that_requires_a_client_certificate_is_reported_clearly() {
    let mut rig = TlsRig::new("DNS:localhost,IP:127.0.0.1");
    let tls_url = rig.config.to_toml();
    let url = tls_url.lines().find(|line| line.starts_with("url")).expect("an address").to_owned();
    let mut config = Config::new(rig.folder.path(), 1, rig.modem.port());
    config.set("mqtt", "url", url.split('"').nth(1).expect("an address in quotes"));
    config.set("mqtt", "ca_file", rig.ca.file("ca.crt"));
    rig.start(|configured| *configured = config);
    rig.assert_refused(&["certificate", "client_cert"]);
}

#[test]
fn unreadable_certificate_files_are_named_at_the_start() {
    let mut rig = TlsRig::new("IP:127.0.0.1");
    let key = rig.ca.file("smsbridge.key");
    for (setting, path, word) in [
        ("ca_file", "/nowhere/ca.crt".to_owned(), "/nowhere/ca.crt"),
        ("ca_file", key.clone(), "certificate"),
        ("client_key", rig.ca.file("ca.crt"), "client_key"),
    ] {
        let good = rig.config.clone();
        rig.start(|config| config.set("mqtt", setting, path.as_str()));
        assert_eq!(code(rig.gateway.wait_for_end()), 2, "{setting} = {path}");
        rig.gateway.wait_for_log(&[setting, word]);
        rig.config = good;
    }
}

// ---- the access list ----

/// A broker with deploy/mosquitto/acl and a user for each of its parts.
struct AclRig {
    port: u16,
    gateway: Gateway,
    modem: Modem,
    _broker: OwnBroker,
    _folder: TempDir,
}

impl AclRig {
    fn start() -> Self {
        let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
        let passwords = folder.path().join("passwords");
        fs::write(&passwords, "").expect("a file of passwords");
        for user in ["smsbridge", "application", "alarm", "dashboard", "homeassistant", "admin", "stranger"] {
            run(Command::new(find("mosquitto_passwd")).arg("-b").arg(&passwords).args([user, "secret"]));
        }
        let acl = folder.path().join("acl");
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/mosquitto/acl"), &acl)
            .expect("the example is there");
        // Mosquitto refuses an access list others may write.
        fs::set_permissions(&acl, fs::Permissions::from_mode(0o600)).expect("its permissions");
        let port = free_port();
        let broker = OwnBroker::start(
            folder.path(),
            port,
            &[
                format!("listener {port} 127.0.0.1"),
                "allow_anonymous false".to_owned(),
                format!("password_file {}", passwords.display()),
                format!("acl_file {}", acl.display()),
            ],
        );
        let modem = Modem::start(&folder.path().join("modem"), &ModemOptions::default());
        let mut config = Config::new(folder.path(), port, modem.port());
        config.set("mqtt", "username", "smsbridge");
        config.set("mqtt", "password", "secret");
        config.set("homeassistant", "discovery", true);
        let mut gateway = Gateway::prepare(folder.path(), &config);
        gateway.start();
        Self { port, gateway, modem, _broker: broker, _folder: folder }
    }

    fn user(&self, name: &str, filters: &[&str]) -> Client {
        let login = Login { user: name.to_owned(), password: "secret".to_owned() };
        Client::start(self.port, name, Some(&login), filters)
    }
}

fn may_publish(client: &Client, topic: &str, payload: &str) -> bool {
    let publish = Publish {
        topic: topic.to_owned(),
        payload: payload.as_bytes().to_vec(),
        qos: 1,
        ..Publish::default()
    };
    client.offer(publish) < 0x80
}

#[test]
fn the_example_access_list_allows_each_role_its_work_and_nothing_else() {
    let mut rig = AclRig::start();
    let dashboard = rig.user("dashboard", &["#"]);
    dashboard.wait_for_text("sms/modem/main/availability", "online");
    let application = rig.user("application", &["#"]);
    let alarm = rig.user("alarm", &["#"]);
    let stranger = rig.user("stranger", &["#"]);
    let home_assistant = rig.user("homeassistant", &["#"]);
    let admin = rig.user("admin", &["#"]);
    let device = "homeassistant/device/sms_modem_main/config";
    home_assistant.wait_for_json("the modem's announcement", |topic, _| topic == device);

    rig.modem.deliver(ANNA, SECRET_TEXT);
    application.wait_for_json("the message", |topic, message| {
        topic == "sms/received/main" && message["text"] == SECRET_TEXT
    });
    let request = |id: &str| json!({"id": id, "to": ANNA, "text": "t"}).to_string();
    assert!(may_publish(&application, "sms/send", &request("a")), "an application sends");
    application.wait_for_result("a", "sent");
    assert!(may_publish(&application, "sms/send/main", &request("b")), "also through one modem");
    application.wait_for_result("b", "sent");
    assert!(may_publish(&application, "sms/cancel", r#"{"id":"a"}"#), "and cancels");
    alarm.publish_with(Publish {
        topic: "sms/send".to_owned(),
        payload: request("alarm").into_bytes(),
        qos: 1,
        response_topic: Some("answers/alarm/1".to_owned()),
        ..Publish::default()
    });
    alarm.wait_for_json("its answer on its own topic", |topic, result| {
        topic == "answers/alarm/1" && result["id"] == "alarm" && result["state"] == "sent"
    });

    for (who, client, topics) in [
        (
            "an application",
            &application,
            &[
                "sms/received/main",
                "sms/result",
                "sms/modem/main",
                "sms/last/main",
                "sms/restart/main",
                "homeassistant/status",
                "homeassistant/device/sms_modem_main/config",
            ][..],
        ),
        ("an alarm", &alarm, &["sms/cancel", "sms/send/main", "sms/result", "sms/restart/main"]),
        (
            "a dashboard",
            &dashboard,
            &["sms/send", "sms/send/main", "sms/cancel", "sms/modem/main/availability", "sms/restart/main"],
        ),
        (
            "Home Assistant",
            &home_assistant,
            &["sms/received/main", "sms/result", "sms/modem/main", "sms/last/main", "sms/ussd/main"],
        ),
        ("an administrator", &admin, &["sms/received/main", "sms/modem/main", "homeassistant/status"]),
        ("a stranger", &stranger, &["sms/send", "sms/result", "answers/alarm/1"]),
    ] {
        for topic in topics {
            assert!(!may_publish(client, topic, &request("forbidden")), "{who} may not publish to {topic}");
        }
    }
    // What was forbidden never arrived, or there would be a result by the time of this one.
    assert!(may_publish(&application, "sms/send", &request("last")));
    application.wait_for_result("last", "sent");
    assert_eq!(application.results("forbidden"), Vec::<Value>::new());
    let unexpected = |client: &Client, beginning: &[&str]| {
        let topics = client.received().into_iter().map(|publish| publish.topic);
        topics.filter(|topic| !beginning.iter().any(|start| topic.starts_with(start))).collect::<Vec<_>>()
    };
    let nothing = Vec::<String>::new();
    assert_eq!(
        unexpected(&dashboard, &["sms/modem/", "sms/gateway/"]),
        nothing,
        "a dashboard receives states only"
    );
    assert_eq!(unexpected(&alarm, &["answers/alarm/"]), nothing, "an alarm receives its own answers only");
    assert_eq!(unexpected(&stranger, &[]), nothing, "an unknown user receives nothing");
    let heard = [
        "homeassistant/",
        "sms/received/",
        "sms/last/",
        "sms/result",
        "sms/call/",
        "sms/modem/",
        "sms/gateway/",
    ];
    assert_eq!(unexpected(&home_assistant, &heard), nothing, "Home Assistant receives what it shows");
    home_assistant.wait_for_json("the last message", |topic, _| topic == "sms/last/main");
    home_assistant.forget();
    assert!(may_publish(&home_assistant, "homeassistant/status", "online"), "it says that it is there");
    home_assistant.wait_for_json("the announcement again", |topic, _| topic == device);
    for (client, session) in [(&home_assistant, 2), (&admin, 3)] {
        assert!(may_publish(client, "sms/restart/main", "restart"), "an administrator restarts a modem");
        dashboard.wait_for_json("the modem after a restart", |topic, state| {
            topic == "sms/modem/main"
                && state["state"] == "online"
                && state["counters"]["sessions"] == session
        });
    }
    let known = ["sms/received/", "sms/result", "sms/modem/", "sms/gateway/"];
    assert_eq!(unexpected(&application, &known), nothing, "an application receives what it needs");

    // The gateway's own login reads results of its own requests, and no others.
    let gateways = rig.user("smsbridge", &["#"]);
    assert!(may_publish(&application, "sms/send", &request("anothers")));
    application.wait_for_result("anothers", "sent");
    assert!(may_publish(&gateways, "sms/send", &request("own")), "as `smsbridge send` does");
    application.wait_for_result("own", "sent");
    let read =
        ["sms/send", "sms/cancel", "sms/ussd/", "sms/restart/", "sms/gateway/", "homeassistant/status"];
    assert_eq!(unexpected(&gateways, &read), nothing, "the gateway's login receives requests");
    for topic in ["sms/send/main", "sms/cancel", "sms/ussd/main", "sms/restart/main", "homeassistant/status"]
    {
        assert!(!may_publish(&gateways, topic, &request("forbidden")), "it may not publish to {topic}");
    }

    // The gateway itself was refused nothing.
    let log = rig.gateway.log();
    assert!(!has_all(&log, &["refuse"]) && !has_all(&log, &["not authorized"]), "{log}");
    let state = dashboard.last_on("sms/gateway/attic").unwrap_or_default();
    assert!(state.contains("\"parked\":0"), "{state}");
    assert_eq!(code(rig.gateway.stop()), 0);
}

#[test]
fn send_works_for_every_user_of_the_example_access_list_who_may_send() {
    let rig = AclRig::start();
    let application = rig.user("application", &["sms/result", "sms/gateway/+/availability"]);
    application.wait_for_text("sms/gateway/attic/availability", "online");
    let file = rig.gateway.folder().join("its-password");
    fs::write(&file, "secret\n").expect("a file");
    let file = file.display().to_string();
    for user in ["smsbridge", "application", "alarm"] {
        let login =
            ["send", "--to", ANNA, "--user", user, "--password-file", &file, "--report", "by command"];
        let output = rig.gateway.run_command(&login);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(code(output.status), 0, "{user}: {said}");
        assert!(has_all(&said, &["accepted", "sent", "delivered"]), "{user}: {said}");
    }
    // As the gateway logs in, with nothing more to say.
    let output = rig.gateway.run_command(&["send", "--to", ANNA, "as the gateway"]);
    assert_eq!(code(output.status), 0, "{output:?}");
    for user in ["dashboard", "stranger"] {
        let login = ["send", "--to", ANNA, "--user", user, "--password-file", &file, "forbidden"];
        let output = rig.gateway.run_command(&login);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(code(output.status), 1, "{user}: {said}");
        assert!(has_all(&said, &["does not let this user publish to sms/send"]), "{user}: {said}");
    }
    let sent: Vec<String> = rig.modem.submits().into_iter().map(|submit| submit.text).collect();
    assert_eq!(sent, ["by command", "by command", "by command", "as the gateway"]);
}

// ---- what is never logged or published ----

const PASSWORD: &str = "hunter2-of-the-broker";
const PIN: &str = "47118";

/// Everything of a day, logged at this level.
fn a_day_logged_at(level: &str) -> (Rig, String) {
    let options = RigOptions {
        modem: ModemOptions { pin: Some(PIN.to_owned()), ..ModemOptions::default() },
        login: Some(Login { user: "gateway".to_owned(), password: PASSWORD.to_owned() }),
    };
    let mut rig = Rig::prepare_with(options, |config| {
        config.set("mqtt", "username", "gateway");
        config.set("mqtt", "password", PASSWORD);
        config.set_modem("pin", PIN);
        config.set("inbound", "deny", vec!["+49666*"]);
        config.add(
            "rule",
            "name = \"otp\"\nmatch = 'password (?<code>\\d+)'\nreply = \"got {code}\"\nreplies_per_hour = 1",
        );
        config.add("hook", "on = \"received\"\ncommand = [\"/bin/false\"]");
    });
    rig.launch_gateway(&[("SMSBRIDGE_LOG", level)]);
    rig.wait_online();
    rig.modem.deliver(ANNA, SECRET_TEXT);
    rig.wait_for_received(SECRET_TEXT);
    rig.modem.deliver(ANNA, SECRET_TEXT);
    rig.modem.deliver("+4966612345", SECRET_TEXT);
    rig.modem.deliver_pdu("00FF");
    // TS 24.011 E.2: 1, unassigned number.
    rig.modem.refuse_submits(1);
    rig.request(&json!({"id": "bad", "to": ANNA, "text": SECRET_TEXT}));
    rig.client.wait_for_result("bad", "failed");
    rig.modem.recover();
    rig.request(&json!({"id": "good", "to": ANNA, "text": SECRET_TEXT, "delivery_report": true}));
    rig.client.wait_for_result("good", "delivered");
    rig.request(&json!({"id": "unknown", "to": ANNA, "txt": SECRET_TEXT}));
    rig.client.publish("sms/send", SECRET_TEXT);
    rig.request(&json!({"id": "number", "to": format!("{ANNA}x"), "text": SECRET_TEXT}));
    rig.client.wait_for_result("number", "rejected");
    rig.gateway.wait_for_log(&["hook", "ended with"]);
    assert_eq!(code(rig.gateway.stop()), 0);
    let log = rig.gateway.log();
    (rig, log)
}

fn assert_never(secret: &str, place: &str, text: &str) {
    let found = text.lines().find(|line| line.contains(secret));
    assert_eq!(found, None, "{secret:?} stands in {place}");
}

#[test]
fn the_password_and_the_pin_are_in_no_log_state_or_help() {
    let (rig, log) = a_day_logged_at("trace");
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log is as loud as it gets");
    for secret in [PASSWORD, PIN] {
        assert_never(secret, "the log at level trace", &log);
        for publish in rig.client.received() {
            assert_never(secret, &publish.topic, &String::from_utf8_lossy(&publish.payload));
        }
        for arguments in [&["check"][..], &["history", "--json"]] {
            let output = rig.gateway.run_command(arguments);
            let said = [output.stdout, output.stderr].concat();
            assert_never(secret, &format!("{arguments:?}"), &String::from_utf8_lossy(&said));
        }
        let store = fs::read(rig.gateway.folder().join("store/smsbridge.sqlite")).expect("the store");
        let stands = store.windows(secret.len()).any(|octets| octets == secret.as_bytes());
        assert!(!stands, "{secret:?} stands in the store");
    }
    // Variables are named in help, never shown with their values.
    let mut command = crate::harness::gateway::program(rig.gateway.folder());
    command.arg("--help").env("SMSBRIDGE_MQTT__PASSWORD", PASSWORD).env("SMSBRIDGE_MODEM__PIN", PIN);
    let help = command.output().expect("the binary runs");
    assert_never(PASSWORD, "--help", &String::from_utf8_lossy(&help.stdout));
    assert_never(PIN, "--help", &String::from_utf8_lossy(&help.stdout));
}

#[test]
fn no_text_and_no_number_is_logged_above_debug() {
    let (_rig, log) = a_day_logged_at("info");
    // Also as they stand in PDUs: swapped semi-octets, and packed septets of the text's beginning.
    for private in ["770913", "password", ANNA, "4915100000002", "5101000000", "+4966612345", "4F779D"] {
        assert_never(private, "the log at level info", &log);
    }
    assert!(has_all(&log, &["rejected"]) && has_all(&log, &["not sent"]), "what went wrong is logged: {log}");
}

#[test]
fn a_configuration_with_a_secret_is_not_quoted_in_its_error() {
    let rig = Rig::prepare(&ModemOptions::default(), |config| {
        config.set("mqtt", "username", "gateway");
        config.set("mqtt", "password", PASSWORD);
        config.set("mqtt", "pasword_file", "x");
    });
    let output = rig.gateway.run_command(&["check"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(has_all(&said, &["pasword_file", "did you mean"]), "{said}");
    assert_never(PASSWORD, "the error", &said);
}

#[test]
fn the_store_is_readable_by_its_user_only() {
    let rig = Rig::start();
    rig.assert_still_works("private");
    let folder = rig.gateway.folder().join("store");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700, "the folder");
    let mut files = 0;
    for entry in fs::read_dir(&folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert!(files >= 3, "the file, its write-ahead log, the lock: {files}");
}

#[test]
fn a_hooks_command_and_a_messages_text_meet_no_shell() {
    let rig = Rig::with(|config| {
        config.add(
            "hook",
            r#"
            on = "received"
            command = ["/usr/bin/printenv", "-0", "DECODED_1_TEXT", "$(touch injected)", "; touch injected", "| touch injected"]
            "#,
        );
        config.add(
            "hook",
            r#"
            on = "received"
            command = ["/bin/sh", "-c", "cat > /dev/null; printf '%s\n' \"$@\" > arguments.new; mv arguments.new arguments",
              "name", "$(touch injected)", "; touch injected", "`touch injected`", "a b", "*"]
            "#,
        );
    });
    rig.modem.deliver(ANNA, "'; touch injected; $(touch injected) `touch injected` | touch injected");
    let arguments = rig.gateway.folder().join("arguments");
    wait_until("the hook's arguments", || arguments.exists());
    let got = fs::read_to_string(arguments).expect("what it was given");
    assert_eq!(
        got.lines().collect::<Vec<_>>(),
        ["$(touch injected)", "; touch injected", "`touch injected`", "a b", "*"],
        "arguments are handed over as they stand"
    );
    rig.assert_still_works("after");
    assert!(!rig.gateway.folder().join("injected").exists(), "nothing is evaluated");
}

#[test]
fn no_at_command_can_be_given_over_mqtt() {
    let rig = Rig::start();
    let at = "AT+CPWD=\"SC\",\"0000\",\"9999\"";
    let lines = format!("x\u{1a}\r\n{at}\r\n");
    for topic in
        ["sms/at/main", "sms/command/main", "sms/raw/main", "sms/modem/main/set", "sms/modem/main/at"]
    {
        rig.client.publish(topic, at);
    }
    for (n, request) in [
        json!({"to": lines, "text": "t"}),
        json!({"to": ANNA, "text": "t", "modem": lines}),
        json!({"to": ANNA, "text": "t", "encoding": lines}),
        json!({"to": ANNA, "text": "t", "send_at": lines}),
        json!({"to": ANNA, "text": "t", "at": at}),
        json!({"to": ANNA, "text": "t", "pdu": lines}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut request = request;
        let id = format!("at-{n}");
        request["id"] = json!(id);
        rig.request(&request);
        rig.client.wait_for_result(&id, "rejected");
    }
    // A text may say anything: it travels as hex.
    rig.request(&json!({"id": "text", "to": ANNA, "text": lines}));
    rig.client.wait_for_result("text", "sent");
    assert_eq!(rig.modem.submits()[0].text, lines, "the text arrives as it was written");
    rig.assert_still_works("after");
    let typed: Vec<String> = rig.modem.commands().into_iter().filter(|line| line.contains("CPWD")).collect();
    assert_eq!(typed, Vec::<String>::new(), "no line of a user's reaches the modem");
}
