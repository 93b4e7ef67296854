//! Tells those who watch what happens, as server-sent events, and what they missed.
//!
//! An event's id is that of the gateway's run and a number that ascends. A stream ends with the gateway.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event as Told, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::asked::{Asked, Shared, malformed, refuse};
use crate::at_trace::TraceLine;
use crate::feed::{Feed, Since, Weight};
use crate::wire::page;

/// How often the status is looked at; it is told where it changed.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// Something is said at least as often, so that both ends notice a connection that is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Events that are rendered at once for one who watches.
const BATCH: usize = 16;

/// Proxies such as nginx hold answers back unless they are told not to.
const NO_BUFFERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// Where somebody left off.
#[derive(Deserialize)]
pub(super) struct LeftOff {
    after: Option<String>,
}

/// The number after which to go on; none where nothing is known of the one that was given.
enum Resume {
    Fresh,
    After(u64),
    Unknown,
}

impl Resume {
    fn of(run: &str, headers: &HeaderMap, query: LeftOff) -> Resume {
        let header = headers.get("last-event-id").and_then(|id| id.to_str().ok());
        match header.into_iter().chain(query.after.as_deref()).find(|id| !id.is_empty()) {
            None => Resume::Fresh,
            Some(id) => {
                let number = id.strip_prefix(run).and_then(|rest| rest.strip_prefix('.'));
                number.and_then(|number| number.parse().ok()).map_or(Resume::Unknown, Resume::After)
            }
        }
    }
}

/// What one who watches has been told.
struct Watch {
    asked: Arc<Asked>,
    run: String,
    /// The number of the last event.
    told: u64,
    status: String,
    tick: Interval,
    waiting: VecDeque<Told>,
}

impl Watch {
    fn id(&self) -> String {
        format!("{}.{}", self.run, self.told)
    }

    fn tell(&mut self, kind: &str, data: String) {
        let told = Told::default().event(kind).id(self.id()).data(data);
        self.waiting.push_back(told);
    }

    fn tell_all(&mut self) {
        let Since { items, is_gap } = self.asked.api.feed.since(self.told, BATCH);
        if is_gap {
            self.tell("gap", "{}".to_owned());
        }
        for (number, event) in items {
            self.told = number;
            let (kind, data) = page::event(&event);
            self.tell(kind, data);
        }
    }

    async fn next(mut self) -> Option<(Result<Told, Infallible>, Watch)> {
        loop {
            if let Some(told) = self.waiting.pop_front() {
                return Some((Ok(told), self));
            }
            let asked = Arc::clone(&self.asked);
            tokio::select! {
                () = asked.api.feed.behind(self.told) => self.tell_all(),
                _ = self.tick.tick() => {
                    let status = asked.status();
                    if status != self.status {
                        self.tell("status", status.clone());
                        self.status = status;
                    }
                }
            }
        }
    }
}

pub(super) async fn events(
    State(asked): Shared,
    Query(query): Query<LeftOff>,
    headers: HeaderMap,
) -> Response {
    let feed = &asked.api.feed;
    let run = format!("{:x}", asked.api.facts.started_at);
    let newest = feed.newest();
    let resume = Resume::of(&run, &headers, query);
    let told = match resume {
        Resume::Fresh | Resume::Unknown => newest,
        Resume::After(number) => number,
    };
    let mut tick = interval(STATUS_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stop = asked.api.stop.clone();
    let mut watch = Watch { asked, run, told, status: String::new(), tick, waiting: VecDeque::new() };
    match resume {
        Resume::Fresh => {}
        Resume::Unknown => watch.tell("gap", "{}".to_owned()),
        Resume::After(_) => watch.tell_all(),
    }
    let told = stream::unfold(watch, Watch::next);
    until(told, stop)
}

pub(super) async fn trace(State(asked): Shared, Path(modem): Path<String>) -> Response {
    let Some(feed) = asked.api.traces.iter().find(|(name, _)| name.as_str() == modem).map(|(_, feed)| feed)
    else {
        return refuse(StatusCode::NOT_FOUND, &malformed("there is no modem of this name"));
    };
    let stop = asked.api.stop.clone();
    until(lines(Arc::clone(feed)), stop)
}

/// The last lines there are, and then each as it comes.
fn lines(feed: Arc<Feed<Arc<TraceLine>>>) -> impl Stream<Item = Result<Told, Infallible>> + Send
where
    Arc<TraceLine>: Weight,
{
    let line = |line: &TraceLine| Told::default().event("line").data(page::trace_line(line));
    stream::unfold((feed, 0, VecDeque::new()), move |(feed, mut told, mut waiting)| async move {
        loop {
            if let Some(next) = waiting.pop_front() {
                return Some((Ok(next), (feed, told, waiting)));
            }
            feed.behind(told).await;
            let Since { items, is_gap } = feed.since(told, BATCH);
            if is_gap && told > 0 {
                waiting.push_back(Told::default().event("gap").data("{}"));
            }
            for (number, text) in items {
                told = number;
                waiting.push_back(line(&text));
            }
        }
    })
}

fn until(
    told: impl Stream<Item = Result<Told, Infallible>> + Send + 'static,
    stop: tokio_util::sync::CancellationToken,
) -> Response {
    let told = told.take_until(stop.cancelled_owned());
    let told = Sse::new(told).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    ([NO_BUFFERING], told).into_response()
}
