//! What the page asks for and does: everything below `/api/`. No contract: it may change with any version.
//!
//! `look` answers what is asked, `act` takes requests as the broker brings them, `watch` tells what happens as it does.

mod act;
mod look;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::JSON;
use super::health::Health;
use super::signal_log::SignalLog;
use crate::at_trace::TraceFeed;
use crate::failure::Failure;
use crate::feed::EventFeed;
use crate::intake::{Intake, MAX_PAYLOAD};
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

/// An [`Api`] that is asked.
struct Asked {
    api: Api,
    readers: Semaphore,
}

type Shared = axum::extract::State<Arc<Asked>>;

/// Everything below `/api/`.
pub(super) fn routes(api: Api) -> Router {
    Router::new()
        .route("/api/status", get(look::status))
        .route("/api/signal", get(look::signal))
        .route("/api/contacts", get(look::contacts))
        .route("/api/messages", get(look::messages))
        .route("/api/received/{id}", get(look::received))
        .route("/api/requests/{id}", get(look::request))
        .route("/api/queue", get(look::queue))
        .route("/api/send", post(act::send))
        .route("/api/cancel", post(act::cancel))
        .route("/api/count", post(act::count))
        .route("/api/events", get(watch::events))
        .route("/api/trace/{modem}", get(watch::trace))
        .layer(DefaultBodyLimit::max(MAX_PAYLOAD))
        .with_state(Arc::new(Asked { api, readers: Semaphore::new(MAX_READERS) }))
}

fn answer(json: String) -> Response {
    ([JSON], json + "\n").into_response()
}

fn refuse(status: StatusCode, failure: &Failure) -> Response {
    (status, [JSON], page::refusal(failure) + "\n").into_response()
}
