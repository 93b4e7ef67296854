//! Idle modems: a message wakes one that may send it, and no wake-up is lost.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use tokio::sync::Notify;

use super::*;
use crate::failure::{Failure, FailureCode};
use crate::verdict::Verdict;

/// Long after anything that works has happened.
const HANG_TIMEOUT: Duration = Duration::from_secs(120);

/// A modem that waits as a modem task does.
struct Waiting(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Waiting {
    /// Whether it was woken. Wake-ups come before the answer of the operation that caused them.
    fn is_woken(&mut self) -> bool {
        self.0.as_mut().now_or_never().is_some()
    }
}

impl StoreFixture {
    async fn wait_as(&self, modem: &str) -> Waiting {
        match self.store().claim(named(modem), format!("SIM of {modem}"), T0).await.unwrap() {
            Claimed::Nothing(idle) => Waiting(Box::pin(idle.woken())),
            other => panic!("there is something to send: {other:?}"),
        }
    }

    /// The modem tries the message that waits, and cannot.
    async fn reroute(&self, modem: &str) {
        let claim = self.claim_for(modem, &format!("SIM of {modem}"), T0).await.unwrap();
        let why = Failure::transient(FailureCode::Cms(42), "congestion");
        let verdict = Verdict::Reroute(Duration::from_secs(60), why);
        self.store().not_submitted(claim.message, 1, named(modem), verdict, T0).await.unwrap();
    }
}

#[tokio::test]
async fn a_message_wakes_one_modem_and_the_next_message_another() {
    let fixture = StoreFixture::new();
    let mut waiting = Vec::new();
    for modem in ["a", "b", "c"] {
        waiting.push(fixture.wait_as(modem).await);
    }
    let woken = |waiting: &mut Vec<Waiting>| waiting.extract_if(.., |modem| modem.is_woken()).count();
    assert_eq!(woken(&mut waiting), 0);
    fixture.admit(request("1", ALICE), T0).await;
    assert_eq!(woken(&mut waiting), 1);
    let two = vec![recipient(ALICE), recipient(BOB)];
    fixture.admit(Request { to: two, ..request("2", ALICE) }, T0).await;
    assert_eq!(woken(&mut waiting), 2);
}

#[tokio::test]
async fn a_message_for_one_modem_wakes_that_one() {
    let fixture = StoreFixture::new();
    let (mut a, mut b) = (fixture.wait_as("a").await, fixture.wait_as("b").await);
    fixture.admit(Request { modem: Some(named("b")), ..request("1", ALICE) }, T0).await;
    assert_eq!((a.is_woken(), b.is_woken()), (false, true));
}

#[tokio::test]
async fn a_message_of_which_parts_went_out_wakes_the_modem_with_that_sim() {
    let fixture = StoreFixture::new();
    fixture.admit(in_parts(2, request("1", ALICE)), T0).await;
    let claim = fixture.claim_for("b", "SIM of b", T0).await.unwrap();
    let (mut a, mut b) = (fixture.wait_as("a").await, fixture.wait_as("b").await);
    let store = fixture.store();
    store.submitting(claim.message, 1, named("b"), "SIM of b".to_owned(), T0).await.unwrap();
    store.submitted(claim.message, 1, Some(7), T0).await.unwrap();
    store.give_back(claim.message).await.unwrap();
    assert_eq!((a.is_woken(), b.is_woken()), (false, true));
}

#[tokio::test]
async fn a_message_a_modem_could_not_send_wakes_another_and_this_one_later() {
    let fixture = StoreFixture::new();
    fixture.admit(request("1", ALICE), T0).await;
    fixture.reroute("a").await;
    let mut a = fixture.wait_as("a").await;
    fixture.reroute("b").await;
    assert!(!a.is_woken(), "it cannot send it either");
    fixture.store().process_due(T0 + MINUTE - 1).await.unwrap();
    assert!(!a.is_woken());
    fixture.store().process_due(T0 + MINUTE).await.unwrap();
    assert!(a.is_woken(), "it may try again");
}

#[tokio::test]
async fn a_scheduled_message_wakes_a_modem_when_it_is_due() {
    let fixture = StoreFixture::new();
    let mut a = fixture.wait_as("a").await;
    fixture.admit(Request { send_at: Some(T0 + HOUR), ..request("1", ALICE) }, T0).await;
    fixture.store().process_due(T0 + HOUR - 1).await.unwrap();
    assert!(!a.is_woken());
    fixture.store().process_due(T0 + HOUR).await.unwrap();
    assert!(a.is_woken());
}

#[tokio::test]
async fn a_modem_that_stops_waiting_passes_its_wake_up_on() {
    let fixture = StoreFixture::new();
    let (a, mut b) = (fixture.wait_as("a").await, fixture.wait_as("b").await);
    fixture.admit(request("1", ALICE), T0).await;
    assert!(!b.is_woken());
    // It was called, unplugged or told to stop, and did not see the wake-up.
    drop(a);
    assert!(b.is_woken());
}

#[tokio::test]
async fn a_modem_that_may_send_no_more_passes_its_wake_up_on() {
    let fixture = StoreFixture::with(|config| config.outbound.per_minute = Some(1));
    fixture.admit(request("0", ALICE), T0).await;
    let claim = fixture.claim_for("a", "SIM of a", T0).await.unwrap();
    let store = fixture.store();
    store.submitting(claim.message, 1, named("a"), "SIM of a".to_owned(), T0).await.unwrap();
    store.submitted(claim.message, 1, Some(7), T0).await.unwrap();
    let (mut a, mut b) = (fixture.wait_as("a").await, fixture.wait_as("b").await);
    fixture.admit(request("1", ALICE), T0).await;
    assert_eq!((a.is_woken(), b.is_woken()), (true, false));
    let claimed = store.claim(named("a"), "SIM of a".to_owned(), T0).await.unwrap();
    assert!(matches!(claimed, Claimed::OverBudget(_)), "{claimed:?}");
    assert!(b.is_woken());
}

#[tokio::test]
async fn a_refused_operation_wakes_nobody_for_good() {
    let fixture = StoreFixture::new();
    let mut a = fixture.wait_as("a").await;
    let twice = vec![recipient(ALICE), recipient(ALICE)];
    let refused = fixture.store().admit(Request { to: twice, ..request("1", ALICE) }, T0).await;
    assert!(refused.is_err());
    // Woken for nothing or not: it finds nothing, and the next message wakes it.
    if a.is_woken() {
        a = fixture.wait_as("a").await;
    }
    fixture.admit(request("2", ALICE), T0).await;
    assert!(a.is_woken());
}

/// A modem that looks for messages only when it is woken, and is often called away while it waits.
async fn work(store: Store, modem: &'static str, left: Arc<AtomicUsize>, all_sent: Arc<Notify>, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    loop {
        match store.claim(named(modem), modem.to_owned(), T0).await.unwrap() {
            Claimed::Message(claim) => {
                store.submitting(claim.message, 1, named(modem), modem.to_owned(), T0).await.unwrap();
                store.submitted(claim.message, 1, Some(7), T0).await.unwrap();
                if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                    all_sent.notify_one();
                }
            }
            Claimed::Nothing(idle) if rng.bool() => idle.woken().await,
            Claimed::Nothing(idle) => {
                let busy = async {
                    for _ in 0..rng.u32(..4) {
                        tokio::task::yield_now().await;
                    }
                };
                tokio::select! {
                    () = idle.woken() => {}
                    () = busy => {}
                }
            }
            Claimed::OverBudget(why) => panic!("{why}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn modems_that_never_look_unasked_miss_no_message() {
    const MESSAGES: usize = 600;
    let fixture = StoreFixture::new();
    let (left, all_sent) = (Arc::new(AtomicUsize::new(MESSAGES)), Arc::new(Notify::new()));
    let mut modems = tokio::task::JoinSet::new();
    for (modem, seed) in ["main", "attic", "cellar", "garage"].into_iter().zip(1..) {
        modems.spawn(work(fixture.store().clone(), modem, Arc::clone(&left), Arc::clone(&all_sent), seed));
    }
    let mut rng = fastrand::Rng::with_seed(7);
    for n in 0..MESSAGES {
        let modem = rng.bool().then(|| named(rng.choice(["main", "attic", "cellar", "garage"]).unwrap()));
        fixture.admit(Request { modem, ..request(&n.to_string(), ALICE) }, T0).await;
    }
    let done = tokio::time::timeout(HANG_TIMEOUT, all_sent.notified()).await;
    assert!(done.is_ok(), "{} messages wait and no modem was woken", left.load(Ordering::SeqCst));
    modems.shutdown().await;
}
