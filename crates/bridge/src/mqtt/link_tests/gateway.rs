//! The gateway as far as these tests need it: store, link and pump, without a modem.

use std::collections::BTreeMap;
use std::sync::Arc;

use smsbridge_codec::Encoding;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::broker::{Broker, STEP_TIMEOUT};
use crate::clock::now_ms;
use crate::config;
use crate::event::{MessageState, ResultFields, SendResult};
use crate::intake::Intake;
use crate::message::Name;
use crate::modem_requests::ModemRequests;
use crate::mqtt::{Link, LinkState, Subscriptions, prepare};
use crate::request::{Body, Content, Recipient, ReplyTo, Request, Source};
use crate::retained_state::RetainedState;
use crate::store::{Store, StoreConfig, StoreThread};
use crate::wire::Wire;

pub(super) struct Gateway {
    pub(super) store: Store,
    pub(super) retained: Arc<RetainedState>,
    pub(super) problem: Arc<LinkState>,
    /// What is asked of the first modem.
    pub(super) asked: Arc<ModemRequests>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    store_thread: StoreThread,
    folder: TempDir,
}

impl Gateway {
    /// With one modem, `main`, and an empty store.
    pub(super) async fn start(broker: &Broker) -> Gateway {
        Gateway::start_in(tempfile::tempdir().unwrap(), broker, &["main"]).await
    }

    /// In a folder that may hold the store of an earlier run.
    pub(super) async fn start_in(folder: TempDir, broker: &Broker, modems: &[&str]) -> Gateway {
        Gateway::start_at(folder, &[broker.port()], modems).await
    }

    /// At a cluster with these ports.
    pub(super) async fn start_at(folder: TempDir, ports: &[u16], modems: &[&str]) -> Gateway {
        let urls: Vec<String> = ports.iter().map(|port| format!("\"mqtt://127.0.0.1:{port}\"")).collect();
        let config = config::parse("test", &format!("[mqtt]\nurl = [{}]", urls.join(", "))).unwrap();
        let names: Vec<Name> = modems.iter().map(|name| name.parse().unwrap()).collect();
        let wire = Wire::new(&config);
        let (store, store_thread) = Store::open(folder.path(), StoreConfig::from(&config)).unwrap();
        let retained = Arc::new(RetainedState::default());
        let problem = Arc::new(LinkState::default());
        let requests: BTreeMap<Name, Arc<ModemRequests>> =
            names.iter().map(|name| (name.clone(), Arc::default())).collect();
        let client_id = store.client_id().await.unwrap();
        let (pump, client) = prepare(&config.mqtt, &client_id, &wire.last_will()).unwrap();
        let link = Link::new(
            client,
            store.clone(),
            Arc::clone(&retained),
            Intake::new(store.clone(), requests.clone(), &config),
            Subscriptions::new(&wire, "", &names, false),
            wire,
            Arc::clone(&problem),
        );
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(pump.run(stop.clone()));
        tasks.spawn(link.run(stop.clone()));
        let asked = Arc::clone(&requests[&names[0]]);
        Gateway { store, retained, problem, asked, stop, tasks, store_thread, folder }
    }

    /// Has one result to publish, with this id.
    pub(super) async fn publish_result(&self, id: &str) {
        self.publish_result_with_payload(id, "x").await;
    }

    /// The same, with a payload to quote, which may be long.
    pub(super) async fn publish_result_with_payload(&self, id: &str, payload: &str) {
        publish_result(&self.store, id, payload).await;
    }

    /// Stores a request for later whose caller wants copies of its results.
    pub(super) async fn admit_with_response(&self, id: &str, reply_to: ReplyTo) {
        let request = Request {
            id: Some(id.to_owned()),
            fingerprint: "x".to_owned(),
            to: vec![Recipient { number: "+4915112345678".to_owned(), contact: None, refusal: None }],
            parts: 1,
            body: Body {
                content: Content::Text("x".to_owned()),
                class: None,
                encoding: Encoding::Auto,
                transliterate: false,
            },
            modem: None,
            delivery_report: false,
            expires_at: None,
            send_at: Some(now_ms() + 3_600_000),
            priority: 0,
            reply_to: Some(reply_to),
            response_refused: false,
            source: Source::Rule,
        };
        self.store.admit(request, now_ms()).await.unwrap();
    }

