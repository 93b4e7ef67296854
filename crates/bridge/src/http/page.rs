//! The files of the page: HTML, style, scripts, as they are in page/, within the program. They hold no data; what they
//! show they ask for below `api/`. No build step, nothing from elsewhere, and every link is relative: behind a proxy
//! the page is not at the top.

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse as _;
use axum::routing::get;

/// Where the page is, and where the files are that it is made of.
pub(super) const PAGE: &str = "/";

/// What a browser lets the page do: all with files and answers of ours, and nothing that makes a script of a text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'self'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A path and what is there.
macro_rules! file {
    ($name:literal, $kind:expr) => {
        (concat!("/page/", $name), $kind, include_str!(concat!("page/", $name)))
    };
}

const FILES: [(&str, &str, &str); 28] = [
    (PAGE, HTML, include_str!("page/index.html")),
    file!("page.css", CSS),
    file!("icon.svg", SVG),
    file!("access.js", SCRIPT),
    file!("cancel.js", SCRIPT),
    file!("dom.js", SCRIPT),
    file!("event_stream.js", SCRIPT),
    file!("format.js", SCRIPT),
    file!("gateway.js", SCRIPT),
    file!("happened.js", SCRIPT),
    file!("hidden.js", SCRIPT),
    file!("main.js", SCRIPT),
    file!("messages.js", SCRIPT),
    file!("modems.js", SCRIPT),
    file!("panel.js", SCRIPT),
    file!("queue.js", SCRIPT),
    file!("received.js", SCRIPT),
    file!("recipients.js", SCRIPT),
    file!("request.js", SCRIPT),
    file!("send.js", SCRIPT),
    file!("server.js", SCRIPT),
    file!("signal.js", SCRIPT),
    file!("stream.js", SCRIPT),
    file!("trace.js", SCRIPT),
    file!("words.js", SCRIPT),
    file!("words/de.js", SCRIPT),
    file!("words/en.js", SCRIPT),
    file!("words/ru.js", SCRIPT),
];

/// All of them, for whoever asks.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, text)| {
        let answer = ([(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY)], text);
        router.route(path, get(async move || answer.into_response()))
    })
}
