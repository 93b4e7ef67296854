//! Random operations from a printed seed, the store opened again after every few: whatever their order, what is
//! promised holds. To repeat a failure, put its seed first in `SEEDS`.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::failure::{Failure, FailureCode};
use crate::verdict::Verdict;

const SEEDS: std::ops::Range<u64> = 1..13;
const STEPS: u32 = 120;
const MODEMS: [&str; 3] = ["main", "attic", "cellar"];

/// A gateway without modems: it does what modem tasks do, in any order.
struct Gateway {
    fixture: StoreFixture,
    rng: fastrand::Rng,
    now: UnixMs,
    asked: BTreeSet<(String, String)>,
    /// The message each modem has claimed.
    claims: BTreeMap<&'static str, Claim>,
    /// Parts the network accepted: modem, TP-MR, recipient, when.
    sent_parts: Vec<(&'static str, u8, String, UnixMs)>,
    /// PDUs on SIMs: the text each belongs to is in `texts`.
    slots: BTreeMap<u16, String>,
    texts: BTreeSet<String>,
    mr: u8,
}

impl Gateway {
    fn new(seed: u64) -> Gateway {
        let mut rng = fastrand::Rng::with_seed(seed);
        let on_unknown = rng.choice([OnUnknown::Resend, OnUnknown::Report]).unwrap();
        Gateway {
            fixture: StoreFixture::with(|config| config.outbound.on_unknown = on_unknown),
            rng,
            now: T0,
            asked: BTreeSet::new(),
            claims: BTreeMap::new(),
            sent_parts: Vec::new(),
            slots: BTreeMap::new(),
            texts: BTreeSet::new(),
            mr: 0,
        }
    }

    async fn step(&mut self) {
        self.now += 1 + self.rng.i64(0..20) * SECOND;
        match self.rng.u64(..15) {
            0 | 1 => self.admit().await,
            2..=4 => self.work().await,
            5 => self.cancel().await,
            6 | 7 => self.receive_report().await,
            8 | 9 => self.arrive(),
            10 | 11 => self.sweep().await,
            12 => assert!(self.fixture.store().process_due(self.now).await.unwrap()),
            13 => self.park_and_restore().await,
            _ => self.restart().await,
        }
    }

    async fn admit(&mut self) {
        let id = format!("r{}", self.rng.u64(..40));
        let to: BTreeSet<&str> = [ALICE, BOB].into_iter().take(self.rng.usize(1..=2)).collect();
        let asked = Request {
            to: to.iter().copied().map(recipient).collect(),
            fingerprint: "one fingerprint for all, so that a repeated id is a duplicate".to_owned(),
            delivery_report: self.rng.bool(),
            expires_at: (self.rng.u64(..4) == 0).then_some(self.now + 5 * MINUTE),
            priority: self.rng.u8(..3),
            send_at: (self.rng.u64(..4) == 0).then_some(self.now + MINUTE),
            ..in_parts(self.rng.u8(1..=3), request(&id, ALICE))
        };
        if self.fixture.admit(asked, self.now).await == Admitted::New {
            self.asked.extend(to.iter().map(|to| (id.clone(), (*to).to_owned())));
        }
    }

    async fn cancel(&mut self) {
        let id = format!("r{}", self.rng.u64(..40));
        self.fixture.store().cancel(id, self.now).await.unwrap();
    }

    /// A modem claims, or sends what it has claimed.
    async fn work(&mut self) {
        let modem = self.rng.choice(MODEMS).unwrap();
        let Some(claim) = self.claims.remove(modem) else {
            if let Some(claim) = self.fixture.claim_for(modem, modem, self.now).await {
                self.claims.insert(modem, claim);
            }
            return;
        };
        for sequence in claim.open_parts.clone() {
            let store = self.fixture.store();
            let (name, sim) = (named(modem), modem.to_owned());
            store.submitting(claim.message, sequence, name, sim, self.now).await.unwrap();
            if self.rng.u64(..3) == 0 {
                return self.fail_part(modem, &claim, sequence).await;
            }
            self.mr = self.mr.wrapping_add(1);
            store.submitted(claim.message, sequence, Some(self.mr), self.now).await.unwrap();
            self.sent_parts.push((modem, self.mr, claim.to.clone(), self.now));
        }
    }

