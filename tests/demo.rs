//! `smsbridge demo`: a first try without hardware and without a broker.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::broker::{Broker, Login, find};
use crate::harness::client::Client;
use crate::harness::gateway::program;
use crate::harness::http::{Watcher, ask, post};
use crate::harness::mqtt_packets::{self, Packet, Reader};
use crate::harness::process::{Process, code};
use crate::harness::terminal::Terminal;
use crate::harness::wait::{WAIT_TIMEOUT, wait_for, wait_until};

struct Demo {
    process: Process,
    port: u16,
    folder: TempDir,
}

impl Demo {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(arguments: &[&str]) -> Self {
        let folder = TempDir::with_prefix("smsbridge-demo-").expect("a temporary folder");
        let mut command = program(folder.path());
        command.args(["demo", "--port", "0"]).args(arguments).env("TMPDIR", temporary(folder.path()));
        let log = folder.path().join("demo.log");
        let begin = Instant::now();
        let process = Process::start("smsbridge demo", &mut command, &log);
        // What it is about to do is said at once; how long that takes is the machine's.
        wait_until("the first output", || output(&log).contains("smsbridge demo: starting"));
        let first = begin.elapsed();
        assert!(first < Duration::from_secs(2), "the first output came after {} ms", first.as_millis());
        let port = wait_for("a port in the output", || port_in(&output(&log)));
        Self { process, port, folder }
    }

    /// The lines of the view, from the first message on.
    fn view(&self) -> Vec<String> {
        view(&self.log())
    }

    /// Waits for a line of the view with all these words, and returns its place.
    fn wait_for_line(&self, words: &[&str]) -> usize {
        wait_for(&format!("a line with {words:?}"), || {
            self.view().iter().position(|line| words.iter().all(|word| line.contains(word)))
        })
    }

    /// Waits for a line of its output with all these words.
    fn wait_for_words(&self, words: &[&str]) {
        wait_until(&format!("a line with {words:?}"), || {
            self.log().lines().any(|line| words.iter().all(|word| line.contains(word)))
        });
    }

    fn log(&self) -> String {
        output(&self.folder.path().join("demo.log"))
    }
}

/// A folder for temporary files below another.
fn temporary(folder: &Path) -> String {
    let path = folder.join("temporary");
    std::fs::create_dir_all(&path).expect("a folder");
    path.display().to_string()
}

