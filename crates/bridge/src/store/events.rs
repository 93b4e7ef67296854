//! Events that are no message and no result: a call, a cell broadcast, the answer to a USSD code.

use super::{Store, StoreError, hooks, outbox};
use crate::config::Event;

impl Store {
    /// Owes the broker one publish, and runs of the hooks for `event`.
    pub async fn tell(&self, topic: String, payload: String, event: Option<Event>) -> Result<(), StoreError> {
        self.write(move |tx| {
            outbox::owe(tx, &topic, &payload)?;
            match event {
                Some(event) => hooks::owe_runs(tx, event, &payload, || "{}".to_owned()),
                None => Ok(()),
            }
        })
        .await
    }
}
