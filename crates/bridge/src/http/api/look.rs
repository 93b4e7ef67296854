//! Answers what the page asks for. Reads the store beside the gateway, never through it, so that nobody who looks keeps
//! a message waiting.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::super::health::Health;
use super::super::signal_log::INTERVAL;
use super::asked::{Asked, Shared, answer, malformed, refuse};
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
pub(super) struct Wanted {
    limit: Option<usize>,
    after: Option<String>,
    search: Option<String>,
    direction: Option<DirectionWanted>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum DirectionWanted {
    In,
    Out,
}

impl Wanted {
    fn browse(self) -> Result<Browse, Failure> {
        let bad = |_| malformed("after: expected what an earlier answer had as next");
        Ok(Browse {
            after: self.after.map(|after| after.parse().map_err(bad)).transpose()?,
            search: self.search.map(|search| search.trim().to_owned()).filter(|search| !search.is_empty()),
            direction: self.direction.map(|direction| match direction {
                DirectionWanted::In => Direction::In,
                DirectionWanted::Out => Direction::Out,
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
        tracing::warn!("the page cannot show messages: {self}");
        let failure = Failure::transient(FailureCode::Store, self.to_string());
        refuse(StatusCode::SERVICE_UNAVAILABLE, &failure)
    }
}

impl Asked {
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
        let _reader = self.readers.acquire().await.map_err(|_| LookError::Stopping)?;
        let folder = self.api.folder.clone();
        let looked = tokio::task::spawn_blocking(move || Ok(look(&History::open(&folder)?)?));
        looked.await.unwrap_or(Err(LookError::Stopping))
    }
}

pub(super) async fn status(State(asked): Shared) -> Response {
    answer(asked.status())
}

pub(super) async fn signal(State(asked): Shared) -> Response {
    answer(asked.api.signal.read(|newest_at, modems| {
        let modems = modems.iter().map(|(name, dbm)| (*name, dbm.as_slice()));
        page::signal(INTERVAL.as_secs(), newest_at, modems)
    }))
}

pub(super) async fn contacts(State(asked): Shared) -> Response {
    answer(page::contacts(asked.api.contacts.iter().map(String::as_str)))
}

pub(super) async fn messages(State(asked): Shared, Query(wanted): Query<Wanted>) -> Response {
    let browse = match wanted.browse() {
        Ok(browse) => browse,
        Err(failure) => return refuse(StatusCode::BAD_REQUEST, &failure),
    };
    match asked.look(move |history| history.browse(&browse)).await {
        Ok(found) => answer(page::messages(&found)),
        Err(error) => error.response(),
    }
}

pub(super) async fn received(State(asked): Shared, Path(id): Path<String>) -> Response {
    match asked.look(move |history| history.received_message(&id)).await {
        Ok(Some((received, waits))) => answer(page::received(&received, !waits)),
        Ok(None) => refuse(StatusCode::NOT_FOUND, &malformed("there is no received message of this id")),
        Err(error) => error.response(),
    }
}

pub(super) async fn request(State(asked): Shared, Path(id): Path<String>) -> Response {
    let wanted = id.clone();
    match asked.look(move |history| history.request(&wanted)).await {
        Ok(Some(life)) => answer(page::request(&id, &life)),
        Ok(None) => refuse(StatusCode::NOT_FOUND, &malformed("there is no request of this id")),
        Err(error) => error.response(),
    }
}

pub(super) async fn queue(State(asked): Shared) -> Response {
    match asked.look(|history| history.queue()).await {
        Ok(waiting) => answer(page::queue(&waiting)),
        Err(error) => error.response(),
    }
}
