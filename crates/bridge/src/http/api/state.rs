//! What the API works with, and how it answers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::at_trace::TraceFeed;
use crate::failure::{Failure, FailureCode};
use crate::feed::EventFeed;
use crate::http::health::Health;
use crate::http::json::JSON;
use crate::http::signal_log::SignalLog;
use crate::intake::Intake;
use crate::message::Name;
use crate::store::Store;
use crate::wire::{page, status};

/// Looks into the store at once: each takes a thread and some memory.
const MAX_READERS: usize = 2;

/// What the API works with.
pub struct Api {
    /// What the gateway is.
    pub facts: status::Facts,
    /// How its parts are.
    pub health: Health,
    /// The names of the contacts.
    pub contacts: Vec<String>,
    /// The most parts of a message.
    pub max_parts: u8,
    /// The store.
    pub store: Store,
    /// Where it is.
    pub folder: PathBuf,
    /// Takes requests.
    pub intake: Intake,
    /// What happened lately.
    pub feed: Arc<EventFeed>,
    /// The AT dialogue of each modem.
    pub traces: BTreeMap<Name, Arc<TraceFeed>>,
    /// The signal of each modem.
    pub signal: Arc<SignalLog>,
    /// Ends those who watch.
    pub stop: CancellationToken,
}

/// An [`Api`] with its bounds.
pub(super) struct ApiState {
    pub(super) api: Api,
    pub(super) readers: Arc<Semaphore>,
}

impl ApiState {
    pub(super) fn new(api: Api) -> Self {
        ApiState { api, readers: Arc::new(Semaphore::new(MAX_READERS)) }
    }
}

pub(super) type Shared = axum::extract::State<Arc<ApiState>>;

pub(super) fn answer(json: String) -> Response {
    ([JSON], json + "\n").into_response()
}

pub(super) fn refuse(status: StatusCode, failure: &Failure) -> Response {
    (status, [JSON], page::refusal(failure) + "\n").into_response()
}

/// A request that nobody could carry out.
pub(super) fn malformed(words: impl Into<String>) -> Failure {
    Failure::permanent(FailureCode::Malformed, words)
}
