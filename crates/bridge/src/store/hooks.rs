//! Runs of hooks: rows of their own, so that no script ever delays what is owed to the broker.

use super::{Store, StoreError, Tx};
use crate::config::Event;
use crate::message::UnixMs;

/// A hook to be run for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookRun {
    /// Grows with time.
    pub id: i64,
    /// Which hook, as [`crate::config::Hook::key`] names it.
    pub hook: String,
    /// JSON for its standard input.
    pub payload: String,
    /// JSON of its environment variables.
    pub environment: String,
    /// Failed tries so far.
    pub attempts: u32,
}

impl Store {
    /// The oldest runs that are due and not in hand.
    pub async fn due_hook_runs(
        &self,
        now: UnixMs,
        in_hand: Vec<i64>,
        limit: usize,
    ) -> Result<Vec<HookRun>, StoreError> {
        self.write(move |tx| {
            let mut select = tx.sql.prepare_cached(
                "SELECT id, hook, payload, environment, attempts FROM hook_run WHERE not_before <= ?1
                 ORDER BY id LIMIT ?2",
            )?;
            // Those in hand are due too: so many more are looked at.
            let rows = select.query_map((now, (limit + in_hand.len()) as i64), |row| {
                Ok(HookRun {
                    id: row.get(0)?,
                    hook: row.get(1)?,
                    payload: row.get(2)?,
                    environment: row.get(3)?,
                    attempts: row.get(4)?,
                })
            })?;
            let mut due: Vec<HookRun> = rows.collect::<Result<_, _>>()?;
            due.retain(|run| !in_hand.contains(&run.id));
            due.truncate(limit);
            Ok(due)
        })
        .await
    }

    /// The run is over, well or given up.
    pub async fn hook_done(&self, id: i64) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql.prepare_cached("DELETE FROM hook_run WHERE id = ?1")?.execute([id])?;
            Ok(())
        })
        .await
    }

    /// The run failed and is tried again later.
    pub async fn hook_later(&self, id: i64, not_before: UnixMs) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.sql
                .prepare_cached("UPDATE hook_run SET attempts = attempts + 1, not_before = ?2 WHERE id = ?1")?
                .execute((id, not_before))?;
            Ok(())
        })
        .await
    }
}

/// Writes down a run of every hook for this event; the environment is made only if there is one.
pub(super) fn owe_runs(
    tx: &Tx<'_>,
    event: Event,
    payload: &str,
    environment: impl Fn() -> String,
) -> Result<(), StoreError> {
    for hook in tx.rules.hooks.iter().filter(|hook| hook.on == event) {
        tx.sql
            .prepare_cached(
                "INSERT INTO hook_run (hook, payload, environment, not_before) VALUES (?1, ?2, ?3, 0)",
            )?
            .execute((hook.key(), payload, environment()))?;
        tx.wake_hooks();
    }
    Ok(())
}
