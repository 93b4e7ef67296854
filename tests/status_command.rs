//! "Is it well?": `smsbridge status` asks the running gateway.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::harness::broker::is_root;
use crate::harness::gateway::{Gateway, PROGRAM, has_all, program};
use crate::harness::modem::ModemOptions;
use crate::harness::process::{Process, code};
use crate::harness::rig::Rig;
use crate::harness::terminal::Terminal;
use crate::harness::wait::{wait_for, wait_until};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// The exit code, and what was printed.
fn status(rig: &Rig, arguments: &[&str]) -> (i32, String) {
    let output = rig.gateway.run_command(&[&["status"], arguments].concat());
    (code(output.status), said(&output))
}

fn socket(rig: &Rig) -> PathBuf {
    rig.folder().join("runtime/attic.sock")
}

#[test]
fn is_it_well() {
    let rig = Rig::start();
    rig.assert_still_works("asked");
    let (code, said) = wait_for("a gateway that is well", || {
        let (code, said) = status(&rig, &[]);
        (code == 0 && said.contains("1 in, 1 out")).then_some((code, said))
    });
    assert_eq!(code, 0, "{said}");
    for words in [
        "gateway  attic  well",
        env!("CARGO_PKG_VERSION"),
        &rig.gateway.config_path().display().to_string(),
        &format!("broker   127.0.0.1:{}  connected", rig.proxy.port),
        "queue    0 to send, 0 to publish, 0 parked",
        "main",
        "online",
        "▂▄▆·   64 %  -73 dBm",
        "Simulated, GSM, home",
        "+79210000001",
        "ME 0/50",
    ] {
        assert!(said.contains(words), "{words:?} is missing in:\n{said}");
    }
    assert!(!said.contains('\x1b'), "colours are for terminals: {said}");
}

#[test]
fn a_broker_that_is_down_is_told_by_the_gateway_itself() {
    let mut rig = Rig::start();
    rig.broker.kill();
    let said = wait_for("a gateway that is not well", || {
        let (code, said) = status(&rig, &[]);
        (code == 1 && said.contains("the broker at 127.0.0.1")).then_some(said)
    });
    assert!(has_all(&said, &["not well", "not connected"]), "{said}");
    rig.broker.restart();
    wait_until("a gateway that is well again", || status(&rig, &[]).0 == 0);
}

#[test]
fn a_modem_that_is_gone_is_named_with_its_problem() {
    let rig = Rig::start();
    rig.modem.unplug();
    let said = wait_for("a modem that is not well", || {
        let (code, said) = status(&rig, &[]);
        (code == 1 && has_all(&said, &["main", "offline", "modem"])).then_some(said)
    });
    assert!(has_all(&said, &["unplugged or reset"]), "the problem in words: {said}");
}

#[test]
fn a_gateway_that_does_not_run_is_told_in_words() {
    let mut rig = Rig::start();
    rig.gateway.kill();
    assert!(socket(&rig).exists(), "a killed gateway leaves its socket");
    let (code, words) = status(&rig, &[]);
    assert_eq!(code, 1, "{words}");
    assert!(has_all(&words, &["no gateway named attic runs here", "attic.sock", "smsbridge run"]), "{words}");
    rig.start_gateway();
    wait_until("the next gateway to answer", || status(&rig, &[]).0 == 0);
    rig.gateway.stop();
    assert!(!socket(&rig).exists(), "a gateway that stops leaves none");
    assert_eq!(status(&rig, &[]).0, 1);
}

