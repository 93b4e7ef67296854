//! Listens, and serves each connection within bounds: no client keeps another waiting, and none holds memory for long.
//!
//! One task has all connections. Where the address cannot be had, the gateway goes on without, says why, and tries again.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::routes::Peer;

/// Connections at once; one more ends the one that deserves it least.
const MAX_CONNECTIONS: usize = 128;

/// How long the head of a request may take, and a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of a request is held.
const MAX_HEAD: usize = 16 * 1024;

/// Before an address that could not be had is tried again.
const LISTEN_INTERVAL: Duration = Duration::from_secs(10);

/// After a connection could not be accepted.
const ACCEPT_INTERVAL: Duration = Duration::from_secs(1);

/// How long answers in hand may take when the gateway stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves `routes` at `address` until `stop`.
pub async fn run(address: SocketAddr, routes: Router, stop: CancellationToken) {
    tokio::select! {
        listener = listen(address) => serve(listener, routes, stop).await,
        () = stop.cancelled() => {}
    }
}

/// Listens, as soon as that can be.
async fn listen(address: SocketAddr) -> TcpListener {
    let mut said = None;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => {
                tracing::info!("listening at http://{address}");
                return listener;
            }
            Err(error) => {
                let words = why_not(&error);
                if said.as_ref() != Some(&words) {
                    tracing::warn!(
                        "[http] listen = \"{address}\": {words}; it is tried again until it works"
                    );
                    said = Some(words);
                }
            }
        }
        tokio::time::sleep(LISTEN_INTERVAL).await;
    }
}

/// Why an address cannot be listened at, and what to try.
pub fn why_not(error: &Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => "another program has this port: choose another one, or end that program \
                                 (`ss -ltnp` shows it)"
            .to_owned(),
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address (`ip address` shows those it has)".to_owned()
        }
        ErrorKind::PermissionDenied => "this user may not: choose a port from 1024 on".to_owned(),
        _ => error.to_string(),
    }
}

/// A connection as it is judged where there are too many.
struct Open {
    /// Whether it was let in to data.
    is_admitted: Arc<AtomicBool>,
    close: CancellationToken,
}

async fn serve(listener: TcpListener, routes: Router, stop: CancellationToken) {
    let mut connections = FuturesUnordered::new();
    let mut open: BTreeMap<u64, Open> = BTreeMap::new();
    let mut next_id = 0_u64;
    loop {
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            Some(id) = connections.next() => {
                open.remove(&id);
                continue;
            }
            () = stop.cancelled() => break,
        };
        if open.len() >= MAX_CONNECTIONS {
            close_one(&mut open);
        }
        let one = Open { is_admitted: Arc::default(), close: CancellationToken::new() };
        let (is_admitted, close) = (Arc::clone(&one.is_admitted), one.close.clone());
        let connection = connection(stream, peer, routes.clone(), is_admitted, close, stop.clone());
        let id = next_id;
        next_id += 1;
        open.insert(id, one);
        // A fault of ours ends one connection, not all.
        let connection = AssertUnwindSafe(connection).catch_unwind();
        connections.push(connection.map(move |_| id));
    }
    drop(listener);
    let all = async { while connections.next().await.is_some() {} };
    let _ = tokio::time::timeout(STOP_TIMEOUT, all).await;
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => tracing::debug!("a connection to [http] could not be accepted: {error}"),
        }
        tokio::time::sleep(ACCEPT_INTERVAL).await;
    }
}

/// Ends the oldest connection that was not let in to any data, else the oldest.
fn close_one(open: &mut BTreeMap<u64, Open>) {
    let is_stranger = |one: &Open| !one.is_admitted.load(Ordering::Relaxed);
    let stranger = open.iter().find(|(_, one)| is_stranger(one)).map(|(id, _)| *id);
    let chosen = stranger.or_else(|| open.keys().next().copied());
    if let Some(one) = chosen.and_then(|id| open.remove(&id)) {
        one.close.cancel();
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    routes: Router,
    is_admitted: Arc<AtomicBool>,
    close: CancellationToken,
    stop: CancellationToken,
) {
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer { address: peer.ip(), is_admitted: Arc::clone(&is_admitted) });
        routes.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = &mut served => {}
        () = close.cancelled() => {}
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            let _ = served.await;
        }
    }
}
