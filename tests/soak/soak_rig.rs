//! Owns everything one phase runs on: two modems, gateway, proxy, broker and a user's client, in a folder of its own.

use std::path::Path;
use std::time::{Duration, Instant};

use smsbridge_simulator::{Message, Notice, Options, Reports, Simulator, VendorProfile, pty};
use tempfile::TempDir;

use super::load::{Incoming, MODEMS};
use crate::harness::broker::{Broker, Login};
use crate::harness::client::Client;
use crate::harness::gateway::{Config, Gateway};
use crate::harness::proxy::Proxy;
use crate::harness::seed::Seed;
use crate::harness::wait::wait_until;

/// A modem of a vendor drawn by the seed.
pub struct Modem {
    pub simulator: Simulator,
    pub profile: &'static str,
    /// When its clock began.
    pub started: Instant,
    link: String,
    /// Held for its end: it closes the terminal and removes the link.
    _port: pty::Port,
}

impl Modem {
    fn start(folder: &Path, number: u32, seed: &mut Seed) -> Self {
        let profiles = VendorProfile::all();
        let profile = profiles[seed.below(profiles.len() as u64) as usize].clone();
        let name = profile.name;
        let early = seed.below(4) == 0;
        let is_slow = seed.below(4) == 0;
        let mut slow = |range| if is_slow { seed.millis(range) } else { Duration::ZERO };
        let (sim_time, sms_time) = (slow(0..400), slow(0..900));
        let options = Options {
            profile: VendorProfile { text_mode: seed.below(2) == 0, ..profile },
            sim_time,
            sms_time,
            seed: seed.next(),
            loopback: false,
            submit_delay: seed.millis(10..60),
            reports: if early { Reports::BeforeAnswer(0) } else { Reports::After(0) },
            report_delay: seed.millis(0..800),
            boot_time: seed.millis(50..600),
            ..Options::numbered(number)
        };
        let simulator = Simulator::new(options);
        let started = Instant::now();
        let path = folder.join(format!("modem-{number}"));
        let port = pty::spawn(&simulator, path.clone()).expect("a pseudo-terminal");
        Self { simulator, profile: name, started, link: path.display().to_string(), _port: port }
    }

    /// What the network hands over for a message, part by part.
    pub fn pdus(&self, incoming: &Incoming) -> Vec<String> {
        let message = Message {
            reference: incoming.reference,
            wide: incoming.wide,
            ucs2: incoming.ucs2,
            ..Message::default()
        };
        let parts = self.simulator.parts(incoming.from, &incoming.text, &message);
        parts.expect("a text that can be sent")
    }

    /// What lies on it and waits for it, in words.
    pub fn left(&self) -> String {
        let stored = self.simulator.stored();
        format!("{}: {} wait in the network, stored are {stored:?}", self.profile, self.simulator.waiting())
    }

    /// Nothing waits in the network and nothing lies on the SIM.
    pub fn is_empty(&self) -> bool {
        self.simulator.waiting() == 0 && self.simulator.stored().is_empty()
    }

    pub fn heal(&self) {
        self.simulator.clear_faults();
        self.simulator.set_notice(Notice::Right);
        self.simulator.set_registration(1);
        self.simulator.set_sim_present(true);
        self.simulator.plug();
        wait_until("the modem's path to be there", || Path::new(&self.link).symlink_metadata().is_ok());
    }
}

/// Fields end in this order: the gateway before what it talks to, the folder last.
pub struct SoakRig {
    pub gateway: Gateway,
    pub modems: [Modem; 2],
    pub client: Client,
    pub proxy: Proxy,
    pub broker: Broker,
    pub folder: TempDir,
}

impl SoakRig {
    pub fn build(seed: &mut Seed, on_unknown: &str, report_timeout: Duration) -> Self {
        let folder = TempDir::with_prefix("smsbridge-soak-").expect("a temporary folder");
        let broker = Broker::start(folder.path(), None);
        let proxy = Proxy::start(broker.port);
        // It reads nothing: what the gateway says is read from the proxy.
        let client = Client::start(broker.port, "soak-client", Some(&Login::observer()), &[]);
        let modems = [Modem::start(folder.path(), 1, seed), Modem::start(folder.path(), 2, seed)];
        let mut config = Config::new(folder.path(), proxy.port, &modems[0].link);
        config.add_modem(MODEMS[1], &modems[1].link);
        config.set("outbound", "on_unknown", on_unknown);
        config.set("outbound", "report_timeout_s", report_timeout.as_secs() as i64);
        let gateway = Gateway::prepare(folder.path(), &config);
        Self { gateway, modems, client, proxy, broker, folder }
    }

    /// Rows the store still owes to the broker, also those it has set aside. The gateway must not run.
    pub fn owed(&self) -> Vec<String> {
        let path = self.folder.path().join("store/smsbridge.sqlite");
        let store = rusqlite::Connection::open(&path).expect("the store opens");
        let mut query = store
            .prepare("SELECT kind || ' ' || coalesce(event, topic) FROM outbox")
            .expect("an outbox table");
        let rows = query.query_map([], |row| row.get(0)).expect("rows of the outbox");
        rows.map(|row| row.expect("a row of the outbox")).collect()
    }
}
