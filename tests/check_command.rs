//! `smsbridge check`: finds what `run` would stumble over, and names cause and remedy before the daemon is started.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use crate::harness::broker::Login;
use crate::harness::gateway::has_all;
use crate::harness::modem::ModemOptions;
use crate::harness::mqtt_packets::Publish;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

fn check(rig: &Rig) -> (i32, String) {
    let Output { status, stdout, stderr } = rig.gateway.run_command(&["check", "--connect"]);
    (code(status), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[test]
fn a_working_setup_exits_0() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let (code, said) = check(&rig);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn no_broker() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.broker.kill();
    let port = rig.broker.port;
    rig.reconfigure(|config| config.set("mqtt", "url", format!("mqtt://127.0.0.1:{port}")));
    let (code, said) = check(&rig);
    assert_eq!(code, 1, "{said}");
    assert!(has_all(&said, &["broker", &port.to_string()]), "{said}");
}

#[test]
fn no_modem() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.modem.unplug();
    let (code, said) = check(&rig);
    assert_eq!(code, 1, "{said}");
    assert!(has_all(&said, &[rig.modem.port()]), "{said}");
}

#[test]
fn the_example_configuration_is_valid() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/smsbridge.toml");
    std::fs::copy(&example, rig.gateway.config_path()).expect("a copy of the example");
    // Its own store would be the machine's.
    let store = rig.folder().join("store");
    let output = rig.gateway.command(&["check"]).env("SMSBRIDGE_STORE__PATH", store).output();
    let output = output.expect("the gateway's binary runs");
    assert_eq!(code(output.status), 0, "{output:?}");
}

/// A line of what was said that begins with this word and holds all of these.
fn has_line(said: &str, word: &str, words: &[&str]) -> bool {
    said.lines().any(|line| line.starts_with(word) && has_all(line, words))
}

#[test]
fn it_says_which_file_it_read_and_which_variables_lie_over_it() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let mut command = rig.gateway.command(&["check"]);
    command.env("SMSBRIDGE_STORE__KEEP_DAYS", "3").env("SMSBRIDGE_MQTT__PASSWORD", "hidden-secret");
    let output = command.output().expect("the gateway's binary runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let file = rig.gateway.config_path().display().to_string();
    assert!(has_line(&said, "ok", &["configuration", &file, "gateway attic"]), "{said}");
    assert!(has_line(&said, "note", &["SMSBRIDGE_STORE__KEEP_DAYS", "lies over the file"]), "{said}");
    assert!(
        has_line(&said, "note", &["SMSBRIDGE_MQTT__PASSWORD"]) && !said.contains("hidden-secret"),
        "{said}"
    );
    assert_eq!(code(output.status), 0, "{said}");
}

#[test]
fn every_fault_of_what_the_configuration_names_is_found_at_once() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let folder = rig.folder();
    let path = |name: &str| folder.join(name).display().to_string();
    let write = |name: &str, text: &str, mode: u32| {
        std::fs::write(folder.join(name), text).expect("a file");
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(mode))
            .expect("its permissions");
    };
    write("not-executable", "#!/bin/sh\n", 0o644);
    write("no-interpreter", "#!/opt/nowhere/python\n", 0o755);
    write("no-program-of-env", "#!/usr/bin/env no-such-program\n", 0o755);
    write("windows", "#!/bin/sh\r\necho\r\n", 0o755);
    write("no-first-line", "echo hello\n", 0o755);
    write("empty", "", 0o755);
    write("good", "#!/usr/bin/env sh\n", 0o755);
    write("no-pem", "nothing\n", 0o644);
    write("store-file", "", 0o644);
    let text = format!(
        "trace = {:?}\n[mqtt]\nurl = \"mqtts://localhost\"\nca_file = {:?}\nclient_cert = {:?}\nclient_key = {:?}\n\
         [store]\npath = {:?}\n[[modem]]\nport = \"/dev/serial/by-id/not-there\"\n",
        path("no-folder/trace"),
        path("no-ca"),
        path("no-pem"),
        path("no-pem"),
        path("store-file"),
    );
    let hooks = [
        "no-first-line",
        "empty",
        "not-executable",
        "no-interpreter",
        "no-program-of-env",
        "windows",
        "good",
        "not-there",
    ];
    let hooks = hooks.map(|name| format!("[[hook]]\non = \"received\"\ncommand = [{:?}]\n", path(name)));
    let by_name = "[[hook]]\non = \"result\"\ncommand = [\"no-such-program\"]\n";
    std::fs::write(rig.gateway.config_path(), text + &hooks.concat() + by_name)
        .expect("a configuration file");
    let output = rig.gateway.run_command(&["check"]);
    let said = String::from_utf8_lossy(&output.stdout);
    for words in [
        &["mqtt.ca_file", "no-ca", "cannot be read"][..],
        &["mqtt.client_cert", "no-pem", "no PEM certificate"],
        &["mqtt.client_key", "no-pem", "no PEM private key"],
        &["hook", "/not-executable", "chmod +x"],
        &["hook", "no-interpreter", "names /opt/nowhere/python", "no such file"],
        &["hook", "no-program-of-env", "names no-such-program", "PATH"],
        &["hook", "no-first-line", "begin it with a line such as #!/bin/sh"],
        &["hook", "/empty", "begin it with a line such as #!/bin/sh"],
        &["hook", "windows", "Windows"],
        &["hook", "/not-there", "no such file"],
        &["hook no-such-program", "no folder of PATH has it"],
        &["trace", "no-folder/trace", "its folder is not there"],
        &["store", "store-file"],
    ] {
        assert!(has_line(&said, "WRONG", words), "{words:?} is not in:\n{said}");
    }
    assert!(has_line(&said, "ok", &["hook", "/good", "can be run"]), "{said}");
    assert!(has_line(&said, "note", &["/dev/serial/by-id/not-there", "is not there now"]), "{said}");
    assert_eq!(code(output.status), 1, "{said}");
}

