//! The gate between link and client: nothing made for one connection reaches the broker on the next.
//!
//! An acknowledgement names a packet id, and ids start again with each connection; a PUBLISH the link no longer counts
//! would shift every id after it. So the link uses the client only under the number of the connection it means, and the
//! pump changes that number and empties the client in one step.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use rumqttc::v5::{AsyncClient, ClientError};
use tokio::sync::Notify;

/// The client, and the number of the connection it is on.
pub struct Gate {
    client: AsyncClient,
    connection: Mutex<u64>,
    hang_up: Notify,
}

impl Gate {
    pub(super) fn new(client: AsyncClient) -> Self {
        Gate { client, connection: Mutex::new(0), hang_up: Notify::new() }
    }

    /// The number of the connection being made or standing.
    pub(super) fn connection(&self) -> u64 {
        *self.number()
    }

    /// Does something with the client if it is still on `connection`.
    pub(super) fn with_connection<R>(
        &self,
        connection: u64,
        act: impl FnOnce(&AsyncClient) -> R,
    ) -> Option<R> {
        let number = self.number();
        (*number == connection).then(|| act(&self.client))
    }

    /// The connection is gone: `discard` empties the client, and the next connection's number begins.
    pub(super) fn close(&self, discard: impl FnOnce()) {
        let mut number = self.number();
        *number += 1;
        // A hang-up that was requested and not yet noticed meant the connection that just ended.
        let _ = self.hang_up.notified().now_or_never();
        discard();
    }

    /// Requests that the pump ends `connection`; false if it is gone already.
    pub(super) fn hang_up(&self, connection: u64) -> bool {
        let number = self.number();
        let stands = *number == connection;
        if stands {
            self.hang_up.notify_one();
        }
        stands
    }

    /// Waits until the link requests that.
    pub(super) async fn hang_up_requested(&self) {
        self.hang_up.notified().await;
    }

    fn number(&self) -> MutexGuard<'_, u64> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client's own error carries the whole packet it could not take.
pub(super) fn client_error(handed: Result<(), ClientError>) -> Result<(), String> {
    handed.map_err(|error| error.to_string())
}
