//! Owns one phase: load in both directions, disturbances around the gateway, kills of the gateway, and the wait until
//! all has settled.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use super::disturbance::{self, Disturbance};
use super::ledger::Ledger;
use super::load;
use super::on_air::Journal;
use super::soak_rig::{Modem, SoakRig};
use super::tally::Tally;
use crate::harness::client::Client;
use crate::harness::gateway::Gateway;
use crate::harness::process::code;
use crate::harness::seed::Seed;

const CRASH_POINTS: [&str; 12] = [
    "in_read",
    "in_committed",
    "in_deleted",
    "publish_sent",
    "publish_acked",
    "request_read",
    "request_committed",
    "submit_claimed",
    "submit_written",
    "submit_answered",
    "submit_committed",
    "report_committed",
];

/// What waits at most, each way: the load is as steady as the gateway's deaths allow, and settling is short.
const BACKLOG_IN: usize = 120;
const BACKLOG_OUT: usize = 150;
/// A user who has not seen `accepted` for so long asks again.
const ASK_AGAIN: Duration = Duration::from_secs(3);
/// Some modems show a report once and to nobody if we are dead: then this time ends the request.
const REPORT_TIMEOUT: Duration = Duration::from_secs(12);
/// Any backoff of a modem and every retry. What is not settled then is a finding.
const SETTLE_LIMIT: Duration = Duration::from_secs(240);

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unknown {
    Resend,
    Report,
}

/// The end of one run of the gateway.
pub struct Death {
    pub at: Instant,
}

#[derive(Clone, Debug)]
pub struct Phase {
    pub number: u64,
    pub seed: u64,
    pub length: Duration,
    pub on_unknown: Unknown,
    pub broker_forgets: bool,
}