#[test]
fn a_key_that_is_not_that_of_the_certificate() {
    let rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let certificate = |name: &str| {
        let (key, cert) =
            (rig.folder().join(format!("{name}.key")), rig.folder().join(format!("{name}.crt")));
        let mut openssl = Command::new("openssl");
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "9",
        ]);
        openssl.args(["-subj", "/CN=x", "-keyout"]).arg(&key).arg("-out").arg(&cert);
        let output = openssl.output().expect("openssl runs");
        assert!(output.status.success(), "{output:?}");
        (cert.display().to_string(), key.display().to_string())
    };
    let ((cert, key), (_, another)) = (certificate("one"), certificate("another"));
    for (key, word, words) in
        [(&another, "WRONG", "the key is not that of the certificate"), (&key, "ok", "trusts")]
    {
        let tls = format!(
            "url = \"mqtts://h\"\nca_file = {cert:?}\nclient_cert = {cert:?}\nclient_key = {key:?}\n"
        );
        let store = rig.folder().join("store");
        let text = format!("[mqtt]\n{tls}[store]\npath = \"{}\"\n", store.display());
        std::fs::write(rig.gateway.config_path(), text).expect("a configuration file");
        let output = rig.gateway.run_command(&["check"]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(has_line(&said, word, &["TLS", words]), "{said}");
    }
}

#[test]
fn what_needs_no_login_works_without_the_password() {
    let mut rig = Rig::start();
    rig.assert_still_works("before");
    assert_eq!(code(rig.gateway.stop()), 0);
    let mut config = rig.config.to_toml();
    config = config.replace("password = \"", "password_file = \"mqtt-password\" #");
    std::fs::write(rig.gateway.config_path(), config).expect("a configuration file");
    for command in ["check", "history", "parked"] {
        let output = rig.gateway.run_command(&[command]);
        assert_eq!(code(output.status), 0, "{command}: {output:?}");
    }
    for command in [&["check", "--connect"][..], &["run"], &["send", "--to", "+491", "x"]] {
        let output = rig.gateway.run_command(command);
        let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
        assert_ne!(code(output.status), 0, "{command:?}: {said}");
        assert!(has_all(&said, &["mqtt.password_file", "mqtt-password"]), "{command:?}: {said}");
    }
    // Beside the configuration file, and before that among systemd's credentials.
    let Login { password, .. } = Login::gateway();
    std::fs::write(rig.folder().join("mqtt-password"), format!("{password}\n")).expect("a password file");
    let (good, said) = check(&rig);
    assert_eq!(good, 0, "{said}");
    let credentials = rig.folder().join("credentials");
    std::fs::create_dir(&credentials).expect("a folder");
    std::fs::write(credentials.join("mqtt-password"), "wrong").expect("a password file");
    let output =
        rig.gateway.command(&["check", "--connect"]).env("CREDENTIALS_DIRECTORY", &credentials).output();
    let output = output.expect("the gateway's binary runs");
    assert_eq!(code(output.status), 1, "{output:?}");
}

