//! Owns what a test of the examples runs on: the rig, a database, and the service of one language as a process.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use serde_json::Value;

use crate::harness::broker::Login;
use crate::harness::documents;
use crate::harness::installed::installed;
use crate::harness::modem::ModemOptions;
use crate::harness::postgres::Postgres;
use crate::harness::process::Process;
use crate::harness::rig::{Rig, RigOptions};
use crate::harness::sources::root;
use crate::harness::wait::{wait_for, wait_until};

/// Accounts that are there before the first message: 20001 to 20060.
const ACCOUNTS: std::ops::RangeInclusive<u32> = 20001..=20060;

/// The rule of examples/README.md, and one that says the same the other way round: then only its fields are right.
const RULES: [&str; 2] = [
    "name = \"backwards\"\nmatch = 'meter (?<reading>\\d+) of (?<account>\\d+)'",
    "name = \"meter\"\nmatch = '^\\D*(?<account>\\d+)\\D+(?<reading>\\d+)\\D*$'",
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Language {
    Python,
    Rust,
    Node,
}

/// Where a service can be held. A trigger of the test's makes its transaction wait there (PostgreSQL), or fail with a
/// word about it, as often as it tries (SQLite, whose triggers cannot wait).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Point {
    /// The message was read, its transaction is not finished.
    Storing,
    /// The commit is under way. PostgreSQL alone.
    Committing,
    /// Committed, and the answer is not published.
    Publishing,
    /// The gateway has accepted the answer, and that is not noted.
    Noting,
}

enum Database {
    Postgres(Postgres),
    Sqlite(PathBuf),
}

/// Fields end in this order: the service before what it talks to.
pub struct Setup {
    pub service: Option<Process>,
    pub rig: Rig,
    language: Language,
    database: Database,
    login: Login,
    /// Variables of its environment, beside the usual ones.
    more: Vec<(String, String)>,
}

impl Setup {
    /// Everything is up, and the service has subscribed.
    pub fn start(language: Language) -> Self {
        let mut setup = Self::prepare(language);
        setup.start_service();
        setup
    }

    /// All but the service.
    pub fn prepare(language: Language) -> Self {
        // With the rights of the shipped access list.
        let login = Login { user: "application".to_owned(), password: "secret".to_owned() };
        let options = RigOptions { modem: ModemOptions::default(), login: Some(login.clone()) };
        let mut rig =
            Rig::prepare_with(options, |config| RULES.iter().for_each(|rule| config.add("rule", rule)));
        rig.start_gateway();
        let database = Database::create(language, rig.folder());
        let setup = Self { service: None, rig, language, database, login, more: Vec::new() };
        let accounts: Vec<String> = ACCOUNTS.map(|account| format!("('{account}')")).collect();
        setup.run(&format!("insert into accounts values {}", accounts.join(",")));
        setup
    }

    pub fn start_service(&mut self) {
        let before = self.connections();
        self.launch_service();
        self.wait_connected(before);
    }