    /// The network did not accept the part, the connection to the modem broke, or the modem began a new session.
    async fn fail_part(&mut self, modem: &'static str, claim: &Claim, sequence: u8) {
        let why = Failure::transient(FailureCode::Cms(42), "congestion");
        let delay = Duration::from_secs(self.rng.u64(..60));
        let store = self.fixture.store();
        let verdict = match self.rng.u64(..6) {
            0 => Verdict::Retry(delay, why),
            1 => Verdict::Reroute(delay, why),
            2 => Verdict::GiveUp(why),
            3 => Verdict::AskPolicy(Duration::ZERO, why),
            4 => Verdict::Interrupted,
            _ => return assert_eq!(store.release(Some(named(modem)), self.now).await.unwrap(), 1),
        };
        store.not_submitted(claim.message, sequence, named(modem), verdict, self.now).await.unwrap();
    }

    /// A report on any part ever sent, perhaps for the second time.
    async fn receive_report(&mut self) {
        if self.sent_parts.is_empty() {
            return;
        }
        let (modem, mr, to, at) = self.rng.choice(&self.sent_parts).unwrap().clone();
        let status = self.rng.choice([DELIVERED, DELIVERED, STILL_TRYING, GIVEN_UP]).unwrap();
        let pdu = status_report(mr, &to, at, 4, status);
        let report = IncomingPdu { sim: modem.to_owned(), ..incoming(None, &pdu, self.now) };
        let accepted = self.fixture.store().accept(report).await.unwrap();
        assert!(matches!(accepted, Accepted::Report | Accepted::Known { .. }), "{accepted:?}");
    }

    /// The network puts a message's parts into free slots, in any order, some twice.
    fn arrive(&mut self) {
        let number = self.texts.len();
        let text = format!("{number:04} {}", "x".repeat(self.rng.usize(..300)));
        let mut pdus = delivers(ALICE, &text, number as u8, self.now);
        if pdus.len() > 1 && self.rng.u64(..3) == 0 {
            pdus.push(pdus[0].clone());
        }
        self.rng.shuffle(&mut pdus);
        for pdu in pdus {
            let free = (0..).find(|slot| !self.slots.contains_key(slot)).unwrap();
            self.slots.insert(free, pdu);
        }
        self.texts.insert(text);
    }

    /// A sweep that may be cut off after each of its steps.
    async fn sweep(&mut self) {
        let found: Vec<Slot> = self.slots.keys().map(|slot| sm(*slot).unwrap()).collect();
        let store = self.fixture.store().clone();
        store.swept(SIM.to_owned(), vec!["SM".to_owned()], found.clone()).await.unwrap();
        let mut cleared = Vec::new();
        for slot in found {
            store.accept(incoming(Some(slot.clone()), &self.slots[&slot.index], self.now)).await.unwrap();
            if self.rng.u64(..6) == 0 {
                return;
            }
            self.slots.remove(&slot.index);
            cleared.push(slot);
        }
        if self.rng.u64(..3) > 0 {
            store.slots_deleted(SIM.to_owned(), cleared).await.unwrap();
        }
    }

    /// The broker refuses a row, and a person has it offered again.
    async fn park_and_restore(&mut self) {
        let rows = self.fixture.store().pending(Cursor::default(), 1).await.unwrap().0;
        let Some(row) = rows.first() else { return };
        self.fixture.store().park(row.id, "refused".to_owned(), T0).await.unwrap();
        assert_eq!(self.fixture.checked_depth().await.parked, 1);
        self.fixture.change("UPDATE outbox SET parked = 0");
    }

