//! What the timer asks of the store, with a clock that runs ahead as soon as nobody works.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use smsbridge_codec::Encoding;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::clock::now_ms;
use crate::config;
use crate::event::{GatewayState, QueueDepth};
use crate::failure::{Failure, FailureCode};
use crate::message::UnixMs;
use crate::mqtt::LinkState;
use crate::request::{Body, Content, Recipient, Request, Source};
use crate::retained_state::RetainedState;
use crate::store::{Claimed, History, HistoryFilter, Store, StoreConfig};
use crate::timer::Timer;

const DAY: Duration = Duration::from_secs(86_400);

/// More seconds than it takes, by the test's own clock.
const MAX_SECONDS: u32 = 100_000;

struct Fixture {
    store: Store,
    folder: TempDir,
    stop: CancellationToken,
}

impl Fixture {
    fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let config = config::parse("test", "[mqtt]\nurl = \"mqtt://localhost\"").unwrap();
        let (store, _thread) = Store::open(folder.path(), StoreConfig::from(&config)).unwrap();
        Fixture { store, folder, stop: CancellationToken::new() }
    }

    /// Starts a timer that keeps finished messages for a day.
    fn start_timer(&self) {
        let state = GatewayState {
            version: "",
            instance: String::new(),
            started_at: 0,
            modems: Vec::new(),
            queue: QueueDepth::default(),
            problem: None,
        };
        let timer = Timer {
            store: self.store.clone(),
            retained: Arc::new(RetainedState::default()),
            link: Arc::new(LinkState::default()),
            own: Arc::default(),
            state,
            reassembly_timeout: DAY,
            problems: Default::default(),
            keep: DAY,
        };
        tokio::spawn(timer.run(self.stop.clone()));
    }

    fn messages(&self) -> usize {
        History::open(self.folder.path()).unwrap().entries(&HistoryFilter::default()).unwrap().len()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn request(refusal: Option<Failure>, send_at: Option<UnixMs>) -> Request {
    let content = Content::Text("Hello".to_owned());
    Request {
        id: None,
        fingerprint: String::new(),
        to: vec![Recipient { number: "+4915112345678".to_owned(), contact: None, refusal }],
        parts: 1,
        body: Body { content, class: None, encoding: Encoding::Auto, transliterate: false },
        modem: None,
        delivery_report: false,
        expires_at: None,
        send_at,
        priority: 0,
        reply_to: None,
        response_refused: false,
        source: Source::Rule,
    }
}

#[tokio::test(start_paused = true)]
async fn old_messages_are_deleted_a_batch_after_the_other_until_none_is_left() {
    let fixture = Fixture::new();
    let long_ago = now_ms() - 3 * 86_400_000;
    let refused = || Some(Failure::permanent(FailureCode::Denied, "not allowed"));
    join_all((0..1200).map(|_| fixture.store.admit(request(refused(), None), long_ago))).await;
    fixture.store.admit(request(None, None), long_ago).await.unwrap();
    fixture.store.admit(request(refused(), None), now_ms()).await.unwrap();
    assert_eq!(fixture.messages(), 1202);
    fixture.start_timer();
    for _ in 0..MAX_SECONDS {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if fixture.messages() <= 2 {
            break;
        }
    }
    assert_eq!(fixture.messages(), 2, "one waits and one is new");
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_message_wakes_a_modem_that_waits() {
    let fixture = Fixture::new();
    let now = now_ms();
    fixture.store.admit(request(None, Some(now + 1)), now).await.unwrap();
    let claim = || fixture.store.claim("main".parse().unwrap(), "main".to_owned(), now_ms());
    let Claimed::Nothing(idle) = claim().await.unwrap() else { panic!("it was claimed before its time") };
    fixture.start_timer();
    idle.woken().await;
    assert!(matches!(claim().await.unwrap(), Claimed::Message(_)));
}
