//! What a power cut would leave: nothing was deleted or acknowledged before it was on disk.
//!
//! Two halves of one proof. The store as it is on disk at any instant holds everything the SIM or
//! the broker may forget; and it was synced to disk before they may.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::broker::find;
use crate::harness::modem::ModemOptions;
use crate::harness::mqtt_packets::{Packet, Reader};
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::seed::Seed;
use crate::harness::wait::wait_until;

const STOPS: usize = 40;

#[test]
fn the_store_always_holds_what_was_deleted_or_acknowledged() {
    let mut seed = Seed::from_environment();
    let mut rig = Rig::start();
    let (mut deliveries, mut requests) = (Seed::with(seed.next()), Seed::with(seed.next()));
    // In the order the network hands them to the modem: PDU and the text it belongs to.
    let incoming: Vec<(String, String)> = (0..STOPS * 20)
        .flat_map(|n| {
            let text =
                format!("{n} {}", "Съешь ещё этих мягких булок. ".repeat(if n % 7 == 0 { 5 } else { 1 }));
            let text = text.trim_end().to_owned();
            let parts = rig.modem.parts(&format!("+7921{:07}", n % 5), &text, n as u16);
            parts.into_iter().map(move |pdu| (pdu.to_ascii_uppercase(), text.clone()))
        })
        .collect();
    let over = AtomicBool::new(false);
    let is_over = || over.load(Ordering::SeqCst);
    let Rig { gateway, modem, client, proxy, .. } = &rig;
    let store = rig.gateway.config_path().with_file_name("store");
    let (mut deleted_seen, mut acknowledged_seen) = (0, 0);
    scope(|scope| {
        scope.spawn(|| {
            for (pdu, _) in &incoming {
                if is_over() {
                    return;
                }
                modem.deliver_pdu(pdu);
                sleep(deliveries.millis(0..20));
            }
        });
        scope.spawn(|| {
            let mut n = 0;
            while !is_over() {
                let request = json!({"id": format!("power-{n}"), "to": "+4915100000002", "text": "x"});
                client.publish("sms/send", request.to_string());
                n += 1;
                sleep(requests.millis(5..60));
            }
        });
        let _over = End(&over);
        for _ in 0..STOPS {
            sleep(seed.millis(20..200));
            gateway.pause();
            let deleted = deleted(&modem.journal(), &modem.stored_pdus(), &incoming);
            let acknowledged: Vec<String> = {
                let record = proxy.record();
                let requests = record.to_gateway.iter().filter(|crossing| crossing.acknowledged.is_some());
                requests.map(|crossing| id_of(&crossing.publish.payload)).collect()
            };
            let copy = copy(&store);
            gateway.resume();
            let found = Found::read(copy.path());
            for (pdu, text) in &deleted {
                assert!(
                    found.parts.contains(*pdu) || found.texts.contains(*text),
                    "lost with its slot: {text}"
                );
            }
            for id in &acknowledged {
                assert!(found.requests.contains(id), "lost though acknowledged: {id}");
            }
            (deleted_seen, acknowledged_seen) = (deleted.len(), acknowledged.len());
        }
    });
    println!(
        "{STOPS} stops; at the last {deleted_seen} slots deleted, {acknowledged_seen} requests acknowledged"
    );
    assert!(deleted_seen > STOPS && acknowledged_seen > STOPS, "there was a load worth the name");
    assert_eq!(code(rig.gateway.stop()), 0);
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What arrived on the SIM and is no longer there. The network hands PDUs over in order, and the journal shows each.
fn deleted<'a>(
    journal: &[String],
    stored: &[String],
    incoming: &'a [(String, String)],
) -> Vec<(&'a str, &'a str)> {
    let arrived = journal.iter().filter(|line| line.contains(" stored in ")).count();
    let mut on_sim: HashMap<&str, usize> = HashMap::new();
    for pdu in stored {
        *on_sim.entry(pdu).or_default() += 1;
    }
    let arrived = &incoming[..arrived];
    arrived
        .iter()
        .filter(|(pdu, _)| !on_sim.contains_key(pdu.as_str()))
        .map(|(pdu, text)| (pdu.as_str(), text.as_str()))
        .collect()
}

