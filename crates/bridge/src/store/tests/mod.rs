//! Tests of the store on a real SQLite in a temporary folder, named after the misfortune or the behaviour.
//!
//! The harness is here: a store that can be closed and opened again, real PDUs made by the codec, and a broker that
//! takes all there is to publish.

mod browse;
mod budgets;
#[cfg(unix)]
mod disk_full;
mod due;
mod forget;
mod idle;
mod life;
mod migration;
mod open;
mod outbox;
mod place;
mod query_plans;
mod random;
mod received;
mod references;
mod replies;
mod reports;
mod requests;
mod retention;
mod scale;
mod sending;
mod sims;
mod split;

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;
use smsbridge_codec as codec;
use tempfile::TempDir;

use super::requests::Admitted;
use super::*;
use crate::config::{Inbound, MessageExpiry, OnUnknown, Outbound};
use crate::contact::Contacts;
use crate::event::QueueDepth;
use crate::incoming::{IncomingPdu, IncomingPolicy};
use crate::message::{Name, Slot, UnixMs};
use crate::pdu;
use crate::pdu_fixtures::{delivers, hex, short};
use crate::request::{Body, Content, Origin, Recipient, ReplyTo, Request, Source};
use crate::wire::home_assistant::Discovery;
use crate::wire::topic::Topics;
use crate::wire::{Publish, Wire};

/// The store's file in its folder.
const FILE: &str = "smsbridge.sqlite";

/// When each test begins: 2026-11-22T07:15:35Z.
const T0: UnixMs = 1_795_331_735_000;
const SECOND: UnixMs = 1000;
const MINUTE: UnixMs = 60 * SECOND;
const HOUR: UnixMs = 60 * MINUTE;
const DAY: UnixMs = 24 * HOUR;

const SIM: &str = "8949000000000000017";
const ALICE: &str = "+4915112345678";
const BOB: &str = "+79211234567";

/// A store, what its broker has had so far, and how to open it again.
struct StoreFixture {
    folder: TempDir,
    config: StoreConfig,
    open: Option<(Store, StoreThread)>,
    published: Vec<Publish>,
}

