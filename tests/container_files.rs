//! deploy/Dockerfile and the files of compose against what an engine would stumble over, or a user. tests/ecosystem/container.rs
//! runs them as far as that goes without an engine.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::harness::gateway::program;
use crate::harness::process::code;
use crate::harness::sources::{read, root};
use crate::home_assistant_app::yaml;

/// One of a Dockerfile, such as `RUN` with all behind it on one line.
#[derive(Debug, PartialEq)]
pub struct Instruction {
    pub name: String,
    pub argument: String,
}

pub fn dockerfile() -> String {
    read("deploy/Dockerfile")
}

/// The instructions, a list for each `FROM`.
pub fn stages(text: &str) -> Vec<Vec<Instruction>> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let whole = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let mut stages: Vec<Vec<Instruction>> = Vec::new();
    for line in whole.lines().filter(|line| !line.trim().is_empty()) {
        let (name, argument) =
            line.trim().split_once(' ').unwrap_or_else(|| panic!("{line:?} is no instruction"));
        if name == "FROM" {
            stages.push(Vec::new());
        }
        let argument = argument.split_whitespace().collect::<Vec<_>>().join(" ");
        let stage = stages.last_mut().expect("FROM comes first");
        stage.push(Instruction { name: name.to_owned(), argument });
    }
    stages
}

/// What stands in brackets: a program and its arguments.
pub fn words_of(argument: &str) -> Vec<String> {
    serde_json::from_str(argument).unwrap_or_else(|e| panic!("{argument}: no list of words: {e}"))
}

/// The options of a `HEALTHCHECK`, and its command.
pub fn healthcheck(argument: &str) -> (Vec<String>, Vec<String>) {
    let (options, command) = argument.split_once(" CMD ").expect("a command");
    (options.split(' ').map(str::to_owned).collect(), words_of(command))
}

/// The argument of the last one of this name.
fn last<'a>(stage: &'a [Instruction], name: &str) -> &'a str {
    let found = stage.iter().rfind(|step| step.name == name);
    &found.unwrap_or_else(|| panic!("there is no {name}")).argument
}

#[test]
fn lines_that_go_on_are_one_instruction_and_comments_are_none() {
    let step =
        |name: &str, argument: &str| Instruction { name: name.to_owned(), argument: argument.to_owned() };
    let text = "# x\nFROM a AS b\nRUN one \\\n    # why\n    && two\n\nFROM c\nCMD [\"run\", \"a b\"]\n";
    assert_eq!(
        stages(text),
        [
            vec![step("FROM", "a AS b"), step("RUN", "one && two")],
            vec![step("FROM", "c"), step("CMD", "[\"run\", \"a b\"]")]
        ]
    );
    assert_eq!(words_of("[\"run\", \"a b\"]"), ["run", "a b"]);
}

