//! The gate between link and client: nothing meant for one connection reaches the broker on the next.
//!
//! Packet ids start again with each connection: a late acknowledgement would acknowledge another message, and a late
//! PUBLISH would shift the ids of all that follow. So the link names the connection each time it uses the client, and
//! the pump empties the client and counts to the next connection in one step.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use rumqttc::v5::{AsyncClient, ClientError};
use tokio::sync::Notify;

/// The client, and the number of the connection it is on.
pub struct Gate {
    client: AsyncClient,
    connection: Mutex<u64>,
    close_requested: Notify,
}

impl Gate {
    pub(super) fn new(client: AsyncClient) -> Self {
        Gate { client, connection: Mutex::new(0), close_requested: Notify::new() }
    }

    /// The number of the current connection, or of the one being made.
    pub(super) fn connection(&self) -> u64 {
        *self.number()
    }

    /// Calls the client if it is still on `connection`.
    pub(super) fn with_connection<R>(
        &self,
        connection: u64,
        act: impl FnOnce(&AsyncClient) -> R,
    ) -> Option<R> {
        let number = self.number();
        (*number == connection).then(|| act(&self.client))
    }

    /// The connection is lost: `discard` empties the client, and the number becomes that of the next connection.
    pub(super) fn next_connection(&self, discard: impl FnOnce()) {
        let mut number = self.number();
        *number += 1;
        // A request to close that the pump has not noticed yet meant the connection that just ended.
        let _ = self.close_requested.notified().now_or_never();
        discard();
    }

    /// Asks the pump to close `connection`; false if that is lost already.
    pub(super) fn request_close(&self, connection: u64) -> bool {
        let number = self.number();
        let is_current = *number == connection;
        if is_current {
            self.close_requested.notify_one();
        }
        is_current
    }

    /// Waits until the link asks for that.
    pub(super) async fn close_requested(&self) {
        self.close_requested.notified().await;
    }

    fn number(&self) -> MutexGuard<'_, u64> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client's error as text: as a value it would carry the whole packet the client could not take.
pub(super) fn client_error(result: Result<(), ClientError>) -> Result<(), String> {
    result.map_err(|error| error.to_string())
}