    pub(super) async fn publish_results(&self, ids: &[impl AsRef<str>]) {
        for id in ids {
            self.publish_result(id.as_ref()).await;
        }
    }

    /// Waits until so many rows of the outbox are to be published and so many are parked: the broker cannot see what
    /// the gateway does after a PUBACK.
    pub(super) async fn wait_for_depth(&self, publish: u32, parked: u32) {
        let reached = async {
            loop {
                let depth = self.store.depth().await.unwrap();
                if (depth.publish, depth.parked) == (publish, parked) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(STEP_TIMEOUT, reached).await.is_err() {
            let depth = self.store.depth().await.unwrap();
            panic!("the outbox never had {publish} rows to publish and {parked} parked; now {depth:?}");
        }
    }

    /// Waits until the link reports a problem, and returns it.
    pub(super) async fn wait_for_problem(&self) -> String {
        let reported = async {
            loop {
                match self.problem.current() {
                    Some(problem) => return problem,
                    None => tokio::task::yield_now().await,
                }
            }
        };
        tokio::time::timeout(STEP_TIMEOUT, reported).await.expect("the link reported no problem")
    }

    /// Stops as `app` does; returns the folder for another run.
    pub(super) async fn stop(mut self) -> TempDir {
        self.stop.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        tokio::time::timeout(STEP_TIMEOUT, ended).await.expect("link and pump did not end at a stop");
        drop(self.store);
        self.store_thread.join();
        self.folder
    }

    /// From now on the store refuses every change of `table`.
    pub(super) fn break_table(&self, table: &str) {
        break_table(&self.folder, table);
    }

    pub(super) fn repair_table(&self, table: &str) {
        repair_table(&self.folder, table);
    }

    /// Changes the store's file behind the gateway's back.
    pub(super) fn execute(&self, sql: &str) {
        open(&self.folder).execute_batch(sql).unwrap();
    }

    /// The number of stored requests.
    pub(super) fn request_count(&self) -> i64 {
        count(&self.folder, "request")
    }
}

/// Has one result to publish, with this id, and a payload to quote.
pub(super) async fn publish_result(store: &Store, id: &str, payload: &str) {
    let result = SendResult {
        id: Some(id.to_owned()),
        to: None,
        contact: None,
        state: MessageState::Rejected,
        is_final: true,
        at: now_ms(),
        fields: ResultFields { payload: Some(payload.to_owned()), ..ResultFields::default() },
    };
    store.publish_results(vec![result], None).await.unwrap();
}

/// As many ids for results, in ascending order.
pub(super) fn ids(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("m{n:02}")).collect()
}

/// From now on the store in `folder` refuses every change of `table`.
pub(super) fn break_table(folder: &TempDir, table: &str) {
    let refuse = |operation: &str| {
        format!(
            "CREATE TRIGGER broken_{table}_{operation} BEFORE {operation} ON {table}
             BEGIN SELECT RAISE(ABORT, 'no'); END;"
        )
    };
    let sql: String = ["INSERT", "UPDATE", "DELETE"].into_iter().map(refuse).collect();
    open(folder).execute_batch(&sql).unwrap();
}

pub(super) fn repair_table(folder: &TempDir, table: &str) {
    let sql: String = ["INSERT", "UPDATE", "DELETE"]
        .map(|operation| format!("DROP TRIGGER broken_{table}_{operation};"))
        .concat();
    open(folder).execute_batch(&sql).unwrap();
}

/// The number of rows of a table.
pub(super) fn count(folder: &TempDir, table: &str) -> i64 {
    open(folder).query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// A second connection to the store's file.
fn open(folder: &TempDir) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(folder.path().join("smsbridge.sqlite")).unwrap();
    connection.busy_timeout(STEP_TIMEOUT).unwrap();
    connection
}
