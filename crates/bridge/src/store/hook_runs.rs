//! Runs of hooks: rows of their own, so that no program ever delays what is to be published.

use super::engine::{Store, Tx};
use super::error::StoreError;
use crate::config::HookEvent;
use crate::event::Event;
use crate::message::UnixMs;

/// A hook to be run for an event.
#[derive(Debug, Clone, PartialEq)]
pub struct HookRun {
    /// Ascends in the order of events.
    pub id: i64,
    /// Which hook, as [`crate::config::Hook::key`] names it.
    pub hook: String,
    /// The event, or why the row cannot be read.
    pub event: Result<Event, String>,
    /// Failed attempts so far.
    pub attempts: u32,
}

impl Store {
    /// The runs that are due and not in `running`: those not tried yet first, in order, then the others by their time.
    pub async fn due_hook_runs(
        &self,
        now: UnixMs,
        running: Vec<i64>,
        limit: usize,
    ) -> Result<Vec<HookRun>, StoreError> {
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached(
                "SELECT id, hook, event, attempts FROM hook_run WHERE not_before <= ?1
                 ORDER BY not_before, id LIMIT ?2",
            )?;
            // Those that run are due too, so as many more are read.
            let rows = select.query_map((now, (limit + running.len()) as i64), |row| {
                Ok(HookRun {
                    id: row.get("id")?,
                    hook: row.get("hook")?,
                    event: row.get("event").map_err(|error| error.to_string()),
                    attempts: row.get("attempts")?,
                })
            })?;
            let mut due: Vec<HookRun> = rows.collect::<Result<_, _>>()?;
            due.retain(|run| !running.contains(&run.id));
            due.truncate(limit);
            Ok(due)
        })
        .await
    }

    /// Deletes a run that succeeded or is given up.
    pub async fn delete_hook_run(&self, id: i64) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql.prepare_cached("DELETE FROM hook_run WHERE id = ?1")?.execute([id])?;
            Ok(())
        })
        .await
    }

    /// Counts a failed attempt; the run is tried again at `not_before`.
    pub async fn retry_hook_run(&self, id: i64, not_before: UnixMs) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql
                .prepare_cached("UPDATE hook_run SET attempts = attempts + 1, not_before = ?2 WHERE id = ?1")?
                .execute((id, not_before))?;
            Ok(())
        })
        .await
    }
}

/// Enqueues a run of each hook configured for this kind of event.
pub(super) fn enqueue(tx: &Tx<'_>, event: &Event) -> Result<(), StoreError> {
    let Some(kind) = HookEvent::of(event) else { return Ok(()) };
    for hook in tx.config.hooks.iter().filter(|hook| hook.on == kind) {
        tx.sql
            .prepare_cached("INSERT INTO hook_run (hook, event, not_before) VALUES (?1, ?2, 0)")?
            .execute((hook.key(), event))?;
        tx.wake_hooks();
    }
    Ok(())
}