/// The files as a power cut would leave them; what is only in memory is not copied.
fn copy(store: &Path) -> TempDir {
    let folder = TempDir::with_prefix("smsbridge-copy-").expect("a temporary folder");
    for name in ["smsbridge.sqlite", "smsbridge.sqlite-wal"] {
        if store.join(name).exists() {
            fs::copy(store.join(name), folder.path().join(name)).expect("the store can be copied");
        }
    }
    folder
}

struct Found {
    texts: HashSet<String>,
    parts: HashSet<String>,
    requests: HashSet<String>,
}

impl Found {
    fn read(folder: &Path) -> Self {
        let store = Connection::open(folder.join("smsbridge.sqlite")).expect("the copy opens");
        let whole: String = store.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
        assert_eq!(whole, "ok", "the copy is whole");
        let column = |sql: &str| -> Vec<String> {
            let mut query = store.prepare(sql).expect("a table");
            let rows = query.query_map([], |row| row.get(0)).expect("rows");
            rows.map(|row| row.expect("a row")).collect()
        };
        let text = |event: String| {
            let event: Value = serde_json::from_str(&event).expect("a stored event");
            let message = &event["event"]["received"]["content"]["message"];
            message["text"].as_str().unwrap_or_default().to_owned()
        };
        Self {
            texts: column("SELECT event FROM received").into_iter().map(text).collect(),
            parts: column("SELECT upper(pdu) FROM part").into_iter().collect(),
            requests: column("SELECT id FROM request").into_iter().collect(),
        }
    }
}

fn id_of(payload: &[u8]) -> String {
    let json: Value = serde_json::from_slice(payload).expect("our own request");
    json["id"].as_str().expect("our own id").to_owned()
}

const ROUNDS: usize = 12;

#[test]
fn the_sync_comes_before_every_delete_and_every_acknowledgement() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let folder = TempDir::with_prefix("smsbridge-strace-").expect("a temporary folder");
    let log = folder.path().join("trace");
    let strace = find("strace").display().to_string();
    let calls = "trace=fdatasync,fsync,write,writev,sendto,sendmsg,pwrite64";
    // -D: the gateway stays our child. -xx: every octet in hex, -s: and all of them.
    let log_path = log.display().to_string();
    rig.gateway.start_by(&[&strace, "-D", "-f", "-y", "-xx", "-s", "200000", "-e", calls, "-o", &log_path]);
    rig.wait_online();
    for n in 0..ROUNDS {
        // One after the other, so that each delete and acknowledgement belongs to one message.
        let deleted = rig.modem.typed("AT+CMGD");
        rig.modem.deliver("+4915100000001", &format!("traced message {n}"));
        rig.wait_for_received(&format!("traced message {n}"));
        wait_until("the slot to be deleted", || rig.modem.typed("AT+CMGD") > deleted);
        rig.request(&json!({"id": format!("traced-request-{n}"), "to": "+4915100000002", "text": "x"}));
        rig.client.wait_for_result(&format!("traced-request-{n}"), "sent");
    }
    assert_eq!(code(rig.gateway.stop()), 0);

    let trace = Trace::read(&log);
    let typed = rig.modem.typed("AT+CMGD");
    assert_eq!(trace.deletes.len(), typed, "deletes in the trace, and those the modem read");
    assert_eq!(typed, ROUNDS, "deletes typed");
    let requests: Vec<u16> =
        rig.proxy.record().to_gateway.iter().map(|crossing| crossing.publish.packet_id).collect();
    assert_eq!(requests.len(), ROUNDS, "requests delivered");
    for (n, request) in requests.iter().enumerate() {
        let synced = trace.synced(&format!("traced message {n}\""));
        assert!(
            synced < trace.deletes[n],
            "message {n}: on disk at {synced}, deleted at {}",
            trace.deletes[n]
        );
        let synced = trace.synced(&format!("traced-request-{n}\""));
        let acknowledged = trace.acknowledgements[request];
        assert!(synced < acknowledged, "request {n}: on disk at {synced}, acknowledged at {acknowledged}");
    }
}