    /// Without waiting for it.
    pub fn launch_service(&mut self) {
        let mut command = self.language.program(self.rig.folder());
        command.current_dir(self.rig.folder()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("MQTT_PORT", self.rig.broker.port.to_string());
        command.env("MQTT_USERNAME", &self.login.user).env("MQTT_PASSWORD", &self.login.password);
        let (name, value) = self.database.setting();
        command.env(name, value).envs(self.more.iter().cloned());
        self.service = Some(Process::start("the service", &mut command, &self.log_path()));
    }

    /// Types what the README of the example says, in a copy of its folder: what makes it ready, then what starts it.
    pub fn follow_readme(&mut self) {
        let folder = self.rig.folder().join("copy");
        copy(&root().join(self.language.folder()), &folder);
        let name = format!("{}/README.md", self.language.folder());
        let readme = documents::all().into_iter().find(|document| document.name == name).expect("a README");
        let blocks = readme.blocks();
        let [prepare, start] = &blocks[..] else { panic!("{name} has {} blocks, not two", blocks.len()) };
        let output = self.shell(&folder, &prepare.text).output().expect("bash runs");
        assert!(output.status.success(), "{}: {output:?}", prepare.place);
        let before = self.connections();
        let mut command = self.shell(&folder, &start.text);
        self.service = Some(Process::start("the service", &mut command, &self.log_path()));
        self.wait_connected(before);
    }

    /// Bash becomes the last program it runs, so that it can be killed.
    fn shell(&self, folder: &Path, script: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", script]).current_dir(folder);
        command.env("MQTT_PORT", self.rig.broker.port.to_string());
        command.env("MQTT_USERNAME", &self.login.user).env("MQTT_PASSWORD", &self.login.password);
        // Else it would compile everything once more.
        command.env("CARGO_TARGET_DIR", installed("services").join("rust"));
        if let Database::Postgres(server) = &self.database {
            command.envs(server.environment());
        }
        command
    }

    /// Waits until it has connected and subscribed more often than `before`.
    pub fn wait_connected(&self, before: usize) {
        wait_until("the service's subscriptions", || self.connections() > before);
    }

    /// How often it has connected and subscribed.
    pub fn connections(&self) -> usize {
        self.log().lines().filter(|line| line.ends_with("subscribed")).count()
    }

    /// Sets a variable of its environment, for its next start.
    pub fn set(&mut self, name: &str, value: &str) {
        self.more.push((name.to_owned(), value.to_owned()));
    }

    /// kill -9.
    pub fn kill_service(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.kill();
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.rig.folder().join("service.log")
    }

    // --- the database ------------------------------------------------------------------------

    /// Runs a statement; its rows, columns parted by `|`.
    pub fn run(&self, statement: &str) -> String {
        match &self.database {
            Database::Postgres(server) => server.run(statement),
            Database::Sqlite(file) => run_sqlite(file, statement),
        }
    }

    pub fn count(&self, what: &str) -> usize {
        let count = self.run(&format!("select count(*) from {what}"));
        count.parse().unwrap_or_else(|e| panic!("{what}: {count:?}: {e}"))
    }

    /// PostgreSQL stops; SQLite's file is locked by somebody who does not finish, which is who is returned.
    pub fn take_database_away(&mut self) -> Option<Connection> {
        match &mut self.database {
            Database::Postgres(server) => {
                server.stop();
                None
            }
            Database::Sqlite(file) => {
                let lock = Connection::open(&*file).expect("the database opens");
                lock.execute_batch("begin immediate").expect("a lock");
                Some(lock)
            }
        }
    }

    /// With who took it away.
    pub fn bring_database_back(&mut self, lock: Option<Connection>) {
        drop(lock);
        if let Database::Postgres(server) = &mut self.database {
            server.restart();
        }
    }

    // --- points to be held at ----------------------------------------------------------------

    pub fn points(&self) -> &'static [Point] {
        match self.database {
            Database::Postgres(_) => &[Point::Storing, Point::Committing, Point::Publishing, Point::Noting],
            Database::Sqlite(_) => &[Point::Storing, Point::Publishing, Point::Noting],
        }
    }

    pub fn hold(&self, point: Point) {
        self.run(&format!("insert into test_hold values ('{point:?}')"));
    }

    pub fn release(&self) {
        self.run("delete from test_hold");
    }

    /// Waits until the service is held there.
    pub fn wait_held(&self, point: Point) {
        let before = self.log().len();
        wait_until(&format!("the service to come to {point:?}"), || match &self.database {
            Database::Postgres(_) => self.count("pg_stat_activity where wait_event = 'PgSleep'") > 0,
            Database::Sqlite(_) => self.log()[before..].contains(&format!("held at {point:?}")),
        });
    }

    // --- people ------------------------------------------------------------------------------

    /// Somebody sends a text; waits until the gateway has published it.
    pub fn says(&self, from: &str, text: &str) -> Value {
        self.rig.modem.deliver(from, text);
        self.rig.client.wait_for_json(&format!("the message {text:?} from {from}"), |topic, json| {
            topic.starts_with("sms/received/") && json["from"] == from && json["text"] == text
        })
    }

    /// What the network has for this number, oldest first.
    pub fn answers_to(&self, number: &str) -> Vec<String> {
        let submits = self.rig.modem.submits().into_iter();
        submits.filter(|submit| submit.to == number).map(|submit| submit.text).collect()
    }

    pub fn wait_for_answer(&self, number: &str, count: usize) -> String {
        wait_for(&format!("answer {count} to {number}"), || self.answers_to(number).get(count - 1).cloned())
    }

    /// A message that goes all the way, behind everything before it: what was to be doubled has been by then. Then
    /// no answer waits any more, and all is counted.
    pub fn assert_counts(&self, messages: usize, readings: usize, answers: usize) {
        let marker = format!("+4930{:07}", self.count("messages"));
        self.says(&marker, "marker");
        self.wait_for_answer(&marker, 1);
        wait_until("every answer to be final", || self.count("outbox where not done") == 0);
        let wrong = self.run("select id, state from outbox where state <> 'sent'");
        assert_eq!(wrong, "", "answers that were not sent");
        assert_eq!(self.count("messages where text <> 'marker'"), messages, "messages");
        assert_eq!(self.count("readings"), readings, "readings");
        let sent = self.rig.modem.submits();
        let answered = sent.iter().filter(|submit| !submit.to.starts_with("+4930")).count();
        assert_eq!(answered, answers, "answers in the network: {sent:?}");
        assert_eq!(self.count("outbox"), sent.len(), "each answer is one SMS");
    }
}

