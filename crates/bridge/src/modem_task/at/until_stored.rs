//! Writing down what cannot be had again: what the network has accepted, and what a modem delivers without storing it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::message::Name;
use crate::store::StoreError;

/// How often it is offered to a store that cannot be written.
const STORE_RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Repeats an operation until it is on disk, or the process stops: it must be written down, however
/// long the disk takes to recover.
pub(super) async fn until_stored<T, F>(
    modem: &Name,
    stop: &CancellationToken,
    mut operation: impl FnMut() -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match operation().await {
            Err(StoreError::Unwritable(reason)) if !stop.is_cancelled() => {
                tracing::debug!(modem = %modem, "{reason}: trying again until it is on disk");
                tokio::time::sleep(STORE_RETRY_INTERVAL).await;
            }
            done => return done,
        }
    }
}