    /// The process ends, perhaps with rows to publish, and comes back.
    async fn restart(&mut self) {
        if self.rng.bool() {
            self.fixture.drain().await;
        }
        self.claims.clear();
        self.fixture.reopen();
        self.check_avoided_by();
        self.fixture.checked_depth().await;
        self.fixture.store().release(None, self.now).await.unwrap();
    }

    /// What is noted beside each message is what its rows in `avoid` say.
    fn check_avoided_by(&self) {
        let wrong = "SELECT count(*) FROM message m WHERE avoided_by <> coalesce(
                       (SELECT group_concat(a.modem, ' ' ORDER BY a.modem) FROM avoid a WHERE a.message_id = m.id), '')";
        assert_eq!(self.fixture.sql::<i64>(wrong), 0);
    }

    /// Everything that waits goes on until nothing is left to do.
    async fn settle(&mut self) {
        self.restart().await;
        while !self.slots.is_empty() {
            self.sweep().await;
        }
        for _ in 0..600 {
            self.now += MINUTE;
            self.work().await;
        }
        self.restart().await;
        self.fixture.store().process_due(self.now + DAY).await.unwrap();
        self.fixture.checked_depth().await;
        self.fixture.drain().await;
        assert_eq!(self.fixture.checked_depth().await, QueueDepth::default());
    }

    fn on(&self, topic: &str) -> Vec<Value> {
        self.fixture.published.iter().filter(|row| row.topic == topic).map(|row| json(&row.payload)).collect()
    }

    /// Each recipient's results: `accepted` first, one final one, last, and none twice.
    fn check_results(&self) {
        let mut histories: BTreeMap<(String, String), Vec<(String, bool)>> = BTreeMap::new();
        for result in self.on("sms/result") {
            if result["duplicate"] == true || result["error"]["code"] == "too-late" {
                continue;
            }
            let word = |key: &str| result[key].as_str().unwrap().to_owned();
            let step = (word("state"), result["final"].as_bool().unwrap());
            histories.entry((word("id"), word("to"))).or_default().push(step);
        }
        assert_eq!(histories.keys().cloned().collect::<BTreeSet<_>>(), self.asked, "each was answered");
        for (whose, history) in histories {
            let finals = history.iter().filter(|(_, is_final)| *is_final).count();
            let (last, is_final) = history.last().unwrap();
            assert_eq!((finals, *is_final), (1, true), "one final result for {whose:?}: {history:?}");
            assert_eq!(history[0], ("accepted".to_owned(), false), "{whose:?}: {history:?}");
            let between = &history[1..history.len() - 1];
            assert!(between.is_empty() || *between == [("sent".to_owned(), false)], "{whose:?}: {history:?}");
            let after_sent = ["delivered", "failed", "sent"].contains(&last.as_str());
            assert!(between.is_empty() || after_sent, "{whose:?}: {history:?}");
        }
    }

    /// Each message that reached a SIM was published once, complete, under an id of its own.
    fn check_received(&self) {
        let received = self.on("sms/received/main");
        let ids: BTreeSet<_> = received.iter().map(|m| m["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), received.len(), "one publish an id");
        let texts: Vec<_> = received.iter().map(|m| m["text"].as_str().unwrap().to_owned()).collect();
        assert_eq!(texts.iter().cloned().collect::<BTreeSet<_>>(), self.texts, "all came through");
        assert_eq!(texts.len(), self.texts.len(), "none came twice");
        assert!(received.iter().all(|m| m["complete"] == true));
    }
}

#[tokio::test]
async fn whatever_the_order_nothing_is_lost_doubled_or_taken_back() {
    for seed in SEEDS {
        println!("seed {seed}");
        let mut gateway = Gateway::new(seed);
        for _ in 0..STEPS {
            gateway.step().await;
        }
        gateway.settle().await;
        gateway.check_results();
        gateway.check_received();
    }
}
