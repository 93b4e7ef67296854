//! Tells those who watch what happens, as server-sent events, and what they missed.
//!
//! An event's id is that of the gateway's run and a number that ascends. A stream ends with the gateway.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::state::{ApiState, Shared, malformed, refuse};
use crate::at_trace::{TraceFeed, TraceLine};
use crate::feed::Since;
use crate::wire::page;

/// How often the status is looked at; it is told where it changed.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// Something is said at least as often, so that both ends notice a connection that is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Events that are rendered at once for one who watches.
const BATCH: usize = 16;

/// Proxies such as nginx hold answers back unless they are told not to.
const NO_BUFFERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// The number after which to go on; none where nothing is known of the one that was given.
enum Resume {
    Fresh,
    After(u64),
    Unknown,
}

impl Resume {
    fn of(run: &str, headers: &HeaderMap) -> Resume {
        let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
        match last_id.filter(|id| !id.is_empty()) {
            None => Resume::Fresh,
            Some(id) => {
                let number = id.strip_prefix(run).and_then(|rest| rest.strip_prefix('.'));
                number.and_then(|number| number.parse().ok()).map_or(Resume::Unknown, Resume::After)
            }
        }
    }
}

/// One who watches.
struct Subscriber {
    state: Arc<ApiState>,
    run: String,
    /// The number of the last event that was told.
    position: u64,
    status: String,
    tick: Interval,
    waiting: VecDeque<SseEvent>,
}

impl Subscriber {
    fn id(&self) -> String {
        format!("{}.{}", self.run, self.position)
    }

    fn tell(&mut self, kind: &str, data: String) {
        let event = SseEvent::default().event(kind).id(self.id()).data(data);
        self.waiting.push_back(event);
    }

    fn tell_all(&mut self) {
        let Since { items, is_gap } = self.state.api.feed.since(self.position, BATCH);
        if is_gap {
            self.tell("gap", "{}".to_owned());
        }
        for (number, event) in items {
            self.position = number;
            let (kind, data) = page::event(&event);
            self.tell(kind, data);
        }
    }

    async fn next(mut self) -> Option<(Result<SseEvent, Infallible>, Subscriber)> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some((Ok(event), self));
            }
            let state = Arc::clone(&self.state);
            tokio::select! {
                () = state.api.feed.behind(self.position) => self.tell_all(),
                _ = self.tick.tick() => {
                    let status = state.status();
                    if status != self.status {
                        self.tell("status", status.clone());
                        self.status = status;
                    }
                }
            }
        }
    }
}

pub(super) async fn events(State(state): Shared, headers: HeaderMap) -> Response {
    let feed = &state.api.feed;
    let run = format!("{:x}", state.api.facts.started_at);
    let newest = feed.newest();
    let resume = Resume::of(&run, &headers);
    let position = match resume {
        Resume::Fresh | Resume::Unknown => newest,
        Resume::After(number) => number,
    };
    let mut tick = interval(STATUS_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stop = state.api.stop.clone();
    let mut subscriber =
        Subscriber { state, run, position, status: String::new(), tick, waiting: VecDeque::new() };
    match resume {
        Resume::Fresh => {}
        Resume::Unknown => subscriber.tell("gap", "{}".to_owned()),
        Resume::After(_) => subscriber.tell_all(),
    }
    until(stream::unfold(subscriber, Subscriber::next), stop)
}

pub(super) async fn trace(State(state): Shared, Path(modem): Path<String>) -> Response {
    let Some(feed) = state.api.traces.iter().find(|(name, _)| name.as_str() == modem).map(|(_, feed)| feed)
    else {
        return refuse(StatusCode::NOT_FOUND, &malformed("there is no modem of this name"));
    };
    let stop = state.api.stop.clone();
    until(lines(Arc::clone(feed)), stop)
}

/// The last lines there are, and then each as it comes.
fn lines(feed: Arc<TraceFeed>) -> impl Stream<Item = Result<SseEvent, Infallible>> + Send {
    let line = |line: &TraceLine| SseEvent::default().event("line").data(page::trace_line(line));
    stream::unfold((feed, 0, VecDeque::new()), move |(feed, mut position, mut waiting)| async move {
        loop {
            if let Some(next) = waiting.pop_front() {
                return Some((Ok(next), (feed, position, waiting)));
            }
            feed.behind(position).await;
            let Since { items, is_gap } = feed.since(position, BATCH);
            if is_gap && position > 0 {
                waiting.push_back(SseEvent::default().event("gap").data("{}"));
            }
            for (number, text) in items {
                position = number;
                waiting.push_back(line(&text));
            }
        }
    })
}

fn until(
    events: impl Stream<Item = Result<SseEvent, Infallible>> + Send + 'static,
    stop: tokio_util::sync::CancellationToken,
) -> Response {
    let events = events.take_until(stop.cancelled_owned());
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    ([NO_BUFFERING], events).into_response()
}
