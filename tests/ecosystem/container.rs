//! What deploy/Dockerfile and deploy/compose.yaml make, without a container engine: the steps of the image run in a Debian
//! of their own, and what compose would start runs as it says, but for the network: user, capabilities, read-only root,
//! volumes, device, health checks.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::container_files::{Instruction, dockerfile, healthcheck, stages, words_of};
use crate::harness::broker::{Login, find, is_root};
use crate::harness::client::Client;
use crate::harness::debian::{Debian, build_command, package, run, succeeds};
use crate::harness::home_assistant::HomeAssistant;
use crate::harness::home_assistant::setup::Mqtt;
use crate::harness::installed::installed;
use crate::harness::modem::{Modem, ModemOptions};
use crate::harness::node_red::{Flows, NodeRed, VERSIONS};
use crate::harness::ports::free_port;
use crate::harness::process::{Process, code};
use crate::harness::sources::root;
use crate::harness::wait::{WAIT_TIMEOUT, wait_until};
use crate::home_assistant_app::yaml;

/// Much more than the program has today; a compiler or the sources would be.
const MAX_PROGRAM_SIZE: u64 = 40 << 20;

/// An image: its files, and what is started in them.
struct Image {
    debian: Debian,
    user: String,
    entrypoint: Vec<String>,
    command: Vec<String>,
    healthcheck: Vec<String>,
}

impl Image {
    /// Runs the steps. The first stage is this machine, with the sources where they are; the program is that of the package.
    fn build() -> Image {
        package();
        let text = dockerfile();
        let stages = stages(&text);
        let [build, image] = &stages[..] else { panic!("{} stages", stages.len()) };
        for step in build {
            match step.name.as_str() {
                "FROM" | "ARG" => {}
                "WORKDIR" => assert_eq!(step.argument, "/src"),
                "COPY" => assert_eq!(step.argument, ". ."),
                "RUN" => {
                    let mut command = build_command(Path::new("sh"));
                    succeeds(command.args(["-ec", &step.argument]).current_dir(root()));
                }
                _ => panic!("what does {step:?} mean?"),
            }
        }
        let debian = Debian::new();
        let (mut user, mut entrypoint, mut command, mut health) = Default::default();
        for step in image {
            match step.name.as_str() {
                "FROM" | "VOLUME" | "STOPSIGNAL" => {}
                "RUN" => {
                    debian.succeeds(&step.argument);
                }
                "COPY" => copy(step, &debian),
                "USER" => user = step.argument.clone(),
                "ENTRYPOINT" => entrypoint = words_of(&step.argument),
                "CMD" => command = words_of(&step.argument),
                "HEALTHCHECK" => health = healthcheck(&step.argument).1,
                _ => panic!("what does {step:?} mean?"),
            }
        }
        Image { debian, user, entrypoint, command, healthcheck: health }
    }
}

/// `--from=build FROM TO`, as root's; the first stage has its sources in /src.
fn copy(step: &Instruction, debian: &Debian) {
    let words: Vec<&str> = step.argument.split(' ').collect();
    let ["--from=build", from, to] = words[..] else { panic!("what does {step:?} mean?") };
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |target| root().join(target));
    let from = match (from.strip_prefix("/src/target/"), from.strip_prefix("/src/")) {
        (Some(built), _) => target.join(built),
        (None, Some(source)) => root().join(source),
        (None, None) => PathBuf::from(from),
    };
    let to = debian.path(to);
    fs::create_dir_all(to.parent().expect("a folder")).expect("a folder of the image");
    fs::copy(&from, &to).unwrap_or_else(|e| panic!("{step:?}: {}: {e}", from.display()));
}

/// The broker of compose.yaml, prepared and configured as there but for paths and port. Its folder has what the volumes have.
struct Broker {
    process: Process,
    port: u16,
    folder: PathBuf,
}

/// The folders of the broker's volumes, by where they are in its container.
const VOLUMES: [&str; 3] = ["/etc/mosquitto", "/passwords", "/mosquitto/data"];

