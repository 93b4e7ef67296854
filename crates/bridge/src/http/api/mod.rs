//! What the page asks for and does: everything below `/api/`. No contract: it may change with any version.
//!
//! `look` answers what is asked, `act` takes requests as the broker brings them, `watch` tells what happens as it does.

mod act;
mod look;
mod state;
mod watch;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

pub use self::state::Api;
use self::state::ApiState;
use crate::intake::MAX_PAYLOAD;

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
        .with_state(Arc::new(ApiState::new(api)))
}