#[test]
fn a_running_gateway_is_a_note_and_a_pin_known_to_be_wrong_a_fault() {
    let options = ModemOptions { pin: Some("1234".to_owned()), ..ModemOptions::default() };
    let mut rig = Rig::prepare(&options, |config| config.set_modem("pin", "9999"));
    rig.launch_gateway(&[]);
    rig.gateway.wait_for_log(&["PIN", "not tried again"]);
    let output = rig.gateway.run_command(&["check"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(has_line(&said, "note", &["store", "a gateway runs on it"]), "{said}");
    assert!(has_line(&said, "WRONG", &["modem main", "a SIM refused this PIN before"]), "{said}");
    assert!(!said.contains("9999"), "a PIN is never shown: {said}");
    assert_eq!(code(output.status), 1, "{said}");
    rig.gateway.assert_running();
    assert_eq!(code(rig.gateway.stop()), 0);

    rig.reconfigure(|config| config.set_modem("pin", "1234"));
    let output = rig.gateway.run_command(&["check"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(has_line(&said, "ok", &["store", "can be opened"]), "{said}");
    assert_eq!(code(output.status), 0, "{said}");
}

#[test]
fn the_shipped_access_list_lets_a_gateway_do_all_it_needs_and_nobody_notices_the_try() {
    let rig = Rig::prepare(&ModemOptions::default(), |config| config.set_modem("broadcast", vec!["50"]));
    let witness = rig.client("witness", &["sms/#", "answers/#"]);
    let (code, said) = check(&rig);
    assert_eq!(code, 0, "{said}");
    for topic in [
        "sms/received/main",
        "sms/last/main",
        "sms/result",
        "sms/call/main",
        "sms/broadcast/main",
        "sms/ussd/main/reply",
        "sms/modem/main/availability",
        "sms/gateway/attic",
        "answers/smsbridge-check",
    ] {
        assert!(has_line(&said, "ok", &["broker", "we may publish on", topic]), "{topic}: {said}");
    }
    assert!(
        has_line(&said, "ok", &["broker", "subscribe to", "sms/send", "sms/cancel", "sms/gateway/+"]),
        "{said}"
    );
    assert!(has_line(&said, "ok", &["broker", "what is published on sms/send reaches us"]), "{said}");
    // What is published now comes behind everything of the check.
    rig.client.publish("sms/gateway/end", "of the check");
    wait_until("what came after the check", || {
        witness.received().iter().any(|p| p.topic == "sms/gateway/end")
    });
    let seen: Vec<String> = witness.received().iter().map(|publish| publish.topic.clone()).collect();
    assert_eq!(
        seen,
        ["sms/send", "sms/gateway/end"],
        "an empty retained request, which asks for nothing, is all"
    );
}

#[test]
fn with_discovery_the_check_tries_its_topics_too() {
    let mut rig =
        Rig::prepare(&ModemOptions::default(), |config| config.set("homeassistant", "discovery", true));
    let witness = rig.client("witness", &["homeassistant/#"]);
    let topics =
        ["homeassistant/device/sms_gateway_attic/config", "homeassistant/device/sms_modem_main/config"];
    let (code, said) = check(&rig);
    assert_eq!(code, 0, "{said}");
    assert!(has_line(&said, "ok", &["broker", "subscribe to", "homeassistant/status"]), "{said}");
    for topic in topics {
        assert!(has_line(&said, "ok", &["broker", "we may publish on", topic]), "{topic}: {said}");
    }
    rig.client.publish("homeassistant/end", "of the check");
    witness.wait_for_text("homeassistant/end", "of the check");
    assert_eq!(witness.received().len(), 1, "nobody hears of the try");
    // A list from before there was discovery.
    let without = ("listener", "listener");
    rig.broker.restart_with(without, ("topic write homeassistant/device/+/config\n", ""));
    let (code, said) = check(&rig);
    assert_eq!(code, 1, "{said}");
    for topic in topics {
        let line = format!("topic write {topic}");
        assert!(has_line(&said, "WRONG", &["may not publish", "not authorized", &line]), "{topic}: {said}");
    }
}

#[test]
fn a_check_beside_a_running_gateway_disturbs_it_in_nothing() {
    let mut rig = Rig::start();
    let witness = rig.client("witness", &["sms/received/#", "sms/result", "sms/gateway/#", "sms/ussd/#"]);
    wait_until("the states", || witness.last_on("sms/gateway/attic").is_some());
    let before = witness.received().len();
    let (_, said) = check(&rig);
    assert!(has_line(&said, "ok", &["broker", "we may publish on"]), "{said}");
    rig.assert_still_works("beside");
    rig.gateway.assert_running();
    let disturbed =
        |publish: &&Publish| publish.payload.is_empty() || publish.payload.starts_with(b"offline");
    let disturbed: Vec<_> = witness.received()[before..].iter().filter(disturbed).cloned().collect();
    assert!(disturbed.is_empty(), "{disturbed:?}");
    assert!(!rig.gateway.log().contains("rejected"), "{}", rig.gateway.log());
}

#[test]
fn each_topic_that_the_access_list_forbids_is_named_with_the_line_that_allows_it() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    for (line, words) in [
        (
            "topic write sms/received/+",
            &["publish on sms/received/main", "topic write sms/received/main"][..],
        ),
        ("topic write sms/result", &["publish on sms/result", "topic write sms/result", "user smsbridge"]),
        ("topic write sms/modem/+", &["publish on sms/modem/main", "not authorized"]),
        ("topic readwrite sms/gateway/+/availability", &["publish on sms/gateway/attic/availability"]),
        ("topic write sms/last/+", &["publish on sms/last/main"]),
        ("topic write sms/ussd/+/reply", &["publish on sms/ussd/main/reply"]),
    ] {
        let (there, gone) = (format!("\n{line}\n"), "\n# none\n");
        rig.broker.restart_with(("", ""), (&there, gone));
        let (code, said) = check(&rig);
        assert_eq!(code, 1, "{line}: {said}");
        assert!(has_line(&said, "WRONG", words), "{line}: {said}");
        let wrong = said.lines().filter(|line| line.starts_with("WRONG")).count();
        assert_eq!(wrong, 1, "{line}: only what it forbids: {said}");
        rig.broker.restart_with(("", ""), (gone, &there));
    }
    // Mosquitto grants every subscription, and drops what may not be read.
    rig.broker.restart_with(("", ""), ("topic readwrite sms/send\n", "topic write sms/send\n"));
    let (code, said) = check(&rig);
    assert_eq!(code, 1, "{said}");
    assert!(has_line(&said, "WRONG", &["may not read sms/send", "topic read sms/send"]), "{said}");
    rig.broker.restart_with(("", ""), ("topic write sms/send\n", "topic read sms/send\n"));
    let (code, said) = check(&rig);
    assert_eq!(code, 0, "who need not use `smsbridge send` need not write there: {said}");
    assert!(has_line(&said, "note", &["sms/send", "could not be tried"]), "{said}");
    rig.broker.restart_with(("", ""), ("topic write answers/#\n", ""));
    let (_, said) = check(&rig);
    assert!(has_line(&said, "note", &["may not publish below answers/", "topic write answers/#"]), "{said}");
}

#[test]
fn a_running_gateway_is_asked_for_the_modems_it_has() {
    let rig = Rig::start();
    rig.wait_for_modem("a whole state", |state| state["operator"].is_string());
    let (code, said) = check(&rig);
    assert_eq!(code, 0, "{said}");
    let process = format!("process {}", rig.gateway.id());
    assert!(has_line(&said, "note", &["gateway attic", "it runs", &process]), "{said}");
    assert!(has_line(&said, "ok", &["modem main", "online in the running gateway", "Simulated"]), "{said}");
    rig.modem.unplug();
    rig.wait_for_modem("an offline modem", |state| state["state"] == "offline");
    let (code, said) = check(&rig);
    assert_eq!(code, 1, "{said}");
    assert!(has_line(&said, "WRONG", &["modem main", "the running gateway says", "unplugged"]), "{said}");
}

#[test]
fn a_store_that_is_looked_at_is_left_as_it_was() {
    let mut rig = Rig::start();
    rig.gateway.stop();
    let files = || {
        let files = std::fs::read_dir(rig.folder().join("store")).expect("a store");
        let mut names: Vec<_> = files.map(|file| file.expect("a file").file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    let output = rig.gateway.run_command(&["check"]);
    assert_eq!(code(output.status), 0, "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(files(), before);
}