fn assert_nothing_is_left(folder: &Path) {
    let left: Vec<_> = std::fs::read_dir(folder.join("temporary"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert!(left.is_empty(), "it leaves {left:?} behind");
}

fn view(shown: &str) -> Vec<String> {
    let is_line = |line: &&str| line.contains("  ←  ") || line.contains("  →  ");
    shown.lines().filter(is_line).map(str::to_owned).collect()
}

/// What it printed, without the harness's own first line.
fn output(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().filter(|line| !line.starts_with("----")).collect::<Vec<_>>().join("\n")
}

fn port_in(text: &str) -> Option<u16> {
    let (_, tail) = text.split_once("mqtt://127.0.0.1:")?;
    let digits: String = tail.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[test]
fn its_page_shows_what_comes_and_sends_with_the_token_it_names() {
    let demo = Demo::start();
    let line = wait_for("the address of the page", || {
        demo.log().lines().find(|line| line.starts_with("In a browser: http://")).map(str::to_owned)
    });
    let (address, rest) = line["In a browser: http://".len()..].split_once(',').expect("an address");
    let address: SocketAddr = address.parse().expect("an address with a port");
    let token = rest.split_whitespace().find(|word| word.len() > 16).expect("a token");
    let page =
        wait_for("the page", || TcpStream::connect(address).ok().map(|_| ask(address, "GET", "/", &[])));
    assert!(page.status == 200 && page.body.contains("<title>"), "{page:?}");
    let mut watcher = Watcher::start(address, "/api/events", "");
    watcher.wait_for("received", |_| true);
    let request = json!({"id": "a", "to": ["+4915199999999"], "text": "from the page"});
    let bearer = format!("Bearer {token}");
    let sent = post(address, "/api/send", &[("Authorization", &bearer)], &request.to_string());
    assert_eq!(sent.json()["results"][0]["state"], "accepted", "{sent:?}");
    demo.wait_for_line(&["→", "+4915199999999", "accepted"]);
    watcher.wait_for("result", |result| result["id"] == "a" && result["state"] == "delivered");
}

#[test]
fn the_demo_is_announced_to_home_assistant_where_that_is_asked_for() {
    let demo = Demo::start_with(&["--home-assistant"]);
    let client = Client::start(demo.port, "home-assistant", None, &["homeassistant/#"]);
    for (device, name) in [("sms_modem_main", "SMS main"), ("sms_gateway_demo", "SMS gateway demo")] {
        let topic = format!("homeassistant/device/{device}/config");
        let payload = client.wait_for_json(&topic, |on, _| on == topic);
        assert_eq!(payload["device"]["name"], name);
        demo.wait_for_words(&[name]);
    }
    demo.wait_for_words(&["In Home Assistant", "MQTT", &format!("port {}", demo.port)]);
    client.forget();
    client.publish("homeassistant/status", "online");
    client.wait_for_json("the modem again", |topic, _| topic == "homeassistant/device/sms_modem_main/config");
}

/// Clients in Python lose the connection over a CONNACK with a size that no packet can have.
#[test]
fn the_demos_broker_names_no_limit_that_cannot_be() {
    let demo = Demo::start();
    let mut socket = TcpStream::connect(("127.0.0.1", demo.port)).expect("the demo's broker");
    socket.write_all(&mqtt_packets::connect("python", None)).expect("a CONNECT");
    let mut octets = [0; 256];
    let n = socket.read(&mut octets).expect("a CONNACK");
    assert_eq!(octets[0], 0x20, "{:?}", &octets[..n]);
    // Maximum Packet Size (MQTT 5, 3.2.2.3.6): four octets behind 0x27, which is no value of the properties before it.
    let at = octets[5..n].iter().position(|octet| *octet == 0x27).expect("a maximum packet size") + 6;
    let limit = u32::from_be_bytes(octets[at..at + 4].try_into().expect("four octets"));
    assert!((1..=268_435_455).contains(&limit), "{limit}");
    let demo = demo.log();
    assert!(demo.contains("--home-assistant"), "it does not say that there is more: {demo}");
}

#[test]
fn sample_messages_arrive() {
    let demo = Demo::start();
    let client = Client::start(demo.port, "visitor", None, &["sms/#"]);
    client.wait_for_json("gateway and modem online", |topic, state| {
        topic.starts_with("sms/modem/") && state["problem"].is_null() && state["state"].is_string()
    });
    let has = |what: &str, found: fn(&str) -> bool| {
        client.wait_for_json(what, |topic, message| {
            topic.starts_with("sms/received/") && message["text"].as_str().is_some_and(found)
        });
    };
    has("a Latin message", |text| text.is_ascii() && text.len() > 3);
    has("a Cyrillic message", |text| text.chars().any(|c| ('а'..='я').contains(&c)));
    has("an emoji", |text| text.chars().any(|c| u32::from(c) >= 0x1f300));
    let long = client.wait_for_json("a message of several parts", |topic, message| {
        topic.starts_with("sms/received/") && message["parts"].as_u64().is_some_and(|parts| parts > 1)
    });
    assert_eq!(long["complete"], true, "{long}");
}

#[test]
fn a_request_by_mosquitto_pub_is_accepted_sent_and_delivered() {
    let demo = Demo::start();
    let client = Client::start(demo.port, "visitor", None, &["sms/result", "sms/gateway/#"]);
    wait_until("the gateway to be online", || {
        client.received().iter().any(|publish| publish.payload == b"online")
    });
    let request = json!({"id": "first", "to": "+4915112345678", "text": "Привет 👋"}).to_string();
    let output = Command::new(find("mosquitto_pub"))
        .args(["-h", "127.0.0.1", "-p", &demo.port.to_string(), "-q", "1", "-t", "sms/send", "-m", &request])
        .output()
        .expect("mosquitto_pub runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for state in ["accepted", "sent", "delivered"] {
        client.wait_for_result("first", state);
    }
    let states: Vec<_> = client.results("first").iter().map(|result| result["state"].clone()).collect();
    assert_eq!(states, ["accepted", "sent", "delivered"]);
}

#[test]
fn it_prints_what_to_type() {
    let demo = Demo::start();
    let address = format!("mqtt://127.0.0.1:{}", demo.port);
    wait_until("a line to follow, and two to send", || {
        let log = demo.log();
        ["mosquitto_sub -p", "mosquitto_pub -p", &format!("SMSBRIDGE_MQTT__URL={address} ")]
            .iter()
            .all(|line| log.contains(line))
    });
}

#[test]
fn what_comes_in_is_shown_with_its_rule_and_the_reply_with_its_steps() {
    let demo = Demo::start();
    let first = demo.wait_for_line(&["←", "+4915112345678", "Grüße aus Köln"]);
    let meter = demo.wait_for_line(&[
        "←",
        "+79211234567",
        "показание 678",
        "rule meter:",
        "account=12345",
        "reading=678",
    ]);
    let accepted = demo.wait_for_line(&["→", "+79211234567", "accepted", "Абонент 12345, показание 678"]);
    let sent = demo.wait_for_line(&["→", "+79211234567", "sent"]);
    let delivered = demo.wait_for_line(&["→", "+79211234567", "delivered"]);
    let places = [first, meter, accepted, sent, delivered];
    assert!(places.is_sorted(), "{places:?}: {:#?}", demo.view());
    let lines = demo.view();
    let times: Vec<&str> = lines.iter().map(|line| line.split("  ").next().unwrap_or_default()).collect();
    assert!(times.iter().all(|time| time.len() == 8) && times.is_sorted(), "{times:?}");
    assert!(!demo.log().contains('\x1b'), "no colours where it is no terminal: {:?}", demo.log());
}

#[test]
fn what_the_user_sends_is_shown_with_its_steps() {
    let demo = Demo::start();
    let client = Client::start(demo.port, "visitor", None, &["sms/gateway/+/availability"]);
    client.wait_for_text("sms/gateway/demo/availability", "online");
    client.publish("sms/send", json!({"to": "+49 171 1111111", "text": "by hand\n\u{1b}[2J"}).to_string());
    for state in ["accepted", "sent", "delivered"] {
        demo.wait_for_line(&["→", "+491711111111", state]);
    }
    demo.wait_for_line(&["+491711111111", "accepted", "by hand\\n\\u{1b}[2J"]);
    // As it says: with the address alone.
    let mut command = program(&demo.folder.path().join("temporary"));
    command.env("SMSBRIDGE_MQTT__URL", format!("mqtt://127.0.0.1:{}", demo.port));
    command.args(["send", "--to", "+491722222222", "--report", "Hello from here"]);
    let output = command.output().expect("the binary runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(code(output.status), 0, "{said}");
    assert!(said.contains("delivered"), "{said}");
    demo.wait_for_line(&["→", "+491722222222", "accepted", "Hello from here"]);
    demo.wait_for_line(&["→", "+491722222222", "delivered"]);
    // What is refused is shown with its reason.
    client.publish("sms/send", json!({"id": "no", "to": "Nobody", "text": "to a name"}).to_string());
    demo.wait_for_line(&["→", "Nobody", "rejected", "bad-number"]);
}

#[test]
fn ctrl_c_ends_it_cleanly_with_counts_and_the_next_steps() {
    let mut demo = Demo::start();
    demo.wait_for_line(&["←"]);
    demo.process.signal(Signal::INT);
    let status = demo.process.wait_for_end(Duration::from_secs(60));
    assert_eq!(code(status), 0, "{}", demo.log());
    let log = demo.log();
    assert!(!log.contains("panicked"), "{log}");
    let (_, end) = log.split_once("stopped").expect("it says that it stopped");
    for words in ["came in", "went out", "smsbridge detect", "Home Assistant", "docs/getting-started.md"] {
        assert!(end.contains(words), "{words:?} is not at the end: {log}");
    }
    let came_in = format!("{} came in", demo.view().iter().filter(|line| line.contains("←")).count());
    assert!(end.contains(&came_in), "{came_in}: {log}");
    assert_nothing_is_left(demo.folder.path());
}

#[test]
fn no_signal_that_can_be_caught_leaves_a_folder_behind() {
    for signals in
        [&[Signal::TERM][..], &[Signal::HUP], &[Signal::HUP, Signal::HUP], &[Signal::INT, Signal::TERM]]
    {
        let mut demo = Demo::start();
        let folder = demo.folder.path().join("temporary");
        wait_until("its folder", || {
            std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some())
        });
        for signal in signals {
            demo.process.signal(*signal);
            // Not as one: a second one comes when the first has been taken.
            std::thread::sleep(Duration::from_millis(10));
            if demo.process.ended().is_some() {
                break;
            }
        }
        let status = demo.process.wait_for_end(Duration::from_secs(60));
        assert!([0, 130].contains(&code(status)), "{signals:?}: {status}: {}", demo.log());
        assert_nothing_is_left(demo.folder.path());
    }
}

/// At a terminal, until the first message is shown.
fn at_a_terminal(folder: &Path, environment: &[(&str, &str)]) -> Terminal {
    let temporary = temporary(folder);
    let environment = [&[("TMPDIR", temporary.as_str())], environment].concat();
    let terminal = Terminal::start(folder, &["demo", "--port", "0"], &environment);
    terminal.wait_for("←");
    terminal
}

#[test]
fn a_terminal_that_is_closed_ends_it_and_nothing_is_left() {
    let folder = TempDir::with_prefix("smsbridge-demo-").expect("a temporary folder");
    let mut terminal = at_a_terminal(folder.path(), &[]);
    terminal.close();
    let status = terminal.wait_for_end();
    assert_eq!(code(status), 0, "{}", terminal.shown());
    assert_nothing_is_left(folder.path());
}

#[test]
fn a_terminal_that_is_stopped_holds_up_no_end() {
    let folder = TempDir::with_prefix("smsbridge-demo-").expect("a temporary folder");
    let mut terminal = at_a_terminal(folder.path(), &[]);
    // Ctrl-S: what is written from now on waits for Ctrl-Q.
    terminal.press("\x13");
    std::thread::sleep(Duration::from_secs(5));
    terminal.signal(Signal::TERM);
    assert_eq!(code(terminal.wait_for_end()), 0, "{}", terminal.shown());
    assert_nothing_is_left(folder.path());
}

#[test]
fn at_a_terminal_it_is_in_colour_and_fits_its_width() {
    let folder = TempDir::with_prefix("smsbridge-demo-").expect("a temporary folder");
    let terminal = at_a_terminal(folder.path(), &[]);
    terminal.wait_for("\x1b[32mdelivered\x1b[0m");
    terminal.wait_for("A long one");
    terminal.wait_for("…\r\n");
    drop(terminal);
    let terminal = at_a_terminal(folder.path(), &[("NO_COLOR", "1")]);
    assert!(!terminal.shown().contains('\x1b'), "{:?}", terminal.shown());
}

#[test]
fn two_at_once_take_two_ports() {
    let (one, two) = (Demo::start(), Demo::start());
    assert_ne!(one.port, two.port);
}

/// A demo on a broker of the user's, as the user `visitor`.
struct OnOwnBroker {
    broker: Broker,
    login: Login,
    folder: TempDir,
}

impl OnOwnBroker {
    fn prepare() -> Self {
        let folder = TempDir::with_prefix("smsbridge-demo-").expect("a temporary folder");
        let login = Login { user: "visitor".to_owned(), password: "the visitor's".to_owned() };
        std::fs::write(folder.path().join("demo-password"), "the visitor's\n").expect("a file");
        let broker = Broker::start(folder.path(), Some(&login));
        Self { broker, login, folder }
    }

    fn start(&self, password_file: &str) -> Process {
        let mut command = program(self.folder.path());
        let url = format!("mqtt://127.0.0.1:{}", self.broker.port);
        command.args(["demo", "--broker", &url, "--user", "visitor", "--password-file", password_file]);
        command.env("TMPDIR", temporary(self.folder.path())).current_dir(self.folder.path());
        Process::start("smsbridge demo", &mut command, &self.folder.path().join("demo.log"))
    }

    fn log(&self) -> String {
        output(&self.folder.path().join("demo.log"))
    }

    fn observer(&self, id: &str) -> Client {
        Client::start(self.broker.port, id, Some(&Login::observer()), &["#"])
    }
}

#[test]
fn on_a_broker_of_the_users_it_has_topics_of_its_own_and_leaves_nothing() {
    let own = OnOwnBroker::prepare();
    let observer = own.observer("observer");
    let mut demo = own.start("demo-password");
    observer.wait_for_json("a message", |topic, message| {
        topic == "smsdemo/received/main" && message["text"].is_string()
    });
    observer
        .publish("smsdemo/send", json!({"id": "first", "to": "+491722222222", "text": "Hello"}).to_string());
    observer.wait_for_result("first", "delivered");
    let gateway = observer.wait_for_json("its state", |topic, _| topic == "smsdemo/gateway/demo");
    let log = own.log();
    let typed =
        format!("mosquitto_sub -h 127.0.0.1 -p {} -u visitor -P … -t 'smsdemo/#' -v", own.broker.port);
    assert!(log.contains(&typed), "{typed}: {log}");
    assert!(!log.contains(&own.login.password), "{log}");
    let others: Vec<String> =
        observer.received().into_iter().map(|p| p.topic).filter(|t| !t.starts_with("smsdemo/")).collect();
    assert!(others.is_empty(), "it publishes on {others:?}");

    demo.signal(Signal::INT);
    assert_eq!(code(demo.wait_for_end(Duration::from_secs(60))), 0, "{}", own.log());
    assert_nothing_is_left(own.folder.path());
    let late = own.observer("late");
    late.publish("a/mark", "here");
    late.wait_for_text("a/mark", "here");
    let left: Vec<String> = late.received().into_iter().map(|publish| publish.topic).collect();
    assert_eq!(left, ["a/mark"], "it leaves retained topics behind");
    let instance = gateway["instance"].as_str().expect("its client id");
    assert!(!has_session(own.broker.port, instance), "the broker keeps its session");
}

#[test]
fn a_wrong_password_at_a_broker_of_the_users_ends_it_in_words() {
    let own = OnOwnBroker::prepare();
    std::fs::write(own.folder.path().join("wrong"), "wrong\n").expect("a file");
    let mut demo = own.start("wrong");
    assert_eq!(code(demo.wait_for_end(Duration::from_secs(60))), 1, "{}", own.log());
    assert!(own.log().contains("refuses the user name or password"), "{}", own.log());
    assert_nothing_is_left(own.folder.path());
}

#[test]
fn what_is_no_address_of_a_broker_is_wrong_usage() {
    let folder = TempDir::with_prefix("smsbridge-demo-").expect("a temporary folder");
    for broker in ["homeassistant.local", "http://homeassistant.local:1883", "mqtt://a:b@c"] {
        let mut command = program(folder.path());
        command.args(["demo", "--broker", broker]).env("TMPDIR", temporary(folder.path()));
        let output = command.output().expect("the binary runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(code(output.status), 2, "{broker}: {said}");
        assert!(said.contains("--broker"), "{broker}: {said}");
    }
    assert_nothing_is_left(folder.path());
}

/// Whether the broker has a session for this client id.
fn has_session(port: u16, client_id: &str) -> bool {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    socket.set_read_timeout(Some(WAIT_TIMEOUT)).expect("a socket");
    let login = Login::observer();
    // It asks for the session that is there.
    let connect = mqtt_packets::connect(client_id, Some((&login.user, &login.password)));
    socket.write_all(&connect).expect("a CONNECT");
    let (mut reader, mut octets) = (Reader::default(), [0; 256]);
    loop {
        let count = socket.read(&mut octets).expect("a CONNACK");
        assert_ne!(count, 0, "the broker closed the connection");
        reader.push(&octets[..count]);
        if let Some(packet) = reader.next_packet().expect("MQTT") {
            let Packet::Connack { session_present, reason: 0 } = packet else { panic!("{packet:?}") };
            return session_present;
        }
    }
}
