//! The answers of `/health/live` and `/health/ready`. Pure.

use serde::Serialize;

use super::format::json;

/// What both answer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Health"))]
pub(super) struct HealthForm<'a> {
    /// Whether nothing is wrong.
    ok: bool,
    /// What is wrong, for people. Its words are free to change.
    problems: &'a [String],
}

/// The answer where these problems are.
pub fn document(problems: &[String]) -> String {
    json(&HealthForm { ok: problems.is_empty(), problems })
}