impl Language {
    fn program(self, folder: &Path) -> Command {
        let (installed, sources) = (installed("services"), root().join(self.folder()));
        match self {
            Language::Rust => Command::new(installed.join("meter-readings")),
            Language::Python => {
                let mut command = Command::new(installed.join("python/bin/python"));
                // It writes nothing beside the sources.
                command.arg("-B").arg(sources.join("service.py"));
                command
            }
            Language::Node => {
                // Node looks for packages beside the sources.
                let beside = folder.join("node");
                if !beside.exists() {
                    copy(&sources, &beside);
                    let packages = installed.join("node/node_modules");
                    symlink(packages, beside.join("node_modules")).expect("a link to the packages");
                }
                let mut command = Command::new("node");
                command.arg(beside.join("service.js"));
                command
            }
        }
    }

    /// From the workspace's folder.
    fn folder(self) -> &'static str {
        match self {
            Language::Python => "examples/meter-readings-python",
            Language::Rust => "examples/meter-readings-rust",
            Language::Node => "examples/meter-readings-node",
        }
    }
}

/// Copies sources, and nothing that was made of them.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder for a copy");
    for entry in fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())) {
        let path = entry.expect("a folder entry").path();
        let name = path.file_name().expect("a file name");
        if path.is_file() {
            fs::copy(&path, to.join(name)).expect("a copy");
        } else if !["target", "node_modules", ".venv", "__pycache__"].iter().any(|made| name == *made) {
            copy(&path, &to.join(name));
        }
    }
}

impl Database {
    fn create(language: Language, folder: &Path) -> Self {
        let schema = |path: &str| {
            let path = root().join(language.folder()).join(path);
            fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        };
        match language {
            Language::Rust => {
                let file = folder.join("meters.sqlite");
                let db = Connection::open(&file).expect("a database");
                db.execute_batch(&schema("src/schema.sql")).expect("the example's schema");
                db.execute_batch(&sqlite_triggers()).expect("the test's triggers");
                Database::Sqlite(file)
            }
            Language::Python | Language::Node => {
                let server = Postgres::start();
                server.run(&schema("schema.sql"));
                server.run(POSTGRES_TRIGGERS);
                Database::Postgres(server)
            }
        }
    }

    fn setting(&self) -> (&'static str, String) {
        match self {
            Database::Postgres(server) => ("DATABASE_URL", server.url()),
            Database::Sqlite(file) => ("DATABASE_FILE", file.display().to_string()),
        }
    }
}

const POSTGRES_TRIGGERS: &str = "
    create table test_hold (point text not null);
    create function test_wait() returns trigger language plpgsql as $$
        begin
            while exists (select from test_hold where point = tg_argv[0]) loop perform pg_sleep(0.02); end loop;
            return new;
        end $$;
    create trigger test_storing before insert on readings for each row execute function test_wait('Storing');
    create constraint trigger test_committing after insert on readings deferrable initially deferred
        for each row execute function test_wait('Committing');
    create trigger test_publishing before update of publish_at on outbox
        for each row execute function test_wait('Publishing');
    create trigger test_noting before update of state on outbox for each row execute function test_wait('Noting');";

fn sqlite_triggers() -> String {
    let trigger = |(point, when): (Point, &str)| {
        format!(
            "create trigger test_{point:?} before {when} when exists (select 1 from test_hold where point = '{point:?}')
             begin select raise(abort, 'held at {point:?}'); end;"
        )
    };
    let triggers = [
        (Point::Storing, "insert on readings"),
        (Point::Publishing, "update of publish_at on outbox"),
        (Point::Noting, "update of state on outbox"),
    ];
    format!("create table test_hold (point text not null);{}", triggers.map(trigger).concat())
}

fn run_sqlite(file: &Path, statement: &str) -> String {
    let db = Connection::open(file).expect("the database opens");
    db.busy_timeout(std::time::Duration::from_secs(30)).expect("patience");
    let mut statement = db.prepare(statement).unwrap_or_else(|e| panic!("{statement}: {e}"));
    let columns = statement.column_count();
    let mut rows = statement.query([]).expect("a query");
    let mut lines = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        let cell = |column| match row.get::<_, rusqlite::types::Value>(column).expect("a value") {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => panic!("neither a number nor a text: {other:?}"),
        };
        lines.push((0..columns).map(cell).collect::<Vec<_>>().join("|"));
    }
    lines.join("\n")
}