impl StoreFixture {
    fn new() -> StoreFixture {
        StoreFixture::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut StoreConfig)) -> StoreFixture {
        let mut config = config();
        change(&mut config);
        let folder = tempfile::tempdir().unwrap();
        let open = Store::open(folder.path(), config.clone()).unwrap();
        StoreFixture { folder, config, open: Some(open), published: Vec::new() }
    }

    fn store(&self) -> &Store {
        &self.open.as_ref().unwrap().0
    }

    fn close(&mut self) {
        if let Some((store, thread)) = self.open.take() {
            drop(store);
            thread.join();
        }
    }

    /// Closes the file and opens it again, as after a restart.
    fn reopen(&mut self) {
        self.close();
        self.open = Some(Store::open(self.folder.path(), self.config.clone()).unwrap());
    }

    /// A connection of its own to the file.
    fn connection(&self) -> Connection {
        Connection::open(self.folder.path().join(FILE)).unwrap()
    }

    fn sql<T: rusqlite::types::FromSql>(&self, query: &str) -> T {
        self.connection().query_row(query, [], |row| row.get(0)).unwrap()
    }

    /// Changes the file behind the store's back.
    fn change(&self, sql: &str) {
        self.connection().execute_batch(sql).unwrap();
    }

    /// How much waits, as the store says and as its rows say.
    async fn checked_depth(&self) -> QueueDepth {
        let kept = self.store().depth().await.unwrap();
        let count = |table: &str, condition: &str| {
            self.sql::<u32>(&format!("SELECT count(*) FROM {table} WHERE {condition}"))
        };
        let counted = QueueDepth {
            publish: count("outbox", "parked = 0"),
            parked: count("outbox", "parked = 1"),
            send: count("message", "final = 0 AND state = 'accepted'"),
        };
        assert_eq!(kept, counted, "the depth the store keeps is not what its rows say");
        kept
    }

    /// The broker takes all there is to publish; returns what was new to it.
    async fn drain(&mut self) -> Vec<Publish> {
        let mut new = Vec::new();
        loop {
            let rows = self.store().pending(Cursor::default(), 16).await.unwrap().0;
            if rows.is_empty() {
                self.published.extend(new.iter().cloned());
                return new;
            }
            self.store().delete_published(rows.iter().map(|row| row.id).collect()).await.unwrap();
            let publications = rows.into_iter().map(|row| row.publication.expect("a readable row"));
            new.extend(publications.map(|publication| wire().publication(&publication)));
        }
    }

    /// What was newly published on a topic, as JSON.
    async fn drain_topic(&mut self, topic: &str) -> Vec<Value> {
        let rows = self.drain().await;
        rows.iter().filter(|row| row.topic == topic).map(|row| json(&row.payload)).collect()
    }

    async fn results(&mut self) -> Vec<Value> {
        self.drain_topic("sms/result").await
    }

    async fn received(&mut self) -> Vec<Value> {
        self.drain_topic("sms/received/main").await
    }

    /// The state words of the results newly published.
    async fn states(&mut self) -> Vec<String> {
        self.results().await.iter().map(|r| r["state"].as_str().unwrap().to_owned()).collect()
    }

    async fn admit(&self, request: Request, now: UnixMs) -> Admitted {
        self.store().admit(request, now).await.unwrap()
    }

    /// What the modem `main` gets to send.
    async fn claim(&self, now: UnixMs) -> Option<Claim> {
        self.claim_for("main", SIM, now).await
    }

    async fn claim_for(&self, modem: &str, sim: &str, now: UnixMs) -> Option<Claim> {
        // As the timer does, each second.
        self.store().process_due(now).await.unwrap();
        match self.store().claim(named(modem), sim.to_owned(), now).await.unwrap() {
            Claimed::Message(claim) => Some(*claim),
            Claimed::Nothing(_) => None,
            Claimed::OverBudget(why) => panic!("over budget: {why}"),
        }
    }

    async fn submitting(&self, claim: &Claim, sequence: u8, now: UnixMs) {
        let (modem, sim) = (named("main"), SIM.to_owned());
        self.store().submitting(claim.message, sequence, modem, sim, now).await.unwrap();
    }

    /// One part handed over and taken.
    async fn send_part(&self, claim: &Claim, sequence: u8, mr: u8, now: UnixMs) {
        self.submitting(claim, sequence, now).await;
        self.store().submitted(claim.message, sequence, Some(mr), now).await.unwrap();
    }

    /// Claims what waits first and hands all of it over, the parts numbered from `mr`.
    async fn send(&self, mr: u8, now: UnixMs) -> Claim {
        let claim = self.claim(now).await.expect("something to send");
        for &sequence in &claim.open_parts {
            self.send_part(&claim, sequence, mr + sequence - 1, now).await;
        }
        claim
    }

    async fn accept(&self, slot: Option<Slot>, pdu: &str, now: UnixMs) -> Accepted {
        self.store().accept(incoming(slot, pdu, now)).await.unwrap()
    }

    async fn report(&self, pdu: &str, now: UnixMs) {
        assert_eq!(self.accept(None, pdu, now).await, Accepted::Report);
    }
}

impl Drop for StoreFixture {
    fn drop(&mut self) {
        self.close();
    }
}

fn config() -> StoreConfig {
    let outbound = Outbound {
        delivery_report: false,
        report_timeout: Duration::from_secs(86_400),
        ttl: None,
        on_unknown: OnUnknown::Resend,
        default_country: String::new(),
        allow: Vec::new(),
        deny: Vec::new(),
        short_codes: Vec::new(),
        max_parts: 10,
        max_recipients: 100,
        message_expiry: MessageExpiry::Honour,
        per_minute: None,
        per_day: None,
    };
    let inbound =
        Inbound { reassembly_timeout: Duration::from_secs(3600), include_pdu: false, deny: Vec::new() };
    StoreConfig {
        incoming: IncomingPolicy {
            inbound,
            outbound: outbound.clone(),
            contacts: Contacts::default(),
            rules: Vec::new(),
        },
        retain_last: false,
        outbound,
        ussd_per_day: None,
        hooks: Vec::new(),
        counts: None,
        feed: None,
    }
}