impl Broker {
    fn start(folder: &Path, services: &Value) -> Broker {
        // It leaves root behind, and has to come in.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).expect("our folder");
        let at = |path: &str| folder.join(path.trim_start_matches('/'));
        for volume in VOLUMES {
            fs::create_dir_all(at(volume)).expect("a volume");
        }
        fs::set_permissions(at("/mosquitto/data"), fs::Permissions::from_mode(0o777)).expect("a volume");
        let prepare = &services["prepare-broker"];
        for mount in strings(&prepare["volumes"]) {
            if let Some((from, to)) = mount.strip_suffix(":ro").and_then(|mount| mount.split_once(':')) {
                fs::create_dir_all(at("/shipped")).expect("a folder");
                fs::copy(root().join("deploy").join(from), at(to)).unwrap_or_else(|e| panic!("{mount}: {e}"));
            }
        }
        let entrypoint = strings(&prepare["entrypoint"]);
        let prepare = || {
            let mut command = Command::new(&entrypoint[0]);
            let arguments = entrypoint[1..].iter();
            succeeds(command.args(arguments.map(|word| at(word))))
        };
        let said = prepare();
        assert!(said.contains("a password was made for homeassistant"), "{said}");
        let password = fs::read_to_string(at("/passwords/homeassistant")).expect("a password");
        assert_eq!(prepare(), "", "the passwords stay");
        assert_eq!(fs::read_to_string(at("/passwords/homeassistant")).expect("a password"), password);

        let port = free_port();
        for file in ["/etc/mosquitto/mosquitto.conf", "/etc/mosquitto/conf.d/smsbridge.conf"] {
            let mut text = fs::read_to_string(at(file)).expect("a configuration");
            for volume in ["/etc/mosquitto", "/mosquitto/data"] {
                text = text.replace(&format!(" {volume}"), &format!(" {}", at(volume).display()));
            }
            fs::write(at(file), text.replace("listener 1883", &format!("listener {port}")))
                .expect("the same");
        }
        let command = strings(&services["broker"]["command"]);
        let mut mosquitto = Command::new(find(&command[0]));
        mosquitto.arg(&command[1]).arg(at(&command[2]));
        let log = folder.join("broker.log");
        let mut broker = Broker {
            process: Process::start("mosquitto", &mut mosquitto, &log),
            port,
            folder: folder.to_owned(),
        };
        let check = services["broker"]["healthcheck"]["test"].as_str().expect("a line").to_owned();
        wait_until("a healthy broker", || {
            assert_eq!(broker.process.ended(), None, "mosquitto has ended");
            broker.is_healthy(&check)
        });
        broker
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path.trim_start_matches('/'))
    }

    /// Whether its health check, a line of a shell, ends with 0.
    fn is_healthy(&self, check: &str) -> bool {
        let check = check
            .replace("$$", "$")
            .replace("/passwords/", &format!("{}/", self.path("/passwords").display()));
        let check = check.replace("mosquitto_pub ", &format!("mosquitto_pub -p {} ", self.port));
        run(Command::new("sh").args(["-c", &check])).0 == 0
    }

    fn login(&self, user: &str) -> Login {
        let path = self.path("/passwords").join(user);
        let password = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Login { user: user.to_owned(), password: password.trim().to_owned() }
    }
}

fn strings(value: &Value) -> Vec<String> {
    let words = value.as_array().unwrap_or_else(|| panic!("{value} is no list")).iter();
    words.map(|word| word.as_str().expect("a word").to_owned()).collect()
}

/// The gateway of compose.yaml in its container.
struct Container<'a> {
    image: &'a Image,
    process: Process,
    log: PathBuf,
}

/// Makes the container's file system of the image's folder, with nothing but its volumes to write in, and becomes the
/// program there: without any capability, as the image's user in his groups. $1 is the folder.
const START: &str = r#"
root=$1 modem=$2 passwords=$3 store=$4
shift 4
mount --bind "$root" "$root"
mount --bind "$modem" "$root/dev/modem"
mount --bind "$store" "$root/var/lib/smsbridge"
mount --bind "$passwords" "$root/run/passwords"
mount -o remount,bind,ro "$root/run/passwords"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o uid=10001,mode=0750 tmpfs "$root/run/smsbridge"
mount -t tmpfs tmpfs "$root/tmp"
exec chroot "$root" "$@"
"#;