/// What the threads of a phase share.
struct Shared {
    ledger: Mutex<Ledger>,
    /// Nothing new is injected any more.
    enough: AtomicBool,
    /// All threads end.
    over: AtomicBool,
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Phase {
    /// Printed before it begins.
    pub fn title(&self) -> String {
        format!(
            "phase {}: seed {}, on_unknown {:?}, a broker that {}",
            self.number,
            self.seed,
            self.on_unknown,
            if self.broker_forgets { "may forget all" } else { "keeps what it saved" }
        )
    }

    pub fn run(&self) -> Tally {
        let mut seed = Seed::with(self.seed);
        let on_unknown = if self.on_unknown == Unknown::Resend { "resend" } else { "report" };
        let mut rig = SoakRig::build(&mut seed, on_unknown, REPORT_TIMEOUT);
        let shared = Shared {
            ledger: Mutex::new(Ledger::new()),
            enough: AtomicBool::new(false),
            over: AtomicBool::new(false),
        };
        let mut journals = [Journal::default(), Journal::default()];
        let mut deaths = Vec::new();
        let mut happened = BTreeMap::new();
        let settled =
            self.run_under_load(&mut rig, &mut seed, &shared, &mut journals, &mut deaths, &mut happened);

        let stopped = code(rig.gateway.stop());
        for (modem, journal) in rig.modems.iter().zip(&mut journals) {
            journal.read(&modem.simulator);
        }
        let mut ledger = shared.ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
        ledger.harvest_all(&mut rig.proxy.record());
        let mut tally = Tally::count(&ledger, &rig, &journals, &deaths, self.on_unknown);
        tally.happened = happened;
        if let Err(why) = settled {
            let left = rig.modems.iter().map(Modem::left).collect::<Vec<_>>().join("\n");
            tally.offend("not settled", &why, left);
        }
        let owed = rig.owed();
        if !owed.is_empty() {
            tally.offend("the store still owes", &format!("{} rows", owed.len()), owed.join("\n"));
        }
        if stopped != 0 {
            tally.offend("SIGTERM ends it otherwise than cleanly", &stopped.to_string(), String::new());
        }
        if let Some(line) = rig.gateway.log().lines().find(|line| line.contains("panicked")) {
            tally.offend("a panic", line, String::new());
        }
        if !tally.offences.is_empty() {
            tally.kept = Some(keep(rig));
        }
        tally
    }

    fn run_under_load(
        &self,
        rig: &mut SoakRig,
        seed: &mut Seed,
        shared: &Shared,
        journals: &mut [Journal; 2],
        deaths: &mut Vec<Death>,
        happened: &mut BTreeMap<String, usize>,
    ) -> Result<(), String> {
        let end = Instant::now() + self.length;
        let SoakRig { gateway, modems, client, proxy, broker, .. } = rig;
        let (modems, client, proxy) = (&*modems, &*client, &*proxy);
        let [mut incoming_seed, mut request_seed, mut disturbance_seed] =
            [(); 3].map(|()| Seed::with(seed.next()));
        let simulators = [modems[0].simulator.clone(), modems[1].simulator.clone()];
        thread::scope(|scope| {
            // Whatever happens here, the other threads must end, or the scope waits for them for ever.
            let _end = EndAll(shared);
            scope.spawn(move || deliver(&mut incoming_seed, shared, modems));
            scope.spawn(move || send_requests(&mut request_seed, shared, client));
            scope.spawn(move || {
                while !shared.over.load(Ordering::SeqCst) {
                    sleep(Duration::from_millis(50));
                    shared.ledger().harvest(&mut proxy.record());
                    for (simulator, journal) in simulators.iter().zip(journals.iter_mut()) {
                        journal.read(simulator);
                    }
                }
            });
            let around = scope.spawn(move || {
                let mut happened = BTreeMap::new();
                let mut deck = Vec::new();
                while Instant::now() < end {
                    if deck.is_empty() {
                        deck = disturbance::deck(&mut disturbance_seed, self.broker_forgets);
                    }
                    sleep(Disturbance::pause(&mut disturbance_seed));
                    let (next, which) =
                        (deck.pop().expect("a full deck"), disturbance_seed.below(2) as usize);
                    shared.ledger().note(&format!("---- {next:?} (a modem's: {which})"));
                    next.happen(&mut disturbance_seed, broker, proxy, client, &modems[which].simulator);
                    *happened.entry(format!("{next:?}")).or_default() += 1;
                }
                happened
            });
            kill_repeatedly(gateway, seed, end, shared, deaths, happened);
            happened.extend(around.join().expect("the disturbances"));
            shared.enough.store(true, Ordering::SeqCst);
            for modem in modems {
                modem.heal();
            }
            shared.ledger().note("---- all is well from now on");
            gateway.start();
            let settled = settle(gateway, shared, modems);
            shared.over.store(true, Ordering::SeqCst);
            settled
        })
    }
}

struct EndAll<'a>(&'a Shared);

impl Drop for EndAll<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}

/// People write to our SIMs, in bursts, as a network delivers what it has kept.
fn deliver(seed: &mut Seed, shared: &Shared, modems: &[Modem; 2]) {
    let mut n = 0;
    while !shared.over.load(Ordering::SeqCst) && !shared.enough.load(Ordering::SeqCst) {
        if shared.ledger().backlog().0 < BACKLOG_IN {
            for _ in 0..=seed.below(12) {
                let incoming = load::incoming(seed, n);
                let modem = &modems[incoming.modem];
                let pdus = modem.pdus(&incoming);
                shared.ledger().inject(&incoming, pdus.clone());
                for pdu in pdus {
                    modem.simulator.deliver_pdu(&pdu);
                }
                n += 1;
            }
        }
        sleep(seed.millis(60..350));
    }
}

