//! How an answer in JSON is marked.

use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;

/// The header of such an answer.
pub(super) const JSON: (HeaderName, &str) = (CONTENT_TYPE, "application/json");
