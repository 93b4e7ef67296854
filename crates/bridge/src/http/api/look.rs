//! Answers what the page asks for. Reads the store beside the gateway, never through it, so that nobody who looks keeps
//! a message waiting.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::super::health::Health;
use super::super::signal_log::INTERVAL;
use super::state::{ApiState, Shared, answer, malformed, refuse};
use crate::failure::{Failure, FailureCode};
use crate::store::{Browse, Direction, History, OpenError, ReadError};
use crate::wire::{self, page};

/// Messages on a page, unless another number is asked for.
const PAGE: usize = 50;

/// The most messages on a page.
const MAX_PAGE: usize = 200;

/// Which messages are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageQuery {
    limit: Option<usize>,
    after: Option<String>,
    search: Option<String>,
    direction: Option<DirectionQuery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum DirectionQuery {
    In,
    Out,
}

impl MessageQuery {
    fn browse(self) -> Result<Browse, Failure> {
        let bad = |_| malformed("after: expected what an earlier answer had as next");
        Ok(Browse {
            after: self.after.map(|after| after.parse().map_err(bad)).transpose()?,
            search: self.search.map(|search| search.trim().to_owned()).filter(|search| !search.is_empty()),
            direction: self.direction.map(|direction| match direction {
                DirectionQuery::In => Direction::In,
                DirectionQuery::Out => Direction::Out,
            }),
            limit: self.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE),
        })
    }
}

/// Why nothing could be read from the store.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the store cannot be read: the gateway stops")]
    Stopping,
}

impl LookError {
    pub(super) fn response(&self) -> Response {
        tracing::debug!("the page cannot show messages: {self}");
        let failure = Failure::transient(FailureCode::Store, self.to_string());
        refuse(StatusCode::SERVICE_UNAVAILABLE, &failure)
    }
}

impl ApiState {
    pub(super) fn status(&self) -> String {
        let Health { timer, link, retained } = &self.api.health;
        let (deadly, address) = (timer.deadly_problem(), link.address());
        wire::status::document(&self.api.facts, deadly, address.as_deref(), &retained.all())
    }

    /// Looks into the store, on a thread of its own.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&History) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, LookError> {
        let readers = Arc::clone(&self.readers);
        let reader = readers.acquire_owned().await.map_err(|_| LookError::Stopping)?;
        let folder = self.api.folder.clone();
        let looked = tokio::task::spawn_blocking(move || {
            // It goes on reading though nobody waits for it any more.
            let _reader = reader;
            Ok(look(&History::open(&folder)?)?)
        });
        looked.await.unwrap_or(Err(LookError::Stopping))
    }
}

pub(super) async fn status(State(state): Shared) -> Response {
    answer(state.status())
}

pub(super) async fn signal(State(state): Shared) -> Response {
    answer(state.api.signal.read(|newest_at, modems| {
        let modems = modems.iter().map(|(name, dbm)| (*name, dbm.as_slice()));
        page::signal(INTERVAL.as_secs(), newest_at, modems)
    }))
}

pub(super) async fn contacts(State(state): Shared) -> Response {
    answer(page::contacts(state.api.contacts.iter().map(String::as_str)))
}

pub(super) async fn messages(State(state): Shared, Query(wanted): Query<MessageQuery>) -> Response {
    let browse = match wanted.browse() {
        Ok(browse) => browse,
        Err(failure) => return refuse(StatusCode::BAD_REQUEST, &failure),
    };
    match state.look(move |history| history.browse(&browse)).await {
        Ok(found) => answer(page::messages(&found)),
        Err(error) => error.response(),
    }
}

pub(super) async fn received(State(state): Shared, Path(id): Path<String>) -> Response {
    match state.look(move |history| history.received_message(&id)).await {
        Ok(Some((received, has_it))) => answer(page::received(&received, has_it)),
        Ok(None) => refuse(StatusCode::NOT_FOUND, &malformed("there is no received message of this id")),
        Err(error) => error.response(),
    }
}

pub(super) async fn request(State(state): Shared, Path(id): Path<String>) -> Response {
    let wanted = id.clone();
    match state.look(move |history| history.request(&wanted)).await {
        Ok(Some(life)) => answer(page::request(&id, &life)),
        Ok(None) => refuse(StatusCode::NOT_FOUND, &malformed("there is no request of this id")),
        Err(error) => error.response(),
    }
}

pub(super) async fn queue(State(state): Shared) -> Response {
    match state.look(|history| history.queue()).await {
        Ok(waiting) => answer(page::queue(&waiting)),
        Err(error) => error.response(),
    }
}