#[test]
fn a_container_is_not_started_again_for_what_a_restart_does_not_mend() {
    let mut rig = Rig::start();
    assert_eq!(status(&rig, &["--live"]), (0, "attic: live\n".to_owned()));
    rig.modem.unplug();
    rig.broker.kill();
    wait_until("a gateway that is not well", || {
        let (code, said) = status(&rig, &[]);
        code == 1 && has_all(&said, &["not connected", "unplugged or reset"])
    });
    assert_eq!(status(&rig, &["--live"]), (0, "attic: live\n".to_owned()));
    rig.gateway.kill();
    let (code, said) = status(&rig, &["--live"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("no gateway named attic runs here"), "{said}");
}

#[test]
fn a_container_is_started_again_when_its_gateway_hangs() {
    let rig = Rig::start();
    rig.gateway.pause();
    let (code, said) = status(&rig, &["--live"]);
    rig.gateway.resume();
    assert_eq!(code, 1, "{said}");
    assert!(has_all(&said, &["attic.sock", "has not answered for 10 s"]), "{said}");
    wait_until("a gateway that answers again", || status(&rig, &["--live"]).0 == 0);
}

#[test]
fn json_has_every_key_of_the_retained_states() {
    let rig = Rig::start();
    let modem = rig.wait_for_modem("a whole state", |state| state["operator"].is_string());
    let (_, document) = status(&rig, &["--json"]);
    let document: Value = serde_json::from_str(&document).expect("one JSON document");
    let shown = &document["modems"][0];
    for key in modem.as_object().expect("an object").keys() {
        assert!(shown.get(key).is_some(), "{key} is missing in {shown}");
    }
    assert_eq!((&shown["name"], &shown["online"]), (&"main".into(), &true.into()));
    assert_eq!(document["gateway"]["pid"], rig.gateway.id());
    assert_eq!(document["gateway"]["store"], rig.folder().join("store").display().to_string());
}

#[test]
fn watched_it_shows_what_changes_until_nobody_reads() {
    let mut rig = Rig::start();
    let mut command = program(rig.folder());
    command.args(["status", "--watch", "--config"]).arg(rig.gateway.config_path());
    let log = rig.folder().join("watch.log");
    let mut watch = Process::start("smsbridge status --watch", &mut command, &log);
    let shown = |words: &str| fs::read_to_string(&log).expect("its output").contains(words);
    wait_until("a gateway that is well", || shown("attic  well"));
    rig.broker.kill();
    rig.proxy.cut();
    wait_until("a broker that is gone", || shown("not connected"));
    rig.gateway.kill();
    wait_until("a gateway that is gone", || shown("no gateway named attic runs here"));
    assert_eq!(watch.ended(), None, "it goes on");
    let mut reader = program(rig.folder());
    reader.args(["status", "--watch", "--config"]).arg(rig.gateway.config_path());
    let (read, write) = std::io::pipe().expect("a pipe");
    drop(read);
    let unread = reader.stdout(write).stderr(Stdio::null()).status().expect("it ends");
    assert_eq!(code(unread), 1, "the gateway does not run, and nobody reads");
}

#[test]
fn at_a_terminal_it_is_in_colour() {
    let rig = Rig::start();
    let config = rig.gateway.config_path().display().to_string();
    for (environment, well) in [(&[][..], "\x1b[32mwell"), (&[("NO_COLOR", "1")], "attic  well")] {
        let mut terminal = Terminal::start(rig.folder(), &["status", "--config", &config], environment);
        terminal.wait_for(well);
        terminal.wait_for_end();
        assert_eq!(terminal.shown().contains('\x1b'), environment.is_empty(), "{}", terminal.shown());
    }
}

#[test]
fn only_the_gateways_user_and_group_may_ask() {
    let rig = Rig::start();
    let mode = |path: PathBuf| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(socket(&rig)), 0o660);
    assert_eq!(mode(rig.folder().join("runtime")), 0o750);
    if !is_root() {
        return;
    }
    // Everybody may read the configuration, and look for the socket.
    fs::set_permissions(rig.folder(), Permissions::from_mode(0o755)).expect("our folder");
    fs::set_permissions(rig.gateway.config_path(), Permissions::from_mode(0o644)).expect("our file");
    let plain = program(rig.folder());
    let mut stranger = Command::new("setpriv");
    stranger.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(PROGRAM);
    stranger
        .args(["status", "--config"])
        .arg(rig.gateway.config_path())
        .current_dir(rig.folder())
        .env_clear();
    stranger.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = stranger.output().expect("setpriv runs");
    let said = said(&output);
    assert_eq!(code(output.status), 1, "{said}");
    assert!(has_all(&said, &["only the gateway's user and group may ask", "sudo"]), "{said}");
}

#[test]
fn a_second_gateway_of_the_name_does_not_take_the_socket_away() {
    let mut rig = Rig::start();
    let folder = rig.folder().join("second");
    fs::create_dir(&folder).expect("a folder");
    let mut config = rig.config.clone();
    config.set("store", "path", folder.join("store").display().to_string());
    let mut second = Gateway::prepare(&folder, &config);
    let runtime = rig.folder().join("runtime").display().to_string();
    second.start_with(&[("RUNTIME_DIRECTORY", &runtime)]);
    second.wait_for_log(&["`smsbridge status` will not be answered", "another gateway of this name"]);
    let (_, document) = status(&rig, &["--json"]);
    assert!(document.contains(&format!("\"pid\":{}", rig.gateway.id())), "the first one answers: {document}");
    second.stop();
    rig.gateway.assert_running();
    assert!(socket(&rig).exists());
}

#[test]
fn it_needs_no_password_of_the_broker() {
    let rig = Rig::start();
    wait_until("an answer", || status(&rig, &["--json"]).0 == 0);
    let text = rig.config.to_toml().replace("password = ", "password_file = \"/nowhere/password\" #");
    fs::write(rig.gateway.config_path(), text).expect("a configuration file");
    let (code, said) = status(&rig, &[]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_place_that_cannot_be_looked_at_hides_no_gateway_at_another() {
    let rig = Rig::start();
    let runtime = rig.folder().join("runtime");
    let in_store = rig.folder().join("store/attic.sock");
    fs::rename(runtime.join("attic.sock"), &in_store).expect("a socket in another place");
    for runtime in ["/dev/null", &"x".repeat(200)] {
        let mut command = program(rig.folder());
        command.args(["status", "--json", "--config"]).arg(rig.gateway.config_path());
        let output = command.env("RUNTIME_DIRECTORY", runtime).output().expect("it runs");
        assert!(
            said(&output).contains(&format!("\"pid\":{}", rig.gateway.id())),
            "{runtime}: {}",
            said(&output)
        );
    }
}

#[test]
fn another_gateway_of_the_name_is_not_taken_for_ours() {
    let rig = Rig::start();
    let mut config = rig.config.clone();
    config.set("store", "path", rig.folder().join("other").display().to_string());
    fs::write(rig.gateway.config_path(), config.to_toml()).expect("a configuration file");
    let (code, words) = status(&rig, &[]);
    assert_eq!(code, 1, "{words}");
    assert!(has_all(&words, &["another store", "a name of its own"]), "{words}");
    let output = rig.gateway.run_command(&["check", "--connect"]);
    assert!(!said(&output).contains("in the running gateway"), "{}", said(&output));
}

#[test]
fn watched_as_json_it_goes_on_without_a_gateway() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let mut command = program(rig.folder());
    command.args(["status", "--watch", "--json", "--config"]).arg(rig.gateway.config_path());
    let log = rig.folder().join("watch.log");
    let mut watch = Process::start("smsbridge status --watch", &mut command, &log);
    let count = || fs::read_to_string(&log).expect("its output").matches("{\"error\":\"no gateway").count();
    wait_until("two looks", || count() >= 2);
    assert_eq!(watch.ended(), None, "it goes on");
}