/// A user asks, and asks again with the same id until `accepted` is seen.
fn send_requests(seed: &mut Seed, shared: &Shared, client: &Client) {
    let mut n = 0;
    let mut open: Vec<load::Request> = Vec::new();
    while !shared.over.load(Ordering::SeqCst) {
        if !shared.enough.load(Ordering::SeqCst) && shared.ledger().backlog().1 < BACKLOG_OUT {
            let request = load::request(seed, n);
            shared.ledger().ask(&request);
            client.publish(&request.topic, request.body.to_string());
            open.push(request);
            n += 1;
        }
        let again: Vec<&load::Request> = {
            let mut ledger = shared.ledger();
            open.retain(|request| !ledger.asked[&request.id].accepted);
            open.iter()
                .filter(|request| {
                    let asked = ledger.asked.get_mut(&request.id).expect("what was asked");
                    // Of those the gateway acknowledged to the broker every other is never repeated: it owes them.
                    let owed = asked.taken && request.id.ends_with(['0', '2', '4', '6', '8']);
                    let again = !owed && asked.asked_at.elapsed() > ASK_AGAIN;
                    if again {
                        asked.asked_at = Instant::now();
                    }
                    again
                })
                .collect()
        };
        for request in again {
            client.publish(&request.topic, request.body.to_string());
        }
        sleep(seed.millis(20..120));
    }
}

/// Starts and ends the gateway, most runs short, until `end`.
fn kill_repeatedly(
    gateway: &mut Gateway,
    seed: &mut Seed,
    end: Instant,
    shared: &Shared,
    deaths: &mut Vec<Death>,
    happened: &mut BTreeMap<String, usize>,
) {
    let mut points = Vec::new();
    while Instant::now() < end {
        let (life, point) = match seed.below(20) {
            0..8 => {
                if points.is_empty() {
                    points = CRASH_POINTS.to_vec();
                    seed.shuffle(&mut points);
                }
                (Duration::from_secs(4), points.pop())
            }
            // Also while it starts.
            8..10 => (seed.millis(5..500), None),
            10..19 => (seed.millis(300..2000), None),
            // Long enough for some retries.
            _ => (seed.millis(2000..7000), None),
        };
        let at = point.map(|name| format!("{name}:{}", 1 + seed.below(6)));
        let environment: Vec<(&str, &str)> =
            at.iter().map(|at| ("SMSBRIDGE_CRASH_AT", at.as_str())).collect();
        shared.ledger().note(&format!("---- the gateway starts {}", at.as_deref().unwrap_or_default()));
        gateway.start_with(&environment);
        let until = (Instant::now() + life).min(end.max(Instant::now() + Duration::from_millis(5)));
        let mut ended = None;
        while ended.is_none() && Instant::now() < until {
            sleep(Duration::from_millis(2));
            ended = gateway.ended();
        }
        let cause = match ended {
            // Killed by itself, as it was asked to.
            Some(status) if code(status) == 128 + 9 && point.is_some() => point.unwrap_or_default(),
            Some(status) => panic!("the gateway ended by itself with {}: {}", code(status), tail(gateway)),
            None => "a random instant",
        };
        gateway.kill();
        deaths.push(Death { at: Instant::now() });
        *happened.entry(format!("gateway killed at {cause}")).or_default() += 1;
        shared.ledger().note(&format!("---- the gateway was killed at {cause}"));
    }
}

fn settle(gateway: &mut Gateway, shared: &Shared, modems: &[Modem; 2]) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        let backlog = shared.ledger().backlog();
        let unaccepted = shared.ledger().asked.values().filter(|asked| !asked.accepted).count();
        let empty = modems.iter().all(Modem::is_empty);
        if backlog == (0, 0) && unaccepted == 0 && empty {
            // What is acknowledged has still to leave the store; a clean stop waits for it.
            sleep(Duration::from_millis(300));
            return Ok(());
        }
        if let Some(status) = gateway.ended() {
            return Err(format!("the gateway ended by itself with {}", code(status)));
        }
        if begun.elapsed() > SETTLE_LIMIT {
            return Err(format!(
                "after {} s {backlog:?} are open (in, out), {unaccepted} not accepted, the modems are {}",
                SETTLE_LIMIT.as_secs(),
                if empty { "empty" } else { "not empty" }
            ));
        }
        sleep(Duration::from_millis(100));
    }
}

fn tail(gateway: &Gateway) -> String {
    let log = gateway.log();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// The folder of a phase that failed stays: store, logs and configuration are evidence.
fn keep(rig: SoakRig) -> PathBuf {
    let SoakRig { gateway, modems, client, proxy, broker, folder } = rig;
    drop((gateway, modems, client, proxy, broker));
    folder.keep()
}
