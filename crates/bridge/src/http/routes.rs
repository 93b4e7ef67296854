//! What is served where. Every request passes the guard first: who may not ask does not learn what there is.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, SET_COOKIE, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use super::api::{self, Api};
use super::client::Client;
use super::guard::{Access, Guard, Head, Refusal};
use super::health::Health;
use super::json::JSON;
use super::metrics::{self, Seen};
use super::page;
use crate::config::Http;
use crate::counts::Counts;
use crate::message::Name;
use crate::wire::{self, health};

/// How long an answer may take, with what the client sends for it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// What every answer that does not say otherwise says to a browser: show it to nobody else, and take it for nothing but
/// what it is.
const TO_BROWSERS: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'self'"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The connection of a request; the server adds it to each.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// The other end.
    pub(super) address: IpAddr,
    /// Whether it was let in to data.
    pub(super) is_admitted: Arc<AtomicBool>,
}

/// The head's client, which the guard adds to what it lets pass.
type Asking = Extension<Arc<Client>>;

/// What stands before the routes of one kind.
#[derive(Clone)]
struct Gate {
    guard: Arc<Guard>,
    access: Access,
}

/// Everything that is served, for the gateway of that name.
pub fn routes(config: &Http, name: &Name, health: Health, counts: Arc<Counts>, api: Api) -> Router {
    let guard = Arc::new(Guard::new(config, name));
    let gate = |access| middleware::from_fn_with_state(Gate { guard: Arc::clone(&guard), access }, pass);
    let public = page::routes().route("/api/access", get(show_access)).with_state(Arc::clone(&guard));
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(health.clone())
        .merge(Router::new().route("/metrics", get(show_metrics)).with_state((health, counts)))
        .merge(api::routes(api))
        .merge(
            Router::new()
                .route("/login", post(login))
                .route("/logout", post(logout))
                .with_state(Arc::clone(&guard)),
        )
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(gate(Access::Private))
        .merge(public.route_layer(gate(Access::Public)))
}

/// What whoever asks may do, which a page has to know before it asks for more.
async fn show_access(State(guard): State<Arc<Guard>>, client: Asking, headers: HeaderMap) -> Response {
    let (read, send) = (guard.may_read(&headers, &client), guard.may_change(&headers, &client));
    let why_not = read.and(send).err().map(Refusal::words);
    ([JSON], wire::page::access(read.is_ok(), send.is_ok(), why_not) + "\n").into_response()
}

async fn live(State(health): State<Health>) -> Response {
    say_health(&health.deadly_problems())
}

async fn ready(State(health): State<Health>) -> Response {
    say_health(&health.problems())
}

fn say_health(problems: &[String]) -> Response {
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [JSON], health::document(problems) + "\n").into_response()
}

async fn show_metrics(State((health, counts)): State<(Health, Arc<Counts>)>) -> Response {
    let text = metrics::render(&Seen {
        version: env!("BUILD_VERSION"),
        states: &health.retained.all(),
        is_connected: health.link.address().is_some(),
        is_store_well: health.timer.store_problem() == Some(None),
        counted: &counts.counted(),
    });
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}

/// Gives the cookie to whoever has the token.
async fn login(State(guard): State<Arc<Guard>>, client: Asking) -> Response {
    match guard.cookie(&client) {
        Some(cookie) => (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response(),
        None => refusal(Refusal::Closed),
    }
}

async fn logout(State(guard): State<Arc<Guard>>, client: Asking) -> Response {
    (StatusCode::NO_CONTENT, [(SET_COOKIE, guard.no_cookie(&client))]).into_response()
}

/// Asks the guard, and bounds the time of the answer.
async fn pass(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let Some(peer) = request.extensions().get::<Peer>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let head =
        Head { peer: peer.address, method: request.method(), uri: request.uri(), headers: request.headers() };
    let mut response = match gate.guard.judge(head, gate.access) {
        Ok(client) => {
            if gate.access == Access::Private {
                peer.is_admitted.store(true, Ordering::Relaxed);
            }
            request.extensions_mut().insert(Arc::new(client));
            let answer = tokio::time::timeout(ANSWER_TIMEOUT, next.run(request)).await;
            answer.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
        }
        Err(refused) => refusal(refused),
    };
    let own = std::mem::take(response.headers_mut());
    let mut whole = (TO_BROWSERS, response).into_response();
    whole.headers_mut().extend(own);
    whole
}

fn refusal(refused: Refusal) -> Response {
    let words = (refused.status(), format!("{}\n", refused.words()));
    match refused.status() {
        StatusCode::UNAUTHORIZED => {
            ([(WWW_AUTHENTICATE, "Bearer realm=\"smsbridge\"")], words).into_response()
        }
        _ => words.into_response(),
    }
}
