//! What those who look on cost: a burst of messages with twenty pages open, and with nothing listening at all.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::harness::http::{Watcher, ask};
use crate::harness::ports::free_port;
use crate::harness::rig::{Rig, json};
use crate::harness::wait::{wait_at_most, wait_until};

const PAGES: usize = 20;
const MESSAGES: usize = 1000;
const MIB: u64 = 1024 * 1024;

/// What page and metrics may take, with a page open.
const MAX_MEMORY: u64 = 3 * MIB;

/// What one more open page may take: its connections, and what is on its way to it.
const MAX_PAGE: u64 = MIB / 4;

/// What another burst may take once the caches are full.
const MAX_GROWTH: u64 = MIB;

/// Longer than a burst takes on a busy machine.
const BURST_TIMEOUT: Duration = Duration::from_secs(300);

/// A page that watches, and asks for its lists each second as one does that has missed something. Its end tells which
/// texts it was told, and whether it was told of a gap.
fn open_page(address: SocketAddr, is_over: Arc<AtomicBool>) -> JoinHandle<(BTreeSet<String>, bool)> {
    let mut watcher = Watcher::start(address, "/api/events", "");
    let asking = thread::spawn(move || {
        while !is_over.load(Ordering::Relaxed) {
            for path in ["/api/messages", "/api/queue", "/api/status", "/metrics"] {
                assert_eq!(ask(address, "GET", path, &[]).status, 200, "{path}");
            }
            thread::sleep(Duration::from_secs(1));
        }
    });
    thread::spawn(move || {
        watcher.wait_for("received", |message| message["text"] == "the last one");
        asking.join().expect("its lists");
        let texts = watcher.seen.iter().filter(|event| event.kind == "received");
        let texts = texts.map(|event| event.json()["text"].as_str().expect("a text").to_owned());
        (texts.collect(), watcher.seen.iter().any(|event| event.kind == "gap"))
    })
}

/// Receives a burst of that name; the memory the gateway takes when all of it is published.
fn burst(rig: &Rig, name: &str) -> u64 {
    let (before, began) = (rig.published("sms/received/").len(), Instant::now());
    for n in 0..MESSAGES {
        rig.modem.deliver("+4915100000001", &format!("{name}, message {n}, as long as people write them"));
        if n % 100 == 99 {
            wait_until("the modem to be emptied", || rig.modem.queued() == 0);
        }
    }
    let is_published = || rig.published("sms/received/").len() >= before + MESSAGES;
    wait_at_most(BURST_TIMEOUT, "all to be published", || is_published().then_some(()));
    let memory = rig.gateway.memory();
    println!("{name}: {:.1} MiB, {:.1} s", memory as f64 / MIB as f64, began.elapsed().as_secs_f64());
    memory
}

#[test]
fn twenty_pages_and_a_burst_disturb_neither_delivery_nor_memory() {
    let off = burst(&Rig::start(), "off");
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let rig = Rig::with(|config| config.set("http", "listen", address.to_string()));
    rig.gateway.wait_for_log(&["listening at", &address.to_string()]);
    let is_over = Arc::new(AtomicBool::new(false));
    let open = || open_page(address, Arc::clone(&is_over));
    let mut pages = vec![open()];
    let on = burst(&rig, "one page");
    assert!(on < off + MAX_MEMORY, "memory: {off} octets without pages, {on} with one");
    pages.extend((1..PAGES).map(|_| open()));
    let many = burst(&rig, "twenty pages");
    assert!(many < on + MAX_PAGE * PAGES as u64, "memory: {on} octets with one page, {many} with {PAGES}");
    let again = burst(&rig, "twenty pages again");
    assert!(again < many + MAX_GROWTH, "memory: {many} octets after a burst, {again} after another");

    rig.modem.deliver("+4915100000001", "the last one");
    is_over.store(true, Ordering::Relaxed);
    for (n, page) in pages.into_iter().enumerate() {
        let (texts, has_gap) = page.join().expect("a page");
        let expected = MESSAGES * if n == 0 { 3 } else { 2 } + 1;
        assert!(has_gap || texts.len() == expected, "page {n} saw {} messages and no gap", texts.len());
    }
    let published = rig.published("sms/received/");
    let ids: BTreeSet<String> =
        published.iter().map(|crossing| json(&crossing.publish)["id"].to_string()).collect();
    assert_eq!((published.len(), ids.len()), (3 * MESSAGES + 1, 3 * MESSAGES + 1), "each is published once");
}
