//! Takes requests from the page as intake takes them from the broker, and answers each with its first results.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::state::{ApiState, Shared, answer, malformed, refuse};
use crate::event::Event;
use crate::failure::{Failure, FailureCode};
use crate::intake::Delivery;
use crate::pdu;
use crate::request::{Content, Origin, Route};
use crate::store::StoreError;
use crate::wire::page;
use crate::wire::request::{read_cancel, read_send};

/// No PUBLISH of a broker.
const FROM_THE_PAGE: Origin = Origin { packet_id: 0, redelivered: false, session: 0 };

impl ApiState {
    /// The results of a request that came behind `number`.
    fn results_since(&self, number: u64, id: &str) -> String {
        let since = self.api.feed.since(number, usize::MAX);
        let results = since.items.iter().filter_map(|(_, event)| match &**event {
            Event::Result(result) if result.id.as_deref() == Some(id) => Some(result),
            _ => None,
        });
        page::answer(id, results)
    }
}

fn unstored(error: &StoreError) -> Response {
    error.log();
    let words = format!("nothing is done, for it cannot be stored: {error}");
    refuse(StatusCode::SERVICE_UNAVAILABLE, &Failure::transient(FailureCode::Store, words))
}

pub(super) async fn send(State(state): Shared, payload: Bytes) -> Response {
    let id = match read_send(&payload) {
        Ok(request) => request.id,
        Err(rejection) => return refuse(StatusCode::BAD_REQUEST, &rejection.failure),
    };
    let Some(id) = id else {
        let failure = malformed("id: it is missing; its results come under it, and under it it is sent once");
        return refuse(StatusCode::BAD_REQUEST, &failure);
    };
    let before = state.api.feed.newest();
    let delivery = Delivery {
        route: Route::Send { modem: None },
        payload: &payload,
        size: payload.len(),
        retained: false,
        origin: FROM_THE_PAGE,
        expiry: None,
        reply_to: None,
        not_shared: None,
        stale: None,
    };
    match state.api.intake.take(delivery).await {
        Ok(_) => answer(state.results_since(before, &id)),
        Err(error) => unstored(&error),
    }
}

pub(super) async fn cancel(State(state): Shared, payload: Bytes) -> Response {
    let id = match read_cancel(&payload) {
        Ok(id) => id,
        Err(rejection) => return refuse(StatusCode::BAD_REQUEST, &rejection.failure),
    };
    let wanted = id.clone();
    match state.look(move |history| history.request(&wanted)).await {
        Ok(Some(_)) => {}
        Ok(None) => return refuse(StatusCode::NOT_FOUND, &malformed("there is no request of this id")),
        Err(error) => return error.response(),
    }
    let before = state.api.feed.newest();
    match state.api.store.cancel(id.clone(), crate::clock::now_ms()).await {
        Ok(()) => answer(state.results_since(before, &id)),
        Err(error) => unstored(&error),
    }
}

pub(super) async fn count(State(state): Shared, payload: Bytes) -> Response {
    let body = match page::read_count(&payload) {
        Ok(body) => body,
        Err(words) => return refuse(StatusCode::BAD_REQUEST, &malformed(words)),
    };
    let characters = match &body.content {
        Content::Text(text) => text.chars().count(),
        Content::Data { octets, .. } => octets.len(),
    };
    match pdu::length(&body) {
        Ok(length) => answer(page::length(characters, length, state.api.max_parts)),
        Err(failure) => refuse(StatusCode::BAD_REQUEST, &failure),
    }
}