impl<'a> Container<'a> {
    fn start(image: &'a Image, services: &Value, broker: &Broker, modem: &Modem) -> Container<'a> {
        let service = &services["gateway"];
        let mounts =
            ["./compose/smsbridge.toml:/etc/smsbridge/smsbridge.toml:ro", "passwords:/run/passwords:ro"];
        assert_eq!(strings(&service["volumes"]), [mounts[0], mounts[1], "store:/var/lib/smsbridge"]);
        assert!(strings(&service["devices"])[0].ends_with(":/dev/modem"), "{}", service["devices"]);
        assert_eq!(strings(&service["tmpfs"]), ["/run/smsbridge:uid=10001,mode=0750", "/tmp"]);
        assert_eq!((&service["read_only"], &service["cap_drop"][0]), (&true.into(), &"ALL".into()));
        let debian = &image.debian;
        for folder in ["/etc/smsbridge", "/run/passwords"] {
            fs::create_dir_all(debian.path(folder)).expect("a place to mount at");
        }
        let configuration = root().join("deploy/compose/smsbridge.toml");
        fs::copy(configuration, debian.path("/etc/smsbridge/smsbridge.toml")).expect("a configuration");
        fs::write(debian.path("/dev/modem"), "").expect("a place to mount at");
        // A new volume is what the image has there.
        let store = broker.path("/store");
        succeeds(Command::new("cp").arg("-a").arg(debian.path("/var/lib/smsbridge")).arg(&store));
        // Of a serial port's group.
        let modem = fs::canonicalize(modem.port()).expect("a simulated modem");
        let dialout =
            debian.succeeds("getent group dialout | cut -d : -f 3").trim().parse().expect("a number");
        chown(&modem, Some(0), Some(dialout)).expect("our own terminal");
        fs::set_permissions(&modem, fs::Permissions::from_mode(0o660)).expect("our own terminal");

        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-euc", START, "sh"]).arg(debian.path("")).arg(modem);
        command.arg(broker.path("/passwords")).arg(store);
        // There is no network of its own, where the broker has its name and 1883 is free.
        let url = format!("SMSBRIDGE_MQTT__URL=mqtt://127.0.0.1:{}", broker.port);
        command.args(["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", &url]).args(Self::as_user(image));
        command.args(&image.entrypoint).args(&image.command);
        let log = broker.path("/gateway.log");
        Container { image, process: Process::start("the container", &mut command, &log), log }
    }

    /// What makes root the image's user, with nothing left of root.
    fn as_user(image: &Image) -> Vec<String> {
        let user = &image.user;
        let group = image.debian.succeeds(&format!("getent passwd {user} | cut -d : -f 4"));
        let line = format!(
            "setpriv --reuid {user} --regid {} --init-groups --inh-caps=-all --bounding-set=-all --no-new-privs",
            group.trim()
        );
        line.split(' ').map(str::to_owned).collect()
    }

    /// Its health check, as an engine runs it: in the container; exit code and output.
    fn health(&self) -> (i32, String) {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.process.id())).arg("chroot");
        command.arg(self.image.debian.path("")).args(["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
        run(command.args(Self::as_user(self.image)).args(&self.image.healthcheck))
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("its log")
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn the_image_is_built_by_its_steps_and_what_compose_starts_works_and_stays_healthy() {
    assert!(is_root(), "to build a container without an engine takes root");
    let services = yaml("deploy/compose.yaml")["services"].clone();
    let image = Image::build();
    let debian = &image.debian;
    let said = debian.succeeds("smsbridge --version");
    assert!(said.starts_with(&format!("smsbridge {}", env!("CARGO_PKG_VERSION"))), "{said}");
    let size = fs::metadata(debian.path("/usr/bin/smsbridge")).expect("the program").len();
    assert!(size < MAX_PROGRAM_SIZE, "the program has {size} octets");
    let id = debian.succeeds(&format!("id {}", image.user));
    assert!(!id.contains("uid=0") && id.contains("(dialout)"), "{id}");
    let (code_without, said) = debian.run(&image.healthcheck.join(" "));
    assert_ne!(code_without, 0, "nothing runs, and it is healthy: {said}");

    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::start(folder.path(), &services);
    let modem = Modem::start(&folder.path().join("modem"), &ModemOptions::default());
    let home = broker.login("homeassistant");
    let client =
        Client::start(broker.port, "home-assistant", Some(&home), &["sms/#", "homeassistant/device/#"]);
    let mut container = Container::start(&image, &services, &broker, &modem);
    wait_until("the gateway and its modem to be online", || {
        assert_eq!(container.process.ended(), None, "it has ended");
        ["sms/gateway/gateway/availability", "sms/modem/main/availability"]
            .iter()
            .all(|topic| client.last_on(topic).as_deref() == Some("online"))
    });
    assert_eq!(container.health(), (0, "gateway: live\n".to_owned()));
    wait_until("the modem to be announced to Home Assistant", || {
        client.received().iter().any(|publish| publish.topic.starts_with("homeassistant/device/"))
    });
    modem.deliver("+4915100000001", "Into the container");
    client.wait_for_json("the message", |topic, json| {
        topic == "sms/received/main" && json["text"] == "Into the container"
    });
    found_by_others(&services, &broker, folder.path());
    let status = fs::read_to_string(format!("/proc/{}/status", container.process.id())).expect("it runs");
    for line in ["Uid:\t10001\t10001\t10001\t10001", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"] {
        assert!(status.contains(line), "no {line:?} in\n{status}");
    }

    modem.unplug();
    wait_until("a modem that is gone", || {
        client.last_on("sms/modem/main/availability").as_deref() == Some("offline")
    });
    assert_eq!(container.health(), (0, "gateway: live\n".to_owned()), "an unplugged modem");
    drop(broker);
    wait_until("a broker that is gone", || container.log().contains("the broker at"));
    assert_eq!(container.health(), (0, "gateway: live\n".to_owned()), "a broker that is away");

    container.process.signal(Signal::STOP);
    let (unhealthy, said) = container.health();
    assert_eq!(unhealthy, 1, "it hangs: {said}");
    container.process.signal(Signal::CONT);
    container.process.signal(Signal::TERM);
    assert_eq!(code(container.process.wait_for_end(WAIT_TIMEOUT)), 0, "{}", container.log());
}

/// Home Assistant shows the modem and Node-RED gets at the broker, with the passwords that were made for them, and their
/// health checks tell whether they run.
fn found_by_others(services: &Value, broker: &Broker, folder: &Path) {
    let check = |service: &str, from: &str, to: &str| {
        let words = strings(&services[service]["healthcheck"]["test"]);
        assert_eq!(words[0], "CMD");
        assert!(words.iter().any(|word| word.contains(from)), "{service} is not asked at {from}: {words:?}");
        let words: Vec<String> = words[1..].iter().map(|word| word.replace(from, to)).collect();
        run(Command::new(&words[0]).args(&words[1..])).0
    };
    let login = broker.login("homeassistant");
    let mqtt = Mqtt { port: broker.port, login: Some(&login), prefix: "homeassistant" };
    let mut home_assistant = HomeAssistant::prepare(&mqtt);
    home_assistant.start();
    home_assistant.api.wait_for_state("sensor.sms_main_registration", "home");
    let url = home_assistant.api.url();
    assert_eq!(check("home-assistant", "http://127.0.0.1:8123", &url), 0);
    drop(home_assistant);
    assert_ne!(check("home-assistant", "http://127.0.0.1:8123", &url), 0, "it has ended");

    let flows = Flows::shipped(&["receive-and-reply"]);
    let node_red = NodeRed::start(VERSIONS[0], folder, broker.port, &broker.login("application"), flows);
    let url = format!("http://127.0.0.1:{}", node_red.port);
    assert_eq!(check("node-red", "http://127.0.0.1:1880", &url), 0);
    drop(node_red);
    assert_ne!(check("node-red", "http://127.0.0.1:1880", &url), 0, "it has ended");
}

/// `docker compose` with arguments, on deploy/compose.yaml; exit code and output.
fn compose(arguments: &[&str], modem: Option<&str>) -> (i32, String) {
    let mut command = Command::new(installed("compose/docker-compose"));
    // Not what its owner has put into deploy/.env.
    command.args(["--env-file", "/dev/null", "--file"]).arg(root().join("deploy/compose.yaml"));
    command.args(arguments).env_remove("MODEM");
    run(command.envs(modem.map(|modem| ("MODEM", modem))))
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn docker_compose_understands_the_file_and_asks_for_the_modem() {
    let modem = "/dev/serial/by-id/usb-HUAWEI_HUAWEI_Mobile-if00-port0";
    let (refused, said) = compose(&["config", "--quiet"], None);
    assert!(refused != 0 && said.contains("ls /dev/serial/by-id"), "{refused}: {said}");
    for (profiles, services) in [
        (&[][..], "broker gateway prepare-broker"),
        (&["--profile", "home-assistant"], "broker gateway home-assistant prepare-broker"),
        (
            &["--profile", "home-assistant", "--profile", "node-red"],
            "broker gateway home-assistant node-red prepare-broker",
        ),
    ] {
        let (code, said) = compose(&[profiles, &["config", "--services"]].concat(), Some(modem));
        let mut lines: Vec<&str> = said.lines().collect();
        lines.sort_unstable();
        assert_eq!((code, lines.join(" ").as_str()), (0, services));
    }
    let (code, said) = compose(&["config", "--format", "json"], Some(modem));
    assert_eq!(code, 0, "{said}");
    let gateway = serde_json::from_str::<Value>(&said).expect("JSON")["services"]["gateway"].clone();
    assert_eq!(gateway["devices"][0]["source"], modem);
    assert_eq!(gateway["devices"][0]["target"], "/dev/modem");
}