#[test]
fn the_image_has_what_its_program_needs_and_does_not_run_as_root() {
    let text = dockerfile();
    let stages = stages(&text);
    let [build, image] = &stages[..] else { panic!("{} stages", stages.len()) };
    let compiler =
        last(build, "FROM").strip_prefix("rust:").and_then(|image| image.strip_suffix(" AS build"));
    let (rust, debian) =
        compiler.and_then(|image| image.split_once('-')).expect("Rust's image, with versions");
    assert_eq!(last(image, "FROM"), format!("debian:{debian}-slim"), "the C library it was built with");
    let wanted = format!("rust-version = \"{rust}\"");
    assert!(read("Cargo.toml").contains(&wanted), "the oldest compiler that may build it is not {rust}");

    let user = last(image, "USER");
    assert!(user.parse::<u32>().is_ok_and(|user| user > 0), "{user:?} is no number of a user");
    assert!(last(image, "RUN").contains(&format!("--uid {user} ")), "the user that is made is not {user}");
    assert!(
        read("deploy/compose/prepare-broker").contains(&format!("chown {user} ")),
        "whose is the password?"
    );
    assert!(!text.contains("curl") && !text.contains("apt-get"), "it needs nothing but the program");

    let (options, command) = healthcheck(last(image, "HEALTHCHECK"));
    assert!(
        options.contains(&"--timeout=15s".to_owned()),
        "`smsbridge status` waits 10 s for an answer: {options:?}"
    );
    assert_eq!(command[0], "/usr/bin/smsbridge");
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [&command[1..], &words_of(last(image, "CMD"))] {
        let output = program(folder.path()).args(arguments).arg("--help").output().expect("it runs");
        assert_eq!(code(output.status), 0, "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for ignored in ["target", ".git"] {
        let found = read("deploy/Dockerfile.dockerignore").lines().any(|line| line == ignored);
        assert!(found, "{ignored} is sent to the engine");
    }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("a mapping").keys().map(String::as_str).collect()
}

/// The words of a list; none where there is no list.
fn list(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().map(|word| word.as_str().expect("a word"))
}

#[test]
fn broker_and_gateway_alone_start_and_others_where_they_are_asked_for() {
    let compose = yaml("deploy/compose.yaml");
    for (name, service) in compose["services"].as_object().expect("services") {
        let profiles: Vec<&str> = list(&service["profiles"]).collect();
        match name.as_str() {
            "prepare-broker" | "broker" | "gateway" => assert!(profiles.is_empty(), "{name}: {profiles:?}"),
            name => assert_eq!(profiles, [name]),
        }
        let image = service["image"].as_str().expect("an image");
        let is_own = !service["build"].is_null();
        let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
        assert!(is_own || tag.starts_with(|c: char| c.is_ascii_digit()), "{name}: {image} has no version");
        assert!(service["privileged"].is_null(), "{name}");
        // Who may do anything on the network: its login asks for a password.
        for port in list(&service["ports"]) {
            assert!(
                port.starts_with("127.0.0.1:") || name == "home-assistant",
                "{name}: {port} is open to all"
            );
        }
        for (other, on) in service["depends_on"].as_object().into_iter().flatten() {
            let other = &compose["services"][other];
            match on["condition"].as_str().expect("a condition") {
                "service_healthy" => assert!(other["healthcheck"].is_object(), "{name} waits for ever"),
                "service_completed_successfully" => {
                    assert!(other["restart"].is_null(), "{name} waits for ever")
                }
                condition => panic!("{name}: {condition}"),
            }
        }
        if name != "prepare-broker" {
            let service = [&compose["x-service"], service].map(|part| (&part["restart"], &part["logging"]));
            let [(restart, logging), _] = service;
            assert_eq!((restart, &logging["options"]["max-size"]), (&"unless-stopped".into(), &"10m".into()));
            let merged = read("deploy/compose.yaml").contains(&format!("\n  {name}:\n    <<: *service\n"));
            assert!(merged, "{name}: its log grows for ever");
        }
    }
    // As long as the gateway may take, and the engine's own.
    assert_eq!(compose["services"]["gateway"]["stop_grace_period"], "40s");
}

#[test]
fn what_compose_mounts_is_there_and_nothing_of_the_project_can_be_written() {
    let compose = yaml("deploy/compose.yaml");
    let mut used = BTreeSet::new();
    for (name, service) in compose["services"].as_object().expect("services") {
        for mount in list(&service["volumes"]) {
            let (from, to) = mount.split_once(':').expect("from and to");
            if let Some(path) = from.strip_prefix("./") {
                assert!(root().join("deploy").join(path).is_file(), "{name}: there is no deploy/{path}");
                assert!(to.ends_with(":ro"), "{name} could write deploy/{path}");
            } else {
                used.insert(from.to_owned());
            }
        }
    }
    let declared: BTreeSet<String> = keys(&compose["volumes"]).into_iter().map(str::to_owned).collect();
    assert_eq!(declared, used);
    let gateway = &compose["services"]["gateway"]["build"];
    assert!(
        root()
            .join("deploy")
            .join(gateway["context"].as_str().expect("a folder"))
            .join("Cargo.toml")
            .exists()
    );
    assert_eq!(gateway["dockerfile"], "deploy/Dockerfile");
}

#[test]
fn the_gateway_of_compose_has_a_configuration_without_mistakes_and_the_broker_knows_its_users() {
    let folder = tempfile::tempdir().expect("a folder");
    let password = folder.path().join("password");
    fs::write(&password, "secret").expect("a password");
    let text = read("deploy/compose/smsbridge.toml");
    assert!(
        text.contains("url = \"mqtt://broker:1883\"") && text.contains("port = \"/dev/modem\""),
        "{text}"
    );
    assert!(text.contains("discovery = true"), "Home Assistant finds nothing");
    let file = folder.path().join("smsbridge.toml");
    let with_contact =
        text.replace("#[[contact]]\n#name", "[[contact]]\nname").replace("\n#number", "\nnumber");
    for text in [&text, &with_contact] {
        let text = text.replace("/run/passwords/smsbridge", &password.display().to_string());
        fs::write(&file, text).expect("a configuration");
        let mut command = program(folder.path());
        let output =
            command.args(["check", "--config"]).arg(&file).env("STATE_DIRECTORY", folder.path()).output();
        let output = output.expect("it runs");
        assert_eq!(code(output.status), 0, "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert_ne!(text, with_contact);

    let script = read("deploy/compose/prepare-broker");
    let users = script.lines().find_map(|line| line.strip_prefix("for user in ")).expect("the users");
    let access = read("deploy/mosquitto/acl");
    for user in users.trim_end_matches("; do").split(' ') {
        assert!(access.lines().any(|line| line == format!("user {user}")), "the access list has no {user}");
    }
}