/// The gateway's system calls, by line of the trace.
#[derive(Default)]
struct Trace {
    /// What was written to the write-ahead log.
    written: Vec<(usize, Vec<u8>)>,
    /// Syncs of it that had returned.
    syncs: Vec<usize>,
    /// `AT+CMGD` at the modem.
    deletes: Vec<usize>,
    /// PUBACKs to the broker, by packet id.
    acknowledgements: HashMap<u16, usize>,
}

impl Trace {
    fn read(log: &Path) -> Self {
        let text = fs::read_to_string(log).expect("strace wrote its log; may it trace here?");
        let mut trace = Self::default();
        // A call another thread came between is printed in two lines: what it writes counts from its first line, a sync
        // from its last.
        let mut syncing: HashSet<&str> = HashSet::new();
        let mut sockets: HashMap<String, Reader> = HashMap::new();
        for (number, line) in text.lines().enumerate() {
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            let rest = rest.trim_start();
            if rest.starts_with("<... f") {
                if syncing.remove(thread) {
                    trace.syncs.push(number);
                }
                continue;
            }
            // Nothing was written: it is tried again.
            if rest.contains(" = -1 EAGAIN") {
                continue;
            }
            let Some((call, rest)) = rest.split_once('(') else { continue };
            let Some((file, rest)) = rest.split_once('>') else { continue };
            let file = file.split_once('<').map_or("", |(_, path)| path);
            let is_log = unhex(file).ends_with(b"-wal");
            match call {
                "fdatasync" | "fsync" if is_log && rest.contains("unfinished") => {
                    syncing.insert(thread);
                }
                "fdatasync" | "fsync" if is_log => trace.syncs.push(number),
                "pwrite64" | "write" if is_log => trace.written.push((number, unhex(rest))),
                "write" | "writev" | "sendto" | "sendmsg" => {
                    let octets = unhex(rest);
                    if octets.starts_with(b"AT+CMGD") {
                        trace.deletes.push(number);
                    } else if file.contains("socket")
                        || unhex(file).starts_with(b"socket")
                        || file.contains("TCP")
                    {
                        trace.sent_to_broker(number, &octets, sockets.entry(file.to_owned()).or_default());
                    }
                }
                _ => {}
            }
        }
        trace
    }

    fn sent_to_broker(&mut self, number: usize, octets: &[u8], reader: &mut Reader) {
        reader.push(octets);
        while let Ok(Some(packet)) = reader.next_packet() {
            if let Packet::Puback { packet_id, .. } = packet {
                self.acknowledgements.entry(packet_id).or_insert(number);
            }
        }
    }

    /// Where a text was first on disk: the sync that follows its first write into the log.
    fn synced(&self, text: &str) -> usize {
        let text = text.as_bytes();
        let holds = |octets: &[u8]| octets.windows(text.len()).any(|window| window == text);
        let written = self.written.iter().find(|(_, octets)| holds(octets)).map(|(number, _)| *number);
        let written =
            written.unwrap_or_else(|| panic!("{} was never written", String::from_utf8_lossy(text)));
        self.syncs.iter().copied().find(|sync| *sync > written).unwrap_or(usize::MAX)
    }
}

/// The octets of `\x41\x54`, wherever they are in `text`.
fn unhex(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).filter_map(|hex| u8::from_str_radix(hex.get(..2)?, 16).ok()).collect()
}