/// Renders what is published as the gateway `attic` does.
fn wire() -> Wire {
    Wire { topics: Topics::new("sms", &named("attic")), include_pdu: false, discovery: Discovery::default() }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn named(text: &str) -> Name {
    text.parse().unwrap()
}

fn sm(index: u16) -> Option<Slot> {
    Some(Slot { storage: "SM".to_owned(), index })
}

fn me(index: u16) -> Option<Slot> {
    Some(Slot { storage: "ME".to_owned(), index })
}

fn incoming(slot: Option<Slot>, pdu: &str, received_at: UnixMs) -> IncomingPdu {
    IncomingPdu {
        modem: named("main"),
        sim: SIM.to_owned(),
        slot,
        is_unread: true,
        was_stored: false,
        pdu: pdu.to_owned(),
        reading: pdu::read(pdu),
        received_at,
    }
}

/// A PUBLISH that is not a redelivery.
fn origin(packet_id: u16) -> Origin {
    Origin { packet_id, redelivered: false, session: 1 }
}

fn from_broker(request: Request, origin: Origin) -> Request {
    Request { source: Source::Broker(origin), ..request }
}

fn recipient(number: &str) -> Recipient {
    Recipient { number: number.to_owned(), contact: None, refusal: None }
}

/// A request for one part to one number.
fn request(id: &str, to: &str) -> Request {
    Request {
        id: (!id.is_empty()).then(|| id.to_owned()),
        fingerprint: format!("to {to}"),
        to: vec![recipient(to)],
        parts: 1,
        body: Body {
            content: Content::Text("Hello".to_owned()),
            class: None,
            encoding: codec::Encoding::Auto,
            transliterate: false,
        },
        modem: None,
        delivery_report: false,
        expires_at: None,
        send_at: None,
        priority: 0,
        reply_to: None,
        response_refused: false,
        source: Source::Broker(origin(0)),
    }
}

/// The same with a text that takes so many parts.
fn in_parts(parts: u8, request: Request) -> Request {
    let text = if parts == 1 { "Hello".to_owned() } else { "x".repeat(153 * usize::from(parts)) };
    let body = Body { content: Content::Text(text), ..request.body.clone() };
    Request { parts, body, ..request }
}

/// The same, with a status report asked for.
fn reported(id: &str, to: &str) -> Request {
    Request { delivery_report: true, ..request(id, to) }
}

/// A message of three parts, and its text.
fn long(reference: u8, letter: char, sent_at: UnixMs) -> (Vec<String>, String) {
    let text: String = std::iter::repeat_n(letter, 400).collect();
    let pdus = delivers(ALICE, &text, reference, sent_at);
    assert_eq!(pdus.len(), 3);
    (pdus, text)
}

const DELIVERED: u8 = 0x00;
const STILL_TRYING: u8 = 0x20;
const GIVEN_UP: u8 = 0x46;

/// The network's report on the part with TP-MR `mr`, its times in a zone so many quarter hours east.
fn status_report(mr: u8, to: &str, sent_at: UnixMs, quarter_hours: i8, status: u8) -> String {
    let to = codec::Address::from_number(to).unwrap();
    let sent = codec::Timestamp::from_unix(sent_at / 1000, quarter_hours).unwrap();
    let discharged = codec::Timestamp::from_unix(sent_at / 1000 + 5, quarter_hours).unwrap();
    hex(codec::Tpdu::StatusReport(codec::StatusReport::new(mr, to, sent, discharged, codec::Status(status))))
}
